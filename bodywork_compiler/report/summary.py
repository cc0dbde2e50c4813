"""What a run is about to do, and what it has done: lines that fit 80 columns. What must be copied is never cut."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from bodywork_compiler import labels
from bodywork_compiler.preview.values import Change, Difference, Left
from bodywork_compiler.printable import printable
from bodywork_compiler.report.output import Colour, in_words
from bodywork_compiler.runner.events import Result, RunEnded, RunStarted, StageEnded
from bodywork_compiler.to_copy import to_copy

COLUMNS = 80
_GAP = "  "
_COLOURS: dict[Result, Colour] = {"succeeded": "green", "available": "green", "failed": "red", "timed out": "red", "stopped": "yellow"}
_IN_CLUSTER = re.compile(r"https?://(?P<service>[^.:/]+)\.(?P<namespace>[^.:/]+)\.svc\b")


def headline(run: RunEnded) -> str:
    what = f"{run.pipeline} {run.git_commit[:7]}" if run.git_commit else run.pipeline
    said = f"{what} {_result_words(run)}"
    return said + in_words(run.seconds).rjust(max(COLUMNS - len(said), 2 + len(in_words(run.seconds))))


def table(planned: Sequence[StageEnded], on_failure: Sequence[StageEnded], notes: Mapping[str, str]) -> Iterator[tuple[str, Colour | None]]:
    """The rows as lines with their colour; `notes` says of a stage what stands in place of its address."""
    stages = [*planned, *on_failure]
    if not stages:
        return
    labels = [*(f"step {stage.step}" for stage in planned), *("on failure" for _ in on_failure)]
    others = [(stage.kind, stage.result, "" if stage.result in {"not started", "skipped"} else in_words(stage.seconds)) for stage in stages]
    widths = [max(len(cells[column]) for cells in others) for column in range(3)]
    indent = _GAP + " " * max(map(len, labels)) + _GAP
    name_width = min(max(len(stage.stage) for stage in stages), COLUMNS - len(indent) - sum(widths) - 3 * len(_GAP))
    for label, stage, cells in zip(labels, stages, others, strict=True):
        row = _GAP + label.ljust(len(indent) - 2 * len(_GAP)) + _GAP
        rest = _GAP.join([cells[0].ljust(widths[0]), cells[1].ljust(widths[1]), cells[2].rjust(widths[2])])
        note = notes.get(stage.stage) or stage.address or ""
        for line in laid_out(row, stage.stage.ljust(name_width), rest, note):
            yield line.rstrip(), _COLOURS.get(stage.result)


def look(run: RunEnded, cluster: str = "") -> Iterator[str]:
    """How to reach what was deployed, from here."""
    reached = [found for stage in run.stages if stage.result == "available" and (found := _IN_CLUSTER.match(stage.address or ""))]
    if not reached:
        return
    status = to_copy("bodywork", "status", namespace=run.namespace) + cluster
    logs = to_copy("bodywork", "logs", names=[reached[0]["service"]], namespace=run.namespace) + cluster
    yield from wrapped("Look:", [status, logs, f"kubectl proxy{cluster}, then"])
    for found in reached:
        yield f"  http://localhost:8001/api/v1/namespaces/{found['namespace']}/services/{found['service']}/proxy/"


def from_step(run: RunEnded, taken_back: Container[str]) -> str:
    """` --from-step 2`: the first one that is not done, or not any more; nothing where that is the first of all."""
    done = {"succeeded", "available", "skipped"}
    undone = [stage.step for stage in run.stages if stage.result not in done or stage.stage in taken_back]
    return f" --from-step {min(undone)}" if undone and min(undone) > 1 else ""


def wrapped(lead: str, parts: Sequence[str], between: str = " ·") -> Iterator[str]:
    """`Look: this · that`, broken between parts where the line is full."""
    line = lead
    for number, part in enumerate(parts):
        joined = f"{line} {part}" if number == 0 else f"{line}{between} {part}"
        if number and len(joined) > COLUMNS:
            yield f"{line}{between}"
            joined = f"  {part}"
        line = joined
    yield line


def _result_words(run: RunEnded) -> str:
    where = "on this machine" if run.on_this_machine else f"in {run.namespace}"
    if run.result == "succeeded":
        has_service = any(stage.kind != "Job" for stage in run.stages)
        return f"is deployed to {run.namespace}" if has_service and not run.on_this_machine else f"has run {where}"
    words = {"failed": "failed", "timed out": "timed out", "interrupted": "was interrupted"}[run.result]
    return f"{words} {where}"


def laid_out(label: str, name: str, rest: str, note: str) -> list[str]:
    """One line where it fits; else a long name, or what comes last, has a line of its own."""
    below = " " * len(label)
    fits = len(label) + len(name) + len(_GAP) + len(rest) <= COLUMNS
    lines = [label + name + _GAP + rest] if fits else [label + name, below + rest]
    if note and len(lines[-1]) + len(_GAP) + len(note) <= COLUMNS:
        lines[-1] += _GAP + note
    elif note:
        lines.append(below + note)
    return lines


MOST_PARTS = 4
_Row = tuple[str, str, str, str]  # step, stage, kinds, what becomes of them


def outlook(run: RunStarted, found: Difference | None, *, cluster: str | None, prune: bool = True) -> Iterator[str]:
    """`found` is None where the server could not be asked: then only what will run is said."""
    yield printable(f"{whence(run)} → context {run.context}, namespace {run.namespace}")
    if cluster:
        yield f"  cluster {printable(cluster)}"
    if found and not found.has_namespace:
        yield f"  creates namespace {run.namespace}"
    rows = list(_rows(found.changes) if found else _rows_of_plan(run))
    yield from map(printable, _table(rows))
    yield from map(printable, _gone(found.left if found else (), prune=prune))
    if run.schedule_timeout_seconds:
        yield from wrapped(
            "  waits at most", [f"{in_words(run.schedule_timeout_seconds)} for a node and an image (--schedule-timeout)"], between=","
        )
    for warning in found.warnings if found else ():
        yield printable(f"  warning: {warning}")


def whence(run: RunStarted) -> str:
    """`iris at 3f2a9c1 (main)`."""
    commit = f" at {run.git_commit[:7]}" if run.git_commit else ""
    branch = f" ({run.git_branch})" if run.git_branch else ""
    return f"{run.pipeline}{commit}{branch}"


def _rows_of_plan(run: RunStarted) -> Iterator[_Row]:
    return ((f"step {each.step}", each.stage, each.kind, "") for each in run.stages)


def _rows(changes: Iterable[Change]) -> Iterator[_Row]:
    """One for each stage of a step, and one for all that sets up."""
    grouped: dict[tuple[int, str], list[Change]] = {}
    for each in changes:
        grouped.setdefault((each.step, "" if each.step == labels.STEP_SETUP else each.stage or each.name), []).append(each)
    for (step, stage), those in grouped.items():
        kinds = ", ".join(dict.fromkeys(each.kind for each in those))
        yield ("set-up" if step == labels.STEP_SETUP else f"step {step}", stage, kinds, _what_becomes_of(those))


def _what_becomes_of(changes: Sequence[Change]) -> str:
    if all(each.action == "new" for each in changes):
        return "created"
    said = ["re-run"] if any(each.kind == "Job" for each in changes) else []
    said += [f"creates {each.kind}" for each in changes if each.action == "new" and each.kind != "Job"]
    parts = list(dict.fromkeys(part for each in changes for part in each.parts))
    if parts:
        more = f" and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
        said.append(f"changes: {', '.join(parts[:MOST_PARTS])}{more}")
    if said:
        return ", ".join(said)
    return "unchanged, restarted" if any(each.kind == "Deployment" for each in changes) else "unchanged"


def _table(rows: Sequence[_Row]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for step, stage, kinds, state in rows:
        label = f"{_GAP}{step.ljust(widths[0])}{_GAP}"
        yield from (line.rstrip() for line in laid_out(label, stage.ljust(widths[1]), kinds.ljust(widths[2]), state))


def _gone(left: Sequence[Left], *, prune: bool) -> Iterator[str]:
    """What the manifests no longer have. Jobs of earlier runs always go; ConfigMaps when nothing names them, which is of no interest here."""
    said = [each for each in left if each.kind != "ConfigMap"]
    goes = [each.is_removed and (prune or each.kind == "Job") for each in said]
    yield from _listed("removes", [f"{each.kind} {each.name}" for each, is_gone in zip(said, goes, strict=True) if is_gone])
    why = "not in the manifests" if prune else "--no-prune"
    yield from _listed(f"leaves ({why})", [f"{each.kind} {each.name}" for each, is_gone in zip(said, goes, strict=True) if not is_gone])


def _listed(lead: str, names: Sequence[str]) -> Iterator[str]:
    return wrapped(f"  {lead}", names, between=",") if names else iter(())
