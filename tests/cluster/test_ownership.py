"""What a pipeline did not make is neither changed nor removed by it: refused before the first change, taken over by name, and only then pruned."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, Done
from hand_made import PIPELINE, Manifest, Run, a_batch, a_failure_stage, a_service, apply, stream

pytestmark = pytest.mark.cluster
STEP_0 = {"bodywork/pipeline": PIPELINE, "bodywork/step": "0"}


def a_config_map(name: str, *, labels: dict[str, str] | None = None, **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}}, "data": data}


def an_account(name: str, labels: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "labels": labels}}


def a_release(name: str) -> Manifest:
    """A Deployment as `helm install shop` leaves it."""
    deployment, _ = a_service(name, 1)
    deployment["metadata"] = {
        "name": name,
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "default"},
    }
    deployment["spec"]["replicas"] = 0
    deployment["spec"]["selector"]["matchLabels"] = {"app": name}
    deployment["spec"]["template"]["metadata"]["labels"] = {"app": name}
    return deployment


def without_labels(manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {"name": manifest["metadata"]["name"]}}


def put(cluster: Cluster, namespace: str, *manifests: Manifest) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=stream(*manifests))


def as_they_are(cluster: Cluster, namespace: str, *manifests: Manifest) -> list[Any]:
    """All of each, with its version: nothing was written to it."""
    return [cluster.get(each["kind"], each["metadata"]["name"], "-n", namespace) for each in manifests]


def is_there(cluster: Cluster, namespace: str, manifest: Manifest) -> bool:
    found = cluster.kubectl("get", manifest["kind"], manifest["metadata"]["name"], "-n", namespace, "--ignore-not-found", "-o", "name")
    return bool(found.strip())


def asked(cluster: Cluster, verb: str, namespace: str, *manifests: Manifest, options: tuple[str, ...] = ()) -> Done:
    return cluster.bodywork(verb, "-", "--namespace", namespace, *options, cwd=Path("/"), stdin=stream(*manifests))


@pytest.fixture
def role(cluster: Cluster) -> Iterator[Manifest]:
    """A ClusterRole of nobody's: it has no namespace."""
    name = f"owners-test-{secrets.token_hex(4)}"
    yield {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": []}
    cluster.kubectl("delete", "clusterrole", name, "--ignore-not-found")


def test_others_objects_of_any_kind_are_refused_at_once_and_left_as_they_are(cluster: Cluster, namespace: str, role: Manifest) -> None:
    foreign = [
        a_config_map("shared", team="theirs"),
        a_release("shop"),
        a_config_map(f"bodywork-{PIPELINE}", dag="theirs"),
        an_account(f"bodywork-{PIPELINE}", {}),
        a_config_map(f"bodywork-{PIPELINE}-runs", theirs="yes"),
        a_config_map("labelled", labels={"bodywork/pipeline": PIPELINE}, theirs="yes"),
        a_batch("alert", 1),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"KEY": "dGhlaXJz"}},
        role,
    ]
    foreign[6] = without_labels(foreign[6])
    foreign[6]["spec"]["suspend"] = True
    put(cluster, namespace, *foreign)
    wanted = [
        a_config_map(f"bodywork-{PIPELINE}", labels=STEP_0, dag="train"),
        an_account(f"bodywork-{PIPELINE}", STEP_0),
        a_config_map("shared", team="ours"),
        a_config_map("labelled", labels=STEP_0, ours="yes"),
        without_labels(a_service("shop", 1)[0]),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"KEY": "b3Vycw=="}},
        {**role, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        a_batch("train", 1),
        a_failure_stage("alert", "print('never')"),
    ]
    before = as_they_are(cluster, namespace, *foreign)
    names = [f"{each['kind']} {each['metadata']['name']}" for each in foreign]

    refused = apply(cluster, namespace, *wanted)
    assert (refused.exit_code, refused.of("object_changed")) == (1, [])
    assert [each for each in names if f"{each} (" not in refused.err] == []
    assert "Deployment shop (it is Helm release shop's)" in refused.err
    assert "--adopt configmap/shared" in refused.err
    dry = asked(cluster, "apply", namespace, *wanted, options=("--dry-run=server",))
    assert dry.returncode == 1
    said = [
        f"refused {each['kind'].lower()}={each['metadata']['name']}" for each in foreign if not each["metadata"]["name"].endswith("-runs")
    ]
    assert [each for each in (*said, f"ConfigMap bodywork-{PIPELINE}-runs") if each not in dry.stdout] == [], dry.stdout
    differs = asked(cluster, "diff", namespace, *wanted)
    assert differs.returncode == 2
    assert "ConfigMap shared (Bodywork did not make it)" in differs.stderr
    part = apply(cluster, namespace, *wanted, options=("--adopt", "configmap/shared"))
    assert part.exit_code == 1
    assert "ConfigMap shared" not in part.err
    assert as_they_are(cluster, namespace, *foreign) == before

    no_such = apply(cluster, namespace, *wanted, options=("--adopt", "configmap/nothing"))
    assert no_such.exit_code == 1
    assert "--adopt configmap/nothing: the manifests have no such object" in no_such.err
    assert as_they_are(cluster, namespace, *foreign) == before


def test_what_is_adopted_by_name_is_the_pipelines_then_and_pruned_with_it(cluster: Cluster, namespace: str, role: Manifest) -> None:
    shared, other = a_config_map("shared", team="theirs"), a_config_map("other", team="theirs")
    put(cluster, namespace, shared, other, role)
    train = a_batch("train", 1)
    mine = {**role, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    names = ("--adopt", "configmap/shared", "--adopt", f"clusterrole/{role['metadata']['name']}")
    adopted = apply(cluster, namespace, train, a_config_map("shared", ours="yes"), mine, a_config_map("new"), options=names)
    assert adopted.exit_code == 0, adopted.err
    assert apply(cluster, namespace, train, a_config_map("shared", ours="yes"), mine, a_config_map("new")).exit_code == 0
    assert cluster.get("configmap", "shared", "-n", namespace)["data"]["ours"] == "yes"
    copy = cluster.get("configmap", "shared", "-n", namespace)
    decoy = {**copy, "metadata": {key: copy["metadata"][key] for key in ("labels", "annotations")} | {"name": "copy"}}
    put(cluster, namespace, decoy)
    survive = as_they_are(cluster, namespace, other, decoy)

    again = apply(cluster, namespace, train)
    assert again.exit_code == 0, again.err
    listed = next(each["message"] for each in again.of("notice") if "no stage needs" in each["message"])
    assert {"configmap/shared", "configmap/new", f"clusterrole/{role['metadata']['name']}"} == set(listed.partition(": ")[2].split(", "))
    assert [is_there(cluster, namespace, each) for each in (shared, a_config_map("new"), mine)] == [False, False, False]
    assert as_they_are(cluster, namespace, other, decoy) == survive


def test_the_same_pipeline_in_two_namespaces_shares_nothing_without_one(cluster: Cluster, namespace: str, role: Manifest) -> None:
    second = f"{namespace}-2"
    cluster.make_namespace(second)
    try:
        assert apply(cluster, namespace, a_batch("train", 1), role).exit_code == 0
        before = as_they_are(cluster, namespace, role)
        refused = apply(cluster, second, a_batch("train", 1), role)
        assert refused.exit_code == 1
        assert f"it is that of pipeline {PIPELINE} in namespace {namespace}" in refused.err
        assert apply(cluster, second, a_batch("train", 1)).exit_code == 0, "its own prune leaves it"
        assert as_they_are(cluster, namespace, role) == before
    finally:
        cluster.delete_namespace(second)


def test_a_lock_that_is_somebodys_is_not_taken(cluster: Cluster, namespace: str) -> None:
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": f"bodywork-{PIPELINE}"}, "spec": {}}
    put(cluster, namespace, lease)
    before = as_they_are(cluster, namespace, lease)
    refused = apply(cluster, namespace, a_batch("train", 1))
    assert refused.exit_code == 1
    assert f"Lease bodywork-{PIPELINE}" in refused.err
    assert as_they_are(cluster, namespace, lease) == before
    assert apply(cluster, namespace, a_batch("train", 1), options=("--adopt", f"lease/bodywork-{PIPELINE}")).exit_code == 0
    assert apply(cluster, namespace, a_batch("train", 1)).exit_code == 0


def test_two_prefixes_under_one_pipelines_label_are_refused(cluster: Cluster, namespace: str) -> None:
    def overlay(prefix: str) -> list[Manifest]:
        facts = a_config_map(f"{prefix}bodywork-{PIPELINE}", labels={**STEP_0, "bodywork/role": "pipeline"}, dag="train")
        train = a_batch("train", 1)
        return [facts, {**train, "metadata": {**train["metadata"], "name": f"{prefix}train"}}]

    assert apply(cluster, namespace, *overlay("blue-")).exit_code == 0
    refused = apply(cluster, namespace, *overlay("green-"))
    assert refused.exit_code == 1
    assert f"its ConfigMap is blue-bodywork-{PIPELINE} there, and green-bodywork-{PIPELINE} in these manifests" in refused.err
    assert "each sets the label bodywork/pipeline too" in refused.err
    assert asked(cluster, "diff", namespace, *overlay("green-")).returncode == 2
    moved: Run = apply(cluster, namespace, *overlay("green-"), options=("--adopt", "all"))
    assert moved.exit_code == 0, moved.err
    names = {each["metadata"]["name"] for each in cluster.get("jobs,configmaps", "-n", namespace)["items"]}
    assert not {f"blue-bodywork-{PIPELINE}", "blue-train"} & names


def test_helm_owns_what_it_has_taken_over_from_a_run(cluster: Cluster, namespace: str) -> None:
    """Neither prune nor delete takes it, and under its name a run refuses it once it bears no mark of a run any more."""
    extra = a_config_map("extra", value="ours")
    assert apply(cluster, namespace, extra, a_batch("train", 1)).exit_code == 0
    cluster.kubectl("annotate", "configmap/extra", "meta.helm.sh/release-name=shop", "-n", namespace)
    assert apply(cluster, namespace, a_batch("train", 1)).exit_code == 0
    where = ("--kubeconfig", str(cluster.kubeconfig), "--namespace", namespace)
    deleted = cluster.bodywork("delete", "--pipeline", PIPELINE, "--yes", *where, cwd=Path("/"))
    assert "stays: configmap/extra (it is Helm release shop's)" in deleted.stderr
    assert is_there(cluster, namespace, extra)

    rendered = a_service("serve", 1)[0]
    rendered["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop"}
    put(cluster, namespace, rendered)
    refused = apply(cluster, namespace, *a_service("serve", 1))
    assert refused.exit_code == 1
    assert "Deployment serve (it is Helm release shop's)" in refused.one("run_ended")["reason"]
