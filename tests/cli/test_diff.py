"""`bodywork diff` as far as it goes without a cluster: whatever goes wrong is exit code 2, as kubectl's."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

# a cluster that says no to everything
KUBECTL = """#!/bin/sh
case "$1" in
  config) echo '{"current-context": "kind-dev", "contexts": [{"name": "kind-dev", "context": {}}]}' ;;
  *) echo "Unable to connect to the server: dial tcp: lookup example.org: no such host" >&2; exit 1 ;;
esac
"""
JOB = '{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "labels": {"bodywork/pipeline": "iris"}}}'


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bin" / "kubectl"
    file.parent.mkdir()
    file.write_text(KUBECTL)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{file.parent}{os.pathsep}{os.environ['PATH']}")


def diff(*argv: str, stdin: str = "", cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "bodywork_compiler", "diff", *argv]
    return subprocess.run(words, input=stdin, text=True, capture_output=True, check=False, cwd=cwd)


@pytest.mark.usefixtures("kubectl")
@pytest.mark.parametrize(
    ("argv", "stdin", "said"),
    [
        pytest.param(["-"], JOB, "no such host", id="no-cluster"),
        pytest.param(
            ["-"], '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}', "no object names a pipeline", id="not-ours"
        ),
        pytest.param(["nowhere.yaml"], "", "nowhere.yaml: not found", id="not-there"),
        pytest.param(["broken"], "", "bodywork.yaml", id="a-config-with-faults"),
        pytest.param(["-", "--branch", "main"], JOB, "only for a project", id="usage"),
        pytest.param(["--nonsense"], "", "No such option", id="no-such-option"),
    ],
)
def test_every_error_is_exit_code_2(argv: list[str], stdin: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "bodywork.yaml").write_text('version: "1.1"\n')
    git = ["git", "-C", str(tmp_path / "broken"), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    done = diff(*argv, stdin=stdin, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_no_kubectl_is_exit_code_2_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = diff("-", stdin=JOB, cwd=tmp_path)
    assert done.returncode == 2
    assert "kubectl is not on the PATH" in done.stderr
