"""Which names of a commit's files may be written to a disk: what git's own fsck and checkout refuse, and what two files would share. Pure.

git checks the trees that it is sent only when it is told to (`transfer.fsckObjects`), so a commit may hold any of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bodywork_compiler.errors import BodyworkError

LONGEST_NAME = 255  # bytes, on every file system that is in use
LONGEST_PATH = 3000  # Linux ends at 4,096, with the folder that it is written into
LONGEST_LINK = 1023  # macOS ends at 1,024, Linux at 4,096
_SHOWN = 5
_LONGEST_SHOWN = 100
# HFS+ ignores these in a name: https://github.com/git/git/blob/v2.45.0/utf8.c (next_hfs_char)
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
# NTFS ends a name at a colon, and drops dots and blanks at its end: https://github.com/git/git/blob/v2.45.0/path.c (is_ntfs_dotgit)
_GIT_FOLDER = re.compile(r"(?:\.git|git~1)[. ]*(?::.*)?", re.IGNORECASE | re.DOTALL)


def refuse_unsafe(paths: Iterable[str], where: str) -> None:
    """Raise for names that no checkout may write, all at once; `where` is what holds them."""
    listed = list(paths)
    faults = [*_bad_names(listed), *_clashes(listed)]
    if faults:
        more = [f"    and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        lines = "\n".join([*(f"    {fault}" for fault in faults[:_SHOWN]), *more])
        raise BodyworkError(
            f"{where} has files that cannot be written safely:\n{lines}",
            hint="Rename or remove them and commit. Nothing of this commit was written.",
        )


def _bad_names(paths: Sequence[str]) -> list[str]:
    return [f"{shown(path)}: {why}" for path in paths if (why := _why_not(path))]


def _why_not(path: str) -> str | None:
    parts = path.split("/")
    if path.startswith("/"):
        return "is an absolute path"
    if any(part in ("", ".", "..") for part in parts):
        return "is not a plain path inside the repository"
    if any(is_git_folder(part) for part in parts):
        return "is inside a .git folder, or what a file system takes for one"
    if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST_NAME for part in parts):
        return f"has a name of more than {LONGEST_NAME} bytes"
    if len(path.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
        return f"is a path of more than {LONGEST_PATH} bytes"
    return "has a NUL byte in its name" if "\0" in path else None


def is_git_folder(name: str) -> bool:
    """Whether some file system takes this part of a path for `.git`, as git's fsck looks at it."""
    return any(_GIT_FOLDER.fullmatch(part.translate(_IGNORED_BY_HFS)) for part in name.split("\\"))


def _clashes(paths: Sequence[str]) -> list[str]:
    """Two files of one name, or a file where another has its folder; capitals and accents as macOS and Windows take them."""
    files: dict[str, str] = {}
    faults = []
    for path in paths:
        name = _folded(path)
        if name in files:
            same = "is there twice" if files[name] == path else f"is the same file as {shown(files[name])} where capitals do not count"
            faults.append(f"{shown(path)}: {same}")
        files.setdefault(name, path)
    for path in paths:
        parts = _folded(path).split("/")
        above = next((files[folder] for end in range(1, len(parts)) if (folder := "/".join(parts[:end])) in files), None)
        if above is not None:
            faults.append(f"{shown(above)}: is a file or a link, and {shown(path)} needs it as a folder")
    return faults


def _folded(path: str) -> str:
    from unicodedata import normalize  # only for a commit's files, and not at each start

    return path.casefold() if path.isascii() else normalize("NFC", path).casefold()


def shown(path: str) -> str:
    """On one line, without anything that a terminal obeys, and not more than a line of it."""
    text = repr(path)[1:-1]
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
