"""Objects that are no stages, and services after they were ready."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import Cluster
from hand_made import LISTENS, Manifest, a_batch, a_service, apply, from_secret, stream

pytestmark = pytest.mark.cluster
LISTENS_FOR_A_WHILE = (
    f"import threading, os; t = threading.Timer(4, lambda: (print('no more disk', flush=True), os._exit(3))); t.start(); {LISTENS}"
)


def a_set(kind: str, name: str, code: str) -> Manifest:
    """With no label of ours: an overlay has added it."""
    spec = copy.deepcopy(a_service("x", 1, code)[0]["spec"]["template"])
    spec["metadata"]["labels"] = {"app": name}
    more = {"serviceName": name, "replicas": 1} if kind == "StatefulSet" else {}
    body = {"selector": {"matchLabels": {"app": name}}, "template": spec, **more}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": body}


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_a_set_of_the_set_up_is_waited_for_and_its_last_lines_are_evidence(cluster: Cluster, namespace: str, kind: str) -> None:
    good = apply(cluster, namespace, a_set(kind, "store", LISTENS), a_batch("train", 1))
    assert good.exit_code == 0, good.err
    assert cluster.get(kind, "store", "-n", namespace)["status"].get("numberReady", 1) == 1

    run = apply(cluster, namespace, a_set(kind, "store", "raise SystemExit('no volume')"), a_batch("train", 1))
    assert run.exit_code == 4, run.err
    evidence = run.one("evidence")
    assert "exited with code 1" in evidence["reason"]
    assert evidence["tails"][0]["lines"] == ["no volume"]
    assert not run.log("train"), "no step begins before"


def test_the_secret_of_a_set_that_an_overlay_adds_is_masked(cluster: Cluster, namespace: str) -> None:
    """No stage reads it, and no start script of ours runs there."""
    cluster.make_secret(namespace, "store", KEY="correct-horse-battery")
    store = a_set("StatefulSet", "store", "import os; raise SystemExit('login ' + os.environ['KEY'])")
    store["spec"]["template"]["spec"]["containers"][0]["env"] = [from_secret("KEY", "store", "KEY")]
    run = apply(cluster, namespace, store, a_batch("train", 1))
    assert run.exit_code == 4, run.err
    assert run.one("evidence")["tails"][0]["lines"] == ["login ***"]


@pytest.fixture
def widgets(cluster: Cluster, namespace: str) -> Iterator[list[Manifest]]:
    """An object, and behind it the definition of its kind, which the cluster does not know."""
    group = f"{namespace[-6:]}.example.org"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    names = {"kind": "Widget", "plural": "widgets", "singular": "widget"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }
    yield [{"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}}, definition]
    cluster.kubectl("delete", "crd", f"widgets.{group}", "--ignore-not-found")


def test_a_definition_and_its_object_in_one_stream_work_at_the_first_apply(
    cluster: Cluster, namespace: str, widgets: list[Manifest]
) -> None:
    definition = widgets[1]["metadata"]["name"]
    run = apply(cluster, namespace, *widgets, a_batch("train", 1))
    assert run.exit_code == 0, run.err
    assert cluster.get(definition, "one", "-n", namespace)["metadata"]["name"] == "one"


def test_a_definition_and_its_object_are_new_to_diff_and_a_dry_run_before_either_is_there(
    cluster: Cluster, namespace: str, widgets: list[Manifest]
) -> None:
    manifests = stream(*widgets, a_batch("train", 1))
    where = ("--namespace", namespace, "-o", "json")
    dry_run = cluster.bodywork("apply", "-", "--dry-run=server", *where, cwd=Path("/"), stdin=manifests)
    assert dry_run.returncode == 0, dry_run.stdout + dry_run.stderr
    checked = [each for each in map(json.loads, dry_run.stdout.splitlines()) if each["event"] == "object_checked"]
    assert {each["kind"]: each["action"] for each in checked} == dict.fromkeys(("Widget", "CustomResourceDefinition", "Job"), "created")

    diff = cluster.bodywork("diff", "-", *where, cwd=Path("/"), stdin=manifests)
    assert diff.returncode == 1, diff.stdout + diff.stderr
    changes = json.loads(diff.stdout)["changes"]
    assert {each["kind"]: each["action"] for each in changes} == dict.fromkeys(("Widget", "CustomResourceDefinition", "Job"), "new")
    assert cluster.kubectl("get", "crd", widgets[1]["metadata"]["name"], "--ignore-not-found") == ""


def test_a_service_that_crashes_moments_after_it_was_ready_fails_the_run(cluster: Cluster, namespace: str) -> None:
    assert apply(cluster, namespace, *a_service("serve", 1)).exit_code == 0
    run = apply(cluster, namespace, *a_service("serve", 1, LISTENS_FOR_A_WHILE))
    assert run.exit_code == 4, run.err
    assert [each["result"] for each in run.of("stage_ended")] == ["available", "failed"]
    assert run.stage("serve")["reason"].startswith("was available, then the container exited with code 3")
    assert run.one("evidence")["tails"][-1]["lines"][-1] == "no more disk"
    assert run.one("rolled_back")["complete"]
