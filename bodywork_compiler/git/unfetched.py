"""What of a repository the pods will not have: submodules, and the contents of files that Git LFS keeps elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

_SUBMODULE = re.compile(r"^\s*path\s*=\s*(.+?)\s*$", re.MULTILINE)
_LFS = re.compile(r"^\s*([^#\s]\S*)\s.*\bfilter=lfs\b", re.MULTILINE)


def notes_about(top: Path, folder: Path) -> tuple[str, ...]:
    """Sentences for the user, of the repository at `top` whose project is in `folder`."""
    submodules = _SUBMODULE.findall(_text(top / ".gitmodules"))
    patterns = [found for each in dict.fromkeys((top, folder)) for found in _LFS.findall(_text(each / ".gitattributes"))]
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


def _text(file: Path) -> str:
    if file.is_symlink() or not file.is_file():  # git takes neither file from a link
        return ""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
