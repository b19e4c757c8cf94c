"""How a prompt is read."""

from __future__ import annotations

from sdcli import console
from sdcli import explain as explaining
from sdcli.cli import options
from sdcli.cli.said import heard
from sdcli.resolve import word


def explain(
    prompt: options.Sentence,
    negative: options.Negative = None,
    model: options.Model = None,
    embeddings: options.Embeddings = None,
    syntax: options.Syntax = None,
    steps: options.Steps = None,
    json: options.Json = False,
) -> None:
    """Show how a prompt is read: tokens, chunks, weights, and the names found in it."""
    found = explaining.explain(
        heard(prompt),
        negative,
        syntax=word("--prompt-syntax", syntax, "a1111"),
        embeddings=tuple(embeddings or ()),
        model=model,
        steps=steps,
    )
    if json:
        console.record(explaining.data(found))
    else:
        console.painted(explaining.lines(found))
