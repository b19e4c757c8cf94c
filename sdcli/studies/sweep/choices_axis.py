"""A sweep over all combinations of the choices in a prompt: one more thing that varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os.path import commonprefix

from sdcli.plan import Plan
from sdcli.prompts.choices.choose import choices_mode, choose_texts, template_of
from sdcli.prompts.choices.resolve import Texts
from sdcli.request import Request
from sdcli.studies.sweep.axis import Axis

CHOICES = "choices"


def choices_axes(request: Request) -> tuple[Axis, ...]:
    """The axis of a request that goes through all of its choices; none of any other request."""
    if choices_mode(request) != "all":
        return ()
    texts = dict(zip_labels(choose_texts(replace(request, count=None), request.seed or 0)))

    def apply(asked: Request, value: str) -> Request:
        chosen = texts[value]
        negative = asked.negative if asked.negative is None else chosen.negative
        return replace(
            asked, prompt=chosen.prompt, negative=negative, choices="none", wildcards=None
        )

    return (Axis(CHOICES, tuple(texts), apply),)


def choices_flags(request: Request) -> tuple[str, ...]:
    """The flags that ask for such a sweep, but for those of a plan."""
    folder = () if request.wildcards is None else ("--wildcards", str(request.wildcards))
    negative = () if request.negative is None else ("--negative", request.negative)
    return ("--choices", "all", *folder, *negative)


def with_template(plan: Plan, request: Request) -> Plan:
    """The plan of one combination, with what it is a combination of."""
    prompt, negative = template_of(request)
    return replace(
        plan,
        template=prompt if plan.prompt != prompt else "",
        negative_template=negative if plan.negative != negative else "",
    )


def zip_labels(texts: Sequence[Texts]) -> list[tuple[str, Texts]]:
    """Each text with a name: the words in which it differs from the others."""
    wholes = [" / ".join(filter(None, text)) for text in texts]
    words = [whole.split(" ") for whole in wholes]
    before = len(commonprefix(words))
    after = len(commonprefix([each[before:][::-1] for each in words]))
    labels = [" ".join(each[before : len(each) - after]) or "-" for each in words]
    names = labels if len(set(labels)) == len(labels) else wholes
    return list(zip(names, texts, strict=True))
