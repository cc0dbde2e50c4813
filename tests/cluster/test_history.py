"""The record of runs on a real cluster: also of one that was interrupted; and the report of a run, whole on the disk when the run is over."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster
from hand_made import PIPELINE, RUNS_ON, a_batch, a_service, apply, applying, stream

pytestmark = pytest.mark.cluster


def history(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    where = ("--namespace", namespace, "--kubeconfig", str(cluster.kubeconfig), "-o", "json")
    done = cluster.run(sys.executable, "-m", "bodywork_compiler", "history", *where, cwd=Path("/"))
    assert done.returncode == 0, done.stderr
    runs: list[dict[str, Any]] = json.loads(done.stdout)["runs"]
    return runs


def test_a_good_run_and_an_interrupted_one_are_written_down_and_go_with_the_pipeline(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    manifests = stream(a_batch("train", 1), *a_service("serve", 2))
    done = cluster.bodywork("apply", "-", "--namespace", namespace, "--report", report, cwd=tmp_path, stdin=manifests)
    assert done.returncode == 0, done.stderr
    with applying(cluster, namespace, a_batch("train", 1, RUNS_ON)) as running:
        running.until("log_line", line="began")
        running.interrupt(signal.SIGINT)
        assert running.end().exit_code == 130

    interrupted, good = history(cluster, namespace)
    assert (interrupted["result"], interrupted["exit_code"]) == ("interrupted", 130)
    assert [(each["stage"], each["result"]) for each in interrupted["stages"]] == [("train", "stopped")]
    assert (good["result"], good["exit_code"]) == ("succeeded", 0)
    assert [(each["stage"], each["result"], each["seconds"] > 0) for each in good["stages"]] == [
        ("train", "succeeded", True),
        ("serve", "available", True),
    ]
    assert good["started"] <= interrupted["started"]
    assert good["id"] != interrupted["id"]

    written = json.loads(report.read_text())
    assert (written["result"], written["namespace"], written["pipeline"]) == ("succeeded", namespace, PIPELINE)
    assert [(each["stage"], each["result"]) for each in written["stages"]] == [("train", "succeeded"), ("serve", "available")]
    assert ("Service", "serve", "created") in {(each["kind"], each["name"], each["action"]) for each in written["objects"]}

    deleted = cluster.run(
        *(sys.executable, "-m", "bodywork_compiler", "delete", "--namespace", namespace, "--kubeconfig", str(cluster.kubeconfig)),
        cwd=tmp_path,
    )
    assert deleted.returncode == 0, deleted.stderr
    left = cluster.get("configmaps,leases", "-n", namespace)["items"]
    assert {each["metadata"]["name"] for each in left} == {"kube-root-ca.crt"}


def test_a_run_that_was_killed_is_shown_as_cut_off_at_once_and_after_the_next(cluster: Cluster, namespace: str) -> None:
    """Nobody has written down how it ended, while its Job runs on."""
    with applying(cluster, namespace, a_batch("train", 1, RUNS_ON)) as running:
        running.until("log_line", line="began")
        running.interrupt(signal.SIGKILL)
        running.process.wait()

    (killed,) = history(cluster, namespace)
    assert (killed["result"], killed["exit_code"], killed["stages"]) == ("cut off", None, [])
    where = ("--namespace", namespace, "--kubeconfig", str(cluster.kubeconfig), "-o", "json")
    status = cluster.run(sys.executable, "-m", "bodywork_compiler", "status", *where, cwd=Path("/"))
    assert [(each["stage"], each["state"]) for each in json.loads(status.stdout)["stages"]] == [("train", "running")], status.stderr

    assert apply(cluster, namespace, a_batch("train", 1)).exit_code == 0
    assert [each["result"] for each in history(cluster, namespace)] == ["succeeded", "cut off"]
