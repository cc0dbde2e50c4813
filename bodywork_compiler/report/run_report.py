"""`apply --report FILE`: the whole run as one JSON document, as schemas/report.schema.json describes it. Without the stages' logs, whose size nobody knows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bodywork_compiler import __version__
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.report.json_lines import as_data, inner, time_of_day
from bodywork_compiler.runner.events import Event, Evidence, Notice, ObjectChanged, RolledBack, RunEnded, RunStarted, StageEnded

Tell = Callable[[Event], None]
_EXIT_BUG, _EXIT_INTERRUPTED = 3, 130
# kind of event → the list of the document that it goes into
_LISTS: dict[type, str] = {Notice: "notices", ObjectChanged: "objects", Evidence: "evidence", RolledBack: "rollbacks"}


@contextmanager
def reporting(file: Path, clock: Callable[[], datetime]) -> Iterator[Tell]:
    """Tell it all events of the run; when the block ends, however it does, the document is written."""
    document: dict[str, Any] = {
        **{"bodywork": __version__, "started": time_of_day(clock()), "ended": None, "result": None, "exit_code": None},
        **{"seconds": None, "reason": None, "pipeline": None, "namespace": None, "context": None},
        **{"git_url": None, "git_branch": None, "git_commit": None, "stages": [], **{each: [] for each in _LISTS.values()}},
    }
    try:
        yield lambda event: _take(document, event, clock)
    except BaseException as why:
        _end_by(document, why)
        raise
    finally:
        document["ended"] = time_of_day(clock())
        _write(file, document)


def also(tell: Tell, record: Tell | None) -> Tell:
    """Each event to both."""
    if record is None:
        return tell

    def both(event: Event) -> None:
        tell(event)
        record(event)

    return both


def _take(document: dict[str, Any], event: Event, clock: Callable[[], datetime]) -> None:
    if isinstance(event, RunStarted):
        document.update({key: value for key, value in inner(event).items() if key in document and key != "stages"})
    elif isinstance(event, RunEnded):
        document.update(inner(event))
    elif isinstance(event, StageEnded):  # that of the failure stage is not among the plan's
        document["stages"] = [each for each in document["stages"] if (each.step, each.name) != (event.step, event.name)] + [event]
    elif type(event) in _LISTS:
        document[_LISTS[type(event)]].append(as_data(event, clock()))


def _end_by(document: dict[str, Any], why: BaseException) -> None:
    """What ended before the run could say so itself: refused before it began, or left at once."""
    if document["result"] is not None:
        return
    if isinstance(why, BodyworkError):
        document.update(result="refused", exit_code=why.exit_code, reason=str(why))
    elif isinstance(why, KeyboardInterrupt):
        document.update(result="interrupted", exit_code=_EXIT_INTERRUPTED)
    else:
        document.update(result="failed", exit_code=_EXIT_BUG, reason=f"a bug in Bodywork: {type(why).__name__}")


def _write(file: Path, document: dict[str, Any]) -> None:
    """Whole or not at all: who waits for it never reads half of it."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(document, indent=2, default=inner) + "\n", encoding="utf-8")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
