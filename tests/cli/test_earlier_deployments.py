"""Earlier Bodywork's words for services and deployments, on a cluster of paper: what is listed, what goes, what is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import a_batch_stage, a_pipeline, a_service_stage
from deployed_objects import COMMIT, DECOYS, IRIS, a_config_map, a_deployment, a_namespace, an_object
from deployed_objects import a_service as a_service_object
from paper_kubectl import PaperKubectl, paper_kubectl

Done = subprocess.CompletedProcess[str]
URL = "https://git.example.com/acme/iris.git"
NOWHERE = "http://127.0.0.1:9/iris.git"  # which is said, and no reason not to make the Job: the cluster may reach it
JOBS = "bodywork-deployment-jobs"


def bodywork(*argv: str, cwd: Path | None = None) -> Done:
    words = [sys.executable, "-m", "bodywork_compiler", *argv]
    return subprocess.run(words, text=True, capture_output=True, check=False, cwd=cwd, stdin=subprocess.DEVNULL)


def the_ancestors(kind: str, name: str, *, namespace: str = "old", **rest: Any) -> dict[str, Any]:
    """As v3.0.12 made them: labels of its own, no annotation of ours, the repository in the container's arguments alone."""
    found = an_object(kind, name, pipeline=None, **rest)
    labels = {"app": "bodywork", "stage": name, "deployment-name": "rose", "git-branch": "main", "git-commit-hash": "9d0c7aa"}
    found["metadata"] |= {"namespace": namespace, "labels": labels, "annotations": {}}
    return found


CONTAINER = {"name": "bodywork", "args": ["https://github.com/acme/rose", "serve-rose", "--branch=main"]}
ROSE = (
    the_ancestors(
        "Deployment", "serve-rose", spec={"template": {"spec": {"containers": [CONTAINER]}}}, status={"availableReplicas": 1, "replicas": 1}
    ),
    the_ancestors("Service", "serve-rose", spec={"ports": [{"port": 5000}]}),
)


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PaperKubectl:
    kubectl = paper_kubectl(tmp_path / "bin", monkeypatch)
    for each in IRIS:
        each["metadata"]["annotations"] |= {"bodywork/git-url": URL, "bodywork/git-branch": "main"}
    kubectl.has(a_namespace(), *IRIS, *ROSE)
    return kubectl


def test_the_services_of_the_whole_cluster_are_listed_whoever_deployed_them(kubectl: PaperKubectl) -> None:
    done = bodywork("get", "deployments")
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["Deployment", "Name", "/", "Service", "Name", "Git", "Repository", "URL"],
        ["iris/serve", URL],
        ["rose/serve-rose", "https://github.com/acme/rose"],
    ]


def test_one_service_is_told_in_all_its_fields(kubectl: PaperKubectl) -> None:
    done = bodywork("get", "deployment", "iris", "serve")
    told = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert told == {
        "deployment": "iris",
        "stage": "serve",
        "name": "serve",
        "namespace": "lab",
        "service_exposed": "true",
        "service_url": "http://serve.lab.svc.cluster.local",
        "service_port": "5000",
        "available_replicas": "2",
        "unavailable_replicas": "0",
        "git_url": URL,
        "git_branch": "main",
        "git_commit_hash": COMMIT,
        "has_ingress": "true",
        "ingress_route": "/lab/serve",
    }


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_list_for_programs_has_all_fields(kubectl: PaperKubectl, form: str, read: Any) -> None:
    told = read(bodywork("get", "deployments", "rose", "-o", form).stdout)
    assert [(each["name"], each["namespace"], each["git_commit_hash"], each["has_ingress"]) for each in told] == [
        ("serve-rose", "old", "9d0c7aa", False)
    ]


def test_nothing_to_list_is_no_error_and_an_empty_list_for_programs(kubectl: PaperKubectl) -> None:
    kubectl.has()
    done = bodywork("get", "deployments")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No deployments found\n")
    assert bodywork("get", "deployments", "-o", "json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("get deployment lily", "Could not find deployment=lily."),
        ("get deployment iris nope", "Could not find service=nope."),
        ("get deployments --namespace nowhere", "Could not find namespace=nowhere on k8s cluster."),
        ("delete deployment lily", "deployment=lily could not be found on k8s cluster."),
        ("service display --ns lab --name nope", "deployment=nope not found in namespace=lab"),
        ("service display --ns nowhere", "Could not find namespace=nowhere on k8s cluster."),
        ("service delete --ns lab --name nope", "deployment=nope not found in namespace=lab"),
    ],
)
def test_what_is_not_there_is_told_and_ends_with_1(kubectl: PaperKubectl, argv: str, said: str) -> None:
    done = bodywork(*argv.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert f"bodywork: {said}" in done.stderr
    assert "delete" not in kubectl.verbs()


@pytest.mark.parametrize(
    "argv",
    ["get deployments --logs first", "get deployments --follow", "get deployment iris --async", "service display", "workflow --ns lab url"],
)
def test_wrong_usage_asks_no_cluster(kubectl: PaperKubectl, argv: str) -> None:
    assert bodywork(*argv.split()).returncode == 2
    assert kubectl.verbs() == []


def test_who_may_not_list_the_whole_cluster_is_told_to_name_a_namespace(kubectl: PaperKubectl) -> None:
    kubectl.has(*IRIS, {"kind": "refused", "metadata": {"name": "deployments"}})
    done = bodywork("get", "deployments")
    assert done.returncode == 1
    assert "deployments is forbidden" in done.stderr
    assert "--namespace NS" in done.stderr


def test_delete_deployment_takes_the_pipeline_from_the_namespace_that_holds_it(kubectl: PaperKubectl) -> None:
    kubectl.has(*IRIS, *DECOYS)
    done = bodywork("delete", "deployment", "iris")
    assert (done.returncode, done.stdout) == (0, "deployment=iris deleted.\n"), done.stderr
    assert kubectl.left() == {f"{each['kind']}/{each['metadata']['name']}" for each in DECOYS}
    assert "namespace=lab stays, and holds deployment/serve-2, deployment/somebody-else, job/train-2, " in done.stderr
    assert "kubectl delete namespace lab" in done.stderr


def test_delete_deployment_takes_what_the_ancestor_left(kubectl: PaperKubectl) -> None:
    done = bodywork("delete", "deployment", "rose")
    assert (done.returncode, done.stdout) == (0, "deployment=rose deleted.\n"), done.stderr
    assert not {"Deployment/serve-rose", "Service/serve-rose"} & kubectl.left()
    assert "Deployment/serve" in kubectl.left()


def test_a_pipeline_in_two_namespaces_must_be_told_apart(kubectl: PaperKubectl) -> None:
    second = a_config_map()
    second["metadata"]["namespace"] = "prod"
    kubectl.has(*IRIS, second)
    done = bodywork("delete", "deployment", "iris")
    assert done.returncode == 1
    assert "deployment=iris is in several namespaces: lab, prod" in done.stderr
    assert "--namespace NS" in done.stderr
    assert "delete" not in kubectl.verbs()


def test_service_display_is_the_guides_table(kubectl: PaperKubectl) -> None:
    named = "my-classification-product--model-scoring-service"
    kubectl.has(a_namespace(), a_deployment(named, wanted=2), a_service_object(named))
    assert bodywork("service", "display", "--namespace=lab").stdout == (
        "SERVICE_URL                                                       EXPOSED   AVAILABLE_REPLICAS       UNAVAILABLE_REPLICAS\n"
        "http://my-classification-product--model-scoring-service:5000      true      2                        0\n"
    )


def test_service_delete_takes_one_service_and_says_each_part(kubectl: PaperKubectl) -> None:
    done = bodywork("service", "delete", "--namespace=lab", "--name=serve")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "deployment=serve deleted from namespace=lab",
        "service at http://serve:5000 deleted from namespace=lab",
        "ingress route /lab/serve deleted from namespace=lab",
    ]
    gone = {"Deployment/serve", "Service/serve", "Ingress/serve"}
    assert not gone & kubectl.left()
    assert {"Job/train", "ConfigMap/bodywork-iris"} <= kubectl.left()


def test_what_a_run_would_apply_is_printed_and_is_what_render_prints(tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", stages={"train": a_batch_stage(), "serve": a_service_stage()}, remote=None)
    url = repository.path.as_uri()
    rendered = bodywork("render", url, "--namespace", "lab", cwd=tmp_path)
    assert rendered.returncode == 0, rendered.stderr
    for words in (("create", "deployment", url), ("update", "deployment", url), ("workflow", url, "main", "--ns", "lab")):
        namespace = () if words[0] == "workflow" else ("--namespace", "lab")
        printed = bodywork(*words, *namespace, "--dry-run=client", "-o", "yaml", cwd=tmp_path)
        assert printed.returncode == 0, printed.stderr
        assert printed.stdout == rendered.stdout


def test_the_repositorys_own_branch_is_taken_and_said(kubectl: PaperKubectl, tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None)
    done = bodywork("create", "deployment", repository.path.as_uri(), "--dry-run=client", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        "Using local workflow controller - retries inactive.",
        f"deploying default branch from {repository.path.as_uri()}",
    ]
    assert "no --branch given: branch main is taken, the repository's default" in done.stderr


def test_a_run_is_no_yaml(tmp_path: Path) -> None:
    done = bodywork("create", "deployment", URL, "-o", "yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "-o yaml: only with --dry-run=client" in done.stderr


def test_options_of_a_run_are_no_options_of_a_run_in_the_cluster(tmp_path: Path) -> None:
    done = bodywork("create", "deployment", URL, "--async", "--resume", cwd=tmp_path)
    assert done.returncode == 2
    assert "leave --async out" in done.stderr


def test_an_unknown_branch_is_told(kubectl: PaperKubectl, tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None)
    done = bodywork("workflow", "--ns", "lab", repository.path.as_uri(), "nope", cwd=tmp_path)
    assert done.returncode == 1
    assert "on branch=nope in kubernetes namespace=lab" in done.stdout
    assert "nope" in done.stderr
    assert "git ls-remote --heads" in done.stderr


@pytest.mark.parametrize(
    ("words", "name", "namespace", "told"),
    [
        (
            f"create deployment {NOWHERE} --async --async-job-name first --branch main",
            "async-workflow-first",
            JOBS,
            [NOWHERE, "--branch=main"],
        ),
        (f"update deployment {NOWHERE} --async --async-job-name first", "async-workflow-first", JOBS, [NOWHERE]),
        (
            f"deployment create --ns lab --name first --git-repo-url {NOWHERE}",
            "first",
            "lab",
            [NOWHERE, "--branch=master", "--namespace=lab"],
        ),
    ],
)
def test_a_run_in_the_cluster_is_a_job_that_can_be_printed(tmp_path: Path, words: str, name: str, namespace: str, told: list[str]) -> None:
    done = bodywork(*words.split(), "--dry-run=client", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    job = yaml.safe_load(done.stdout)
    assert (job["kind"], job["metadata"]["name"], job["metadata"]["namespace"]) == ("Job", name, namespace)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"][: 1 + len(told)] == ["apply", *told]


def test_what_only_this_machine_has_cannot_run_in_the_cluster(tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None)
    done = bodywork("create", "deployment", repository.path.as_uri(), "--async", "--dry-run=client", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is on this machine only, and no pod can reach it" in done.stderr


def test_names_may_be_spelled_as_the_config_spells_them(kubectl: PaperKubectl) -> None:
    kubectl.has(a_namespace(), a_deployment("my-stage", pipeline="my-iris"), a_service_object("my-stage", pipeline="my-iris"))
    assert "my-iris/my-stage" in bodywork("get", "deployments", "my_iris").stdout
    assert "my-stage" in bodywork("get", "deployment", "my_iris", "my_stage").stdout
    assert "my-stage" in bodywork("service", "display", "--ns", "lab", "--name", "my_stage").stdout
    done = bodywork("service", "delete", "--ns", "lab", "--name", "my_stage")
    assert done.returncode == 0, done.stderr
    assert kubectl.left() == {"Namespace/lab"}
