"""A config for the scripts of a folder: each that is run becomes a stage, those that serve come last."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.starting.scripts import Script, find_scripts, of_others
from bodywork_compiler.values import value

# module -> distribution, where the names differ; https://pypi.org has no table of them
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "PyYAML",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "dateutil": "python-dateutil",
    "psycopg2": "psycopg2-binary",
    "google": "google-cloud-storage",
    "jwt": "PyJWT",
    "flask": "Flask",
}
_ORDER = ("fetch", "download", "extract", "ingest", "load", "prepare", "clean", "process", "transform", "feature", "split", "train", "fit")
_LAST = ("test", "evaluate", "validate", "choose", "score", "predict", "report", "publish")
_NUMBER = re.compile(r"\d+")
_IMAGE = "python:3.11"


@value
class Proposal:
    """`config` is a bodywork.yaml as values; `unpinned` are requirements whose version nobody could tell."""

    config: dict[str, Any]
    unpinned: tuple[str, ...] = ()


def propose(folder: Path, pipeline: str) -> Proposal | None:
    """None where nothing in the folder is a script."""
    scripts = find_scripts(folder)
    run = sorted((script for script in scripts if script.is_run), key=_place)
    if not run:
        return None
    file = "requirements.txt" if (folder / "requirements.txt").is_file() else None
    stages: dict[str, Any] = {}
    unpinned: list[str] = []
    for script in run:
        requirements: Any = file or [_pinned(name, unpinned) for name in of_others(script, scripts, folder)]
        stages[_stage_name(script, stages)] = _stage(script, requirements)
    config = {
        "version": "1.2" if file else "1.1",  # a file of requirements is new in 1.2
        "pipeline": {"name": pipeline, "docker_image": _IMAGE, "DAG": " >> ".join(stages)},
        "stages": stages,
        "logging": {"log_level": "INFO"},
    }
    return Proposal(config=config, unpinned=tuple(dict.fromkeys(unpinned)))


def _place(script: Script) -> tuple[Any, ...]:
    """Services last; then by the number in the name, else by what the name says that it does, else by the path."""
    number = _NUMBER.search(script.path)
    word = script.path.lower()
    known = next((at for at, each in enumerate(_ORDER) if each in word), None)
    late = next((at for at, each in enumerate(_LAST) if each in word), 0)
    rank = known if known is not None else len(_ORDER) + late
    return script.port is not None, int(number[0]) if number else 0, rank, script.path


def _stage(script: Script, requirements: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"executable_module_path": script.path}
    if requirements:
        found["requirements"] = requirements
    found |= {"cpu_request": 0.5, "memory_request_mb": 250}
    if script.port is not None:
        return {**found, "service": {"max_startup_time_seconds": 60, "replicas": 1, "port": script.port, "ingress": False}}
    return {**found, "batch": {"max_completion_time_seconds": 600, "retries": 1}}


def _stage_name(script: Script, taken: Iterable[str]) -> str:
    """The file's name; with its folder's where that is taken. A service's name begins with a letter."""
    parts = script.path.rpartition(".")[0].split("/")
    options = [names.clean("-".join(parts[-count:])) for count in range(1, len(parts) + 1)]
    options += [f"{options[-1]}-{number}" for number in range(2, 100)]
    name = next(each for each in options if each and each not in set(taken))
    name = names.shortened(name, 50)
    return f"stage-{name}" if not name[0].isalpha() else name


def _pinned(module: str, unpinned: list[str]) -> str:
    """As it is installed here, if it is."""
    name = _DISTRIBUTIONS.get(module, module)
    try:
        return f"{name}=={metadata.version(name)}"
    except metadata.PackageNotFoundError:
        unpinned.append(name)
        return name


def as_text(config: dict[str, Any]) -> str:
    import yaml

    parts = [yaml.safe_dump({key: part}, sort_keys=False, allow_unicode=True, width=140) for key, part in config.items()]
    return _COMMENT + "".join(parts)


_COMMENT = "# Proposed by `bodywork init` from the scripts of this folder: look at the order of the DAG, the requirements and the limits.\n"
