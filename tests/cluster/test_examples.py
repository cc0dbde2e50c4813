"""Each example, run by `bodywork apply` as a user runs it: the commit of a real repository, on a real cluster."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from asking import ask_in_the_cluster, ask_through_proxy
from builders import Repository, a_repository
from clusters import Cluster, Done
from servers import GitServer, S3Server

from bodywork_compiler import labels

pytestmark = pytest.mark.cluster

CHECKOUT = Path(__file__).parents[2]
TUTORIAL_FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
TUTORIAL_ANSWER = {
    "species_prediction": "setosa",
    "probabilities": "setosa=1.0|versicolor=0.0|virginica=0.0",
    "model_info": "DecisionTreeClassifier(class_weight='balanced', random_state=42)",
}
MODEL_KEY = "models/iris_tree_classifier.joblib"
MLFLOW_NAMESPACE = "bodywork-mlflow"  # the guide's address of the server names it


def an_example(name: str, folder: Path) -> Repository:
    """A repository of its own that holds what `examples/NAME` does."""
    repository = a_repository(folder)
    shutil.copytree(CHECKOUT / "examples" / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    repository.commit(f"The example {name}")
    return repository


def a_plain_clone(folder: Path) -> Path:
    """This repository as a stranger has it, a moment after `git clone`."""
    subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(folder)], check=True)
    return folder


def assert_succeeded(run: Done) -> None:
    assert run.returncode == 0, f"{run.returncode}\n{run.stdout}\n{run.stderr}"


def log_of(cluster: Cluster, namespace: str, workload: str) -> str:
    return cluster.kubectl("logs", "-n", namespace, workload, "-c", "stage")


def names_of(cluster: Cluster, namespace: str, kind: str) -> list[str]:
    return [each["metadata"]["name"] for each in cluster.get(kind, "-n", namespace)["items"]]


def end_of(pod: dict[str, Any]) -> str | None:
    """When the stage's own container ended (a time as text, which sorts as times do); None while it runs."""
    (stage,) = (each for each in pod["status"]["containerStatuses"] if each["name"] == labels.MAIN)
    return stage["state"].get("terminated", {}).get("finishedAt")


@pytest.fixture
def bucket(s3_server: S3Server, namespace: str) -> str:
    s3_server.make_bucket(namespace)
    return namespace


@pytest.fixture
def s3_secret(cluster: Cluster, s3_server: S3Server, namespace: str, bucket: str) -> Mapping[str, str]:
    """The secret `s3` that both forms of train-and-serve name."""
    values = {"S3_BUCKET": bucket, "AWS_ENDPOINT_URL": s3_server.url, **s3_server.CREDENTIALS}
    cluster.make_secret(namespace, "s3", **values)
    return values


def test_batch_job_inline_from_a_plain_clone_with_no_git_server(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    clone = a_plain_clone(tmp_path / "bodywork")
    assert_succeeded(cluster.bodywork("apply", "examples/batch-job", "--namespace", namespace, cwd=clone))
    log = log_of(cluster, namespace, "job/score-data")
    assert "6.9,3.2,5.7,2.3,virginica\n" in log
    assert "scored 10 flowers: 4 setosa, 3 versicolor, 3 virginica\n" in log


def test_serve_model_and_again_without_clean_up(cluster: Cluster, namespace: str, git_server: GitServer, tmp_path: Path) -> None:
    repository = an_example("serve-model", tmp_path / "serve-model")
    git_server.publish(repository, namespace)
    url = f"http://scoring-service.{namespace}.svc.cluster.local:5000/iris/v1/score"
    answers, pods = [], []
    for _run in (1, 2):
        assert_succeeded(cluster.bodywork("apply", "--namespace", namespace, cwd=repository.path))
        answers.append(ask_in_the_cluster(cluster, namespace=namespace, service="scoring-service", url=url, body=TUTORIAL_FLOWER))
        pods.append(set(cluster.running_pods(namespace, f"{labels.STAGE}=scoring-service")))
    expected = {
        "species_prediction": "setosa",
        "probabilities": "setosa=0.982|versicolor=0.018|virginica=0.000",
        "model_info": "LogisticRegression(max_iter=1000)",
    }
    assert answers == [expected, expected]
    assert [len(of_run) for of_run in pods] == [2, 2]
    assert pods[0].isdisjoint(pods[1])  # start-up code runs anew in each run: it may load a newer model


def test_train_and_serve(
    cluster: Cluster, namespace: str, git_server: GitServer, s3_server: S3Server, s3_secret: Mapping[str, str], tmp_path: Path
) -> None:
    repository = an_example("train-and-serve", tmp_path / "train-and-serve")
    git_server.publish(repository, namespace)
    assert_succeeded(cluster.bodywork("apply", "--namespace", namespace, cwd=repository.path))

    assert s3_server.read(s3_secret["S3_BUCKET"], MODEL_KEY)
    url = f"http://scoring-service.{namespace}.svc.cluster.local:5000/iris/v1/score"
    service = {"namespace": namespace, "service": "scoring-service", "body": TUTORIAL_FLOWER}
    assert ask_in_the_cluster(cluster, url=url, **service) == TUTORIAL_ANSWER
    assert ask_through_proxy(cluster, path="/iris/v1/score", **service) == TUTORIAL_ANSWER


def test_train_and_serve_v1(
    cluster: Cluster, namespace: str, git_server: GitServer, s3_server: S3Server, s3_secret: Mapping[str, str], tmp_path: Path
) -> None:
    repository = an_example("train-and-serve-v1", tmp_path / "train-and-serve-v1")
    url = git_server.publish(repository, namespace)
    # as the tutorial does it: from the repository's address, with no clone at hand
    assert_succeeded(cluster.bodywork("apply", url, "--branch", "main", "--namespace", namespace, cwd=tmp_path))

    train, serve = "bodywork-ml-pipeline-project--stage-1-train-model", "bodywork-ml-pipeline-project--stage-2-deploy-scoring-service"
    assert names_of(cluster, namespace, "jobs") == [train]
    assert names_of(cluster, namespace, "deployments") == names_of(cluster, namespace, "services") == [serve]
    assert s3_server.read(s3_secret["S3_BUCKET"], MODEL_KEY)
    service = {"namespace": namespace, "service": serve, "body": TUTORIAL_FLOWER}
    assert ask_in_the_cluster(cluster, url=f"http://{serve}:5000/iris/v1/score", **service) == TUTORIAL_ANSWER
    assert ask_through_proxy(cluster, path="/iris/v1/score", **service) == TUTORIAL_ANSWER


def test_parallel_steps(cluster: Cluster, namespace: str, git_server: GitServer, tmp_path: Path) -> None:
    repository = an_example("parallel-steps", tmp_path / "parallel-steps")
    git_server.publish(repository, namespace)
    assert_succeeded(cluster.bodywork("apply", "--namespace", namespace, cwd=repository.path))

    started = {each["metadata"]["name"]: each["metadata"]["creationTimestamp"] for each in cluster.get("jobs", "-n", namespace)["items"]}
    ended = {pod["metadata"]["labels"][labels.STAGE]: end_of(pod) for pod in cluster.get("pods", "-n", namespace)["items"] if end_of(pod)}
    steps = [["prepare-data"], ["train-svm", "train-random-forest"], ["choose-model"]]
    assert set(started) == set(ended) == {stage for step in steps for stage in step}
    for earlier, later in pairwise(steps):
        assert max(ended[stage] for stage in earlier) <= min(started[stage] for stage in later)
    assert max(started[stage] for stage in steps[1]) < min(ended[stage] for stage in steps[1])  # side by side

    chosen = log_of(cluster, namespace, "job/choose-model").splitlines()[-1].removeprefix("chosen: ")
    url, body = f"http://model-scoring-service.{namespace}.svc.cluster.local:5000/", {"x": 5.1, "y": 3.5}
    answer = ask_in_the_cluster(cluster, namespace=namespace, service="model-scoring-service", url=url, body=body)
    assert answer == {"species_prediction": "setosa", "model_info": chosen}


def test_notebook(cluster: Cluster, namespace: str, git_server: GitServer, tmp_path: Path) -> None:
    repository = an_example("notebook", tmp_path / "notebook")
    git_server.publish(repository, namespace)
    assert_succeeded(cluster.bodywork("apply", "--namespace", namespace, cwd=repository.path))
    log = log_of(cluster, namespace, "job/explore-data")
    assert "150 flowers, 3 species\n" in log  # printed
    assert "petal_length    0.94" in log  # the value of a cell
    assert "most telling: petal_length\n" in log


@pytest.fixture
def mlflow_namespace(cluster: Cluster) -> Iterator[str]:
    """By the guide's own name, so there can be one at a time; what an interrupted run left goes first."""
    cluster.delete_namespace(MLFLOW_NAMESPACE, wait=True)
    cluster.make_namespace(MLFLOW_NAMESPACE)
    yield MLFLOW_NAMESPACE
    cluster.delete_namespace(MLFLOW_NAMESPACE)


@pytest.mark.slow
def test_mlflow(cluster: Cluster, mlflow_namespace: str, git_server: GitServer, tmp_path: Path) -> None:
    repository = an_example("mlflow", tmp_path / "mlflow")
    git_server.publish(repository, "mlflow")
    toy = {"MLFLOW_BACKEND_STORE_URI": "sqlite:///mlflow.db", "MLFLOW_DEFAULT_ARTIFACT_ROOT": "mlflow_artefacts"}
    cluster.make_secret(mlflow_namespace, "mlflow-config", **toy)
    assert_succeeded(cluster.bodywork("apply", cwd=repository.path))

    log = log_of(cluster, mlflow_namespace, "job/track-model")
    assert "registered iris_classification version 1 as 'production'\n" in log
    assert "loaded model=LogisticRegression(max_iter=1000, random_state=42), accuracy on unseen flowers: 0.947\n" in log
    search = f"/api/v1/namespaces/{mlflow_namespace}/services/server/proxy/api/2.0/mlflow/registered-models/search"
    assert '"iris_classification"' in cluster.kubectl("get", "--raw", search)
