"""Whether what `.git` names is this folder's own: an archive that somebody unpacks may bring one that leads to another repository, whose files would
come to stand in manifests, or one that git would read for ever."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Place, ask

_LONGEST = 4096  # of a file that holds a path
_FOLDERS = ("objects", "refs")
# what git opens for nearly every question
_FILES = (
    "HEAD",
    "config",
    "config.worktree",
    "index",
    "packed-refs",
    "shallow",
    "info/exclude",
    "info/attributes",
    "objects/info/alternates",
)
_BESIDE = (".gitattributes", ".gitignore", ".gitmodules")


def refuse_foreign(top: Path) -> None:
    """Raise where the `.git` of this folder is not its own, or holds what is no file."""
    top = top.resolve()
    git = top / ".git"
    mode = git.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise _foreign(git, "is a link")
    if stat.S_ISREG(mode):
        files = (top / _line(git).removeprefix("gitdir:").strip()).resolve()
        common = _common_of(files)
        if not (_belongs_as_worktree(files, git) if common else _belongs_as_submodule(files, top)):
            raise _foreign(git, f"leads to {files}, which is not this folder's")
    elif stat.S_ISDIR(mode):
        files, common = git, _common_of(git)
        if common and git not in common.parents:
            raise _foreign(git, f"leads to {common}, by its file commondir")
    else:
        raise _no_file(git)
    for folder in dict.fromkeys((files, common or files)):
        _refuse_odd(folder)
    for name in _BESIDE:
        _require(top / name, stat.S_ISREG, or_link=True)


def _refuse_odd(files: Path) -> None:
    for name in _FOLDERS:
        _require(files / name, stat.S_ISDIR)
    for name in _FILES:
        _require(files / name, stat.S_ISREG)


def _require(path: Path, is_right: Callable[[int], bool], *, or_link: bool = False) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not is_right(mode) and not (or_link and stat.S_ISLNK(mode)):
        raise _no_file(path)


def _common_of(files: Path) -> Path | None:
    """Where a worktree's objects and settings are: https://git-scm.com/docs/gitrepository-layout"""
    found = files / "commondir"
    return (files / _line(found)).resolve() if os.path.lexists(found) else None


def _belongs_as_worktree(files: Path, git: Path) -> bool:
    common = _common_of(files)
    return (files.parent.name, files.parent.parent) == ("worktrees", common) and (files / _line(files / "gitdir")).resolve() == git


def _belongs_as_submodule(files: Path, top: Path) -> bool:
    config = files / "config"
    _require(config, stat.S_ISREG)
    found = ask(Place(folder=top), "config", "--file", str(config), "--no-includes", "--get", "core.worktree")
    return found.code == 0 and (files / found.text).resolve() == top


def _line(file: Path) -> str:
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            raise _no_file(file)
        with file.open("rb") as opened:
            return os.fsdecode(opened.read(_LONGEST)).rstrip("\n").replace("\0", "")
    except OSError:
        return ""


def _foreign(git: Path, how: str) -> BodyworkError:
    return BodyworkError(
        f"{git} {how}: files of another repository would come to stand in the manifests",
        hint="Of a worktree that was moved: git worktree repair. Of a repository elsewhere: git config core.worktree FOLDER, in its own settings.",
    )


def _no_file(path: Path) -> BodyworkError:
    return BodyworkError(f"{path} is a link, a pipe or a device, and git would read it as its own")
