"""The scripts with which a stage's containers start. They run in users' images, not here; only `masking.py` does both."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from bodywork_compiler.compiler.inline import HASH_LENGTH
from bodywork_compiler.values import value

_FOLDER = Path(__file__).parent / "scripts"
FILES = ("fetch.py", "install.py", "masking.py", "notebook.py", "run.py")


@value
class StartScripts:
    """`name` is their ConfigMap's, and changes with their content."""

    name: str
    files: tuple[tuple[str, str], ...]


def start_scripts(pipeline_name: str) -> StartScripts:
    files = _files()
    digest = sha256("\0".join(text for _, text in files).encode()).hexdigest()[:HASH_LENGTH]
    return StartScripts(name=f"{pipeline_name}-scripts-{digest}", files=files)


@cache
def _files() -> tuple[tuple[str, str], ...]:
    return tuple((name, (_FOLDER / name).read_text(encoding="utf-8")) for name in FILES)
