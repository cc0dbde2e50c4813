"""What a run is about to do, as lines: what a person at a terminal agrees to. 80 columns suffice; nothing is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bodywork_compiler import labels
from bodywork_compiler.preview.values import Change, Difference, Left
from bodywork_compiler.printable import printable
from bodywork_compiler.report.durations import in_words
from bodywork_compiler.report.summary import laid_out, wrapped
from bodywork_compiler.runner.events import RunStarted

MOST_PARTS = 4
_GAP = "  "
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
