"""Problems as lines on a terminal, in a pipe and for GitHub."""

from __future__ import annotations

import io
import sys

import pytest

from bodywork_compiler.problems import Problem, Severity, by_place, has_errors
from bodywork_compiler.report import problems as report

ERROR = Problem(file="bodywork.yaml", line=14, column=17, path="stages.train.batch.retries", message="must be 0 or more, got -1")
WARNING = Problem(file="bodywork.yaml", line=21, column=5, message="`x` is not a key", hint="did you mean `y`?", severity="warning")
MARKED = Problem(
    file="bodywork.yaml",
    line=6,
    column=17,
    path="pipeline.DAG",
    message="step 2 names `serve`, which is no stage",
    hint="did you mean `serve_model`?",
    excerpt="  DAG: train >> serve, check",
    mark=5,
)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, *problems: Problem) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    report.print_problems(problems)
    return stream.getvalue()


def test_place_fault_remedy() -> None:
    assert report.text(ERROR) == "bodywork.yaml:14:17: stages.train.batch.retries: must be 0 or more, got -1"
    assert report.text(WARNING) == "bodywork.yaml:21:5: `x` is not a key; did you mean `y`?   [warning]"


def test_the_faulty_part_of_a_line_is_marked() -> None:
    assert report.text(MARKED).splitlines() == [
        "bodywork.yaml:6:17: pipeline.DAG: step 2 names `serve`, which is no stage",
        "    DAG: train >> serve, check",
        "                  ^^^^^ did you mean `serve_model`?",
    ]


def test_a_long_line_is_shown_round_its_fault() -> None:
    line = "DAG: " + ", ".join(f"stage{number}" for number in range(100)) + " >> serve"
    at = line.index("stage50")
    problem = Problem(file="f", line=1, column=at + 1, message="m", excerpt=line, mark=7)
    _, excerpt, carets = report.text(problem).splitlines()
    assert len(excerpt) <= 80
    assert excerpt[carets.index("^") : carets.rindex("^") + 1] == "stage50"


@pytest.mark.parametrize(
    ("severities", "files", "summary"),
    [
        (["error"], 1, "1 error in f0"),
        (["error", "error", "warning", "note"], 1, "2 errors, 1 warning in f0"),
        (["error", "warning", "warning"], 3, "1 error, 2 warnings in 3 files"),
    ],
)
def test_the_summary_counts(severities: list[Severity], files: int, summary: str) -> None:
    problems = [Problem(file=f"f{number % files}", message="m", severity=severity) for number, severity in enumerate(severities)]
    assert report.summary(problems) == summary


def test_in_a_pipe_each_problem_is_one_plain_line(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Problem(file="f", message="word " * 40 + "end", severity="warning")
    assert printed(io.StringIO(), monkeypatch, ERROR, WARNING, long).splitlines() == [
        report.text(ERROR),
        report.text(WARNING),
        report.text(long),
        "",
        "1 error, 2 warnings in 2 files",
    ]


def test_warnings_alone_are_not_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(io.StringIO(), monkeypatch, WARNING) == report.text(WARNING) + "\n"


def test_a_terminal_of_80_columns_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    long = Problem(file="bodywork.yaml", line=1, column=1, message="must be a name " * 20, hint="write another")
    lines = printed(_Terminal(), monkeypatch, long, MARKED).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("    ")


@pytest.mark.parametrize("variable", [None, "NO_COLOR", "CI"])
def test_colour_is_for_terminals_that_want_it(variable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if variable:
        monkeypatch.setenv(variable, "1")
    assert ("\033[31mbodywork.yaml:14:17\033[0m: stages" in printed(_Terminal(), monkeypatch, ERROR)) is (variable is None)
    assert "\033" not in printed(io.StringIO(), monkeypatch, ERROR)


def test_nothing_that_a_terminal_would_obey() -> None:
    problem = Problem(file="a\x1b[2J.yaml", line=1, column=1, path="p\u202e", message="m\n\r", hint="h\x07", excerpt="\x1b]0;x\x07", mark=1)
    assert report.text(problem).replace("\n", "").isprintable()
    assert len(report.text(problem).splitlines()) == 3


def test_github_annotations_are_escaped() -> None:
    problem = Problem(file="a,b:c%.yaml", line=3, column=4, path="p", message="100%\r\nsure::error", hint="h")
    assert report.as_github(problem) == "::error file=a%2Cb%3Ac%25.yaml,line=3,col=4::p: 100%25%0D%0Asure::error; h"
    assert report.as_github(WARNING).startswith("::warning file=bodywork.yaml,line=21,col=5::")
    assert report.as_github(Problem(file="f", message="m", severity="note")) == "::notice file=f::m"


def test_problems_are_sorted_by_place_and_doubles_dropped() -> None:
    whole = Problem(file="bodywork.yaml", message="whole")
    other = Problem(file="a.yaml", line=99, message="other file")
    assert by_place([WARNING, ERROR, whole, ERROR, other]) == (other, whole, ERROR, WARNING)


def test_notes_and_warnings_are_no_errors() -> None:
    assert not has_errors([WARNING, Problem(file="f", message="m", severity="note")])
    assert has_errors([WARNING, ERROR])
