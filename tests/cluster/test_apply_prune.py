"""What a good run removes, and what it never touches: other stages', other pipelines', other repositories' and other people's objects."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import a_batch_stage, a_project, a_repository, a_service_stage, write
from clusters import Cluster
from hand_made import PIPELINE, Manifest, Run, a_batch, a_service, run_of, stream

pytestmark = pytest.mark.cluster
URL = "https://git.example.com/acme/tiny.git"
BRANCH = "feature/x"


def of(url: str | None, *manifests: Manifest, pipeline: str = PIPELINE) -> list[Manifest]:
    """Manifests as a render of that repository has them; `pipeline` is theirs."""
    text = json.dumps(manifests).replace(f'"bodywork/pipeline": "{PIPELINE}"', f'"bodywork/pipeline": "{pipeline}"')
    found: list[Manifest] = json.loads(text)
    origin = {"bodywork/git-url": url, "bodywork/git-branch": BRANCH, "bodywork/git-commit": "3f2a9c1" + "0" * 33} if url else {}
    return [{**each, "metadata": {**each["metadata"], "annotations": origin}} for each in found]


def a_source(name: str) -> Manifest:
    metadata = {"name": name, "labels": {"bodywork/pipeline": PIPELINE, "bodywork/step": "0"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": {"source": name}}


def a_service_reading(config_map: str) -> list[Manifest]:
    """A service whose pods name a ConfigMap, as those of an inline source do."""
    deployment, service = a_service("serve", 2)
    deployment["spec"]["template"]["spec"]["volumes"] = [{"name": "source", "configMap": {"name": config_map}}]
    return [deployment, service]


def an_object(kind: str, name: str, **labels: str) -> Manifest:
    """Somebody's own."""
    spec = {"spec": {"ports": [{"port": 80}]}} if kind == "Service" else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}, **spec}


def put(cluster: Cluster, namespace: str, *manifests: Manifest) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=stream(*manifests))


def apply(cluster: Cluster, namespace: str, *manifests: Manifest, options: tuple[str, ...] = ()) -> Run:
    done = cluster.bodywork("apply", "-", "-o", "json", "--namespace", namespace, *options, cwd=Path("/"), stdin=stream(*manifests))
    return run_of(done.returncode, done.stdout, done.stderr)


def bodywork(cluster: Cluster, *argv: str, cwd: Path) -> Any:
    where = ("--kubeconfig", str(cluster.kubeconfig), "-o", "json")
    done = cluster.run(sys.executable, "-m", "bodywork_compiler", *argv, *where, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def standing(cluster: Cluster, namespace: str) -> set[str]:
    found = cluster.get("deployments,jobs,services,configmaps,secrets", "-n", namespace)["items"]
    return {f"{each['kind']}/{each['metadata']['name']}" for each in found} - {"ConfigMap/kube-root-ca.crt"}


def removed(run: Run) -> set[str]:
    jobs = {each["name"] for each in run.of("object_changed") if each["kind"] == "Job"}
    gone = {f"{each['kind']}/{each['name']}" for each in run.of("object_changed") if each["action"] == "deleted"}
    return gone - {f"Job/{each}" for each in jobs}


def test_only_its_own_that_no_stage_needs(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """Two pipelines whose names and stages are prefixes of each other, in one namespace, with decoys."""
    second = of(URL, a_batch("train-2", 1, "print('of the second')"), *a_service("serve-2", 2), pipeline=f"{PIPELINE}-2")
    first = [a_batch("train", 1, "print('of the first')"), a_batch("train-3", 1)]
    assert apply(cluster, namespace, *second).exit_code == 0
    whole = of(URL, a_source("source-1"), a_source("source-0"), *first, *a_service_reading("source-1"), *a_service("gone", 2))
    run = apply(cluster, namespace, *whole)
    assert (run.exit_code, run.log("train")) == (0, ["of the first"]), run.err
    decoys = [
        an_object("ConfigMap", "theirs"),
        an_object("ConfigMap", "labelled", **{"bodywork/pipeline": PIPELINE}),
        an_object("ConfigMap", "as-if-rendered", **{"bodywork/pipeline": PIPELINE, "bodywork/step": "0"}),
        an_object("ConfigMap", "of-a-stage", **{"bodywork/stage": "gone"}),
        an_object("Secret", "own", **{"bodywork/pipeline": PIPELINE}),
        *of(
            "https://git.example.com/other/tiny.git",
            an_object("Service", "foreign", **{"bodywork/pipeline": PIPELINE, "bodywork/step": "1"}),
        ),
    ]
    put(cluster, namespace, *decoys)
    before = standing(cluster, namespace)
    less = of("git@git.example.com:acme/tiny", a_source("source-2"), *first, *a_service_reading("source-2"))

    kept = apply(cluster, namespace, *less, options=("--no-prune",))
    assert (kept.exit_code, removed(kept)) == (0, set())
    assert any("(--no-prune): service/gone, deployment/gone, configmap/source-0" in each["message"] for each in kept.of("notice"))
    assert standing(cluster, namespace) == before | {"ConfigMap/source-2"}

    run = apply(cluster, namespace, *less)
    assert run.exit_code == 0, run.err
    gone = {"Deployment/gone", "Service/gone", "ConfigMap/source-0"}
    assert removed(run) == gone
    listed = next(each["message"] for each in run.of("notice") if "no stage needs any more" in each["message"])
    assert listed == "removing what no stage needs any more: service/gone, deployment/gone, configmap/source-0"
    assert run.position("notice", message=listed) < run.position("object_changed", name="gone", action="deleted")
    assert standing(cluster, namespace) == (before | {"ConfigMap/source-2"}) - gone, "source-1 is named by the revision before"

    failed = apply(cluster, namespace, *of(URL, a_batch("train", 1, "raise SystemExit('no data')")))
    assert (failed.exit_code, removed(failed)) == (4, set())

    for name, stages in ((PIPELINE, {"train", "serve"}), (f"{PIPELINE}-2", {"train-2", "serve-2"})):
        which = ("--pipeline", name, "--namespace", namespace)
        assert {each["stage"] for each in bodywork(cluster, "status", *which, cwd=tmp_path)["stages"]} == stages
        runs = bodywork(cluster, "history", *which, cwd=tmp_path)["runs"]
        assert {stage["stage"] for run in runs[1:] for stage in run["stages"]} <= {*stages, "train-3", "gone"}
        assert all(run["git_branch"] == BRANCH and run["git_commit"].startswith("3f2a9c1") for run in runs)
        assert len({run["id"] for run in runs}) == len(runs) == (4 if name == PIPELINE else 1)


def test_a_pipeline_of_another_repository_is_refused_and_with_adopt_taken_over(cluster: Cluster, namespace: str) -> None:
    theirs = of("https://git.example.com/other/tiny.git", a_batch("fit", 1), *a_service("gone", 1))
    assert apply(cluster, namespace, *theirs).exit_code == 0
    before = standing(cluster, namespace)

    refused = apply(cluster, namespace, *of(URL, a_batch("train", 1)))
    assert refused.exit_code == 1
    assert (
        f"pipeline {PIPELINE} in namespace {namespace} belongs to another repository: https://git.example.com/other/tiny.git" in refused.err
    )
    assert f"at 3f2a9c1 ({BRANCH})" in refused.err
    assert "--adopt" in refused.err
    assert (refused.of("object_changed"), standing(cluster, namespace)) == ([], before)

    adopted = apply(cluster, namespace, *of(URL, a_batch("train", 1)), options=("--adopt", "all"))
    assert adopted.exit_code == 0, adopted.err
    assert standing(cluster, namespace) == {"Job/train", f"ConfigMap/bodywork-{PIPELINE}-runs"}
    assert apply(cluster, namespace, *of(URL, a_batch("train", 1))).exit_code == 0


def test_an_overlay_that_renames_and_relabels_all_lives_beside_its_base(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    stages = {"train": a_batch_stage(), "serve": a_service_stage()}
    repository = a_repository(tmp_path / "iris")
    a_project(repository.path, stages=stages, dag="train >> serve", namespace=namespace)
    write(
        repository.path / "serve" / "main.py",
        "import http.server as h\nh.HTTPServer(('', 5000), h.SimpleHTTPRequestHandler).serve_forever()\n",
    )
    repository.commit("First version")
    rendered = cluster.bodywork("render", repository.path, "-o", tmp_path / "base", "--inline-source", cwd=tmp_path)
    assert rendered.returncode == 0, rendered.stderr
    relabelled = {
        "bodywork/pipeline": "iris-prod",
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/name": "shop",
        "app.kubernetes.io/managed-by": "kustomize",
    }
    labels = [{"pairs": relabelled, "includeSelectors": True}]
    overlay = {"resources": ["../base"], "namePrefix": "prod-", "namespace": namespace, "labels": labels}
    write(tmp_path / "overlay" / "kustomization.yaml", yaml.safe_dump(overlay))

    runs = [cluster.bodywork("apply", tmp_path / each, "-o", "json", cwd=tmp_path) for each in ("base", "overlay", "base")]
    assert [each.returncode for each in runs] == [0, 0, 0], [each.stderr for each in runs]
    last = run_of(runs[2].returncode, runs[2].stdout, runs[2].stderr)
    assert [each for each in last.of("notice") if "no stage needs" in each["message"]] == []
    for name, prefix in (("iris", ""), ("iris-prod", "prod-")):
        status = bodywork(cluster, "status", "--pipeline", name, "--namespace", namespace, cwd=tmp_path)
        assert [(each["name"], each["state"]) for each in status["stages"]] == [
            (f"{prefix}train", "succeeded"),
            (f"{prefix}serve", "available"),
        ]
        assert len(bodywork(cluster, "history", "--pipeline", name, "--namespace", namespace, cwd=tmp_path)["runs"]) == (
            2 if not prefix else 1
        )
