"""One run at a time, on a real cluster: the Lease, those who wait for it, and those who take it."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, Done
from hand_made import PIPELINE, RUNS_ON, RunningApply, a_batch, a_failure_stage, a_service, apply, applying

pytestmark = pytest.mark.cluster

LEASE = f"bodywork-{PIPELINE}"


def lease_in(cluster: Cluster, namespace: str) -> Any:
    return cluster.get("-n", namespace, "lease", LEASE)


def delete(cluster: Cluster, namespace: str, *options: str) -> Done:
    argv = ("delete", "--pipeline", PIPELINE, "--namespace", namespace, "--kubeconfig", str(cluster.kubeconfig), *options)
    return cluster.run(sys.executable, "-m", "bodywork_compiler", *argv, cwd=Path("/"))


def the_first_to_end(*runs: RunningApply) -> RunningApply:
    while True:
        for each in runs:
            if each.process.poll() is not None:
                return each
        signal.sigtimedwait([], 0.1)


def test_a_second_run_is_refused_and_one_that_waits_comes_after(cluster: Cluster, namespace: str) -> None:
    with applying(cluster, namespace, a_batch("train", 1, RUNS_ON)) as first:
        first.until("log_line", stage="train", line="began")
        uid = cluster.get("-n", namespace, "job", "train")["metadata"]["uid"]
        held = lease_in(cluster, namespace)
        second = apply(cluster, namespace, a_batch("train", 1, "print('second')"))
        deletion = delete(cluster, namespace)
        with applying(cluster, namespace, a_batch("train", 1, "print('third')"), options=("--wait-lock", "2m")) as waiting:
            waiting.until("notice", where="run.lock")
            assert cluster.get("-n", namespace, "job", "train")["metadata"]["uid"] == uid, "nobody has touched it"
            first.interrupt(signal.SIGINT)
            assert first.end().exit_code == 130
            third = waiting.end()

    by, since = held["metadata"]["annotations"]["bodywork/by"], held["spec"]["acquireTime"][:19].replace("T", " ")
    assert second.exit_code == 1
    assert f"is held by another run: {by}, since {since} UTC" in second.err
    assert "--wait-lock" in second.err
    assert (deletion.returncode, f"is held by a run: {by}" in deletion.stderr) == (1, True)
    assert (third.exit_code, third.log("train")) == (0, ["third"]), third.err
    assert len([each for each in third.of("notice") if each["where"] == "run.lock"]) == 1, "said once"

    stays = lease_in(cluster, namespace)
    assert "holderIdentity" not in stays["spec"]
    assert stays["metadata"]["annotations"]["bodywork/ended"] == "succeeded"
    assert delete(cluster, namespace).returncode == 0
    assert cluster.get("-n", namespace, "lease")["items"] == []


def test_a_run_whose_lock_is_broken_touches_nothing_more(cluster: Cluster, namespace: str) -> None:
    """It does not roll back, delete, or run its failure stage: all that is the other run's business now."""
    former = [a_batch("train", 1, RUNS_ON), *a_service("serve", 1), a_failure_stage("tell", "print('never')")]
    with applying(cluster, namespace, *former) as first:
        first.until("stage_ended", stage="serve")
        second = apply(cluster, namespace, a_batch("train", 1, "print('mine')"), options=("--break-lock", "--no-prune"))
        broken = first.end()

    assert second.exit_code == 0, second.err
    assert broken.exit_code == 4, broken.err
    assert "was taken by another run" in broken.one("run_ended")["reason"]
    assert broken.of("rolled_back") == []
    assert broken.log("tell") == []
    assert cluster.get("-n", namespace, "deployment", "serve")["status"]["availableReplicas"] == 1
    assert [each["metadata"]["name"] for each in cluster.get("-n", namespace, "jobs")["items"]] == ["train"]
    assert second.log("train") == ["mine"]
    assert lease_in(cluster, namespace)["metadata"]["annotations"]["bodywork/ended"] == "succeeded"


def test_of_two_takers_of_a_lock_that_ran_out_on_another_host_one_wins(cluster: Cluster, namespace: str) -> None:
    train = a_batch("train", 1, RUNS_ON)
    with applying(cluster, namespace, train) as killed:
        killed.until("log_line", stage="train", line="began")
        killed.interrupt(signal.SIGKILL)
        killed.process.wait()
    elsewhere = {"bodywork/process": "another-boot pid:[1] 1 1", "bodywork/by": "ada@laptop"}
    ran_out = {"renewTime": "2020-01-01T00:00:00.000000Z", "leaseDurationSeconds": 3}
    patch = json.dumps({"metadata": {"annotations": elsewhere}, "spec": ran_out})
    cluster.kubectl("-n", namespace, "patch", "lease", LEASE, "--type=merge", "-p", patch)
    with applying(cluster, namespace, train) as one, applying(cluster, namespace, train) as other:
        loser = the_first_to_end(one, other)
        lost = loser.end()
        winner = other if loser is one else one
        winner.interrupt(signal.SIGINT)
        won = winner.end()

    assert (won.exit_code, lost.exit_code) == (130, 1), [won.err, lost.err]
    assert any("not heard of since 2020-01-01 00:00:00 UTC: taken over in 3 s" in each["message"] for each in won.of("notice"))
    assert "is held by another run" in lost.err
    assert lost.of("object_changed") == []
