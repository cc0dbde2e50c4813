"""A v1 stage's folder: its `config.ini` and `requirements.txt`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodywork_compiler.config import ini_text, places, schemas
from bodywork_compiler.config.faults import Fault, shown
from bodywork_compiler.config.ini_places import IniPlaces
from bodywork_compiler.config.meaning import STARTUP_SECONDS_FOR_0, leaves_project, relative
from bodywork_compiler.config.reading import UnreadableError, as_typed, read_text
from bodywork_compiler.problems import Problem

CONFIG, REQUIREMENTS = "config.ini", "requirements.txt"
_OTHER = {"batch": "service", "service": "batch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFiles:
    """What a stage's files say; `problems` are theirs. `requirements_file` is None where nothing is to be installed."""

    values: Mapping[str, Any]
    problems: list[Problem]
    requirements_file: str | None = None

    @property
    def is_service(self) -> bool:
        return self.kind == "service"

    @property
    def kind(self) -> object:
        return self.values.get("default", {}).get("STAGE_TYPE")

    def executable(self, name: str) -> str | None:
        """The stage's Python file, as a path in the project."""
        script = self.values.get("default", {}).get("EXECUTABLE_SCRIPT")
        return relative(f"{name}/{script}") if script else None


def read(project: Path, stage: str) -> StageFiles:
    config = project / stage / CONFIG
    shown_name = as_typed(config)
    requirements_file, problems = _requirements(project, stage)
    try:
        text = read_text(config)
        sections, faults = ini_text.parse(text)
    except UnreadableError as fault:
        return StageFiles(values={}, problems=[*fault.problems(shown_name), *problems])
    values = ini_text.typed(sections, schemas.schema("stage-ini"))
    kind = values.get("default", {}).get("STAGE_TYPE")
    faults += _sections(values, kind)
    values.pop(_OTHER.get(str(kind), ""), None)
    values["secrets"] = {variable: secret.lower() for variable, secret in values.get("secrets", {}).items()}
    faults += ini_text.softened(schemas.faults("stage-ini", values), faults)
    faults += _checks(values)
    if faults:
        problems += places.problems(shown_name, faults, IniPlaces(text))
    return StageFiles(values=values, problems=problems, requirements_file=requirements_file)


def _requirements(project: Path, stage: str) -> tuple[str | None, list[Problem]]:
    path = project / stage / REQUIREMENTS
    try:
        lines = [line.strip() for line in read_text(path).splitlines()]
    except UnreadableError as fault:
        fault.hint = fault.hint or "make an empty one if the stage needs nothing"
        return None, fault.problems(as_typed(path))
    needs_any = any(line and not line.startswith("#") for line in lines)
    return (f"{stage}/{REQUIREMENTS}" if needs_any else None), []


def _sections(values: Mapping[str, Any], kind: object) -> Iterator[Fault]:
    """The section that the stage's type asks for, and no other."""
    if kind not in _OTHER:
        return
    other = _OTHER[str(kind)]
    if kind not in values:
        yield Fault(path=(), message=f"is missing, although STAGE_TYPE is {shown(kind)}", lacking=str(kind))
    if other in values:
        message = f"is not read, because STAGE_TYPE is {shown(kind)}"
        yield Fault(path=(other,), message=message, severity="warning", at_key=True)


def _checks(values: Mapping[str, Any]) -> Iterator[Fault]:
    script = values.get("default", {}).get("EXECUTABLE_SCRIPT")
    at = ("default", "EXECUTABLE_SCRIPT")
    if isinstance(script, str) and leaves_project(script):
        yield Fault(path=at, message=f"must be a file in the stage's folder, got {shown(script)}")
    elif isinstance(script, str) and "/" in relative(script):
        message = "runs in its own folder, where Bodywork 1 ran it in the stage's"
        yield Fault(path=at, message=message, hint="look at the relative paths that it opens", severity="warning")
    if values.get("service", {}).get("MAX_STARTUP_TIME_SECONDS") == 0:
        at = ("service", "MAX_STARTUP_TIME_SECONDS")
        yield Fault(path=at, message=f"0 is taken as {STARTUP_SECONDS_FOR_0}", severity="note")
