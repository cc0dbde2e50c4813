"""Made-up runs as their events, and how they are shown."""

import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from bodywork_compiler.report import View, choose
from bodywork_compiler.runner import events as run

COMMIT = "3f2a9c1d7e5b4a0c8d6e2f1a9b3c5d7e9f0a1b2c"
TRAIN = run.StagePlan(step=1, stage="train-model", kind="Job", name="train-model")
SERVE = run.StagePlan(step=2, stage="scoring-service", kind="Deployment", name="scoring-service")
ADDRESS = "http://scoring-service.iris.svc.cluster.local:5000"
STARTED = run.RunStarted(
    pipeline="iris",
    namespace="iris",
    context="kind-dev",
    git_url="https://github.com/acme/iris.git",
    git_branch="main",
    git_commit=COMMIT,
    step_count=2,
    stages=(TRAIN, SERVE),
)
TRAINED = run.StageEnded(step=1, stage="train-model", kind="Job", name="train-model", result="succeeded", seconds=41.3)
SERVED = run.StageEnded(
    step=2, stage="scoring-service", kind="Deployment", name="scoring-service", result="available", seconds=24.0, address=ADDRESS
)
REASON = "the container exited with code 1, 3 times"
NOT_SERVED = run.StageEnded(
    step=2, stage="scoring-service", kind="Deployment", name="scoring-service", result="failed", seconds=38.0, reason=REASON
)


def changed(stage: str, kind: str, *, step: int, action: str = "created", name: str | None = None) -> run.ObjectChanged:
    return run.ObjectChanged(step=step, stage=stage, kind=kind, name=name or stage, namespace="iris", action=action)


def printed(
    line: str, *, stage: str = "train-model", pod: str = "train-model-x2x8z", container: str = "stage", attempt: int = 1
) -> run.LogLine:
    return run.LogLine(stage=stage, pod=pod, container=container, attempt=attempt, line=line)


def ended(result: str = "succeeded", **more: Any) -> run.RunEnded:
    given = {"exit_code": 0, "seconds": 72.0, "pipeline": "iris", "namespace": "iris", "git_commit": COMMIT, "stages": (TRAINED, SERVED)}
    return run.RunEnded(result=result, **{**given, **more})


def checked(name: str, kind: str, action: str, *, step: int = 1, reason: str | None = None) -> run.ObjectChecked:
    return run.ObjectChecked(step=step, stage=name, kind=kind, name=name, namespace="iris", action=action, reason=reason)


DRY_RUN_ENDED = run.DryRunEnded(dry_run="server", exit_code=1, seconds=0.5, pipeline="iris", namespace="iris", objects=2, refused=1)
DRY_RUN = (
    STARTED,
    run.StepStarted(step=1, stages=("train-model",)),
    checked("train-model", "Job", "created"),
    run.StepStarted(step=2, stages=("scoring-service",)),
    checked("scoring-service", "Deployment", "refused", step=2, reason='unknown field "imge"'),
    DRY_RUN_ENDED,
)
BEGINNING = (
    STARTED,
    run.StepStarted(step=1, stages=("train-model",)),
    changed("train-model", "Job", step=1),
    run.StageProgress(step=1, stage="train-model", message="running (pod train-model-x2x8z)", seconds=2.0),
    printed("fetched 3f2a9c1", container="fetch"),
    printed("R² = 0.97"),
    run.LogEnded(stage="train-model", pod="train-model-x2x8z"),
    TRAINED,
    run.StepStarted(step=2, stages=("scoring-service",)),
    changed("scoring-service", "Deployment", step=2, action="configured"),
    changed("scoring-service", "Service", step=2, action="unchanged"),
)
GOOD_RUN = (*BEGINNING, SERVED, ended())
BAD_RUN = (
    *BEGINNING,
    run.StageProgress(step=2, stage="scoring-service", message="waiting: no node has 2 CPUs free: 0/1 nodes are available", seconds=3.0),
    NOT_SERVED,
    run.Evidence(
        step=2,
        stage="scoring-service",
        reason=REASON,
        tails=(
            run.ContainerTail(
                pod="scoring-service-77b4d-9kqpl",
                container="stage",
                attempt=3,
                exit_code=1,
                lines=(
                    "Traceback (most recent call last):",
                    '  File "service.py", line 31, in <module>',
                    "FileNotFoundError: model.joblib",
                ),
            ),
        ),
        warnings=("BackOff restarting failed container (x4)",),
        look_further=("kubectl -n iris logs deployment/scoring-service --all-containers", "kubectl -n iris describe pods"),
    ),
    run.RolledBack(
        stage="scoring-service", name="scoring-service", revision=6, seconds=4.0, complete=True, git_commit="9d0c7aa" + "0" * 33
    ),
    ended("failed", exit_code=4, stages=(TRAINED, NOT_SERVED), reason="scoring-service: " + REASON),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Noon and some of 2020-11-24 in UTC, a tenth of a second later at each look."""

    def __init__(self) -> None:
        self.now = datetime(2020, 11, 24, 20, 4, 15, 579_000, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=100)
        return self.now


def shown(events: Iterable[run.Event], *, terminal: bool = False, environ: Mapping[str, str] | None = None, **view: Any) -> str:
    stream = Terminal() if terminal else io.StringIO()
    show = choose(View(**view), stream, environ=environ or {}, clock=Clock())
    for event in events:
        show(event)
    return stream.getvalue()
