"""`bodywork.ini` with a `config.ini` and a `requirements.txt` per stage → its Project and its problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.config import dag, files, images, ini_project, ini_stage, ini_text, naming, places, reading, schemas
from bodywork_compiler.config.faults import Fault
from bodywork_compiler.config.ini_places import IniPlaces
from bodywork_compiler.config.ini_stage import StageFiles
from bodywork_compiler.problems import Problem, has_errors
from bodywork_compiler.project import Project

_DAG = ("workflow", "DAG")
_WHAT_A_STAGE_IS = f"a stage is a folder with a {ini_stage.CONFIG}"


def load(file: reading.ConfigFile, *, check_files: bool) -> tuple[Project | None, list[Problem]]:
    """Its Project, unless there is an error in it, and all that is to be said, of the stages' files too."""
    path = file.folder / file.name
    file_name = reading.as_typed(path)
    text = reading.read_text(path)
    sections, faults = ini_text.parse(text)
    values = ini_text.typed(sections, schemas.schema("ini"))
    faults += ini_text.softened(schemas.faults("ini", values), faults)
    order = values.get("workflow", {}).get("DAG", "")
    folders = _stage_folders(file.folder)
    stages = {name: ini_stage.read(file.folder, name) for step in dag.steps(order) for name in step if name in folders}
    faults += _of_project(values.get("default", {}))
    faults += _of_order(order, values.get("default", {}), stages, folders)
    problems = places.problems(file_name, faults, IniPlaces(text)) if faults else []
    problems += [problem for stage in stages.values() for problem in stage.problems]
    if check_files:
        scripts = ((stage.executable(name), f"{name}/{ini_stage.CONFIG}") for name, stage in stages.items())
        problems += files.missing(file.folder, scripts, lambda config: (reading.as_typed(file.folder / config), None, None))
    if has_errors(problems):
        return None, problems
    project = ini_project.project(values, stages, file.name)
    return project, problems + naming.notes(file_name, project)


def _stage_folders(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob(f"*/{ini_stage.CONFIG}")}


def _of_project(default: Mapping[str, Any]) -> Iterator[Fault]:
    if default.get("PROJECT_NAME"):
        yield from naming.pipeline_faults(default["PROJECT_NAME"], ("default", "PROJECT_NAME"))
        yield from naming.namespace_faults(default["PROJECT_NAME"], ("default", "PROJECT_NAME"))
    if default.get("DOCKER_IMAGE"):
        yield from images.faults(default["DOCKER_IMAGE"].lower(), ("default", "DOCKER_IMAGE"))


def _of_order(order: str, default: Mapping[str, Any], stages: Mapping[str, StageFiles], folders: set[str]) -> Iterator[Fault]:
    if not order:
        return
    is_service = {name: name in stages and stages[name].is_service for name in folders}
    yield from dag.faults(order, is_service, _DAG, what_a_stage_is=_WHAT_A_STAGE_IS)
    project = default.get("PROJECT_NAME", "")
    if names.clean(project):
        prefix = names.prefix_before_v3(project)
        yield from naming.faults(_named(order, prefix, stages))
        yield from naming.prefix_faults(prefix, ("default", "PROJECT_NAME"), has_services=any(is_service.values()))


def _named(order: str, prefix: str, stages: Mapping[str, StageFiles]) -> Iterator[naming.Named]:
    mentioned = [name for step in dag.steps(order) for name in step]
    spans = dag.spans(order)
    for name, stage in stages.items():
        object_name, label = names.stage_names(name, prefix)
        yield naming.Named(
            name=name,
            object_name=object_name,
            label=label,
            is_service=stage.is_service,
            path=_DAG,
            times=mentioned.count(name),
            span=spans[name],
        )
