"""A project that the ancestor deployed is taken over: its users are answered all the time, and nothing of it is there twice."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import a_client
from clusters import Cluster
from hand_made import IMAGE, PIPELINE, RUNS_ON, Manifest, Run, a_batch, a_service, from_secret, run_of, stream

pytestmark = pytest.mark.cluster
GROUPS = "bodywork-deployment-jobs"
SAYS = """\
import http.server as h, signal
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as many servers do, it stops at once
class Answer(h.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{word}")
h.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""


def the_ancestors_service(name: str, stage: str) -> list[Manifest]:
    """A Deployment and its Service: as v3 makes them where `name` is the stage, as v1 does where it is PROJECT--STAGE."""
    marks = {"app": "bodywork", "stage": stage, "deployment-name": PIPELINE, "git-commit-hash": "0f1e2d3", "git-branch": "main"}
    pod = {
        "containers": [
            {
                "name": "bodywork",
                "image": IMAGE,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python3", "-u", "-c", SAYS.replace("{word}", "old")],
                "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    deployment = {
        "replicas": 2,
        "revisionHistoryLimit": 0,
        "strategy": {"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}},
        "selector": {"matchLabels": {"stage": stage}},
        "template": {"metadata": {"labels": marks, "annotations": {"last-updated": "2022-03-01T10:00:00"}}, "spec": pod},
    }
    address = {"type": "ClusterIP", "selector": {"stage": stage}, "ports": [{"port": 5000, "targetPort": 8000}]}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": marks, "annotations": {"port": "5000"}},
            "spec": deployment,
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"app": "bodywork", "stage": name}}, "spec": address},
    ]


def the_ancestors_job(name: str) -> Manifest:
    job = a_batch(name, 1)
    job["metadata"]["labels"] = {"app": "bodywork", "stage": name}
    job["spec"]["template"]["metadata"] = {}
    job["spec"]["template"]["spec"]["containers"][0]["name"] = "bodywork"
    return job


def a_secret(name: str, group: str, value: str) -> Manifest:
    encoded = base64.b64encode(value.encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": {"group": group}}, "data": {"KEY": encoded}}


def named(name: str, manifests: list[Manifest]) -> list[Manifest]:
    """v1's objects are called PROJECT--STAGE."""
    return [{**each, "metadata": {**each["metadata"], "name": name}} for each in manifests]


def create(cluster: Cluster, namespace: str, *manifests: Manifest) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=stream(*manifests))


def apply(cluster: Cluster, namespace: str, *manifests: Manifest, adopt: bool = False) -> Run:
    words = ["-", "-o", "json", "--namespace", namespace, *(["--adopt"] if adopt else [])]
    done = cluster.bodywork("apply", *words, cwd=Path("/"), stdin=stream(*manifests))
    return run_of(done.returncode, done.stdout, done.stderr)


def standing(cluster: Cluster, namespace: str) -> list[tuple[str, str, Any]]:
    """What stands, and what of it is ours to change."""
    found = cluster.get("deployments,services,jobs,secrets,configmaps", "-n", namespace)["items"]
    return [(each["metadata"]["uid"], each["metadata"].get("labels"), each.get("spec")) for each in found]


@pytest.fixture
def group(cluster: Cluster) -> Iterator[str]:
    cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "create", "namespace", GROUPS)
    name = f"team-{secrets.token_hex(3)}"
    yield name
    cluster.kubectl("delete", "secrets", "-n", GROUPS, "-l", f"group={name}")


def test_services_go_on_answering_and_jobs_and_secrets_are_found(cluster: Cluster, namespace: str, group: str) -> None:
    old_name = f"{PIPELINE}--scoring"
    create(cluster, namespace, *the_ancestors_service("serve", "serve"), *the_ancestors_service(old_name, "scoring"))
    create(cluster, namespace, the_ancestors_job("train"), a_secret("aws", group, "old-value"))
    create(cluster, GROUPS, a_secret(f"{group}-aws", group, "new-value"))
    for name in ("serve", old_name):
        cluster.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=120s")
    facts: Any = {"name": f"bodywork-{PIPELINE}", "labels": {"bodywork/pipeline": PIPELINE, "bodywork/step": "0"}}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": facts, "data": {"dag": "train >> serve", "secrets-group": group}}
    train = a_batch("train", 1, "import os; print(len(os.environ['KEY']))", env=[from_secret("KEY", "aws", "KEY")])
    plan = [settings, train, *a_service("serve", 2, SAYS.replace("{word}", "new")), *named(old_name, a_service("scoring", 2))]
    before = standing(cluster, namespace)

    refused = apply(cluster, namespace, *plan)
    assert refused.exit_code == 1
    assert "Deployment serve (it is earlier Bodywork's)" in refused.err
    assert f"Service {old_name} (it is earlier Bodywork's)" in refused.err
    assert "Job train (it is earlier Bodywork's)" in refused.err
    assert "bodywork apply --adopt" in refused.err
    assert standing(cluster, namespace) == before

    with a_client(cluster, namespace, "serve") as asked:
        never_listens = a_service("serve", 1, RUNS_ON)
        broken = apply(cluster, namespace, settings, *never_listens, a_batch("fails", 1, "raise SystemExit('no data')"), adopt=True)
        assert broken.exit_code == 4
        assert cluster.get("service", "serve", "-n", namespace)["spec"]["selector"] == {"stage": "serve"}, "the old pods serve on"

        run = apply(cluster, namespace, *plan, adopt=True)
        assert run.exit_code == 0, run.err
        assert run.log("train") == [str(len("new-value"))]
        met = asked()
    assert (met.kinds, met.failures) == ({"old", "new"}, [])

    again = apply(cluster, namespace, *plan)
    assert again.exit_code == 0, again.err
    for name, stage in (("serve", "serve"), (old_name, "scoring")):
        ours = {"bodywork/pipeline": PIPELINE, "bodywork/stage": stage}
        assert cluster.get("service", name, "-n", namespace)["spec"]["selector"] == ours
        assert cluster.get("deployment", name, "-n", namespace)["spec"]["selector"]["matchLabels"] == ours
    assert cluster.get("replicasets", "-n", namespace, "-l", "app=bodywork")["items"] == []
    copy = cluster.get("secret", "aws", "-n", namespace)
    assert base64.b64decode(copy["data"]["KEY"]) == b"new-value"
    assert [each["metadata"]["name"] for each in cluster.get("jobs", "-n", namespace)["items"]] == ["train"]
