"""The file by which a folder is known to be a render's, and which says what the render wrote, so that nothing else is ever overwritten or removed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests.files import decoded, read_file
from bodywork_compiler.source import RENDER_MARKER

_HEADER = (
    "# What `bodywork render -o` wrote into this folder, with SHA-256. Commit it with the manifests: it marks the folder as no source.\n"
)
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def digest(content: bytes) -> str:
    """A checkout that turned line ends into CRLF edited nothing."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def read(folder: Path) -> Mapping[str, frozenset[str]]:
    """Digests by file. A file has two while a render is under way: before it and after it."""
    return recorded(folder, read_file(folder / RENDER_MARKER, inside=folder) or b"")


def recorded(folder: Path, content: bytes) -> Mapping[str, frozenset[str]]:
    """As `read`, of a marker that was read already."""
    file = folder / RENDER_MARKER
    found: dict[str, frozenset[str]] = {}
    for number, line in enumerate(decoded(content, file).splitlines(), start=1):
        if line.startswith("#") or not line:
            continue
        match = _LINE.fullmatch(line)
        if not match or _is_no_path_inside(match[2]):
            raise BodyworkError(
                f"{file}:{number}: is not as a render wrote it: {line[:60]!r}",
                hint=f"Remove {folder} and render again, or take this file as it stands in the last commit.",
            )
        found[match[2]] = found.get(match[2], frozenset()) | {match[1]}
    return found


def _is_no_path_inside(path: str) -> bool:
    """A marker may have been written by anybody; what it names outside of its folder is not ours."""
    return path.startswith("/") or ".." in path.split("/") or "\0" in path


def text(digests: Mapping[str, Iterable[str]]) -> bytes:
    lines = [f"{value}  {path}\n" for path in sorted(digests) for value in sorted(digests[path])]
    return (_HEADER + "".join(lines)).encode()
