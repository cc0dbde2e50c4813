"""What a verdict is, and what must be known to reach one beside the objects themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["running", "good", "failed", "timed out"]
Object = Mapping[str, Any]  # one object as the API server gave it
ContainerKey = tuple[str, str]  # pod's uid, container's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`message` is one line: while running, what is waited for; else why it ended so. `attempts` as far as they are known."""

    state: State
    message: str = ""
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the objects cannot say, by the caller's own clock: a cluster's clock may go otherwise.

    `seconds` since the object was applied. `stage_seconds`: pod's uid → seconds since its own code was first seen started (`started_pods`).
    `ends_before`: how often each container had ended when this run began (`container_ends`), for pods that are older than the run.
    `placing_seconds`: for how long the one of its pods that waits longest has waited for a node or an image (`unplaced`); `placing_limit`: how long
    that may be.
    """

    seconds: float = 0.0
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    ends_before: Mapping[ContainerKey, int] = field(default_factory=dict)
    placing_seconds: float = 0.0
    placing_limit: float | None = None


def condition(obj: Object, kind: str) -> Mapping[str, Any] | None:
    """The condition of that type while it is True, else None."""
    found = any_condition(obj, kind)
    return found if found is not None and found.get("status") == "True" else None


def any_condition(obj: Object, kind: str) -> Mapping[str, Any] | None:
    """The condition of that type whatever its status."""
    for each in (obj.get("status") or {}).get("conditions") or ():
        if each.get("type") == kind:
            found: Mapping[str, Any] = each
            return found
    return None


def is_observed(obj: Object) -> bool:
    """Whether its controller has seen the object as it is now. Early statuses have no observedGeneration at all."""
    return int((obj.get("status") or {}).get("observedGeneration") or 0) >= int((obj.get("metadata") or {}).get("generation") or 0)


def one_line(text: str, limit: int = 400) -> str:
    """Blank runs and line breaks are one space; what is too long is cut, with a mark."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


_GOOD = ("Ready", "Available", "Complete", "Succeeded", "Established")
_BAD = ("Failed", "Stalled")
NOT_WATCHED = "applied, not watched"


def judge_still(_obj: Object, _pods: Sequence[Object], _events: Sequence[Object], _situation: Situation) -> Verdict:
    """Kinds that are what they are once they are applied: ConfigMap, Service, …"""
    return Verdict(state="good")


def judge_by_conditions(obj: Object, _pods: Sequence[Object], _events: Sequence[Object], _situation: Situation) -> Verdict:
    bad = [found for kind in _BAD if (found := any_condition(obj, kind)) and found.get("status") == "True"]
    if bad:
        return Verdict(state="failed", message=one_line(str(bad[0].get("message") or bad[0].get("reason") or bad[0].get("type"))))
    said = [found for kind in _GOOD if (found := any_condition(obj, kind))]
    if not said:
        return Verdict(state="good", message=NOT_WATCHED)
    is_current = is_observed(obj) or "observedGeneration" not in (obj.get("status") or {})
    if is_current and any(each.get("status") == "True" for each in said):
        return Verdict(state="good")
    words = said[0].get("message") or said[0].get("reason") or f"not {said[0].get('type')}"
    return Verdict(state="running", message=one_line(f"waiting: {words}"))
