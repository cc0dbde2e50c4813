"""Projects and repositories in our users' words, for tests: files are written and committed for real, with a fixed author and dates."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FIRST_SECOND = 1_700_000_000  # commits are a minute apart, so that the same calls make the same hashes
URL = "https://git.example.com/acme/iris.git"


def a_batch_stage(script: str = "train/main.py", **changed: Any) -> dict[str, Any]:
    work = {"max_completion_time_seconds": 60, "retries": 2}
    return {"executable_module_path": script, "cpu_request": 0.5, "memory_request_mb": 100, "batch": work, **changed}


def a_service_stage(script: str = "serve/main.py", **changed: Any) -> dict[str, Any]:
    work = {"max_startup_time_seconds": 30, "replicas": 1, "port": 5000, "ingress": False}
    return {"executable_module_path": script, "cpu_request": 0.5, "memory_request_mb": 100, "service": work, **changed}


def a_config(*, name: str = "iris", dag: str | None = None, stages: Mapping[str, Any] | None = None, **pipeline: Any) -> dict[str, Any]:
    """A bodywork.yaml 1.1; by default `train >> serve`. The DAG is the stages one after another, if none is given."""
    stages = stages or {"train": a_batch_stage(), "serve": a_service_stage()}
    return {
        "version": "1.1",
        "pipeline": {"name": name, "docker_image": "python:3.11", "DAG": dag or " >> ".join(stages), **pipeline},
        "stages": dict(stages),
        "logging": {"log_level": "INFO"},
    }


def a_project(folder: Path, **config: Any) -> Path:
    """Writes a config and a script for each stage into `folder`."""
    values = a_config(**config)
    write(folder / "bodywork.yaml", yaml.safe_dump(values, sort_keys=False))
    for stage, each in values["stages"].items():
        script = folder / each["executable_module_path"]
        if not script.exists():
            write(script, f"print({stage!r})\n")
    return folder


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@dataclass
class Repository:
    path: Path
    _seconds: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_SECOND, 60))

    def git(self, *args: str) -> str:
        return _git(self.path, *args)

    def commit(self, message: str = "A change") -> str:
        """Commits all that is there; returns the commit's hash."""
        date = f"{next(self._seconds)} +0000"
        self.git("add", "--all")
        _git(self.path, "commit", "--quiet", "--allow-empty", f"--message={message}", GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        return self.git("rev-parse", "HEAD")

    def has_remote(self, url: str = URL, *, with_all: bool = True, name: str = "origin") -> None:
        """Names a remote; `with_all`: as if everything had just been pushed there."""
        self.git("remote", "add", name, url)
        if with_all:
            self.pushed(name)

    def pushed(self, name: str = "origin") -> None:
        """As after a push: the remote-tracking ref of the branch stands where the branch does."""
        self.git("update-ref", f"refs/remotes/{name}/main", "HEAD")


def a_repository(folder: Path) -> Repository:
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    return Repository(folder)


def a_pipeline(folder: Path, *, inside: str = "", remote: str | None = URL, **config: Any) -> Repository:
    """A repository whose folder `inside` (default: its root) holds a project, committed and pushed to `remote`."""
    repository = a_repository(folder)
    a_project(folder / inside, **config)
    repository.commit("First version")
    if remote:
        repository.has_remote(remote)
    return repository


def a_bare_copy(repository: Repository, to: Path) -> Path:
    """What a server would hold."""
    _git(repository.path, "clone", "--quiet", "--bare", str(repository.path), str(to))
    return to


def _git(folder: Path, *args: str, **environment: str) -> str:
    who = {
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
    }
    settings = ("-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false")
    env = {**os.environ, **who, **environment}
    done = subprocess.run(["git", *settings, *args], cwd=folder, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr}"
    return done.stdout.strip()
