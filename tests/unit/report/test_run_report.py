"""`apply --report FILE`: one document, whole, however the run ended, as schemas/report.schema.json says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from made_runs import BAD_RUN, GOOD_RUN, STARTED, Clock, ended

from bodywork_compiler import resources
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.report.json_report import also, reporting
from bodywork_compiler.runner import events as run

FOLDER = resources.folder("schemas")


def schema(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def judge() -> jsonschema.Draft202012Validator:
    known = referencing.Registry().with_resource("events.schema.json", referencing.Resource.from_contents(schema("events.schema.json")))
    return jsonschema.Draft202012Validator(schema("report.schema.json"), registry=known)


def reported(file: Path, *events: run.Event, ends_by: BaseException | None = None) -> Any:
    with reporting(file, Clock()) as record:
        for event in events:
            record(event)
        if ends_by:
            raise ends_by
    return read(file)


def read(file: Path) -> Any:
    document = json.loads(file.read_text(encoding="utf-8"))
    judge().validate(document)
    return document


def test_the_schema_is_one_and_describes_every_field(tmp_path: Path) -> None:
    described = schema("report.schema.json")
    jsonschema.Draft202012Validator.check_schema(described)
    assert list(described["properties"]) == described["required"]
    assert set(described["required"]) == set(reported(tmp_path / "report.json", *GOOD_RUN))


def test_a_good_run(tmp_path: Path) -> None:
    found = reported(tmp_path / "report.json", *GOOD_RUN)
    assert (found["result"], found["exit_code"], found["seconds"], found["pipeline"]) == ("succeeded", 0, 72.0, "iris")
    assert (found["git_branch"], found["context"]) == ("main", "kind-dev")
    assert [(each["stage"], each["result"], each["seconds"]) for each in found["stages"]] == [
        ("train-model", "succeeded", 41.3),
        ("scoring-service", "available", 24.0),
    ]
    assert (found["objects"][0]["kind"], found["objects"][0]["action"]) == ("Job", "created")


def test_a_bad_run_has_its_evidence_and_what_was_rolled_back(tmp_path: Path) -> None:
    found = reported(tmp_path / "report.json", *BAD_RUN)
    assert (found["result"], found["exit_code"]) == ("failed", 4)
    assert found["evidence"][0]["tails"][0]["lines"][-1] == "FileNotFoundError: model.joblib"
    assert found["rollbacks"][0]["revision"] == 6
    assert "R² = 0.97" not in json.dumps(found, ensure_ascii=False), "logs are of any size"


def test_the_failure_stage_is_among_the_stages(tmp_path: Path) -> None:
    told = run.StageEnded(step=3, stage="tell", kind="Job", name="tell", result="succeeded", seconds=1.0)
    found = reported(tmp_path / "report.json", STARTED, told, ended("failed", exit_code=4))
    assert [each["stage"] for each in found["stages"]] == ["train-model", "scoring-service", "tell"]


@pytest.mark.parametrize(
    ("why", "result", "exit_code", "reason"),
    [
        (BodyworkError("the config has a fault"), "refused", 1, "the config has a fault"),
        (KeyboardInterrupt(), "interrupted", 130, None),
        (RuntimeError("oh"), "failed", 3, "a bug in Bodywork: RuntimeError"),
    ],
)
def test_what_ended_before_the_run_could_say_so(
    tmp_path: Path, why: BaseException, result: str, exit_code: int, reason: str | None
) -> None:
    file = tmp_path / "report.json"
    with pytest.raises(type(why)):
        reported(file, ends_by=why)
    found = read(file)
    assert (found["result"], found["exit_code"], found["reason"], found["pipeline"]) == (result, exit_code, reason, None)


def test_how_the_run_itself_ended_wins(tmp_path: Path) -> None:
    refused = BodyworkError("kubectl says no")
    with pytest.raises(BodyworkError):
        reported(tmp_path / "report.json", STARTED, ended("refused", exit_code=1, reason="masked"), ends_by=refused)
    assert read(tmp_path / "report.json")["reason"] == "masked"


def test_it_takes_the_place_of_the_former_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("of yesterday")
    reported(tmp_path / "report.json", *GOOD_RUN)
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_that_it_could_not_be_written_does_not_change_how_the_run_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(tmp_path / "gone" / "report.json", Clock()) as record:
        record(STARTED)
    assert "could not be written: No such file or directory" in capsys.readouterr().err


def test_both_are_told() -> None:
    one: list[run.Event] = []
    other: list[run.Event] = []
    also(one.append, other.append)(STARTED)
    also(one.append, None)(STARTED)
    assert (one, other) == ([STARTED, STARTED], [STARTED])
