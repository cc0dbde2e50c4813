"""Waits that would never end: for a node, for an image, for credentials that are no longer good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import Cluster
from hand_made import RUNS_ON, Switch, a_batch, a_service, a_switch, apply, applying
from servers import address_for_pods
from test_rights import kubeconfig_of

pytestmark = pytest.mark.cluster
TOO_MUCH = {"resources": {"requests": {"cpu": "100"}}}


@pytest.fixture
def busy_registry(cluster: Cluster) -> Iterator[Switch]:
    """It answers 429 to whatever is asked."""
    with a_switch(address_for_pods(cluster.node_address()), *[429] * 1000) as registry:
        yield registry


def test_what_no_node_takes_fails_after_the_schedule_timeout_and_goes_back(cluster: Cluster, namespace: str) -> None:
    assert apply(cluster, namespace, *a_service("serve", 1)).exit_code == 0
    endless = a_batch("train", 2, **TOO_MUCH)
    del endless["spec"]["activeDeadlineSeconds"]

    run = apply(cluster, namespace, *a_service("serve", 1, **TOO_MUCH), endless, options=["--schedule-timeout", "15s"])
    assert run.exit_code == 70, run.err
    assert run.stage("serve")["reason"].startswith("not started within 15 s (--schedule-timeout): waiting: no node has 100 CPUs free")
    assert any("FailedScheduling" in each for each in run.one("evidence")["warnings"])
    assert run.one("rolled_back")["complete"]

    run = apply(cluster, namespace, endless, options=["--schedule-timeout", "15s"])
    assert (run.exit_code, run.stage("train")["result"]) == (70, "timed out"), run.err
    assert run.events[0]["schedule_timeout_seconds"] == 15
    assert cluster.get("jobs", "-n", namespace)["items"] == []


@pytest.mark.parametrize("where", ["busy", "absent"])
def test_a_registry_that_gives_no_image_fails_its_stage(cluster: Cluster, namespace: str, busy_registry: Switch, where: str) -> None:
    registry = busy_registry.url.removeprefix("http://").rstrip("/") if where == "busy" else "nosuch.example.invalid"
    stage = a_batch("train", 1, image=f"{registry}/train:1")
    run = apply(cluster, namespace, stage, options=["--schedule-timeout", "15s"])
    assert run.exit_code == 70, run.err
    assert "cannot be pulled yet" in run.stage("train")["reason"]


def test_credentials_that_are_revoked_in_mid_run_are_said_at_the_next_renewal(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    here = ("-n", namespace)
    cluster.kubectl("create", "serviceaccount", "runner", *here)
    cluster.kubectl("create", "rolebinding", "runner", "--clusterrole=edit", f"--serviceaccount={namespace}:runner", *here)
    runner = Cluster(kubeconfig_of(cluster, "runner", tmp_path / "kubeconfig", namespace))
    with applying(runner, namespace, a_batch("train", 1, RUNS_ON)) as running:
        running.until("log_line", line="began")
        cluster.kubectl("delete", "serviceaccount", "runner", *here)
        said = running.until("notice", level="WARNING")["message"]
    assert "the API server refuses what it allowed before" in said
    assert "Unauthorized" in said
