"""A drawing for a terminal, for Markdown (Mermaid: https://mermaid.js.org/syntax/flowchart.html) and for a browser (SVG)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from bodywork_compiler.graph.layout import BOX_HEIGHT, HEAD, LETTER, PAD, SMALL_LETTER, Box, Group, Layout, Picture, Placed, lay_out

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


def as_mermaid(picture: Picture) -> str:
    return "\n".join(_mermaid_lines(picture)) + "\n"


def _mermaid_lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    for number, step in enumerate(picture.steps, start=1):
        # an edge between groups: one for each pair of stages would be thousands
        yield f'  subgraph step{number} ["step {number}"]'
        yield "    direction TB"
        for place, box in enumerate(step, start=1):
            yield f"    s{number}_{place}{_shape(box)}"
        yield "  end"
    for number in range(1, len(picture.steps)):
        yield f"  step{number} --> step{number + 1}"
    if picture.on_failure:
        yield f"  failed{_shape(picture.on_failure)}"
        yield f"  step{len(picture.steps)} -. when a stage fails .-> failed"
        yield "  class failed onfailure"
    yield from _classes(picture)


def _classes(picture: Picture) -> Iterator[str]:
    services = [
        f"s{number}_{place}"
        for number, step in enumerate(picture.steps, start=1)
        for place, box in enumerate(step, start=1)
        if box.kind == "service"
    ]
    yield "  classDef service fill:#d8f0dd,stroke:#2f7d43,color:#12351c"
    yield "  classDef onfailure fill:#fbe3e1,stroke:#b3362b,color:#4a120d"
    if services:
        yield f"  class {','.join(services)} service"


def _shape(box: Box) -> str:
    """A service has round ends."""
    text = _escaped(box.name)
    return f'(["{text}"])' if box.kind == "service" else f'["{text}"]'


def _escaped(text: str) -> str:
    """Mermaid knows HTML's entities, written with `#`: https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters"""
    return "".join(each if each.isalnum() or each in " -_./" else f"#{ord(each)};" for each in text)


_STYLE = """
    svg { background: #ffffff; font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
    .frame { fill: #f5f6f8; stroke: #d4d8de; }
    .title { fill: #5b6470; font-size: 12px; }
    .box { fill: #e3ecfa; stroke: #3a68b0; }
    .service .box { fill: #d8f0dd; stroke: #2f7d43; }
    .failed .box { fill: #fbe3e1; stroke: #b3362b; stroke-dasharray: 5 3; }
    .name { fill: #14181d; font-weight: 600; }
    .about { fill: #4a525c; font-size: 11px; }
    .arrow { fill: none; stroke: #7b8490; stroke-width: 1.6; }
    .head { fill: #7b8490; }
    @media (prefers-color-scheme: dark) {
      svg { background: #14171b; }
      .frame { fill: #1c2026; stroke: #39404a; }
      .title, .about { fill: #a4adb9; }
      .box { fill: #1f3352; stroke: #6d9be3; }
      .service .box { fill: #1b3b25; stroke: #5cb377; }
      .failed .box { fill: #45201c; stroke: #e0776c; }
      .name { fill: #eef1f5; }
    }
"""
_ARROW_HEAD = """<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">
<path class="head" d="M0,0 L8,4 L0,8 z"/></marker></defs>"""


def as_svg(picture: Picture) -> str:
    layout = lay_out(picture)
    width, height = f"{layout.width:g}", f"{layout.height:g}"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(f"pipeline {picture.name}")}>',
        f"<title>{escape(picture.name)}</title>",
        f"<style>{_STYLE}</style>",
        _ARROW_HEAD,
        *_arrows(layout),
        *(line for group in layout.groups for line in _group(group, layout, "")),
        *(_group(layout.on_failure, layout, " failed") if layout.on_failure else ()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _arrows(layout: Layout) -> Iterator[str]:
    for before, after in zip(layout.groups, layout.groups[1:], strict=False):
        yield f'<path class="arrow" marker-end="url(#head)" d="{_way(before, after, layout)}"/>'


def _way(before: Group, after: Group, layout: Layout) -> str:
    """To the right; or, where a new row of steps begins, down and back to its left end."""
    if before.row == after.row:
        y = before.y + HEAD + BOX_HEIGHT / 2 + PAD / 2
        return f"M{before.x + before.width:g},{y:g} H{after.x:g}"
    bottom = max(each.y + each.height for each in layout.groups if each.row == before.row)
    x, between, to = before.x + before.width / 2, bottom + (after.y - bottom) / 2, after.x + after.width / 2
    return f"M{x:g},{before.y + before.height:g} V{between:g} H{to:g} V{after.y:g}"


def _group(group: Group, layout: Layout, kind: str) -> Iterator[str]:
    yield f'<g class="step{kind}"><rect class="frame" x="{group.x:g}" y="{group.y:g}" width="{group.width:g}" height="{group.height:g}" rx="8"/>'
    yield f'<text class="title" x="{group.x + PAD:g}" y="{group.y + 18:g}">{escape(group.title)}</text>'
    for placed in group.boxes:
        yield _box(placed, layout.box_width)
    yield "</g>"


def _box(placed: Placed, width: float) -> str:
    box = placed.box
    letters = int((width - 24) / LETTER)
    whole = escape(f"{box.name}: {box.executable}, {box.about}")
    return (
        f'<g class="{box.kind}"><title>{whole}</title>'
        f'<rect class="box" x="{placed.x:g}" y="{placed.y:g}" width="{width:g}" height="{BOX_HEIGHT}" rx="{6 if box.kind == "batch" else 22}"/>'
        f'<text class="name" x="{placed.x + 14:g}" y="{placed.y + 20:g}">{escape(shortened(box.name, letters))}</text>'
        f'<text class="about" x="{placed.x + 14:g}" y="{placed.y + 36:g}">{escape(cut(box.about, int((width - 24) / SMALL_LETTER)))}</text></g>'
    )
