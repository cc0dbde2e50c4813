"""What we ask a repository, a function for each question. None of these changes anything, and none but those that say so uses the network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.own_folder import refuse_foreign
from bodywork_compiler.git.process import Asked, Place, ask, ask_server, complaint, require, settings_of, tell
from bodywork_compiler.git.settings import set_back
from bodywork_compiler.values import value

_REMOTES = r"^(remote\..*\.url|branch\..*\.remote)$"


@value
class Status:
    """Where HEAD is, and what in the folder is not committed; paths are relative to the repository's root, a folder's ends with `/`."""

    head: str | None
    branch: str | None
    is_ahead: bool | None = None
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()


@value
class Remotes:
    """`urls` by remote, `upstreams` remote by branch."""

    urls: dict[str, str]
    upstreams: dict[str, str]

    def of(self, branch: str | None) -> str | None:
        """The remote that a branch is pushed to: its upstream's, else origin, else the only one that there is."""
        upstream = self.upstreams.get(branch or "", "")
        only = list(self.urls) if len(self.urls) == 1 else []
        return next((name for name in [upstream, "origin", *only] if name in self.urls), None)


def top_of(folder: Path) -> Path:
    """The root of the repository that `folder` is in. Looked for without git, which takes 3 ms to say it; a worktree's `.git` is a file."""
    for candidate in (folder, *folder.parents):
        if os.path.lexists(candidate / ".git"):
            refuse_foreign(candidate)
            return candidate
    raise BodyworkError(
        f"{folder} is in no Git repository, and pods run a commit",
        hint="Make it one: git init && git add . && git commit -m 'First version'. It needs no server: without a remote, the files travel in the manifests.",
    )


def ask_status(place: Place) -> Asked:
    """HEAD, branch and what is not committed in the folder, in one process; for `to_status`.

    git puts changed files through the filters that .gitattributes and the settings name, which are programs: only the user's own are. Of a
    submodule its commit alone counts, since its files may have settings of their own. git itself is asked for the settings first, always: they
    may be in more files than `.git/config`.
    """
    place = Place(folder=place.folder, env=place.env, secrets=place.secrets, settings=set_back(settings_of(place)))
    return Asked(place, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=dirty", "--", ".")


def to_status(text: str) -> Status:
    heads: dict[str, str] = {}
    changed: list[str] = []
    untracked: list[str] = []
    entries = iter(text.split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            key, _, value = rest.partition(" ")
            heads[key] = value
        elif kind == "?":
            untracked.append(rest)
        elif kind in ("1", "2", "u"):
            changed.append(entry.split(" ", {"1": 8, "2": 9, "u": 10}[kind])[-1])
            if kind == "2":
                changed.append(next(entries))
    head, branch, ahead = (heads.get(key, "") for key in ("branch.oid", "branch.head", "branch.ab"))
    return Status(
        head=None if head == "(initial)" else head,
        branch=None if branch == "(detached)" else branch,
        is_ahead=not ahead.startswith("+0 ") if ahead else None,
        changed=tuple(changed),
        untracked=tuple(untracked),
    )


def ask_remotes(place: Place) -> Asked:
    return Asked(place, "config", "-z", "--get-regexp", _REMOTES)


def to_remotes(text: str) -> Remotes:
    found = Remotes(urls={}, upstreams={})
    for entry in text.split("\0"):
        key, _, value = entry.partition("\n")
        section, _, rest = key.partition(".")
        name = rest.rpartition(".")[0]
        if section == "remote":
            found.urls.setdefault(name, value)
        elif section == "branch":
            found.upstreams[name] = value
    return found


def ask_tree(place: Place, revision: str) -> Asked:
    """The files of the folder and below as a commit has them, relative to the folder: for `names_in` and `tree_digest`."""
    return Asked(place, "ls-tree", "-r", "-z", revision)


def last_change(place: Place, revision: str, without: Sequence[str] = ()) -> tuple[str, bool] | None:
    """The last commit at or before `revision` that changed the folder outside the folders `without`, and whether history ends with it."""
    excluded = [f":(exclude,literal){folder}" for folder in without]
    words = ("log", "-1", "--format=%H %P", revision, "--", ".", *excluded)
    answer = ask(place, *words)
    if answer.code != 0:  # a partial clone may lack a part of its history: then its server has it
        answer = require(ask_server(place, *words), words)
    if not answer.text:
        return None
    commit, _, parents = answer.text.partition(" ")
    return commit, not parents


def is_shallow(place: Place) -> bool:
    """git itself is asked only where its files lie elsewhere: in worktrees and submodules `.git` is a file."""
    files = top_of(place.folder) / ".git"
    return (files / "shallow").exists() if files.is_dir() else tell(place, "rev-parse", "--is-shallow-repository").text == "true"


def commit_of(place: Place, revision: str) -> str | None:
    """The full hash of the commit that `revision` means here."""
    answer = ask(place, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return answer.text if answer.code == 0 else None


def is_on_remote_as_last_seen(place: Place, commit: str, remote: str) -> bool | None:
    """Whether a remote-tracking ref holds the commit; None if there is no such ref to judge by."""
    refs = f"refs/remotes/{remote}/"
    if ask(place, "for-each-ref", "--count=1", "--format=yes", f"--contains={commit}", refs).text:
        return True
    return False if ask(place, "for-each-ref", "--count=1", "--format=yes", refs).text else None


def is_on_remote(place: Place, commit: str, remote: str, why: Callable[[str], str | None] = lambda _: None) -> bool | None:
    """Whether the remote has the commit, asked over the network; None if it has branches that this clone does not know, so that none can tell.

    `why` may know what a server's refusal means.
    """
    answer = ask_server(place, "ls-remote", "--heads", "--tags", "--", remote)
    if answer.code != 0:
        raise BodyworkError(
            f"remote {remote} could not be asked whether it has commit {commit[:7]}: {why(answer.error) or complaint(answer)}",
            hint="With --inline-source the project's files travel inside the manifests, and no remote is needed.",
        )
    tips = {line.split("\t")[0] for line in answer.text.splitlines()}
    if commit in tips:
        return True
    listed = "".join(f"{tip}\n" for tip in sorted(tips)).encode()
    known = [
        line.split(" ")[0]
        for line in tell(place, "cat-file", "--batch-check", stdin=listed).text.splitlines()
        if not line.endswith(" missing")
    ]
    beyond = "".join(f"^{tip}\n" for tip in known)
    if known and not tell(place, "rev-list", "-1", "--stdin", stdin=f"{commit}\n{beyond}".encode()).text:
        return True
    return False if len(known) == len(tips) else None


def ignored_in(place: Place, files: Iterable[Path]) -> set[Path]:
    """Those of a work tree's files that git ignores; a committed one is never ignored. `place` is its root."""
    top = place.folder.resolve()
    listed = b"".join(os.fsencode(file.relative_to(top)) + b"\0" for file in sorted(files))
    words = ("check-ignore", "--stdin", "-z")
    answer = ask(place, *words, stdin=listed)
    if answer.code == 1:  # none of them
        return set()
    return {top / name for name in os.fsdecode(require(answer, words).output).split("\0") if name}


def current_branch(place: Place) -> str | None:
    answer = ask(place, "symbolic-ref", "--quiet", "--short", "HEAD")
    return answer.text if answer.code == 0 else None


def is_hash(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text))
