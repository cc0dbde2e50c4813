"""A project's files written for a test, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bodywork_compiler import config
from bodywork_compiler.errors import ConfigError
from bodywork_compiler.problems import Problem
from bodywork_compiler.report import problems as report

GOOD = """\
version: "1.1"
pipeline:
  name: iris
  docker_image: python:3.11
  DAG: train >> serve
stages:
  train:
    executable_module_path: train.py
    args: ["--fast"]
    cpu_request: 0.5
    memory_request_mb: 100
    secrets:
      TOKEN: credentials
    batch:
      max_completion_time_seconds: 60
      retries: 2
  serve:
    executable_module_path: serve.py
    cpu_request: 1
    memory_request_mb: 250
    service:
      max_startup_time_seconds: 30
      replicas: 1
      port: 5000
      ingress: false
logging:
  log_level: INFO
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """`text` with each first part replaced; a part that is not there is a mistake of the test."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def found(folder: Path, *, check_files: bool = False, strict: bool = False) -> tuple[Problem, ...]:
    """All that `load` says, whether it refuses the config or not."""
    try:
        return config.load(folder, check_files=check_files, strict=strict).warnings
    except ConfigError as faults:
        return faults.problems


def said(folder: Path, *, check_files: bool = False, strict: bool = False) -> list[str]:
    """The same as lines, with files named from `folder`."""
    texts = [report.text(problem) for problem in found(folder, check_files=check_files, strict=strict)]
    return [text.replace(f"{folder}/", "") for text in texts]


GOOD_INI = {
    "bodywork.ini": """\
[default]
PROJECT_NAME = iris
DOCKER_IMAGE = python:3.11

[workflow]
DAG = train >> serve

[logging]
LOG_LEVEL = INFO
""",
    "train/config.ini": """\
[default]
STAGE_TYPE = batch
EXECUTABLE_SCRIPT = train.py
CPU_REQUEST = 0.5
MEMORY_REQUEST_MB = 100

[batch]
MAX_COMPLETION_TIME_SECONDS = 60
RETRIES = 2

[secrets]
token = Credentials
""",
    "train/requirements.txt": "joblib\n",
    "serve/config.ini": """\
[default]
STAGE_TYPE = service
EXECUTABLE_SCRIPT = serve.py
CPU_REQUEST = 0.25
MEMORY_REQUEST_MB = 100

[service]
MAX_STARTUP_TIME_SECONDS = 30
REPLICAS = 1
PORT = 5000
""",
    "serve/requirements.txt": "",
}
