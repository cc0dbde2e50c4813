"""Where values stand in a YAML file. Asked only when there is something to say about one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bodywork_compiler.config import yaml_hints
from bodywork_compiler.config.faults import Fault, Path, Place
from bodywork_compiler.config.yaml_text import Document
from bodywork_compiler.config.yaml_values import MERGE, merge_sources

_Entry = tuple[Node, Node]


class YamlPlaces:
    """Finds the line and column of a fault by walking the nodes along its path."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._entries: dict[int, dict[str, _Entry]] = {}

    def place(self, fault: Fault) -> Place:
        if fault.unknown is not None:
            return self.place(Fault(path=(*fault.path, fault.unknown), message="", at_key=True))
        key, value = self._entry(fault.path)
        if fault.span is not None and isinstance(value, ScalarNode):
            return self._inside(value, fault.span)
        # a mapping begins at its first key, a line below the key whose value it is
        at_key = fault.at_key or fault.lacking is not None or (isinstance(value, MappingNode) and not value.flow_style)
        node = key if at_key and key is not None else value
        return Place(node.start_mark.line + 1, node.start_mark.column + 1)

    def hint(self, fault: Fault) -> str | None:
        """The fault's own hint, or what its type and the way it is written suggest."""
        if fault.wanted is None or fault.hint is not None:
            return fault.hint
        _, value = self._entry(fault.path)
        if not isinstance(value, ScalarNode):
            return None
        return yaml_hints.hint(fault.wanted, fault.got, written=value.value, is_plain=not value.style)

    def _entry(self, path: Path) -> tuple[Node | None, Node]:
        """The nodes of the key and the value at `path`, as far as they are there."""
        key: Node | None = None
        node = self._document.root
        for step in path:
            if isinstance(node, SequenceNode) and isinstance(step, int):
                key = node = node.value[step]
            elif isinstance(node, MappingNode) and str(step) in self._of(node):
                key, node = self._of(node)[str(step)]
            else:
                break
        return key, node

    def _of(self, node: MappingNode) -> dict[str, _Entry]:
        at = id(node)
        if at not in self._entries:
            sources = [value for key, value in node.value if key.tag == MERGE]
            entries: dict[str, _Entry] = {}
            for mapping in reversed(merge_sources(sources)):
                entries.update(self._of(mapping))
            entries.update({key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)})
            self._entries[at] = entries
        return self._entries[at]

    def _inside(self, node: ScalarNode, span: tuple[int, int]) -> Place:
        """The place of a part of a scalar's text; the scalar's own where escapes and folded lines hide it."""
        start = node.start_mark
        part = node.value[span[0] : span[1]]
        column = start.column + span[0] + (1 if node.style in ("'", '"') else 0)
        if self.lines[start.line][column : column + len(part)] == part:
            return Place(start.line + 1, column + 1, mark=len(part), excerpt=self.lines[start.line])
        return self._searched(node, part) or Place(start.line + 1, start.column + 1)

    def _searched(self, node: ScalarNode, part: str) -> Place | None:
        word = re.compile(rf"(?<![\w.-]){re.escape(part)}(?![\w.-])")
        for number in range(node.start_mark.line, min(node.end_mark.line + 1, len(self.lines))):
            found = word.search(self.lines[number])
            if found:
                return Place(number + 1, found.start() + 1, mark=len(part), excerpt=self.lines[number])
        return None

    @cached_property
    def lines(self) -> Sequence[str]:
        return self._document.text.splitlines()
