"""The pre-commit hooks, action.yml and the CI examples say commands; those that need no server are run on a project with a committed render."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import Repository, a_pipeline, write

from bodywork_compiler.cli import main

CHECKOUT = Path(__file__).parent.parent
BODYWORK = f"{shlex.quote(sys.executable)} -m bodywork_compiler"


def read(path: str) -> Any:
    """All scalars as texts: `on` is a key there."""
    return yaml.load((CHECKOUT / path).read_text(), Loader=yaml.BaseLoader)


@pytest.fixture
def iris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = a_pipeline(tmp_path / "iris")
    monkeypatch.chdir(repository.path)
    assert main(["render", "-o", "manifests"]) == 0
    repository.commit("Manifests")
    repository.pushed()
    return repository


def run(line: str, repository: Repository, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = re.sub(r"(?<![\w-])(\.venv/bin/)?bodywork ", f"{BODYWORK} ", line)
    env = {**os.environ, "CI": "true", **environment}
    return subprocess.run(["bash", "-euc", ours], cwd=repository.path, env=env, text=True, capture_output=True, check=False)


def hooks() -> dict[str, str]:
    return {hook["id"]: shlex.join([*shlex.split(hook["entry"]), *hook.get("args", [])]) for hook in read(".pre-commit-hooks.yaml")}


def lines_of_examples() -> Iterator[Any]:
    jobs = read("docs/ci/github-actions.yml")["jobs"]
    for name, job in jobs.items():
        for step in job["steps"]:
            if "run" in step:
                yield pytest.param(step["run"], id=f"github-{name}-{step['run'].split()[1]}")
    gitlab = read("docs/ci/gitlab-ci.yml")
    for name in ("check", "apply"):
        for line in gitlab[name]["script"]:
            yield pytest.param(line, id=f"gitlab-{name}-{line.split()[1]}")


@pytest.mark.parametrize("hook", ["bodywork-validate", "bodywork-render"])
def test_a_hook_is_green_on_a_committed_render(hook: str, iris: Repository) -> None:
    done = run(hooks()[hook], iris)
    assert done.returncode == 0, done.stderr


def test_the_render_hook_lets_a_stage_be_changed_and_sees_an_edited_manifest(iris: Repository) -> None:
    write(iris.path / "train" / "main.py", "print('better')\n")
    assert run(hooks()["bodywork-render"], iris).returncode == 0
    write(iris.path / "manifests" / "01-train" / "job.yaml", "kind: Job\n")
    assert run(hooks()["bodywork-render"], iris).returncode == 1


@pytest.mark.parametrize("line", list(lines_of_examples()))
def test_each_line_of_the_ci_examples_runs_as_far_as_it_can_here(line: str, iris: Repository) -> None:
    if "pip install" in line or "KUBECONFIG_CONTENT" in line:
        assert subprocess.run(["bash", "-nc", line], check=False).returncode == 0
        return
    if " apply " in line:  # the rest of it is the cluster tests'
        line = f"{line} --dry-run=client".replace(" --report report.json", "")
    done = run(line, iris, KUBECONFIG="/nowhere")
    assert done.returncode == 0, done.stderr


def test_the_check_of_the_examples_is_red_when_a_stage_changed_since(iris: Repository) -> None:
    write(iris.path / "train" / "main.py", "print('better')\n")
    iris.commit("Better")
    assert run(".venv/bin/bodywork render --check manifests", iris).returncode == 1


def test_the_action_validates_by_default_and_runs_what_it_is_told(iris: Repository) -> None:
    action = read("action.yml")
    script = action["runs"]["steps"][1]["run"]
    assert run(script, iris, COMMAND=action["inputs"]["command"]["default"]).returncode == 0
    assert run(script, iris, COMMAND="render --check manifests").returncode == 0
    (iris.path / "train" / "main.py").unlink()
    failed = run(script, iris, COMMAND=action["inputs"]["command"]["default"])
    assert failed.returncode == 1
    assert "::error" in failed.stdout


@pytest.mark.parametrize(
    "path", [".github/workflows/ci.yml", "docs/ci/github-actions.yml", "docs/ci.md", "docs/ci/gitlab-ci.yml", "action.yml"]
)
def test_what_others_made_is_named_by_hash(path: str) -> None:
    text = (CHECKOUT / path).read_text()
    for used, remark in re.findall(r"uses: (\S+)(.*)", text):
        if not used.startswith("OWNER/"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used), used
            assert re.fullmatch(r"  # v\d+\.\d+\.\d+", remark), f"{used}: of which version?"
    for own in re.findall(r"OWNER/bodywork-compiler(?!/)(?:\.git)?(\S*)", text):
        assert own in ("@COMMIT", ""), own
    assert not re.search(r"pip install .*OWNER/bodywork-compiler(?!@COMMIT)", text)


def test_workflows_may_read_and_no_more() -> None:
    for path in (".github/workflows/ci.yml", "docs/ci/github-actions.yml"):
        workflow = read(path)
        assert workflow["permissions"] == {"contents": "read"}
        assert not [name for name, job in workflow["jobs"].items() if "permissions" in job]


def test_the_image_is_made_of_an_image_by_digest() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=\S+@sha256:[0-9a-f]{64}$", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
