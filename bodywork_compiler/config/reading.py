"""Finding a project's config and reading its files as text."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from bodywork_compiler.problems import LARGEST_TEXT, Problem
from bodywork_compiler.values import value

YAML, INI = "bodywork.yaml", "bodywork.ini"
_MOST_NAMED = 5  # of the folders below that hold a config


class UnreadableError(Exception):
    """A file that cannot be understood at all, from one place on; the only fault that hides others."""

    def __init__(self, message: str, *, hint: str | None = None, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.line, self.column = message, hint, line, column
        self.also: Sequence[UnreadableError] = ()

    def problems(self, file: str) -> list[Problem]:
        first = Problem(file=file, message=self.message, hint=self.hint, line=self.line, column=self.column)
        return [first, *(problem for other in self.also for problem in other.problems(file))]


@value
class ConfigFile:
    """The config that was found: `folder` is the project's. `beside` is the other generation's config, when it lies there too."""

    folder: Path
    name: str
    beside: str | None = None

    @property
    def is_ini(self) -> bool:
        return self.name.endswith(".ini")


def find(folder: Path, file: str | None) -> ConfigFile:
    """The config in `folder`, or the one that `file` names; an UnreadableError when there is none."""
    if file is not None:
        path = folder / file
        return ConfigFile(folder=path.parent, name=path.name)
    found = [name for name in (YAML, INI) if _lies_in(folder, name)]
    if not found:
        raise _none_found(folder)
    return ConfigFile(folder=folder, name=found[0], beside=found[1] if len(found) > 1 else None)


def is_project(folder: Path) -> bool:
    return any(_lies_in(folder, name) for name in (YAML, INI))


def _lies_in(folder: Path, name: str) -> bool:
    return os.path.lexists(folder / name)


def _none_found(folder: Path) -> UnreadableError:
    if not folder.is_dir():
        return UnreadableError("is no folder" if folder.exists() else "no such folder")
    near = f"bodywork.yml is not read: call it {YAML}" if _lies_in(folder, "bodywork.yml") else None
    hint = near or _projects_below(folder) or "name the project's folder, or its config with --file"
    return UnreadableError(f"this folder holds no config, neither {YAML} nor {INI}", hint=hint)


def _projects_below(folder: Path) -> str | None:
    try:
        found = sorted(each.name for each in folder.iterdir() if each.is_dir() and is_project(each))
    except OSError:
        return None
    more = " and others" if len(found) > _MOST_NAMED else ""
    return f"there is one in {', '.join(found[:_MOST_NAMED])}{more}: name that folder" if found else None


def as_typed(path: Path) -> str:
    """The name by which a user in the current directory would know `path`."""
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except (ValueError, OSError):
            return str(path)
    return os.path.normpath(path)


def read_text(path: Path) -> str:
    """The text of a file. Whatever keeps it from being read is an UnreadableError."""
    data = _read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise _not_utf8(data, fault.start) from fault


def _read_bytes(path: Path) -> bytes:
    try:
        # asked before opening: to open a FIFO waits for its writer, for ever
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableError("is a folder, not a file")
        if not stat.S_ISREG(mode):
            raise UnreadableError("is no ordinary file")
        with path.open("rb") as file:
            data = file.read(LARGEST_TEXT + 1)
    except FileNotFoundError as fault:
        dangling = path.is_symlink()
        raise UnreadableError("is a link to a file that is not there" if dangling else "not found") from fault
    except (OSError, ValueError) as fault:
        raise UnreadableError(f"cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault
    if len(data) > LARGEST_TEXT:
        raise UnreadableError(f"is larger than {LARGEST_TEXT >> 20} MiB")
    return data


def _not_utf8(data: bytes, at: int) -> UnreadableError:
    hint = "save the file as UTF-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UnreadableError("is UTF-16, not UTF-8", hint=hint)
    if b"\0" in data[: at + 1024]:
        return UnreadableError("is a binary file, not text")
    before = data[:at]
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return UnreadableError(f"is not UTF-8: byte 0x{data[at]:02x}", hint=hint, line=before.count(b"\n") + 1, column=column)
