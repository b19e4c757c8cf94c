"""The prompts of a plan: what each picture is drawn with, and whether it can be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sdcli.errors import BadRequest
from sdcli.options.table import OPTIONS
from sdcli.plan import PictureWords
from sdcli.planning.adapters import find_loras
from sdcli.prompts.choices.choose import choices_mode, template_of
from sdcli.prompts.choices.resolve import Texts
from sdcli.prompts.choices.template import has_choices, read_template
from sdcli.prompts.syntax import Syntax
from sdcli.request import Edit, Request, Task
from sdcli.weights.checkpoint import Checkpoint


def with_first_texts(request: Request, texts: Sequence[Texts]) -> Request:
    """The request for as many pictures as there are texts chosen, with those of the first."""
    if choices_mode(request) == "none":
        return request
    for option in (OPTIONS["hires-prompt"], OPTIONS["hires-negative"]):
        said = option.value_in(request)
        if said and has_choices(read_template(said)):
            raise BadRequest(
                f"choices are made in the prompt and its negative, and `--{option.name}` has some",
                hint="without words of its own the second pass has those that were chosen",
            )
    return replace(request, **texts[0]._asdict(), count=len(texts))


def find_words(
    texts: Sequence[Texts], request: Request, language: Syntax, model: Checkpoint
) -> tuple[PictureWords, ...]:
    """For each of the texts what the picture is drawn with: words, and the LoRAs of the request
    and those that the text names."""

    def read(text: Texts) -> PictureWords:
        prompt, tagged = language.extract_tags(OPTIONS["prompt"].check(text.prompt))
        loras = find_loras((*request.loras, *tagged), model, partial=request.lora_partial)
        return PictureWords(prompt, OPTIONS["negative"].check(text.negative), loras)

    words = {text: read(text) for text in dict.fromkeys(texts)}
    return tuple(words[text] for text in texts)


def check_prompts(task: Task, language: Syntax, steps: int, words: Iterable[PictureWords]) -> None:
    """Read the prompts once, so that what cannot be read is refused before a model is loaded."""
    for one in dict.fromkeys(words):
        joined = language.split_at_and(one.prompt)
        if isinstance(task, Edit) and len(joined) > 1:
            raise BadRequest(
                "an instruction cannot be joined with `AND`",
                hint="write `and` for the word: capitals read the same",
            )
        for text in (*(part.text for part in joined), one.negative):
            for scheduled in language.schedule(text, steps):
                language.parse_weights(scheduled.text)


def words_of_run(
    request: Request, texts: Sequence[Texts], words: tuple[PictureWords, ...]
) -> dict[str, Any]:
    """What a plan says of words that were chosen: those of each picture where they are not all the
    same, and what they were chosen from."""
    prompt, negative = template_of(request)
    return {
        "words": words if len(set(words)) > 1 else (),
        "template": prompt if {text.prompt for text in texts} != {prompt} else "",
        "negative_template": negative if {text.negative for text in texts} != {negative} else "",
    }
