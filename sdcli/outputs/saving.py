"""Pictures saved one after the other, beside the drawing where the CPU has nothing else to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sdcli.picture import Picture

T = TypeVar("T")


def save_each(
    pictures: Iterable[Picture], save: Callable[[Picture], T]
) -> Iterator[tuple[Picture, T]]:
    """Each picture with what saving it gave, in order.

    What a CPU drew is saved before the next is begun. What a GPU drew is saved while it draws the
    next, and handed over after that; where drawing stops, by an error too, what is drawn is saved.
    """
    waiting: list[tuple[Picture, Future[T]]] = []
    with ThreadPoolExecutor(1) as pool:
        try:
            for picture in pictures:
                yield from _finish(waiting)
                if picture.provenance.device == "cpu":
                    yield picture, save(picture)
                else:
                    waiting.append((picture, pool.submit(save, picture)))
        except GeneratorExit:  # nobody listens any more; what waits is saved all the same
            raise
        except BaseException:
            yield from _finish(waiting)
            raise
        yield from _finish(waiting)


def _finish(waiting: list[tuple[Picture, Future[T]]]) -> Iterator[tuple[Picture, T]]:
    while waiting:
        picture, saved = waiting.pop(0)
        yield picture, saved.result()
