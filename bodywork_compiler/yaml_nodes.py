"""YAML's text to nodes, within bounds: every reader of ours composes with this, whatever it makes of the nodes then.

A few hundred bytes of anchors, aliases and merges (`&`, `*`, `<<`) can stand for more values than a machine holds, and a few thousand brackets for
more levels than a stack has. So nodes and levels are counted while they are made, and what aliases repeat before anything is made of it.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

MOST_NODES = 500_000  # of one document
# what aliases may add to a document's own values: enough for any real file, and no more than a second of work
MOST_REPEATED = 1_000_000
CHARACTERS_A_VALUE = 16  # a long text that is repeated counts as so many values
DEEPEST = 100
TOO_DEEP = "is nested too deeply"


class OutOfBounds(yaml.MarkedYAMLError):
    """More than any real file holds: `problem` says what, `problem_mark` where, `hint` what to do."""

    def __init__(self, problem: str, mark: Any = None, hint: str | None = None) -> None:
        super().__init__(problem=problem, problem_mark=mark)
        self.hint = hint


class Bounds:
    """A loader's part that counts: PyYAML's composers, that of libyaml too, call these two for each node. Their own follow paths for resolvers
    that we have not, which takes half of the time."""

    deepest = DEEPEST
    _depth = 0
    _nodes = 0

    def descend_resolver(self, parent: Node | None, _index: object) -> None:
        self._depth += 1
        self._nodes += 1
        if parent is None:  # a document begins
            self._nodes = 1
        elif self._depth > self.deepest:
            raise OutOfBounds(TOO_DEEP, parent.start_mark)
        elif self._nodes > MOST_NODES:
            raise OutOfBounds(f"holds more than {MOST_NODES:,} values", parent.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


def refuse_nesting(text: str, fault: yaml.YAMLError, deepest: int = DEEPEST) -> None:
    """Raise OutOfBounds where brackets are opened and opened: libyaml looks ahead of its events, and newer ones stop there, each with other words
    (https://github.com/yaml/libyaml/pull/287). The brackets that are open at its fault say so too."""
    mark = getattr(fault, "problem_mark", None)
    before = text[: mark.index] if mark else ""
    if sum(map(before.count, "[{")) - sum(map(before.count, "]}")) > deepest:
        raise OutOfBounds(TOO_DEEP, mark) from fault


def refuse_repetition(root: Node) -> None:
    """Raise OutOfBounds for aliases that stand for too much, or for what holds itself."""
    sizes: dict[int, int] = {}
    own = 0

    def size(node: Node) -> int:
        """With its aliases written out; 0 marks a node that is being counted. An anchor comes before its aliases, so this goes no deeper than
        the nodes were nested."""
        nonlocal own
        at = id(node)
        if at not in sizes:
            sizes[at] = 0
            alone = 1 + len(node.value) // CHARACTERS_A_VALUE if isinstance(node, ScalarNode) else 1
            parts = [] if isinstance(node, ScalarNode) else node.value
            nodes = (part for pair in parts for part in pair) if isinstance(node, MappingNode) else parts
            sizes[at] = alone + sum(map(size, nodes))
            own += alone
        elif not sizes[at]:
            raise OutOfBounds("an alias (`*`) stands inside of what its anchor (`&`) names", node.start_mark, "write out what is meant")
        return sizes[at]

    expanded = size(root)
    if expanded - own > MOST_REPEATED:
        raise OutOfBounds(
            f"its anchors and aliases (`&`, `*`) make {expanded:.1g} values of {len(sizes)}", root.start_mark, "write out what is meant"
        )
