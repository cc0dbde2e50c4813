"""What a person asked of a run beside its plan: every option of `apply` that the driver itself knows."""

from __future__ import annotations

from typing import Literal

from bodywork_compiler.values import value

Rollback = Literal["failed", "all"]


@value
class RunOptions:
    """`from_step` counts as the plan does, from 1. `only` names stages as the plan's labels have them; empty: all."""

    resume: bool = False
    from_step: int | None = None
    only: tuple[str, ...] = ()
    wait_lock_seconds: float = 0.0
    break_lock: bool = False
    timeout_seconds: float | None = None
    wait_secrets_seconds: float = 0.0
    keep_failed: bool = False
    rollback: Rollback = "failed"
    adopt: bool = False
    prune: bool = True


DEFAULT_RUN = RunOptions()
