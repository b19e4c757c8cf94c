"""A reader of pickles that can make nothing but descriptions of tensors and the tables they lie in.

PyTorch's files are programs for a small machine, and Python's own machine runs whatever they name.
This one is ours: each instruction either makes a plain value or asks `pickle_builders` for a
stand-in. It spends a budget of instructions and stops when that is gone; it never calls itself, so
no nesting is too deep for it; and nothing that a file says outlives the reading of that file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from sdcli.weights.pickle_builders import Call, Husk, Storage, build, find_stand_in, make_storage

MOST_INSTRUCTIONS = 1_000_000  # a real checkpoint has about 50 for each tensor
MOST_MARKS = 10_000  # containers begun and not ended
LONGEST_LINE = 1 << 16
LONGEST_INTEGER = 16  # bytes: PyTorch's own longest has 10


class Unpickler:
    """Reads one pickle after another from bytes, each by `load`."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.storages: dict[str, Storage] = {}
        self.place = 0  # of the next byte
        self._data = data
        self._budget = MOST_INSTRUCTIONS
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The next pickle's value. ValueError or IndexError: it is damaged, or wants too much."""
        self._stack, self._marked, self._memo = [], [], {}
        data, instructions = self._data, _INSTRUCTIONS
        while True:
            code = data[self.place]
            self.place += 1
            self._spend(1)
            if code == _STOP:
                return self._stack.pop()
            instruction = instructions.get(code)
            if instruction is None:
                raise ValueError(f"an instruction {code} that no model needs")
            instruction(self)

    def _spend(self, count: int) -> None:
        self._budget -= count
        if self._budget < 0:
            raise ValueError(f"its pickle takes more than {MOST_INSTRUCTIONS:,} steps")

    def _take(self, count: int) -> bytes:
        end = self.place + count
        if count < 0 or end > len(self._data):
            raise ValueError("its pickle ends too early")
        taken = self._data[self.place : end]
        self.place = end
        return taken

    def _number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(size), "little", signed=signed)

    def _line(self) -> str:
        end = self._data.find(b"\n", self.place, self.place + LONGEST_LINE)
        if end < 0:
            raise ValueError("a line of its pickle does not end")
        line = self._data[self.place : end]
        self.place = end + 1
        return line.decode("latin1")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _remember(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def _recall(self, key: int) -> None:
        if key not in self._memo:
            raise ValueError("its pickle means something that it never made")
        self._stack.append(self._memo[key])

    def _mark(self) -> None:
        if len(self._marked) >= MOST_MARKS:
            raise ValueError("its pickle is nested too deeply")
        self._marked.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marked.pop()
        return items

    def _text(self, size: int) -> None:
        self._push(self._take(size).decode("utf-8", "surrogatepass"))

    def _latin(self, size: int) -> None:
        self._push(self._take(size).decode("latin1"))

    def _bytes(self, size: int) -> None:
        self._push(self._take(size))

    def _integer(self, size: int) -> None:
        raw = self._take(size)
        # Nothing about weights is a number as long as that.
        self._push(
            int.from_bytes(raw, "little", signed=True) if size <= LONGEST_INTEGER else Husk()
        )

    def _integer_line(self) -> None:
        text = self._line().rstrip("L")
        if len(text) > 2 * LONGEST_INTEGER:
            raise ValueError("a number of its pickle is too long")
        self._push({"00": False, "01": True}.get(text, int(text)))

    def _string_line(self) -> None:
        text = self._line()
        if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
            raise ValueError("a text of its pickle has no end")
        self._push(text[1:-1].encode("latin1").decode("unicode_escape"))

    def _tuple(self, size: int) -> None:
        if len(self._stack) < size:
            raise ValueError("its pickle takes what it never made")
        items = tuple(self._stack[len(self._stack) - size :])
        del self._stack[len(self._stack) - size :]
        self._push(items)

    def _put_items(self, target: Any, items: list[Any]) -> None:
        table = target.held if isinstance(target, Husk) else target
        if isinstance(table, dict):
            known = cast("dict[Any, Any]", table)
            for key, value in zip(items[::2], items[1::2], strict=True):
                if isinstance(key, str | int):  # the name of a tensor is never anything else
                    known[key] = value

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            cast("list[Any]", target).extend(items)

    def _table_since_mark(self) -> None:
        items = self._since_mark()
        table: dict[Any, Any] = {}
        self._put_items(table, items)
        self._push(table)

    def _set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._put_items(self._stack[-1], [key, value])

    def _set_items(self) -> None:
        items = self._since_mark()
        self._put_items(self._stack[-1], items)

    def _append_items(self) -> None:
        items = self._since_mark()
        self._append(items)

    def _append_one(self) -> None:
        item = self._stack.pop()
        self._append([item])

    def _name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("its pickle names something by no name")
        self._push(find_stand_in(self.path, module, name))

    def _name_from_lines(self) -> None:
        module = self._line()
        self._name(module, self._line())

    def _name_from_stack(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._name(module, name)

    def _call(self, target: Any, arguments: Any) -> None:
        if not isinstance(arguments, tuple):
            raise ValueError("its pickle calls something with no arguments")
        given = cast("tuple[Any, ...]", arguments)
        self._push(build(Call(target, given), self._spend))

    def _reduce(self) -> None:
        arguments, target = self._stack.pop(), self._stack.pop()
        self._call(target, arguments)

    def _new_object_with_keywords(self) -> None:
        self._stack.pop()
        self._reduce()

    def _object_since_mark(self) -> None:
        target, *arguments = self._since_mark()
        self._call(target, tuple(arguments))

    def _instance(self) -> None:
        self._name_from_lines()
        target = self._stack.pop()
        self._call(target, tuple(self._since_mark()))

    def _set_state(self) -> None:
        """State goes into husks alone; whatever is ours, or shared, takes none."""
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, Husk) and isinstance(state, dict):
            known = cast("dict[Any, Any]", state)
            self._spend(len(known))
            target.held.update(known)

    def _storage(self, description: Any) -> None:
        storage = make_storage(description)
        self.storages.setdefault(storage.key, storage)
        self._push(storage)

    def _protocol(self) -> None:
        if self._take(1)[0] > 5:
            raise ValueError("its pickle is of a later kind")


_STOP = ord(".")
_Instruction = Callable[[Unpickler], object]
# pyright: reportPrivateUsage=false
_ROWS: tuple[tuple[str, _Instruction], ...] = (
    ("\x80", Unpickler._protocol),
    ("\x95", lambda reader: reader._take(8)),  # a frame, which only helps to read ahead
    ("(", Unpickler._mark),
    ("0", lambda reader: reader._stack.pop() if reader._stack else reader._since_mark()),
    ("1", Unpickler._since_mark),
    ("2", lambda reader: reader._push(reader._stack[-1])),
    ("N", lambda reader: reader._push(None)),
    ("\x88", lambda reader: reader._push(True)),
    ("\x89", lambda reader: reader._push(False)),
    ("I", Unpickler._integer_line),
    ("L", Unpickler._integer_line),
    ("J", lambda reader: reader._push(reader._number(4, signed=True))),
    ("K", lambda reader: reader._push(reader._number(1))),
    ("M", lambda reader: reader._push(reader._number(2))),
    ("\x8a", lambda reader: reader._integer(reader._number(1))),
    ("\x8b", lambda reader: reader._integer(reader._number(4, signed=True))),
    ("F", lambda reader: reader._push(float(reader._line()))),
    ("G", lambda reader: reader._push(struct.unpack(">d", reader._take(8))[0])),
    ("S", Unpickler._string_line),
    ("T", lambda reader: reader._latin(reader._number(4, signed=True))),
    ("U", lambda reader: reader._latin(reader._number(1))),
    ("V", lambda reader: reader._push(
        reader._line().encode("latin1").decode("raw_unicode_escape"))),
    ("X", lambda reader: reader._text(reader._number(4))),
    ("\x8c", lambda reader: reader._text(reader._number(1))),
    ("\x8d", lambda reader: reader._text(reader._number(8))),
    ("B", lambda reader: reader._bytes(reader._number(4))),
    ("C", lambda reader: reader._bytes(reader._number(1))),
    ("\x8e", lambda reader: reader._bytes(reader._number(8))),
    ("\x96", lambda reader: reader._bytes(reader._number(8))),
    (")", lambda reader: reader._push(())),
    ("\x85", lambda reader: reader._tuple(1)),
    ("\x86", lambda reader: reader._tuple(2)),
    ("\x87", lambda reader: reader._tuple(3)),
    ("t", lambda reader: reader._push(tuple(reader._since_mark()))),
    ("]", lambda reader: reader._push([])),
    ("l", lambda reader: reader._push(reader._since_mark())),
    ("a", Unpickler._append_one),
    ("e", Unpickler._append_items),
    ("}", lambda reader: reader._push({})),
    ("d", Unpickler._table_since_mark),
    ("s", Unpickler._set_item),
    ("u", Unpickler._set_items),
    ("\x8f", lambda reader: reader._push([])),  # a set, of which nobody asks what is in it
    ("\x90", Unpickler._append_items),
    ("\x91", lambda reader: reader._push(reader._since_mark())),
    ("p", lambda reader: reader._remember(int(reader._line()))),
    ("q", lambda reader: reader._remember(reader._number(1))),
    ("r", lambda reader: reader._remember(reader._number(4))),
    ("\x94", lambda reader: reader._remember(len(reader._memo))),
    ("g", lambda reader: reader._recall(int(reader._line()))),
    ("h", lambda reader: reader._recall(reader._number(1))),
    ("j", lambda reader: reader._recall(reader._number(4))),
    ("c", Unpickler._name_from_lines),
    ("\x93", Unpickler._name_from_stack),
    ("R", Unpickler._reduce),
    ("\x81", Unpickler._reduce),
    ("\x92", Unpickler._new_object_with_keywords),
    ("o", Unpickler._object_since_mark),
    ("i", Unpickler._instance),
    ("b", Unpickler._set_state),
    ("P", lambda reader: reader._storage(reader._line())),
    ("Q", lambda reader: reader._storage(reader._stack.pop())),
)  # fmt: skip
_INSTRUCTIONS: Mapping[int, _Instruction] = {ord(code): step for code, step in _ROWS}
