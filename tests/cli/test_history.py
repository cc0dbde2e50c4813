"""`bodywork history` on a cluster of paper, and `apply --report` as far as it goes without a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import a_project
from deployed_objects import COMMIT, DECOYS, IRIS, a_config_map
from paper_kubectl import PaperKubectl, paper_kubectl

from bodywork_compiler.runner.run_records import RunRecord, StageRecord, to_text

Done = subprocess.CompletedProcess[str]
GOOD = RunRecord(
    id="89bcb2b0",
    by="ada@laptop",
    started="2026-11-21T10:00:00Z",
    result="succeeded",
    exit_code=0,
    seconds=72.0,
    git_branch="feature/x",
    git_commit=COMMIT,
    stages=(StageRecord(step=1, stage="train", result="succeeded", seconds=41.2), StageRecord(step=2, stage="serve", result="available")),
)
BAD = RunRecord(
    id="68a42784",
    by="ci@runner-7",
    started="2026-11-20T09:00:00Z",
    result="failed",
    exit_code=4,
    seconds=38.0,
    reason="train (step 1): the container exited\nwith code 1",
    stages=(StageRecord(step=1, stage="train", result="failed", seconds=38.0, reason="…"),),
    stages_left_out=1,
)


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PaperKubectl:
    (tmp_path / "empty").mkdir()
    paper = paper_kubectl(tmp_path / "bin", monkeypatch)
    paper.has(*IRIS, *DECOYS, runs_of("iris", GOOD, BAD), runs_of("other", BAD))
    return paper


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return tmp_path / "empty"


def runs_of(pipeline: str, *runs: RunRecord) -> dict[str, Any]:
    return {**a_config_map(f"bodywork-{pipeline}-runs", pipeline=pipeline), "data": {"runs.json": to_text(runs)}}


def bodywork(*argv: str | Path, cwd: Path, stdin: str = "") -> Done:
    words = [sys.executable, "-m", "bodywork_compiler", *map(str, argv)]
    return subprocess.run(words, text=True, capture_output=True, check=False, cwd=cwd, input=stdin)


def test_a_row_a_run_and_below_it_why_it_went_wrong(kubectl: PaperKubectl, empty: Path) -> None:
    done = bodywork("history", "--pipeline", "iris", cwd=empty)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "iris → context kind-dev, namespace lab",
        "started (UTC)        commit   result     took        by",
        "2026-11-21 10:00:00  3f2a9c1  succeeded  1 min 12 s  ada@laptop",
        "2026-11-20 09:00:00           failed     38 s        ci@runner-7",
        "    train (step 1): the container exited with code 1",
    ]
    assert set(kubectl.verbs()) <= {"proxy", "config"}


def test_wide_has_every_stage_too(kubectl: PaperKubectl, empty: Path) -> None:
    lines = bodywork("history", "--pipeline", "iris", "-o", "wide", cwd=empty).stdout.splitlines()
    assert lines[2] == "2026-11-21 10:00:00  3f2a9c1  succeeded  1 min 12 s  89bcb2b0  feature/x  ada@laptop"
    assert lines[3:5] == ["    step 1  train  succeeded  41 s", "    step 2  serve  available"]
    assert lines[-1] == "    and 1 more, for which the record has no room"


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_for_programs_it_has_all(kubectl: PaperKubectl, empty: Path, form: str, read: Any) -> None:
    a_project(empty, namespace="lab")
    told = read(bodywork("history", "-o", form, cwd=empty).stdout)
    assert (told["pipeline"], told["namespace"], told["context"]) == ("iris", "lab", "kind-dev")
    assert [each["id"] for each in told["runs"]] == ["89bcb2b0", "68a42784"]
    assert told["runs"][0]["git_commit"] == COMMIT
    assert told["runs"][0]["stages"][0] == {"step": 1, "stage": "train", "result": "succeeded", "seconds": 41.2, "reason": None}
    assert told["runs"][1]["stages_left_out"] == 1


def test_a_pipeline_that_has_not_run_yet(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS)
    done = bodywork("history", cwd=empty)
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["no run of it has been written down yet"])
    assert json.loads(bodywork("history", "-o", "json", cwd=empty).stdout)["runs"] == []


def test_a_pipeline_that_is_not_there(kubectl: PaperKubectl, empty: Path) -> None:
    done = bodywork("history", "--pipeline", "nobody", cwd=empty)
    assert done.returncode == 1
    assert "there is no pipeline nobody in namespace lab" in done.stderr


def test_neither_status_nor_delete_takes_the_history_for_a_stage(kubectl: PaperKubectl, empty: Path) -> None:
    told = json.loads(bodywork("status", "--pipeline", "iris", "-o", "json", cwd=empty).stdout)
    assert [each["stage"] for each in told["stages"]] == ["train", "serve"]
    assert told["git_commit"] == COMMIT
    done = bodywork("delete", "--pipeline", "iris", cwd=empty)
    assert "deleted configmap/bodywork-iris-runs" in done.stdout
    assert "ConfigMap/bodywork-other-runs" in kubectl.left()


# apply --report


@pytest.mark.parametrize(
    ("file", "why"),
    [("missing/report.json", "there is no folder"), (".", "is no file"), ("/proc/report.json", "cannot be written to")],
)
def test_a_report_that_could_not_be_written_is_refused_before_anything_is_done(
    kubectl: PaperKubectl, empty: Path, file: str, why: str
) -> None:
    done = bodywork("apply", "-", "--report", file, cwd=empty)
    assert done.returncode == 2
    assert why in " ".join(done.stderr.split())
    assert kubectl.verbs() == []


def test_a_report_is_written_of_what_was_refused_too(kubectl: PaperKubectl, empty: Path) -> None:
    done = bodywork("apply", "-", "--report", "report.json", cwd=empty, stdin="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert done.returncode == 1
    report = json.loads((empty / "report.json").read_text())
    assert (report["result"], report["exit_code"]) == ("refused", 1)
    assert report["reason"] == "standard input: no object names a pipeline"
    assert [each.name for each in empty.iterdir()] == ["report.json"]


def test_a_dry_run_has_no_report(kubectl: PaperKubectl, empty: Path) -> None:
    done = bodywork("apply", "-", "--dry-run=client", "--report", "report.json", cwd=empty)
    assert done.returncode == 2
    assert "a dry run is no run" in done.stderr
