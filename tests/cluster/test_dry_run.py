"""`bodywork apply --dry-run` on a real cluster: the server's word on every object, and nothing changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster
from hand_made import Manifest, Run, a_batch, a_service, apply, programs, run_of, stream

pytestmark = pytest.mark.cluster


def dry_run(cluster: Cluster, namespace: str, *manifests: Manifest, by: str = "server") -> Run:
    done = cluster.bodywork(
        "apply", "-", f"--dry-run={by}", "-o", "json", "--namespace", namespace, cwd=Path("/"), stdin=stream(*manifests)
    )
    return run_of(done.returncode, done.stdout, done.stderr)


def actions(run: Run) -> dict[str, str]:
    return {f"{each['kind']} {each['name']}": each["action"] for each in run.of("object_checked")}


def state(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Every object that a run could have made or changed, but for what controllers write."""
    found = cluster.get("-n", namespace, "jobs,deployments,services,configmaps,secrets,leases,replicasets")["items"]
    return {each["metadata"]["uid"]: (each.get("spec"), each.get("data"), each["metadata"].get("annotations")) for each in found}


@pytest.mark.parametrize("kubectl", programs("kubectl"), ids=lambda path: str(path.parent.name))
def test_beside_finished_jobs_it_leaves_all_as_it_was(
    cluster: Cluster, namespace: str, kubectl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}")
    assert apply(cluster, namespace, a_batch("train", 1), *a_service("serve", 2)).exit_code == 0
    before = state(cluster, namespace)
    changed = a_service("serve", 2, env=[{"name": "MODEL", "value": "newer"}])
    run = dry_run(cluster, namespace, a_batch("train", 1, "print(2)"), *changed, a_batch("report", 3))

    assert run.exit_code == 0, run.err
    assert actions(run) == {"Job train": "created", "Deployment serve": "configured", "Service serve": "unchanged", "Job report": "created"}
    assert state(cluster, namespace) == before
    assert [each["step"] for each in run.of("step_started")] == [1, 2, 3]
    assert run.events[-1]["event"] == "dry_run_ended"


def test_all_refusals_are_told_and_exit_with_1(cluster: Cluster, namespace: str) -> None:
    typo = a_batch("train", 1, imge="x")
    _, service = a_service("serve", 2)
    service["spec"]["ports"][0]["port"] = 99999
    unknown = {"apiVersion": "example.org/v1", "kind": "Model", "metadata": {"name": "model"}}
    before = state(cluster, namespace)
    run = dry_run(cluster, namespace, unknown, typo, a_batch("good", 1), service)

    assert run.exit_code == 1
    assert actions(run) == {"Model model": "refused", "Job train": "refused", "Job good": "created", "Service serve": "refused"}
    reasons = {each["name"]: each["reason"] for each in run.of("object_checked")}
    assert "no matches for kind" in reasons["model"]
    assert 'unknown field "spec.template.spec.containers[0].imge"' in reasons["train"]
    assert "99999" in reasons["serve"]
    assert run.one("dry_run_ended")["refused"] == 3
    assert state(cluster, namespace) == before


def test_a_pod_security_standard_is_a_warning(cluster: Cluster, namespace: str) -> None:
    run = dry_run(cluster, namespace, a_batch("train", 1, securityContext={"privileged": True}))
    assert run.exit_code == 0
    assert ["PodSecurity" in each["message"] and each["level"] == "WARNING" for each in run.of("notice")] == [True]


def test_a_new_namespace_is_asked_about_in_another_one_and_not_made(cluster: Cluster, namespace: str) -> None:
    absent = f"{namespace}-absent"
    manifests = stream({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": absent}}, a_batch("train", 1), *a_service("serve", 2))
    words = ("apply", "-", "--dry-run=server", "-o", "json", "--namespace", absent, "--dry-run-namespace", namespace)
    before = state(cluster, namespace)
    done = cluster.bodywork(*words, cwd=Path("/"), stdin=manifests)
    run = run_of(done.returncode, done.stdout, done.stderr)

    assert run.exit_code == 0, run.err + done.stdout
    assert set(actions(run).values()) == {"created"}
    assert f"asked about in namespace {namespace}" in run.of("notice")[0]["message"]
    assert state(cluster, namespace) == before
    assert cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "get", "namespace", absent).returncode == 1


def test_a_clients_dry_run_shows_the_steps_and_makes_nothing(cluster: Cluster, namespace: str) -> None:
    before = state(cluster, namespace)
    run = dry_run(cluster, namespace, a_batch("train", 1), *a_service("serve", 2), by="client")

    assert run.exit_code == 0, run.err
    assert set(actions(run).values()) == {"applied"}
    assert [each["stages"] for each in run.of("step_started")] == [["train"], ["serve"]]
    assert state(cluster, namespace) == before
