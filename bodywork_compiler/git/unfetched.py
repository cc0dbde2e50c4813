"""What of a repository the pods will not have: submodules, and the contents of files that Git LFS keeps elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

# of one line each: what may cross lines takes hours over a file of empty ones
_SUBMODULE = re.compile(r"[ \t]*path[ \t]*=(.*)")
_LFS = re.compile(r"[ \t]*([^#\s]\S*)[ \t].*\bfilter=lfs\b")
_LARGEST = 1 << 20  # of more nothing is said


def notes_about(top: Path, folder: Path) -> tuple[str, ...]:
    """Sentences for the user, of the repository at `top` whose project is in `folder`."""
    submodules = _found(_SUBMODULE, top / ".gitmodules")
    patterns = [found for each in dict.fromkeys((top, folder)) for found in _found(_LFS, each / ".gitattributes")]
    notes = []
    if submodules:
        notes.append(
            f"submodules are not fetched, so stages do not find {', '.join(submodules)}: commit the files that they need, or install them"
        )
    if patterns:
        notes.append(
            f"of files that Git LFS keeps ({', '.join(patterns)}) stages find pointers only: read their contents from a store instead"
        )
    return tuple(notes)


def _found(pattern: re.Pattern[str], file: Path) -> list[str]:
    matches = (pattern.match(line) for line in _text(file).splitlines())
    return [match[1].strip() for match in matches if match and match[1].strip()]


def _text(file: Path) -> str:
    if file.is_symlink() or not file.is_file():  # git takes neither file from a link
        return ""
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""
