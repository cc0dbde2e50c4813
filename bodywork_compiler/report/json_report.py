"""A run for programs: each event as a line of JSON (schemas/events.schema.json), or the whole run as one document (schemas/report.schema.json)."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

from bodywork_compiler import __version__
from bodywork_compiler.errors import BodyworkError, exit_code_of
from bodywork_compiler.report.output import Output, without_double_hash
from bodywork_compiler.runner.events import Event, Evidence, Notice, ObjectChanged, RolledBack, RunEnded, RunStarted, StageEnded


class JsonLines:
    def __init__(self, output: Output, *, clock: Callable[[], datetime]) -> None:
        self._output = output
        self._clock = clock

    def __call__(self, event: Event) -> None:
        self._output.document(without_double_hash(_ENCODER.encode(as_data(event, self._clock())), "\\u0023"))
        self._output.flush()


def as_data(event: Event, now: datetime) -> dict[str, Any]:
    """The event as its line has it; values inside it are still values, which `inner` takes apart."""
    return {"event": _NAMES[type(event)], "time": time_of_day(now), **inner(event)}


def time_of_day(now: datetime) -> str:
    return now.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_name(kind: type) -> str:
    """The class's name in snake case: `StageEnded` is `stage_ended`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


def inner(value: Any) -> dict[str, Any]:
    """An event's fields, or those of a value inside it. (`dataclasses.asdict` copies all, which costs 20 µs a log line.)"""
    return {name: _in_milliseconds(getattr(value, name)) for name in value.__dataclass_fields__}


def _in_milliseconds(field: Any) -> Any:
    """The only fractions are seconds, and no clock here is better."""
    return round(field, 3) if isinstance(field, float) else field


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=inner)
_NAMES: dict[type, str] = {kind: event_name(kind) for kind in get_args(Event)}


Tell = Callable[[Event], None]
_EXIT_BUG = 3
# what it says of the run as a whole, null where that is not known
_ABOUT = (
    *("ended", "result", "exit_code", "seconds", "reason"),
    *("pipeline", "namespace", "context", "git_url", "git_branch", "git_commit"),
)
# kind of event → the list of the document that it goes into
_LISTS: dict[type, str] = {Notice: "notices", ObjectChanged: "objects", Evidence: "evidence", RolledBack: "rollbacks"}


@contextmanager
def reporting(file: Path, clock: Callable[[], datetime]) -> Iterator[Tell]:
    """Tell it all events of the run; when the block ends, however it does, the document is written."""
    report = _Report(clock)
    try:
        yield report
    except BaseException as why:
        report.end_by(why)
        raise
    finally:
        report.document["ended"] = time_of_day(clock())
        _write(file, report.whole())


def also(tell: Tell, record: Tell | None) -> Tell:
    """Each event to both."""
    if record is None:
        return tell

    def both(event: Event) -> None:
        tell(event)
        record(event)

    return both


class _Report:
    """The document while the run lasts."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._stages: dict[tuple[int, str], StageEnded] = {}
        self.document: dict[str, Any] = {"bodywork": __version__, "started": time_of_day(clock()), **dict.fromkeys(_ABOUT), "stages": []}
        self.document |= {each: [] for each in _LISTS.values()}

    def __call__(self, event: Event) -> None:
        if isinstance(event, (RunStarted, RunEnded)):
            self.document |= {key: value for key, value in inner(event).items() if key in _ABOUT}
        if isinstance(event, RunEnded):
            self._stages |= {(each.step, each.name): each for each in event.stages}
        elif isinstance(event, StageEnded):  # also that of the failure stage, which is not among the plan's
            self._stages[event.step, event.name] = event
        elif type(event) in _LISTS:
            self.document[_LISTS[type(event)]].append(as_data(event, self._clock()))

    def end_by(self, why: BaseException) -> None:
        """What ended before the run could say so itself: refused before it began, or left at once."""
        if self.document["result"] is not None:
            return
        if isinstance(why, BodyworkError):
            self.document |= {"result": "refused", "exit_code": why.exit_code, "reason": why.message}
        elif isinstance(why, KeyboardInterrupt):
            self.document |= {"result": "interrupted", "exit_code": exit_code_of(why)}
        else:
            self.document |= {"result": "failed", "exit_code": _EXIT_BUG, "reason": f"a bug in Bodywork: {type(why).__name__}"}

    def whole(self) -> dict[str, Any]:
        stages = sorted(self._stages.values(), key=lambda each: each.step)
        return {**self.document, "stages": [inner(each) for each in stages]}


def _write(file: Path, document: dict[str, Any]) -> None:
    """Whole or not at all: who waits for it never reads half of it. That it could not be written changes nothing about how the run ended."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(document, indent=2, default=inner) + "\n", encoding="utf-8")
        new.replace(file)
    except OSError as fault:
        print(f"bodywork: the report {file} could not be written: {fault.strerror}", file=sys.stderr)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
