"""New files go into a folder all together or not at all, and none that is there is ever overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
