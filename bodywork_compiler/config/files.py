"""Whether the files that a config names are there (`--check-files`)."""

from __future__ import annotations

from pathlib import Path

from bodywork_compiler.config.reading import as_typed
from bodywork_compiler.problems import Problem
from bodywork_compiler.project import Project


def missing(project: Project, folder: Path) -> list[Problem]:
    problems: list[Problem] = []
    for stage in project.stages:
        named = [(stage.executable, "executable_module_path"), (stage.requirements_file, "requirements")]
        for file, key in named:
            if file is not None and not (folder / file).is_file():
                what = "is a folder" if (folder / file).is_dir() else "not found"
                message = f"{what}, although stages.{stage.name}.{key} names it"
                problems.append(Problem(file=as_typed(folder / file), message=message))
    return problems
