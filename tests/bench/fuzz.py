"""Mutated inputs against every door that takes a stranger's: no crash, no hang, no hunger.

    python -m tests.bench fuzz [--cases 100000] [--seed 0] [--door NAME]

A refusal (SdcliError) is an answer. Anything else raised, a case that takes longer than two seconds
and one that makes the process grow by more than 500 MB are failures; the case is kept and its
number told.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sdcli.batch.job_file import read_jobs
from sdcli.errors import SdcliError
from sdcli.images import load as images
from sdcli.images.strip import strip_metadata
from sdcli.library.find import find_file
from sdcli.metadata import a1111_format, readers
from sdcli.options.presets import read_preset
from sdcli.options.table import ALL_OPTIONS
from sdcli.outputs.save import find_destination
from sdcli.prompts.a1111 import parse_a1111_weights, split_at_and
from sdcli.prompts.scheduling import parse_prompt_editing
from sdcli.prompts.tags import extract_lora_tags
from sdcli.reproduce.as_preset import preset_from_picture
from sdcli.reproduce.command_line import command_for_request
from sdcli.reproduce.recall import recall_picture
from sdcli.request import Draw, Output, Request
from sdcli.show import picture
from sdcli.show.fact_sheet import fact_lines, fact_record
from sdcli.show.lora import lora_facts
from sdcli.show.weights import weights_facts, weights_lines
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint
from sdcli.weights.controlnet import check_controlnet, controlnet_config
from sdcli.weights.embedding import check_embeddings
from sdcli.weights.lora.fit import check_fit
from sdcli.weights.read_header import read_header
from sdcli.weights.vae import check_vae
from tests.bench import fuzz_samples as samples
from tests.bench import fuzz_spoil as spoil
from tests.helpers import plans

SLOW = 2.0  # seconds of computing
HUNGRY = 500  # megabytes that one case may add
STUCK = 30  # seconds after which a case is ended


class Trial(NamedTuple):
    """One case: what is tried, and with what, so that it can be kept."""

    attempt: Callable[[], object]
    raw: bytes


Door = Callable[[random.Random, Path], Iterator[Trial]]


def texts_door(dice: random.Random, _folder: Path) -> Iterator[Trial]:
    """Texts that pictures carry."""
    sound = samples.picture_texts()
    raws = [json.dumps(each).encode() for each in sound] + [samples.INFOTEXT.encode()]
    while True:
        spoilt = {
            name: spoil.spoilt(text.encode(), dice, raws).decode("utf-8", "surrogateescape")
            for name, text in dice.choice(sound).items()
        }
        yield Trial(lambda spoilt=spoilt: _read_texts(spoilt), json.dumps(spoilt).encode())


def _read_texts(texts: dict[str, str]) -> None:
    foreign = readers.read_foreign_picture(texts, (64, 64))
    if foreign is not None:
        command_for_request(foreign.request)
    for text in texts.values():
        a1111_format.parse_infotext(text)


def pictures_door(dice: random.Random, folder: Path) -> Iterator[Trial]:
    """Picture files."""
    sound, path = samples.pictures(), folder / "picture"
    while True:
        raw = spoil.spoilt(dice.choice(sound), dice, sound)
        raw = spoil.mended(raw) if dice.random() < 0.8 else raw
        path.write_bytes(raw)
        yield Trial(lambda: _read_picture(path), raw)


def _read_picture(path: Path) -> None:
    """All that is done with a picture, whatever it was handed as."""
    _try_each(
        lambda: picture.picture_lines(picture.picture_facts(path)),
        lambda: images.load_picture(path),
        lambda: images.load_mask(path),
        lambda: images.is_photo(path),
        lambda: strip_metadata(path),
        lambda: preset_from_picture(path),
        lambda: recall_picture(path),
    )


def _try_each(*uses: Callable[[], object]) -> None:
    """Each of them, a refusal being an answer."""
    for use in uses:
        try:
            use()
        except SdcliError:
            continue


def headers_door(dice: random.Random, folder: Path) -> Iterator[Trial]:
    """Files of weights in safetensors, of every kind, held against a model."""
    sound, path = samples.shape_tables(), folder / "weights.safetensors"
    model = identify_checkpoint(Path("sdcli/assets/builtin.safetensors").absolute())
    while True:
        text, size = spoil.spoilt_header(dice.choice(sound), samples.METADATA, dice)
        if dice.random() < 0.2:
            text = spoil.spoilt(text, dice, [text])
        raw = len(text).to_bytes(8, "little") + text
        with path.open("wb") as file:
            file.write(raw)
            file.truncate(len(raw) + size)  # sparse: the numbers are zeros, and take no room
        yield Trial(lambda: _read_weights(path, model), raw)


def pickles_door(dice: random.Random, folder: Path) -> Iterator[Trial]:
    """Files that PyTorch writes."""
    sound, path = samples.pickles(), folder / "weights.pt"
    codes = [
        raw[raw.index(b"\x80\x02") :].partition(b".PK")[0] + b"."
        for raw in sound
        if b"\x80\x02" in raw
    ]
    model = identify_checkpoint(Path("sdcli/assets/builtin.safetensors").absolute())
    while True:
        if dice.random() < 0.5:
            raw = spoil.rezipped(spoil.spoilt_pickle(dice.choice(codes), dice, sound))
        else:
            raw = spoil.spoilt_pickle(dice.choice(sound), dice, sound)
        path.write_bytes(raw)
        yield Trial(lambda: _read_weights(path, model), raw)


def ggufs_door(dice: random.Random, folder: Path) -> Iterator[Trial]:
    """GGUF files."""
    sound, path = samples.ggufs(), folder / "weights.gguf"
    model = identify_checkpoint(Path("sdcli/assets/builtin.safetensors").absolute())
    while True:
        raw = spoil.spoilt(sound[0], dice, sound)
        path.write_bytes(raw)
        yield Trial(lambda: _read_weights(path, model), raw)


def _read_weights(path: Path, model: Checkpoint) -> None:
    """All that is done with a file of weights before torch is there, whatever it was handed as."""
    facts = weights_facts(path)
    weights_lines(facts)
    json.dumps(fact_record(facts))
    header = read_header(path)
    _try_each(
        lambda: fact_lines(lora_facts(header, model)),
        lambda: check_fit(header, model),
        lambda: check_embeddings([path], model),
        lambda: check_vae(path, model),
        lambda: controlnet_config(check_controlnet(path, model), model),
        lambda: check_fit(read_header(model.path), identify_checkpoint(path)),
    )


def presets_door(dice: random.Random, folder: Path) -> Iterator[Trial]:
    """Presets, which are TOML."""
    path, sound = folder / "preset.toml", [samples.PRESET.encode()]
    while True:
        raw = spoil.spoilt(sound[0], dice, sound)
        path.write_bytes(raw)
        yield Trial(lambda: read_preset(str(path)), raw)


def jobs_door(dice: random.Random, _folder: Path) -> Iterator[Trial]:
    """Files of jobs."""
    sound, base = [samples.JOBS.encode()], Request(prompt="", task=Draw())
    while True:
        raw = spoil.spoilt(sound[0], dice, sound)
        lines = raw.splitlines(keepends=True)
        yield Trial(lambda lines=lines: list(read_jobs(lines, base)), raw)


def prompts_door(dice: random.Random, _folder: Path) -> Iterator[Trial]:
    """Prompts."""
    sound = [prompt.encode() for prompt in samples.PROMPTS]
    while True:
        raw = spoil.spoilt(dice.choice(sound), dice, sound)
        text = raw[:10_000].decode("utf-8", "surrogateescape")
        yield Trial(lambda text=text: _read_prompt(text), raw)


def _read_prompt(text: str) -> None:
    _try_each(
        lambda: parse_a1111_weights(text),
        lambda: split_at_and(text),
        lambda: extract_lora_tags(text),
        lambda: parse_prompt_editing(text, 20),
    )


def names_door(dice: random.Random, _folder: Path) -> Iterator[Trial]:
    """Names and values, as they stand behind flags."""
    sound = [name.encode() for name in samples.NAMES]
    while True:
        raw = spoil.spoilt(dice.choice(sound), dice, sound)
        text = raw[:5_000].decode("utf-8", "surrogateescape")
        yield Trial(lambda text=text: _read_name(text), raw)


def _read_name(text: str) -> None:
    _try_each(
        lambda: find_file(text),
        lambda: images.picture_size(Path(text)),
        lambda: find_destination(Output(text), 2).path(plans.a_plan(), 0),
        lambda: read_preset(text),
        *(partial(option.parse, text) for option in ALL_OPTIONS.values()),
    )


DOORS: dict[str, Door] = {
    "texts": texts_door,
    "pictures": pictures_door,
    "headers": headers_door,
    "pickles": pickles_door,
    "ggufs": ggufs_door,
    "presets": presets_door,
    "jobs": jobs_door,
    "prompts": prompts_door,
    "names": names_door,
}


def failures(
    count: int, seed: int, folder: Path, names: Sequence[str] = tuple(DOORS), stuck: float = 0
) -> list[str]:
    """What went wrong, a line a case. `stuck`: seconds after which a case is ended."""
    dice = random.Random(seed)
    trials = {name: DOORS[name](dice, folder) for name in names}
    wrong: list[str] = []
    for number in range(count):
        name = names[number % len(names)]
        trial = next(trials[name])
        if what := _attempt(trial, stuck):
            wrong.append(f"case {number} ({name}): {what}")
            (folder / f"case-{number}").write_bytes(trial.raw)
    return wrong


def _attempt(trial: Trial, stuck: float) -> str:
    """What is wrong with a case, or nothing."""
    hunger, before = peak(), time.process_time()
    try:
        if stuck:
            signal.setitimer(signal.ITIMER_REAL, stuck)
        trial.attempt()
    except SdcliError:
        pass
    except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
        return f"{type(error).__name__}: {error!s:.200}"
    finally:
        if stuck:
            signal.setitimer(signal.ITIMER_REAL, 0)
    if (took := time.process_time() - before) > SLOW:
        return f"{took:.1f} s"
    if (grown := peak() - hunger) > HUNGRY:
        return f"{grown:.0f} MB"
    return ""


def peak() -> float:
    """The most memory this process has had, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _stop(_signal: int, _frame: object) -> None:
    raise TimeoutError("it was stuck")


def main(words: Sequence[str]) -> None:
    """Run, and say what was found."""
    options = argparse.ArgumentParser("fuzz", description=__doc__.partition("\n")[0])
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--door", choices=DOORS, action="append", help="only this one (repeat)")
    asked = options.parse_args(words)
    signal.signal(signal.SIGALRM, _stop)
    folder = Path(tempfile.mkdtemp(prefix="sdcli-fuzz-"))
    began = time.perf_counter()
    wrong = failures(asked.cases, asked.seed, folder, asked.door or tuple(DOORS), STUCK)
    for line in wrong[:50]:
        print(line)
    seconds = time.perf_counter() - began
    print(
        f"{asked.cases:,} cases in {seconds:.0f} s, {len(wrong)} failures, {peak():.0f} MB at most"
    )
    if wrong:
        sys.exit(f"the cases are in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
