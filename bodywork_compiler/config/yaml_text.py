"""Text of a YAML file → its values, and its nodes, which know where each value stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

from bodywork_compiler.config import yaml_syntax
from bodywork_compiler.config.reading import UnreadableError
from bodywork_compiler.config.yaml_values import MAPPING, SEQUENCE, TEXT, Values, unreadable_at

# what aliases may add to a file's own values: enough for any real file, and no more than a second of work
MOST_REPEATED = 1_000_000


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    root: Node
    values: Any
    has_oddities: bool


class _Resolver:
    """PyYAML's rules of which plain scalars are no text, without its search by path, which takes half of the time."""

    _implicit = Resolver.yaml_implicit_resolvers

    def descend_resolver(self, *_: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is not ScalarNode:
            return SEQUENCE if kind is SequenceNode else MAPPING
        if implicit[0]:
            for tag, regexp in self._implicit.get(value[:1], ()):
                if regexp.match(value):
                    # `=` alone has a tag of its own, which no safe loader takes
                    return TEXT if value == "=" else str(tag)
        return TEXT


class _PureLoader(_Resolver, Reader, Scanner, Parser, Composer):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)


def _loader() -> type[Any]:
    if not yaml.__with_libyaml__:
        return _PureLoader
    from yaml._yaml import CParser

    class CLoader(_Resolver, CParser):
        pass

    return CLoader


def parse(text: str) -> Document:
    """Read one YAML document; an UnreadableError when there is none, or more than one, or no YAML at all."""
    try:
        root = _loader()(text).get_single_node()
    except yaml.YAMLError as fault:
        raise yaml_syntax.unreadable(text, fault) from fault
    except RecursionError as fault:
        raise UnreadableError("is nested too deeply") from fault
    if root is None:
        raise UnreadableError("is empty", hint="a config begins with: version, pipeline, stages, logging")
    if "*" in text:
        _bound_aliases(root)
    values = Values({})
    return Document(text, root, values.of(root), values.has_oddities)


def _bound_aliases(root: Node) -> None:
    sizes: dict[int, int] = {}
    expanded = _size(root, sizes)
    if expanded - len(sizes) > MOST_REPEATED:
        raise unreadable_at(
            root, f"its anchors and aliases (`&`, `*`) make {expanded:.1g} values of {len(sizes)}", "write out what is meant"
        )


def _size(node: Node, sizes: dict[int, int]) -> int:
    """The number of values of a node with its aliases written out; 0 in `sizes` marks a node that is being counted."""
    at = id(node)
    if at not in sizes:
        sizes[at] = 0
        parts = [] if isinstance(node, ScalarNode) else node.value
        nodes = (part for pair in parts for part in pair) if isinstance(node, MappingNode) else parts
        sizes[at] = 1 + sum(_size(part, sizes) for part in nodes)
    elif not sizes[at]:
        raise unreadable_at(node, "an alias (`*`) stands inside of what its anchor (`&`) names", "write out what is meant")
    return sizes[at]
