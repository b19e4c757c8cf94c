"""A module built without memory, and then given the tensors of a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from transformers.models.clip.modeling_clip import CLIPTextEmbeddings, CLIPVisionEmbeddings

from sdcli.engine.read_tensors import load_component
from sdcli.errors import BadRequest
from sdcli.weights.components import Component
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import JUNK

Config = dict[str, Any]
_TOWER = re.compile("^(text_model|vision_model)[.]")
HINT = "the file is damaged or of a kind that sdcli does not know"


class EmptyModule:
    """A module that has the names and shapes of its tensors, and none of their numbers."""

    def __init__(
        self, header: Header, part: Component, maker: Callable[[Config], Any], config: Config
    ) -> None:
        self.header, self.part = header, part
        try:
            with torch.device("meta"):
                self.module: torch.nn.Module = maker(config)
        except (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError) as error:
            raise BadRequest(
                f"`{header.path.name}` describes no {part.kind} that can be built ({error})",
                hint=HINT,
            ) from None
        for inner in self.module.modules():
            if isinstance(inner, CLIPTextEmbeddings | CLIPVisionEmbeddings):
                # the one buffer that no file holds
                places = torch.arange(inner.position_embedding.num_embeddings)[None]
                inner.register_buffer("position_ids", places, persistent=False)
        state = self.module.state_dict()
        # Some versions of transformers put `text_model.` before a text encoder's names.
        self.keys = {_TOWER.sub("", name): name for name in state}
        self.shapes = {name: state[key].shape for name, key in self.keys.items()}

    @property
    def ignored(self) -> tuple[str, ...]:
        """The file's tensors that are neither taken by the module nor known to be left over."""
        extra = [part.name for target, part in self.part.parts.items() if target not in self.shapes]
        return tuple(name for name in extra if not JUNK.match(name))

    def check(self) -> None:
        """Nothing, or an error that names the first tensor that is missing or misshapen."""
        path, parts = self.header.path.name, self.part.parts
        if missing := [name for name in self.shapes if name not in parts]:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            name = self.part.file_name(missing[0])
            raise BadRequest(f"`{path}` lacks the tensor `{name}`{more}", hint=HINT)
        for name, shape in self.shapes.items():
            found = self.part.shapes[name]
            # A 1x1 convolution may be stored as the linear layer it is, and the other way round.
            if [side for side in found if side != 1] != [side for side in shape if side != 1]:
                raise BadRequest(
                    f"`{path}` has `{parts[name].name}` of {list(found)}, not {list(shape)}",
                    hint=HINT,
                )

    def fill(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> torch.nn.Module:
        """The module with its tensors, in the working dtype, ready to compute."""
        self.check()
        tensors = load_component(self.header, self.part, self.shapes, dtype, device)
        named = {self.keys[name]: tensor for name, tensor in tensors.items()}
        self.module.load_state_dict(named, strict=True, assign=True)
        return self.module.requires_grad_(False).to(device).eval()
