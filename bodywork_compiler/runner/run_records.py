"""The last runs of a pipeline as values, and as the text that is kept of them: bounded in runs and in bytes. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from bodywork_compiler.runner.events import StageEnded
from bodywork_compiler.runner.watching import json_in

RUNS = 20
LONGEST_RUN = 9_000  # bytes; 20 of them stay far below the 1 MiB of a ConfigMap, and below what anybody wants to wait for
LONGEST_REASON, LONGEST_STAGE_REASON = 500, 200  # characters
LONGEST_TEXT, LARGEST = 2_000, 10**9  # of what is read: anybody may have written it
CUT = " …"
_GOOD = {"succeeded", "available", "skipped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    step: int
    stage: str
    result: str
    seconds: float = 0.0
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run. `started` as Kubernetes writes times. `stages_left_out`: so many more there were than fit in.

    A run that never said how it ended (killed, or its machine is gone) is known by the Lease that it held: `cut off`, without an exit code.
    """

    id: str
    by: str
    started: str
    result: str
    seconds: float
    exit_code: int | None = None
    git_url: str | None = None
    git_branch: str | None = None
    git_commit: str | None = None
    reason: str | None = None
    stages: tuple[StageRecord, ...] = ()
    stages_left_out: int = 0


Record = TypeVar("Record", RunRecord, StageRecord)


def stage_record(ended: StageEnded) -> StageRecord:
    reason = _cut(ended.reason, LONGEST_STAGE_REASON) if ended.result not in _GOOD else None
    return StageRecord(step=ended.step, stage=ended.stage, result=ended.result, seconds=round(ended.seconds, 3), reason=reason)


def bounded(run: RunRecord) -> RunRecord:
    """Cut to its share: of too many stages those that went wrong are kept first."""
    bare = replace(run, reason=_cut(run.reason, LONGEST_REASON), stages=(), stages_left_out=len(run.stages))
    room = LONGEST_RUN - len(_text(bare))
    kept: set[int] = set()
    for number, stage in sorted(enumerate(run.stages), key=lambda each: each[1].result in _GOOD):
        room -= len(_text(stage)) + 1
        if room < 0:
            break
        kept.add(number)
    stages = tuple(stage for number, stage in enumerate(run.stages) if number in kept)
    return replace(bare, stages=stages, stages_left_out=run.stages_left_out + len(run.stages) - len(kept))


def to_text(runs: Iterable[RunRecord]) -> str:
    """The newest first, a run a line; older ones than the last 20 are left out."""
    lines = [_text(bounded(each)) for each in runs][:RUNS]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def from_text(text: str | None) -> tuple[RunRecord, ...]:
    """What cannot be read, since somebody has changed it, is left out: a run, or a stage of it."""
    found = json_in(text)
    runs = (_run(each) for each in found[:RUNS]) if isinstance(found, list) else ()
    return tuple(each for each in runs if each)


def _run(plain: Any) -> RunRecord | None:
    stages = plain.get("stages") if isinstance(plain, dict) else None
    made = (_made(StageRecord, each) for each in stages) if isinstance(stages, list) else ()
    run = _made(RunRecord, {**plain, "stages": tuple(each for each in made if each)}) if isinstance(plain, dict) else None
    return run if run and _is_a_time(run.started, run.seconds) else None


def _made(kind: type[Record], plain: Any) -> Record | None:
    """What a later version has added is not known here."""
    known = {each.name: str(each.type) for each in fields(kind)}
    values: dict[str, Any] = {key: value for key, value in plain.items() if key in known} if isinstance(plain, dict) else {}
    if not values or not all(_FITS[known[key]](value) for key, value in values.items()):
        return None
    try:
        cut: dict[str, Any] = {key: _cut(value, LONGEST_TEXT) if isinstance(value, str) else value for key, value in values.items()}
        return kind(**cut)
    except TypeError:  # something is missing
        return None


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "str | None": lambda value: value is None or isinstance(value, str),
    "int | None": lambda value: value is None or (type(value) is int and abs(value) < LARGEST),
    "int": lambda value: type(value) is int and abs(value) < LARGEST,
    "float": lambda value: type(value) in {int, float} and 0 <= value < LARGEST,
    "tuple[StageRecord, ...]": lambda value: isinstance(value, tuple),
}


def _is_a_time(stamp: str, seconds: float) -> bool:
    """As is what comes so many seconds later."""
    try:
        began = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        return began.tzinfo is not None and began.astimezone(timezone.utc) + timedelta(seconds=seconds) >= began
    except (ValueError, OverflowError):
        return False


def _text(record: RunRecord | StageRecord) -> str:
    return _ENCODER.encode(_plain(record))


def _plain(record: Any) -> dict[str, Any]:
    """What is not known is left out. (`dataclasses.asdict` copies all, which costs a quarter of a second for 10,000 stages.)"""
    return {name: value for name in record.__slots__ if (value := getattr(record, name)) is not None}


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_plain)


def _cut(reason: str | None, longest: int) -> str | None:
    return reason if reason is None or len(reason) <= longest else reason[: longest - len(CUT)] + CUT
