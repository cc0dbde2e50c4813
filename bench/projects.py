"""Projects to measure with: bodywork.yaml 1.1 in a repository of its own, committed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

STAGES_PER_STEP = 10
HEAD = """\
version: "1.1"
pipeline:
  name: {name}
  docker_image: python:3.11
  DAG: {dag}
logging:
  log_level: INFO
stages:
"""
STAGE = """\
  {name}:
    executable_module_path: {name}.py
    args: [--input, "s3://store/{name}/in.csv", "--seed={number}"]
    cpu_request: 0.25
    memory_request_mb: 100
    secrets:
      PASSWORD: store-credentials
"""
BATCH = """\
    batch:
      max_completion_time_seconds: 30
      retries: 2
"""
SERVICE = """\
    service:
      max_startup_time_seconds: 30
      replicas: 1
      port: 5000
      ingress: false
"""
NO_OP = """\
  {name}:
    executable_module_path: no_op.py
    cpu_request: 0
    memory_request_mb: 0
    batch:
      max_completion_time_seconds: 30
      retries: 0
"""


def mixed(folder: Path, count: int) -> Path:
    """`count` stages, batch and service in turn, three arguments and one secret each, ten to a step; its remote is on a git server."""
    names = [f"stage-{number}" for number in range(1, count + 1)]
    steps = [names[first : first + STAGES_PER_STEP] for first in range(0, count, STAGES_PER_STEP)]
    kinds = (BATCH, SERVICE)
    stages = [STAGE.format(name=name, number=number) + kinds[number % 2] for number, name in enumerate(names)]
    config = HEAD.format(name="bench", dag=" >> ".join(", ".join(step) for step in steps)) + "".join(stages)
    _commit(folder, {"bodywork.yaml": config})
    # a remote that is known to have the commit, so that the source does not travel inline
    _git(folder, "remote", "add", "origin", "https://git.example.org/bench.git")
    _git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def no_ops(folder: Path, steps: int, stages_per_step: int) -> Path:
    """Batch stages that do nothing, all from one script; without a remote, so that the source travels inline."""
    numbers: Iterator[int] = iter(range(1, steps * stages_per_step + 1))
    dag = [[f"no-op-{next(numbers)}" for _ in range(stages_per_step)] for _ in range(steps)]
    config = HEAD.format(name="bench", dag=" >> ".join(", ".join(step) for step in dag))
    config += "".join(NO_OP.format(name=name) for step in dag for name in step)
    _commit(folder, {"bodywork.yaml": config, "no_op.py": "pass\n"})
    return folder


def failing(folder: Path) -> Path:
    """One batch stage that fails at its only attempt."""
    config = HEAD.format(name="bench", dag="fail") + NO_OP.format(name="fail")
    _commit(folder, {"bodywork.yaml": config, "no_op.py": "raise SystemExit(1)\n"})
    return folder


def _commit(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    _git(folder, "add", ".")
    _git(folder, "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "--quiet", "--message", "A pipeline")


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True)
