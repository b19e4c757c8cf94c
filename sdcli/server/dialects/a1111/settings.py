"""That program's settings, as `options` lists and changes them and `override_settings` for one picture.

One row a setting: its value at the start, and what it makes of a request. What would change pictures
in a way that is not provided is refused by its name; the rest of that program's two hundred settings
is about its page, its folders and its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sdcli.images.formats.table import FORMAT_BY_ENDING
from sdcli.library.hashes import hash_file
from sdcli.request import Draw, Request
from sdcli.server.dialects.a1111.shelf import Item, Shelf
from sdcli.server.dialects.a1111.values import (
    Read,
    anything,
    asks_for_nothing,
    name,
    number,
    refuse,
    whole,
    yes_or_no,
)

Put = Callable[[Request, Any, Shelf], Request]


@dataclass(frozen=True)
class Setting:
    """One setting."""

    name: str
    start: Any
    read: Read = anything
    put: Put | None = None  # what it makes of a request
    only: tuple[Any, ...] = ()  # the values that are provided; none: any


def _one_of(words: Mapping[str, Any]) -> Read:
    """One of a few words, in any case."""
    known = {word.lower(): word for word in words}

    def read(value: Any) -> str:
        word = known.get(name(value).lower())
        if word is None:
            raise ValueError(f"is none of {', '.join(words)}")
        return word

    return read


def _picture_format(value: Any) -> str:
    said = name(value).lower()
    if f".{said}" not in FORMAT_BY_ENDING:
        raise ValueError("is no format that pictures are written in")
    return said


_NOISES = {"CPU": "cpu", "GPU": "nv", "NV": "nv"}  # a GPU there is an NVIDIA card
_EMPHASES: Mapping[str, dict[str, Any]] = {
    "Original": {},
    "No norm": {"emphasis": "no-norm"},
    "Ignore": {"emphasis": "ignored"},
    "None": {"syntax": "a1111-unweighted"},
}
_NOBODYS = Request(Draw(), "")  # on which a value is tried
_NO_VAE = ("Automatic", "None", "")


def _put_model(request: Request, value: str, shelf: Shelf) -> Request:
    return replace(request, model=str(shelf.model(value).path))


def _put_vae(request: Request, value: str, shelf: Shelf) -> Request:
    if value in _NO_VAE:
        return request
    return replace(request, vae=str(shelf.find("vae", value, "sd_vae").path))


def _put_clip_skip(request: Request, value: int, shelf: Shelf) -> Request:
    # 1 is what that program shows where nobody has chosen: the model's own layer.
    return replace(request, clip_skip=value) if value > 1 else request


def _put_when(on: Any, **values: Any) -> Put:
    return lambda request, value, shelf: replace(request, **values) if value == on else request


SETTINGS: Mapping[str, Setting] = {
    row.name: row
    for row in (
        Setting("sd_model_checkpoint", None, name, _put_model),
        Setting("sd_checkpoint_hash", None),  # told, not asked for
        Setting("sd_vae", "Automatic", name, _put_vae),
        Setting("CLIP_stop_at_last_layers", 1, whole, _put_clip_skip),
        Setting("eta_noise_seed_delta", 0, whole,
                lambda request, value, shelf: replace(request, ensd=value) if value else request),
        Setting("randn_source", "CPU", _one_of(_NOISES),
                lambda request, value, shelf: replace(request, rng=_NOISES[value])),
        Setting("emphasis", "Original", _one_of(_EMPHASES),
                lambda request, value, shelf: replace(request, **_EMPHASES[value])),
        Setting("use_old_scheduling", False, yes_or_no, _put_when(True, syntax="a1111-1.5")),
        Setting("sd_noise_schedule", "Default", name, _put_when("Zero Terminal SNR", zero_snr=True),
                ("Default", "Zero Terminal SNR")),
        Setting("use_downcasted_alpha_bar", False, yes_or_no, _put_when(True, downcast_alphas=True)),
        Setting("always_discard_next_to_last_sigma", False, yes_or_no,
                _put_when(True, penultimate="always")),
        Setting("samples_format", "png", _picture_format),
        Setting("eta_ancestral", 1.0, number, only=(1.0,)),
        Setting("eta_ddim", 0.0, number, only=(0.0,)),
        Setting("initial_noise_multiplier", 1.0, number, only=(1.0,)),
        Setting("inpainting_mask_weight", 1.0, number, only=(1.0,)),
        Setting("img2img_color_correction", False, yes_or_no, only=(False,)),
        Setting("img2img_background_color", "#ffffff", name, only=("#ffffff",)),
        Setting("comma_padding_backtrack", 20, whole, only=(20,)),
        Setting("return_grid", False, yes_or_no, only=(False,)),
        Setting("live_previews_enable", True, yes_or_no),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The values of all settings; those of one server until somebody changes them."""

    values: Mapping[str, Any] = field(
        default_factory=lambda: {row.name: row.start for row in SETTINGS.values()}
    )

    def changed(self, asked: Mapping[str, Any], shelf: Shelf) -> Settings:
        """The same with what a client asks for; a refusal by name where it cannot be."""
        new: dict[str, Any] = {}
        for said, value in asked.items():
            row = SETTINGS.get(said)
            if row is None and not asks_for_nothing(value):
                raise refuse(said[:80], "there is no such setting")
            if row is not None and value is not None:
                new[said] = _read(row, value, shelf)
        return Settings({**self.values, **new})

    def apply(self, request: Request, shelf: Shelf) -> Request:
        """What a request becomes under these settings."""
        for row in SETTINGS.values():
            value = self.values[row.name]
            if row.put is not None and value is not None:
                request = row.put(request, value, shelf)
        return request

    @property
    def picture_format(self) -> str:
        """The format of the pictures that are sent, by its name in our table."""
        return FORMAT_BY_ENDING[f".{self.values['samples_format']}"].name

    def model(self, shelf: Shelf) -> Item:
        """The checkpoint that is drawn with."""
        return shelf.model(self.values["sd_model_checkpoint"])

    def hashed_model(self, shelf: Shelf) -> Item:
        """The same, its hash reckoned, which its first picture needs anyway."""
        item = self.model(shelf)
        hash_file(item.path)
        return item

    def listed(self, shelf: Shelf) -> dict[str, Any]:
        """All of them, as `options` tells them: the model in use by its title."""
        model = self.hashed_model(shelf)
        told = {"sd_model_checkpoint": model.title, "sd_checkpoint_hash": model.sha256}
        return {**self.values, **told}


def _read(row: Setting, value: Any, shelf: Shelf) -> Any:
    try:
        known = row.read(value)
    except ValueError as error:
        raise refuse(row.name, str(error)) from None
    if row.only and known not in row.only:
        raise refuse(row.name, f"{value!r} is not provided", f"only {row.only[0]!r} is")
    if row.put is not None:
        row.put(_NOBODYS, known, shelf)  # refuses names that nothing has
    return known
