"""The drawing for Markdown: GitHub, GitLab and editors show Mermaid. https://mermaid.js.org/syntax/flowchart.html"""

from __future__ import annotations

from collections.abc import Iterator

from bodywork_compiler.graph.picture import Box, Picture


def as_mermaid(picture: Picture) -> str:
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
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
