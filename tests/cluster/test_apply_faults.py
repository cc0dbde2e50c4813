"""The API server goes away in each phase of a run, and comes back: the run goes on, and its verdict is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster
from forwarders import a_way_that_can_be_cut
from hand_made import Manifest, a_batch, a_failure_stage, a_service, apply, applying

pytestmark = pytest.mark.cluster

# the phase, and what is told when it begins
PHASES: list[tuple[str, str, dict[str, Any]]] = [
    ("look", "run_started", {}),
    ("prepare", "object_changed", {"name": "former", "action": "deleted"}),
    ("set-up", "object_changed", {"name": "settings"}),
    ("waiting for a Job", "log_line", {"stage": "train", "line": "began"}),
    ("the next step's apply", "step_started", {"step": 2}),
    ("waiting for a Deployment", "object_changed", {"kind": "Deployment", "name": "serve"}),
    ("rollback", "evidence", {}),
    ("the failure stage", "step_started", {"step": 3}),
    ("waiting for the failure stage", "log_line", {"stage": "tell", "line": "because"}),
    ("the end", "stage_ended", {"stage": "tell"}),
]
WAITS = "import time; print('began', flush=True); time.sleep(3); print('went on')"
TELLS = "import os, time; print('because', flush=True); time.sleep(3); print(os.environ['EXCEPTION_MESSAGE'])"


def settings(value: str) -> Manifest:
    labels = {"bodywork/pipeline": "tiny", "bodywork/step": "0"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "labels": labels}, "data": {"value": value}}


@pytest.mark.parametrize("seconds", [0.0, pytest.param(20.0, marks=pytest.mark.slow)])
def test_an_api_server_that_is_away_in_each_phase_changes_no_verdict(
    cluster: Cluster, namespace: str, tmp_path: Path, seconds: float
) -> None:
    before = apply(cluster, namespace, settings("old"), a_batch("former", 1), *a_service("serve", 2))
    assert before.exit_code == 0, before.err
    stood = cluster.get("-n", namespace, "deployment", "serve")

    bad = a_service("serve", 2, image="Impossible Name")
    pipeline = [settings("new"), a_batch("train", 1, WAITS), *bad, a_failure_stage("tell", TELLS)]
    with a_way_that_can_be_cut(cluster, tmp_path) as (by_another_way, way), applying(by_another_way, namespace, *pipeline) as running:
        for _phase, event, fields in PHASES:
            running.until(event, **fields)
            way.turn_away()
            way.take_in_again(after=6, seconds=seconds)
        run = running.end()

    assert run.exit_code == 4, run.err
    assert {each["stage"]: each["result"] for each in run.one("run_ended")["stages"]} == {"train": "succeeded", "serve": "failed"}
    assert "Impossible Name" in run.one("evidence")["reason"]
    assert run.log("train") == ["began", "went on"], "each line once"
    assert (run.one("rolled_back")["revision"], run.one("rolled_back")["complete"]) == (1, True)
    stands = cluster.get("-n", namespace, "deployment", "serve")
    assert stands["spec"] == stood["spec"]
    assert run.stage("tell")["result"] == "succeeded"
    assert run.log("tell")[0] == "because"
    assert "Impossible Name" in run.log("tell")[1], "every line, though its pod has ended while the server was away"
    notices = [each["message"] for each in run.of("notice")]
    assert any("trying again" in each for each in notices)
    left_out = ("not in the history", "not removed", "not stopped", "NOT put back")
    assert not [each for each in notices if any(words in each for words in left_out)], "all of the end was done"
