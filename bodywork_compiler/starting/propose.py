"""A config for the scripts of a folder: each that is run becomes a stage, those that serve come last. Nothing is executed."""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

# a notebook holds its pictures too
LARGEST_BYTES = {".py": 1_000_000, ".ipynb": 50_000_000}
DEEPEST = 4
DEFAULT_PORT = 5000
_NOT_STAGES = re.compile(r"(test_.*|.*_test|conftest|setup|noxfile|__init__|__main__|fabfile|tasks|manage)\.py")
_NOT_SOURCES = {"tests", "test", "docs", "node_modules", "venv", "env", "build", "dist", "site-packages", "__pycache__"}
_SERVERS = {
    "flask",
    "fastapi",
    "uvicorn",
    "starlette",
    "aiohttp",
    "tornado",
    "bottle",
    "dash",
    "streamlit",
    "gradio",
    "litserve",
    "http.server",
}
_SERVES = re.compile(r"\.run\(|serve_forever|run_app\(|\.listen\(|\.launch\(|uvicorn\.run|streamlit")
_PORT = re.compile(r"\bport[\"']?\s*[=:,]\s*[\"']?(\d{2,5})\b", re.IGNORECASE)


@value
class Script:
    """One file; `imports` are the modules' top names, `port` is None where it does not serve."""

    path: str
    imports: frozenset[str]
    is_run: bool
    port: int | None = None

    @property
    def module(self) -> str:
        return self.path.rpartition("/")[2].rpartition(".")[0]


@value
class Found:
    """In the order of their paths. `unread` are paths of what could not be read or parsed."""

    scripts: tuple[Script, ...]
    unread: tuple[str, ...] = ()


def find_scripts(folder: Path) -> Found:
    """Scripts and notebooks of a folder that may be stages."""
    found = {path.relative_to(folder).as_posix(): _read(path, folder) for path in sorted(_paths(folder))}
    return Found(
        scripts=tuple(script for script in found.values() if script), unread=tuple(path for path, script in found.items() if not script)
    )


def _paths(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        is_source = not any(part.startswith(".") or part in _NOT_SOURCES or part.endswith(".egg-info") for part in inside)
        if (
            is_source
            and len(inside) <= DEEPEST
            and path.suffix in LARGEST_BYTES
            and path.name.isprintable()
            and path.is_file()
            and not _NOT_STAGES.fullmatch(path.name)
        ):
            yield path


def _read(path: Path, folder: Path) -> Script | None:
    try:
        if path.stat().st_size > LARGEST_BYTES[path.suffix]:
            return None
        content = path.read_bytes()
        return _script(content, path.relative_to(folder).as_posix())
    # the last two: of expressions that are too deep for Python itself
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, RecursionError, MemoryError):
        return None


def _script(content: bytes, path: str) -> Script:
    is_notebook = path.endswith(".ipynb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code that is not ours
        # as bytes, since a script may name its own encoding
        tree = ast.parse(_code_of(content.decode("utf-8-sig")) if is_notebook else content)
    text = content.decode("utf-8", "replace")
    dotted = set(_imports(tree))
    serves = bool(dotted & _SERVERS) and bool(_SERVES.search(text)) and not is_notebook
    return Script(
        path=path,
        imports=frozenset(name.partition(".")[0] for name in dotted),
        is_run=is_notebook or ((serves or _is_run(tree)) and not _is_of_a_package(tree)),
        port=_port(text) if serves else None,
    )


def _code_of(notebook: str) -> str:
    """Its cells one after another, without lines that only IPython understands, and without cells that are another language's."""
    cells = ["".join(cell["source"]) for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    plain = ("\n".join(line for line in cell.splitlines() if not line.lstrip().startswith(("%", "!"))) for cell in cells)
    return "\n".join(cell for cell in plain if _is_python(cell))


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names; `from http import server` is http.server too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _is_run(tree: ast.Module) -> bool:
    """It has a `__main__` block, or does something when it is read: a loop, or a call whose result nobody takes."""
    for node in tree.body:
        if isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            return True
        if isinstance(node, (ast.For, ast.While, ast.With)) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
            return True
    return False


def _is_of_a_package(tree: ast.Module) -> bool:
    """`from . import x`, which Python refuses in what it runs by its path."""
    return any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


def _port(text: str) -> int:
    found = _PORT.search(text)
    port = int(found[1]) if found else DEFAULT_PORT
    return port if 0 < port < 65536 else DEFAULT_PORT  # noqa: PLR2004 - TCP's


def of_others(script: Script, scripts: tuple[Script, ...], folder: Path) -> tuple[str, ...]:
    """What it imports that is neither Python's own nor the project's, through the project's modules too."""
    own = {each.module: each for each in scripts}
    local = {path.stem for path in folder.rglob("*.py")} | {path.parent.name for path in folder.rglob("__init__.py")}
    seen, waiting, found = {script.path}, [script], set[str]()
    while waiting:
        for name in waiting.pop().imports:
            module = own.get(name)
            if module and module.path not in seen:
                seen.add(module.path)
                waiting.append(module)
            elif name not in local and name not in sys.stdlib_module_names:
                found.add(name)
    return tuple(sorted(found))


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
