"""A run that was killed in its second step, and what goes on from there; parts of a plan. On a real cluster."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster
from hand_made import PIPELINE, a_batch, a_service, apply, applying, is_alive

from bodywork_compiler.runner.before import LAST_APPLIED, REVISION

pytestmark = pytest.mark.cluster

GOES_ON = "import time; print('began', flush=True); time.sleep(15); print('went on')"


def uids(cluster: Cluster, namespace: str) -> dict[str, str]:
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in cluster.get("-n", namespace, "jobs")["items"]}


def generation(cluster: Cluster, namespace: str) -> Any:
    return cluster.get("-n", namespace, "deployment", "serve")["metadata"]["generation"]


def family(pid: int) -> list[int]:
    """A process's children, and theirs."""
    found = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return [*found, *(each for child in found for each in family(child))]


def gone(pids: list[int]) -> bool:
    for _ in range(500):
        if not any(map(is_alive, pids)):
            return True
        signal.sigtimedwait([], 0.01)
    return False


def test_a_killed_run_goes_on_where_it_was(cluster: Cluster, namespace: str) -> None:
    plan = [a_batch("train", 1), a_batch("score", 2, GOES_ON), *a_service("serve", 2), a_batch("check", 3, "print('checked')")]
    with applying(cluster, namespace, *plan) as killed:
        killed.until("stage_ended", stage="serve")
        children = family(killed.process.pid)
        killed.interrupt(signal.SIGKILL)
        killed.process.wait()
        assert children
        assert gone(children), "no kubectl of it lives"
    stood, served = uids(cluster, namespace), generation(cluster, namespace)
    assert cluster.get("-n", namespace, "configmap", f"bodywork-{PIPELINE}-before")["binaryData"].keys() == {"step-2"}

    changed = apply(cluster, namespace, *plan[:-1], a_batch("check", 3, "print('other')"), options=("--resume",))
    resumed = apply(cluster, namespace, *plan, options=("--resume",))
    again = apply(cluster, namespace, *plan, options=("--resume",))

    assert changed.exit_code == 1
    assert "check: changed since" in changed.err
    assert resumed.exit_code == 0, resumed.err
    assert {each["stage"]: each["result"] for each in resumed.one("run_ended")["stages"]} == {
        "train": "skipped",
        "score": "succeeded",
        "serve": "available",
        "check": "succeeded",
    }
    assert resumed.log("score") == ["began", "went on"], "its log is followed from its beginning"
    stands = uids(cluster, namespace)
    assert {name: stands[name] for name in stood} == stood, "nothing was run twice"
    assert generation(cluster, namespace) == served, "the service that this run had brought is not restarted"
    maps = [each["metadata"]["name"] for each in cluster.get("-n", namespace, "configmap")["items"]]
    assert f"bodywork-{PIPELINE}-before" not in maps
    assert again.exit_code == 1
    assert "nothing to resume" in again.err

    part = apply(cluster, namespace, *plan, options=("--only", "Check"))
    assert part.exit_code == 0, part.err
    assert {each["stage"] for each in part.one("run_ended")["stages"] if each["result"] == "skipped"} == {"train", "score", "serve"}
    now = uids(cluster, namespace)
    assert now["check"] != stands["check"]
    assert {name: now[name] for name in stood} == stood, "jobs of stages that are not run stay"
    assert generation(cluster, namespace) == served


def test_a_service_that_was_under_way_goes_back_to_what_stood_before_the_killed_run(cluster: Cluster, namespace: str) -> None:
    assert apply(cluster, namespace, *a_service("serve", 1)).exit_code == 0
    bad = a_service("serve", 1, code="import time; time.sleep(600)")
    bad[0]["spec"]["progressDeadlineSeconds"] = 6
    with applying(cluster, namespace, *bad) as killed:
        killed.until("object_changed", kind="Deployment")
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.wait()
    resumed = apply(cluster, namespace, *bad, options=("--resume",))

    assert resumed.exit_code in {4, 70}, resumed.err
    assert (resumed.one("rolled_back")["revision"], resumed.one("rolled_back")["complete"]) == (1, True)
    container = cluster.get("-n", namespace, "deployment", "serve")["spec"]["template"]["spec"]["containers"][0]
    assert "http.server" in container["command"][-1]


@pytest.mark.parametrize("names_revision", [True, False])
def test_a_forged_record_gives_nobody_rights_or_code(cluster: Cluster, namespace: str, names_revision: bool) -> None:  # noqa: FBT001
    """Who may write ConfigMaps writes what "stood before" while the run is cut off: a Role that may do all, a pod with other code and another secret."""
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "extra"}, "rules": []}
    assert apply(cluster, namespace, role, *a_service("serve", 1)).exit_code == 0
    bad = a_service("serve", 1, code="import time; time.sleep(600)")
    bad[0]["spec"]["progressDeadlineSeconds"] = 6
    with applying(cluster, namespace, role, *bad) as killed:
        killed.until("object_changed", kind="Deployment")
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.wait()

    record = f"bodywork-{PIPELINE}-before"
    packed = cluster.get("configmap", record, "-n", namespace)["binaryData"]["step-1"]
    stood = json.loads(gzip.decompress(base64.b64decode(packed)))
    for each in stood:
        if each["kind"] == "Deployment":
            annotations = each["object"]["metadata"]["annotations"]
            del annotations[LAST_APPLIED]
            if not names_revision:
                del annotations[REVISION]
            pod = each["object"]["spec"]["template"]["spec"]
            secret = {"secretKeyRef": {"name": "other-secret", "key": "KEY"}}
            pod["containers"][0] |= {"command": ["python", "-c", "foreign"], "env": [{"name": "KEY", "valueFrom": secret}]}
    rights = {**role, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    forged = {
        "step-0": [{"kind": "Role", "name": "extra", "stage": None, "version": role["apiVersion"], "namespace": None, "object": rights}],
        "step-1": stood,
    }
    data = {step: base64.b64encode(gzip.compress(json.dumps(each).encode())).decode() for step, each in forged.items()}
    cluster.kubectl("patch", "configmap", record, "-n", namespace, "--type=merge", "--patch", json.dumps({"binaryData": data}))

    resumed = apply(cluster, namespace, role, *bad, options=("--resume",))
    assert resumed.exit_code in {4, 70}, resumed.err
    assert not cluster.get("role", "extra", "-n", namespace)["rules"]
    pod = json.dumps(cluster.get("deployment", "serve", "-n", namespace)["spec"]["template"]["spec"])
    assert "foreign" not in pod
    assert "other-secret" not in pod
    assert ("http.server" in pod) is names_revision, "it goes back to the version that its ReplicaSet has"
    assert resumed.one("rolled_back")["complete"] is names_revision
    assert names_revision or any("deployment/serve (a record is not believed about" in each["message"] for each in resumed.of("notice"))
