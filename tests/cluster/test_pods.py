"""Rendered stages really run: applied by plain kubectl, from a repository that pods fetch or from files inside the manifests."""

import io
import json
import secrets
import tarfile
from dataclasses import dataclass

import pytest
from builders import a_repository, write
from clusters import Cluster
from golden_cases import GOLDEN
from project_values import HOSTILE, batch, compiled, secret, service
from yaml import safe_load

from bodywork_compiler.compiler import RenderOptions
from bodywork_compiler.source import Source

pytestmark = pytest.mark.cluster

SHOW = """\
import getpass, json, os, sys
import shared_by_stages
env = dict(os.environ)
def is_written(folder):
    try:
        os.makedirs(folder, exist_ok=True)
        open(os.path.join(folder, "written"), "w").close()
        return True
    except OSError:
        return False
written = {folder: is_written(os.path.expanduser(folder)) for folder in ("/tmp", "~/.cache/numba", "~/.config/matplotlib", "/var/tmp", "/opt")}
print(json.dumps({"argv": sys.argv[1:], "folder": os.getcwd(), "env": env, "user": [os.getuid(), getpass.getuser()], "written": written, "token": list(os.environ.get("TOKEN", ""))}))
"""
NOTEBOOK = """\
import json, os
print("arguments", json.loads(os.environ["BODYWORK_ARGS"]))
import shared_by_stages
6 * 7
"""
ASKS_FOR_EVER = """\
import sys, time, urllib.request
asked = failed = 0
while True:
    asked += 1
    try:
        urllib.request.urlopen("http://serve:80/", timeout=10).read()
    except OSError as error:
        failed += 1
        print("refused", error, flush=True)
    if asked % 50 == 0:
        print("asked", asked, "failed", failed, flush=True)
    time.sleep(0.02)
"""
SERVES = """\
import http.server, os, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.1)
        self.send_response(200); self.end_headers(); self.wfile.write(b"petals")
    def log_message(self, *args): pass
print("serving", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["BODYWORK_SERVICE_PORT"])), Answer).serve_forever()
"""
FILES = {
    "shared_by_stages.py": "",
    "show/main.py": SHOW,
    "slow/main.py": "import time; print('begun'); time.sleep(600)",
    "fails/main.py": "raise RuntimeError('no petals')",
    "fills/main.py": "import time; open('much', 'wb').write(bytes(64_000_000)); print('written', flush=True); time.sleep(600)",
    "needs/main.py": "import six; print('six', six.__version__)",
    "serve/main.py": SERVES,
    "ask/main.py": ASKS_FOR_EVER,
}


def notebook(*cells):
    made = [
        {"cell_type": "code", "id": str(number), "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
        for number, cell in enumerate(cells)
    ]
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "mine", "display_name": "Mine"}}, "cells": made}
    )


STAGES = (
    batch(
        "show", args=HOSTILE, env=tuple((f"H{number}", value) for number, value in enumerate(HOSTILE)), secrets=(secret("TOKEN", "token"),)
    ),
    batch("slow", seconds=2),
    batch("fails"),
    batch("fills", seconds=300, disk_limit_mb=32),
    batch("needs", requirements=("six==1.16.0",)),
    batch("wants", executable="needs/main.py", requirements=("six==99",)),
    batch("missing", executable="nothing/main.py"),
    batch("look", seconds=120, executable="look/at_data.ipynb", args=("a", "b c")),
    batch("looks", seconds=120, executable="look/and_fails.ipynb"),
)


@dataclass(frozen=True)
class Run:
    """All stages of one step, applied once."""

    cluster: Cluster
    namespace: str

    def apply(self, documents):
        text = "".join(f"---\n{document.text}" for document in documents if document.kind != "Namespace")
        self.cluster.kubectl("apply", "-n", self.namespace, "-f", "-", stdin=text)

    def ends(self, stage, condition):
        self.cluster.kubectl("wait", "-n", self.namespace, f"--for=condition={condition}", "--timeout=240s", f"job/{stage}")

    def log(self, stage, container="stage"):
        return self.cluster.kubectl("logs", "-n", self.namespace, f"job/{stage}", "-c", container)

    def ended(self, stage, container="stage"):
        """Exit code and message of the stage's container, as the driver sees them."""
        (pod,) = self.cluster.get("pods", "-n", self.namespace, "-l", f"bodywork/stage={stage}")["items"]
        statuses = [*pod["status"].get("initContainerStatuses", []), *pod["status"]["containerStatuses"]]
        (state,) = (status["state"]["terminated"] for status in statuses if status["name"] == container)
        return state["exitCode"], state.get("message", "")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    made = a_repository(tmp_path_factory.mktemp("pods") / "repository")
    for file, text in {**FILES, "look/at_data.ipynb": notebook(NOTEBOOK), "look/and_fails.ipynb": notebook("1 / 0")}.items():
        write(made.path / "models" / file, text)
    made.commit()
    return made


@pytest.fixture(scope="module")
def fetched(repository, git_server):
    url = git_server.publish(repository, f"pods-{secrets.token_hex(3)}")
    return Source(commit=repository.git("rev-parse", "HEAD"), url=url, branch="main", folder="models")


@pytest.fixture(scope="module")
def run(cluster: Cluster, fetched):
    namespace = f"rendered-stages-run-{secrets.token_hex(3)}"
    cluster.make_namespace(namespace)
    cluster.make_secret(namespace, "token", TOKEN="s3cret")
    run = Run(cluster, namespace)
    dag = ", ".join(stage.name for stage in STAGES)
    run.apply(compiled(*STAGES, dag=dag, source=fetched, options=RenderOptions(namespace=namespace)))
    yield run
    cluster.delete_namespace(namespace)


def test_a_stage_gets_its_values_as_they_are(run, fetched):
    run.ends("show", "complete")
    shown = json.loads(run.log("show"))
    assert shown["argv"] == list(HOSTILE)
    assert [shown["env"][f"H{number}"] for number in range(len(HOSTILE))] == list(HOSTILE)
    assert (shown["env"]["TOKEN"], "".join(shown["token"])) == ("***", "s3cret"), "it is masked in the log, and whole for the stage"
    assert shown["env"]["GIT_COMMIT_HASH"] == fetched.commit[:7]
    assert shown["folder"] == "/bodywork/project/models/show"
    assert shown["user"] == [65534, "nobody"]
    assert run.log("show", "fetch") == f"bodywork: fetched commit {fetched.commit[:7]} of {fetched.url}\n"
    assert shown["written"] == {
        "/tmp": True,
        "~/.cache/numba": True,
        "~/.config/matplotlib": True,
        "/var/tmp": False,
        "/opt": False,
    }


def test_a_stage_that_fills_the_disk_is_evicted_and_that_is_a_failure(run):
    run.ends("fills", "failed")
    (pod,) = run.cluster.get("pods", "-n", run.namespace, "-l", "bodywork/stage=fills")["items"]
    assert (pod["status"]["reason"], pod["status"]["message"]) == (
        "Evicted",
        'Usage of EmptyDir volume "workspace" exceeds the limit "32M". ',
    )


def test_a_stage_whose_time_is_over_says_so_and_keeps_its_log(run):
    run.ends("slow", "failed")
    assert run.ended("slow") == (124, "took longer than 2 s")
    assert run.log("slow").splitlines()[0] == "begun"


def test_a_stage_that_fails_shows_its_traceback(run):
    run.ends("fails", "failed")
    code, message = run.ended("fails")
    assert code == 1
    assert message.endswith("RuntimeError: no petals\n")


def test_requirements_are_there(run):
    run.ends("needs", "complete")
    assert run.log("needs") == "six 1.16.0\n"


def test_a_requirement_that_cannot_be_had_fails_in_install(run):
    run.ends("wants", "failed")
    code, message = run.ended("wants", "install")
    assert code == 65
    assert "six==99" in message


def test_a_file_that_is_missing_is_named(run):
    run.ends("missing", "failed")
    assert run.ended("missing") == (2, "bodywork: there is no file nothing/main.py in the project\n")


def test_a_notebook_prints_what_its_cells_print(run):
    run.ends("look", "complete")
    assert run.log("look") == "arguments ['a', 'b c']\n42\n"


def test_a_notebook_that_raises_fails(run):
    run.ends("looks", "failed")
    code, message = run.ended("looks")
    assert code == 1
    assert message.endswith("ZeroDivisionError: division by zero\n")


def test_files_inside_the_manifests_need_no_server(cluster: Cluster, namespace, repository):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(repository.path / "models", arcname=".")
    source = Source(commit="c" * 40, archive=packed.getvalue(), folder="models")
    run = Run(cluster, namespace)
    cluster.make_secret(namespace, "token", TOKEN="s3cret")
    run.apply(compiled(STAGES[0], source=source, options=RenderOptions(namespace=namespace)))
    run.ends("show", "complete")
    shown = json.loads(run.log("show"))
    assert (shown["argv"], shown["folder"]) == (list(HOSTILE), "/bodywork/project/models/show")


def test_the_failure_stage_runs_when_the_driver_says_so_with_its_message(cluster: Cluster, namespace, fetched):
    documents = compiled(
        batch("train"), on_failure=batch("alert", executable="show/main.py"), source=fetched, options=RenderOptions(namespace=namespace)
    )
    run = Run(cluster, namespace)
    *setup, _, failure = documents
    run.apply(setup)
    job = safe_load(failure.text)
    (main,) = job["spec"]["template"]["spec"]["containers"]
    (message,) = (entry for entry in main["env"] if entry["name"] == "EXCEPTION_MESSAGE")
    message["value"] = "train failed: $$(HOME)"
    job["spec"]["suspend"] = False
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(job))
    run.ends("alert", "complete")
    assert json.loads(run.log("alert"))["env"]["EXCEPTION_MESSAGE"] == "train failed: $(HOME)"


def test_an_update_of_a_service_refuses_no_request(cluster: Cluster, namespace, fetched):
    run = Run(cluster, namespace)
    options = RenderOptions(namespace=namespace)

    def rolled_out(**changed):
        run.apply(compiled(service("serve", port=80, replicas=1, **changed), source=fetched, options=options))
        cluster.kubectl("rollout", "status", "-n", namespace, "deployment/serve", "--timeout=120s")

    def asked():
        lines = [line.split() for line in run.log("ask").splitlines()]
        return max((int(line[1]) for line in lines if line[0] == "asked"), default=0), [line for line in lines if line[0] == "refused"]

    def asked_more(than):
        while asked()[0] <= than:
            assert not asked()[1]
        return asked()[0]

    rolled_out()
    run.apply([document for document in compiled(batch("ask", seconds=0), source=fetched, options=options) if document.kind == "Job"])
    cluster.kubectl("wait", "-n", namespace, "--for=jsonpath={.status.ready}=1", "--timeout=120s", "job/ask")
    before = asked_more(than=0)
    (old,) = cluster.get("pods", "-n", namespace, "-l", "bodywork/stage=serve")["items"]
    rolled_out(env=(("VERSION", "2"),))
    cluster.kubectl("wait", "-n", namespace, "--for=delete", "--timeout=60s", f"pod/{old['metadata']['name']}")
    asked_more(than=before + 50)
    assert asked()[1] == []


def test_golden_manifests_are_those_that_were_run():
    """What these tests run is what the golden files show: the same start scripts."""
    (name,) = (document.name for document in compiled(batch()) if "-scripts-" in document.name)
    (kept,) = GOLDEN.glob("*/00-setup/scripts.yaml")
    assert safe_load(kept.read_text())["metadata"]["name"].endswith(name.rpartition("-")[2])
