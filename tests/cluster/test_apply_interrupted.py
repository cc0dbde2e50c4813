"""Signals and accidents in the middle of a run, on a real cluster."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from clusters import Cluster
from forwarders import a_way_that_can_be_cut
from hand_made import RUNS_ON, a_batch, a_failure_stage, a_service, applying, from_secret, is_alive

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_step_and_leaves_nothing_running(cluster: Cluster, namespace: str, number: signal.Signals) -> None:
    stages = [a_batch("train", 1, RUNS_ON), a_failure_stage("tell", "import os; print(os.environ['EXCEPTION_MESSAGE'])")]
    with applying(cluster, namespace, *stages) as running:
        running.until("log_line", stage="train", line="began")
        children = running.children()
        running.interrupt(number)
        run = running.end()

    assert run.exit_code == run.one("run_ended")["exit_code"] == 128 + number
    assert run.one("run_ended")["result"] == "interrupted"
    assert run.stage("train")["result"] == "stopped"
    assert run.position("log_line", stage="train", line="began") < run.position("stage_ended", stage="train")
    assert run.log("tell") == ["interrupted in step 1: train"]
    assert run.err.startswith("bodywork: interrupted: the step is stopped and taken back; once more leaves at once\n")
    assert f"left in namespace {namespace}: job tell (succeeded)" in run.of("notice")[-1]["message"]
    assert [each["metadata"]["name"] for each in cluster.get("-n", namespace, "jobs")["items"]] == ["tell"]
    assert children
    assert not [pid for pid in children if is_alive(pid)]


def test_a_signal_takes_the_steps_services_back_the_good_ones_too(cluster: Cluster, namespace: str) -> None:
    with applying(cluster, namespace, *a_service("serve", 1)) as first:
        assert first.end().exit_code == 0
    pods = {each["metadata"]["uid"] for each in cluster.get("-n", namespace, "pods")["items"]}
    changed = a_service("serve", 1, env=[{"name": "MODEL", "value": "two"}])
    with applying(cluster, namespace, *changed, a_batch("train", 1, RUNS_ON)) as running:
        running.until("stage_ended", stage="serve")
        running.interrupt(signal.SIGINT)
        run = running.end()

    assert run.exit_code == 130
    assert (run.one("rolled_back")["revision"], run.one("rolled_back")["complete"]) == (1, True)
    container = cluster.get("-n", namespace, "deployment", "serve")["spec"]["template"]["spec"]["containers"][0]
    assert "env" not in container
    assert pods, "there were pods before"


def test_a_run_beyond_its_own_limit_takes_all_of_it_back(cluster: Cluster, namespace: str) -> None:
    """It begins when a controller has made the secret that a stage names; the failure stage is told what it waited for."""
    tells = a_failure_stage("tell", "import os; print(os.environ['EXCEPTION_MESSAGE'])")
    train = a_batch("train", 2, RUNS_ON, env=[from_secret("KEY", "made-later", "KEY")])
    options = ["--wait-secrets", "60s", "--timeout", "20s", "--rollback", "all"]
    with applying(cluster, namespace, *a_service("serve", 1), train, tells, options=options) as running:
        waits = running.until("notice", level="WARNING")
        assert cluster.get("-n", namespace, "deployments")["items"] == []
        cluster.make_secret(namespace, "made-later", KEY="value")
        run = running.end()

    assert waits["message"].startswith(f"waiting for secrets, 60 s more at most: missing in namespace {namespace}: secret made-later")
    assert run.exit_code == 70, run.err
    assert {each["stage"]: each["result"] for each in run.one("run_ended")["stages"]} == {"serve": "available", "train": "timed out"}
    assert (run.one("rolled_back")["name"], run.one("rolled_back")["revision"]) == ("serve", None)
    assert "train (step 2): the run took longer than 20 s (--timeout); it waited for train: " in run.log("tell")[0]
    assert cluster.get("-n", namespace, "deployments,services")["items"] == []
    assert [each["metadata"]["name"] for each in cluster.get("-n", namespace, "jobs")["items"]] == ["tell"], "nothing runs on"


def test_a_proxy_that_dies_is_started_again(cluster: Cluster, namespace: str) -> None:
    waits = "import time; print('began', flush=True); time.sleep(4); print('went on')"
    with applying(cluster, namespace, a_batch("train", 1, waits), a_batch("check", 2)) as running:
        running.until("log_line", stage="train", line="began")
        (proxy,) = running.children()
        os.kill(proxy, signal.SIGKILL)
        run = running.end()

    assert run.exit_code == 0, run.err
    assert [each["message"] for each in run.of("notice") if "proxy" in each["message"]] == ["kubectl proxy has ended; starting it again"]
    assert run.log("train") == ["began", "went on"], "each line once"


def test_the_proxy_does_not_outlive_a_run_that_was_killed(cluster: Cluster, namespace: str) -> None:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("only Linux can promise it")
    with applying(cluster, namespace, a_batch("train", 1, RUNS_ON)) as running:
        running.until("log_line", stage="train", line="began")
        (proxy,) = running.children()
        running.interrupt(signal.SIGKILL)
        running.process.wait()
        for _ in range(500):
            if not is_alive(proxy):
                break
            signal.sigtimedwait([], 0.01)

    assert not is_alive(proxy)


def test_after_a_run_that_was_killed_the_next_one_needs_no_clean_up(cluster: Cluster, namespace: str) -> None:
    with applying(cluster, namespace, a_batch("train", 1, RUNS_ON)) as running:
        running.until("log_line", stage="train", line="began")
        running.interrupt(signal.SIGKILL)
        running.process.wait()
    with applying(cluster, namespace, a_batch("train", 1, "print('anew')")) as again:
        run = again.end()

    assert run.exit_code == 0, run.err
    assert run.log("train") == ["anew"]


def test_a_lost_api_server_is_waited_for(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """The stage ends while nobody can see it; the next one begins when it can be seen again."""
    waits = "import time; print('began', flush=True); time.sleep(3); print('went on')"
    with (
        a_way_that_can_be_cut(cluster, tmp_path) as (by_another_way, way),
        applying(by_another_way, namespace, a_batch("train", 1, waits), *a_service("serve", 2)) as running,
    ):
        running.until("log_line", stage="train", line="began")
        way.cut()
        lost = running.until("notice", level="WARNING")
        cluster.kubectl("-n", namespace, "wait", "--for=condition=complete", "--timeout=120s", "job/train")
        way.mend()
        run = running.end()

    assert "cannot be asked, trying again" in lost["message"]
    assert run.exit_code == 0, run.err
    assert "the API server answers again" in [each["message"] for each in run.of("notice")]
    assert run.log("train") == ["began", "went on"], "each line once"
    assert run.stage("serve")["result"] == "available"


def test_an_evicted_pod_is_no_failed_attempt(cluster: Cluster, namespace: str) -> None:
    waits = "import time; print('began', flush=True); time.sleep(12)"  # it must still run when it is evicted
    train = a_batch("train", 1, waits)
    evicted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    train["spec"]["podFailurePolicy"] = {"rules": [evicted]}
    with applying(cluster, namespace, train) as running:
        pod = running.until("log_line", stage="train", line="began")["pod"]
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
        cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
        run = running.end()

    assert run.exit_code == 0, run.err
    assert run.stage("train")["attempts"] == 1
    assert len({each["pod"] for each in run.of("log_line")}) == 2


def test_a_quota_that_others_fill_is_waited_for(cluster: Cluster, namespace: str) -> None:
    others = a_batch("others", 1, RUNS_ON)
    del others["metadata"]["labels"], others["spec"]["template"]["metadata"]
    cluster.kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(others))
    cluster.kubectl("-n", namespace, "wait", "job/others", "--for=jsonpath={.status.active}=1", "--timeout=30s")
    cluster.kubectl("-n", namespace, "create", "quota", "full", "--hard=pods=1")
    cluster.kubectl("-n", namespace, "wait", "quota/full", "--for=jsonpath={.status.used.pods}=1", "--timeout=30s")
    with applying(cluster, namespace, a_batch("train", 1)) as running:
        told = running.until("stage_progress", stage="train")
        while "quota" not in told["message"]:
            told = running.until("stage_progress", stage="train")
        cluster.kubectl("-n", namespace, "delete", "job", "others")
        run = running.end()

    assert run.exit_code == 0, run.err
