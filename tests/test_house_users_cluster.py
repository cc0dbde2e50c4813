"""No test and no demo ever touches the user's own cluster: here the user's kubeconfig is bait, and kubectl tells who took it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from builders import a_batch_stage, a_pipeline, a_service_stage, write

CHECKOUT = Path(__file__).parent.parent
BAIT = """\
apiVersion: v1
kind: Config
current-context: production
clusters: [{name: production, cluster: {server: "https://127.0.0.1:1"}}]
contexts:
  - {name: production, context: {cluster: production, user: me}}
  - {name: throw-away, context: {cluster: production, user: me}}
users: [{name: me, user: {}}]
"""
RECORDING_KUBECTL = """\
#!/bin/sh
echo "$@" >>{calls}
if [ "$1" = kustomize ]; then
  find "$2" -mindepth 2 -name '*.yaml' | sort | while read -r file; do echo ---; cat "$file"; done
  exit 0
fi
echo "kubectl was called" >&2
exit 1
"""


@dataclass(frozen=True)
class UsersMachine:
    """A home with a kubeconfig whose current context is production, and a kubectl that writes down its calls and fails, but for what asks no cluster."""

    environment: Mapping[str, str]
    calls_file: Path

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=CHECKOUT, env=self.environment, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`make` with the environment that runs this test, taken as it is installed."""
        return self.run("make", f"VENV={sys.prefix}", "--assume-old", f"{sys.prefix}/.installed", *words)

    def kubectl_calls(self) -> Sequence[Sequence[str]]:
        return [line.split() for line in self.calls_file.read_text().splitlines()] if self.calls_file.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> UsersMachine:
    kubeconfig, programs, calls = tmp_path / ".kube" / "config", tmp_path / "bin", tmp_path / "calls"
    kubeconfig.parent.mkdir()
    kubeconfig.write_text(BAIT)
    programs.mkdir()
    (programs / "kubectl").write_text(RECORDING_KUBECTL.format(calls=calls))
    (programs / "kubectl").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BODYWORK_", "PYTEST_", "MAKE"))}
    environment |= {"HOME": str(tmp_path), "KUBECONFIG": str(kubeconfig), "PATH": f"{programs}:{os.environ['PATH']}"}
    return UsersMachine(environment=environment, calls_file=calls)


def test_the_kubectl_of_these_tests_is_found_and_tells(machine: UsersMachine) -> None:
    machine.run("kubectl", "get", "pods")
    assert machine.kubectl_calls() == [["get", "pods"]]


def test_without_a_throw_away_cluster_every_cluster_test_is_skipped_and_says_why(machine: UsersMachine) -> None:
    done = machine.run(sys.executable, "-m", "pytest", "tests", "-m", "cluster", "-p", "no:cacheprovider", "-q", "-rs")
    assert done.returncode == 0, done.stdout
    assert "skipped" in done.stdout
    assert "BODYWORK_TEST_KUBECONFIG" in done.stdout
    assert machine.kubectl_calls() == []


# what the demo's example does, without a package to install
TOY_STAGES = {
    "train.py": "import os, urllib.parse, pathlib\npathlib.Path(urllib.parse.urlsplit(os.environ['S3_BUCKET']).path, 'model').write_text('setosa')\n",
    "serve.py": """\
import http.server, json, os, pathlib, urllib.parse
model = pathlib.Path(urllib.parse.urlsplit(os.environ['S3_BUCKET']).path, 'model').read_text()
class Scores(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path, "species_prediction": model}).encode())
http.server.HTTPServer(("0.0.0.0", int(os.environ["BODYWORK_SERVICE_PORT"])), Scores).serve_forever()
""",
}


def test_the_demo_trains_serves_and_predicts_without_any_cluster(machine: UsersMachine, tmp_path: Path) -> None:
    secrets = {"S3_BUCKET": "s3"}
    stages = {"train": a_batch_stage("train.py", secrets=secrets), "serve": a_service_stage("serve.py", secrets=secrets)}
    for name, text in TOY_STAGES.items():
        write(tmp_path / "toy" / name, text)
    a_pipeline(tmp_path / "toy", remote=None, stages=stages)
    done = machine.make("demo", f"DEMO={tmp_path}/toy", f"DEMO_OUT={tmp_path}/store")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"path": "/iris/v1/score", "species_prediction": "setosa"}' in done.stdout
    assert "nothing of it runs any more" in done.stdout
    assert machine.kubectl_calls() == []


def test_the_demo_with_a_context_uses_that_one_and_never_the_current_one(machine: UsersMachine, tmp_path: Path) -> None:
    done = machine.make("demo", f"DEMO_OUT={tmp_path}/demo", "CLUSTER=throw-away")
    assert done.returncode != 0  # this kubectl reaches nothing
    reaching = [call for call in machine.kubectl_calls() if call[0] not in {"version", "config", "kustomize"}]
    assert reaching
    for call in reaching:
        assert "--context=throw-away" in call or ("--context", "throw-away") in pairwise(call), call


def test_a_test_sees_nothing_of_the_users_kubeconfig() -> None:
    """tests/conftest.py takes it away from every test."""
    named = os.environ.get("KUBECONFIG")
    assert named is None or not Path(named).exists()
    assert not (Path.home() / ".kube" / "config").exists()
