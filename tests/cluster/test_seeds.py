"""What the documents of earlier Bodywork tell their readers to type, typed: `tests/seeds/README.md` says how it is compared."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import Repository, a_batch_stage, a_pipeline, a_repository
from clusters import Cluster
from seed_blocks import SEEDS, Reader, a_document
from servers import GitServer

pytestmark = pytest.mark.cluster

OF_ALL = "bodywork-deployment-jobs"


def a_project_of(seed: str, folder: Path, *, branch: str) -> Repository:
    """A repository with what the document's project holds, on the branch that it names."""
    repository = a_repository(folder)
    shutil.copytree(SEEDS / seed, folder, dirs_exist_ok=True)
    repository.commit(f"The project of the {seed}")
    repository.git("branch", "--quiet", "--move", branch)
    return repository


@pytest.fixture
def own_name(cluster: Cluster) -> Iterator[str]:
    """Of a namespace that the document's first command makes, or of a secrets group and a schedule in the namespace of them all."""
    name = f"seeds-{secrets.token_hex(3)}"
    yield name
    cluster.delete_namespace(name)
    cluster.kubectl("delete", "clusterrolebinding", f"bodywork-workflow-controller--{name}", "--ignore-not-found")
    cluster.kubectl("delete", "secrets", "-n", OF_ALL, "-l", f"group={name}", "--ignore-not-found")
    cluster.kubectl("delete", "cronjob", "-n", OF_ALL, name, "--ignore-not-found")


def let_them_run(cluster: Cluster, namespace: str, *cronjobs: str) -> None:
    """As when their time has come; the runs have the number that the documents show."""
    runs = {cronjob: f"{cronjob}-1605214260" for cronjob in cronjobs}
    for cronjob, run in runs.items():
        cluster.kubectl("create", "job", run, f"--from=cronjob/{cronjob}", "-n", namespace)
    for run in runs.values():
        cluster.kubectl("wait", f"job/{run}", "-n", namespace, "--for=condition=complete", "--timeout=180s")


def on_a_branch_with_less(repository: Repository, branch: str) -> None:
    """Where only the first stage is run, which takes less time; `repository` stays where it is."""
    repository.git("checkout", "--quiet", "-b", branch)
    config = repository.path / "bodywork.ini"
    config.write_text(re.sub(r"^DAG=(\S+).*", r"DAG=\1", config.read_text(), flags=re.MULTILINE))
    repository.commit("Only the first stage")
    repository.git("checkout", "--quiet", "-")


def of_the_user_guide(namespace: str) -> dict[str, str]:
    """The namespace's name is also the project's and the schedule's, which stay."""
    return {
        r"(?<=namespace )my-classification-product$": namespace,
        r"(?<=namespace=)my-classification-product\b": namespace,
        r"(?<=namespaces/)my-classification-product\b": namespace,
        r"(?<=controller--)my-classification-product\b": namespace,
    }


def test_the_user_guide(cluster: Cluster, own_name: str, git_server: GitServer, tmp_path: Path) -> None:
    repository = a_project_of("user-guide", tmp_path / "project", branch="master")
    url = git_server.publish(repository, own_name)
    on_a_branch_with_less(repository, "dev")
    with cluster.proxy() as proxy:
        names = {
            r"https://github.com/my-github-username/my-classification-product": url,
            r"file:///absolute/path/to/my-classification-product": repository.path.as_uri(),
            r"http://localhost:8001": proxy,
            **of_the_user_guide(own_name),
        }
        reader = Reader(a_document("user-guide"), tmp_path, cluster.kubeconfig, names)

        reader.types("setup-namespace")
        reader.types("secrets")
        reader.types("ssh key")
        log = reader.types("workflow")
        assert "attempting to execute DAG step=['train-svm', 'train-random-forest']" in log
        answer = json.loads(reader.types("kubectl proxy"))
        assert answer == {"x": 5.1, "y": 3.5, "asked_by": "bodywork", "password_has": len("bodywork123!")}
        reader.types("service display")
        reader.types("service delete")
        assert cluster.get("deployments,services", "-n", own_name)["items"] == []
        log = reader.types("workflow of a local repository")
        assert "on branch=dev in kubernetes" in log
        assert "prepare-data is done" in log


def test_the_tutorial(cluster: Cluster, own_name: str, git_server: GitServer, tmp_path: Path) -> None:
    """With stages that stand for its model: `test_examples.py` runs the real ones, with requirements of today."""
    repository = a_project_of("tutorial", tmp_path / "project", branch="master")
    url = git_server.publish(repository, own_name)
    with cluster.proxy() as proxy:
        names = {
            r"https://github.com/bodywork-ml/bodywork-ml-pipeline-project": url,
            r"http://localhost:8001": proxy,
            r"(?<!bodywork-)ml-pipeline(?!-project)": own_name,
        }
        reader = Reader(a_document("tutorial"), tmp_path, cluster.kubeconfig, names)

        reader.types("setup-namespace")
        reader.types("workflow")
        assert "service/bodywork-ml-pipeline-project--stage-2-deploy-scoring-service" in reader.types("what is there")
        reader.types("kubectl proxy")
        reader.types("cleaning up")
    assert cluster.kubectl("get", "namespace", own_name, "--ignore-not-found") == ""


def test_the_schedules_of_both(cluster: Cluster, own_name: str, controller_image: str, git_server: GitServer, tmp_path: Path) -> None:
    """In one namespace, so that their runs go on side by side. The documents' own schedules would begin at full quarters of an hour."""
    small = a_pipeline(tmp_path / "guide", stages={"prepare-data": a_batch_stage("main.py", cpu_request=0.1)}, remote=None)
    small.git("branch", "--quiet", "--move", "master")
    guides_url = git_server.publish(small, f"{own_name}-guide")
    tutorials_url = git_server.publish(a_project_of("tutorial", tmp_path / "tutorial", branch="master"), own_name)
    run = "my-classification-product-1605214260"
    environ = {"BODYWORK_IMAGE": controller_image}
    in_guide = {
        r"https://github.com/my-github-username/my-classification-product": guides_url,
        r"(?<=logs )\.\.\.": f"--namespace={own_name} --name={run}",
        **of_the_user_guide(own_name),
    }
    in_tutorial = {
        r"https://github.com/bodywork-ml/bodywork-ml-pipeline-project": tutorials_url,
        r"(?<=namespace=)ml-pipeline\b": own_name,
    }
    guide = Reader(a_document("user-guide"), tmp_path, cluster.kubeconfig, in_guide, environ)
    tutorial = Reader(a_document("tutorial"), tmp_path, cluster.kubeconfig, in_tutorial, environ)

    guide.types("setup-namespace")
    guide.types("cronjob create")
    tutorial.types("cronjob create")
    let_them_run(cluster, own_name, "my-classification-product", "ml-pipeline")
    guide.types("cronjob history")
    tutorial.types("cronjob history")
    log = guide.types("cronjob logs")
    assert "completed job=prepare-data" in log
    guide.types("cronjob logs into a file")
    assert (tmp_path / "log.txt").read_text() == log * 2
    assert "the model is trained" in tutorial.types("cronjob logs")


def test_the_mlflow_guide(cluster: Cluster, own_name: str, git_server: GitServer, tmp_path: Path) -> None:
    """With a server that stands for MLflow: `test_examples.py` runs the real one, with requirements of today."""
    repository = a_project_of("mlflow", tmp_path / "project", branch="main")
    config = repository.path / "bodywork.yaml"
    config.write_text(config.read_text().replace("name: bodywork-mlflow", f"name: {own_name}").replace(": prod", f": {own_name}"))
    repository.commit("Names of the test's own")
    url = git_server.publish(repository, own_name)
    with cluster.proxy() as proxy:
        names = {
            r"https://github.com/bodywork-ml/bodywork-mlflow.git": url,
            r"http://localhost:8001": proxy,
            r"https://github.com/bodywork-ml/bodywork-serve-model-project": url,
            r"(?<=--name=)scoring-service-deployment-pipeline\b": own_name,
            r"(?<=--group )prod\b": own_name,
            r"(?<=namespaces/)bodywork-mlflow\b": own_name,
        }
        reader = Reader(a_document("mlflow"), repository.path, cluster.kubeconfig, names)

        for block in ("configure-cluster", "validate", "secrets", "secrets of AWS", "create deployment"):
            reader.types(block)
        assert "MLFLOW_BACKEND_STORE_URI=sqlite:///mlflow.db\n" in reader.types("kubectl proxy")
        reader.types("create cronjob")
        assert cluster.get("cronjob", own_name, "-n", OF_ALL)["spec"]["schedule"] == "0 * * * *"
        reader.types("secret of Sentry")
        aws = "      AWS_DEFAULT_REGION: aws-credentials\n"
        config.write_text(config.read_text().replace(aws, f"{aws}      SENTRY_DSN: sentry-integration\n"))
        repository.commit("Errors are told to Sentry")
        git_server.publish(repository, own_name)
        reader.types("update deployment")
        assert "SENTRY_DSN=YOUR_SENTRY_CLIENT_KEY" in reader.types("kubectl proxy")
