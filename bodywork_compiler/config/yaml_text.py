"""Text of a YAML file → its values, and its nodes, which know where each value stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

from bodywork_compiler.config.reading import UnreadableError
from bodywork_compiler.config.yaml_values import MAPPING, NO_CHARACTER, SEQUENCE, TEXT, Values, unreadable_at
from bodywork_compiler.yaml_nodes import Bounds, OutOfBounds, refuse_nesting, refuse_repetition


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    root: Node
    values: Any
    has_oddities: bool


class _Resolver(Bounds):
    """PyYAML's rules of which plain scalars are no text."""

    _implicit = Resolver.yaml_implicit_resolvers

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

    def compose_scalar_node(self, anchor: dict[Any, Node]) -> ScalarNode:
        node = super().compose_scalar_node(anchor)
        if any("\ud800" <= character <= "\udfff" for character in node.value):
            # libyaml refuses `"\ud800"`; half a pair that got through could not be written to any file
            raise unreadable_at(node, NO_CHARACTER)
        return node


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
        return _document(text, _root(text))
    except OutOfBounds as fault:
        mark = fault.problem_mark
        place = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        raise UnreadableError(str(fault.problem), hint=fault.hint, **place) from fault
    except yaml.YAMLError as fault:
        from bodywork_compiler.config import yaml_syntax

        raise yaml_syntax.unreadable(text, fault) from fault


def _root(text: str) -> Node | None:
    try:
        root: Node | None = _loader()(text).get_single_node()
    except yaml.YAMLError as fault:
        refuse_nesting(text, fault)
        raise
    return root


def _document(text: str, root: Node | None) -> Document:
    if root is None:
        raise UnreadableError("is empty", hint="a config begins with: version, pipeline, stages, logging")
    if "*" in text:
        refuse_repetition(root)
    values = Values({})
    return Document(text, root, values.of(root), values.has_oddities)
