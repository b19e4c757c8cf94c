"""ComfyUI's graph of nodes, followed from what was saved back to the sampler and its inputs.

Nodes are told apart by what they take rather than by name alone: thousands of custom ones exist,
and most pass on a model, a conditioning or a latent under the usual names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sdcli.metadata.readers.draft import as_text, nested_value

Node = Mapping[str, Any]

_OUTPUTS = re.compile(r"Save|Preview|Output|Send", re.I)
_SAMPLERS = re.compile(r"Sampler(?!Select)|KSampler", re.I)
TEXT_INPUTS = (
    "text",
    "text_g",
    "text_l",
    "prompt",
    "string",
    "value",
    "populated_text",
    "wildcard_text",
)


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
                (n for n in (name, "seed", "noise_seed", "value", *TEXT_INPUTS) if n in inputs), ""
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
