"""What `status`, `history` and `diff` show, as lines or as plain data. 80 columns suffice; what must be copied is never cut."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO

from bodywork_compiler.deployed.status import LastRun, PipelineStatus, StageStatus, State, seconds_between
from bodywork_compiler.preview.values import Change, Difference, Left
from bodywork_compiler.printable import printable
from bodywork_compiler.report.output import Colour, Output, age_in_words, as_json, in_words
from bodywork_compiler.runner.run_records import RunRecord, StageRecord

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


def status_data(status: PipelineStatus, context: str) -> dict[str, Any]:
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


_HISTORY_HEADER = ("started (UTC)", "commit", "result", "took", "by")
_WIDE_HISTORY_HEADER = ("started (UTC)", "commit", "result", "took", "id", "branch", "by")
_RESULT_COLOURS: dict[str, Colour] = {"succeeded": "green", "interrupted": "yellow"}


def history_data(runs: Sequence[RunRecord], *, pipeline: str, namespace: str, context: str) -> dict[str, Any]:
    plain = [{**asdict(each), "stages": [asdict(stage) for stage in each.stages]} for each in runs]
    return {"context": context, "pipeline": pipeline, "namespace": namespace, "runs": plain}


def show_history(runs: Sequence[RunRecord], output: Output, *, is_wide: bool) -> None:
    """A run a row, the newest first, and below it why it went wrong; wide: also each of its stages."""
    header = _WIDE_HISTORY_HEADER if is_wide else _HISTORY_HEADER
    rows = [header, *(_history_cells(each, is_wide=is_wide) for each in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    output.line(_history_row(header, widths), "dim")
    for run, row in zip(runs, rows[1:], strict=True):
        output.line(_history_row(row, widths), _RESULT_COLOURS.get(run.result, "red"))
        if run.reason and run.result != "succeeded":
            output.line(_in_one_line(run.reason), lead=_GAP * 2)
        for line in _stage_lines(run) if is_wide else ():
            output.line(line)


def _history_cells(run: RunRecord, *, is_wide: bool) -> tuple[str, ...]:
    when = run.started.replace("T", " ").removesuffix("Z")
    cells = (when, (run.git_commit or "")[:SHORT_HASH], run.result, in_words(run.seconds))
    more = (run.id, run.git_branch or "") if is_wide else ()
    return tuple(printable(each) for each in (*cells, *more, run.by))


def _history_row(cells: Sequence[str], widths: Sequence[int]) -> str:
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


_CHANGE_COLOURS: dict[str, Colour] = {"+": "green", "-": "red", "@": "dim"}
_WORDS = {"replaced": "replaced: a Job cannot be changed, apply removes it and makes it anew"}


def show_json(found: Difference, stream: TextIO) -> None:
    """One object: what was compared, and all of its differences."""
    Output(stream, environ=os.environ).document(as_json({"same": found.is_same, **asdict(found)}))


def show_text(found: Difference, stream: TextIO) -> None:
    output = Output(stream, environ=os.environ)
    for each in found.changes:
        if each.action != "same":
            _show_change(each, output)
    if found.left:
        output.line("no longer in the manifests:")
        for gone in found.left:
            output.line(f"  {gone.kind} {gone.name}{_what_becomes_of(gone)}")
    output.line(_summary(found))
    output.flush()


def _show_change(change: Change, output: Output) -> None:
    output.line(f"{change.kind} {change.name}: {_WORDS.get(change.action, change.action)}")
    for line in change.diff:
        output.line(line, _CHANGE_COLOURS.get(line[:1]))


def _what_becomes_of(gone: Left) -> str:
    if gone.is_removed:
        return " (apply removes it, as all Jobs of earlier runs)" if gone.kind == "Job" else " (apply removes it after success)"
    return " (apply removes it when nothing names it any more)" if gone.kind == "ConfigMap" else " (apply leaves it)"


def _summary(found: Difference) -> str:
    counts = Counter[str](each.action for each in found.changes)
    parts = [f"{counts[action]} {word}" for action, word in _COUNTED.items() if counts[action]]
    return f"{found.pipeline} → context {found.context}, namespace {found.namespace}: {', '.join(parts) or 'nothing to compare'}"


_COUNTED = {"new": "new", "changed": "changed", "replaced": "replaced", "same": "the same"}
