"""Whether the files that a config names are there (`--check-files`)."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from bodywork_compiler.config.meaning import leaves_project
from bodywork_compiler.config.reading import as_typed
from bodywork_compiler.problems import Problem


def missing(folder: Path, named: Iterable[tuple[object, str]]) -> list[Problem]:
    """Problems of the files that are not there; `named` has each file and who names it. What is no path inside the project is left out."""
    problems: list[Problem] = []
    for file, who in named:
        if not isinstance(file, str) or "\0" in file or leaves_project(file):
            continue
        fault = _fault(folder / file)
        if fault:
            problems.append(Problem(file=as_typed(folder / file), message=f"{fault}, although {who} names it"))
    return problems


def _fault(path: Path) -> str | None:
    try:
        return None if stat.S_ISREG(path.stat().st_mode) else "is no file"
    except (FileNotFoundError, NotADirectoryError):
        return "not found"
    except OSError as fault:
        return f"cannot be looked at ({fault.strerror})"
