"""Imports go one way only, few rooms may start processes, and what must be pure imports nothing that is not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bodywork_compiler"
NAME = PACKAGE.name

# room -> the rooms that it may import (docs/design.md section 2). What is not here yet fails until its place is decided.
VALUES = {
    "errors",
    "labels",
    "names",
    "problems",
    "project",
    "repository",
    "resources",
    "run_options",
    "source",
    "to_copy",
    "values",
    "printable",
}
VALUES |= {"yaml_nodes"}
ALLOWED: dict[str, set[str]] = {
    "errors": {"problems"},
    "labels": set(),
    "problems": {"values"},
    "project": {"values"},
    "repository": set(),
    "resources": set(),
    "run_options": {"values"},
    "names": {"errors", "problems"},
    "printable": set(),
    "streams": {"printable"},
    "source": {"errors", "values"},
    "to_copy": set(),
    "values": set(),
    "yaml_nodes": set(),
    "bounded": {"errors", "problems"},
    "config": VALUES - {"source"},
    "git": VALUES,
    "manifests": VALUES | {"git"},
    "compiler": VALUES | {"manifests"},
    "die_with_us": set(),
    "kubectl_errors": {"errors", "printable"},
    "kubectl": VALUES | {"manifests", "die_with_us", "kubectl_errors"},
    "proxy": VALUES | {"kubectl"},
    "api": VALUES,
    # (of the compiler only how secrets are masked, which driver and pods do alike)
    "runner": VALUES | {"compiler.scripts", "manifests", "kubectl", "kubectl_errors", "proxy", "api"},
    "local": VALUES | {"manifests", "runner"},
    "secret_groups": VALUES | {"manifests", "compiler", "kubectl", "kubectl_errors", "proxy", "api", "runner"},
    "controller": VALUES | {"manifests", "compiler", "kubectl", "kubectl_errors", "proxy", "api", "runner", "deployed", "secret_groups"},
    "starting": VALUES | {"config", "manifests", "compiler"},
    "graph": VALUES,
    "deployed": VALUES | {"manifests", "kubectl", "proxy", "api", "runner"},
    "preview": VALUES | {"manifests", "kubectl", "kubectl_errors", "runner"},
    # a run's events, a pipeline's status and a preview's values are what a report is made of; nothing else of theirs
    "report": {
        "errors",
        "labels",
        "problems",
        "printable",
        "streams",
        "to_copy",
        "runner.events",
        "runner.run_records",
        "deployed.status",
        "preview.values",
    },
    "cli": VALUES
    | {"bounded", "config", "manifests", "compiler", "git", "kubectl", "proxy", "api", "runner", "deployed", "local", "preview", "report"}
    | {"secret_groups", "controller", "starting", "graph", "streams"},
    "__main__": {"cli", "errors", "streams"},
    "__init__": set(),
}
STARTS_PROCESSES = {
    "subprocess": {"git", "kubectl", "proxy", "local"},
    "sh": {"kubectl", "proxy", "git", "local"},
    "multiprocessing": set(),
}
# same input, same bytes: no clock, random, network, process or environment
IMPURE = {
    "asyncio",
    "datetime",
    "http",
    "os",
    "random",
    "secrets",
    "sh",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
# the folder in which compiled templates are kept between runs: it makes a render faster, never different
PURE_BUT_FOR = {"compiler/engine.py": {"os"}}
PURE_ROOMS = ("compiler", "project", "problems", "labels", "names", "repository")


def modules() -> list[Path]:
    """Every module of the package, but for the start scripts, which run in pods and import nothing of ours."""
    return sorted(path for path in PACKAGE.rglob("*.py") if not {"__pycache__", "scripts", "starters"} & set(path.parts))


def room(path: Path) -> str:
    """`cli/render.py` is in the room `cli`, `git.py` is a room of its own."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top, inside functions or for types only, by its full name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield from {_named(str(node.module), alias.name) for alias in node.names}


def _named(module: str, name: str) -> str:
    """`from bodywork_compiler import labels` names a module before and after `import`, `from bodywork_compiler.errors import X` one before it."""
    within = PACKAGE.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if module == NAME or within.is_dir() or within.with_suffix(".py").is_file() else module


def own(imports: Iterator[str]) -> set[str]:
    return {name.removeprefix(f"{NAME}.") for name in imports if name.startswith(f"{NAME}.")} - {"__version__"}


def may_import(importer: str, name: str) -> bool:
    return importer == name.partition(".")[0] or any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED[importer])


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_down_the_table_only(path: Path) -> None:
    assert room(path) in ALLOWED, f"{path.name} is a new room: decide here what it may import"
    wrong = {name for name in own(imported(path)) if not may_import(room(path), name)}
    assert not wrong, f"{room(path)} may not know {sorted(wrong)}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_few_rooms_start_processes(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    wrong = {starter for starter in tops & STARTS_PROCESSES.keys() if room(path) not in STARTS_PROCESSES[starter]}
    assert not wrong, f"{room(path)} may not start processes"


@pytest.mark.parametrize(
    "path", [path for path in modules() if room(path) in PURE_ROOMS], ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_what_is_pure_imports_nothing_impure(path: Path) -> None:
    excepted = PURE_BUT_FOR.get(path.relative_to(PACKAGE).as_posix(), set())
    assert not ({name.partition(".")[0] for name in imported(path)} & IMPURE) - excepted


def test_the_verdicts_are_pure() -> None:
    verdicts = [path for path in modules() if path.is_relative_to(PACKAGE / "runner") and path.stem.startswith("verdict")]
    verdicts += (PACKAGE / "runner" / "verdicts").rglob("*.py")
    assert verdicts
    for path in verdicts:
        assert not {name.partition(".")[0] for name in imported(path)} & IMPURE, path


def test_the_rooms_make_no_circle() -> None:
    """The table above is itself one-way: every room can be placed after all that it imports."""
    waiting = {name: {allowed.partition(".")[0] for allowed in rooms} for name, rooms in ALLOWED.items()}
    while placed := {name for name, rooms in waiting.items() if not rooms & waiting.keys()}:
        waiting = {name: rooms for name, rooms in waiting.items() if name not in placed}
    assert not waiting
