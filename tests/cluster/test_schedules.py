"""Runs in the cluster: once with --async, and on a schedule that re-deploys a service. The pods go by the rights of `configure-cluster --namespace`."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders import a_bare_copy, a_batch_stage, a_pipeline, a_service_stage, write
from clients import a_client
from clusters import Cluster, Done
from schedule_texts import ACCEPTED, REFUSED, TAKEN_IN_VAIN
from servers import GitServer, S3Server, address_for_pods
from ssh_server import needs_sshd, ssh_server

from bodywork_compiler import resources

pytestmark = pytest.mark.cluster
JOBS = "bodywork-deployment-jobs"
# each run makes a model that is newer by one; the third takes its time
TRAIN = """\
import sys, time, urllib.error, urllib.request
def ask(**more):
    headers = {"Authorization": sys.argv[2], "Content-Type": "application/octet-stream"}
    return urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=headers, **more)).read()
try:
    model = int(ask())
except urllib.error.HTTPError:
    model = 0
if model == 2:
    print("takes its time", flush=True)
    time.sleep(600)
ask(data=str(model + 1).encode(), method="PUT")
print(f"trained model {model + 1}")
"""
SERVE = """\
import http.server, sys, urllib.request
MODEL = urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Authorization": sys.argv[2]})).read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(MODEL)
http.server.ThreadingHTTPServer(("", 5000), Handler).serve_forever()
"""


@dataclass(frozen=True)
class Controller:
    """Bodywork on this machine, which has the cluster do the work."""

    cluster: Cluster
    image: str
    cwd: Path

    def bodywork(self, *words: str) -> Done:
        return self.cluster.run(
            sys.executable, "-m", "bodywork_compiler", *words, "--kubeconfig", str(self.cluster.kubeconfig), cwd=self.cwd
        )

    def __call__(self, *words: str) -> str:
        """What it prints; anything but success fails the test."""
        done = self.bodywork(*words)
        assert done.returncode == 0, f"bodywork {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def following(self, *words: str) -> Iterator[Iterator[str]]:
        """The lines that it prints as they come; it must end by itself."""
        argv = [sys.executable, "-m", "bodywork_compiler", *words, "--kubeconfig", str(self.cluster.kubeconfig)]
        with subprocess.Popen(argv, cwd=self.cwd, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield iter(process.stdout)
                assert process.wait() == 0
            finally:
                process.kill()


@pytest.fixture
def controller(cluster: Cluster, controller_image: str, tmp_path: Path) -> Controller:
    return Controller(cluster, controller_image, tmp_path)


@pytest.fixture
def schedule(cluster: Cluster) -> Iterator[str]:
    name = f"nightly-{secrets.token_hex(3)}"
    yield name
    cluster.kubectl("delete", "cronjob", name, "-n", JOBS, "--ignore-not-found")


@pytest.fixture
def url(namespace: str, git_server: GitServer, s3_server: S3Server, tmp_path: Path) -> str:
    """A pipeline whose service tells which model it has."""
    s3_server.make_bucket(namespace)
    args = [f"{s3_server.url}/{namespace}/model", s3_server.SIGNATURE]
    stages = {"train": a_batch_stage(args=args, cpu_request=0.1), "serve": a_service_stage(args=args, cpu_request=0.1)}
    repository = a_pipeline(tmp_path / "project", remote=None, stages=stages, namespace=namespace)
    write(tmp_path / "project/train/main.py", TRAIN)
    write(tmp_path / "project/serve/main.py", SERVE)
    repository.commit("A model that gets newer")
    return git_server.publish(repository, namespace)


def served(cluster: Cluster, namespace: str) -> str:
    with cluster.proxy() as proxy:
        return urllib.request.urlopen(f"{proxy}/api/v1/namespaces/{namespace}/services/serve/proxy/").read().decode()


def test_runs_in_the_cluster(controller: Controller, namespace: str, url: str, schedule: str) -> None:
    cluster = controller.cluster
    controller("configure-cluster", "--namespace", namespace)

    created = controller("create", "deployment", url, "--async", "--async-job-name", schedule, "--image", controller.image)
    run = f"async-workflow-{schedule}"
    assert created.splitlines() == ["Using asynchronous workflow controller.", f"Created workflow-job={run}."]
    log = controller("get", "deployments", "--async", "--logs", run, "--follow")
    assert "context in-cluster" in log
    assert "trained model 1" in log, "the controller may read the logs of stages"
    assert "completed job=train" in log
    assert served(cluster, namespace) == "1"
    cluster.kubectl("wait", f"job/{run}", "-n", JOBS, "--for=condition=Complete", "--timeout=60s")
    assert state_of(controller, run) == "succeeded"
    again = controller.bodywork("create", "deployment", url, "--async", "--async-job-name", schedule, "--image", controller.image)
    assert again.returncode == 1
    assert f"Cannot create workflow-job={run} as it already exists." in again.stderr
    controller("delete", "deployment", "--async", run)

    words = [url, "--name", schedule, "--schedule", "0 2 * * *", "--time-zone", "Europe/Berlin", "--image", controller.image]
    created = controller("create", "cronjob", *words, "--suspend", "--retries", "0")
    assert created.splitlines()[0] == f"Created cronjob={schedule}."
    with a_client(cluster, namespace, "serve") as asked:
        triggered = controller("trigger", "cronjob", schedule, "--follow")
        client = asked()
    assert "trained model 2" in triggered
    assert served(cluster, namespace) == "2"
    assert client.answers > 10
    assert client.failures == []

    assert_update_changes_what_is_given(controller, schedule)
    assert_history_is_shown(controller, schedule)

    with controller.following("trigger", "cronjob", schedule, "--follow") as run:
        assert any("creating job=train" in line for line in run)
        cluster.kubectl("wait", "job/train", "-n", namespace, "--for=jsonpath={.status.ready}=1", "--timeout=60s")
        assert controller("delete", "cronjob", schedule) == f"Deleted cronjob={schedule}.\n"
        rest = "".join(run)
    assert "takes its time" in rest
    assert "interrupted" in rest, "its pod was told to end, and left nothing half done"
    assert cluster.get("jobs", "-n", namespace)["items"] == []
    assert not cluster.get("lease", "bodywork-iris", "-n", namespace)["spec"].get("holderIdentity")
    assert served(cluster, namespace) == "2"
    gone = controller.bodywork("delete", "cronjob", schedule)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert f"Could not find cronjob={schedule}." in gone.stderr


def test_reviewed_manifests_run_on_a_schedule(
    controller: Controller, namespace: str, git_server: GitServer, schedule: str, tmp_path: Path
) -> None:
    """An overlay at the branch's head, which pins an earlier commit than that head: no template and no code of today is run."""
    controller("configure-cluster", "--namespace", namespace)
    stage = a_batch_stage(cpu_request=0.1, memory_request_mb=50)
    project = a_pipeline(tmp_path / "project", remote=None, stages={"train": stage}, namespace=f"{namespace}-base")
    write(project.path / "train/main.py", "import os; print('as it was reviewed', os.environ['WHERE'])")
    project.commit("Reviewed")
    url = git_server.publish(project, namespace)
    controller.cluster.run("git", "-C", str(project.path), "remote", "add", "origin", url)
    rendered = controller.cluster.run(
        sys.executable, "-m", "bodywork_compiler", "render", url, "-o", str(project.path / "manifests"), cwd=tmp_path
    )
    assert rendered.returncode == 0, rendered.stderr
    variable = '[{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "WHERE", "value": "in prod"}}]'
    write(
        project.path / "overlays/prod/kustomization.yaml",
        f"namespace: {namespace}\nsortOptions: {{order: fifo}}\nresources: [../../manifests]\n"
        f"patches:\n  - target: {{kind: Job}}\n    patch: '{variable}'\n",
    )
    write(project.path / "train/main.py", "print('not reviewed')")
    write(project.path / "templates/pod.yaml.j2", "not reviewed")
    project.commit("Manifests, and what nobody has looked at")
    git_server.publish(project, namespace)

    words = [url, "--name", schedule, "--schedule", "0 2 * * *", "--image", controller.image, "--retries", "0", "--suspend"]
    controller("create", "cronjob", *words, "--manifests", "overlays/prod", "--timeout", "20m")
    job = controller.cluster.get("cronjob", schedule, "-n", JOBS)["spec"]["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] > 20 * 60
    assert job["ttlSecondsAfterFinished"]
    log = controller("trigger", "cronjob", schedule, "--follow")
    assert "as it was reviewed in prod" in log
    assert "completed job=train" in log


def test_a_schedules_limit_for_a_node_reaches_its_runs(
    controller: Controller, namespace: str, git_server: GitServer, schedule: str, tmp_path: Path
) -> None:
    controller("configure-cluster", "--namespace", namespace)
    project = a_pipeline(tmp_path / "project", remote=None, stages={"train": a_batch_stage(cpu_request=100)}, namespace=namespace)
    words = [git_server.publish(project, namespace), "--name", schedule, "--schedule", "0 2 * * *", "--image", controller.image]
    controller("create", "cronjob", *words, "--retries", "0", "--suspend", "--schedule-timeout", "15s")
    log = controller.bodywork("trigger", "cronjob", schedule, "--follow").stdout
    assert "not started within 15 s (--schedule-timeout): waiting: no node has 100 CPUs free" in log


def test_a_commit_does_not_reach_the_controllers_secrets(
    controller: Controller, namespace: str, git_server: GitServer, schedule: str, tmp_path: Path
) -> None:
    """With wide rights: neither by its namespace nor by a template, not even where templates are allowed."""
    controller("configure-cluster", "--namespace", namespace)
    project = a_pipeline(tmp_path / "project", remote=None, stages={"train": a_batch_stage()}, namespace=namespace)
    own = (resources.folder("templates") / "pod.yaml.j2").read_text()
    stolen = own.replace("serviceAccountName: {{ service_account | yaml }}", "serviceAccountName: bodywork-workflow-controller")
    write(
        project.path / "templates/pod.yaml.j2", stolen.replace("automountServiceAccountToken: false", "automountServiceAccountToken: true")
    )
    project.commit("Templates")
    url = git_server.publish(project, namespace)

    def log_of(name: str, *more: str) -> str:
        words = [url, "--async", "--async-job-name", f"{schedule}-{name}", "--image", controller.image, "--retries", "0"]
        controller("create", "deployment", *words, *more)
        run = f"async-workflow-{schedule}-{name}"
        log = controller("get", "deployments", "--async", "--logs", run, "--follow")
        controller("delete", "deployment", "--async", run)
        return log

    assert "this run takes none of a project: templates/pod.yaml.j2" in log_of("none")
    allowed = log_of("templates", "--project-templates")
    assert "runs as the account bodywork-workflow-controller" in allowed
    config = (project.path / "bodywork.yaml").read_text()
    write(project.path / "bodywork.yaml", config.replace(f"namespace: {namespace}", f"namespace: {JOBS}"))
    project.commit("Another namespace")
    git_server.publish(project, namespace)
    assert "no pipeline is deployed there" in log_of("namespace", "--project-templates", "--allow-privileges")
    assert controller.cluster.get("jobs", "-n", namespace)["items"] == []


@needs_sshd
def test_a_private_repository_is_cloned_in_the_cluster(controller: Controller, namespace: str, schedule: str, tmp_path: Path) -> None:
    cluster = controller.cluster
    controller("configure-cluster", "--namespace", namespace)
    stage = a_batch_stage(batch={"max_completion_time_seconds": 60, "retries": 0}, cpu_request=0.1)
    repository = a_pipeline(tmp_path / "iris", remote=None, stages={"train": stage}, namespace=namespace, secrets_group=schedule)
    with ssh_server(address_for_pods(cluster.node_address()), tmp_path / "server") as server:
        url = server.url(a_bare_copy(repository, tmp_path / "iris.git"))
        key = ["--ssh", str(server.key), "--known-hosts", str(server.known_hosts(tmp_path / "known_hosts"))]
        try:
            controller("create", "deployment", url, "--async", "--async-job-name", schedule, "--image", controller.image, *key)
            log = controller("get", "deployments", "--async", "--logs", f"async-workflow-{schedule}", "--follow")
        finally:
            cluster.kubectl("delete", "secrets", "-n", JOBS, "-l", f"group={schedule}")
    assert "completed job=train" in log
    controller("delete", "deployment", "--async", f"async-workflow-{schedule}")


def assert_update_changes_what_is_given(controller: Controller, schedule: str) -> None:
    def spec() -> dict[str, object]:
        found = controller.cluster.get("cronjob", schedule, "-n", JOBS)["spec"]
        template = found["jobTemplate"]["spec"]
        return {
            **found,
            "retries": template["backoffLimit"],
            "args": template["template"]["spec"]["containers"][0]["args"],
            "jobTemplate": 0,
        }

    before = spec()
    said = controller("update", "cronjob", "--name", schedule, "--no-suspend")
    assert said.splitlines()[0] == f"Updated cronjob={schedule}."
    assert "Next runs (Europe/Berlin): " in said
    assert spec() == {**before, "suspend": False}
    controller(
        "update", "cronjob", "--name", schedule, "--schedule", "@weekly", "--retries", "3", "--history-limit", "2", "--branch", "main"
    )
    limits = {"successfulJobsHistoryLimit": 2, "failedJobsHistoryLimit": 2}
    args = [before["args"][0], before["args"][1], "--branch=main", *before["args"][2:]]  # type: ignore[index]
    assert spec() == {**before, "suspend": False, "schedule": "@weekly", "retries": 3, "args": args, **limits}
    controller("update", "cronjob", "--name", schedule, "--suspend")
    one = json.loads(controller("get", "cronjob", schedule, "-o", "json"))
    assert one == {**one, "suspended": True, "schedule": "@weekly", "time_zone": "Europe/Berlin", "git_branch": "main", "retries": 3}
    assert schedule in controller("get", "cronjobs")


def assert_history_is_shown(controller: Controller, schedule: str) -> None:
    history = json.loads(controller("get", "cronjob", schedule, "--history", "-o", "json"))
    assert [each["succeeded"] for each in history] == [1]
    run = history[0]["name"]
    assert "trained model 2" in controller("get", "cronjob", schedule, "--logs", run)
    shown = controller("cronjob", "history", "--namespace", JOBS, "--name", schedule).splitlines()
    assert shown[0].split() == ["JOB_NAME", "START_TIME", "COMPLETION_TIME", "ACTIVE", "SUCCEEDED", "FAILED"]
    assert shown[0].startswith(
        "JOB_NAME                                START_TIME                    COMPLETION_TIME               ACTIVE      SUCCEEDED"
    )
    assert shown[1].split()[0] == run
    assert shown[1].split()[-3:] == ["0", "1", "0"]
    assert "trained model 2" in controller("cronjob", "logs", "--namespace", JOBS, "--name", run)


def state_of(controller: Controller, run: str) -> str:
    runs = json.loads(controller("get", "deployments", "--async", "-o", "json"))
    return next(each["state"] for each in runs if each["name"] == run)


def test_schedules_are_accepted_as_kubernetes_accepts_them(cluster: Cluster) -> None:
    """The table of the unit tests, held against the API server itself."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}
    texts = [*ACCEPTED, *TAKEN_IN_VAIN, *REFUSED]
    items = [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": f"number-{number}"},
            "spec": {"schedule": text, "timeZone": "Etc/UTC", "jobTemplate": {"spec": {"template": {"spec": pod}}}},
        }
        for number, text in enumerate(texts)
    ]
    argv = ["kubectl", "--kubeconfig", str(cluster.kubeconfig), "create", "-n", "default", "--dry-run=server", "-f", "-", "-o", "name"]
    stream = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    done = subprocess.run(argv, input=stream, text=True, capture_output=True, check=False)
    accepted = {int(line.rpartition("-")[2]) for line in done.stdout.splitlines()}
    assert accepted == set(range(len(ACCEPTED) + len(TAKEN_IN_VAIN))), done.stderr
