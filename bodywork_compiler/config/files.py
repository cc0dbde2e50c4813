"""Whether the files that a config names are there (`--check-files`)."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bodywork_compiler.config.faults import nearest, shown
from bodywork_compiler.config.meaning import leaves_project
from bodywork_compiler.config.reading import as_typed
from bodywork_compiler.problems import Problem

_NOT_FOUND = "not found"
NamedAt = tuple[str, int | None, int | None]  # file, line, column


def missing(folder: Path, named: Iterable[tuple[object, str]], place: Callable[[str], NamedAt]) -> list[Problem]:
    """Problems of the files that are not there; `named` has each file and who names it, of which `place` knows where it stands.

    What is no path inside the project is left out.
    """
    problems: list[Problem] = []
    for file, who in named:
        if not isinstance(file, str) or "\0" in file or leaves_project(file):
            continue
        fault = _fault(folder / file)
        if fault:
            hint = _did_you_mean(folder, file) if fault == _NOT_FOUND else None
            problems.append(
                Problem(file=as_typed(folder / file), message=f"{fault}, although {who} names it", hint=hint, named_at=place(who))
            )
    return problems


def _did_you_mean(folder: Path, file: str) -> str | None:
    """The file that is there and is nearly called so: of each folder on the way, what is nearest."""
    at = folder
    with suppress(OSError):  # a folder that we may not look into holds no proposal
        for part in file.replace("\\", "/").split("/"):
            near = part if (at / part).exists() else nearest(part, sorted(each.name for each in at.iterdir()))
            if near is None:
                return None
            at /= near
        if at.is_file():
            return f"did you mean {shown(at.relative_to(folder).as_posix())}?"
    return None


def _fault(path: Path) -> str | None:
    try:
        return None if stat.S_ISREG(path.stat().st_mode) else "is no file"
    except (FileNotFoundError, NotADirectoryError):
        return _NOT_FOUND
    except OSError as fault:
        return f"cannot be looked at ({fault.strerror})"
