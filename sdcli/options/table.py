"""THE table: everything that can be set of a picture, each in one row.

A row holds an option's name, its field, how its text is read and within what bounds, its help, its
default and what A1111 calls it. Flags of commands, presets, `--set`, `sweep`, `batch`, keyword
arguments in Python, the command that draws a picture again and the bounds within which a stored plan
is read back are all derived from here. A new plain option is a row, a field in `Request`, a field of
the same name in `Plan`, and the place that uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.images.formats.table import FORMATS
from sdcli.images.outpaint import FILLS
from sdcli.images.preprocessors import NONE, PREPROCESSORS, Preprocessor
from sdcli.images.upscalers import UPSCALERS
from sdcli.options.adapter_values import ControlSpec, LoraSpec
from sdcli.options.fast_ways import BACKENDS, NAMED
from sdcli.options.parse import (
    Enlargement,
    FilePath,
    Name,
    Parser,
    Real,
    Shape,
    Size,
    Stay,
    Switch,
    Text,
    Toggle,
    Whole,
    Word,
    WordOrName,
)
from sdcli.plan import Plan
from sdcli.prompts.syntax import DEFAULT_SYNTAX, SYNTAXES
from sdcli.request import Draw, Edit, Enlarge, Outpaint, Output, Redraw, Repaint, Request, Task
from sdcli.schedulers.table import PENULTIMATE_RULES
from sdcli.text import format_number, suggest

MOST_OF_A_KIND = 1_000  # LoRAs, embeddings, ControlNets of one picture


@dataclass(frozen=True)
class Default:
    """What a plan holds where nobody said anything: a value, a fact of the model, or a rule."""

    value: Any = None
    of_model: str = ""  # the attribute of the checkpoint that answers
    shown: str = ""  # in help texts; none is shown where it is empty


def of_model(attribute: str, shown: str = "the model's") -> Default:
    """The checkpoint's own answer."""
    return Default(of_model=attribute, shown=shown)


def always(value: Any, shown: str = "") -> Default:
    """The same for every model."""
    return Default(value, shown=shown or str(value))


def worked_out(shown: str) -> Default:
    """Worked out by the planning from everything else."""
    return Default(shown=shown)


@dataclass(frozen=True)
class Option:
    """One thing that can be set."""

    name: str
    field: str
    parse: Parser
    help: str
    metavar: str = ""
    short: str = ""
    flag: str = ""  # where it is not two dashes and the name
    default: Default = Default()
    of: str = "request"  # whose field it is: request, task, output; `run`: of a command alone
    many: bool = False  # said several times, it makes a list
    decides: bool = True  # whether another value can make another picture
    a1111: str = ""  # what A1111's infotext calls it
    # Values that it spells otherwise, with their text; with none where it says nothing of them.
    a1111_values: tuple[tuple[Any, str], ...] = ()
    complete: str = ""  # what a shell completes it with: models, adapters, schedulers
    of_outpaint: Default | None = None  # what an outpainting has where nobody says it
    owns: Callable[[Any], bool] | None = None  # of a field that several options share: which items

    @property
    def flags(self) -> tuple[str, ...]:
        """The flag, and its one letter if it has one."""
        long = self.flag or f"--{self.name}"
        return (long, self.short) if self.short else (long,)

    @property
    def needs_picture(self) -> bool:
        """Whether it is about a picture to start from."""
        return self.of == "task" and self.field not in {each.name for each in fields(Draw)}

    def default_of_task(self, kind: type[Task] | None) -> Default:
        """What a task has where nobody says it; of no task in particular, what most have."""
        return self.of_outpaint if self.of_outpaint and kind is Outpaint else self.default

    def default_for(self, task: Task) -> Any:
        """The value that this task has where nobody says another."""
        return self.default_of_task(type(task)).value

    def a1111_text(self, value: Any) -> str:
        """The value as A1111's infotext has it; nothing where that is silent about it."""
        texts = dict(self.a1111_values)
        if value in texts:
            return texts[value]
        return format_number(value) if isinstance(value, int | float) else str(value)

    def read(self, text: str) -> Any:
        """The value in `text`, or BadRequest naming this option."""
        return self._named(self.parse, text)

    def check(self, value: Any) -> Any:
        """A value that did not come from text, as it is kept; or BadRequest naming this option."""
        if not self.many:
            return self._named(self.parse.check, value)
        items = tuple(self._named(self.parse.check, each) for each in value)
        if len(items) > MOST_OF_A_KIND:
            raise BadRequest(
                f"{self.name}: {len(items)} are too many", hint=f"{MOST_OF_A_KIND} at most"
            )
        return items

    def _named(self, parse: Callable[[Any], Any], value: Any) -> Any:
        try:
            return parse(value)
        except BadRequest as error:
            raise BadRequest(f"{self.name}: {error.fact}", hint=error.hint) from None

    def value_in(self, request: Request | Plan) -> Any:
        """What the request or plan says of this; None or nothing at all where it says nothing."""
        holder = {"task": request.task, "output": request.output}.get(self.of, request)
        value = getattr(holder, self.field, None)
        if self.owns is None or value is None:
            return value
        return tuple(item for item in value if self.owns(item))

    def is_open_in(self, request: Request) -> bool:
        """Whether the request leaves this open."""
        value = self.value_in(request)
        return value is None or value == () or value is _UNSAID.get((self.of, self.field))

    def put(self, request: Request, value: Any) -> Request:
        """The request with this value; of an option said several times, with all of them."""
        if self.of == "task":
            return replace(request, task=self._put_on_task(request, value))
        if self.of == "output":
            return replace(request, output=replace(request.output, **{self.field: value}))
        if self.owns:
            others = [item for item in getattr(request, self.field) if not self.owns(item)]
            value = (*others, *value)
        return replace(request, **{self.field: value})

    def _put_on_task(self, request: Request, value: Any) -> Any:
        task = request.task
        if self.field == "image" and isinstance(task, Draw):
            return Redraw(value)
        if self.field == "mask" and isinstance(task, Redraw):
            return Repaint(task.image, value, task.strength, rules=task.rules)
        if self.field in BORDERS and isinstance(task, Redraw):
            task = Outpaint(task.image, strength=task.strength)
        if self.field not in {each.name for each in fields(task)}:
            raise BadRequest(
                f"`{self.name}` cannot apply to {TASK_TITLES[type(task)]}",
                hint="name a picture to start from with `image`"
                if isinstance(task, Draw)
                else "leave it away",
            )
        return replace(task, **{self.field: value})


_UNSAID = {
    **{("request", each.name): each.default for each in fields(Request)},
    **{("output", each.name): each.default for each in fields(Output)},
}
TASK_TITLES = {
    Draw: "a picture drawn from words alone",
    Redraw: "a picture redrawn whole",
    Repaint: "a picture repainted inside a mask",
    Outpaint: "a picture that is made larger",
    Edit: "a picture that follows an instruction",
    Enlarge: "a picture enlarged by a model that draws",
}

BORDERS = ("left", "up", "right", "down", "to")  # of which each makes an outpainting
_MOST = 16_384  # pixels of a side
_SIDE = Whole(8, _MOST, multiple=8)
# What stands for an empty negative prompt: with SDXL zeros, as in A1111 and diffusers; with SDXL
# zeros for its states alone, as in stable-diffusion.cpp; its encoding like that of any other text,
# as in ComfyUI; zeros with every family, as ComfyUI's node of that name makes them.
EMPTY_NEGATIVES = ("zeros", "zero-states", "encoded", "always-zeros")


def _control_option(row: Preprocessor) -> Option:
    """The option that follows a ControlNet by what one preprocessor makes of a picture."""
    return Option(
        "control" if row.name == NONE else f"control-{row.name}",
        "controls",
        ControlSpec(row.name),
        row.help,
        "FILE:IMAGE[:WEIGHT][@FROM-TO]",
        many=True,
        owns=lambda control: control.preprocessor == row.name,
    )


_ROWS = (
    Option("prompt", "prompt", Text(), "What to draw; `-` reads it from stdin.", "PROMPT"),
    Option("image", "image", FilePath(), "The picture to start from.", "FILE", of="task"),
    Option("mask", "mask", FilePath(), "White is repainted, black stays as it is.", "FILE", of="task"),
    *(Option(side, side, Whole(0, _MOST), f"Pixels to draw on {where}.", "PIXELS", of="task",
             default=always(0, "by `--to`, else 0"))
      for side, where in (("left", "the left"), ("up", "above"), ("right", "the right"),
                          ("down", "below"))),
    Option("to", "to", Shape(_MOST), "How large it comes to be: 16:9, or 1024x512.",
           "W:H or WIDTHxHEIGHT", of="task"),
    Option("fill", "fill", Word(*FILLS), "What a new border is filled with before it is drawn over.",
           "|".join(FILLS), default=always("mirror"), of="task"),
    Option("strength", "strength", Real(0, 1), "0 keeps the picture, 1 ignores it.", "X",
           default=always(0.75), of_outpaint=always(1.0, "1"), of="task", a1111="Denoising strength"),
    Option("feather", "feather", Whole(0, 256), "How softly the mask's edge blends, inward.", "PIXELS",
           default=always(8), of_outpaint=always(16), of="task", a1111="Mask blur"),
    Option("grow", "grow", Whole(0, 256),
           "How far beyond its mask it is drawn, softly and unseen, so that it fits to what is kept.",
           "PIXELS", default=always(0), of_outpaint=always(16), of="task"),
    Option("only-masked", "only_masked", Whole(-1, 16_384),
           "Draw the mask's part alone, so much around it, at full size, and lay it back.", "PIXELS",
           default=always(-1, "-1: the whole picture"), of="task", a1111="Masked area padding",
           a1111_values=((-1, ""),)),
    Option("rules", "rules", Whole(1, 2),
           "Whose rules for strength 0 and a mask's edge: 1 is the first version's.", "N",
           default=always(2), of="task"),
    Option("image-cfg", "image_cfg", Real(-1_000, 1_000),
           "How closely to keep to the picture, as `--cfg` is to the instruction.", "X",
           default=always(1.5), of="task", a1111="Image CFG scale"),
    Option("noise-level", "noise_level", Whole(0, 350),
           "How much noise an SD x4 upscaler gets over what it enlarges: the more, the freer it draws.",
           "N", default=always(20), of="task"),
    Option("scale", "scale", Real(0.25, 4), "How many times as large an SD x4 upscaler makes it.", "X",
           default=always(4.0, "4"), of="task"),
    Option("model", "model", Name(), "The checkpoint.", "NAME or FILE", "-m",
           default=worked_out("$SDCLI_MODEL, else the built-in one"), complete="models", a1111="Model"),
    Option("negative", "negative", Text(), "What to steer away from.", "TEXT", "-n",
           default=Default("")),
    Option("choices", "choices", Word("none", "random", "all"),
           "Read `{red|blue}` and `__name__` in prompts: one by the picture's seed, or all of them.",
           "none|random|all", default=Default(shown="none, random with `--wildcards`")),
    Option("wildcards", "wildcards", FilePath(),
           "A folder of text files: `__colours__` is a line of its `colours.txt`.", "FOLDER",
           default=Default(shown="wildcards/ among your settings")),
    Option("steps", "steps", Whole(1, 1_000), "Denoising steps.", "N", default=of_model("steps"),
           a1111="Steps"),
    Option("cfg", "cfg", Real(-1_000, 1_000), "How strongly to follow the prompt; 1 is no guidance.", "X",
           default=of_model("cfg"), a1111="CFG scale"),
    Option("scheduler", "scheduler", Name(),
           "How to walk from noise to picture; see `sdcli schedulers`.", "NAME",
           default=worked_out("the model's"), complete="schedulers", a1111="Sampler"),
    Option("eta", "eta", Real(0, 100),
           "Fresh noise at each step, where the solver can: 0 none, 1 as much as it removes.", "X",
           default=worked_out("the solver's"), a1111="Eta"),
    Option("seed", "seed", Whole(0, 2**64 - 1, advice="leave it away for a random one"),
           "The first picture's seed; the next has N+1.", "N",
           default=worked_out("random, always recorded"), a1111="Seed"),
    Option("variation-strength", "variation_strength", Real(0, 1),
           "Another look of the same seed: how much of another seed's noise is mixed in.", "X",
           default=always(0.0, "0"), a1111="Variation seed strength", a1111_values=((0.0, ""),)),
    Option("variation-seed", "variation_seed", Whole(0, 2**64 - 1),
           "That other seed; the next picture has the same seed, and mixes in N+1.", "N",
           default=always(1_000_000), a1111="Variation seed"),
    Option("seed-resize", "seed_resize", Size(_SIDE),
           "Lay the picture out as its seed does at this size.", "WIDTHxHEIGHT",
           default=always(""), a1111="Seed resize from", a1111_values=(("", ""),)),
    Option("count", "count", Whole(1, 100_000), "How many pictures.", "N", "-c", default=always(1),
           decides=False),
    Option("batch", "batch", Whole(0, 64, zero="auto"),
           "How many pictures in one call of the U-Net; `auto` is as many as a GPU's memory holds.",
           "N", default=always(1), decides=False),
    Option("width", "width", _SIDE, "A multiple of 8.", "PIXELS", "-W",
           default=worked_out("the model's")),
    Option("height", "height", _SIDE, "A multiple of 8.", "PIXELS", "-H",
           default=worked_out("the model's")),
    Option("hires", "hires", Enlargement(_SIDE, Real(1, 8)),
           "Draw it so much larger, or at this size, in a second pass (hires fix), as A1111 does.",
           "SCALE or WIDTHxHEIGHT", default=always(""), of="task", a1111="Hires upscale"),
    Option("hires-upscaler", "hires_upscaler", WordOrName(tuple(UPSCALERS)),
           f"What enlarges the first pass's picture: {', '.join(UPSCALERS)}, or an upscaler's file.",
           "NAME or FILE", complete="adapters", default=always("latent"), of="task", a1111="Hires upscaler",
           a1111_values=tuple((row.name, row.a1111) for row in UPSCALERS.values())),
    Option("hires-steps", "hires_steps", Whole(0, 1_000),
           "Steps of the second pass, all of them taken; 0 is as many as `--steps`.", "N",
           default=always(0), of="task", a1111="Hires steps", a1111_values=((0, ""),)),
    Option("hires-strength", "hires_strength", Real(0, 1),
           "How much of the enlarged picture the second pass draws anew: 0 keeps it.", "X",
           default=always(0.7), of="task", a1111="Denoising strength"),
    Option("hires-scheduler", "hires_scheduler", Name(), "The second pass's scheduler.", "NAME",
           default=Default("", shown="the first one's"), complete="schedulers", of="task",
           a1111="Hires sampler"),
    Option("hires-cfg", "hires_cfg", Real(0, 1_000),
           "How strongly the second pass follows the prompt; 0 is as `--cfg`.", "X",
           default=always(0.0, "0"), of="task", a1111="Hires CFG Scale", a1111_values=((0.0, ""),)),
    Option("hires-prompt", "hires_prompt", Text(), "What the second pass is told to draw.", "TEXT",
           default=Default("", shown="the prompt"), of="task", a1111="Hires prompt"),
    Option("hires-negative", "hires_negative", Text(), "What the second pass steers away from.", "TEXT",
           default=Default("", shown="the same as the first"), of="task",
           a1111="Hires negative prompt"),
    Option("tiling", "tiling", Word("none", "x", "y", "xy"),
           "A picture that repeats without a seam: sideways, up and down, both ways.", "none|x|y|xy",
           default=always("none"), a1111="Tiling",
           a1111_values=(("none", ""), ("xy", "True"))),
    Option("fused-tiles", "fused_tiles", Whole(0, 16_384, multiple=64, zero="off"),
           "Draw larger than the model can: in tiles of this side, fused at every step.", "PIXELS",
           default=always(0, "off")),
    Option("lora", "loras", LoraSpec(),
           "Wear a LoRA (repeat for more); `FILE:0.8,te=0.5` weighs the text encoder apart.",
           "FILE[:WEIGHT]", many=True, complete="adapters"),
    Option("lora-partial", "lora_partial", Switch(),
           "Take a LoRA of which only a part fits the model."),
    Option("embedding", "embeddings", Name(), "Know a new word, by the file's name (repeat).", "FILE",
           many=True),
    *(_control_option(row) for row in PREPROCESSORS.values()),
    Option("vae", "vae", Name(), "Another VAE.", "FILE", default=worked_out("the checkpoint's"),
           a1111="VAE"),
    Option("clip-skip", "clip_skip", Whole(1, 24),
           "Stop the text encoder N layers early; 1 is its last layer.", "N",
           default=of_model("clip_skip"), a1111="Clip skip", a1111_values=((1, ""),)),
    Option("prediction", "prediction", Word("eps", "v", "x0"),
           "What the U-Net predicts, where the file does not tell: noise, velocity, picture.", "eps|v|x0",
           default=of_model("prediction", "the checkpoint's")),
    Option("zero-snr", "zero_snr", Toggle(),
           "Whether the last timestep is all noise, where the file does not tell.",
           default=of_model("zero_snr", "the checkpoint's"), a1111="Noise Schedule",
           a1111_values=((False, ""), (True, "Zero Terminal SNR"))),
    Option("prompt-syntax", "syntax", Word(*SYNTAXES),
           "Read weights and BREAK in prompts, or nothing of it.", "|".join(SYNTAXES),
           default=always(DEFAULT_SYNTAX), a1111="Old prompt editing timelines",
           a1111_values=(("a1111", ""), ("a1111-1.5", "True"), ("a1111-unweighted", ""), ("plain", ""))),
    Option("emphasis", "emphasis", Word("original", "no-norm", "ignored"),
           "Whether a weighted prompt is scaled back to its old mean, or weights have no effect.",
           "original|no-norm|ignored",
           default=always("original"), a1111="Emphasis",
           a1111_values=(("original", ""), ("no-norm", "No norm"), ("ignored", "Ignore"))),
    Option("rng", "rng", Word("cpu", "nv", "gpu"),
           "Whose noise: the CPU's, an NVIDIA card's (computed here), this GPU's own.", "cpu|nv|gpu",
           default=always("cpu"), a1111="RNG",
           a1111_values=(("cpu", "CPU"), ("nv", "NV"), ("gpu", ""))),
    Option("ensd", "ensd", Whole(-(2**63), 2**63),
           "Added to the seed for the solver's own noise (A1111's setting of that name).", "N",
           default=always(0), a1111="ENSD", a1111_values=((0, ""),)),
    Option("empty-negative", "empty_negative", Word(*EMPTY_NEGATIVES),
           "What SDXL gets for an empty negative prompt; `encoded` is ComfyUI's.",
           "|".join(EMPTY_NEGATIVES), default=always("zeros")),
    Option("penultimate", "penultimate", Word(*PENULTIMATE_RULES),
           "Whose solvers leave out the noise level before the last: A1111's, ComfyUI's, none, all.",
           "|".join(PENULTIMATE_RULES), default=always("a1111"), a1111="Discard penultimate sigma",
           a1111_values=(("a1111", ""), ("comfyui", ""), ("none", ""), ("always", "True"))),
    Option("downcast-alphas", "downcast_alphas", Toggle(),
           "Whether noise levels come from half-precision alphas, as in A1111 before 1.8.",
           default=always(False, "no"), a1111="Downcast alphas_cumprod",
           a1111_values=((False, ""), (True, "True"))),
    Option("preset", "preset", Name(), "Settings from a TOML file, or from the folder of presets.",
           "NAME or FILE", of="run"),
    Option("like", "like", FilePath(), "Settings from what a picture carries.", "PICTURE", of="run"),
    Option("out", "path", Name(), "A folder, a file, or a template with {seed}, {index}, {scheduler}...",
           "PATH", "-o", default=worked_out("outputs/"), of="output"),
    Option("format", "format", Name(), "The file format.", "|".join(FORMATS),
           default=worked_out("by the name's ending, else png"), of="output"),
    Option("force", "force", Switch(), "Replace files that exist.", of="output"),
    Option("metadata", "metadata", Switch(False), "Leave the plan out of the pictures.",
           flag="--no-metadata", of="output"),
    Option("keep-maps", "keep_maps", Switch(), "Save the maps that ControlNets follow, too.",
           of="output"),
    Option("preview", "preview", FilePath(),
           "Keep one PNG refreshed with the picture as it is drawn.", "FILE", of="output"),
    Option("preview-vae", "preview_vae", Name(), "A TAESD to preview with.", "FILE",
           default=worked_out("rough colours, at no cost"), of="output"),
    Option("device", "device", Word("auto", "cpu", "cuda", "mps"), "Where to compute.",
           "auto|cpu|cuda|mps", default=always("auto"), decides=False),
    Option("dtype", "dtype", Word("auto", "fp32", "fp16", "bf16"), "How finely to compute.",
           "auto|fp32|fp16|bf16", default=always("auto")),
    Option("offload", "offload", Word("auto", "none", "model", "sequential"),
           "What leaves the GPU while it is not needed.", "auto|none|model|sequential",
           default=always("auto", "auto: only when memory runs out"), decides=False),
    Option("fast", "fast", Word(*NAMED),
           "Be faster by a way of this name (repeat): " + ", ".join(NAMED) + "; see `sdcli doctor`.",
           "NAME", default=Default(()), many=True),
    Option("backend", "backend", Word(*BACKENDS), "What computes the U-Net and the VAE.",
           "|".join(BACKENDS), default=always("torch")),
    Option("json", "json", Switch(), "One JSON object per line on stdout.", of="run"),
    Option("dry-run", "dry_run", Switch(), "Print the plan and draw nothing.", of="run"),
    Option("quiet", "quiet", Switch(), "No conversation on stderr.", short="-q", of="run"),
    Option("warm", "warm", Stay(),
           "Draw in a process that keeps the model in memory this long after its last use.",
           "TIME", default=worked_out("$SDCLI_WARM, else off"), of="run"),
)  # fmt: skip

ALL_OPTIONS: Mapping[str, Option] = {option.name: option for option in _ROWS}

OPTIONS: Mapping[str, Option] = {
    name: option for name, option in ALL_OPTIONS.items() if option.of in ("request", "task")
}
"""Those that say what a picture is: what presets, `--set`, sweeps and jobs can name."""


def plain_options() -> Iterator[Option]:
    """Those whose value stands in a plan as it stands in a request, each with a default of its own."""
    for option in OPTIONS.values():
        known = option.default.value is not None or option.default.of_model != ""
        if option.of == "request" and known:
            yield option


def number_bounds() -> dict[str, tuple[float, float]]:
    """For every number in the table, by its field: the least and the most that it can be."""
    return {
        option.field: (option.parse.least, option.parse.most)
        for option in ALL_OPTIONS.values()
        if isinstance(option.parse, Whole | Real)
    }


def default_of(name: str, kind: type[Task] | None = None) -> Any:
    """The value that an option has wherever nobody says another, in a task of a kind."""
    return ALL_OPTIONS[name].default_of_task(kind).value


def find_option(name: str) -> Option:
    """The option of this name; flags' dashes and underscores are all the same."""
    wanted = name.strip().lower().lstrip("-").replace("_", "-")
    if wanted in OPTIONS:
        return OPTIONS[wanted]
    hint = f"{suggest(wanted, OPTIONS)}one of {', '.join(OPTIONS)}"
    raise BadRequest(f"no setting is called `{name}`", hint=hint)


def parse_assignments(pairs: Iterable[str]) -> dict[str, Any]:
    """`steps=40`, `lora=a:0.5`... as values by option; those said several times as tuples."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadRequest(f"`{pair}` sets nothing", hint="write NAME=VALUE, like steps=40")
        option = find_option(name)
        if option.many:
            # Nothing after the sign takes away what there is: `lora=` is no LoRA at all.
            more = [option.read(text)] if text else []
            values[option.name] = (*values.get(option.name, ()), *more)
        else:
            values[option.name] = option.read(text)
    return values


def change_request(request: Request, values: Mapping[str, Any]) -> Request:
    """The request with these values, the pictures to start from before what is said of them."""
    for name, option in ALL_OPTIONS.items():
        if name in values:
            request = option.put(request, values[name])
    return request


def given_values(request: Request) -> dict[str, Any]:
    """Everything a request says, by the names of options: what `change_request` puts on another."""
    return {
        name: option.value_in(request)
        for name, option in OPTIONS.items()
        if not option.is_open_in(request)
    }


def check_request(request: Request) -> Request:
    """The request with every value checked: the same, however it was made."""
    for option in ALL_OPTIONS.values():
        if option.of != "run" and not option.is_open_in(request):
            value = option.value_in(request)
            checked = option.check(value)
            if checked != value or type(checked) is not type(value):
                request = option.put(request, checked)
    return request


def with_start_picture(request: Request, image: Path | None) -> Request:
    """The request begun from a picture, if there is one."""
    if image is None:
        return request
    if isinstance(request.task, Draw) and request.task.hires:
        raise BadRequest(
            "`--hires` enlarges what is drawn from words, and `--image` names a picture to start from",
            hint="leave one of the two away",
        )
    return change_request(request, {"image": image})
