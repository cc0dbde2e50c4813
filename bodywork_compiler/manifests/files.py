"""Files of a folder of manifests, which anybody may have made: only regular files are read, none without end, and none by a link out of the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bodywork_compiler.errors import BodyworkError

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
