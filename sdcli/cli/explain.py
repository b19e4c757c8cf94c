"""How a prompt is read."""

from __future__ import annotations

from sdcli.cli import console, options
from sdcli.cli.drawing_options import read_prompt
from sdcli.prompts.explain import explain_prompt, explanation_lines, explanation_record


def explain(
    prompt: options.Sentence,
    negative: options.Negative = None,
    model: options.Model = None,
    embeddings: options.Embeddings = None,
    syntax: options.Syntax = None,
    steps: options.Steps = None,
    json: options.Json = False,
) -> None:
    """Show how a prompt is read.

    Its tokens, chunks and weights, and the names found in it.
    """
    found = explain_prompt(
        read_prompt(prompt),
        negative,
        syntax=syntax or "a1111",
        embeddings=tuple(embeddings or ()),
        model=model,
        steps=steps,
    )
    if json:
        console.print_record(explanation_record(found))
    else:
        console.print_styled(explanation_lines(found))
