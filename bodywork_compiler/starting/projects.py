"""The small projects to start from, and how their files are written: all together or not at all, and none over another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bodywork_compiler import names
from bodywork_compiler.errors import BodyworkError


def write_new(files: Mapping[str, str], folder: Path) -> None:
    there = sorted(path for path in files if (folder / path).exists() or (folder / path).is_symlink())
    if there:
        listed = "".join(f"\n    {path}" for path in there)
        raise BodyworkError(f"{folder}: these files are there already, so nothing is written:{listed}", hint="Give a new folder.")
    written: list[Path] = []
    made: list[Path] = []
    try:
        for path, text in files.items():
            file = folder / path
            for parent in reversed([each for each in file.parents if not each.exists()]):
                parent.mkdir()
                made.append(parent)
            with file.open("x", encoding="utf-8") as opened:
                written.append(file)
                opened.write(text)
    except OSError as fault:
        for file in written:
            file.unlink(missing_ok=True)
        for each in reversed(made):
            each.rmdir()
        raise BodyworkError(f"{fault.filename or folder}: {fault.strerror}; nothing is written") from fault


TEMPLATES = ("train-and-serve", "batch", "service", "notebook")
STORE_TEMPLATE = "train-and-serve"
STORE_FILE = "local.env"
_FOLDER = Path(__file__).parent / "starters"
_NAME = "NAME-OF-THE-PIPELINE"


def files_of(template: str, *, pipeline: str, folder: Path) -> dict[str, str]:
    """Path → text, of a template for a pipeline of that name in `folder`."""
    root = _FOLDER / template
    paths = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    files = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8").replace(_NAME, pipeline) for path in paths}
    if template == STORE_TEMPLATE:
        files[STORE_FILE] = (
            f"# Where the model is kept when the pipeline runs on this machine: apply --local --secrets {STORE_FILE}\nMODEL_STORE={folder}/.models\n"
        )
        files[".gitignore"] = f"# of this machine\n{STORE_FILE}\n.models/\n__pycache__/\n"
    return files


def name_for(folder: Path) -> str:
    """A pipeline's name from its folder's: what Kubernetes allows, beginning with a letter."""
    return names.shortened(names.clean(folder.name).lstrip("0123456789-"), 40) or "pipeline"
