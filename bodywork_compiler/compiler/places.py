"""Which objects a stage has, in which step, under which names and in which files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bodywork_compiler import names
from bodywork_compiler.project import Project, Stage
from bodywork_compiler.values import value

SETUP_FOLDER = "setup"
PARALLEL_FOLDER = "parallel"
ON_FAILURE_FOLDER = "on-failure"
_NARROWEST = 2  # digits of a step's number in its folder's name


@value
class Place:
    """One appearance of a stage in the pipeline.

    `step` is None for the failure stage. `object_name` is unique in the pipeline: a stage that comes again has NAME-2. `label` is the value of
    `bodywork/stage`: the same without a prefix that all stages share. `folder` ends in `/`.
    """

    stage: Stage
    step: int | None
    object_name: str
    label: str
    folder: str


def setup_folder(project: Project) -> str:
    return f"{0:0{_width(project)}}-{SETUP_FOLDER}/"


def places(project: Project) -> Iterator[Place]:
    """Every stage of every step in order, and the failure stage at the end."""
    width = _width(project)
    stages = {stage.name: stage for stage in project.stages}
    times: Counter[str] = Counter()
    for number, step in enumerate(project.steps, start=1):
        for name in step:
            times[name] += 1
            object_name, label = _names(stages[name], times[name])
            folder = f"{number:0{width}}-{label}/" if len(step) == 1 else f"{number:0{width}}-{PARALLEL_FOLDER}/{label}/"
            yield Place(stage=stages[name], step=number, object_name=object_name, label=label, folder=folder)
    if project.failure_stage is not None:
        name = project.failure_stage
        object_name, label = _names(stages[name], times[name] + 1)
        yield Place(stage=stages[name], step=None, object_name=object_name, label=label, folder=f"{ON_FAILURE_FOLDER}/")


def _names(stage: Stage, time: int) -> tuple[str, str]:
    return names.repeated(stage.object_name, time), names.repeated(stage.label, time)


def _width(project: Project) -> int:
    """Folders are read in the order of their names: all numbers have as many digits as the last one."""
    return max(_NARROWEST, len(str(len(project.steps))))
