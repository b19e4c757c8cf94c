"""The models that a session holds in memory: one, or as many as fit a budget, the oldest leaving first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch

from sdcli.engine.loaded_model import LoadedModel, load_model, model_key
from sdcli.events import Listener, Listeners, NoteKeeper
from sdcli.library.hashes import file_state
from sdcli.library.open_file import is_folder, is_ordinary_file
from sdcli.plan import File, Plan

SHARE = 0.5  # of the memory there is, for models that are not being used


@dataclass(frozen=True)
class _Held:
    """A model in memory, and the state that its files were in when they were read."""

    model: LoadedModel
    states: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]  # what was to be said of it


class LoadedModels:
    """Gives a plan its model: one in memory where it is the same, else newly loaded."""

    def __init__(self, *, several: bool = False) -> None:
        self._several = several
        self._held: list[_Held] = []  # the last used last
        self._told: set[tuple[Any, ...]] = set()  # the models whose notes the caller has heard

    def change_caller(self, told: set[tuple[Any, ...]]) -> None:
        """From now on it is somebody else who asks, and `told` what they were told of: what there is
        to say of a model is said to each of them, whoever had it loaded."""
        self._told = told

    @property
    def names(self) -> list[str]:
        """The files of the models in memory, the last used last."""
        return [held.model.model.path.name for held in self._held]

    def get(self, plan: Plan, listener: Listener) -> LoadedModel:
        """The plan's model, ready on its device. Another one leaves before it comes, if need be."""
        held = next((one for one in reversed(self._held) if one.model.can_draw(plan)), None)
        if held is None:
            held = self._load(plan, listener)
        else:
            self._held.remove(held)
            for text in held.notes if model_key(plan) not in self._told else ():
                listener.on_note(text)
        self._held.append(held)
        self._told.add(model_key(plan))
        return held.model

    def _load(self, plan: Plan, listener: Listener) -> _Held:
        self._make_room(plan)
        keeper = NoteKeeper()
        model = load_model(plan, Listeners(listener, keeper))
        return _Held(model, _states(plan), tuple(keeper.notes))

    def clear(self) -> None:
        """Let go of all of them."""
        self._held = []

    def _make_room(self, plan: Plan) -> None:
        """Let go of what the plan's model takes the place of, of what has changed on the disk, and
        of the longest unused until there is room."""
        if not self._several:
            self.clear()
            return
        self._held = [
            one for one in self._held if one.model.key != model_key(plan) and not _is_stale(one)
        ]
        while self._held:
            budget = _budget(self._held[-1].model.machine.device)
            taken = sum(_count_bytes(one.model) for one in self._held)
            if taken + _estimate_bytes(plan) <= budget:
                return
            self._held.pop(0)


def _states(plan: Plan) -> tuple[tuple[str, ...], ...]:
    return tuple(file_state(file.path) for file in (plan.model, plan.vae))


def _is_stale(held: _Held) -> bool:
    """Whether a file of the model is not what it was when it was read."""
    files = [part for part in held.model.key if isinstance(part, File)]
    return tuple(file_state(file.path) for file in files) != held.states


def _estimate_bytes(plan: Plan) -> int:
    """About what a model takes that is yet to be loaded: what its files hold, in fp32."""
    sizes = [_size(file) for file in dict.fromkeys((plan.model, plan.vae))]
    return 2 * sum(sizes)


def _size(file: File) -> int:
    paths = file.path.rglob("*") if is_folder(file.path) else [file.path]
    return sum(path.stat().st_size for path in paths if is_ordinary_file(path))


def _count_bytes(model: LoadedModel) -> int:
    """What a loaded model's weights take."""
    modules = (part for part in model.pipe.components.values() if isinstance(part, torch.nn.Module))
    tensors = {id(tensor): tensor for module in modules for tensor in module.parameters()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _budget(device: torch.device) -> int:
    """Bytes that models may take together on a device."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory * SHARE)
    pages = getattr(os, "sysconf", lambda name: 0)("SC_PHYS_PAGES")
    return int(pages * 4096 * SHARE)
