"""`bodywork.yaml`: one file → its Project and its problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bodywork_compiler.config import (
    naming,
    reading,
    schemas,
    yaml_checks,
    yaml_project,
    yaml_text,
    yaml_version,
)
from bodywork_compiler.config.faults import Fault
from bodywork_compiler.problems import Problem, has_errors
from bodywork_compiler.project import Project

# 1.2 is strict; what was written for the versions before may hold keys that nothing reads
_UNKNOWN_KEYS_ARE_ERRORS = {"1.2"}

_FILES = ("executable_module_path", "requirements")


def load(file: reading.ConfigFile, *, check_files: bool) -> tuple[Project | None, list[Problem]]:
    """Its Project, unless there is an error in it, and all that is to be said."""
    path = file.folder / file.name
    shown = reading.as_typed(path)
    document = yaml_text.parse(reading.read_text(path))
    version, values, faults = _judged(document)
    problems = _placed(shown, faults, document) if faults else []
    if check_files:
        from bodywork_compiler.config import files

        named = {who: (given, path) for given, who, path in _named_files(document.values)}

        def place(who: str) -> files.NamedAt:
            (found,) = _placed(shown, [Fault(path=named[who][1], message="")], document)
            return found.file, found.line, found.column

        problems += files.missing(file.folder, ((given, who) for who, (given, _) in named.items()), place)
    if version is None or has_errors(problems):
        return None, problems
    project = yaml_project.project(values, version, file.name)
    return project, problems + naming.notes(shown, project)


def _placed(file: str, faults: list[Fault], document: yaml_text.Document) -> list[Problem]:
    from bodywork_compiler.config import places
    from bodywork_compiler.config.yaml_places import YamlPlaces

    return places.problems(file, faults, YamlPlaces(document))


def _named_files(values: object) -> Iterator[tuple[object, str, tuple[str, ...]]]:
    stages = values.get("stages") if isinstance(values, dict) else None
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        for key in _FILES if isinstance(stage, dict) else ():
            yield stage.get(key), f"stages.{name}.{key}", ("stages", name, key)


def _judged(document: yaml_text.Document) -> tuple[str | None, Any, list[Fault]]:
    """The version that the file is judged by (None: it cannot be), its values without those that this version ignores, and its faults."""
    values = document.values
    if not isinstance(values, dict):
        return None, values, [Fault(path=(), message="a config must be a mapping with the keys version, pipeline, stages and logging")]
    version, wrong_version = yaml_version.judged_by(values)
    faults = [] if wrong_version is None else [wrong_version]
    if version is None:
        return None, values, faults
    faults += (
        _softened(fault, version) if fault.unknown else fault
        for fault in schemas.faults(version, values)
        if wrong_version is None or fault.path != ("version",)
    )
    values = _without(values, [(*fault.path, fault.unknown) for fault in faults if fault.unknown and fault.severity == "warning"])
    faults += yaml_checks.faults(values, version)
    if document.has_oddities:
        from bodywork_compiler.config import yaml_oddities

        faults += yaml_oddities.faults(document.root)
    return version, values, faults


def _without(values: dict[str, Any], ignored: list[tuple[Any, ...]]) -> dict[str, Any]:
    if not ignored:
        return values
    from copy import deepcopy

    values = deepcopy(values)
    for *path, key in ignored:
        mapping: Any = values
        for step in path:
            mapping = mapping[step]
        mapping.pop(key, None)  # gone already where an alias leads to the same mapping
    return values


def _softened(fault: Fault, version: str) -> Fault:
    """An unknown key, as this version takes it: an error or a warning, with the version that knows it if there is one."""
    hint = _newer(fault, version) or fault.hint
    if version in _UNKNOWN_KEYS_ARE_ERRORS:
        return replace(fault, hint=hint)
    return replace(fault, message=f"{fault.message} (ignored)", hint=hint, severity="warning")


def _newer(fault: Fault, version: str) -> str | None:
    for newer in yaml_version.SECTIONS:
        if newer > version and fault.unknown in _keys(newer, fault.path):
            return f'it needs version: "{newer}"'
    return None


def _keys(version: str, path: tuple[Any, ...]) -> dict[str, Any]:
    """The keys that a version knows in the mapping at `path`."""
    schema = schemas.schema(version)
    if len(path) == 1 and path[0] in yaml_version.SECTIONS.values():
        section = schema["properties"][yaml_version.SECTIONS[version]]
        return dict(section["properties"])
    if len(path) == 2 and path[0] == "stages":  # noqa: PLR2004 - stages.NAME
        return dict(schema["$defs"]["stage"]["properties"])
    return {}
