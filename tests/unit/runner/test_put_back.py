"""What a bad run has changed beside its services: set-up and what overlays add, of any kind, goes back, or is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import (
    NAMESPACE,
    Object,
    PaperCluster,
    a_deployment,
    a_job,
    a_plan,
    a_template,
    as_failed,
    as_good,
    as_too_slow,
    execute,
    labels_of,
    made,
)

from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner.events import Event, Notice, RolledBack

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=only_jobs_fail)
    cluster.put(NAMESPACE)
    return cluster


def only_jobs_fail(manifest: Object) -> Object:
    return as_failed(manifest) if manifest["kind"] == "Job" else as_good(manifest)


def a_map(name: str, value: str, **metadata: Any) -> Object:
    labels = {"bodywork/pipeline": "iris", "bodywork/step": "0"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels, **metadata}, "data": {"value": value}}


def an_extra(kind: str, name: str, **spec: Any) -> Object:
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def applied(manifest: Object) -> Object:
    """As kubectl apply leaves it."""
    annotations = {**manifest["metadata"].get("annotations", {}), LAST_APPLIED: json.dumps(manifest)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


def said(told: list[Event]) -> str:
    return "\n".join(event.message for event in told if isinstance(event, Notice))


def test_changed_set_up_of_any_kind_goes_back(cluster: PaperCluster) -> None:
    facts, agent = applied(made(a_map("bodywork-iris", "old"))), made(an_extra("DaemonSet", "agent", value="old"))
    agent["metadata"]["labels"] = {"bodywork/pipeline": "iris"}
    for each in (facts, agent):
        cluster.put(each)
    exit_code, told = execute(
        cluster, a_plan(a_map("bodywork-iris", "new"), an_extra("DaemonSet", "agent", value="new"), a_job("train", 1))
    )
    assert exit_code == 4
    assert cluster.objects["ConfigMap", "bodywork-iris"]["data"] == {"value": "old"}
    assert cluster.objects["DaemonSet", "agent"]["spec"] == {"value": "old"}
    assert "put back as before the run: configmap/bodywork-iris, daemonset/agent" in said(told)
    assert [words[0] for words in cluster.ran if words[0] == "replace"] == ["replace"], "what apply did not make"


@pytest.mark.parametrize(
    "by_hand",
    [
        {"data": {"value": "by hand"}},
        {"data": {"value": "old", "added": "by hand"}},
        {"metadata": {"name": "bodywork-iris", "labels": {"bodywork/pipeline": "iris", "bodywork/step": "0", "team": "by hand"}}},
    ],
)
def test_what_was_changed_by_hand_since_the_last_apply_is_put_back_too(by_hand: Object, cluster: PaperCluster) -> None:
    stood = applied(made(a_map("bodywork-iris", "old")))
    metadata = {**stood["metadata"], **by_hand.pop("metadata", {})}
    cluster.put({**stood, **by_hand, "metadata": metadata})
    new = a_map("bodywork-iris", "new")
    new["data"]["added"], new["metadata"]["labels"]["team"] = "new", "new"
    execute(cluster, a_plan(new, a_job("train", 1)))
    now = cluster.objects["ConfigMap", "bodywork-iris"]
    assert {"data": stood["data"], **by_hand}["data"] == now["data"]
    assert now["metadata"]["labels"] == metadata["labels"]
    assert now["metadata"]["annotations"][LAST_APPLIED] == stood["metadata"]["annotations"][LAST_APPLIED], (
        "the next apply knows what was applied"
    )


@pytest.mark.parametrize("broken", ["{", "null", "[]", "[" * 100_000])
def test_what_kubectl_wrote_may_be_broken(broken: str, cluster: PaperCluster) -> None:
    stood, deployment = applied(made(a_map("bodywork-iris", "old"))), made(a_deployment("serve", 2))
    deployment["spec"]["template"] = a_template(image="python:3.10")
    for each in (stood, deployment):
        each["metadata"]["annotations"][LAST_APPLIED] = broken
        cluster.put(as_good(each))
    cluster.on_apply = as_too_slow
    exit_code, told = execute(cluster, a_plan(a_map("bodywork-iris", "new"), a_deployment("serve", 2)))
    assert exit_code == 70
    assert cluster.objects["ConfigMap", "bodywork-iris"]["data"] == {"value": "old"}
    assert [each.complete for each in told if isinstance(each, RolledBack)] == [True]


def test_what_an_overlay_adds_anew_goes_and_set_up_of_the_pipelines_own_stays(cluster: PaperCluster) -> None:
    volume = {**an_extra("PersistentVolumeClaim", "data"), "apiVersion": "v1"}
    _, told = execute(cluster, a_plan(a_map("bodywork-iris", "new"), an_extra("DaemonSet", "agent"), volume, a_job("train", 1)))
    assert ("DaemonSet", "agent") not in cluster.objects
    assert {("ConfigMap", "bodywork-iris"), ("PersistentVolumeClaim", "data")} <= cluster.objects.keys()
    assert "not removed again, since more than itself would go with it: persistentvolumeclaim/data" in said(told)


def test_what_an_overlay_adds_to_a_step_goes_too(cluster: PaperCluster) -> None:
    """Labels give it its place; they do not make it a part of what was rendered."""
    agent = an_extra("DaemonSet", "agent")
    agent["metadata"]["labels"] = {"bodywork/pipeline": "iris", "bodywork/step": "1"}
    exit_code, _ = execute(cluster, a_plan(agent, a_job("train", 1)))
    assert exit_code == 4
    assert ("DaemonSet", "agent") not in cluster.objects


def test_what_cannot_be_put_back_is_named_with_the_reason(cluster: PaperCluster) -> None:
    cluster.put(made(a_map("bodywork-iris", "old")))
    cluster.refusals["replace"] = "Error from server (Forbidden): configmaps is forbidden"
    _, told = execute(cluster, a_plan(a_map("bodywork-iris", "new"), a_job("train", 1)))
    assert (
        "NOT put back as before the run: configmap/bodywork-iris: kubectl replace: Error from server (Forbidden): configmaps is forbidden"
        in said(told)
    )


@pytest.mark.parametrize(("rollback", "value"), [("failed", "new"), ("all", "old")])
def test_services_that_stay_keep_their_set_up_and_that_is_said(cluster: PaperCluster, rollback: Any, value: str) -> None:
    cluster.put(applied(made(a_map("bodywork-iris", "old"))))
    plan = a_plan(a_map("bodywork-iris", "new"), a_deployment("serve", 1), a_job("train", 2))
    _, told = execute(cluster, plan, options=RunOptions(rollback=rollback))
    assert cluster.objects["ConfigMap", "bodywork-iris"]["data"] == {"value": value}
    kept = "not put back, since serve of this run stays and may need it: configmap/bodywork-iris (--rollback all takes all of it back)"
    assert (kept in said(told)) is (value == "new")


def test_with_keep_failed_nothing_goes_back(cluster: PaperCluster) -> None:
    cluster.put(made(a_map("bodywork-iris", "old")))
    execute(
        cluster,
        a_plan(a_map("bodywork-iris", "new"), an_extra("DaemonSet", "agent"), a_job("train", 1)),
        options=RunOptions(keep_failed=True),
    )
    assert cluster.objects["ConfigMap", "bodywork-iris"]["data"] == {"value": "new"}
    assert ("DaemonSet", "agent") in cluster.objects


def test_a_value_of_a_secret_is_written_down_nowhere(cluster: PaperCluster) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"KEY": "b2xk"}}
    cluster.put(made({**secret, "metadata": {"name": "key", "labels": labels_of("x", 0)}}))
    execute(cluster, a_plan({**secret, "data": {"KEY": "bmV3"}}, a_map("bodywork-iris", "new"), a_job("train", 1)))
    assert cluster.objects["Secret", "key"]["data"] == {"KEY": "b2xk"}
    assert not any("b2xk" in text for _, text in cluster.records)
