"""Choices made: by a seed, the same ones whenever it is the same, or all of them one after another.

Both go through the same resolver, which asks a chooser wherever there is something to choose. To go
through all, the text is made again and again, each time with the last choice that can still be
another one made otherwise.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from sdcli.errors import BadRequest
from sdcli.prompts.choices.template import (
    Assignment,
    Choice,
    FromFile,
    Parts,
    Use,
    Weighted,
    Wrap,
    read_template,
)
from sdcli.prompts.choices.word_files import WordFiles

DEEPEST = 60  # choices within choices, files and values among them
TRIES = 20  # to choose texts that are all different
MOST_WORK = 40_000_000  # characters put together, and so many more for each part
_PART, _OPTION = 200, 20
_DOTS = re.compile("[\u1801\u2026\u22ee\u22ef\u22f0\u22f1\ufe19]+|\\.{3,}")
_OTHER_STREAM = 1 << 64  # above every seed: the negative prompt's choices are not the prompt's


class Texts(NamedTuple):
    """A prompt and its negative."""

    prompt: str
    negative: str


def choose_by_seed(template: Texts, seed: int, files: WordFiles) -> Texts:
    """The texts of the picture that has this seed."""
    budget = _Budget()

    def text(words: str, stream: int) -> str:
        chance = _Chance(seed, stream)
        return _Resolver(files, chance, chance, budget).text(words)

    return Texts(text(template.prompt, 0), text(template.negative, _OTHER_STREAM))


def list_combinations(template: Texts, seed: int, files: WordFiles, most: int) -> list[Texts]:
    """Every combination of choices, each once; BadRequest where they are more than `most`.

    What is left to chance in all of them is decided by the seed, from one to the next.
    """
    every, budget = _Every(), _Budget()
    found: dict[Texts, None] = {}
    while True:
        chance = _Chance(seed + len(found))
        resolver = _Resolver(files, every, chance, budget)
        with suppress(_Repeated):
            found[Texts(*map(resolver.text, template))] = None
        if len(found) > most:
            raise BadRequest(
                f"the prompt has more than {most} combinations",
                hint=f"`--choices random --count {most}` draws some of them",
            )
        if not every.go_on():
            break
    if not found:
        raise BadRequest(
            "the prompt has no combination: it wants more different words than it gives",
            hint="`{2$$red|blue}` wants two of them",
        )
    return list(found)


class _Chooser(Protocol):
    def choose(self, weights: Sequence[float], method: str) -> int: ...


class _Chance:
    """Chooses by a seed."""

    def __init__(self, seed: int, stream: int = 0) -> None:
        self._seed = seed
        self._random = random.Random(seed | stream)

    def choose(self, weights: Sequence[float], method: str) -> int:
        """One of so many, by their weights, or `@` in turn from seed to seed."""
        if method == "!":
            raise BadRequest(
                "`{!...}` goes through all of its options, and one is to be chosen",
                hint="leave the `!` away, or ask for all with `--choices all`",
            )
        if method == "@":
            return self._seed % len(weights)
        point = self._random.random() * sum(weights)
        for place, weight in enumerate(weights):
            point -= weight
            if point < 0:
                return place
        return max(place for place, weight in enumerate(weights) if weight or not sum(weights))


class _Every:
    """Chooses what was not chosen before, the last choice fastest."""

    def __init__(self) -> None:
        self._chosen: list[int] = []
        self._counts: list[int] = []

    def choose(self, weights: Sequence[float], method: str) -> int:
        """The option whose turn it is."""
        place = len(self._counts)
        if place == len(self._chosen):
            self._chosen.append(0)
        self._counts.append(len(weights))
        return self._chosen[place]

    def go_on(self) -> bool:
        """Go on to the next combination; False after the last."""
        del self._chosen[len(self._counts) :]
        while self._chosen and self._chosen[-1] + 1 == self._counts[-1]:
            self._chosen.pop()
            self._counts.pop()
        self._counts.clear()
        if not self._chosen:
            return False
        self._chosen[-1] += 1
        return True


class _Repeated(Exception):
    """The same text was chosen twice where different ones are wanted."""


class _Budget:
    """How much may still be put together, so that no text takes for ever."""

    def __init__(self) -> None:
        self._left = MOST_WORK

    def spend(self, characters: int) -> None:
        self._left -= _PART + characters
        if self._left < 0:
            raise BadRequest(
                "the choices in the prompt are too many to go through",
                hint="take fewer within each other; `--choices random` takes one at a time",
            )


@dataclass(frozen=True)
class _Scope:
    """The values that have names here, those that are being made, and how deep this is."""

    values: Mapping[str, Parts]
    within: frozenset[str] = frozenset()
    depth: int = 0

    def deeper(self) -> _Scope:
        if self.depth == DEEPEST:
            raise BadRequest(
                "the choices in the prompt go round in circles, or too deep",
                hint="a file of words that names itself never comes to an end",
            )
        return replace(self, depth=self.depth + 1)


class _Resolver:
    """Makes texts of templates."""

    def __init__(
        self, files: WordFiles, chooser: _Chooser, chance: _Chooser, budget: _Budget
    ) -> None:
        self._files, self._budget = files, budget
        self._chooser, self._chance = chooser, chance

    def text(self, template: str) -> str:
        """The text of a template, with its choices made."""
        return self._resolve(read_template(template), _Scope({}))

    def _choose(self, weights: Sequence[float], method: str) -> int:
        by_chance = method in ("~", "@")
        return (self._chance if by_chance else self._chooser).choose(weights, method)

    def _resolve(self, parts: Parts, scope: _Scope) -> str:
        scope = self._with_values(parts, scope.deeper())
        texts = (self._part(part, scope) for part in parts if not isinstance(part, Assignment))
        joined = "".join(texts)
        self._budget.spend(len(joined))
        return joined

    def _with_values(self, parts: Parts, scope: _Scope) -> _Scope:
        """The scope with the values that the parts give names to."""
        for part in parts:
            if isinstance(part, Assignment) and not (part.keeps and part.name in scope.values):
                value = (self._resolve(part.value, scope),) if part.at_once else part.value
                scope = replace(scope, values={**scope.values, part.name: value})
        return scope

    def _part(self, part: str | Choice | FromFile | Assignment | Use | Wrap, scope: _Scope) -> str:
        match part:
            case str():
                return part
            case Choice():
                return self._choice(part, scope)
            case FromFile():
                return self._line(part, scope)
            case Use():
                return self._value(part, scope)
            case Wrap():
                return self._wrapped(part, scope)
            case Assignment():
                return ""

    def _choice(self, choice: Choice, scope: _Scope) -> str:
        options = self._options(choice, scope)
        least, most = (min(number, len(options)) for number in (choice.least, choice.most))
        count = least + self._choose([1.0] * (most - least + 1), choice.method)
        texts: list[str] = []
        for _ in range(TRIES):
            texts = self._take(count, list(options), choice.method, scope)
            if len(set(texts)) == count:
                break
            if isinstance(self._chooser, _Every):
                raise _Repeated
        return choice.separator.join(dict.fromkeys(texts))

    def _take(self, count: int, options: list[Weighted], method: str, scope: _Scope) -> list[str]:
        """The texts of so many of the options, no option twice."""
        texts: list[str] = []
        for _ in range(count):
            self._budget.spend(_OPTION * len(options))
            place = self._choose([option.weight for option in options], method)
            texts.append(self._resolve(options.pop(place).parts, scope))
        return texts

    def _options(self, choice: Choice, scope: _Scope) -> Sequence[Weighted]:
        """The options; those of a choice from a file alone are its lines."""
        only = choice.options[0].parts if len(choice.options) == 1 else ()
        if len(only) == 1 and isinstance(only[0], FromFile) and not only[0].values:
            return self._files.find(self._resolve(only[0].path, scope))
        return choice.options

    def _line(self, file: FromFile, scope: _Scope) -> str:
        lines = self._files.find(self._resolve(file.path, scope))
        place = self._choose([line.weight for line in lines], file.method)
        return self._resolve(lines[place].parts, self._with_values(file.values, scope))

    def _value(self, use: Use, scope: _Scope) -> str:
        value = scope.values.get(use.name, use.default)
        if value is None:
            raise BadRequest(
                f"`${{{use.name}}}` has no value",
                hint=f"`${{{use.name}=red}}` gives it one, `${{{use.name}:red}}` where it has none",
            )
        if use.name in scope.within:
            raise BadRequest(
                f"the value of `${{{use.name}}}` is made of itself", hint="give it another name"
            )
        return self._resolve(value, replace(scope, within=scope.within | {use.name}))

    def _wrapped(self, wrap: Wrap, scope: _Scope) -> str:
        around = self._resolve(wrap.around, scope)
        dots = _DOTS.search(around)
        inner = self._resolve(wrap.inner, scope)
        if dots is None:
            return around + inner
        return around[: dots.start()] + inner + around[dots.end() :]
