"""Pictures made larger by an upscaler: whole or in tiles, of any size, with what is transparent kept."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from sdcli.engine import spandrel_networks
from sdcli.engine.device import choose_machine
from sdcli.engine.empty_module import EmptyModule
from sdcli.engine.low_memory import is_out_of_memory
from sdcli.engine.tiles import Tiling, map_tiles
from sdcli.engine.upscaler_networks import make_rrdb, make_srvgg
from sdcli.errors import SdcliError
from sdcli.events import Listener, SilentListener
from sdcli.images.transparency import fill_transparent, split_alpha
from sdcli.weights.upscaler import OTHER, RRDB, SRVGG, Upscaler, read_upscaler

MAKERS = {RRDB: make_rrdb, SRVGG: make_srvgg}
SIDES = (512, 256, 128, 64)  # of tiles, in pixels of the small picture: what is tried in turn
ON_CPU = 256  # an RRDB takes a gigabyte for a tile of this side, and is no faster with a larger one
FADE = 8
FAR = 32  # so far from a tile's edge an RRDB's pixels hardly know of it
MOST_TIMES = 3  # that a picture goes through the network, as A1111 has it


class LoadedUpscaler:
    """An upscaler in memory, on the device that this machine does best with.

        larger = LoadedUpscaler(path).enlarge(picture, (1024, 1536))

    `events` tells what it had to do otherwise than planned.
    """

    def __init__(
        self,
        path: Path,
        device: str = "auto",
        dtype: str = "auto",
        listener: Listener | None = None,
    ) -> None:
        self.listener = listener or SilentListener()
        self.upscaler = read_upscaler(path)
        self.machine = choose_machine(device, "auto")
        if dtype != "auto" or self.machine.device.type == "cpu":
            # bfloat16, which some CPUs do best, has fewer steps than a picture has greys
            self.machine = choose_machine(device, "fp32" if dtype == "auto" else dtype)
        for note in self.machine.notes:
            self.listener.on_note(note)
        self._network, self.scale = self._load(self.upscaler)
        self._dtype = next(self._network.parameters()).dtype
        self._sides = [s for s in SIDES if self.machine.device.type != "cpu" or s <= ON_CPU]
        self.events: list[str] = []

    def _load(self, upscaler: Upscaler) -> tuple[nn.Module, int]:
        if upscaler.architecture == OTHER:
            return spandrel_networks.load_network(upscaler, self.machine)
        frame = EmptyModule(
            upscaler.header,
            upscaler.component,
            MAKERS[upscaler.architecture],
            dict(upscaler.config),
        )
        assert upscaler.scale is not None
        return frame.fill(self.machine.dtype, self.machine.device), upscaler.scale

    def enlarge(self, image: Image.Image, size: tuple[int, int] | None = None) -> Image.Image:
        """The picture (RGB, RGBA or anything that becomes one of them) as large as the network makes
        it, or at a size: once through the network or as often as it takes to be as large, three
        times at most, then by Lanczos."""
        colours, alpha = split_alpha(image)
        if alpha is not None:
            colours = fill_transparent(colours, alpha)
        larger = self._once(colours)
        for _ in range(MOST_TIMES - 1 if size and self.scale > 1 else 0):
            if size and (larger.width < size[0] or larger.height < size[1]):
                larger = self._once(larger)
        if size and larger.size != size:
            larger = larger.resize(size, Image.Resampling.LANCZOS)
        if alpha is not None:
            larger.putalpha(alpha.resize(larger.size, Image.Resampling.LANCZOS))
        return larger

    def _once(self, image: Image.Image) -> Image.Image:
        pixels = torch.from_numpy(np.array(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]
        found = self.enlarge_pixels(pixels).mul(255).round_().clamp_(0, 255).byte()
        return Image.fromarray(found[0].permute(1, 2, 0).numpy())

    @torch.inference_mode()
    def enlarge_pixels(self, pixels: Tensor) -> Tensor:
        """Pixels [1, 3, h, w] in 0 to 1, as large as the network makes them, in fp32 on the CPU:
        in tiles where they are large, in smaller ones where memory runs out."""
        height, width = pixels.shape[-2:]
        multiple = self._multiple
        padded = functional.pad(
            pixels, (0, -width % multiple, 0, -height % multiple), mode="replicate"
        )
        while True:
            found = self._attempt(padded)
            if found is not None:
                return found[..., : height * self.scale, : width * self.scale]

    def _attempt(self, pixels: Tensor) -> Tensor | None:
        """The pixels in tiles of the first side that is left; None if memory runs out with it."""
        side = self._sides[0]
        tiling = Tiling(side, min(self._reach, side // 2 - FADE), FADE, self._multiple)
        try:
            found = map_tiles(pixels, tiling, self.scale, self._run, self.listener.on_progress)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return self._checked(found)
        gc.collect()
        if self.machine.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(self._sides) == 1:
            raise SdcliError(
                f"memory ran out, even with tiles of {self._sides[0]} pixels",
                hint="free memory on the machine, or use a smaller upscaler",
            )
        self._sides.pop(0)
        self._tell(f"memory ran out: going on with tiles of {self._sides[0]} pixels")
        return None

    def _checked(self, found: Tensor) -> Tensor | None:
        """The pixels, if they are numbers; None where they are to be tried again in fp32."""
        if torch.isfinite(found).all():
            return found
        if self._dtype is torch.float32:
            raise SdcliError(
                f"`{self.upscaler.path.name}` gives no numbers for this picture (NaN or infinite)",
                hint="the file is damaged; use another upscaler",
            )
        self._dtype = torch.float32
        self._network.float()
        self._tell("the upscaler overflowed: going on in fp32")
        return None

    def _tell(self, text: str) -> None:
        self.events.append(text)
        self.listener.on_fallback(text)

    def _run(self, tile: Tensor) -> Tensor:
        return self._network(tile.to(self.machine.device, self._dtype))

    @property
    def _multiple(self) -> int:
        """What the sides of what goes into the network must be multiples of."""
        return int(self.upscaler.config.get("gathers", 1))

    @property
    def _reach(self) -> int:
        """How far from a tile's edge its pixels are not used."""
        # Of a row of convolutions it is known how far each pixel sees: beyond that tiles are exact.
        return self.upscaler.config["layers"] + 2 if self.upscaler.architecture == SRVGG else FAR
