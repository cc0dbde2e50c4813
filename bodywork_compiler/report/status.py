"""How a pipeline stands, as lines or as plain data. 80 columns suffice; what must be copied is never cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bodywork_compiler.deployed.status import LastRun, PipelineStatus, StageStatus, State, seconds_between
from bodywork_compiler.report.durations import age_in_words, in_words
from bodywork_compiler.report.output import Colour, Output

COLUMNS = 80
SHORT_HASH = 7
_GAP = "  "
_COLOURS: dict[State, Colour] = {
    "available": "green",
    "succeeded": "green",
    "failed": "red",
    "not available": "yellow",
    "being deleted": "yellow",
}
_HEADER = ("", "stage", "kind", "state", "commit", "age")


def as_data(status: PipelineStatus, context: str) -> dict[str, Any]:
    """All that is known, in a form for programs; times as Kubernetes writes them."""
    return {"context": context, **asdict(status)}


def show_status(status: PipelineStatus, context: str, output: Output, now: datetime) -> None:
    commit = f" at {status.git_commit[:SHORT_HASH]}" if status.git_commit else ""
    branch = f" ({status.git_branch})" if status.git_branch else ""
    output.line(f"{status.pipeline}{commit}{branch} → context {context}, namespace {status.namespace}")
    rows = [_HEADER, *(_cells(each, now) for each in status.stages)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    if status.stages:
        _show_row(_HEADER, widths, "dim", output)
    for stage, row in zip(status.stages, rows[1:], strict=True):
        _show_row(row, widths, _COLOURS.get(stage.state), output)
        for line in _below(stage):
            output.line(line, lead=_GAP + " " * widths[0] + _GAP)
    for line in _added(status):
        output.line(line, lead=_GAP)
    output.line(_last_run(status, now))


def _show_row(cells: tuple[str, ...], widths: list[int], colour: Colour | None, output: Output) -> None:
    """One line where it fits; else a long name has a line of its own."""
    first = _GAP + _GAP.join(cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True))
    rest = _GAP.join(cell.ljust(width) for cell, width in zip(cells[2:], widths[2:], strict=True))
    if len(first) + len(_GAP) + len(rest.rstrip()) <= COLUMNS:
        output.line(f"{first}{_GAP}{rest}".rstrip(), colour)
        return
    output.line(first.rstrip(), colour)
    output.line(f"{' ' * (2 * len(_GAP) + widths[0])}{rest.rstrip()}", colour)


def _cells(stage: StageStatus, now: datetime) -> tuple[str, ...]:
    pods = f" {stage.ready}/{stage.wanted}" if stage.wanted is not None else ""
    return (
        _place(stage),
        stage.stage,
        stage.kind,
        f"{stage.state}{pods}",
        (stage.commit or "")[:SHORT_HASH],
        age_in_words(seconds_between(stage.created, now)) if stage.created else "",
    )


def _added(status: PipelineStatus) -> Iterator[str]:
    if status.added:
        yield "beside the stages:"
    for each in status.added:
        place = f" in namespace {each.namespace}" if each.namespace not in {None, status.namespace} else ""
        yield f"  {each.kind} {each.name}{place}: {each.state}{f' ({each.message})' if each.message else ''}"


def _place(stage: StageStatus) -> str:
    if stage.step is None:
        return "on failure" if stage.is_on_failure else "no stage"
    return f"step {stage.step}"


def _below(stage: StageStatus) -> Iterator[str]:
    if stage.message:
        yield stage.message
    if stage.endpoint:
        yield stage.endpoint
    if stage.ingress_path:
        yield f"ingress {stage.ingress_path}"


def _last_run(status: PipelineStatus, now: datetime) -> str:
    run = status.last_run
    if run is None:
        return "last run: not known, since no Job has run"
    ago = age_in_words(seconds_between(run.started, now))
    if not run.is_of_jobs:
        return _recorded(run, ago)
    if run.result == "running":
        return f"last run: began {ago} ago, its Jobs are running"
    took = f" after {in_words(seconds_between(run.started, run.ended))}" if run.ended else ""
    return f"last run: began {ago} ago, its Jobs {run.result}{took}"


def _recorded(run: LastRun, ago: str) -> str:
    by = f", by {run.by}" if run.by else ""
    if run.ended is None:
        return f"last run: began {ago} ago{by}, and is under way"
    why = f": {' '.join(run.reason.split())}" if run.reason and run.result != "succeeded" else ""
    return f"last run: began {ago} ago{by}, {run.result} after {in_words(seconds_between(run.started, run.ended))}{why}"
