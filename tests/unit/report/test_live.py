"""A run at a terminal: what a person sees on the screen, read by an emulator of one."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from made_runs import BAD_RUN, GOOD_RUN, SERVED, STARTED, TRAINED, ended, printed
from terminal import Terminal, opened_terminal, pieces, resize

from bodywork_compiler.report import View, showing
from bodywork_compiler.runner import events as run

FOUND = {"TERM": "xterm"}
HOSTILE = [
    "\x1b[2J\x1b[Hcleared",
    "\x1b]0;title\x07titled",
    "10%\r50%\r100% done",
    "bell\x07\x08\x08",
    "\x1b[31mred",
    "\x1b[?25l\x1bcreset",
]


@dataclass
class Shown:
    """What a run tells, and the terminal that shows it: all that comes is read at once, as a terminal does."""

    tell: Callable[[run.Event], None]
    terminal: Terminal
    its: int
    sent: bytearray = field(default_factory=bytearray)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def all(self, events: Iterable[run.Event]) -> None:
        for event in events:
            self.tell(event)

    def until(self, text: str, last: str = "") -> list[str]:
        """The screen's lines when `text` was seen, and the last of them begins with `last` (without its mark): drawn to the end."""
        with self._news:
            assert self._news.wait_for(lambda: self._is_seen(text, last), timeout=30), self.terminal.text
            return self.terminal.display

    def _is_seen(self, text: str, last: str) -> bool:
        lines = self.terminal.display
        is_drawn = not last or bool(lines and lines[-1][4:].startswith(last))
        return is_drawn and text in self.terminal.text.replace("\n", "").replace(" ", "")

    def read(self, ours: int) -> None:
        for piece in pieces(ours):
            with self._news:
                self.sent += piece
                self.terminal.feed(piece)
                self._news.notify_all()

    def resize(self, columns: int, lines: int) -> None:
        with self._news:
            resize(self.its, columns, lines)
            self.terminal.resize(columns, lines)


@contextmanager
def a_run(columns: int = 80, lines: int = 24, environ: dict[str, str] | None = None, **view: object) -> Iterator[Shown]:
    """At its end all has been read."""
    with opened_terminal(columns, lines) as (ours, its):
        shown = Shown(print, Terminal(columns=columns, lines=lines), its)
        reader = threading.Thread(target=shown.read, args=(ours,))
        reader.start()
        try:
            with (
                os.fdopen(its, "w", encoding="utf-8") as stream,
                showing(View(**view), stream, environ=environ or FOUND) as shown.tell,  # type: ignore[arg-type]
            ):
                yield shown
        finally:
            reader.join()


def a_step(*stages: str) -> tuple[run.Event, ...]:
    plans = tuple(run.StagePlan(step=1, stage=each, kind="Job", name=each) for each in stages)
    return replace(STARTED, step_count=1, stages=plans), run.StepStarted(step=1, stages=stages)


def progress(message: str, stage: str = "train-model") -> run.StageProgress:
    return run.StageProgress(step=1, stage=stage, message=message, seconds=1.0)


def a_result(stage: str, result: run.Result = "succeeded", **more: object) -> run.StageEnded:
    return replace(TRAINED, stage=stage, name=stage, result=result, **more)  # type: ignore[arg-type]


def test_each_stage_has_a_line_with_its_time_and_what_it_waits_for() -> None:
    with a_run() as shown:
        shown.all([*a_step("train-model", "clean"), progress("installing requirements (pod train-model-x2x8z)")])
        lines = shown.until("installing", last="clean")[-3:]
        assert lines[0].split(maxsplit=1)[1].startswith("step 1/1 · ")
        assert lines[1].split()[1:] == ["train-model", "0", "s", "installing", "requirements", "(pod", "train-model-x2x8z)"]
        assert lines[2].split()[1] == "clean"
        assert not shown.terminal.has_cursor


def test_a_good_run_ends_with_its_steps_its_logs_and_the_summary() -> None:
    with a_run() as shown:
        shown.all(GOOD_RUN)
    lines = shown.terminal.text.splitlines()
    assert lines[: lines.index("")] == [
        "iris at 3f2a9c1 (main) → context kind-dev, namespace iris",
        "train-model fetch | fetched 3f2a9c1",
        "train-model | R² = 0.97",
        "step 1/2",
        "  ✓ train-model  41 s  attempt 1",
        "step 2/2",
        "  ✓ scoring-service  24 s  http://scoring-service.iris.svc.cluster.local:5000",
    ]
    assert lines[lines.index("") + 1].startswith("iris 3f2a9c1 is deployed to iris")
    assert lines[-1].strip().startswith("http://localhost:8001/")
    assert shown.terminal.has_cursor


def test_a_bad_run_has_its_evidence_and_what_was_undone() -> None:
    with a_run() as shown:
        shown.all(BAD_RUN)
    text = shown.terminal.text
    assert "✗ scoring-service (step 2) failed: the container exited with code 1, 3 times" in text
    assert "FileNotFoundError: model.joblib" in text
    assert text.index("rolled back scoring-service to revision 6") < text.index("step 2/2\n  ✗ scoring-service  38 s  failed")
    assert "iris 3f2a9c1 failed in iris" in text
    assert shown.terminal.has_cursor


def test_what_is_out_of_the_usual_is_said_whole_above_and_once() -> None:
    words = "no node has 1000 CPUs free: 0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption"
    with a_run() as shown:
        shown.all([*a_step("train-model"), progress(f"waiting: {words}"), progress(f"waiting: {words}")])
        assert shown.until("Nopreemption", last="train-model")[-1].endswith("…")
        shown.tell(ended("interrupted"))
    assert shown.terminal.text.replace("\n", "").count("No preemption") == 1


@pytest.mark.parametrize("columns", [80, 40])
def test_no_drawn_line_is_longer_than_the_terminal(columns: int) -> None:
    long = "a-stage-whose-name-is-as-long-as-kubernetes-allows-for-an-objec"
    with a_run(columns) as shown:
        shown.all([*a_step(long, "b"), progress("日本語の長いメッセージ日本語の長いメッセージ日本語の長いメッセージ", long)])
        display = shown.until("日本", last="b")
        assert [line.split()[1] for line in display[-3:-2]] == ["step"]
        assert display[-1].split()[1] == "b"


def test_of_a_hundred_stages_those_that_fit_are_shown_and_the_rest_counted() -> None:
    stages = [f"stage-{number}" for number in range(100)]
    with a_run(lines=24) as shown:
        shown.all([*a_step(*stages), printed("above", stage="stage-1")])
        display = shown.until("above", last="…")
        assert len(display) <= 24
        assert display[-1] == "    … and 84 more: 84 running"
        shown.all(a_result(each) for each in stages[:90])
        display = shown.until("84ended", last="…")
        assert {f"stage-{number}" for number in range(90, 100)} <= {line.split()[1] for line in display if line.startswith("  ")}
        assert display[-1] == "    … and 84 more: 84 ended"
        shown.all([*(a_result(each) for each in stages[90:]), ended()])
    assert shown.terminal.text.count("✓ stage-") == 100, "when a step is over, all of its stages are there"


@pytest.mark.parametrize("lines", [1, 2, 4, 6])
def test_a_low_terminal_shows_what_fits(lines: int) -> None:
    with a_run(lines=lines) as shown:
        shown.all([*a_step("train-model", "b", "c"), printed("one"), progress("running (pod x)")])
        shown.until("one")
        shown.tell(ended())
    assert "train-model | one" in shown.terminal.text


def test_a_terminal_that_is_made_narrower_and_wider_stays_whole() -> None:
    with a_run() as shown:
        shown.all([*a_step("train-model"), progress("installing requirements, " + "which takes long, " * 3)])
        shown.until("installing", last="train-model")
        shown.resize(40, 24)
        shown.tell(printed("after narrowing"))
        display = shown.until("afternarrowing", last="train-model")
        assert display[-1].split()[1] == "train-model"
        assert len(display[-1]) <= 40
        shown.resize(100, 30)
        shown.tell(printed("after widening"))
        shown.until("afterwidening", last="train-model")
        shown.tell(ended())
    assert shown.terminal.text.count("after narrowing") == shown.terminal.text.count("after widening") == 1


def test_what_a_stage_prints_moves_nothing() -> None:
    with a_run() as shown:
        shown.all([*a_step("train-model"), *map(printed, HOSTILE)])
        shown.until("reset", last="train-model")
        shown.tell(ended())
    text = shown.terminal.text
    for line in ("cleared", "titled", "100% done", "bell", "red", "reset"):
        assert f"\ntrain-model | {line}" in text
    assert "50%" not in text
    assert shown.terminal.has_cursor


def test_a_flood_of_lines_comes_whole_and_in_order() -> None:
    lines = [f"line {number}" for number in range(20_000)]
    with a_run() as shown:
        shown.all([*a_step("train-model"), *map(printed, lines), ended()])
    prefix = "train-model | "
    assert [line.removeprefix(prefix) for line in shown.terminal.text.splitlines() if line.startswith(prefix)] == lines


def broken_off(runs: list[Shown]) -> None:
    with a_run() as shown:
        runs.append(shown)
        shown.all(a_step("train-model"))
        shown.until("step", last="train-model")
        assert not shown.terminal.has_cursor
        raise KeyboardInterrupt


def test_a_bug_or_a_second_ctrl_c_leaves_the_cursor_and_a_clean_screen() -> None:
    runs: list[Shown] = []
    with pytest.raises(KeyboardInterrupt):
        broken_off(runs)
    terminal = runs[0].terminal
    assert terminal.has_cursor
    assert terminal.text.strip() == "iris at 3f2a9c1 (main) → context kind-dev, namespace iris"


def test_each_stage_has_its_colour_in_every_run() -> None:
    with a_run() as shown:
        shown.all([*a_step("a", "b"), printed("x", stage="a"), printed("x", stage="b"), printed("y", stage="a"), ended()])
    assert set(re.findall(rb"\x1b\[\d\dm[ab](?= \|)", shown.sent)) == {b"\x1b[34ma", b"\x1b[35mb"}


@pytest.mark.parametrize(
    ("environ", "view"),
    [
        ({"NO_COLOR": "1"}, {}),
        ({"CI": "true"}, {}),
        ({"TERM": "dumb"}, {}),
        (FOUND, {"log_style": "replay"}),
        (FOUND, {"output": "json"}),
        (FOUND, {"is_redrawn": False}),
    ],
    ids=str,
)
def test_where_it_is_unwanted_lines_come_one_after_the_other(environ: dict[str, str], view: dict[str, object]) -> None:
    with a_run(environ=environ, **view) as shown:
        shown.all(GOOD_RUN)
    sent = bytes(shown.sent)
    assert b"\x1b[?25l" not in sent
    assert b"\x1b[1A" not in sent
    assert b"train-model" in sent


def test_a_service_that_is_available_has_its_address_in_its_line() -> None:
    with a_run(columns=120) as shown:
        shown.all([STARTED, run.StepStarted(step=2, stages=("scoring-service",)), SERVED])
        lines = shown.until("✓scoring-service", last="scoring-service")
        assert lines[-1].endswith("http://scoring-service.iris.svc.cluster.local:5000")
        shown.tell(ended())


def test_a_pipe_gets_plain_lines_and_no_control_character() -> None:
    ours, its = os.pipe()
    with os.fdopen(its, "w", encoding="utf-8") as stream, showing(View(log_style="live"), stream, environ=FOUND) as tell:
        for event in (*BAD_RUN, *map(printed, HOSTILE)):
            tell(event)
    with os.fdopen(ours, encoding="utf-8") as read:
        text = read.read()
    assert "train-model | 100% done" in text
    assert all(line.isprintable() for line in text.splitlines())
