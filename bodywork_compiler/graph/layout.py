"""What a drawing shows of a project, and where its boxes are: steps from left to right, in rows where they would get too wide."""

from __future__ import annotations

import math
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


BOX_HEIGHT, GAP, PAD, HEAD, ARROW, MARGIN = 46, 10, 12, 26, 44, 24
LETTER, SMALL_LETTER = 8.4, 6.2  # pixels: the mean width of the letters of a name, and of what is said below it
NARROWEST, WIDEST = 130, 330
ROW_WIDTH = 1500
TALLEST_COLUMN = 8  # boxes; a step with many more becomes a grid that is about as wide as it is high


@value
class Placed:
    """A box on the picture, in pixels."""

    box: Box
    x: float
    y: float


@value
class Group:
    """A step: its frame, and the boxes in it. `row` counts the rows of steps from 0."""

    title: str
    x: float
    y: float
    width: float
    height: float
    row: int
    boxes: tuple[Placed, ...]


@value
class Layout:
    width: float
    height: float
    box_width: float
    groups: tuple[Group, ...]
    on_failure: Group | None = None


def lay_out(picture: Picture) -> Layout:
    box_width = _box_width(picture)
    groups: list[Group] = []
    x, y, row, row_height = float(MARGIN), float(MARGIN), 0, 0.0
    for number, step in enumerate(picture.steps, start=1):
        width, height = _size(len(step), box_width)
        if x > MARGIN and x + width > ROW_WIDTH:
            x, y, row, row_height = float(MARGIN), y + row_height + ARROW, row + 1, 0.0
        groups.append(_group(f"step {number}", step, (x, y), (box_width, width, height), row))
        x, row_height = x + width + ARROW, max(row_height, height)
    bottom = y + row_height
    failed = None
    if picture.on_failure:
        width, height = _size(1, box_width)
        failed = _group("when a stage fails", (picture.on_failure,), (MARGIN, bottom + ARROW), (box_width, width, height), row + 1)
        bottom += ARROW + height
    right = max(each.x + each.width for each in (*groups, *([failed] if failed else [])))
    return Layout(width=right + MARGIN, height=bottom + MARGIN, box_width=box_width, groups=tuple(groups), on_failure=failed)


def _group(title: str, step: tuple[Box, ...], at: tuple[float, float], size: tuple[float, float, float], row: int) -> Group:
    (x, y), (box_width, width, height) = at, size
    rows = _rows(len(step), box_width)
    placed = tuple(
        Placed(
            box=box,
            x=x + PAD + (place // rows) * (box_width + GAP),
            y=y + HEAD + PAD / 2 + (place % rows) * (BOX_HEIGHT + GAP),
        )
        for place, box in enumerate(step)
    )
    return Group(title=title, x=x, y=y, width=width, height=height, row=row, boxes=placed)


def _size(count: int, box_width: float) -> tuple[float, float]:
    rows = _rows(count, box_width)
    columns = math.ceil(count / rows)
    return columns * (box_width + GAP) - GAP + 2 * PAD, HEAD + rows * (BOX_HEIGHT + GAP) - GAP + 1.5 * PAD


def _rows(count: int, box_width: float) -> int:
    squarish = math.ceil(math.sqrt(count * (box_width + GAP) / (BOX_HEIGHT + GAP) * 0.8))
    columns = math.ceil(count / max(TALLEST_COLUMN, squarish))
    return math.ceil(count / columns)


def _box_width(picture: Picture) -> float:
    boxes = [*(box for step in picture.steps for box in step), *([picture.on_failure] if picture.on_failure else [])]
    return min(WIDEST, max(NARROWEST, *(28 + max(LETTER * len(box.name), SMALL_LETTER * len(box.about)) for box in boxes)))
