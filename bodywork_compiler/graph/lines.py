"""The drawing for a terminal: a line a stage, the steps' numbers and branches at the left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bodywork_compiler.graph.picture import Box, Picture

LONGEST_NAME = 40
_ASCII = str.maketrans({"─": "-", "┬": "+", "├": "+", "└": "+", "│": "|", "╎": ":", "…": "~", "✗": "x", "·": "-"})


def as_lines(picture: Picture, *, columns: int, ascii_only: bool = False) -> list[str]:
    """At most `columns` wide: what does not fit of a line is cut."""
    lines = [cut(line.rstrip(), columns) for line in _lines(picture, columns)]
    return [line.translate(_ASCII) for line in lines] if ascii_only else lines


def _lines(picture: Picture, columns: int) -> Iterator[str]:
    steps, stages = len(picture.steps), picture.boxes
    yield f"{picture.name}: {steps} step{'' if steps == 1 else 's'}, {stages} stage{'' if stages == 1 else 's'}"
    yield ""
    digits = len(str(steps))
    boxes = [*(box for step in picture.steps for box in step), *([picture.on_failure] if picture.on_failure else [])]
    name_width = min(max(LONGEST_NAME, columns // 2), max(len(box.name) for box in boxes))
    between = f"{'':{digits}}   │"
    for number, step in enumerate(picture.steps, start=1):
        if number > 1:
            yield between
        yield from _step(f"{number:{digits}}", step, name_width)
    if picture.on_failure:
        yield f"{'':{digits}}   ╎ when a stage fails"
        yield from _step(f"{'✗':>{digits}}", [picture.on_failure], name_width)


def _step(number: str, boxes: Sequence[Box], name_width: int) -> Iterator[str]:
    for place, box in enumerate(boxes):
        start = f"{number} ──" if place == 0 else f"{'':{len(number)}}   "
        yield f"{start}{_branch(place, len(boxes))}── {shortened(box.name, name_width):{name_width}}  {_about(box)}"


def _branch(place: int, count: int) -> str:
    if count == 1:
        return "─"
    return "┬" if place == 0 else "└" if place == count - 1 else "├"


def _about(box: Box) -> str:
    return f"{box.kind:7}  {' · '.join((box.executable, *box.details))}"


def shortened(name: str, width: int) -> str:
    """Both ends stay: names of one pipeline often differ at the last."""
    if len(name) <= width:
        return name
    end = (width - 1) // 2
    return f"{name[: width - 1 - end]}…{name[len(name) - end :]}"


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
