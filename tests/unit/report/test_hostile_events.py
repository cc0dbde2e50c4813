"""Whatever an event holds, in whatever form it is shown: nothing steers a terminal or a CI job, and JSON stays JSON."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hostile_words import HOSTILE, unsafe_in
from made_runs import BAD_RUN, DRY_RUN, DRY_RUN_ENDED, GOOD_RUN, ended, printed
from terminal import opened_terminal, pieces

from bodywork_compiler.report import View, choose, showing
from bodywork_compiler.runner import events as run

# what our own code alone decides; the lines of logs may keep their colours (test_printable.py)
OURS = {"lines", "kind", "result", "action", "level", "where", "dry_run"}
EVENTS = (*GOOD_RUN, *BAD_RUN, *DRY_RUN, DRY_RUN_ENDED, printed("a line"), ended("failed"), run.Notice(message="a notice", level="ERROR"))
CI = {"CI": "true", "GITHUB_ACTIONS": "true"}


def poisoned(value: Any) -> Any:
    """The same with hostile words in every text that comes from elsewhere."""
    if isinstance(value, str):
        return f"{HOSTILE}{value}{HOSTILE}"
    if isinstance(value, tuple):
        return tuple(map(poisoned, value))
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{each.name: poisoned(getattr(value, each.name)) for each in fields(value) if each.name not in OURS})
    return value


def test_every_kind_of_event_is_among_them() -> None:
    missing = {kind.__name__ for kind in get_args(run.Event)} - {type(each).__name__ for each in EVENTS}
    assert missing <= {"LogEnded"}


class _Stream(io.TextIOWrapper):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def shown(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("environ", [{}, CI, {"CI": "true"}, {"TF_BUILD": "True"}], ids=["plain", "github", "ci", "azure"])
@pytest.mark.parametrize("style", ["live", "replay"])
@pytest.mark.parametrize("words", ["today's", "v1's"])
@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
def test_lines(environ: Mapping[str, str], style: str, words: str, *, is_terminal: bool) -> None:
    stream = _Stream(is_terminal=is_terminal)
    show = choose(View(log_style=style, log_level="DEBUG", words=words), stream, environ=environ)  # type: ignore[arg-type]
    for event in map(poisoned, (each for each in EVENTS if not isinstance(each, run.LogLine))):
        show(event)
    assert unsafe_in(stream.shown(), is_ci=bool(environ), is_terminal=is_terminal) == []


@pytest.mark.parametrize("environ", [{}, CI], ids=["plain", "github"])
def test_json_lines_say_all_of_it(environ: Mapping[str, str]) -> None:
    stream = _Stream(is_terminal=False)
    show = choose(View(output="json"), stream, environ=environ)
    for event in map(poisoned, EVENTS):
        show(event)
    assert unsafe_in(stream.shown(), is_ci=True) == []
    lines = [json.loads(line) for line in stream.shown().splitlines()]
    assert len(lines) == len(EVENTS)
    assert lines[0]["pipeline"] == poisoned("iris")


def _at_a_terminal(events: Iterator[run.Event]) -> str:
    with opened_terminal() as (ours, its):
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.extend(pieces(ours)))
        reader.start()
        with os.fdopen(its, "w", encoding="utf-8") as stream, showing(View(log_level="DEBUG"), stream, environ={"TERM": "xterm"}) as tell:
            for event in events:
                tell(event)
        reader.join()
    return b"".join(got).decode()


def test_drawn_lines_hold_no_codes_but_those_that_draw_them() -> None:
    calm = set(_codes(_at_a_terminal(iter(EVENTS))))
    wild = _at_a_terminal(poisoned(each) for each in EVENTS if not isinstance(each, run.LogLine))
    assert set(_codes(wild)) <= calm | {"\x1b[1A", "\x1b[2K"}
    assert not set(wild) & {"\x07", "\x08", "\x9b", "\x85", "\u202e", "\u2028", "\u200f"}


def _codes(shown: str) -> list[str]:
    import re

    return re.findall(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[^\[])", shown)
