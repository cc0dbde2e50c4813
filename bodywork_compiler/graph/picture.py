"""What a drawing shows of a project."""

from __future__ import annotations

from typing import Literal

from bodywork_compiler.project import Batch, Project, Stage
from bodywork_compiler.values import value

Kind = Literal["batch", "service"]


@value
class Box:
    """One stage in one step; `details` are short words for beside its name."""

    name: str
    kind: Kind
    executable: str
    details: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        return " · ".join((self.kind, *self.details))


@value
class Picture:
    """Steps run one after another, the boxes of a step together. `on_failure` runs when any of them fails."""

    name: str
    steps: tuple[tuple[Box, ...], ...]
    on_failure: Box | None = None

    @property
    def boxes(self) -> int:
        return sum(len(step) for step in self.steps)


def picture_of(project: Project) -> Picture:
    boxes = {stage.name: _box(stage) for stage in project.stages}
    return Picture(
        name=project.name,
        steps=tuple(tuple(boxes[name] for name in step) for step in project.steps),
        on_failure=boxes[project.failure_stage] if project.failure_stage else None,
    )


def _box(stage: Stage) -> Box:
    work = stage.work
    if isinstance(work, Batch):
        limit = (f"{work.max_completion_time_seconds} s",) if work.max_completion_time_seconds else ()
        retries = (f"{work.retries} {'retry' if work.retries == 1 else 'retries'}",) if work.retries else ()
        return Box(name=stage.name, kind="batch", executable=stage.executable, details=(*limit, *retries))
    replicas = (f"{work.replicas} replicas",) if work.replicas != 1 else ()
    ingress = ("ingress",) if work.ingress else ()
    return Box(name=stage.name, kind="service", executable=stage.executable, details=(f"port {work.port}", *replicas, *ingress))
