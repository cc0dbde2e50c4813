"""`-o json`: one event a line, as schemas/events.schema.json says."""

import json
from dataclasses import fields
from typing import get_args

import jsonschema
import pytest
from made_runs import BAD_RUN, DRY_RUN, GOOD_RUN, printed, shown

from bodywork_compiler import resources
from bodywork_compiler.report.json_report import event_name
from bodywork_compiler.runner import events as run

SCHEMA = json.loads((resources.folder("schemas") / "events.schema.json").read_text(encoding="utf-8"))
JUDGE = jsonschema.Draft202012Validator(SCHEMA)
KINDS = get_args(run.Event)
EVERY_KIND = (*GOOD_RUN, *BAD_RUN, *DRY_RUN, run.Notice(message="x"))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_each_line_is_an_event_of_the_schema():
    lines = [json.loads(line) for line in shown(EVERY_KIND, output="json").splitlines()]
    assert [line["event"] for line in lines] == [event_name(type(event)) for event in EVERY_KIND]
    for line in lines:
        JUDGE.validate(line)


def test_the_example_has_an_event_of_every_kind():
    assert {type(event) for event in EVERY_KIND} == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "definition", "extra"),
    [
        *((kind, event_name(kind), {"event", "time"}) for kind in KINDS),
        (run.StagePlan, "stage_plan", set()),
        (run.ContainerTail, "container_tail", set()),
        (run.StageEnded, "stage_result", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_schema_describes_every_field(kind, definition, extra):
    described = SCHEMA["$defs"][definition]
    names = {field.name for field in fields(kind)} | extra
    assert set(described["properties"]) == names
    assert set(described["required"]) == names
    assert all("description" in value or "const" in value or "$ref" in value for value in described["properties"].values())


@pytest.mark.parametrize("change", [{"event": "no_such_event"}, {"seconds": "long"}, {"result": "fine"}, {"time": "2020-11-24 20:04:15"}])
def test_the_schema_refuses_what_is_no_event(change):
    line = json.loads(shown(GOOD_RUN[-1:], output="json"))
    assert JUDGE.is_valid(line)
    assert not JUDGE.is_valid({**line, **change})


def test_times_of_day_are_in_utc_wherever_one_is(monkeypatch):
    monkeypatch.setenv("TZ", "CET-1")
    assert json.loads(shown(GOOD_RUN[:1], output="json"))["time"] == "2020-11-24T20:04:15.679Z"


def test_a_printed_line_comes_back_as_it_was_and_stays_one_line():
    line = "\x1b[31m100%\r\u2028::error::\udcff"
    text = shown([printed(line)], output="json")
    assert len(text.splitlines()) == 1
    assert json.loads(text)["line"] == line


def test_seconds_end_at_milliseconds():
    event = run.StageProgress(step=1, stage="s", message="m", seconds=13.135845861000234)
    assert json.loads(shown([event], output="json"))["seconds"] == 13.136
