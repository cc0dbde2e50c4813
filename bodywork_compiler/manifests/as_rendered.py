"""A folder as `render` left it: its kustomization only lists files, so that they can be read without starting kustomize (0.14 s)."""

from __future__ import annotations

from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import marker
from bodywork_compiler.manifests.folder import KUSTOMIZATION
from bodywork_compiler.manifests.guide import kustomization_of


def files_as_rendered(folder: Path) -> list[Path] | None:
    """In the kustomization's order; None where anything was changed, added to it, or taken away."""
    try:
        wrote = marker.read(folder)
        listed = [line.removeprefix("  - ") for line in _text(folder / KUSTOMIZATION).splitlines() if line.startswith("  - ")]
        is_ours = _text(folder / KUSTOMIZATION) == kustomization_of(listed)
        is_as_written = all(marker.digest((folder / name).read_bytes()) in wrote.get(name, ()) for name in (KUSTOMIZATION, *listed))
    except (OSError, UnicodeDecodeError, BodyworkError):
        return None  # kustomize says what is wrong
    return [folder / name for name in listed] if is_ours and is_as_written else None


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
