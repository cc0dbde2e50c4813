"""What happens in a run, as values: the runner tells them in order, `report/` shows them. Times are seconds since the run began.

With `-o json` each event is one line: its class's name in snake case as `event`, then its fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
RunResult = Literal["succeeded", "refused", "failed", "timed out", "interrupted"]
DryRun = Literal["client", "server"]
THIS_MACHINE = "this machine"  # the context of a run without a cluster
Result = Literal["succeeded", "available", "failed", "timed out", "stopped", "not started", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """A stage as the run will treat it; `kind` is the kind of its workload (Job or Deployment), `name` that object's name."""

    step: int
    stage: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """`schedule_timeout_seconds`: how long a pod may wait for a node and its image; None: no limit, or no cluster."""

    pipeline: str
    namespace: str
    context: str
    git_url: str | None
    git_branch: str | None
    git_commit: str | None
    step_count: int
    stages: tuple[StagePlan, ...]
    schedule_timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A line for the log. `where` is the room that says it, as in the documents: `TIME - LEVEL - where - message`."""

    message: str
    where: str = "run"
    level: Level = "INFO"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    step: int
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChanged:
    """kubectl did `action` (created, configured, unchanged, replaced, restarted, deleted) to an object."""

    step: int
    stage: str | None
    kind: str
    name: str
    namespace: str | None
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """What a stage waits for now; told when it changes, and every 30 s while it does not."""

    step: int
    stage: str
    message: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that a container printed. `attempt` counts a Job's pods, or a container's starts, from 1."""

    stage: str
    pod: str
    container: str
    attempt: int
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEnded:
    """A pod's last line was told (or could not be had: `complete` is false)."""

    stage: str
    pod: str
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEnded:
    step: int
    stage: str
    kind: str
    name: str
    result: Result
    seconds: float
    attempts: int = 1
    address: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerTail:
    """The last lines of one failed container of one attempt."""

    pod: str
    container: str
    attempt: int
    exit_code: int | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a stage failed, gathered before anything is undone."""

    step: int
    stage: str
    reason: str
    tails: tuple[ContainerTail, ...] = ()
    warnings: tuple[str, ...] = ()
    look_further: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """A service of the failed step was taken back: to `revision`, or (None) removed, since this was its first deployment.

    `revision` is 0 where a Deployment stood that had no number yet, or nobody knows what stood; `git_commit` is what it runs again.
    """

    stage: str
    name: str
    revision: int | None
    seconds: float
    complete: bool
    message: str = ""
    git_commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The last event. `stages` has every stage of the plan, those that never started too. Refused: before anything was changed.

    `on_this_machine`: without a cluster, by `--local`. There the logs of services that stay up come after it.
    """

    result: RunResult
    exit_code: int
    seconds: float
    pipeline: str
    namespace: str
    git_commit: str | None
    stages: tuple[StageEnded, ...] = field(default=())
    reason: str | None = None
    on_this_machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChecked:
    """Of a dry run: what would be done to an object (applied, created, configured, unchanged, replaced), or that it is refused, and why."""

    step: int
    stage: str | None
    kind: str
    name: str
    namespace: str | None
    action: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunEnded:
    """The last event of a dry run that went through; nothing was changed."""

    dry_run: DryRun
    exit_code: int
    seconds: float
    pipeline: str
    namespace: str
    objects: int
    refused: int


Event = (
    RunStarted
    | Notice
    | StepStarted
    | ObjectChanged
    | StageProgress
    | LogLine
    | LogEnded
    | StageEnded
    | Evidence
    | RolledBack
    | RunEnded
    | ObjectChecked
    | DryRunEnded
)
