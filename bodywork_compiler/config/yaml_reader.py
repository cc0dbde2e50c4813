"""Text of a YAML file → its plain values, and its nodes, which know the line of each value.

Each scalar is resolved as PyYAML's safe loader does (YAML 1.1), so that a config means here what it means to every other reader of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

from bodywork_compiler.config.reading import UnreadableError
from bodywork_compiler.yaml_nodes import DEEPEST, TOO_DEEP, Bounds, OutOfBounds, refuse_nesting, refuse_repetition

TEXT = "tag:yaml.org,2002:str"
MAPPING = "tag:yaml.org,2002:map"
SEQUENCE = "tag:yaml.org,2002:seq"
MERGE = "tag:yaml.org,2002:merge"
_PLAIN_VALUES = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}
_WORDS = {"tag:yaml.org,2002:timestamp": "a date", "tag:yaml.org,2002:binary": "binary data"}
NO_CHARACTER = "this escape is no character"


@dataclass(frozen=True, slots=True)
class Odd:
    """A value that JSON has not got: a date, `.nan`, something with a tag. It satisfies no type, so it is a fault wherever it is looked at."""

    written: str
    what: str


@dataclass(slots=True)
class Values:
    """Makes values of nodes. `has_oddities`: there are keys that are given twice or are no text, which `yaml_oddities` will find."""

    scalars: dict[tuple[str, str], Any]
    has_oddities: bool = False

    def of(self, node: Node, depth: int = 0) -> Any:
        if type(node) is ScalarNode:
            return node.value if node.tag == TEXT else self._scalar(node)
        if depth > DEEPEST:
            raise unreadable_at(node, TOO_DEEP)
        if type(node) is MappingNode and node.tag == MAPPING:
            return self._mapping(node, depth + 1)
        if type(node) is SequenceNode and node.tag == SEQUENCE:
            return [self.of(part, depth + 1) for part in node.value]
        return Odd(_tag(node), "a value with the tag")

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if key.tag == TEXT and type(key) is ScalarNode:
                values[key.value] = self.of(value, depth)
            elif key.tag == MERGE:
                merged.append(value)
            elif type(key) is ScalarNode:
                self.has_oddities = True
                values[key.value] = self.of(value, depth)
            else:
                raise unreadable_at(key, "a key must be text, not a list or a mapping")
        if len(values) + len(merged) < len(node.value):
            self.has_oddities = True
        return self._merged(merged, values, depth) if merged else values

    def _merged(self, sources: list[Node], values: dict[str, Any], depth: int) -> dict[str, Any]:
        """What `<<` brings comes first and never wins over a key of the mapping itself."""
        result: dict[str, Any] = {}
        for mapping in reversed(merge_sources(sources)):
            result.update(self._mapping(mapping, depth + 1))
        result.update(values)
        return result

    def _scalar(self, node: ScalarNode) -> Any:
        at = node.tag, node.value
        if at not in self.scalars:
            self.scalars[at] = _scalar(node)
        return self.scalars[at]


def merge_sources(sources: list[Node]) -> list[MappingNode]:
    """The mappings that `<<` names, the winning one first."""
    mappings: list[MappingNode] = []
    for source in sources:
        for node in source.value if isinstance(source, SequenceNode) else [source]:
            if not isinstance(node, MappingNode):
                raise unreadable_at(node, "`<<` takes a mapping, or a list of mappings")
            mappings.append(node)
    return mappings


def unreadable_at(node: Node, message: str, hint: str | None = None) -> UnreadableError:
    return UnreadableError(message, hint=hint, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


_SAFE = SafeConstructor()
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
MOST_DIGITS = 64


def _scalar(node: ScalarNode) -> Any:
    if node.tag not in _PLAIN_VALUES:
        return Odd(node.value, _WORDS[node.tag]) if node.tag in _WORDS else Odd(_tag(node), "a value with the tag")
    if node.tag in _NUMBERS and len(node.value) > MOST_DIGITS:  # 1:1:1:… takes YAML 1.1 time that grows with the square of its length
        return Odd(node.value, "a number with too many digits")
    try:
        value = SafeConstructor.yaml_constructors[node.tag](_SAFE, node)
    except (ValueError, KeyError, IndexError):  # `0b_`, `!!int x`, `!!bool x`: what only a forced tag or a strange number does
        return Odd(node.value, "something that YAML cannot read")
    if isinstance(value, float) and not isfinite(value):
        return Odd(node.value, "something that is no finite number")
    return value


def _tag(node: Node) -> str:
    return str(node.tag).replace("tag:yaml.org,2002:", "!!")


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
        from bodywork_compiler.config import yaml_errors

        raise yaml_errors.unreadable(text, fault) from fault


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
