"""ComfyUI: a graph of nodes, followed from what was saved back to the sampler and its inputs.

Nodes are told apart by what they take rather than by name alone: thousands of custom ones exist,
and most pass on a model, a conditioning or a latent under the usual names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_number,
    as_text,
    bare_name,
    nested_value,
    parse_json_object,
)
from sdcli.prompts.comfyui import translate_comfyui, weigh_comfyui

Node = Mapping[str, Any]

_MOST_NODES = 5_000
_OUTPUTS = re.compile(r"Save|Preview|Output|Send", re.I)
_SAMPLERS = re.compile(r"Sampler(?!Select)|KSampler", re.I)
_WORDS = (
    "text",
    "text_g",
    "text_l",
    "prompt",
    "string",
    "value",
    "populated_text",
    "wildcard_text",
)
_EMBEDDING = re.compile(r"\bembedding:([^\s,():]+)")
_PICTURES = re.compile(r"ControlNet|IPAdapter|StyleModel|unCLIP|Redux|T2IAdapter|Photo", re.I)
_DECIDE_NOTHING = re.compile(r"Reroute|Preview|Save|Note|Primitive|FreeMemory|Cache", re.I)


def read_comfyui(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The graph of a picture by ComfyUI, if one of its nodes is a sampler."""
    data = parse_json_object(texts.get("prompt"))
    if not data or len(data) > _MOST_NODES:
        return None
    graph = NodeGraph(data)
    decoder, sampler = graph.last_sampler()
    if sampler is None:
        return None
    draft = ForeignPictureBuilder("ComfyUI")
    draft.values["rng"] = "cpu"
    _read_sampling(graph, sampler, draft)
    positive = _read_words(graph, sampler, "positive", draft)
    negative = _read_words(graph, sampler, "negative", draft)
    prompts = [_take_embeddings(said, draft) for said in (positive, negative)]
    draft.set_prompts(*map(translate_comfyui, prompts))
    _read_model(graph, sampler, draft)
    _read_vae(graph, decoder, draft)
    _read_latent(graph, sampler, draft, size)
    _note_text_sizes(graph, sampler, draft)
    if any(weight != 1 for said in prompts for _, weight in weigh_comfyui(said)):
        draft.note_difference("its words are weighted by another rule than AUTOMATIC1111's")
    return draft.build()


class NodeGraph:
    """Nodes by name, and how to walk from one to those that feed it."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.nodes: dict[str, Node] = {
            name: node
            for name, node in data.items()
            if isinstance(nested_value(node, "inputs"), dict)
        }

    def node_type(self, node: Node) -> str:
        """What the node is called."""
        return as_text(node.get("class_type"))

    def input_node(self, node: Node | None, name: str) -> Node | None:
        """The node that feeds an input."""
        link = node["inputs"].get(name) if node else None
        if not isinstance(link, list) or not link:
            return None
        return self.nodes.get(as_text(cast(list[Any], link)[0]))

    def input_value(self, node: Node | None, *names: str) -> Any:
        """An input's value, of the first name there is, through nodes that only hold a value."""
        for name in names:
            value = self._follow_value(node, name)
            if value is not None:
                return value
        return None

    def _follow_value(self, node: Node | None, name: str) -> Any:
        for _ in range(20):
            value = node["inputs"].get(name) if node else None
            if not isinstance(value, list):
                return value
            node = self.input_node(node, name)
            inputs: Mapping[str, Any] = node["inputs"] if node else {}
            name = next(
                (n for n in (name, "seed", "noise_seed", "value", *_WORDS) if n in inputs), ""
            )
        return None

    def follow_inputs(self, node: Node | None, *names: str) -> Iterator[Node]:
        """The nodes along an input of one of these names, nearest first, each once."""
        seen: set[int] = set()
        while node is not None and id(node) not in seen:
            seen.add(id(node))
            yield node
            here = node
            node = next(filter(None, (self.input_node(here, name) for name in names)), None)

    def ancestors(self, node: Node) -> Iterator[Node]:
        """Everything that a node rests on, nearest first, each once."""
        queue, seen = [node], {id(node)}
        for here in queue:
            yield here
            for name in here["inputs"]:
                feeder = self.input_node(here, name)
                if feeder is not None and id(feeder) not in seen:
                    seen.add(id(feeder))
                    queue.append(feeder)

    def last_sampler(self) -> tuple[Node | None, Node | None]:
        """What was decoded for the picture that was saved, and the sampler that made it."""
        ends = [node for node in self.nodes.values() if _OUTPUTS.search(self.node_type(node))]
        for end in [*ends[:50], *list(self.nodes.values())[-50:]]:
            decoder = None
            for node in self.ancestors(end):
                if "samples" in node["inputs"] and "vae" in node["inputs"] and decoder is None:
                    decoder = node
                if self.is_sampler(node):
                    return decoder, node
        return None, None

    def is_sampler(self, node: Node) -> bool:
        """Whether a node is a sampler."""
        inputs = node["inputs"]
        plain = {"sampler_name", "steps", "cfg"} <= set(inputs)
        split = "sampler" in inputs and "sigmas" in inputs
        return plain or (split and bool(_SAMPLERS.search(self.node_type(node))))


def _read_sampling(graph: NodeGraph, sampler: Node, draft: ForeignPictureBuilder) -> None:
    noise, guider = graph.input_node(sampler, "noise"), graph.input_node(sampler, "guider")
    solver, sigmas = graph.input_node(sampler, "sampler"), graph.input_node(sampler, "sigmas")
    name = as_text(
        graph.input_value(sampler, "sampler_name") or graph.input_value(solver, "sampler_name")
    )
    spacing = graph.input_value(sampler, "scheduler") or graph.input_value(sigmas, "scheduler")
    draft.set_sampler(name.removeprefix("sample_"), spacing)
    draft.set_number(
        "steps", graph.input_value(sampler, "steps") or graph.input_value(sigmas, "steps")
    )
    seed = graph.input_value(sampler, "seed", "noise_seed")
    draft.set_number(
        "seed", seed if seed is not None else graph.input_value(noise, "noise_seed", "seed")
    )
    cfg = graph.input_value(sampler, "cfg")
    draft.set_number("cfg", cfg if cfg is not None else graph.input_value(guider, "cfg"))
    if re.search("ancestral|sde|lcm|ddpm", name):
        draft.note_difference("its sampler draws fresh noise, which ComfyUI does on the GPU")
    partial = as_number(graph.input_value(sampler, "start_at_step")) or graph.input_value(
        sampler, "return_with_leftover_noise"
    ) in ("enable", True)
    if partial:
        draft.note_difference("its sampler took only a part of the steps, one of several in a row")


def _read_words(graph: NodeGraph, sampler: Node, which: str, draft: ForeignPictureBuilder) -> str:
    guider = graph.input_node(sampler, "guider")
    start = graph.input_node(sampler, which) or graph.input_node(guider, which)
    if which == "positive":
        start = start or graph.input_node(guider, "conditioning")
    words: dict[str, None] = {}
    for node in _speaking_nodes(graph, start, which, draft):
        if graph.is_sampler(node) or "ckpt_name" in node["inputs"] or "lora_name" in node["inputs"]:
            continue  # its words are another picture's, or none
        if _PICTURES.search(graph.node_type(node)):
            draft.note_difference(f"it followed another picture ({graph.node_type(node)[:60]})")
        for name in _WORDS:
            one_text = graph.input_value(node, name)
            if isinstance(one_text, str) and one_text.strip() and _is_text_encoder(graph, node):
                words[one_text.strip()] = None
    if len(words) > 1:
        draft.note_difference(
            f"its {which} words come from {len(words)} nodes, joined here in a row"
        )
    return ", ".join(words)


def _speaking_nodes(
    graph: NodeGraph, start: Node | None, which: str, draft: ForeignPictureBuilder
) -> list[Node]:
    """The nodes that the words come from: none of those behind one that makes zeros of them."""
    if start is None:
        return []
    behind = graph.follow_inputs(start, "conditioning", "conditioning_1", "conditioning_to")
    if any("ZeroOut" in graph.node_type(node) for node in behind):
        if which == "positive":
            draft.note_difference("its positive words were made zeros, which is not done here")
        else:
            draft.values["empty_negative"] = "always-zeros"
        return []
    return list(graph.ancestors(start))


def _take_embeddings(said: str, draft: ForeignPictureBuilder) -> str:
    """The words with `embedding:NAME` as the word that the file of that name stands for."""

    def word(match: re.Match[str]) -> str:
        name = bare_name(match[1])
        draft.add_embedding(name)
        return name

    return _EMBEDDING.sub(word, said)


def _note_batch(graph: NodeGraph, latent: Node, draft: ForeignPictureBuilder) -> None:
    batch = as_number(graph.input_value(latent, "batch_size")) or 1
    if batch > 1:
        draft.note_difference(
            f"it is one of {batch} drawn at once; only the first of them is the seed's own"
        )


def _note_text_sizes(graph: NodeGraph, sampler: Node, draft: ForeignPictureBuilder) -> None:
    """What SDXL was told of sizes, where that is not the size of the picture, as it is here."""
    guider = graph.input_node(sampler, "guider")
    start = graph.input_node(sampler, "positive") or graph.input_node(guider, "positive")
    across, down = draft.values.get("width"), draft.values.get("height")
    for node in graph.ancestors(start) if start else ():
        if not {"crop_w", "target_width"} <= set(node["inputs"]):
            continue
        names = ("width", "height", "crop_w", "crop_h", "target_width", "target_height")
        sizes = [as_number(graph.input_value(node, name)) for name in names]
        if sizes != [across, down, 0, 0, across, down]:
            told = ", ".join("?" if size is None else f"{size:g}" for size in sizes)
            draft.note_difference(f"SDXL was told other sizes than the picture's ({told})")
        first, second = (graph.input_value(node, name) for name in ("text_l", "text_g"))
        if first != second:
            draft.note_difference("its two text encoders were given words of their own")


def _is_text_encoder(graph: NodeGraph, node: Node) -> bool:
    """Whether a node's text is words for the model: it is fed a text encoder."""
    return "clip" in node["inputs"] or "Encode" in graph.node_type(node)


def _read_model(graph: NodeGraph, sampler: Node, draft: ForeignPictureBuilder) -> None:
    start = graph.input_node(sampler, "model") or graph.input_node(
        graph.input_node(sampler, "guider"), "model"
    )
    for node in graph.follow_inputs(start, "model", "unet", "patched_model"):
        inputs = node["inputs"]
        name = as_text(graph.input_value(node, "ckpt_name", "unet_name", "model_name"))
        if name:
            draft.set_model(name)
        elif "lora_name" in inputs:
            weight = graph.input_value(node, "strength_model", "lora_wt")
            draft.add_lora(
                inputs.get("lora_name"), weight, graph.input_value(node, "strength_clip")
            )
        elif not _DECIDE_NOTHING.search(graph.node_type(node)):
            draft.note_difference(f"its model was changed by `{graph.node_type(node)[:60]}`")
    draft.loras.reverse()  # nearest the sampler was put on last
    encoder = graph.input_node(sampler, "positive") or graph.input_node(
        graph.input_node(sampler, "guider"), "positive"
    )
    clips = (
        [node for node in graph.ancestors(encoder) if "clip" in node["inputs"]] if encoder else []
    )
    for node in graph.follow_inputs(clips[0] if clips else None, "clip"):
        layer = as_number(node["inputs"].get("stop_at_clip_layer"))
        if layer is not None:
            draft.set_number("clip_skip", -layer)


def _read_vae(graph: NodeGraph, decoder: Node | None, draft: ForeignPictureBuilder) -> None:
    for node in graph.follow_inputs(graph.input_node(decoder, "vae"), "vae"):
        if name := as_text(graph.input_value(node, "vae_name")):
            draft.set_model(name, kind="vae")


def _read_latent(
    graph: NodeGraph, sampler: Node, draft: ForeignPictureBuilder, size: PictureSize
) -> None:
    draft.set_size(*(size or (None, None)))
    start = graph.input_node(sampler, "latent_image") or graph.input_node(sampler, "latent")
    for node in graph.follow_inputs(
        start, "latent_image", "samples", "latent", "pixels", "image", "images"
    ):
        kind, inputs = graph.node_type(node), node["inputs"]
        if graph.is_sampler(node):
            draft.note_difference("it was drawn in several passes, of which this is the last")
            return
        if "batch_size" in inputs and "width" in inputs:
            draft.set_size(graph.input_value(node, "width"), graph.input_value(node, "height"))
            _note_batch(graph, node, draft)
            _note_share(_denoise_share(graph, sampler), draft)
            return
        if "pixels" in inputs or kind == "LoadImage":
            share = _denoise_share(graph, sampler)
            draft.set_start_strength(share)
            _note_share(share, draft)
            return
        if "Upscale" in kind:
            draft.note_difference(f"its latents were enlarged on the way ({kind[:60]})")


def _denoise_share(graph: NodeGraph, sampler: Node) -> float:
    said = graph.input_value(sampler, "denoise")
    share = as_number(
        said
        if said is not None
        else graph.input_value(graph.input_node(sampler, "sigmas"), "denoise")
    )
    return 1.0 if share is None else float(share)


def _note_share(share: float, draft: ForeignPictureBuilder) -> None:
    if share < 1:
        draft.note_difference(
            f"it removed a share of {share:g} of the noise, over steps spaced otherwise"
        )
