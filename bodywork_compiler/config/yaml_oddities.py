"""Keys that are given twice, and keys that YAML does not read as text. Looked for only when there are some."""

from __future__ import annotations

from collections.abc import Iterator

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bodywork_compiler.config.faults import Fault, Path, Place, shown
from bodywork_compiler.config.yaml_values import MERGE, TEXT

# mappings whose keys are names that users choose; elsewhere a key that is no text is an unknown key, and said as such
_OF_NAMES = {"stages", "secrets", "env"}
_KINDS = {
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
}


def faults(root: Node) -> Iterator[Fault]:
    seen: set[int] = set()
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            yield from _of_mapping(path, node)
            waiting += [((*path, key.value), value) for key, value in node.value if isinstance(key, ScalarNode)]
        elif isinstance(node, SequenceNode):
            waiting += [((*path, number), part) for number, part in enumerate(node.value)]


def _of_mapping(path: Path, node: MappingNode) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        if key.tag == MERGE or not isinstance(key, ScalarNode):
            continue
        place = Place(key.start_mark.line + 1, key.start_mark.column + 1)
        at = (*path, key.value)
        if key.value in first:
            message = f"{shown(key.value)} is given twice; this one counts, not the one in line {first[key.value]}"
            yield Fault(path=at, message=message, hint="take one away", severity="warning", place=place)
        first.setdefault(key.value, place.line or 0)
        if key.tag != TEXT and path and path[-1] in _OF_NAMES:
            message = f"a name must be text, and YAML reads {shown(key.value)} as {_KINDS.get(key.tag, 'something else')}"
            yield Fault(path=at, message=message, hint=f'put it in quotes: "{key.value}"', place=place)
