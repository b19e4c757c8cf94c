"""ComfyUI: a graph of nodes, and what of it says how the picture was drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sdcli.metadata.readers.comfyui_graph import TEXT_INPUTS, Node, NodeGraph
from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_number,
    as_text,
    bare_name,
    parse_json_object,
)
from sdcli.prompts.comfyui import translate_comfyui, weigh_comfyui

_MOST_NODES = 5_000
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
        for name in TEXT_INPUTS:
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
