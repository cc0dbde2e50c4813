"""Projects of Bodywork 1 and 2 that run on a cluster: taken over under a client, migrated, applied again; nothing is there twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import a_repository, write
from clients import a_client
from clusters import Cluster
from hand_made import IMAGE, Manifest, stream
from historic_projects import SHAPES

from bodywork_compiler import config
from bodywork_compiler.project import Service

pytestmark = pytest.mark.cluster
PROJECT = "wine-quality"
SERVICE = f"{PROJECT}--serve-model"
ANSWERS = """\
import http.server as h, signal
signal.signal(signal.SIGTERM, signal.SIG_DFL)
class Answer(h.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{word}")
    def log_message(self, *_):
        pass
h.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""
# a test stage of its time: it knows its own service by the name that its objects had
ASKS = f"""\
import os, urllib.request
print("with", len(os.environ["KEY"]), urllib.request.urlopen("http://{SERVICE}:8000/", timeout=20).read().decode())
"""
INI = {
    "bodywork.ini": f"[default]\nPROJECT_NAME={PROJECT}\nDOCKER_IMAGE={IMAGE}\n[workflow]\nDAG=train >> serve-model >> ask\n[logging]\nLOG_LEVEL=INFO\n",
    "train/config.ini": "[default]\nSTAGE_TYPE=batch\nEXECUTABLE_SCRIPT=main.py\nCPU_REQUEST=0\nMEMORY_REQUEST_MB=0\n[batch]\nMAX_COMPLETION_TIME_SECONDS=60\nRETRIES=0\n",
    "serve-model/config.ini": "[default]\nSTAGE_TYPE=service\nEXECUTABLE_SCRIPT=main.py\nCPU_REQUEST=0\nMEMORY_REQUEST_MB=0\n"
    "[service]\nMAX_STARTUP_TIME_SECONDS=60\nREPLICAS=1\nPORT=8000\nINGRESS=True\n",
    "ask/config.ini": "[default]\nSTAGE_TYPE=batch\nEXECUTABLE_SCRIPT=main.py\nCPU_REQUEST=0\nMEMORY_REQUEST_MB=0\n[batch]\nMAX_COMPLETION_TIME_SECONDS=60\nRETRIES=0\n"
    "[secrets]\nKEY=Credentials\n",
    **{f"{stage}/requirements.txt": "" for stage in ("train", "serve-model", "ask")},
}
YAML = {
    "bodywork.yaml": f"""\
version: "1.0"
project:
  name: {PROJECT}
  docker_image: {IMAGE}
  DAG: train >> serve_model >> ask
stages:
  train:
    executable_module_path: train/main.py
    cpu_request: 0
    memory_request_mb: 0
    batch: {{max_completion_time_seconds: 60, retries: 0}}
  serve_model:
    executable_module_path: serve-model/main.py
    cpu_request: 0
    memory_request_mb: 0
    service: {{max_startup_time_seconds: 60, replicas: 1, port: 8000, ingress: true}}
  ask:
    executable_module_path: ask/main.py
    cpu_request: 0
    memory_request_mb: 0
    secrets: {{KEY: credentials}}
    batch: {{max_completion_time_seconds: 60, retries: 0}}
logging:
  log_level: INFO
"""
}


def deployed(stage: str, namespace: str) -> list[Manifest]:
    """A service as Bodywork 1 and 2 made it: labels without the project, ready by time alone, the route under PROJECT--STAGE."""
    marks = {"app": "bodywork", "stage": stage}
    container = {
        "name": "bodywork",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", "-c", ANSWERS.replace("{word}", "old")],
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},  # it had none; here the client must not come too early
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "replicas": 1,
        "minReadySeconds": 3,
        "revisionHistoryLimit": 0,
        "selector": {"matchLabels": {"stage": stage}},
        "template": {"metadata": {"labels": marks}, "spec": {"containers": [container], "securityContext": security}},
    }
    service = {"type": "ClusterIP", "selector": {"stage": stage}, "ports": [{"port": 8000, "targetPort": 8000}]}
    backend = {"service": {"name": SERVICE, "port": {"number": 8000}}}
    path = {"path": f"/{namespace}/{SERVICE}(/|$)(.*)", "pathType": "ImplementationSpecific", "backend": backend}
    ingress = {"ingressClassName": "nginx", "rules": [{"http": {"paths": [path]}}]}
    named = {"name": SERVICE, "labels": {"app": "bodywork", "stage": SERVICE}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {**named, "labels": marks, "annotations": {"port": "8000"}},
            "spec": spec,
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": service},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": named, "spec": ingress},
    ]


def names(cluster: Cluster, namespace: str) -> dict[str, list[str]]:
    kinds = ("deployments", "services", "ingresses", "jobs", "replicasets")
    found = {kind: [each["metadata"]["name"] for each in cluster.get(kind, "-n", namespace)["items"]] for kind in kinds}
    return {**found, "replicasets": [each.rpartition("-")[0] for each in found["replicasets"]]}


@pytest.mark.parametrize(("config", "stage"), [(INI, "serve-model"), (YAML, "serve_model")], ids=["bodywork.ini", "config 1.0"])
def test_is_taken_over_migrated_and_applied_again(
    cluster: Cluster, namespace: str, tmp_path: Path, config: dict[str, str], stage: str
) -> None:
    for file, text in {
        **config,
        "train/main.py": "print('trained')\n",
        "serve-model/main.py": ANSWERS.replace("{word}", "new"),
        "ask/main.py": ASKS,
    }.items():
        write(tmp_path / file, text)
    repository = a_repository(tmp_path)
    repository.commit("As it ran under its Bodywork")
    cluster.make_secret(namespace, "credentials", KEY="seven77")
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=stream(*deployed(stage.replace("_", "-"), namespace)))
    cluster.kubectl("rollout", "status", f"deployment/{SERVICE}", "-n", namespace, "--timeout=120s")

    refused = cluster.bodywork("apply", "--namespace", namespace, cwd=tmp_path)
    assert refused.returncode == 1
    assert f"Deployment {SERVICE} (it is earlier Bodywork's)" in refused.stderr
    with a_client(cluster, namespace, SERVICE) as asked:
        run = cluster.bodywork("apply", "--namespace", namespace, "--adopt", "all", cwd=tmp_path)
        met = asked()
    assert run.returncode == 0, run.stdout + run.stderr
    assert "with 7 new" in run.stdout + run.stderr
    assert (met.kinds, met.failures) == ({"old", "new"}, [])
    once: dict[str, Any] = {"deployments": [SERVICE], "services": [SERVICE], "ingresses": [SERVICE], "replicasets": [SERVICE]}
    once["jobs"] = [f"{PROJECT}--ask", f"{PROJECT}--train"]
    assert names(cluster, namespace) == once

    migrated = cluster.bodywork("migrate", "--write", "--namespace", namespace, cwd=tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    repository.commit("Migrated")
    for _ in range(2):
        again = cluster.bodywork("apply", cwd=tmp_path)
        assert again.returncode == 0, again.stdout + again.stderr
        assert "with 7 new" in again.stdout + again.stderr
    assert names(cluster, namespace) == {**once, "replicasets": names(cluster, namespace)["replicasets"]}
    (path,) = cluster.get("ingress", SERVICE, "-n", namespace)["spec"]["rules"][0]["http"]["paths"]
    assert path["path"].startswith(f"/{namespace}/{SERVICE}")


LISTENS = "import http.server as h; h.ThreadingHTTPServer(('', {port}), h.SimpleHTTPRequestHandler).serve_forever()\n"
# what a node of this size has: an image that it knows, no index of packages, and no room to promise
AS_SMALL_AS_THIS_CLUSTER = {
    "python:3.9": IMAGE,
    "      - joblib==1.4.2\n": "",
    "      - mlflow==1.24.0\n": "",
    "    requirements:\n    secrets:": "    secrets:",
    "    requirements:\n      #- mlflow==1.16.0\n    secrets:": "    secrets:",
    "cpu_request: 0.5": "cpu_request: 0",
    "cpu_request: 0.25": "cpu_request: 0",
    "CPU_REQUEST=0.5": "CPU_REQUEST=0",
    "startup_time_seconds: 30": "startup_time_seconds: 120",
    "STARTUP_TIME_SECONDS=30": "STARTUP_TIME_SECONDS=120",
}


@pytest.mark.parametrize("files", SHAPES.values(), ids=list(SHAPES))
def test_a_historic_project_is_migrated_and_applied_twice(cluster: Cluster, namespace: str, tmp_path: Path, files: dict[str, str]) -> None:
    for file, text in files.items():
        for theirs, ours in AS_SMALL_AS_THIS_CLUSTER.items():
            text = text.replace(theirs, ours)  # noqa: PLW2901
        write(tmp_path / file, text)
    stages = config.load(tmp_path).project.stages
    for stage in stages:
        write(tmp_path / stage.executable, LISTENS.format(port=stage.work.port) if isinstance(stage.work, Service) else "print('done')\n")
    for secret, key in {(each.secret, each.key) for stage in stages for each in stage.secrets}:
        cluster.make_secret(namespace, secret, **{key: "seven77"})
    repository = a_repository(tmp_path)
    repository.commit("As it ran under its Bodywork")
    migrated = cluster.bodywork("migrate", "--write", "--namespace", namespace, cwd=tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    repository.commit("Migrated")

    first = cluster.bodywork("apply", cwd=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    made = names(cluster, namespace)
    again = cluster.bodywork("apply", cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert {**names(cluster, namespace), "replicasets": made["replicasets"]} == made, "nothing is there twice"
