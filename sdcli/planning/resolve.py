"""A request becomes a plan: questions answered, contradictions refused, nothing loaded."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, NamedTuple

from sdcli import request as requested
from sdcli.errors import BadRequest
from sdcli.library.find import find_adapter, find_checkpoint
from sdcli.library.hashes import hash_file
from sdcli.options.table import check_request, default_of, plain_options
from sdcli.outputs import live_preview
from sdcli.plan import Embedding, File, Plan, map_files
from sdcli.planning import adapters
from sdcli.planning.enlarging import settle_enlarging
from sdcli.planning.fast import check_fast_ways, find_plan_vae
from sdcli.planning.few_step import settle_few_step
from sdcli.planning.fused_tiles import check_fused_tiles
from sdcli.planning.hires import check_second_pass
from sdcli.planning.prompts import (
    check_prompts,
    find_words,
    with_first_texts,
    words_of_run,
)
from sdcli.planning.start_picture import check_pictures, drawn_size, given_or, plan_task
from sdcli.planning.value_sources import find_value_sources
from sdcli.prompts.choices.choose import choose_texts
from sdcli.prompts.syntax import SYNTAXES
from sdcli.request import Request
from sdcli.schedulers.names import SCHEDULERS, find_scheduler
from sdcli.weights import checkpoint, embedding
from sdcli.weights.checkpoint import Checkpoint

SEEDS = 2**32  # a random seed is one that can be read aloud


def make_plan(request: Request) -> Plan:
    """Answer every question the request left open."""
    return hash_files(draft_plan(request))


def roll_seed(request: Request) -> Request:
    """The request with a seed for certain, so that several plans of it have the same one."""
    return request if request.seed is not None else with_random_seed(request)


def with_random_seed(request: Request, seed: int | None = None) -> Request:
    """The request with a seed that nobody asked for: one drawn now, or one that was drawn before."""
    sources = {**request.sources, "seed": "random"}
    return replace(request, seed=given_or(seed, secrets.randbelow(SEEDS)), sources=sources)


def hash_files(draft: Plan) -> Plan:
    """The plan of a draft: the same, every file by its content."""
    return map_files(draft, lambda file, what: hash_file(file.path))


def draft_plan(request: Request) -> Plan:
    """The plan but for the hashes of its files: whatever can be refused is refused here, and
    nothing of the files is read but headers."""
    asked = check_request(request)
    seed = given_or(asked.seed, secrets.randbelow(SEEDS))
    texts = choose_texts(asked, seed)
    request = with_first_texts(asked, texts)
    scheduler = None if request.scheduler is None else find_scheduler(request.scheduler)
    model = checkpoint.identify_checkpoint(find_checkpoint(request.model))
    _check_ability(model, request)
    request = settle_enlarging(request, model)
    vae = find_plan_vae(request, model)
    syntax = SYNTAXES[given_or(request.syntax, default_of("prompt-syntax"))]
    words = find_words(texts, request, syntax, model)
    prompt, loras = words[0].prompt, words[0].loras
    model = settle_few_step(model, loras)
    values = _plain_values(request, model)
    check_prompts(request.task, syntax, values["steps"], words)
    values["fast"] = check_fast_ways(request, prompt, values)
    named = (find_adapter(name, "embedding") for name in request.embeddings)
    worn = tuple(dict.fromkeys(lora for one in words for lora in one.loras))
    known = embedding.check_embeddings((*named, *adapters.loras_with_embeddings(worn)), model)
    controls = adapters.find_controls(request.controls, model)
    solver = find_scheduler(given_or(scheduler, model.scheduler))
    _check_seeds(request, seed, values)
    width, height = drawn_size(request, model)
    check_fused_tiles(request, values, (width, height))
    _check_clip_skip(values["clip_skip"], model)
    check_pictures(request.task)
    live_preview.check_preview(request.output)
    draft = Plan(
        **values,
        **words_of_run(asked, texts, words),
        task=plan_task(request.task, syntax, request.prompt),
        prompt=prompt,
        model=File(model.path, ""),
        family=model.family.name,
        vae=File(vae, ""),
        scheduler=solver,
        eta=_eta(solver, request.eta),
        seed=seed,
        width=width,
        height=height,
        loras=loras,
        embeddings=tuple(Embedding(File(word.path, ""), word.word, word.vectors) for word in known),
        controls=controls,
        output=request.output,
        sources=find_value_sources(asked, model),
    )
    check_second_pass(draft)
    return draft


def _plain_values(request: Request, model: Checkpoint) -> dict[str, Any]:
    """The values that stand in a plan as they stand in a request, else as the table's default."""
    return {
        option.field: given_or(
            getattr(request, option.field),
            getattr(model, option.default.of_model)
            if option.default.of_model
            else option.default.value,
        )
        for option in plain_options()
    }


class _Calling(NamedTuple):
    """What one kind of model is for, which no other does: what is said of whoever is asked wrongly."""

    task: type
    cannot: str  # of another model that is asked for it
    instead: str
    only: str  # of this kind of model, asked for something else
    rather: str


_CALLINGS = {
    "edit": _Calling(
        requested.Edit,
        "follows no instructions",
        "`sdcli edit` needs an InstructPix2Pix checkpoint (`-m`)",
        "only follows instructions about a picture (InstructPix2Pix)",
        'sdcli edit "make it snow" --image FILE',
    ),
    "enlarge": _Calling(
        requested.Enlarge,
        "is no upscaler",
        "`sdcli upscale PICTURE --with FILE` takes an ESRGAN or an SD x4 upscaler",
        "only makes pictures larger: it is {family}",
        "sdcli upscale PICTURE --with {file}",
    ),
}


def _check_ability(model: Checkpoint, request: Request) -> None:
    """Refuse what this kind of model cannot do, and what its file lacks."""
    name, task = f"`{model.path.name}`", request.task
    for kind, calling in _CALLINGS.items():
        wanted, is_one = isinstance(task, calling.task), model.family.task == kind
        if wanted and not is_one:
            raise BadRequest(
                f"{name} {calling.cannot}: it is {model.family.title}", hint=calling.instead
            )
        if is_one and not wanted:
            named = {"family": model.family.title, "file": model.path.name}
            raise BadRequest(
                f"{name} {calling.only.format(**named)}",
                hint=f"`{calling.rather.format(**named)}`",
            )
    if not model.family.begins_pictures and isinstance(task, requested.Draw):
        raise BadRequest(
            f"{name} is a refiner, which finishes pictures and begins none",
            hint="`sdcli img2img` with `--strength 0.3`",
        )
    checkpoint.require_components(model, other_vae=request.vae is not None)


def _eta(name: str, given: float | None) -> float:
    solver = SCHEDULERS[name].solver
    if solver.eta is not None:
        return given_or(given, solver.eta)
    if given is not None:
        raise BadRequest(
            f"`{name}` takes no `--eta`: it adds no fresh noise", hint="see `sdcli schedulers`"
        )
    return solver.fixed_eta


def _check_clip_skip(layer: int, model: Checkpoint) -> None:
    """Refuse a layer that not every text encoder has, counted from the last."""
    layers = min(embedding.encoder_layers(model).values())
    if not 1 <= layer <= layers:
        raise BadRequest(
            f"`--clip-skip {layer}` cannot be: the text encoder has {layers} layers",
            hint="1 is its last layer, 2 the one before it",
        )


def _check_seeds(request: Request, seed: int, values: dict[str, Any]) -> None:
    if request.variation_seed is not None and request.variation_strength is None:
        raise BadRequest(
            "`--variation-seed` says whose noise is mixed in, and nothing says how much",
            hint="`--variation-strength 0.2`",
        )
    count = values["count"]
    counted = values["variation_seed"] if values["variation_strength"] else seed
    if counted + count > 2**64:
        raise BadRequest(
            f"seed {counted} and {count} pictures run past the last seed",
            hint="begin with a lower one",
        )
