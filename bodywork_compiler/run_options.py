"""What a person asked of a run beside its plan: every option of `apply` that the driver itself knows."""

from __future__ import annotations

import re
from typing import Literal

from bodywork_compiler.values import value

ALL = "all"
Rollback = Literal["failed", "all"]

# a new node takes that long at most: https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md (--max-node-provision-time)
SCHEDULE_TIMEOUT_SECONDS = 900.0
_UNITS = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?[smh])+|[0-9]+(?:\.[0-9]+)?")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smh]?)")


def seconds_of(text: str) -> float | None:
    """Of a length of time as Go and kubectl write it (`90s`, `5m`, `1h30m`); a bare number is seconds. None: it is not a length of time."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in _PART.findall(text))


@value
class RunOptions:
    """`from_step` counts as the plan does, from 1. `only` names stages as the plan's labels have them; empty: all.

    `schedule_timeout_seconds`: how long a pod may wait for a node and its image; None: as long as it takes.
    """

    resume: bool = False
    from_step: int | None = None
    only: tuple[str, ...] = ()
    wait_lock_seconds: float = 0.0
    break_lock: bool = False
    timeout_seconds: float | None = None
    schedule_timeout_seconds: float | None = SCHEDULE_TIMEOUT_SECONDS
    wait_secrets_seconds: float = 0.0
    keep_failed: bool = False
    rollback: Rollback = "failed"
    adopt: tuple[str, ...] = ()  # kind/name of what is taken over, or ALL
    prune: bool = True
    warnings_as_errors: bool = False

    @property
    def adopts_all(self) -> bool:
        return ALL in self.adopt

    def adopts(self, kind: str, name: str) -> bool:
        return self.adopts_all or f"{kind.lower()}/{name}" in self.adopt


DEFAULT_RUN = RunOptions()
