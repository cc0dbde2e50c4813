"""The small projects to start from. Each passes `validate --strict`, and runs on this machine without a cluster."""

from __future__ import annotations

from pathlib import Path

from bodywork_compiler import names

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
