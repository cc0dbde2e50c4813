"""A config for the scripts of a folder: each that is run becomes a stage, those that serve come last."""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.errors import BodyworkError
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
    """`config` is a bodywork.yaml as values; `unpinned` are requirements whose version nobody could tell, `unread` files with faults."""

    config: dict[str, Any]
    unpinned: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def propose(folder: Path, pipeline: str) -> Proposal | None:
    """None where the folder has no Python files. Raises BodyworkError where none of them is a script."""
    found = find_scripts(folder)
    scripts = found.scripts
    run = sorted((script for script in scripts if script.is_run), key=_place)
    if not run:
        if not scripts and not found.unread:
            return None
        raise BodyworkError(
            f"{folder}: holds Python files, but none that is run by itself, so nothing is proposed",
            hint="Write a script that does something when it is run; or begin with a sample, in a folder of its own: bodywork init my-pipeline",
        )
    stages: dict[str, Any] = {}
    unpinned: list[str] = []
    for script in run:
        requirements: Any = _nearest_file(script, folder) or [_pinned(name, unpinned) for name in of_others(script, scripts, folder)]
        stages[_stage_name(script, stages)] = _stage(script, requirements)
    by_file = any(isinstance(stage.get("requirements"), str) for stage in stages.values())
    config = {
        "version": "1.2" if by_file else "1.1",  # a file of requirements is new in 1.2
        "pipeline": {"name": pipeline, "docker_image": _IMAGE, "DAG": " >> ".join(stages)},
        "stages": stages,
        "logging": {"log_level": "INFO"},
    }
    return Proposal(config=config, unpinned=tuple(dict.fromkeys(unpinned)), unread=found.unread)


def _nearest_file(script: Script, folder: Path) -> str | None:
    """The requirements.txt beside a script, else above it."""
    files = [parent / "requirements.txt" for parent in PurePosixPath(script.path).parents]
    return next((str(file) for file in files if (folder / file).is_file()), None)


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


def _stage_name(script: Script, taken: Collection[str]) -> str:
    """The file's name; with its folder's where that is taken. A service's name begins with a letter."""
    parts = script.path.rpartition(".")[0].split("/")
    options = [name for count in range(1, len(parts) + 1) if (name := names.clean("-".join(parts[-count:])))] or ["stage"]
    options += [f"{names.shortened(options[-1], 45)}-{number}" for number in range(2, len(taken) + 3)]
    allowed = (names.shortened(each if each[0].isalpha() else f"stage-{each}", 50) for each in options)
    return next(each for each in allowed if each not in taken)


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
