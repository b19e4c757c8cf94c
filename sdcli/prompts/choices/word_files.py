"""Files of words: `__colours__` is a line of `colours.txt` in the user's folder of wildcards.

A line is a text with choices of its own; `3::blue` is taken three times as often. Blank lines and those
that begin with `#` say nothing. JSON and YAML files hold such lists in trees: `__clothes/hats__`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest
from sdcli.library.open_file import is_folder, open_regular_file
from sdcli.prompts.choices.template import Weighted, read_template
from sdcli.text import suggest

MOST_FILES = 20_000
LONGEST_FILE = 8 * 2**20  # bytes
MOST_LINES = 200_000  # of all files that match
_WEIGHT = re.compile(r"(\d+\.?\d*|\.\d+)::(?=.)")
DEEPEST = 50  # names within names
_TREES = (".json", ".yaml", ".yml")


class WordFiles:
    """The files of a folder, read when they are asked for; of no folder there are none."""

    def __init__(self, folder: Path | None) -> None:
        """Look into nothing yet; BadRequest where the folder is none."""
        if folder is not None and not is_folder(folder):
            raise BadRequest(
                f"there is no folder `{folder}`", hint="`--wildcards` names a folder of .txt files"
            )
        self.folder = folder
        self._found: dict[str, tuple[Weighted, ...]] = {}

    def find(self, pattern: str) -> tuple[Weighted, ...]:
        """The lines of every file whose name matches, each once; BadRequest where there is none."""
        if pattern not in self._found:
            self._found[pattern] = self._read(pattern)
        return self._found[pattern]

    def _read(self, pattern: str) -> tuple[Weighted, ...]:
        wanted = re.sub(r"[\\/]+", "/", pattern).strip("/")
        names = [name for name in self._names if fnmatchcase(name, wanted)]
        names = names or [name for name in self._names if fnmatchcase(name, f"*/{wanted}")]
        lines = dict.fromkeys(line for name in names for line in self._lines(name))
        if not lines:
            raise self._missing(wanted, empty=bool(names))
        if len(lines) > MOST_LINES:
            raise BadRequest(f"`__{wanted}__` has {len(lines)} lines", hint=f"{MOST_LINES} at most")
        return tuple(_read_line(line, wanted) for line in lines)

    def _missing(self, wanted: str, *, empty: bool) -> BadRequest:
        if empty:
            return BadRequest(f"there is no line in `__{wanted}__`", hint="write some, or leave it")
        if self.folder is None:
            return BadRequest(
                f"there is no folder with words for `__{wanted}__`",
                hint=f"`--wildcards FOLDER`, with `{wanted}.txt` in it; `\\__{wanted}__` is text",
            )
        near = suggest(wanted, self._names)
        return BadRequest(
            f"no file in `{self.folder}` gives words for `__{wanted}__`",
            hint=f"{near}write `{wanted}.txt`, a line for each; `\\__{wanted}__` is text",
        )

    def _lines(self, name: str) -> Sequence[str]:
        found = self._names[name]
        return _text_lines(found) if isinstance(found, Path) else found

    @cached_property
    def _names(self) -> Mapping[str, Path | Sequence[str]]:
        """Every name, in order: with the file of its lines, or with the lines in a tree."""
        if self.folder is None:
            return {}
        names: dict[str, Path | Sequence[str]] = {}
        for path in _files(self.folder):
            name = path.relative_to(self.folder).with_suffix("").as_posix()
            if path.suffix == ".txt":
                names[name] = path
            elif path.suffix in _TREES:
                tree = _read_tree(path)
                # A list has the name of its file, a tree names its lists itself.
                parent = name if isinstance(tree, list) else name.rpartition("/")[0]
                names.update(_walk_tree(tree, parent, [0]))
        return dict(sorted(names.items()))


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        count += len(files)
        if count > MOST_FILES:
            raise BadRequest(
                f"`{folder}` holds more than {MOST_FILES} files",
                hint="name the folder of the words alone",
            )
        yield from (Path(place, name) for name in sorted(files))


def _read_text(path: Path) -> str:
    with open_regular_file(path) as file:
        content = file.read(LONGEST_FILE + 1)
    if len(content) > LONGEST_FILE:
        raise BadRequest(f"`{path}` is too long for a file of words", hint="part it into several")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest(f"`{path}` is no text in UTF-8", hint="save it as UTF-8") from None


def _text_lines(path: Path) -> list[str]:
    lines = (line.strip() for line in _read_text(path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _read_line(line: str, name: str) -> Weighted:
    weight = _WEIGHT.match(line)
    try:
        parts = read_template(line[weight.end() :] if weight else line)
    except BadRequest as error:
        raise BadRequest(f"a line of `__{name}__`: {error.fact}", hint=error.hint) from None
    return Weighted(parts, float(weight[1])) if weight else Weighted(parts)


def _read_tree(path: Path) -> Any:
    """What a JSON or YAML file holds."""
    text = _read_text(path)
    yaml: Any = import_module("yaml")  # which transformers brings; few have such files
    try:
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise BadRequest(
            f"`{path}` is no {path.suffix[1:].upper()}: {' '.join(str(error).split())[:120]}",
            hint="it is to hold lists of words by name",
        ) from None


def _walk_tree(tree: Any, name: str, lines: list[int]) -> Iterator[tuple[str, Sequence[str]]]:
    """Every list of a tree by its name; `lines` counts what was read, so that it has an end."""
    if isinstance(tree, dict):
        for key, value in cast("dict[Any, Any]", tree).items():
            yield from _walk_tree(value, f"{name}/{key}".strip("/"), lines)
    elif tree:
        items = cast("list[Any]", tree) if isinstance(tree, list) else [tree]
        lines[0] += len(items)
        if lines[0] > MOST_LINES or name.count("/") > DEEPEST:
            raise BadRequest(f"`{name}` holds too many words", hint="part them into files")
        yield name, [line for line in map(_tree_line, items) if line]


def _tree_line(item: Any) -> str:
    """A text, a number, or `{"text": "blue", "weight": 3}`."""
    if isinstance(item, dict):
        pairs = cast("dict[str, Any]", item)
        text = str(pairs.get("text") or pairs.get("content") or "").strip()
        return f"{pairs['weight']}::{text}" if text and "weight" in pairs else text
    return str(item).strip() if isinstance(item, str | int | float) else ""
