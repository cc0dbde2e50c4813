"""What a person asked of a run beside its plan: every option of `apply` that the driver itself knows."""

from __future__ import annotations

from typing import Literal

from bodywork_compiler.values import value

ALL = "all"
Rollback = Literal["failed", "all"]


# a new node takes that long at most: https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md (--max-node-provision-time)
SCHEDULE_TIMEOUT_SECONDS = 900.0


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

    @property
    def adopts_all(self) -> bool:
        return ALL in self.adopt

    def adopts(self, kind: str, name: str) -> bool:
        return self.adopts_all or f"{kind.lower()}/{name}" in self.adopt


DEFAULT_RUN = RunOptions()
