"""Secrets planted wherever one may come in, and searched for wherever one might come out: argv, output, temporary files, the cluster's objects."""

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
from builders import a_bare_copy, a_batch_stage, a_pipeline, write
from clusters import Cluster
from hand_made import programs

pytestmark = pytest.mark.cluster
GROUPS = "bodywork-deployment-jobs"
PRINTS = """\
import base64, os
for name in ("GROUPED", "STANDING"):
    value = os.environ[name]
    print(name, value, base64.b64encode(value.encode()).decode())
    print(repr(os.environ.get("EXCEPTION_MESSAGE")))
"""
FAILS = f"{PRINTS}raise SystemExit('refused: ' + os.environ['GROUPED'])\n"
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

    def all_forms(self) -> set[str]:
        plain = {self.grouped, *self.grouped.splitlines(), self.standing, self.of_url, quote(self.of_url, safe=""), self.in_environment}
        return plain | {base64.b64encode(value.encode()).decode().rstrip("=") for value in plain}

    def found_in(self, text: str) -> set[str]:
        return {form for form in self.all_forms() if form in text}


@pytest.fixture
def canaries(cluster: Cluster, namespace: str) -> Iterator[Canaries]:
    """One in a group's secret (of two lines), one in a secret of the namespace, one in the URL, one in our own environment."""
    planted = Canaries(
        grouped=f"grouped-{secrets.token_hex(8)}\nsecond-{secrets.token_hex(8)}",
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
    for stage, code in {"fails": FAILS, "tells": PRINTS}.items():
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
    """All of the namespace as the API server has it, but Secrets, and what a stage itself wrote into its pod's status."""
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    found = cluster.get(",".join(kind for kind in kinds if kind != "secrets"), "-n", namespace)["items"]
    assert {"Job", "Pod", "ConfigMap", "Event"} <= {each["kind"] for each in found}
    return json.dumps([{**each, "status": None} if each["kind"] == "Pod" else each for each in found])


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
    assert canaries.found_in(objects_of(cluster, namespace)) == set()
    copies = [each for each in cluster.get("secrets", "-n", namespace)["items"] if each["metadata"]["name"] == "grouped"]
    assert canaries.found_in(json.dumps([each["metadata"] for each in copies])) == set()
    assert len(copies) == 1
