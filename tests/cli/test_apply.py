"""`bodywork apply` as far as it goes without a cluster: usage, what it reads, and when it asks."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import a_project
from terminal import at_a_terminal

# answers what a run asks before it changes anything; a proxy that serves nobody
KUBECTL = """#!/bin/sh
echo "$@" >> "$0.ran"
case "$1" in
  proxy) echo "Starting to serve on nothing"; exec sleep 60 ;;
  config) echo '{"current-context": "kind-dev", "contexts": [{"name": "kind-dev", "context": {}}],
    "clusters": [{"name": "paper", "cluster": {"server": "https://127.0.0.1:6443"}}]}' ;;
  *) echo "error: not in this test" >&2; exit 1 ;;
esac
"""
Done = subprocess.CompletedProcess[str]
ONLY_ASK = {"config", "get", "proxy"}


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "bin" / "kubectl"
    file.parent.mkdir()
    file.write_text(KUBECTL)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{file.parent}{os.pathsep}{os.environ['PATH']}")
    return file


def ran(kubectl: Path) -> list[str]:
    """The verbs that kubectl was started with."""
    log = Path(f"{kubectl}.ran")
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    labels = {"bodywork/pipeline": "iris", "bodywork/stage": "train-model", "bodywork/step": "1"}
    metadata: dict[str, Any] = {"name": "train-model", "labels": labels, "annotations": {"bodywork/git-commit": "3f2a9c1" + "0" * 33}}
    metadata["annotations"]["bodywork/git-branch"] = "main"
    file = tmp_path / "manifests.json"
    file.write_text(json.dumps({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}}))
    return file


def apply(*argv: str | Path, stdin: str = "", cwd: Path | None = None) -> Done:
    words = [sys.executable, "-m", "bodywork_compiler", "apply", *map(str, argv)]
    return subprocess.run(words, input=stdin, text=True, capture_output=True, check=False, cwd=cwd)


def test_options_of_a_compilation_are_wrong_usage_on_manifests(manifests: Path) -> None:
    done = apply(manifests, "--branch", "main", "--inline-source")
    assert done.returncode == 2
    assert "--branch, --inline-source: only for a project" in done.stderr


def test_what_is_not_there_says_what_may_be_given(tmp_path: Path) -> None:
    done = apply("manifest.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "manifest.yaml: not found" in done.stderr
    assert "standard input" in done.stderr


@pytest.mark.parametrize("name", ["bodywork.yaml", "bodywork.ini"])
def test_a_config_is_no_manifest_and_the_command_for_its_project_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "iris").mkdir()
    (tmp_path / "iris" / name).write_text('version: "1.1"\n')
    done = apply(f"iris/{name}", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"bodywork: iris/{name}: is a project's config, not manifests\n  Give the project's folder: bodywork apply iris\n"


def test_a_config_in_a_subfolder_is_no_manifest(tmp_path: Path) -> None:
    a_project(tmp_path / "iris")
    done = apply(".", cwd=tmp_path)
    assert done.returncode == 1
    assert "iris/bodywork.yaml, document 1: is a project's config, not a manifest\n  For a project give the folder" in done.stderr


def test_manifests_of_nobody_are_refused(kubectl: Path) -> None:
    done = apply("-", stdin="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert done.returncode == 1
    assert "no object names a pipeline" in done.stderr
    assert ran(kubectl) == []


def test_an_uncommitted_project_is_refused(kubectl: Path, tmp_path: Path) -> None:
    project = a_project(tmp_path / "iris")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(project)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    (project / "train" / "main.py").write_text("print('not committed')\n")
    done = apply(project)

    assert done.returncode == 1
    assert "not committed: train/main.py" in done.stderr
    assert ran(kubectl) == []


def test_no_kubectl_is_said_with_where_to_get_one(manifests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = apply(manifests)
    assert done.returncode == 1
    assert "kubectl is not on the PATH" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_person_at_a_terminal_sees_the_plan_and_is_asked(kubectl: Path, manifests: Path) -> None:
    exit_code, shown = at_a_terminal("apply", manifests, "--namespace", "lab", types="what\nn\n")

    assert exit_code == 1
    assert "iris at 3f2a9c1 (main) → context kind-dev, namespace lab" in shown
    assert "cluster paper at https://127.0.0.1:6443" in shown
    assert "step 1  train-model" in shown
    assert shown.count("Apply? [y/N]") == 2, "what is neither yes nor no is asked again"
    assert "nothing was changed" in shown
    assert set(ran(kubectl)) <= ONLY_ASK


def test_where_the_server_cannot_be_asked_what_changes_a_person_is_told_less_and_asked(manifests: Path, kubectl: Path) -> None:
    _, shown = at_a_terminal("apply", manifests, "--namespace", "lab", types="n\n")
    assert "what changes is not known: kubectl get: error: not in this test" in shown
    assert shown.index("not in this test") < shown.index("Apply? [y/N]")


@pytest.mark.parametrize("types", ["\n", "\x04", "no\n"], ids=["return alone", "end of input", "no"])
def test_only_yes_is_a_yes(kubectl: Path, manifests: Path, types: str) -> None:
    exit_code, shown = at_a_terminal("apply", manifests, "--namespace", "lab", types=types)
    assert exit_code == 1
    assert "not applied; nothing was changed" in shown
    assert set(ran(kubectl)) <= ONLY_ASK


def test_ctrl_c_at_the_question_changes_nothing(kubectl: Path, manifests: Path) -> None:
    exit_code, shown = at_a_terminal("apply", manifests, "--namespace", "lab", interrupt_at="Apply?")
    assert exit_code == 130
    assert "interrupted; nothing was changed" in shown
    assert "Traceback" not in shown
    assert set(ran(kubectl)) <= ONLY_ASK


@pytest.mark.usefixtures("kubectl")
@pytest.mark.parametrize("how", ["--yes", "CI"])
def test_yes_and_ci_are_not_asked(manifests: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[str] = [how] if how.startswith("--") else []
    if not words:
        monkeypatch.setenv(how, "true")
    exit_code, shown = at_a_terminal("apply", manifests, "--namespace", "lab", *words, interrupt_at="iris at 3f2a9c1")
    assert exit_code == 130, "the run had begun"
    assert "Apply?" not in shown


@pytest.mark.usefixtures("kubectl")
def test_the_proxys_folder_is_gone_afterwards(manifests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    at_a_terminal("apply", manifests, "--namespace", "lab", types="n\n")
    assert list(tmp_path.glob("bodywork-*")) == []


def test_a_dry_run_asks_nobody_at_a_terminal_and_changes_nothing(kubectl: Path, manifests: Path) -> None:
    exit_code, shown = at_a_terminal("apply", manifests, "--namespace", "lab", "--dry-run=client")
    assert exit_code == 0
    assert "would apply job=train-model in namespace=lab" in shown
    assert "Apply?" not in shown
    assert ran(kubectl) == ["config"]


def test_a_namespace_to_ask_in_needs_a_server_to_ask(manifests: Path) -> None:
    done = apply(manifests, "--dry-run=client", "--dry-run-namespace", "lab")
    assert done.returncode == 2
    assert "only with --dry-run=server" in done.stderr
