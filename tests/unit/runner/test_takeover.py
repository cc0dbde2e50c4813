"""Taking over: the old Deployment goes without its pods, ours comes up, and only then is the Service led over."""

from __future__ import annotations

import json

import pytest
from fakes import (
    NAMESPACE,
    Object,
    PaperCluster,
    a_deployment,
    a_job,
    a_plan,
    a_service_of,
    a_session,
    as_good,
    as_too_slow,
    closing,
    execute,
)

from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import takeover
from bodywork_compiler.runner.events import Event, Notice, StageEnded
from bodywork_compiler.runner.inbox import Wake

ADOPT = RunOptions(adopt=("all",))
OLD = {"app": "bodywork", "stage": "serve"}
PLAN = a_plan(
    {**a_deployment("serve", 1), "spec": {**a_deployment("serve", 1)["spec"], "selector": {"matchLabels": {"bodywork/stage": "serve"}}}},
    {**a_service_of("serve", 1), "spec": {"selector": {"bodywork/stage": "serve"}, "ports": [{"port": 5000}]}},
)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> PaperCluster:
    """What the ancestor has left: a Deployment, its ReplicaSet and its Service."""
    monkeypatch.setattr(takeover, "SPREAD_SECONDS", 0.0)
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    made = cluster.put(of_old("Deployment", "serve", spec={"replicas": 1, "selector": {"matchLabels": {"stage": "serve"}}}))
    owner = {"controller": True, "uid": made["metadata"]["uid"]}
    pods = {"metadata": {"labels": OLD}}
    cluster.put(of_old("ReplicaSet", "serve-1", spec={"template": pods}, ownerReferences=[owner]))
    cluster.put(of_old("Service", "serve", spec={"selector": {"stage": "serve"}}))
    return cluster


def of_old(kind: str, name: str, *, spec: Object, **metadata: object) -> Object:
    return {"kind": kind, "metadata": {"name": name, "labels": OLD, **metadata}, "spec": spec}


def an_orphan(*, takes: str = "iris") -> Object:
    orphan = of_old("ReplicaSet", "serve-1", spec={"template": {"metadata": {"labels": OLD}}})
    orphan["metadata"]["labels"] = {**OLD, "bodywork/taken-over": takes}
    return orphan


def verbs(cluster: PaperCluster) -> list[str]:
    return [" ".join(words[:3]) for words in cluster.ran]


def test_the_order_in_which_it_goes(cluster: PaperCluster) -> None:
    exit_code, _ = execute(cluster, PLAN, options=ADOPT)
    assert exit_code == 0
    assert cluster.ran[:4] == [
        ("label", "replicaset/serve-1", "bodywork/taken-over=iris", "--overwrite"),
        ("delete", "deployment/serve", "--cascade=orphan", "--ignore-not-found"),
        ("apply", "-f", "-"),
        ("replace", "--save-config", "-f", "-"),
    ]
    kinds = [[each["kind"] for each in json.loads(text)["items"]] for text in cluster.stdins[2:4]]
    assert kinds == [["Deployment"], ["Service"]]


def test_what_fails_leaves_the_old_pods_serving(cluster: PaperCluster) -> None:
    cluster.on_apply = as_too_slow
    exit_code, told = execute(cluster, PLAN, options=ADOPT)
    assert exit_code == 70
    assert ("delete", "deployment/serve", "--ignore-not-found") in cluster.ran
    assert cluster.objects["Service", "serve"]["spec"]["selector"] == {"stage": "serve"}
    assert ("ReplicaSet", "serve-1") in cluster.objects
    assert "service=serve still leads to the pods that were there before" in said(told)


def test_a_service_that_cannot_be_led_over_fails_its_stage(cluster: PaperCluster) -> None:
    cluster.refusals["replace --save-config"] = "Error from server (Forbidden): no"
    exit_code, told = execute(cluster, PLAN, options=ADOPT)
    assert exit_code == 4
    last = [event for event in told if isinstance(event, StageEnded)][-1]
    assert (last.result, last.reason) == ("failed", "kubectl replace: Error from server (Forbidden): no")


def test_a_second_try_leads_the_service_over_and_removes_the_pods_of_before(cluster: PaperCluster) -> None:
    cluster.remove("Deployment", "serve")
    cluster.put(an_orphan())
    exit_code, told = execute(cluster, PLAN, options=ADOPT)
    assert exit_code == 0
    assert verbs(cluster) == ["apply -f -", "replace --save-config -f", "delete -f -"]
    assert "removing what no stage needs any more: replicaset/serve-1" in said(told)


@pytest.mark.parametrize(
    "orphan",
    [an_orphan(takes="iris-2"), {**an_orphan(), "metadata": {**an_orphan()["metadata"], "ownerReferences": [{"uid": "1"}]}}],
    ids=["another pipeline's", "owned again"],
)
def test_others_replica_sets_stay(cluster: PaperCluster, orphan: Object) -> None:
    cluster.remove("Deployment", "serve")
    cluster.put(orphan)
    assert execute(cluster, PLAN, options=ADOPT)[0] == 0
    assert ("ReplicaSet", "serve-1") in cluster.objects


def test_pods_to_which_a_service_still_leads_stay(cluster: PaperCluster) -> None:
    cluster.remove("Deployment", "serve")
    cluster.put(an_orphan())
    cluster.put({"kind": "Service", "metadata": {"name": "alias", "labels": {}}, "spec": {"selector": {"stage": "serve"}}})
    assert execute(cluster, PLAN, options=ADOPT)[0] == 0
    assert ("ReplicaSet", "serve-1") in cluster.objects


def test_a_job_under_our_name_is_replaced(cluster: PaperCluster) -> None:
    cluster.put({**a_job("train", 1), "metadata": {"name": "train", "labels": {"app": "bodywork", "stage": "train"}}})
    assert execute(cluster, a_plan(a_job("train", 1)), options=ADOPT)[0] == 0
    assert verbs(cluster) == ["delete job/train --cascade=foreground", "apply -f -"]


def test_before_pods_end_every_node_has_time_to_hear_of_the_new_ones(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "SPREAD_SECONDS", 5.0)
    ticks = iter([0.0, 3.0, 5.0])
    with closing(a_session(cluster, PLAN)) as session:
        session.inbox.put(Wake())
        session.led_over_at, session.clock = 0.0, lambda: next(ticks, 5.0)
        takeover.wait_until_led_over(session)
    assert next(ticks, None) is None


def test_our_own_deployment_with_another_selector_goes_the_same_way(cluster: PaperCluster) -> None:
    stood = {**a_deployment("score", 1), "spec": {"replicas": 1, "selector": {"matchLabels": {"stage": "score"}}}}
    cluster.put(as_good(stood))
    plan = a_plan(
        {**stood, "spec": {**stood["spec"], "selector": {"matchLabels": {"stage": "score", "team": "ml"}}}}, a_service_of("score", 1)
    )
    exit_code, _ = execute(cluster, plan, options=ADOPT)
    assert exit_code == 0
    assert cluster.ran[0] == ("delete", "deployment/score", "--cascade=orphan", "--ignore-not-found")
    kinds = [[each["kind"] for each in json.loads(text)["items"]] for text in cluster.stdins[1:3]]
    assert kinds == [["Deployment"], ["Service"]]


def said(told: list[Event]) -> str:
    return "\n".join(event.message for event in told if isinstance(event, Notice))
