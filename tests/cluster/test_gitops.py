"""A rendered folder without Bodywork: by hand as its README says, and in the order in which Argo CD would take it."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import Repository, a_batch_stage, a_pipeline, a_service_stage, write
from clusters import Cluster

pytestmark = pytest.mark.cluster
SERVES = "import http.server\nhttp.server.HTTPServer(('', 5000), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
WAVE, HOOK = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook"


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    small = {"cpu_request": 0, "memory_request_mb": 0}
    stages = {"train": a_batch_stage(**small), "serve": a_service_stage(**small), "report": a_batch_stage(**small)}
    repository = a_pipeline(tmp_path / "iris", remote=None, stages=stages, dag="train >> serve", run_on_failure="report")
    write(repository.path / "serve" / "main.py", SERVES)
    repository.commit("It serves")
    return repository


def rendered(cluster: Cluster, iris: Repository, *options: str) -> Path:
    folder = iris.path.parent / "manifests"
    done = cluster.bodywork("render", iris.path, "--no-namespace", "-o", folder, *options, cwd=iris.path)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_commands_of_the_folders_readme_run_it_step_by_step(cluster: Cluster, namespace: str, iris: Repository) -> None:
    folder = rendered(cluster, iris)
    block = re.search(r"## One step by hand.*?\n\n(    .*?)\n\n\S", (folder / "README.md").read_text(), re.DOTALL)
    assert block
    commands = [line.strip().replace("NAMESPACE", namespace) for line in block[1].splitlines() if line.strip()]
    setup = next(line for line in commands if "apply" in line).replace("bodywork/step=1", "bodywork/step=0")

    def typed(line: str) -> None:
        done = cluster.run("sh", "-ec", line.replace("kubectl ", f"kubectl --kubeconfig={cluster.kubeconfig} "), cwd=folder)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"

    typed(setup)
    for step, without in (("1", "rollout status"), ("2", "wait job")):
        for line in (each for each in commands if without not in each):
            typed(line.replace("bodywork/step=1", f"bodywork/step={step}"))
    jobs = {each["metadata"]["name"]: each for each in cluster.get("jobs", "-n", namespace)["items"]}
    assert jobs["train"]["status"]["succeeded"] == 1
    assert "report" not in jobs, "it has no step"
    assert cluster.get("deployment", "serve", "-n", namespace)["status"]["availableReplicas"] == 1


def test_waves_and_hooks_run_it_in_the_order_of_its_steps_again_and_again(cluster: Cluster, namespace: str, iris: Repository) -> None:
    """As Argo CD documents it: by wave, hooks made anew, the next wave when all of this one is healthy. It is not here itself: it has no image here."""
    folder = rendered(cluster, iris, "--argo-cd")
    built: list[dict[str, Any]] = list(yaml.safe_load_all(cluster.run("kubectl", "kustomize", str(folder)).stdout))

    def annotation(each: dict[str, Any], key: str) -> str:
        return str(each["metadata"].get("annotations", {}).get(key, "0"))

    synced = sorted((each for each in built if annotation(each, HOOK) != "SyncFail"), key=lambda each: int(annotation(each, WAVE)))
    for _ in range(2):
        for _wave, found in groupby(synced, key=lambda each: annotation(each, WAVE)):
            objects = list(found)
            names = [f"job/{each['metadata']['name']}" for each in objects if annotation(each, HOOK) == "Sync"]
            if names:
                cluster.kubectl("delete", *names, "-n", namespace, "--ignore-not-found")
            cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
            for job in names:
                cluster.kubectl("wait", job, "-n", namespace, "--for=condition=Complete", "--timeout=120s")
            for each in (each for each in objects if each["kind"] == "Deployment"):
                cluster.kubectl("rollout", "status", f"deployment/{each['metadata']['name']}", "-n", namespace, "--timeout=120s")
    (failure,) = [each for each in built if annotation(each, HOOK) == "SyncFail"]
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(failure))
    cluster.kubectl("wait", "job/report", "-n", namespace, "--for=condition=Complete", "--timeout=120s")


def test_two_overlays_in_two_namespaces_have_nothing_of_each_other(cluster: Cluster, namespace: str, iris: Repository) -> None:
    """Production and staging of one rendered folder: a failure, a change and the end of one leave the other as it is."""
    folder, staging = rendered(cluster, iris), f"{namespace[:50]}-staging"

    def applied(where: str, replicas: int, *patches: dict[str, Any]) -> int:
        scaled = {"target": {"kind": "Deployment"}, "patch": f"- {{op: replace, path: /spec/replicas, value: {replicas}}}"}
        overlay = {"resources": ["../manifests"], "sortOptions": {"order": "fifo"}, "namespace": where, "patches": [scaled, *patches]}
        write(folder.parent / where / "kustomization.yaml", yaml.safe_dump(overlay))
        built = cluster.kubectl("kustomize", str(folder.parent / where))
        return cluster.bodywork("apply", "-", cwd=folder.parent, stdin=built).returncode

    def stands(where: str) -> Any:
        deployment = cluster.get("deployment", "serve", "-n", where)
        maps = cluster.get("configmaps", "-n", where, "-l", "bodywork/pipeline")["items"]
        urls = [each["data"]["BODYWORK_SERVICE_SERVE_URL"] for each in maps if "BODYWORK_SERVICE_SERVE_URL" in (each.get("data") or {})]
        return deployment["spec"]["replicas"], deployment["status"]["availableReplicas"], urls

    cluster.make_namespace(staging)
    try:
        assert (applied(namespace, 2), applied(staging, 1)) == (0, 0)
        production = stands(namespace)
        assert production[:2] == (2, 2)
        assert stands(staging)[:2] == (1, 1)
        assert production[2] == stands(staging)[2] == ["http://serve:5000"], "a name that is right in every namespace"

        broken = "- {op: replace, path: /spec/template/spec/containers/0/command, value: ['false']}"
        fails = {"target": {"kind": "Job", "name": "train"}, "patch": broken}
        assert applied(staging, 3, fails) == 4
        assert stands(staging)[:2] == (1, 1)
        where = ("--namespace", staging, "--kubeconfig", str(cluster.kubeconfig))
        assert cluster.bodywork("delete", "--pipeline", "iris", "--yes", *where, cwd=folder.parent).returncode == 0
        assert stands(namespace) == production
    finally:
        cluster.delete_namespace(staging)
