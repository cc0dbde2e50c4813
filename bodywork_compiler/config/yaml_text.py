"""Text of a YAML file → its values, and its nodes, which know where each value stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

from bodywork_compiler.config.reading import UnreadableError
from bodywork_compiler.config.yaml_values import DEEPEST, MAPPING, NO_CHARACTER, SEQUENCE, TEXT, TOO_DEEP, Values, unreadable_at

# what aliases may add to a file's own values: enough for any real file, and no more than a second of work
MOST_REPEATED = 1_000_000
MANY_BRACKETS = 200
_FAR_TO_THE_RIGHT = re.compile(r"^[ ?-]{100}", re.MULTILINE)


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
    loader = _loader()
    try:
        if _may_be_deep(text):
            _bound_depth(loader(text), text)
        return _document(text, loader(text).get_single_node())
    except yaml.YAMLError as fault:
        from bodywork_compiler.config import yaml_syntax

        raise yaml_syntax.unreadable(text, fault) from fault
    except RecursionError as fault:
        raise UnreadableError(TOO_DEEP) from fault


def _document(text: str, root: Node | None) -> Document:
    if root is None:
        raise UnreadableError("is empty", hint="a config begins with: version, pipeline, stages, logging")
    if "*" in text:
        _bound_aliases(root)
    values = Values({})
    return Document(text, root, values.of(root), values.has_oddities)


def _may_be_deep(text: str) -> bool:
    """Whether the text has what deep nesting needs: many opened brackets, or a line that begins far to the right."""
    return text.count("[") + text.count("{") > MANY_BRACKETS or _FAR_TO_THE_RIGHT.search(text) is not None


def _bound_depth(loader: Any, text: str) -> None:
    """Libyaml's parser goes by states, but the step from its events to nodes calls itself for each level, and dies of 100,000 `[`."""
    depth = 0
    while (event := _next_event(loader, text)) is not None:
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > DEEPEST:
            raise UnreadableError(TOO_DEEP, line=event.start_mark.line + 1, column=event.start_mark.column + 1)


def _next_event(loader: Any, text: str) -> Any:
    """The parser's next event. It reads ahead of its events, and newer ones refuse deep nesting there, each in other words
    (https://github.com/yaml/libyaml/pull/287): the brackets that are open at its fault say so too."""
    try:
        return loader.get_event()
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        before = text[: mark.index] if mark else ""
        if mark and sum(map(before.count, "[{")) - sum(map(before.count, "]}")) > DEEPEST:
            raise UnreadableError(TOO_DEEP, line=mark.line + 1, column=mark.column + 1) from fault
        raise


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
