"""What each command may import: start-up is felt at every call, in every CI job and by every completion of a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

EMPTY_CLICK_PROGRAM = """
import click, json, sys
@click.group()
def main(): pass
try: main(["--help"])
except SystemExit: pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
BODYWORK = """
import json, sys
from bodywork_compiler.cli import main
code = main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""

Allowed = Mapping[str, set[str]]
# a path's module loads these; an editable install has them loaded before
PATHS = {"fnmatch", "ipaddress", "ntpath", "pathlib", "urllib"}
# Beyond what an empty click program loads. Own modules by room, third-party ones and the standard library's by their top name; names that
# begin with `_` are parts of others.
DATACLASSES = {"copy", "dataclasses", "gc"}
START_UP: Allowed = {"own": {"cli", "errors"}, "other": set()}
SHOWS_HELP: Allowed = {
    "own": {
        "cli",
        "config",
        "errors",
        "git",
        "labels",
        "problems",
        "project",
        "report",
        "resources",
        "run_options",
        "source",
        "to_copy",
        "values",
        "printable",
        "streams",
    },
    "other": DATACLASSES | PATHS,
}
READS_A_PROJECT: Allowed = {
    "own": {"cli", "config", "errors", "labels", "names", "printable", "problems", "project", "report", "resources", "streams", "values"}
    | {"yaml_nodes"},
    "other": DATACLASSES | PATHS | {"base64", "binascii", "math", "struct", "yaml"},
}
MAKES_MANIFESTS: Allowed = {
    "own": READS_A_PROJECT["own"] - {"report"} | {"compiler", "git", "manifests", "source", "to_copy"},
    # Jinja's, what starts git, and what click looks for near names with before it takes `-o` for a short option
    "other": READS_A_PROJECT["other"]
    | {
        "bisect",
        "bz2",
        "fcntl",
        "hashlib",
        "jinja2",
        "lzma",
        "markupsafe",
        "numbers",
        "pickle",
        "random",
        "shutil",
        "string",
        "tempfile",
        "zlib",
    }
    | {"select"}
    | {"shlex"}  # the command that a note on an unknown remote proposes
    | {"difflib", "heapq"},
}
ALWAYS_TOO_DEAR = {
    "asyncio",
    "email",
    "http",
    "jsonschema",
    "multiprocessing",
    "referencing",
    "requests",
    "rich",
    "rpds",
    "sh",
    "ssl",
    "unittest",
}

PROJECT = {
    "bodywork.yaml": """\
version: "1.1"
pipeline: {name: start-up, docker_image: "python:3.11", DAG: train >> serve}
stages:
  train:
    executable_module_path: train.py
    cpu_request: 0.1
    memory_request_mb: 50
    args: ["1"]
    secrets: {PASSWORD: store}
    batch: {max_completion_time_seconds: 30, retries: 1}
  serve:
    executable_module_path: serve.py
    cpu_request: 0.1
    memory_request_mb: 50
    service: {max_startup_time_seconds: 30, replicas: 1, port: 5000, ingress: true}
logging: {log_level: INFO}
""",
    "train.py": "print('trained')\n",
    "serve.py": "print('serving')\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a repository with a remote, so that its source does not travel inline."""
    folder = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        (folder / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["commit", "-qm", "x"],
        ["remote", "add", "origin", "https://git.example.org/start-up.git"],
    ):
        subprocess.run([*git, *words], check=True)
    return folder


def loaded(program: str, *argv: str, cwd: Path, exit_code: int = 0) -> set[str]:
    """The modules that a new interpreter has loaded when a program is done; the list is its last line on stderr."""
    # -I would hide an editable install's checkout; a cache folder of its own keeps the user's out
    environment = {**os.environ, "XDG_CACHE_HOME": str(cwd / ".git" / "cache"), "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, "-c", program, *argv], cwd=cwd, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == exit_code, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def baseline(project: Path) -> set[str]:
    return {name.partition(".")[0] for name in loaded(EMPTY_CLICK_PROGRAM, cwd=project)}


def split(modules: set[str], baseline: set[str]) -> Allowed:
    package = "bodywork_compiler"
    own = {name.split(".")[1] for name in modules if name.startswith(f"{package}.")}
    other = {name.partition(".")[0] for name in modules} - baseline - {package, "cython_runtime"}
    return {"own": own, "other": {name for name in other if not name.startswith("_")}}


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        pytest.param(["version"], START_UP, id="version"),
        pytest.param(["--version"], START_UP, id="--version"),
        pytest.param(["--help"], START_UP, id="--help"),
        pytest.param(["validate"], READS_A_PROJECT, id="validate"),
        pytest.param(["validate", "--strict", "--check-files"], READS_A_PROJECT, id="validate-all"),
        pytest.param(["render"], MAKES_MANIFESTS, id="render"),
        pytest.param(["render", "-o", "manifests"], MAKES_MANIFESTS, id="render-folder"),
    ],
)
def test_a_command_imports_no_more_than_it_may(argv: list[str], allowed: Allowed, project: Path, baseline: set[str]) -> None:
    for _ in range(2):  # the second run may find templates already compiled
        used = split(loaded(BODYWORK, *argv, cwd=project), baseline)
        assert used["own"] <= allowed["own"]
        assert used["other"] <= allowed["other"]


def test_no_list_allows_what_is_always_too_dear() -> None:
    for allowed in (START_UP, SHOWS_HELP, READS_A_PROJECT, MAKES_MANIFESTS):
        assert not allowed["other"] & ALWAYS_TOO_DEAR


@pytest.mark.parametrize(
    "command",
    [
        *("render", "validate", "apply", "diff", "status", "logs", "delete", "schema"),
        *("create deployment", "get deployments", "delete deployment", "create cronjob", "create secret", "configure-cluster"),
        *("workflow", "setup-namespace", "service display", "deployment create", "cronjob history", "secret create"),
    ],
)
def test_the_help_of_a_command_does_not_import_what_only_its_run_needs(command: str, project: Path, baseline: set[str]) -> None:
    used = split(loaded(BODYWORK, *command.split(), "--help", cwd=project), baseline)
    assert used["own"] <= SHOWS_HELP["own"]
    assert used["other"] <= SHOWS_HELP["other"]


def test_jsonschema_is_asked_only_where_something_is_wrong(project: Path) -> None:
    faulty = project / "faulty.yaml"
    faulty.write_text(PROJECT["bodywork.yaml"].replace("retries: 1", "retries: -1"))
    assert "jsonschema" in loaded(BODYWORK, "validate", "--file", "faulty.yaml", cwd=project, exit_code=1)
