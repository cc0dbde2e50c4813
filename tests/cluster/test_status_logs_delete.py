"""`bodywork status`, `logs` and `delete` on a real cluster, and by a user who has rights in one namespace only."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, Done
from hand_made import PIPELINE, Manifest, a_batch, a_service, apply, stream

pytestmark = pytest.mark.cluster

ENDS_BADLY = "import sys; print('the model is missing'); sys.exit(3)"
SLOWLY = "import time\nfor n in range(3): print('epoch', n, flush=True); time.sleep(1)"


def bodywork(cluster: Cluster, verb: str, *argv: str, kubeconfig: Path | None = None, cwd: Path) -> Done:
    where = ("--kubeconfig", str(kubeconfig or cluster.kubeconfig))
    return cluster.run(sys.executable, "-m", "bodywork_compiler", verb, *argv, *where, cwd=cwd)


def put(cluster: Cluster, namespace: str, *manifests: Manifest) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=stream(*manifests))


def of_pipeline(name: str, *manifests: Manifest) -> list[Manifest]:
    """The same manifests as another pipeline's."""
    return [
        json.loads(json.dumps(each).replace(f'"bodywork/pipeline": "{PIPELINE}"', f'"bodywork/pipeline": "{name}"')) for each in manifests
    ]


def a_config_map(name: str, **labels: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": {"dag": "train >> serve"}}


def a_secret(name: str, *, copied: bool = False) -> Manifest:
    """With the pipeline's label; only a copy of a group's secret is Bodywork's own."""
    origin = {"bodywork/copied-from": f"bodywork/{name}"} if copied else {}
    metadata = {"name": name, "labels": {"bodywork/pipeline": PIPELINE}, "annotations": origin}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"PASSWORD": "swordfish"}}


@pytest.fixture
def admins_kubeconfig(cluster: Cluster, namespace: str, tmp_path: Path) -> Path:
    """Of a user who is `admin` in the namespace and nothing anywhere else."""
    cluster.kubectl("create", "serviceaccount", "ada", "-n", namespace)
    cluster.kubectl("create", "rolebinding", "ada", "--clusterrole=admin", f"--serviceaccount={namespace}:ada", "-n", namespace)
    token = cluster.kubectl("create", "token", "ada", "-n", namespace).strip()
    config: Any = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    config["users"] = [{"name": "ada", "user": {"token": token}}]
    config["contexts"][0]["context"] |= {"user": "ada", "namespace": namespace}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    file.chmod(0o600)
    return file


def test_who_is_only_admin_of_the_namespace_can_look_and_delete_and_all_else_survives(
    cluster: Cluster, namespace: str, admins_kubeconfig: Path, tmp_path: Path
) -> None:
    assert apply(cluster, namespace, a_batch("train", 1, "print('accuracy=0.9')"), *a_service("serve", 2)).exit_code == 0
    put(
        cluster,
        namespace,
        a_config_map(f"bodywork-{PIPELINE}", **{"bodywork/pipeline": PIPELINE, "bodywork/role": "pipeline"}),
        a_secret("store", copied=True),
    )
    decoys = of_pipeline("tiny-2", a_batch("train-2", 1), *a_service("serve-2", 2))
    put(
        cluster,
        namespace,
        *decoys,
        a_config_map(f"bodywork-{PIPELINE}-not-ours"),
        a_config_map("labelled", **{"bodywork/stage": "train"}),
        a_secret("own"),
    )
    which = ("--pipeline", PIPELINE, "--namespace", namespace)

    status = bodywork(cluster, "status", *which, "-o", "json", kubeconfig=admins_kubeconfig, cwd=tmp_path)
    assert status.returncode == 0, status.stderr
    told = json.loads(status.stdout)
    assert [(each["stage"], each["step"], each["state"]) for each in told["stages"]] == [
        ("train", 1, "succeeded"),
        ("serve", 2, "available"),
    ]
    assert told["stages"][1]["endpoint"] == f"http://serve.{namespace}.svc.cluster.local:5000"
    assert told["last_run"]["result"] == "succeeded"

    logs = bodywork(cluster, "logs", "train", *which, kubeconfig=admins_kubeconfig, cwd=tmp_path)
    assert (logs.returncode, logs.stdout) == (0, "accuracy=0.9\n")

    with_namespace = bodywork(cluster, "delete", *which, "--namespace-too", kubeconfig=admins_kubeconfig, cwd=tmp_path)
    assert with_namespace.returncode == 1
    assert "was not made by Bodywork; nothing was deleted" in with_namespace.stderr

    deleted = bodywork(cluster, "delete", *which, kubeconfig=admins_kubeconfig, cwd=tmp_path)
    assert deleted.returncode == 0, deleted.stderr
    assert sorted(deleted.stdout.splitlines()) == [
        f"deleted configmap/bodywork-{PIPELINE}",
        f"deleted configmap/bodywork-{PIPELINE}-runs",
        "deleted deployment/serve",
        "deleted job/train",
        f"deleted lease/bodywork-{PIPELINE}",
        "deleted secret/store",
        "deleted service/serve",
    ]
    kinds = "deployments,replicasets,jobs,services,configmaps,pods"
    assert cluster.get(kinds, "-n", namespace, "-l", f"bodywork/pipeline={PIPELINE}")["items"] == []
    left = {
        f"{each['kind']}/{each['metadata']['name']}"
        for each in cluster.get("deployments,jobs,services,configmaps,secrets", "-n", namespace)["items"]
    }
    assert left >= {
        "Deployment/serve-2",
        "Job/train-2",
        "Service/serve-2",
        f"ConfigMap/bodywork-{PIPELINE}-not-ours",
        "ConfigMap/labelled",
        "Secret/own",
    }


def test_another_users_namespace_is_refused_in_the_servers_words(
    cluster: Cluster, namespace: str, admins_kubeconfig: Path, tmp_path: Path
) -> None:
    done = bodywork(cluster, "status", "--namespace", "kube-system", kubeconfig=admins_kubeconfig, cwd=tmp_path)
    assert done.returncode == 1
    assert f'User "system:serviceaccount:{namespace}:ada" cannot list resource' in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_are_followed_over_every_pod_of_a_stage_until_its_job_has_ended(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    job = a_batch("train", 1, SLOWLY)
    job["spec"] |= {"completions": 2, "parallelism": 2}
    put(cluster, namespace, job, a_batch("train-2", 1, "print('another stage')"))

    done = bodywork(cluster, "logs", "train", "-f", "--namespace", namespace, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    by_pod: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        pod, _, printed = line.partition("] ")
        by_pod.setdefault(pod, []).append(printed)
    assert list(by_pod.values()) == [["epoch 0", "epoch 1", "epoch 2"]] * 2


def test_a_service_that_crashes_is_told_with_its_reason_and_its_previous_log(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    put(cluster, namespace, *a_service("serve", 1, ENDS_BADLY))
    cluster.kubectl("wait", "pod", "-n", namespace, "-l", "bodywork/stage=serve", "--for=create", "--timeout=60s")
    backs_off = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff"
    cluster.kubectl("wait", "pod", "-n", namespace, "-l", "bodywork/stage=serve", f"--for={backs_off}", "--timeout=60s")

    status = bodywork(cluster, "status", "--namespace", namespace, cwd=tmp_path)
    previous = bodywork(cluster, "logs", "serve", "--previous", "--tail", "1", "--namespace", namespace, cwd=tmp_path)

    assert "0/1" in status.stdout
    assert "exited with code 3" in status.stdout
    assert (previous.returncode, previous.stdout) == (0, "the model is missing\n")


def test_a_namespace_that_bodywork_made_goes_with_its_pipeline_only_when_asked(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    made = f"{namespace}-made"
    try:
        assert apply(cluster, made, a_batch("train", 1)).exit_code == 0
        dry = bodywork(cluster, "delete", "--namespace", made, "--namespace-too", "--dry-run", cwd=tmp_path)
        listed = ["job/train", f"configmap/bodywork-{PIPELINE}-runs", f"lease/bodywork-{PIPELINE}"]
        assert dry.stdout.splitlines() == [f"would delete {each}" for each in (*listed, f"namespace/{made}, with everything in it")]
        assert cluster.get("job", "train", "-n", made)

        cluster.kubectl("create", "secret", "generic", "aws", "-n", made, "--from-literal=KEY=1")
        with_others = bodywork(cluster, "delete", "--namespace", made, "--namespace-too", "--dry-run", cwd=tmp_path)
        assert with_others.stdout.splitlines()[-1] == f"would delete namespace/{made}, with everything in it: secret/aws"
        refused = bodywork(cluster, "delete", "--namespace", made, "--namespace-too", cwd=tmp_path)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"namespace {made} holds more than {PIPELINE}: secret/aws; nothing was deleted" in refused.stderr
        assert cluster.get("job", "train", "-n", made)

        done = bodywork(cluster, "delete", "--namespace", made, "--namespace-too", "--yes", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert cluster.kubectl("get", "namespace", made, "--ignore-not-found") == ""
    finally:
        cluster.delete_namespace(made)
