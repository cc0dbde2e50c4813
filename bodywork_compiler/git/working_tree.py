"""A project in the folder in front of us: files as they stand, the source as committed. No network, but to mend a shallow clone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.origin import Pinned, to_source
from bodywork_compiler.git.process import Asked, Place, ask_server, complaint
from bodywork_compiler.git.questions import (
    Remotes,
    Status,
    ask_remotes,
    ask_status,
    ask_tree,
    is_shallow,
    last_change,
    to_remotes,
    to_status,
    top_of,
)
from bodywork_compiler.git.tree import is_within, manifest_folders, names_in, tree_digest
from bodywork_compiler.git.unfetched import notes_about
from bodywork_compiler.git.wanted import Checkout, Found, Wanted
from bodywork_compiler.source import RENDER_MARKER


@contextmanager
def as_it_stands(where: Path, wanted: Wanted) -> Iterator[Checkout]:
    folder, top = project_folder(where)
    place = Place(folder=folder)
    with ExitStack() as ends:
        # the status last: it waits for the settings, and the others are answered meanwhile
        tree = _until(ends, ask_tree(place, "HEAD"))
        remotes = _until(ends, ask_remotes(place))
        status = _until(ends, ask_status(place))
        yield Checkout(folder=where, found=lambda: _found(place, top, (status, tree, remotes), wanted))


def _until(ends: ExitStack, question: Asked) -> Asked:
    ends.callback(question.drop)
    return question


def _found(place: Place, top: Path, questions: tuple[Asked, Asked, Asked], wanted: Wanted) -> Found:
    asked_status, asked_tree, asked_remotes = questions
    folder = place.folder
    status = to_status(asked_status.text())
    remotes = to_remotes(asked_remotes.answer().text)
    prefix = "" if folder == top else folder.relative_to(top).as_posix()
    changed, untracked = (_inside(paths, prefix) for paths in (status.changed, status.untracked))
    head = require_a_commit(status, folder)
    tree = asked_tree.text()
    manifests = manifest_folders([*names_in(tree), *changed], output_within(folder, wanted.output))
    commit = head if wanted.as_head else pinned_commit(place, "HEAD", manifests, remotes.of(status.branch))
    digest = tree_digest(tree, manifests)
    pinned = Pinned(commit=commit, branch=status.branch, folder=prefix, tree=digest, is_pushed=_is_pushed(status, remotes))
    source, notes = to_source(place, pinned, remotes, wanted)
    return Found(
        source=source,
        changed=_of_project(changed, folder, manifests),
        untracked=_of_project(untracked, folder, manifests),
        notes=(*notes, *notes_about(top, folder)),
    )


def project_folder(where: Path) -> tuple[Path, Path]:
    """The folder without symbolic links, as git sees it, and its repository's root."""
    if not where.is_dir():
        if where.exists():
            raise BodyworkError(f"{where}: is a file", hint="Give the project's folder, and --file FILE for a config of another name.")
        raise BodyworkError(f"{where}: no such folder", hint="Give a project's folder, or the URL of a Git repository.")
    folder = where.resolve()
    return folder, top_of(folder)


def require_a_commit(status: Status, folder: Path) -> str:
    if status.head is None:
        raise BodyworkError(
            f"{folder}: the repository has no commit yet, and pods run a commit", hint="git add . && git commit -m 'First version'"
        )
    return status.head


def pinned_commit(place: Place, revision: str, manifests: Sequence[str], remote: str | None) -> str:
    """The last commit that changed the project, so that a commit of manifests, overlays or another project, changes no manifest."""
    found = last_change(place, revision, manifests)
    if found is None:
        raise BodyworkError(
            f"{place.folder}: nothing in this folder is committed, and pods run a commit", hint="git add . && git commit -m 'First version'"
        )
    commit, history_ends = found
    if history_ends and is_shallow(place):
        _deepen(place, remote)
        commit, _ = last_change(place, revision, manifests) or found
    return commit


def output_within(folder: Path, output: Path | None) -> tuple[str, ...]:
    """The folder that is about to be written, if it is inside the project's."""
    if output is None:
        return ()
    target = output.resolve()
    return (target.relative_to(folder).as_posix(),) if folder in target.parents else ()


def _deepen(place: Place, remote: str | None) -> None:
    """In a shallow clone the oldest commit looks as if it had made every file. History without its files is enough to know better."""
    answer = ask_server(place, "fetch", "--quiet", "--unshallow", "--filter=tree:0", "--", remote or "origin")
    if answer.code != 0:
        raise BodyworkError(
            f"{place.folder}: this clone is shallow, so it cannot tell which commit changed the project last, and could not be deepened: {complaint(answer)}",
            hint="Clone with its history (actions/checkout: fetch-depth: 0; else: git fetch --unshallow), or give --commit.",
        )


def _is_pushed(status: Status, remotes: Remotes) -> bool | None:
    """True if HEAD has nothing that its upstream has not; None if that is not known yet."""
    upstream = remotes.upstreams.get(status.branch or "")
    return True if status.is_ahead is False and upstream is not None and upstream == remotes.of(status.branch) else None


def _inside(paths: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Relative to the project's folder."""
    return tuple(path.removeprefix(f"{prefix}/") for path in paths) if prefix else tuple(paths)


def _of_project(paths: Sequence[str], folder: Path, manifests: Sequence[str]) -> tuple[str, ...]:
    """What is not committed, without overlays and what a render made, committed or not."""
    return tuple(path for path in paths if not is_within(path.rstrip("/"), manifests) and not (folder / path / RENDER_MARKER).is_file())
