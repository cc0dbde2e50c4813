"""A folder of manifests, or a project, that somebody made who wishes us ill: what its links lead to is neither read without end nor shown."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_pipeline, write

from bodywork_compiler.source import RENDER_MARKER

SECRET = "of-this-machine"
JOB = '{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "labels": {"bodywork/pipeline": "iris"}}}\n'
OUTSIDE = "is not in the folder, or is a link that leads out of it"
OLD_CONFIG = """\
version: "1.0"
project: {name: iris, docker_image: "python:3.11", DAG: train}
stages:
  train: {executable_module_path: train.py, cpu_request: 1, memory_request_mb: 100, batch: {max_completion_time_seconds: 30, retries: 1}}
logging: {log_level: INFO}
"""


def bodywork(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """With little memory: what is read without end ends in an error of memory soon."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    words = [sys.executable, "-m", "bodywork_compiler", *argv]
    done = subprocess.run(words, text=True, capture_output=True, check=False, cwd=cwd, preexec_fn=bounded, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done


@pytest.fixture
def iris(tmp_path: Path) -> Path:
    """A project with its render beside it."""
    repository = a_pipeline(tmp_path / "iris")
    assert bodywork("render", "-o", "manifests", cwd=repository.path).returncode == 0
    repository.commit("Manifests")
    return repository.path


def instead(file: Path, other: str) -> None:
    file.unlink()
    if other == "fifo":
        os.mkfifo(file)
    else:
        file.symlink_to(other)


@pytest.mark.parametrize("other", ["/dev/zero", "fifo"])
@pytest.mark.parametrize("name", [RENDER_MARKER, "kustomization.yaml", "01-train/job.yaml"])
@pytest.mark.parametrize("command", [["render", "-o"], ["diff"], ["run"]], ids=["render", "diff", "run"])
def test_what_is_no_regular_file_is_refused(iris: Path, command: list[str], name: str, other: str) -> None:
    instead(iris / "manifests" / name, other)
    argv = [*command, "manifests"] if command != ["run"] else ["run", "train", "manifests"]
    done = bodywork(*argv, cwd=iris)
    assert done.returncode == (2 if command == ["diff"] else 1), done.stderr
    assert f"manifests/{name}: is not a regular file" in done.stderr or f"manifests/{name}: {OUTSIDE}" in done.stderr


@pytest.mark.parametrize("other", ["/dev/zero", "fifo"])
@pytest.mark.parametrize("name", [RENDER_MARKER, "00-setup/pipeline.yaml", "01-train/job.yaml"])
def test_neither_does_a_check_read_it(iris: Path, name: str, other: str) -> None:
    instead(iris / "manifests" / name, other)
    assert bodywork("render", "--check", "manifests", cwd=iris).returncode == 1


@pytest.mark.parametrize("name", ["a.yaml", "kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_link_out_of_a_folder_of_manifests_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path / "theirs", f"{SECRET}: 1\n")
    write(tmp_path / "manifests" / "job.json", JOB)
    (tmp_path / "manifests" / name).symlink_to("../theirs")
    done = bodywork("diff", "manifests", cwd=tmp_path)
    assert done.returncode == 2
    assert f"manifests/{name}: {OUTSIDE}" in done.stderr


def test_neither_is_its_marker_read_out_there(iris: Path, tmp_path: Path) -> None:
    instead(iris / "manifests" / RENDER_MARKER, str(write(tmp_path / "theirs", f"{SECRET}\n")))
    for argv in (["render", "-o", "manifests"], ["render", "--check", "manifests"]):
        assert f"{RENDER_MARKER}: {OUTSIDE}" in bodywork(*argv, cwd=iris).stderr


@pytest.mark.parametrize("name", ["../theirs.yaml", "{absolute}", "a\\0b", "x" * 5000])
def test_a_kustomization_that_lists_other_files_as_a_render_would_reads_none(iris: Path, tmp_path: Path, name: str) -> None:
    theirs = write(iris / "theirs.yaml", f"{SECRET}: 1\n")
    kustomization = iris / "manifests" / "kustomization.yaml"
    listed = name.format(absolute=theirs).replace("\\0", "\0")
    kustomization.write_text(kustomization.read_text() + f"  - {listed}\n")
    digest = hashlib.sha256(kustomization.read_bytes()).hexdigest()
    write(iris / "manifests" / RENDER_MARKER, f"{digest}  kustomization.yaml\n")
    assert bodywork("diff", "manifests", cwd=iris).returncode == 2
    assert bodywork("run", "train", "manifests", cwd=iris).returncode == 1


@pytest.mark.parametrize(
    "path", ["a\0b", "a\0/pipeline.yaml", "x" * 5000, "x" * 5000 + "/pipeline.yaml"], ids=["nul", "nul-facts", "long", "long-facts"]
)
def test_a_marker_with_a_path_that_no_file_has_is_told(iris: Path, path: str) -> None:
    marker = iris / "manifests" / RENDER_MARKER
    marker.write_text(marker.read_text() + f"{'0' * 64}  {path}\n")
    for argv in (["render", "-o", "manifests"], ["render", "--check", "manifests"]):
        assert bodywork(*argv, cwd=iris).returncode == 1


@pytest.mark.parametrize(
    "options",
    [
        {"x; touch PWNED #": True},
        {"x; touch PWNED #": "y"},
        {"templates": "; touch PWNED"},
        {"file": "PWNED"},
        {"namespace": True},
        {"namespace": 5},
        {"namespace": "PWNED.x"},
        {"namespace": "PWNED; x"},
        {"ingress-class": ["PWNED"]},
        {"pod-security": "PWNED"},
        {"argo-cd": "PWNED"},
        ["PWNED"],
    ],
)
def test_the_command_that_renders_again_has_options_of_render_only(iris: Path, options: object) -> None:
    facts = iris / "manifests" / "00-setup" / "pipeline.yaml"
    lines = [line for line in facts.read_text().splitlines() if "render-options" not in line]
    at = next(number for number, line in enumerate(lines) if line.startswith("data:"))
    lines.insert(at + 1, f"  render-options: {json.dumps(json.dumps(options))}")
    facts.write_text("\n".join(lines) + "\n")
    done = bodywork("render", "--check", "manifests", cwd=iris)
    assert done.returncode == 1
    assert "ender it again: bodywork render" in done.stderr
    assert "PWNED" not in done.stderr
    assert "--namespace " not in done.stderr


@pytest.mark.parametrize("write_it", [[], ["--write"]])
@pytest.mark.parametrize("generation", ["1.0", "v1"])
def test_migrate_takes_no_config_from_outside_the_project(tmp_path: Path, generation: str, write_it: list[str]) -> None:
    text = OLD_CONFIG.replace("iris", SECRET) if generation == "1.0" else f"[default]\nPROJECT_NAME={SECRET}\nDOCKER_IMAGE={SECRET}\n"
    theirs = write(tmp_path / "theirs", text)
    name = "bodywork.yaml" if generation == "1.0" else "bodywork.ini"
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / name).symlink_to("../theirs")
    done = bodywork("migrate", "project", *write_it, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{name}: is not in the project, or is a link that leads out of it" in done.stderr
    assert theirs.read_text() == text
    assert sorted(path.name for path in (tmp_path / "project").iterdir()) == [name]


def test_a_template_that_needs_too_much_memory_is_told_in_one_line(iris: Path) -> None:
    write(iris / "templates" / "service.yaml.j2", '\n{{ ("x" * 4611686018427387904) | length }}\n')
    done = bodywork("render", cwd=iris)
    assert done.returncode == 1
    assert "service.yaml.j2:2: needs too much memory" in done.stderr
