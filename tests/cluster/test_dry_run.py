"""`bodywork apply --dry-run` on a real cluster: the server's word on every object, and nothing changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster
from hand_made import RUNS_ON, Manifest, Run, a_batch, a_service, apply, programs, run_of, stream

pytestmark = pytest.mark.cluster


def dry_run(cluster: Cluster, namespace: str, *manifests: Manifest, by: str = "server", options: Sequence[str] = ()) -> Run:
    words = ("apply", "-", f"--dry-run={by}", "-o", "json", "--namespace", namespace, *options)
    done = cluster.bodywork(*words, cwd=Path("/"), stdin=stream(*manifests))
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


def test_what_only_a_pod_meets_is_refused_as_apply_and_diff_refuse_it(cluster: Cluster, namespace: str) -> None:
    """Pod Security, a quota for good, a limit: a Job is let in all the same, and its pods never are."""
    limits = {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}
    put(cluster, namespace, "LimitRange", limits)
    pipeline = [
        a_batch("good", 1, RUNS_ON),
        a_batch("unrestricted", 2, securityContext={}),
        *a_service("large", 3, resources={"requests": {"memory": "2Gi"}, "limits": {"memory": "2Gi"}}),
    ]
    refused = (
        "Job unrestricted: its pods are refused: violates PodSecurity",
        "Deployment large: its pods are refused: maximum memory usage",
    )

    run = dry_run(cluster, namespace, *pipeline)
    assert (run.exit_code, run.one("dry_run_ended")["refused"]) == (1, 2)
    reasons = [f"{each['kind']} {each['name']}: {each['reason']}" for each in run.of("object_checked") if each["action"] == "refused"]
    assert all(said.startswith(begins) for said, begins in zip(reasons, refused, strict=True)), reasons

    applied = apply(cluster, namespace, *pipeline)
    assert applied.exit_code == 1
    assert all(each in applied.err for each in refused), applied.err
    assert cluster.get("jobs,deployments,services", "-n", namespace)["items"] == []

    differs = cluster.bodywork("diff", "-", "--namespace", namespace, cwd=Path("/"), stdin=stream(*pipeline))
    assert differs.returncode == 2
    assert all(each in differs.stderr for each in refused), differs.stderr


def test_a_changed_job_that_is_no_stages_is_refused_before_step_1(cluster: Cluster, namespace: str) -> None:
    """A run removes the Jobs of its stages alone; another's template cannot be changed."""
    extra = a_batch("seed-database", 1)
    extra["metadata"]["labels"] = {}
    extra["spec"]["template"]["metadata"]["labels"] = {"app": "seed"}
    assert apply(cluster, namespace, extra, a_batch("train", 1)).exit_code == 0
    assert dry_run(cluster, namespace, extra, a_batch("train", 1)).exit_code == 0

    extra["spec"]["template"]["spec"]["containers"][0]["command"] = ["python3", "-c", "print('other')"]
    for run in (dry_run(cluster, namespace, extra, a_batch("train", 1)), apply(cluster, namespace, extra, a_batch("train", 1))):
        assert run.exit_code == 1
        assert "field is immutable" in run.err + str(run.of("object_checked"))


def test_warnings_are_told_and_are_errors_where_that_is_asked_for(cluster: Cluster, namespace: str) -> None:
    put(cluster, namespace, "ResourceQuota", {"hard": {"pods": "1"}})
    holder = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "holder"},
        "spec": a_batch("x", 1, RUNS_ON)["spec"]["template"]["spec"],
    }
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=stream(holder))
    run = dry_run(cluster, namespace, a_batch("train", 1))
    assert run.exit_code == 0
    assert ["exceeded quota" in each["message"] for each in run.of("notice")] == [True]
    assert dry_run(cluster, namespace, a_batch("train", 1), options=["--warnings-as-errors"]).exit_code == 1
    assert apply(cluster, namespace, a_batch("train", 1), options=["--warnings-as-errors"]).exit_code == 1
    words = ("diff", "-", "--namespace", namespace, "--warnings-as-errors")
    assert cluster.bodywork(*words, cwd=Path("/"), stdin=stream(a_batch("train", 1))).returncode == 2


def put(cluster: Cluster, namespace: str, kind: str, spec: Manifest) -> None:
    cluster.kubectl(
        "create", "-n", namespace, "-f", "-", stdin=stream({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec})
    )


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
