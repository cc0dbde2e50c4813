"""Where the boxes of a drawing stand: steps from left to right, in rows where they would get too wide; many stages of a step as a grid."""

from __future__ import annotations

import math

from bodywork_compiler.graph.picture import Box, Picture
from bodywork_compiler.values import value

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
