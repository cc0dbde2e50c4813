"""Every figure and name of the text stands in the JSON lines too: nobody has to read a log to know what a run did."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from made_runs import BAD_RUN, DRY_RUN, GOOD_RUN, NOT_SERVED, REASON, SERVED, STARTED, TRAINED, ended, shown

from bodywork_compiler.report.output import in_words
from bodywork_compiler.runner import events as run

TIME_OF_DAY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", re.MULTILINE)
DURATION = re.compile(r"\d+(?:\.\d)? (?:s|min|h)\b(?: \d+ (?:s|min)\b)?")
# a figure or a name: what has a digit in it, or hyphens, dots or slashes
FIGURE = re.compile(r"[\w./:@-]*(?:\d|\w[-./:]\w)[\w./:@-]*")
# what is ours to say, whatever the run did
OWN = {"run.step", "run.setup"}
THROUGH_PROXY = "http://localhost:8001/api/v1/namespaces/"
MANY = tuple(
    run.StageEnded(
        step=number // 3 + 1, stage=f"s-{number}", kind="Job", name=f"s-{number}", result="succeeded", seconds=59.6 * number + 0.31
    )
    for number in range(9)
)
RUNS = {
    "good": GOOD_RUN,
    "bad": BAD_RUN,
    "dry": DRY_RUN,
    "many stages": (STARTED, *MANY, ended(stages=MANY, seconds=3724.6)),
    "attempts": (STARTED, replace(TRAINED, attempts=7), ended(stages=(TRAINED,))),
    "removed": (
        STARTED,
        NOT_SERVED,
        run.Evidence(step=2, stage="scoring-service", reason=REASON, warnings=("BackOff (x17)",), look_further=("kubectl describe x-1",)),
        run.RolledBack(stage="scoring-service", name="scoring-service", revision=None, seconds=3.4, complete=True),
        ended("failed", stages=(TRAINED, NOT_SERVED), reason=REASON),
    ),
    "timed out": (STARTED, SERVED, ended("timed out", exit_code=70, reason="no end after 7200 s, --timeout")),
}


def values(told: Any) -> Iterator[Any]:
    if isinstance(told, dict):
        for each in told.values():
            yield from values(each)
    elif isinstance(told, list):
        for each in told:
            yield from values(each)
    else:
        yield told


def missing(text: str, told: Sequence[Any]) -> list[str]:
    """Durations are told in seconds; all else in the same words."""
    durations = {in_words(each) for each in told if isinstance(each, float | int) and not isinstance(each, bool)}
    words = " ".join(str(each) for each in told)
    text = TIME_OF_DAY.sub("", text).replace(THROUGH_PROXY, "")
    lacking = [found for found in DURATION.findall(text) if found not in durations and found not in words]
    figures = (found.strip(".:,/@-") for found in FIGURE.findall(DURATION.sub("", text)))
    return lacking + [each for each in figures if not is_told(each, words) and each not in OWN]


def is_told(figure: str, words: str) -> bool:
    """`2/2` and a path behind the proxy are made of figures that are told."""
    return figure in words or all(part in words for part in re.split(r"[/:]+", figure) if re.search(r"\d", part))


@pytest.mark.parametrize("events", RUNS.values(), ids=list(RUNS))
@pytest.mark.parametrize("style", ["live", "replay"])
def test_each_figure_and_name_of_the_text_is_in_the_json_lines(events: Sequence[run.Event], style: str) -> None:
    told = [each for line in shown(events, output="json").splitlines() for each in values(json.loads(line))]
    assert missing(shown(events, log_style=style), told) == []


def test_a_figure_that_is_missing_would_be_found() -> None:
    assert missing("train-model took 41 s, attempt 3", ["train-model", 7.0]) == ["41 s", "3"]
