"""Config files → a Project, or all that is wrong with them. `load` is all that the other rooms need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bodywork_compiler.config import reading
from bodywork_compiler.config.reading import is_project
from bodywork_compiler.errors import ConfigError
from bodywork_compiler.problems import Problem, by_place, has_errors
from bodywork_compiler.project import Project
from bodywork_compiler.values import value

__all__ = ["Loaded", "is_project", "load"]


@value
class Loaded:
    """A project whose config has no error; `warnings` holds notes too."""

    project: Project
    warnings: tuple[Problem, ...]


def load(folder: Path, *, file: str | None = None, check_files: bool = False, strict: bool = False) -> Loaded:
    """Read the config of the project in `folder`; a ConfigError names all errors and warnings of all its files.

    `file` is a config's name, relative to `folder` or absolute. `check_files` looks whether the files that the config names are there.
    `strict` makes errors of warnings.
    """
    project, problems = _read(folder, file, check_files=check_files)
    if strict:
        problems = [replace(problem, severity="error") if problem.severity == "warning" else problem for problem in problems]
    sorted_problems = by_place(problems)
    if project is None or has_errors(problems):
        raise ConfigError(sorted_problems)
    return Loaded(project=project, warnings=sorted_problems)


def _read(folder: Path, file: str | None, *, check_files: bool) -> tuple[Project | None, list[Problem]]:
    try:
        found = reading.find(folder, file)
    except reading.UnreadableError as fault:
        return None, fault.problems(reading.as_typed(folder))
    shown = reading.as_typed(found.folder / found.name)
    try:
        project, problems = _load(found, check_files=check_files)
    except reading.UnreadableError as fault:
        return None, fault.problems(shown)
    if found.beside:
        problems.append(Problem(file=shown, message=f"is taken; {found.beside} beside it is not read", severity="note"))
    return project, problems


def _load(found: reading.ConfigFile, *, check_files: bool) -> tuple[Project | None, list[Problem]]:
    if found.is_ini:
        from bodywork_compiler.config import ini_config

        return ini_config.load(found, check_files=check_files)
    from bodywork_compiler.config import yaml_config

    return yaml_config.load(found, check_files=check_files)
