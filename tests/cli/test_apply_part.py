"""`--from-step`, `--only` and `--resume`, as far as they go without a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bodywork_compiler.cli import main

Done = subprocess.CompletedProcess[str]
STAGES = (("train-model", "1"), ("score-model", "2"))


def apply(*argv: str, cwd: Path, stdin: str = "") -> Done:
    words = [sys.executable, "-m", "bodywork_compiler", "apply", *argv]
    return subprocess.run(words, input=stdin, text=True, capture_output=True, check=False, cwd=cwd)


def a_stream() -> str:
    jobs = []
    for stage, step in STAGES:
        labels = {"bodywork/pipeline": "iris", "bodywork/stage": stage, "bodywork/step": step}
        jobs.append({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": stage, "labels": labels}, "spec": {}})
    return "".join(f"---\n{json.dumps(job)}\n" for job in jobs)


@pytest.mark.parametrize("options", [("--resume", "--only", "x"), ("--from-step", "2", "--only", "x"), ("--resume", "--from-step", "1")])
def test_one_option_says_which_stages_are_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = apply(*options, cwd=tmp_path)
    assert done.returncode == 2
    assert "one of them says which stages are run" in done.stderr


def test_a_stage_that_there_is_not_is_refused_with_the_nearest(tmp_path: Path) -> None:
    done = apply("-", "--only", "trian-model", "--only", "score-model", cwd=tmp_path, stdin=a_stream())
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "bodywork: iris has no stage trian-model (did you mean train-model?)",
        "  Its stages: train-model, score-model.",
    ]


def test_a_dry_run_shows_the_part(tmp_path: Path) -> None:
    where = ("--namespace", "lab", "--context", "kind-dev")
    done = apply("-", "--only", "Score_Model", "--dry-run=client", *where, cwd=tmp_path, stdin=a_stream())
    assert done.returncode == 0, done.stderr
    assert "score-model" in done.stdout
    assert "train-model" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--timeout", "0"), "must be longer than 0"),
        (("--timeout", "soon"), "must be a length of time such as 90s, 5m or 1h30m, got `soon`"),
        (("--wait-lock", "5 minutes"), "must be a length of time"),
    ],
)
def test_a_length_of_time_that_means_nothing_is_wrong_usage(words: tuple[str, str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", *words]) == 2
    assert said in " ".join(capfd.readouterr().err.split())
