"""What goes after a good run, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import NAMESPACE, Object, PaperCluster, a_deployment, a_job, a_plan, a_service_of, a_template, as_failed, as_good, execute, made

from bodywork_compiler.api import Refused
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner.events import Event, Notice

URL, OTHER = "https://git.example.com/acme/iris.git", "https://git.example.com/other/iris.git"
PLAN = a_plan(a_job("train", 1), a_deployment("serve", 2), a_service_of("serve", 2))


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def an_ingress(name: str) -> Object:
    return {**a_service_of(name, 1), "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {}}


def a_config_map(name: str, *, step: str | None = "0", pipeline: str = "iris", **metadata: Any) -> Object:
    labels = {"bodywork/pipeline": pipeline, **({"bodywork/step": step} if step else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels, **metadata}}


def of(url: str, manifest: Object) -> Object:
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": {"bodywork/git-url": url}}}


def copied(manifest: Object, name: str) -> Object:
    """As people copy an object: `kubectl get -o yaml`, another name, `kubectl create`."""
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def said(told: list[Event]) -> str:
    return "\n".join(event.message for event in told if isinstance(event, Notice))


def deletes(cluster: PaperCluster) -> list[tuple[str, ...]]:
    return [words for words in cluster.ran if words[0] == "delete"]


def test_objects_of_stages_that_are_gone_go_in_one_call_after_they_were_listed(cluster: PaperCluster) -> None:
    for each in (a_deployment("gone", 2), a_service_of("gone", 2), an_ingress("serve"), a_config_map("bodywork-iris-source-old-0")):
        cluster.put(made(each))
    exit_code, told = execute(cluster, PLAN)
    assert exit_code == 0
    listed = "ingress/serve, service/gone, deployment/gone, configmap/bodywork-iris-source-old-0"
    assert f"removing what no stage needs any more: {listed}" in said(told)
    assert deletes(cluster) == [("delete", "-f", "-", "--ignore-not-found", "--wait=false")]
    assert not {("Deployment", "gone"), ("Service", "gone"), ("Ingress", "serve")} & cluster.objects.keys()
    assert ("Deployment", "serve") in cluster.objects


def test_where_nothing_is_to_go_kubectl_is_not_started(cluster: PaperCluster) -> None:
    execute(cluster, PLAN)
    cluster.ran.clear()
    _, told = execute(cluster, PLAN)
    assert [words for words in deletes(cluster) if not words[1].startswith("job/")] == []
    assert "no stage needs" not in said(told)


def test_no_prune_keeps_it_and_says_what(cluster: PaperCluster) -> None:
    cluster.put(made(a_deployment("gone", 2)))
    _, told = execute(cluster, PLAN, options=RunOptions(prune=False))
    assert ("Deployment", "gone") in cluster.objects
    assert "kept, though no stage needs it any more (--no-prune): deployment/gone" in said(told)


def test_a_failed_run_removes_nothing(cluster: PaperCluster) -> None:
    cluster.on_apply = as_failed
    cluster.put(made(a_deployment("gone", 2)))
    assert execute(cluster, PLAN)[0] == 4
    assert ("Deployment", "gone") in cluster.objects


@pytest.mark.parametrize(
    "decoy",
    [
        a_config_map("theirs", step="0", pipeline="iris-2"),
        a_config_map("own", step=None),
        a_config_map("labelled", step="0"),
        copied(made(a_config_map("original")), "copy"),
        made(a_config_map("made", ownerReferences=[{"uid": "1"}])),
        made(a_config_map("going", deletionTimestamp="2026-11-21T10:00:00Z")),
        made(of(OTHER, a_service_of("foreign", 1))),
        {"kind": "ServiceAccount", "metadata": {"name": "bodywork-iris", "labels": {"bodywork/pipeline": "iris", "bodywork/step": "0"}}},
        {"kind": "Secret", "metadata": {"name": "own", "labels": {"bodywork/pipeline": "iris"}}},
    ],
    ids=[
        "another pipeline's",
        "a person's",
        "labels alone",
        "a copy of one",
        "another object's",
        "going already",
        "another repository's",
        "service account",
        "secret",
    ],
)
def test_what_is_not_its_own_stays(cluster: PaperCluster, decoy: Object) -> None:
    cluster.put(decoy)
    assert execute(cluster, a_plan(of(URL, a_job("train", 1))))[0] == 0
    assert (decoy["kind"], decoy["metadata"]["name"]) in cluster.objects
    assert deletes(cluster) == []


@pytest.mark.parametrize(
    "reference",
    [
        {"volumes": [{"name": "source", "configMap": {"name": "named"}}]},
        {"volumes": [{"name": "source", "projected": {"sources": [{"configMap": {"name": "named"}}]}}]},
        {"containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "named"}}]}]},
        {"containers": [{"name": "c", "env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "named", "key": "x"}}}]}]},
    ],
)
@pytest.mark.parametrize("kind", ["ReplicaSet", "Job", "Pod"])
def test_what_something_still_names_stays(cluster: PaperCluster, kind: str, reference: Object) -> None:
    cluster.put(made(a_config_map("named")))
    cluster.put(made(a_config_map("unnamed")))
    spec = reference if kind == "Pod" else {"template": {"spec": reference}}
    cluster.put({"kind": kind, "metadata": {"name": "old", "labels": {}}, "spec": spec})
    execute(cluster, PLAN)
    assert ("ConfigMap", "named") in cluster.objects
    assert ("ConfigMap", "unnamed") not in cluster.objects


def test_what_only_an_overlay_names_stays(cluster: PaperCluster) -> None:
    cluster.put(made(a_config_map("named")))
    train = a_job("train", 1, template=a_template(envFrom=[{"configMapRef": {"name": "named"}}]))
    execute(cluster, a_plan(train))
    assert ("ConfigMap", "named") in cluster.objects


def test_kubectls_no_is_told_and_the_run_has_succeeded_all_the_same(cluster: PaperCluster) -> None:
    cluster.put(made(a_deployment("gone", 2)))
    cluster.refusals["delete -f"] = "Error from server (Forbidden): deployments is forbidden"
    exit_code, told = execute(cluster, PLAN)
    assert exit_code == 0
    assert "not all of it was removed: Error from server (Forbidden): deployments is forbidden" in said(told)


def test_where_it_cannot_be_known_what_is_still_named_nothing_goes(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.put(made(a_config_map("perhaps")))
    listed = cluster.list

    def refuses_replica_sets(kind: str, query: Any) -> tuple[list[Object], str]:
        if kind == "ReplicaSet":
            raise Refused("replicasets is forbidden")
        return listed(kind, query)

    monkeypatch.setattr(cluster, "list", refuses_replica_sets)
    exit_code, told = execute(cluster, PLAN)
    assert exit_code == 0
    assert ("ConfigMap", "perhaps") in cluster.objects
    assert "is not removed, since it cannot be looked for: replicasets is forbidden" in said(told)


def test_an_account_that_pods_still_run_as_stays(cluster: PaperCluster) -> None:
    for each in ("bodywork-old", "bodywork-older"):
        cluster.put(
            made({"kind": "ServiceAccount", "metadata": {"name": each, "labels": {"bodywork/pipeline": "iris", "bodywork/step": "0"}}})
        )
    spec = {"template": {"spec": {"serviceAccountName": "bodywork-old"}}}
    cluster.put({"kind": "ReplicaSet", "metadata": {"name": "serve-1", "labels": {}}, "spec": spec})
    execute(cluster, PLAN)
    assert ("ServiceAccount", "bodywork-old") in cluster.objects
    assert ("ServiceAccount", "bodywork-older") not in cluster.objects


def an_extra(kind: str, name: str) -> Object:
    """What an overlay adds: it has no labels of ours."""
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {}}


def test_what_an_overlay_has_added_goes_with_it_whatever_kind_it_is(cluster: PaperCluster) -> None:
    added, volume = an_extra("DaemonSet", "agent"), {**an_extra("PersistentVolumeClaim", "data"), "apiVersion": "v1"}
    execute(cluster, a_plan(a_job("train", 1), added, volume))
    assert cluster.objects["DaemonSet", "agent"]["metadata"]["labels"] == {"bodywork/pipeline": "iris"}
    cluster.put({**an_extra("DaemonSet", "theirs"), "metadata": {"name": "theirs", "labels": {"bodywork/pipeline": "iris"}}})
    execute(cluster, a_plan(a_job("train", 1)), options=RunOptions(only=("train",)))
    exit_code, told = execute(cluster, a_plan(a_job("train", 1)))
    assert exit_code == 0
    assert ("DaemonSet", "agent") not in cluster.objects
    assert {("DaemonSet", "theirs"), ("PersistentVolumeClaim", "data")} <= cluster.objects.keys()
    assert "more than itself would go with it: persistentvolumeclaim/data" in said(told)


def test_a_part_of_the_plan_removes_nothing_of_the_rest(cluster: PaperCluster) -> None:
    cluster.put(as_good(a_deployment("serve", 2)))
    cluster.put(a_service_of("serve", 2))
    cluster.put(made(a_deployment("gone", 2)))
    assert execute(cluster, PLAN, options=RunOptions(only=("train",)))[0] == 0
    assert ("Deployment", "serve") in cluster.objects
    assert ("Deployment", "gone") not in cluster.objects


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "CronJob"])
def test_what_others_name_that_have_no_pod_just_now_stays(cluster: PaperCluster, kind: str) -> None:
    cluster.put(made({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared", "labels": {"bodywork/pipeline": "iris"}}}))
    pod = {"volumes": [{"name": "a", "configMap": {"name": "shared"}}]}
    cluster.put({"kind": kind, "metadata": {"name": "theirs"}, "spec": {"template": {"spec": pod}}})
    assert execute(cluster, a_plan(a_job("train", 1)))[0] == 0
    assert ("ConfigMap", "shared") in cluster.objects
