"""A folder as `render` left it: its kustomization only lists files, so that they can be read without starting kustomize (0.14 s)."""

from __future__ import annotations

from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import marker
from bodywork_compiler.manifests.files import read_file
from bodywork_compiler.manifests.folder import KUSTOMIZATION
from bodywork_compiler.manifests.guide import kustomization_of
from bodywork_compiler.source import RENDER_MARKER


def files_as_rendered(folder: Path) -> list[Path] | None:
    """In the kustomization's order; None where anything was changed, added to it, or taken away. A file that may not be read is an error."""
    content = read_file(folder / KUSTOMIZATION, inside=folder) or b""
    marked = read_file(folder / RENDER_MARKER, inside=folder) or b""
    try:
        wrote = marker.recorded(folder, marked)
        text = content.decode("utf-8")
    except (UnicodeDecodeError, BodyworkError):
        return None  # kustomize says what is wrong
    listed = [line.removeprefix("  - ") for line in text.splitlines() if line.startswith("  - ")]
    if text != kustomization_of(listed) or not {KUSTOMIZATION, *listed} <= wrote.keys():
        return None
    files = {name: read_file(folder / name, inside=folder) for name in (KUSTOMIZATION, *listed)}
    is_as_written = all(found is not None and marker.digest(found) in wrote[name] for name, found in files.items())
    return [folder / name for name in listed] if is_as_written else None
