"""A bad run puts back what it has changed beside its services: the addresses' ConfigMap, set-up, and what an overlay adds, of any kind."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from clusters import Cluster
from hand_made import PIPELINE, Manifest, a_batch, a_service, apply, applying

pytestmark = pytest.mark.cluster
STEP_0 = {"bodywork/pipeline": PIPELINE, "bodywork/step": "0"}


def a_map(name: str, value: str, labels: dict[str, str] | None = None) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}}, "data": {"value": value}}


def an_agent(value: str) -> Manifest:
    """What an overlay adds: a StatefulSet without pods, and without labels of ours."""
    deployment, _ = a_service("agent", 1)
    template = deployment["spec"]["template"]
    template["metadata"]["labels"] = {"app": "agent"}
    template["spec"]["containers"][0]["env"] = [{"name": "VALUE", "value": value}]
    spec = {"replicas": 0, "serviceName": "agent", "selector": {"matchLabels": {"app": "agent"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "agent"}, "spec": spec}


def whole(value: str, *stages: Manifest) -> list[Manifest]:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "extra"}}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": [value]}]
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "extra"}, "stringData": {"VALUE": value}}
    facts = a_map(f"bodywork-{PIPELINE}", value, STEP_0)
    return [facts, a_map("settings", value), {**role, "rules": rules}, secret, an_agent(value), *stages]


def content(cluster: Cluster, namespace: str) -> Any:
    """Of all that was there before: what was written, without the server's counters."""
    found = cluster.get("configmaps,roles,secrets,statefulsets,deployments,services", "-n", namespace)["items"]
    kept = [each for each in found if not each["metadata"]["name"].endswith(("-runs", "-before", "root-ca.crt"))]
    return {
        f"{each['kind']}/{each['metadata']['name']}": (
            each["metadata"].get("labels"),
            each.get("data"),
            each.get("rules"),
            (each.get("spec") or {}).get("template"),
            (each.get("spec") or {}).get("ports"),
        )
        for each in kept
    }


FAILS = a_batch("train", 1, "raise SystemExit('no data')")


def test_all_of_it_stands_as_before(cluster: Cluster, namespace: str) -> None:
    assert apply(cluster, namespace, *whole("old", a_batch("train", 1), *a_service("serve", 2))).exit_code == 0
    before = content(cluster, namespace)

    failed = apply(cluster, namespace, *whole("new", FAILS, *a_service("serve", 2)), a_map("added", "new"))
    assert failed.exit_code == 4
    assert content(cluster, namespace) == before
    told = next(each["message"] for each in failed.of("notice") if "put back as before" in each["message"])
    for each in (f"configmap/bodywork-{PIPELINE}", "configmap/settings", "role/extra", "secret/extra", "statefulset/agent"):
        assert each in told

    # a service of a good step stays, and its set-up with it; with --rollback all nothing does
    other = "import os, http.server as h; h.HTTPServer(('', 8000), h.SimpleHTTPRequestHandler).serve_forever()"
    late = [*a_service("serve", 1, other), a_batch("check", 2, "raise SystemExit('bad model')")]
    all_back = apply(cluster, namespace, *whole("new", *late), options=("--rollback", "all"))
    assert all_back.exit_code == 4
    assert content(cluster, namespace) == before
    stays = apply(cluster, namespace, *whole("new", *late))
    assert stays.exit_code == 4
    assert any("not put back, since serve of this run stays and may need it" in each["message"] for each in stays.of("notice"))
    assert cluster.get("configmap", "settings", "-n", namespace)["data"] == {"value": "new"}


def test_what_an_overlay_adds_to_the_set_up_goes_again_though_it_has_our_labels(cluster: Cluster, namespace: str) -> None:
    metadata = {"name": f"added-{namespace}", "labels": STEP_0}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": []}
    own = a_map(f"bodywork-{PIPELINE}-scripts-1234567890", "new", STEP_0)
    assert apply(cluster, namespace, a_map("added", "new", STEP_0), own, role, FAILS).exit_code == 4
    names = {each["metadata"]["name"] for each in cluster.get("configmaps", "-n", namespace)["items"]}
    assert own["metadata"]["name"] in names
    assert "added" not in names
    assert metadata["name"] not in {each["metadata"]["name"] for each in cluster.get("clusterroles")["items"]}


def test_also_after_a_ctrl_c(cluster: Cluster, namespace: str) -> None:
    assert apply(cluster, namespace, *whole("old", a_batch("train", 1))).exit_code == 0
    before = content(cluster, namespace)
    with applying(cluster, namespace, *whole("new", a_batch("train", 1, "import time; time.sleep(600)"))) as run:
        run.until("step_started", step=1)
        run.interrupt(signal.SIGINT)
        assert run.end().exit_code == 130
    assert content(cluster, namespace) == before


def test_what_was_changed_by_hand_stands_as_it_was(cluster: Cluster, namespace: str) -> None:
    """A patch, `scale` and an added label, of all of which the manifest that was applied last knows nothing."""
    assert apply(cluster, namespace, *whole("old", *a_service("serve", 1))).exit_code == 0
    by_hand = {"metadata": {"labels": {"team": "by-hand"}}}
    patches: list[tuple[str, Manifest]] = [
        ("configmap/settings", {"data": {"value": "by hand", "added": "by hand"}}),
        ("role/extra", {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}),
        ("deployment/serve", {**by_hand, "spec": {"replicas": 2}}),
        ("service/serve", {**by_hand, "spec": {"ports": [{"port": 5000, "name": "by-hand", "targetPort": 8000}]}}),
    ]
    for words, patch in patches:
        cluster.kubectl("patch", words, "--patch", json.dumps(patch), "-n", namespace)
    cluster.kubectl("rollout", "status", "deployment/serve", "-n", namespace)
    before = content(cluster, namespace)

    fails = a_service("serve", 1, "raise SystemExit('no model')")
    for each in fails:
        each["metadata"]["labels"]["team"] = "new"
    failed = apply(cluster, namespace, *whole("new", *fails))
    assert failed.exit_code == 4
    assert content(cluster, namespace) == before
    assert cluster.get("deployment", "serve", "-n", namespace)["spec"]["replicas"] == 2
    assert all(each["complete"] for each in failed.of("rolled_back"))
