"""The comments of v1's ini files, each with the path that its key has in a bodywork.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable

_SECTION = re.compile(r"\[(?P<name>[^]]+)\]")
_OPTION = re.compile(r"(?P<name>[^\s=:#;][^=:]*?)\s*[=:]")
_PROJECT = {
    ("default", "PROJECT_NAME"): ("pipeline", "name"),
    ("default", "DOCKER_IMAGE"): ("pipeline", "docker_image"),
    ("workflow", "DAG"): ("pipeline", "DAG"),
    ("logging", "LOG_LEVEL"): ("logging", "log_level"),
    ("default", ""): ("pipeline",),
    ("workflow", ""): ("pipeline", "DAG"),
    ("logging", ""): ("logging",),
}

Path = tuple[str, ...]
_PathOf = Callable[[str, str], Path]


def of_project(text: str) -> dict[Path, list[str]]:
    return _collected(text, lambda section, option: _PROJECT.get((section, option), _PROJECT.get((section, ""), ())))


def of_stage(text: str, stage: str) -> dict[Path, list[str]]:
    """A comment that stands above a section is about the stage."""

    def path(section: str, option: str) -> Path:
        here = ("stages", stage)
        if section == "default":
            name = "executable_module_path" if option == "EXECUTABLE_SCRIPT" else option.lower()
            return (*here, name) if option else here
        if section == "secrets":
            return (*here, "secrets", option) if option else (*here, "secrets")
        return (*here, section, option.lower()) if option else (*here, section)

    return _collected(text, path)


def _collected(text: str, path_of: _PathOf) -> dict[Path, list[str]]:
    found: dict[Path, list[str]] = {}
    waiting: list[str] = []
    section = ""
    path: Path = ()
    for line in map(str.strip, text.splitlines()):
        if line.startswith(("#", ";")):
            waiting.append(line.lstrip("#; "))
            continue
        if begins := _SECTION.match(line):
            section = begins["name"].strip().lower()
            path = path_of(section, "")
        elif option := _OPTION.match(line):
            path = path_of(section, option["name"].strip().upper())
        if (begins or _OPTION.match(line)) and waiting:
            found.setdefault(path, []).extend(waiting)
            waiting = []
    if waiting:
        found.setdefault(path[:2], []).extend(waiting)
    return found
