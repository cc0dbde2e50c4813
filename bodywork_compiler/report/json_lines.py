"""A run as JSON: one event a line, as schemas/events.schema.json describes it. Times of day are in UTC."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, get_args

from bodywork_compiler.report.documents import without_double_hash
from bodywork_compiler.report.output import Output
from bodywork_compiler.runner.events import Event


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
