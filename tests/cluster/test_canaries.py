"""Secrets planted wherever one may come in, and searched for wherever one might come out: argv, output, temporary files, the cluster's objects and logs."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import git_over_http
import pytest
import yaml
from builders import a_bare_copy, a_batch_stage, a_pipeline, write
from clusters import Cluster
from hand_made import programs
from secret_forms import ODD, PRINTS, leaks

pytestmark = pytest.mark.cluster
GROUPS = "bodywork-deployment-jobs"
TELLS = f"{PRINTS}print('GROUPED', os.environ['GROUPED'])\nprint(repr(os.environ.get('EXCEPTION_MESSAGE')))\n"
FAILS = f"{TELLS}raise SystemExit('refused: ' + os.environ['GROUPED'])\n"
# runs the true program, and keeps what was said to it and what lay in the temporary folder when it had ended
SPY = """\
#!/bin/sh
printf '%s\\n' "$0 $*" >> {record}/argv
case " $* " in *" proxy "*) exec {program} "$@" ;; esac
{program} "$@"
code=$?
cp -r "$TMPDIR" "$(mktemp -d {record}/seen.XXXXXX)" 2>/dev/null
exit $code
"""


@dataclass(frozen=True, slots=True)
class Canaries:
    grouped: str
    standing: str
    of_url: str
    in_environment: str

    @property
    def printed(self) -> tuple[str, str]:
        """Those that the stages know."""
        return self.grouped, self.standing

    def all_forms(self) -> set[str]:
        plain = {self.grouped, *self.grouped.splitlines(), self.standing, self.of_url, quote(self.of_url, safe=""), self.in_environment}
        return plain | {base64.b64encode(value.encode()).decode().rstrip("=") for value in plain}

    def found_in(self, text: str) -> set[str]:
        return {form for form in self.all_forms() if form in text}


@pytest.fixture
def canaries(cluster: Cluster, namespace: str) -> Iterator[Canaries]:
    """One in a group's secret (of two lines), one in a secret of the namespace, one in the URL, one in our own environment."""
    planted = Canaries(
        grouped=f"grouped-{secrets.token_hex(8)}{ODD}\nsecond-{secrets.token_hex(8)}",
        standing=f"standing-{secrets.token_urlsafe(9)}",
        of_url=git_over_http.PASSWORD,
        in_environment=f"environment-{secrets.token_hex(8)}",
    )
    cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "create", "namespace", GROUPS)
    metadata = {"name": f"{namespace}-grouped", "namespace": GROUPS}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"GROUPED": planted.grouped}}
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(secret))
    cluster.make_secret(namespace, "standing", STANDING=planted.standing)
    yield planted
    cluster.kubectl("delete", "secret", "-n", GROUPS, metadata["name"])


@pytest.fixture
def url(namespace: str, tmp_path: Path) -> Iterator[str]:
    """A project behind a password, whose stages print all that they know."""
    needs = {
        "secrets": {"GROUPED": "grouped", "STANDING": "standing"},
        "cpu_request": 0.1,
        "batch": {"retries": 0, "max_completion_time_seconds": 60},
    }
    stages = {stage: a_batch_stage(f"{stage}.py", **needs) for stage in ("fails", "tells")}
    for stage, code in {"fails": FAILS, "tells": TELLS}.items():
        write(tmp_path / "project" / f"{stage}.py", code)
    pipeline = {"namespace": namespace, "secrets_group": namespace, "run_on_failure": "tells", "dag": "fails"}
    repository = a_pipeline(tmp_path / "project", remote=None, stages=stages, **pipeline)
    (tmp_path / "served").mkdir()
    a_bare_copy(repository, tmp_path / "served" / "canaries.git")
    with git_over_http.serving(tmp_path / "served") as address:
        yield f"http://{git_over_http.USER}:{quote(git_over_http.PASSWORD, safe='')}@{address}/canaries.git"


@dataclass(frozen=True, slots=True)
class Spied:
    """What one run of the command said, and what was recorded of it."""

    exit_code: int
    output: str
    argv: str
    files: str


def spied_on(cluster: Cluster, record: Path, environment: dict[str, str], *argv: str) -> Spied:
    for folder in ("bin", "tmp"):
        (record / folder).mkdir(parents=True)
    for name in ("kubectl", "git"):
        spy = record / "bin" / name
        spy.write_text(SPY.format(record=record, program=programs(name)[0]))
        spy.chmod(0o755)
    env = {**os.environ, **environment, "PATH": f"{record}/bin{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(record / "tmp")}
    words = [sys.executable, "-m", "bodywork_compiler", "apply", *argv, "--kubeconfig", str(cluster.kubeconfig), "--print-commands"]
    with all_processes(record) as seen:
        done = subprocess.run(words, env=env, cwd=record, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert any("--unix-socket" in each for each in seen), "the run's own processes were looked at"
    seen.discard(" ".join([*words, ""]))  # the user's own words, the URL with its password among them
    files = [file for file in record.rglob("*") if file.is_file() and file.parent != record / "bin" and file.name != "argv"]
    return Spied(
        exit_code=done.returncode,
        output=done.stdout,
        argv=(record / "argv").read_text() + "\n".join(sorted(seen)),
        files="\n".join(file.read_bytes().decode(errors="replace") for file in files),
    )


@contextmanager
def all_processes(record: Path) -> Iterator[set[str]]:
    """The command lines of all that the run starts, also what git starts: known by its environment, since other tests run beside this one."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                if str(record) in content(process / "environ"):
                    seen.add(content(process / "cmdline"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def content(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has ended
        return ""


def objects_of(cluster: Cluster, namespace: str) -> str:
    """All of the namespace as the API server has it, but Secrets."""
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    found = cluster.get(",".join(kind for kind in kinds if kind != "secrets"), "-n", namespace)["items"]
    assert {"Job", "Pod", "ConfigMap", "Event"} <= {each["kind"] for each in found}
    return json.dumps(found, indent=1)


def logs_of_pods(cluster: Cluster, namespace: str) -> str:
    """As the kubelet has them: whoever reads a node's log files, or collects them, sees that."""
    pods = [each["metadata"]["name"] for each in cluster.get("pods", "-n", namespace)["items"]]
    assert pods
    return "".join(cluster.kubectl("logs", "-n", namespace, pod, "--all-containers") for pod in pods)


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_comes_out_anywhere(cluster: Cluster, namespace: str, url: str, canaries: Canaries, tmp_path: Path, form: str) -> None:
    run = spied_on(cluster, tmp_path / "record", {"CANARY_TOKEN": canaries.in_environment}, url, "--inline-source", "-o", form)

    assert run.exit_code == 4, run.output
    assert "GROUPED ***" in run.output, "the stages have printed them"
    assert "refused: ***" in run.output, "the evidence has their last lines"
    assert "create -f -" in run.argv, "every call was recorded"
    assert "canaries.git" in run.files, "and what git and kubectl found in the temporary folder"
    assert canaries.found_in(run.output) == set()
    assert canaries.found_in(run.argv) == set()
    assert canaries.found_in(run.files) == set()
    there = {"output": run.output, "objects": objects_of(cluster, namespace), "logs": logs_of_pods(cluster, namespace)}
    assert there["logs"].count("all is printed") == 2
    assert {place: (canaries.found_in(text), leaks(text, *canaries.printed)) for place, text in there.items()} == dict.fromkeys(
        there, (set(), [])
    )
    copies = [each for each in cluster.get("secrets", "-n", namespace)["items"] if each["metadata"]["name"] == "grouped"]
    assert canaries.found_in(json.dumps([each["metadata"] for each in copies])) == set()
    assert len(copies) == 1


@pytest.fixture
def without_secrets(cluster: Cluster, namespace: str, tmp_path: Path) -> Cluster:
    """As an account sees it that may do all of a run, but read no secret."""
    printed = cluster.bodywork("configure-cluster", "--namespace", namespace, "--dry-run=client", "-o", "yaml", cwd=tmp_path).stdout
    (role,) = [each for each in yaml.safe_load_all(printed) if each["kind"] == "Role" and each["metadata"]["namespace"] == namespace]
    rules = [rule for rule in role["rules"] if "secrets" not in rule["resources"]]
    assert len(rules) == len(role["rules"]) - 1
    metadata = {"name": "reads-no-secret", "namespace": namespace}
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": metadata["name"]}
    subjects = [{"kind": "ServiceAccount", "name": metadata["name"], "namespace": namespace}]
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": role["apiVersion"], "kind": "Role", "metadata": metadata, "rules": rules},
        {"apiVersion": role["apiVersion"], "kind": "RoleBinding", "metadata": metadata, "roleRef": role_ref, "subjects": subjects},
    ]
    cluster.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    known = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "yaml"))
    token = cluster.kubectl("create", "token", metadata["name"], "-n", namespace).strip()
    known["users"] = [{**known["users"][0], "user": {"token": token}}]
    file = write(tmp_path / "kubeconfig-of-account", yaml.safe_dump(known))
    return Cluster(file)


@pytest.mark.parametrize("by", ["variable", "file"])
def test_what_the_run_may_not_read_is_masked_in_the_pod_or_said(
    cluster: Cluster, namespace: str, without_secrets: Cluster, tmp_path: Path, by: str
) -> None:
    canary = f"canary-{secrets.token_hex(4)}{ODD}"
    cluster.make_secret(namespace, "standing", STANDING=canary)
    needs = {"secrets": {"STANDING": "standing"}, "batch": {"retries": 0, "max_completion_time_seconds": 60}}
    write(
        tmp_path / "project" / "tells.py",
        TELLS.replace("os.environ['GROUPED']", "open('/files/STANDING').read()") if by == "file" else PRINTS,
    )
    a_pipeline(tmp_path / "project", remote=None, stages={"tells": a_batch_stage("tells.py", **needs)}, namespace=namespace, dag="tells")
    rendered = cluster.bodywork("render", "--inline-source", cwd=tmp_path / "project").stdout
    if by == "file":
        rendered = with_files(rendered)
    report = tmp_path / "report.json"
    done = without_secrets.bodywork("apply", "-", "--report", report, cwd=tmp_path, stdin=rendered)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is printed" in done.stdout
    assert ("values of secret standing are not masked in the logs of tells" in done.stdout) == (by == "file")
    if by == "variable":
        assert leaks(done.stdout + done.stderr + report.read_text(), canary) == []
        assert leaks(logs_of_pods(cluster, namespace) + objects_of(cluster, namespace), canary) == []


def with_files(rendered: str) -> str:
    """As an overlay may have it: the secret mounted as well."""
    documents = list(yaml.safe_load_all(rendered))
    (spec,) = [each["spec"]["template"]["spec"] for each in documents if each["kind"] == "Job"]
    spec["volumes"].append({"name": "files", "secret": {"secretName": "standing"}})
    spec["containers"][0]["volumeMounts"].append({"name": "files", "mountPath": "/files"})
    return yaml.safe_dump_all(documents)
