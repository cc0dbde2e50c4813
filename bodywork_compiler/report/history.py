"""The last runs of a pipeline, as lines or as plain data. 80 columns suffice; what must be copied is never cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bodywork_compiler.printable import printable
from bodywork_compiler.report.durations import in_words
from bodywork_compiler.report.output import Colour, Output
from bodywork_compiler.runner.run_records import RunRecord, StageRecord

SHORT_HASH = 7
_GAP = "  "
_HEADER = ("started (UTC)", "commit", "result", "took", "by")
_WIDE_HEADER = ("started (UTC)", "commit", "result", "took", "id", "branch", "by")
_COLOURS: dict[str, Colour] = {"succeeded": "green", "interrupted": "yellow"}


def as_data(runs: Sequence[RunRecord], *, pipeline: str, namespace: str, context: str) -> dict[str, Any]:
    plain = [{**asdict(each), "stages": [asdict(stage) for stage in each.stages]} for each in runs]
    return {"context": context, "pipeline": pipeline, "namespace": namespace, "runs": plain}


def show_history(runs: Sequence[RunRecord], output: Output, *, is_wide: bool) -> None:
    """A run a row, the newest first, and below it why it went wrong; wide: also each of its stages."""
    header = _WIDE_HEADER if is_wide else _HEADER
    rows = [header, *(_cells(each, is_wide=is_wide) for each in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    output.line(_row(header, widths), "dim")
    for run, row in zip(runs, rows[1:], strict=True):
        output.line(_row(row, widths), _COLOURS.get(run.result, "red"))
        if run.reason and run.result != "succeeded":
            output.line(_in_one_line(run.reason), lead=_GAP * 2)
        for line in _stage_lines(run) if is_wide else ():
            output.line(line)


def _cells(run: RunRecord, *, is_wide: bool) -> tuple[str, ...]:
    when = run.started.replace("T", " ").removesuffix("Z")
    cells = (when, (run.git_commit or "")[:SHORT_HASH], run.result, in_words(run.seconds))
    more = (run.id, run.git_branch or "") if is_wide else ()
    return tuple(printable(each) for each in (*cells, *more, run.by))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _stage_lines(run: RunRecord) -> Iterator[str]:
    longest = max((len(each.stage) for each in run.stages), default=0)
    for each in run.stages:
        yield f"{_GAP * 2}step {each.step}{_GAP}{each.stage.ljust(longest)}{_GAP}{each.result}{_GAP}{_time(each)}".rstrip()
    if run.stages_left_out:
        yield f"{_GAP * 2}and {run.stages_left_out} more, for which the record has no room"


def _time(stage: StageRecord) -> str:
    return in_words(stage.seconds) if stage.seconds else ""


def _in_one_line(reason: str) -> str:
    return " ".join(reason.split())
