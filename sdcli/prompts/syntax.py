"""The prompt languages: one row each, which says how a prompt of it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sdcli.prompts.a1111 import WeightedText, parse_weights_without_tags, split_at_and
from sdcli.prompts.scheduling import ScheduledText, find_stray_sign, parse_prompt_editing
from sdcli.prompts.tags import extract_lora_tags
from sdcli.request import Lora


def _one_weight(text: str) -> tuple[WeightedText, ...]:
    return (WeightedText(text, 1.0),)


class Schedule(Protocol):
    """Reads how a text changes in so many steps, which may come after those of a first pass."""

    def __call__(self, text: str, steps: int, first_pass: int = 0) -> tuple[ScheduledText, ...]:
        """The texts, one after another."""
        ...


def _no_change(text: str, steps: int, first_pass: int = 0) -> tuple[ScheduledText, ...]:
    return (ScheduledText(steps, text),)


def _no_tags(text: str) -> tuple[str, tuple[Lora, ...]]:
    return text, ()


def _nothing_stray(text: str) -> str:
    return ""


@dataclass(frozen=True)
class Syntax:
    """How a prompt is read, in this order: tags, AND, changes on the way, weights.

    What a language lacks it leaves as text; `plain` lacks all of it.
    """

    name: str
    extract_tags: Callable[[str], tuple[str, tuple[Lora, ...]]] = _no_tags
    split_at_and: Callable[[str], tuple[WeightedText, ...]] = _one_weight
    schedule: Schedule = _no_change
    parse_weights: Callable[[str], tuple[WeightedText, ...]] = _one_weight
    find_stray_sign: Callable[[str], str] = _nothing_stray

    @property
    def has_weights(self) -> bool:
        """Whether brackets make words stronger."""
        return self.parse_weights is not _one_weight

    @property
    def has_tags(self) -> bool:
        """Whether `<lora:name:1>` is more than words."""
        return self.extract_tags is not _no_tags


DEFAULT_SYNTAX = "a1111"
SYNTAXES = {
    syntax.name: syntax
    for syntax in (
        Syntax(
            "a1111",
            extract_lora_tags,
            split_at_and,
            parse_prompt_editing,
            parse_weights_without_tags,
            find_stray_sign,
        ),
        Syntax(
            "a1111-1.5",  # and before: what is below 1 is a share of the steps, point or no point
            extract_lora_tags,
            split_at_and,
            partial(parse_prompt_editing, shares_below_one=True),
            parse_weights_without_tags,
            find_stray_sign,
        ),
        Syntax(
            "a1111-unweighted",  # its setting "Emphasis: None": brackets are letters, unless they edit
            extract_lora_tags,
            split_at_and,
            parse_prompt_editing,
            find_stray_sign=find_stray_sign,
        ),
        Syntax("plain"),
    )
}
