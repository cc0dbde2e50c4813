"""The values of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Object = Mapping[str, Any]
Action = Literal["same", "new", "changed", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What apply would make of one object. `parts` says in short what differs; `diff` is a unified diff, line by line, empty when it is the same."""

    step: int
    stage: str | None
    kind: str
    name: str
    namespace: str | None
    action: Action
    parts: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An object of the pipeline that the manifests no longer have; `is_removed`: apply removes it, if the run succeeds. Jobs go before it."""

    kind: str
    name: str
    is_removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All objects of a plan beside what stands in the cluster. Without a namespace everything is new, and the server was not asked.

    `same_files_as` is the commit that runs now, where the plan's is another one with the same files: that is no difference.
    `lacking` are rights without which the server could not be asked about some objects: what their manifests no longer say is not seen then.
    """

    pipeline: str
    context: str
    namespace: str
    has_namespace: bool
    changes: tuple[Change, ...]
    left: tuple[Left, ...] = ()
    warnings: tuple[str, ...] = ()
    same_files_as: str | None = None
    lacking: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether apply would leave every object as it is; what it does not touch is no difference."""
        return all(each.action == "same" for each in self.changes) and not any(each.is_removed for each in self.left)
