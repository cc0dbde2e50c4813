"""What a command of earlier Bodywork lists: as columns, or as data for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import click

from bodywork_compiler.values import value

Form = Literal["text", "wide", "json", "yaml"]
Row = Mapping[str, Any]
_GAP = "  "


@value
class Column:
    """`key` is the row's; `width` the least, where a document shows one; `wide`: only shown with `-o wide`."""

    heading: str
    key: str
    width: int = 0
    wide: bool = False


def show_rows(rows: Sequence[Row], columns: Sequence[Column], form: Form) -> None:
    """All rows with all that is known of them as JSON or YAML; else the columns, with their headings."""
    if form in ("json", "yaml"):
        show_data([dict(row) for row in rows], form)
        return
    for line in table(rows, [each for each in columns if form == "wide" or not each.wide]):
        click.echo(line)


def show_data(data: object, form: Form) -> None:
    from bodywork_compiler.report.output import as_json, as_yaml

    if form == "json":
        click.echo(as_json(data))
        return
    click.echo(as_yaml(data), nl=False)


def table(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """A line of headings, then one a row. What is longer than its column's least width makes it wider for all."""
    cells = [[each.heading for each in columns], *([_text(row.get(each.key)) for each in columns] for row in rows)]
    widths = [max(each.width, *(len(line[number]) + len(_GAP) for line in cells)) for number, each in enumerate(columns)]
    return ["".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def fields(row: Row, width: int = 22) -> list[str]:
    """One thing alone: a line for each of its fields."""
    return [f"{key.ljust(width)}{_text(value)}".rstrip() for key, value in row.items()]


def _text(value: object) -> str:
    from bodywork_compiler.printable import printable

    if value is None:
        return ""
    return printable(str(value).lower() if isinstance(value, bool) else str(value))
