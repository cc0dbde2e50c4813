"""The file by which a folder is known to be a render's; which files of a folder may be read."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
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


MOST_BYTES = 64 << 20
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # to open a FIFO would wait for its writer, for ever


def read_file(file: Path, *, inside: Path | None = None) -> bytes | None:
    """The content; None where there is no such file. With `inside`, what `file` leads to must be in that folder."""
    try:
        return _content(os.open(file, _FLAGS) if inside is None else _open_inside(file, inside), file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as fault:
        raise BodyworkError(f"{file}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault


def read_text(file: Path, *, inside: Path | None = None) -> str:
    """As `read_file`, and what is not there, or is not UTF-8, is an error too."""
    content = read_file(file, inside=inside)
    if content is None:
        raise BodyworkError(f"{file}: cannot be read: No such file or directory")
    return decoded(content, file)


def decoded(content: bytes, file: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BodyworkError(f"{file}: is not UTF-8 ({fault.reason} at byte {fault.start})") from fault


def _open_inside(file: Path, folder: Path) -> int:
    path = os.path.realpath(file)
    if Path(os.path.realpath(folder)) not in Path(path).parents:
        raise BodyworkError(
            f"{file}: is not in the folder, or is a link that leads out of it", hint=f"Put the file itself into {folder}, or remove it."
        )
    return os.open(path, _FLAGS | os.O_NOFOLLOW)


def _content(opened: int, file: Path) -> bytes:
    try:
        mode = os.fstat(opened).st_mode
        if not stat.S_ISREG(mode):
            raise BodyworkError(
                f"{file}: is {'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}", hint="Put a file there, or remove it."
            )
        with open(opened, "rb", closefd=False) as reading:
            content = reading.read(MOST_BYTES + 1)
    finally:
        os.close(opened)
    if len(content) > MOST_BYTES:
        raise BodyworkError(f"{file}: has more than {MOST_BYTES >> 20} MiB, which is too much for manifests")
    return content
