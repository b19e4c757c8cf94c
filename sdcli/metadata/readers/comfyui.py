"""ComfyUI: a graph of nodes, followed from what was saved back to the sampler and its inputs.

Nodes are told apart by what they take rather than by name alone: thousands of custom ones exist,
and most pass on a model, a conditioning or a latent under the usual names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sdcli.metadata.readers.draft import Draft, Found, Size, json_object, number, text, within

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
_WEIGHTED = re.compile(r"(?<!\\)\([^()]*:[0-9.]+\s*\)|(?<!\\)\(")
_PICTURES = re.compile(r"ControlNet|IPAdapter|StyleModel|unCLIP|Redux|T2IAdapter|Photo", re.I)
_DECIDE_NOTHING = re.compile(r"Reroute|Preview|Save|Note|Primitive|FreeMemory|Cache", re.I)


def read(texts: Mapping[str, str], size: Size) -> Found | None:
    """The graph of a picture by ComfyUI, if one of its nodes is a sampler."""
    data = json_object(texts.get("prompt"))
    if not data or len(data) > _MOST_NODES:
        return None
    graph = Graph(data)
    decoder, sampler = graph.last_sampler()
    if sampler is None:
        return None
    draft = Draft("ComfyUI")
    draft.said["rng"] = "cpu"
    _sampling(graph, sampler, draft)
    positive = _words(graph, sampler, "positive", draft)
    negative = _words(graph, sampler, "negative", draft)
    draft.words(_plain(positive), _plain(negative))
    _model(graph, sampler, draft)
    _vae(graph, decoder, draft)
    _latent(graph, sampler, draft, size)
    if _WEIGHTED.search(f"{positive} {negative}"):
        draft.differs("its words are weighted by another rule than AUTOMATIC1111's")
    return draft.done()


class Graph:
    """Nodes by name, and how to walk from one to those that feed it."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.nodes: dict[str, Node] = {
            name: node for name, node in data.items() if isinstance(within(node, "inputs"), dict)
        }

    def kind(self, node: Node) -> str:
        """What the node is called."""
        return text(node.get("class_type"))

    def fed(self, node: Node | None, name: str) -> Node | None:
        """The node that feeds an input."""
        link = node["inputs"].get(name) if node else None
        if not isinstance(link, list) or not link:
            return None
        return self.nodes.get(text(cast(list[Any], link)[0]))

    def value(self, node: Node | None, *names: str) -> Any:
        """An input's value, of the first name there is, through nodes that only hold a value."""
        for name in names:
            found = self._held(node, name)
            if found is not None:
                return found
        return None

    def _held(self, node: Node | None, name: str) -> Any:
        for _ in range(20):
            said = node["inputs"].get(name) if node else None
            if not isinstance(said, list):
                return said
            node = self.fed(node, name)
            inputs: Mapping[str, Any] = node["inputs"] if node else {}
            name = next(
                (n for n in (name, "seed", "noise_seed", "value", *_WORDS) if n in inputs), ""
            )
        return None

    def chain(self, node: Node | None, *names: str) -> Iterator[Node]:
        """The nodes along an input of one of these names, nearest first, each once."""
        seen: set[int] = set()
        while node is not None and id(node) not in seen:
            seen.add(id(node))
            yield node
            here = node
            node = next(filter(None, (self.fed(here, name) for name in names)), None)

    def before(self, node: Node) -> Iterator[Node]:
        """Everything that a node rests on, nearest first, each once."""
        queue, seen = [node], {id(node)}
        for here in queue:
            yield here
            for name in here["inputs"]:
                feeder = self.fed(here, name)
                if feeder is not None and id(feeder) not in seen:
                    seen.add(id(feeder))
                    queue.append(feeder)

    def last_sampler(self) -> tuple[Node | None, Node | None]:
        """What was decoded for the picture that was saved, and the sampler that made it."""
        ends = [node for node in self.nodes.values() if _OUTPUTS.search(self.kind(node))]
        for end in [*ends[:50], *list(self.nodes.values())[-50:]]:
            decoder = None
            for node in self.before(end):
                if "samples" in node["inputs"] and "vae" in node["inputs"] and decoder is None:
                    decoder = node
                if self.samples(node):
                    return decoder, node
        return None, None

    def samples(self, node: Node) -> bool:
        """Whether a node is a sampler."""
        inputs = node["inputs"]
        plain = {"sampler_name", "steps", "cfg"} <= set(inputs)
        split = "sampler" in inputs and "sigmas" in inputs
        return plain or (split and bool(_SAMPLERS.search(self.kind(node))))


def _sampling(graph: Graph, sampler: Node, draft: Draft) -> None:
    noise, guider = graph.fed(sampler, "noise"), graph.fed(sampler, "guider")
    solver, sigmas = graph.fed(sampler, "sampler"), graph.fed(sampler, "sigmas")
    name = text(graph.value(sampler, "sampler_name") or graph.value(solver, "sampler_name"))
    spacing = graph.value(sampler, "scheduler") or graph.value(sigmas, "scheduler")
    draft.sampler(name.removeprefix("sample_"), spacing)
    draft.set("steps", graph.value(sampler, "steps") or graph.value(sigmas, "steps"))
    seed = graph.value(sampler, "seed", "noise_seed")
    draft.set("seed", seed if seed is not None else graph.value(noise, "noise_seed", "seed"))
    cfg = graph.value(sampler, "cfg")
    draft.set("cfg", cfg if cfg is not None else graph.value(guider, "cfg"))
    if re.search("ancestral|sde|lcm|ddpm", name):
        draft.differs("its sampler draws fresh noise, which ComfyUI does on the GPU")
    partial = number(graph.value(sampler, "start_at_step")) or graph.value(
        sampler, "return_with_leftover_noise"
    ) in ("enable", True)
    if partial:
        draft.differs("its sampler took only a part of the steps, one of several in a row")


def _words(graph: Graph, sampler: Node, which: str, draft: Draft) -> str:
    guider = graph.fed(sampler, "guider")
    start = graph.fed(sampler, which) or graph.fed(guider, which)
    if which == "positive":
        start = start or graph.fed(guider, "conditioning")
    found: dict[str, None] = {}
    for node in graph.before(start) if start else ():
        if graph.samples(node) or "ckpt_name" in node["inputs"] or "lora_name" in node["inputs"]:
            continue  # its words are another picture's, or none
        if _PICTURES.search(graph.kind(node)):
            draft.differs(f"it followed another picture ({graph.kind(node)[:60]})")
        for name in _WORDS:
            said = graph.value(node, name)
            if isinstance(said, str) and said.strip() and _speaks(graph, node):
                found[said.strip()] = None
    if len(found) > 1:
        draft.differs(f"its {which} words come from {len(found)} nodes, joined here in a row")
    return ", ".join(found)


def _plain(said: str) -> str:
    """The words with everything disarmed that means something here and nothing there."""
    bare = re.sub(r"(?<!\\)([\[\]])", r"\\\1", said)
    # Text encoders read capitals as small letters, so that this is the same prompt.
    return re.sub(r"\b(AND|BREAK)\b", lambda word: word[0].lower(), bare)


def _speaks(graph: Graph, node: Node) -> bool:
    """Whether a node's text is words for the model: it is fed a text encoder."""
    return "clip" in node["inputs"] or "Encode" in graph.kind(node)


def _model(graph: Graph, sampler: Node, draft: Draft) -> None:
    start = graph.fed(sampler, "model") or graph.fed(graph.fed(sampler, "guider"), "model")
    for node in graph.chain(start, "model", "unet", "patched_model"):
        inputs = node["inputs"]
        name = text(graph.value(node, "ckpt_name", "unet_name", "model_name"))
        if name:
            draft.model(name)
        elif "lora_name" in inputs:
            weight = graph.value(node, "strength_model", "lora_wt")
            draft.lora(inputs.get("lora_name"), weight, graph.value(node, "strength_clip"))
        elif not _DECIDE_NOTHING.search(graph.kind(node)):
            draft.differs(f"its model was changed by `{graph.kind(node)[:60]}`")
    draft.loras.reverse()  # nearest the sampler was put on last
    encoder = graph.fed(sampler, "positive") or graph.fed(graph.fed(sampler, "guider"), "positive")
    clips = [node for node in graph.before(encoder) if "clip" in node["inputs"]] if encoder else []
    for node in graph.chain(clips[0] if clips else None, "clip"):
        layer = number(node["inputs"].get("stop_at_clip_layer"))
        if layer is not None:
            draft.set("clip_skip", -layer)


def _vae(graph: Graph, decoder: Node | None, draft: Draft) -> None:
    for node in graph.chain(graph.fed(decoder, "vae"), "vae"):
        if name := text(graph.value(node, "vae_name")):
            draft.model(name, kind="vae")


def _latent(graph: Graph, sampler: Node, draft: Draft, size: Size) -> None:
    draft.size(*(size or (None, None)))
    start = graph.fed(sampler, "latent_image") or graph.fed(sampler, "latent")
    for node in graph.chain(
        start, "latent_image", "samples", "latent", "pixels", "image", "images"
    ):
        kind, inputs = graph.kind(node), node["inputs"]
        if graph.samples(node):
            draft.differs("it was drawn in several passes, of which this is the last")
            return
        if "batch_size" in inputs and "width" in inputs:
            draft.size(graph.value(node, "width"), graph.value(node, "height"))
            _share(_denoise(graph, sampler), draft)
            return
        if "pixels" in inputs or kind == "LoadImage":
            share = _denoise(graph, sampler)
            draft.started_from(share)
            _share(share, draft)
            return
        if "Upscale" in kind:
            draft.differs(f"its latents were enlarged on the way ({kind[:60]})")


def _denoise(graph: Graph, sampler: Node) -> float:
    said = graph.value(sampler, "denoise")
    share = number(
        said if said is not None else graph.value(graph.fed(sampler, "sigmas"), "denoise")
    )
    return 1.0 if share is None else float(share)


def _share(share: float, draft: Draft) -> None:
    if share < 1:
        draft.differs(f"it removed a share of {share:g} of the noise, over steps spaced otherwise")
