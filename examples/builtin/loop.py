"""What every stage shares: a loop that can be killed at any moment and goes on where it was.

A stage's budget is minutes of running, not steps: a laptop and a GPU both finish when they were
told to, with the learning rate at the end of its cosine. The minutes spent travel in the
checkpoint.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import muon
import torch
from accelerate import Accelerator
from PIL import Image, ImageDraw
from pool import Pool


def half_on(device: torch.device) -> torch.autocast:
    """Half precision where it pays: on a GPU, and on CPUs that multiply bfloat16 at once, which
    are a third faster then.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=_halves(device.type))


@cache
def _halves(device: str) -> bool:
    about = Path("/proc/cpuinfo")
    if device == "cpu":
        return about.exists() and "avx512_bf16" in about.read_text()
    torch.set_float32_matmul_precision("high")
    return device == "cuda"


def seconds_left(folder: Path, name: str, minutes: float) -> float:
    """The stage's budget; a file `NAME.minutes` in the folder overrules the command line while
    it runs.
    """
    said = folder / f"{name}.minutes"
    return 60 * (float(said.read_text()) if said.exists() else minutes)


@dataclass(frozen=True)
class Course:
    """How a stage learns: for how long, how fast, how its rate rises and falls."""

    minutes: float
    lr: float
    warmup: int = 200  # steps
    hold: float = 0.0  # the share of the budget before the cosine falls
    decay: float = 0.999  # of the averaged weights
    weight_decay: float = 0.01
    clip: float = 1.0
    slow: Mapping[str, float] = field(default_factory=dict)  # modules that learn more slowly
    share: float = 1.0  # below 1: of what this process learnt, what goes into the pool
    follows: bool = False  # whether another process leads


def arguments(about: str, *, batch: int, lr: float, minutes: float) -> argparse.ArgumentParser:
    """What every stage can be told that several processes may share."""
    said = argparse.ArgumentParser(description=about)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=batch)
    said.add_argument("--lr", type=float, default=lr)
    said.add_argument("--minutes", type=float, default=minutes)
    said.add_argument(
        "--follow", action="store_true", help="join a training that another process leads"
    )
    said.add_argument(
        "--share", type=float, default=1.0, help="below 1 where several processes train one model"
    )
    return said


def course_of(said: argparse.Namespace, **more: Any) -> Course:
    """How a stage learns, as it was told on the command line."""
    return Course(said.minutes, said.lr, share=said.share, follows=said.follow, **more)


class Loop:
    """Steps until the budget is spent; saves itself every minute, whole or not at all."""

    def __init__(
        self,
        folder: Path,
        name: str,
        modules: dict[str, torch.nn.Module],
        course: Course,
        layout: torch.memory_format = torch.channels_last,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name, self.course = folder, name, course
        self.accelerator = Accelerator()
        matrices, rest = [], []
        for key, module in modules.items():
            module.to(self.accelerator.device, memory_format=layout)
            scale = course.slow.get(key, 1.0)
            named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
            ours = [p for n, p in named if "embedding" not in n and muon.suits(p)]
            matrices.append({"params": ours, "scale": scale})
            rest.append(
                {
                    "params": [p for n, p in named if "embedding" in n or not muon.suits(p)],
                    "scale": scale,
                }
            )
        rates = {"lr": course.lr, "weight_decay": course.weight_decay}
        self.optimizers: list[torch.optim.Optimizer] = []
        if matrices := [group for group in matrices if group["params"]]:
            self.optimizers.append(muon.Muon(matrices, **rates))
        if rest := [group for group in rest if group["params"]]:
            rates["weight_decay"] = 0.0
            self.optimizers.append(torch.optim.AdamW(rest, **rates, betas=(0.9, 0.98), fused=True))
        self.modules = modules
        self.device = self.accelerator.device
        self.ema = {
            f"{key}.{n}": p.detach().clone()
            for key, m in modules.items()
            for n, p in m.state_dict().items()
        }
        self.step, self.spent, self.progress, self.mean = 0, 0.0, 0.0, -1.0
        if not course.follows:
            self._resume()
        self.pool: Pool | None = None
        if course.share < 1:
            params = [p for module in modules.values() for p in module.parameters()]
            self.pool = Pool(
                folder / f"{name}.pool", params, leads=not course.follows, share=course.share
            )
        self._saved = self._since = time.monotonic()

    @property
    def checkpoint(self) -> Path:
        """Where the loop keeps itself."""
        return self.folder / f"{self.name}.pt"

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        kept = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        for key, state in kept["modules"].items():
            self.modules[key].load_state_dict(state)
        if kept["optimizers"]:  # a packaged file has none (`begin.py`)
            for optimizer, state in zip(self.optimizers, kept["optimizers"], strict=True):
                optimizer.load_state_dict(state)
        self.ema |= kept["ema"]
        self.step, self.spent = kept["step"], kept["spent"]
        print(
            f"{self.name}: going on from step {self.step}, {self.spent / 60:.1f} minutes in",
            flush=True,
        )

    def half(self) -> torch.autocast:
        """Half precision for what is computed inside, where the machine is faster with it."""
        return half_on(self.device)

    def save(self) -> None:
        """Write the whole state beside the checkpoint, then rename: a kill leaves the old one or
        the new one.
        """
        if self.course.follows:
            return
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "modules": {k: m.state_dict() for k, m in self.modules.items()},
                "ema": self.ema,
                "step": self.step,
                "optimizers": [o.state_dict() for o in self.optimizers],
                "spent": self.spent,
            },
            part,
        )
        part.rename(self.checkpoint)
        self._saved = time.monotonic()

    def steps(self) -> Iterator[int]:
        """The steps that the budget allows. The learning rate follows the budget, not the step."""
        while True:
            now = time.monotonic()
            # a process that was paused has learnt nothing meanwhile
            self.spent, self._since = self.spent + min(now - self._since, 120), now
            self.progress = self.spent / seconds_left(self.folder, self.name, self.course.minutes)
            if self.pool and self.course.follows:
                self.progress = self.pool.progress
            if self.pool and self.step % 8 == 7:
                self.pool.meet(self.progress)
            if self.progress >= 1:
                if self.pool and not self.course.follows:
                    self.pool.meet(1.0)  # the followers stop too
                break
            fall = max(0.0, (self.progress - self.course.hold) / (1 - self.course.hold))
            rate = (
                self.course.lr
                * min(1.0, (self.step + 1) / self.course.warmup)
                * (0.02 + 0.98 * (1 + math.cos(math.pi * fall)) / 2)
            )
            for group in self._groups():
                group["lr"] = rate * group["scale"]
            yield self.step
            self.step += 1
            if time.monotonic() - self._saved > 75:
                self.save()
        self.save()

    def _groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def learn(
        self,
        loss: torch.Tensor,
        lessons: Mapping[torch.nn.Module, torch.Tensor] | None = None,
        beside: torch.Tensor | None = None,
    ) -> None:
        """One step down the loss, and the running average of the weights. What is learnt `beside` it
        is not part of the curve. A module with a lesson of its own learns from that alone.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss if beside is None else loss + beside)
        for module, lesson in (lessons or {}).items():
            module.zero_grad(set_to_none=True)
            self.accelerator.backward(lesson)
        params = [p for group in self._groups() for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(params, self.course.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        decay = min(
            self.course.decay, (1 + self.step) / (10 + self.step)
        )  # a young average forgets faster
        with torch.no_grad():
            ours = [
                self.ema[f"{k}.{n}"]
                for k, m in self.modules.items()
                for n, _ in m.named_parameters()
            ]
            theirs = [p for m in self.modules.values() for p in m.parameters()]
            torch._foreach_lerp_(ours, theirs, 1 - decay)
        value = float(loss.detach())
        self.mean = (
            value
            if self.mean < 0
            else self.mean + (value - self.mean) * (0.02 if self.step > 50 else 0.2)
        )
        if self.step % 50 == 0 and not self.course.follows:
            self.note({"loss": round(self.mean, 5)})
            if beside is not None:
                self.note({"beside": round(float(beside.detach()), 4)})

    def note(self, values: dict[str, float]) -> None:
        """Say where the stage is, and keep it for the curve."""
        row = {"step": self.step, "minutes": round(self.spent / 60, 2), **values}
        print(
            f"{self.name} "
            + " ".join(f"{k} {v}" for k, v in row.items())
            + f" ({self.progress:.0%})",
            flush=True,
        )
        log = self.folder / f"{self.name}.{'-'.join(values)}.csv"
        fresh = not log.exists()
        with log.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)

    def averaged(self, key: str) -> dict[str, torch.Tensor]:
        """The averaged weights of one module: what is kept in the end."""
        return {
            n.removeprefix(f"{key}."): p for n, p in self.ema.items() if n.startswith(f"{key}.")
        }


def averaged(folder: Path, name: str, key: str) -> dict[str, torch.Tensor]:
    """The averaged weights of one module, from a stage's checkpoint."""
    ema = torch.load(folder / f"{name}.pt", map_location="cpu", weights_only=True)["ema"]
    return {n.removeprefix(f"{key}."): p for n, p in ema.items() if n.startswith(f"{key}.")}


def curve(log: Path, out: Path, column: str = "loss") -> None:
    """A stage's loss over its minutes, on a logarithmic scale, as a small PNG."""
    with log.open() as file:
        rows = [
            (float(r["minutes"]), math.log10(max(float(r[column]), 1e-9)))
            for r in csv.DictReader(file)
        ]
    rows = rows[1:]
    width, height = 480, 200
    canvas = Image.new("RGB", (width, height), (255, 255, 255))
    pen = ImageDraw.Draw(canvas)
    low, high = min(y for _, y in rows), max(y for _, y in rows)
    end = max(x for x, _ in rows)
    line = [
        (x / end * (width - 20) + 10, (high - y) / (high - low + 1e-9) * (height - 40) + 10)
        for x, y in rows
    ]
    pen.line(line, fill=(46, 98, 206), width=2)
    pen.text(
        (10, height - 20),
        f"{column} {10**high:.3g} to {10**low:.3g}, {end:.0f} minutes",
        fill=(60, 60, 60),
    )
    canvas.save(out)
