"""Manifests → what this machine starts: argv, environment, folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bodywork_compiler.local import start
from bodywork_compiler.local.process import Here, expanded, mapped, process_of, readdressed
from bodywork_compiler.local.workloads import Container, Mount, Reference, Volume, container_of, references, workload_of
from bodywork_compiler.manifests import KubeObject, Plan, PlanStep

POD = Path("/run/train-1")
WORKSPACE = Mount(path="/bodywork", volume="workspace")
HERE = Here(
    python="/usr/bin/python3.11",
    environ={
        "PATH": "/bin",
        "HOME": "/home/ada",
        "AWS_PROFILE": "mine",
        "PIP_INDEX_URL": "https://pip",
        "https_proxy": "http://p",
        "PYTHONPATH": "/x",
    },
)
STORE = {("Secret", "s3", "KEY"): "value", ("ConfigMap", "urls", ""): "http://localhost:1"}


def find(reference: Reference) -> dict[str, str]:
    if reference.key:
        found = STORE.get((reference.kind, reference.name, reference.key))
        return {} if found is None else {reference.key: found}
    return {"URL": STORE[reference.kind, reference.name, ""]}


def a_container(*argv: str, name: str = "stage", **changed: Any) -> Container:
    return Container(name=name, argv=argv, **{"mounts": (WORKSPACE,), **changed})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)/b", "a/b"),
        ("$$(A)", "$(A)"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$A ${A} $", "$A ${A} $"),
        ("$$$(A)", "$a"),
        ("$$$$", "$$"),
        ("$(A)$(A)", "aa"),
    ],
)
def test_names_are_expanded_as_kubernetes_does(text: str, expected: str) -> None:
    assert expanded(text, {"A": "a"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/bodywork", "/run/w"),
        ("/bodywork/home", "/run/w/home"),
        ("/bodywork/in/x", "/run/deep/x"),
        ("/bodyworks", "/bodyworks"),
        ("see /bodywork", "see /bodywork"),
        ("", ""),
    ],
)
def test_paths_below_a_mount_are_those_of_here(text: str, expected: str) -> None:
    assert mapped(text, (("/bodywork/in", "/run/deep"), ("/bodywork", "/run/w"))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://serve.iris.svc.cluster.local:5000/x", "http://localhost:7/x"),
        ("http://serve.iris.svc.cluster.local:50001", "http://serve.iris.svc.cluster.local:50001"),
        ("http://preserve.iris.svc.cluster.local:5000", "http://preserve.iris.svc.cluster.local:5000"),
    ],
)
def test_addresses_of_the_pipelines_services_are_those_of_here(text: str, expected: str) -> None:
    assert readdressed(text, (("serve.iris.svc.cluster.local:5000", "localhost:7"),)) == expected


def test_a_stages_process() -> None:
    container = a_container(
        "python3",
        "/opt/bodywork/scripts/run.py",
        "train.py",
        "$(FIRST)",
        "$$(FIRST)",
        mounts=(WORKSPACE, Mount(path="/opt/bodywork/scripts", volume="scripts")),
        env_from=(Reference(kind="ConfigMap", name="urls"),),
        env=(
            ("HOME", "/bodywork/home"),
            ("FIRST", "one"),
            ("SECOND", "$(FIRST) $(KEY) two"),
            ("KEY", Reference(kind="Secret", name="s3", key="KEY")),
            ("NOT_THERE", Reference(kind="Secret", name="s3", key="OTHER", optional=True)),
        ),
    )
    process = process_of(container, POD, HERE, find)
    assert process.argv == ("/usr/bin/python3.11", "/run/train-1/volumes/scripts/run.py", "train.py", "one", "$(FIRST)")
    assert process.env == {
        "PATH": "/bin",
        "https_proxy": "http://p",
        "URL": "http://localhost:1",
        "HOME": "/run/train-1/volumes/workspace/home",
        "FIRST": "one",
        "SECOND": "one $(KEY) two",
        "KEY": "value",
        "BODYWORK_TERMINATION_LOG": "/run/train-1/termination-stage",
    }
    assert process.cwd == POD


@pytest.mark.parametrize("name", ["fetch", "install"])
def test_git_and_pip_are_this_users(name: str) -> None:
    process = process_of(a_container("python3", "x.py", name=name, env=(("HOME", "/bodywork/home"),)), POD, HERE, find)
    assert process.env["HOME"] == "/home/ada"
    assert process.env["PIP_INDEX_URL"] == "https://pip"
    assert {"AWS_PROFILE", "PYTHONPATH"}.isdisjoint(process.env)


def test_a_service_is_told_the_port_that_was_chosen_for_it() -> None:
    here = Here(python="python", environ={}, port=7, variables=(("BODYWORK_SERVICE_SERVE_URL", "http://localhost:7"),))
    process = process_of(a_container("x", env=(("BODYWORK_SERVICE_PORT", "5000"),)), POD, here, find)
    assert process.env["BODYWORK_SERVICE_PORT"] == "7"
    assert process.env["BODYWORK_SERVICE_SERVE_URL"] == "http://localhost:7"


def test_without_the_ssh_keys_secret_git_uses_the_users_own_way() -> None:
    container = a_container("python3", name="fetch", env=(("BODYWORK_SSH", "/opt/bodywork/ssh"),))
    assert "BODYWORK_SSH" not in process_of(container, POD, HERE, find).env


def a_job(**pod: Any) -> KubeObject:
    spec = {"backoffLimit": 2, "activeDeadlineSeconds": 90, "template": {"spec": pod}}
    metadata = {"name": "iris--train", "labels": {"bodywork/pipeline": "iris", "bodywork/stage": "train"}}
    return KubeObject({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})


def test_a_workload_is_read_from_its_manifest_whoever_patched_it() -> None:
    workload = workload_of(
        a_job(
            initContainers=[{"name": "fetch"}, {"name": "proxy", "restartPolicy": "Always"}],
            containers=[{"name": "logger"}, {"name": "stage", "command": ["python3"], "args": ["run.py", 1]}],
            volumes=[
                {"name": "workspace", "emptyDir": {}},
                {"name": "ssh", "secret": {"secretName": "key"}},
                {
                    "name": "source",
                    "projected": {
                        "sources": [{"configMap": {"name": "part-1"}}, {"secret": {"name": "s", "items": [{"key": "k", "path": "p"}]}}]
                    },
                },
            ],
        ),
        3,
    )
    assert (workload.name, workload.stage, workload.step, workload.retries, workload.deadline_seconds) == ("iris--train", "train", 3, 2, 90)
    assert [each.name for each in workload.init] == ["fetch"]
    assert workload.main.argv == ("python3", "run.py", "1")
    assert workload.skipped == ("proxy", "logger")
    assert workload.volumes == (
        Volume(name="workspace"),
        Volume(name="ssh", sources=((Reference(kind="Secret", name="key"), ""),)),
        Volume(
            name="source",
            sources=((Reference(kind="ConfigMap", name="part-1"), ""), (Reference(kind="Secret", name="s", key="k"), "p")),
        ),
    )
    assert [(reference.name, where) for reference, where in references(workload)] == [("key", "ssh"), ("part-1", "source"), ("s", "source")]


@pytest.mark.parametrize(
    ("main", "port"),
    [
        ({"startupProbe": {"tcpSocket": {"port": 80}}, "ports": [{"containerPort": 81}]}, 80),
        ({"ports": [{"containerPort": 81}]}, 81),
        ({}, None),
    ],
)
def test_a_services_port_is_the_one_that_is_probed(main: dict[str, Any], port: int | None) -> None:
    job = a_job(containers=[{"name": "stage", **main}])
    service = KubeObject({**job.body, "kind": "Deployment"})
    assert workload_of(service, 1).port == port
    assert workload_of(job, 1).port is None


def test_what_a_pod_is_told_of_itself_is_left_out() -> None:
    body = {"name": "stage", "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, {"name": "A"}]}
    assert container_of(body).env == (("A", ""),)


def test_what_differs_names_all_that_is_not_run() -> None:
    job = a_job(containers=[{"name": "stage", "image": "me/r:1"}, {"name": "logger"}])
    policy = KubeObject({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "x"}})
    plan = Plan(pipeline="iris", namespace=None, steps=(PlanStep(number=1, objects=(job, policy)),), on_failure=None, facts={})
    said = start.what_differs(plan, [workload_of(job, 1)], "3.12.1")
    assert said == (
        "on this machine, not as on a cluster: no image (me/r:1), but Python 3.12.1 of this machine; of train not the containers logger; nothing of NetworkPolicy"
    )


def test_tmp_is_this_machines_in_arguments_as_in_a_programs_code() -> None:
    mounts = [{"name": "tmp", "mountPath": "/tmp", "subPath": "stage"}, {"name": "workspace", "mountPath": "/bodywork"}]
    workload = workload_of(a_job(containers=[{"name": "stage", "command": ["main", "/tmp/x", "/bodywork/y"], "volumeMounts": mounts}]), 1)
    assert process_of(workload.main, POD, HERE, find).argv == ("main", "/tmp/x", str(POD / "volumes/workspace/y"))
