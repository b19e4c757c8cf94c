"""`sdcli batch --verify`: a batch that was drawn, held against what was asked for."""

from __future__ import annotations

from dataclasses import asdict

from sdcli.batch.store import open_store
from sdcli.batch.verify import Finding, Verification, open_verification
from sdcli.batch.verify_sample import choose_sample, draw_sample
from sdcli.cli import console
from sdcli.cli.output_mode import OutputMode
from sdcli.engine import door
from sdcli.errors import BadRequest, SdcliError
from sdcli.text import count_of


def verify_batch(address: str, file: str | None, sample: int, mode: OutputMode) -> None:
    """Say everything that is wrong; SdcliError if anything is."""
    if file is not None:
        raise BadRequest(
            "`--verify` takes no file of jobs: the batch keeps a list of its own",
            hint="`sdcli batch --verify FOLDER`",
        )
    seen = open_verification(open_store(address))
    talk = console.Console(quiet=mode.quiet)
    wrong = 0
    with talk.live():
        talk.on_stage("reading what is there")
        for finding in seen.findings():
            wrong += 1
            _tell(finding, mode)
        wrong += _draw_again(seen, sample, talk, mode)
    talk.on_note(
        f"{len(seen.rows):,} of {count_of(seen.run.pictures, 'picture')} in"
        f" {len(seen.manifests):,} of {count_of(seen.run.shards, 'shard')}, {wrong} not as they should be"
    )
    if wrong:
        raise SdcliError(
            f"{count_of(wrong, 'thing')} in `{address}` not as it should be",
            hint="what is missing is drawn by the command that drew the rest; remove the manifest of a"
            " damaged shard, and it is drawn again",
        )


def _draw_again(seen: Verification, sample: int, talk: console.Console, mode: OutputMode) -> int:
    """Draw some of the pictures again; how many came out otherwise."""
    rows = choose_sample(seen, sample)
    if not rows:
        return 0
    talk.on_stage("loading torch")
    wrong = 0
    session = door.open_worker_session(seen.run.threads)
    for row, outcome in draw_sample(seen, rows, session, talk):
        if isinstance(outcome, Finding):
            wrong += 1
            _tell(outcome, mode)
        else:
            talk.on_note(f"{row['key']} drawn again: {outcome}")
    return wrong


def _tell(finding: Finding, mode: OutputMode) -> None:
    if mode.json:
        console.print_record({"event": "finding", **asdict(finding)})
    else:
        console.print_result(str(finding))
