"""`bodywork diff` on a real cluster. Every test also holds that it changes nothing."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import a_batch_stage, a_pipeline, a_service_stage, write
from clusters import Cluster, Done
from hand_made import Manifest, a_batch, a_service, apply, programs, stream

pytestmark = pytest.mark.cluster
KINDS = "jobs,deployments,services,configmaps,secrets,pods"


def diff(cluster: Cluster, namespace: str, *manifests: Manifest, form: str = "json", by: Cluster | None = None) -> Done:
    before = _state(cluster, namespace)
    done = (by or cluster).bodywork("diff", "-", "-o", form, "--namespace", namespace, cwd=Path("/"), stdin=stream(*manifests))
    assert _state(cluster, namespace) == before
    return done


def _state(cluster: Cluster, namespace: str) -> dict[str, str]:
    """What is there, by uid and generation: pods come and go in status alone."""
    found = cluster.get("-n", namespace, KINDS)["items"]
    return {each["metadata"]["uid"]: str(each.get("spec")) + str(each.get("data")) for each in found if each["kind"] != "Pod"}


def actions(done: Done) -> dict[str, str]:
    assert done.returncode in {0, 1}, done.stderr
    return {f"{each['kind']} {each['name']}": each["action"] for each in json.loads(done.stdout)["changes"]}


def a_secret(value: str) -> Manifest:
    labels = {"bodywork/pipeline": "tiny", "bodywork/step": "0"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store", "labels": labels}, "stringData": {"KEY": value}}


@pytest.mark.parametrize("kubectl", programs("kubectl"), ids=lambda path: str(path.parent.name))
def test_after_a_run_it_is_the_same(cluster: Cluster, namespace: str, kubectl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}")
    manifests = [a_secret("hunter2"), a_batch("train", 1), *a_service("serve", 2)]
    assert apply(cluster, namespace, *manifests).exit_code == 0

    done = diff(cluster, namespace, *manifests)

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(actions(done).values()) == {"same"}


def test_each_change_is_shown_and_nothing_else(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, a_secret("hunter2"), a_batch("train", 1), a_batch("old", 1), *a_service("serve", 2), *a_service("gone", 2))
    env = [{"name": "MODEL", "value": "newer"}]
    deployment, service = a_service("serve", 2, env=env, image="python:3.12")
    deployment["spec"]["replicas"] = 2
    done = diff(cluster, namespace, a_secret("correct horse"), a_batch("train", 1, "print(2)"), deployment, service, *a_service("extra", 2))

    assert done.returncode == 1, done.stderr
    assert actions(done) == {
        "Secret store": "changed",
        "Job train": "replaced",
        "Deployment serve": "changed",
        "Service serve": "same",
        "Deployment extra": "new",
        "Service extra": "new",
    }
    changes = json.loads(done.stdout)["changes"]
    (serve,) = (each for each in changes if (each["kind"], each["name"]) == ("Deployment", "serve"))
    assert _changed(serve) == [
        *("-replicas: 1", "+replicas: 2"),
        *("-image: python:3.11", "+env:", "+- name: MODEL", "+value: newer", "+image: python:3.12"),
    ]
    (train,) = (each for each in changes if each["kind"] == "Job")
    assert _changed(train) == ["-- print('done')", "+- print(2)"]
    (store,) = (each for each in changes if each["kind"] == "Secret")
    assert _changed(store) == ["-KEY: '*** (before)'", "+KEY: '*** (after)'"]
    for value in ("hunter2", "correct horse"):
        assert value not in done.stdout + done.stderr
        assert base64.b64encode(value.encode()).decode() not in done.stdout + done.stderr
    assert {(each["kind"], each["name"], each["is_removed"]) for each in json.loads(done.stdout)["left"]} == {
        ("Job", "old", True),
        ("Deployment", "gone", True),
        ("Service", "gone", True),
    }


def _changed(change: dict[str, Any]) -> list[str]:
    return [line[0] + line[1:].strip() for line in change["diff"][2:] if line[:1] in "+-"]


def test_people_see_a_unified_diff(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=stream(a_batch("train", 1)))
    done = diff(cluster, namespace, a_batch("train", 1, "print(2)"), form="text")

    assert done.returncode == 1
    assert done.stdout.startswith("Job train: replaced")
    assert "+          - print(2)\n" in done.stdout or "+        - print(2)\n" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(f"namespace {namespace}: 1 replaced")
    assert "\x1b" not in done.stdout


def test_in_a_namespace_that_is_not_there_everything_is_new_and_it_is_not_made(cluster: Cluster, namespace: str) -> None:
    absent = f"{namespace}-absent"
    done = cluster.bodywork("diff", "-", "-o", "json", "--namespace", absent, cwd=Path("/"), stdin=stream(a_batch("train", 1)))

    assert done.returncode == 1
    assert actions(done) == {"Job train": "new"}
    assert f"namespace {absent} is not there" in done.stderr
    assert cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "get", "namespace", absent).returncode == 1


def test_all_that_the_server_refuses_is_an_error(cluster: Cluster, namespace: str) -> None:
    deployment, service = a_service("serve", 1)
    service["spec"]["ports"][0]["port"] = 99999
    deployment["spec"]["template"]["spec"]["containers"][0]["imge"] = "x"
    unknown = {"apiVersion": "example.org/v1", "kind": "Model", "metadata": {"name": "model"}}
    done = diff(cluster, namespace, deployment, service, unknown)

    assert done.returncode == 2
    assert done.stdout == ""
    for word in ("99999", "imge", "Model"):
        assert word in done.stderr


@pytest.fixture
def as_user(cluster: Cluster, namespace: str, tmp_path: Path) -> Callable[[str], Cluster]:
    """The cluster as a user sees it who has one of Kubernetes' roles in the namespace, and nothing else."""

    def of(role: str) -> Cluster:
        cluster.kubectl("create", "serviceaccount", role, "-n", namespace)
        cluster.kubectl("create", "rolebinding", role, "-n", namespace, f"--clusterrole={role}", f"--serviceaccount={namespace}:{role}")
        token = cluster.kubectl("create", "token", role, "-n", namespace).strip()
        config = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
        config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
        (tmp_path / role).write_text(json.dumps(config))
        return Cluster(tmp_path / role)

    return of


def test_who_may_only_look_sees_what_their_manifests_change(cluster: Cluster, as_user: Callable[[str], Cluster], namespace: str) -> None:
    viewer = as_user("view")
    assert apply(cluster, namespace, a_batch("train", 1), *a_service("serve", 2)).exit_code == 0

    same = diff(cluster, namespace, a_batch("train", 1), *a_service("serve", 2), by=viewer)
    assert same.returncode == 0, same.stdout + same.stderr
    assert "you may not create jobs.batch in namespace" in same.stderr
    assert "role edit has these rights" in same.stderr

    changed = diff(cluster, namespace, a_batch("train", 1), *a_service("serve", 2, image="python:3.12"), *a_service("extra", 2), by=viewer)
    for right in ("patch deployments.apps", "create services", "create jobs.batch"):
        assert right in changed.stderr
    assert actions(changed) == {
        "Job train": "same",
        "Deployment serve": "changed",
        "Service serve": "same",
        "Deployment extra": "new",
        "Service extra": "new",
    }
    (serve,) = (each for each in json.loads(changed.stdout)["changes"] if (each["kind"], each["name"]) == ("Deployment", "serve"))
    assert _changed(serve) == ["-image: python:3.11", "+image: python:3.12"]


def test_who_may_not_read_an_object_is_told_which_right_lacks(cluster: Cluster, as_user: Callable[[str], Cluster], namespace: str) -> None:
    done = diff(cluster, namespace, a_secret("hunter2"), a_batch("train", 1), by=as_user("view"))
    assert done.returncode == 2
    assert f"what is there cannot be compared: you may not get secrets in namespace {namespace}" in done.stderr
    assert "role view may read all but secrets, edit those too" in done.stderr


def test_who_is_admin_of_the_namespace_can_do_it(cluster: Cluster, as_user: Callable[[str], Cluster], namespace: str) -> None:
    admin = as_user("admin")
    namespace_too = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"bodywork/pipeline": "tiny"}}}
    manifests = [namespace_too, a_secret("hunter2"), a_batch("train", 1), *a_service("serve", 2)]
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=stream(*manifests[1:]))

    assert diff(admin, namespace, *manifests).returncode == 0
    left = diff(admin, namespace, *manifests[:-2])
    assert left.returncode == 0, "kubectl has made the service, and apply removes only what runs have made"
    assert {(each["kind"], each["is_removed"]) for each in json.loads(left.stdout)["left"]} >= {("Deployment", False)}
    dry_run = admin.bodywork("apply", "-", "--dry-run=server", "--namespace", namespace, cwd=Path("/"), stdin=stream(*manifests))
    assert dry_run.returncode == 0, dry_run.stdout + dry_run.stderr


def test_another_commit_with_the_same_files_is_no_change(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """As after a squash merge, or a rebase."""
    stages = {"train": a_batch_stage(cpu_request=0.1), "serve": a_service_stage(cpu_request=0.1)}
    project = a_pipeline(tmp_path / "iris", remote=None, stages=stages, namespace=namespace)
    write(project.path / "train" / "main.py", "print('trained')\n")
    write(
        project.path / "serve" / "main.py",
        "import http.server\nhttp.server.HTTPServer(('', 5000), http.server.SimpleHTTPRequestHandler).serve_forever()\n",
    )
    first = project.commit("Stages")
    done = cluster.bodywork("apply", "--yes", cwd=project.path)
    assert done.returncode == 0, done.stdout + done.stderr
    project.git("commit", "--quiet", "--amend", "--message=The same, squashed")

    same = cluster.bodywork("diff", cwd=project.path)
    assert same.returncode == 0, same.stdout + same.stderr
    assert f"commit {first[:7]} runs there, and has the same files" in same.stderr
    write(project.path / "train" / "main.py", "print('trained better')\n")
    project.commit("Better")
    other = cluster.bodywork("diff", cwd=project.path)
    assert other.returncode == 1
    assert "has the same files" not in other.stderr
