"""`bodywork render --check DIR`: is the folder what the commit that it pins renders to, and is the project still at that commit?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.location import Origin, Strictness, compile_location
from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Place
from bodywork_compiler.git.questions import ask_remotes, commit_of, is_on_remote_as_last_seen, is_shallow, to_remotes
from bodywork_compiler.git.url import is_url
from bodywork_compiler.repository import is_same as is_same_repository
from bodywork_compiler.to_copy import to_copy

if TYPE_CHECKING:
    from bodywork_compiler.git.wanted import Found
    from bodywork_compiler.manifests.check import Differences, Rendered

_TAKEN_FROM_FOLDER = ("ingress-class", "pod-security", "namespace")
_FLAGS = ("no-namespace", "argo-cd", "allow-privileges")


def check(where: str, options: CompileOptions, folder: Path, *, only_pinned: bool) -> None:
    """Say that all is well on stderr, or raise with everything that is not. Options other than places come from the folder itself.

    What the folder says of its commit's files (`git-tree`) is never believed: the commit itself is rendered, and its own files are compared
    with those of the branch's head. Only files that travel in the manifests can be compared without the commit.
    """
    from bodywork_compiler.manifests.check import compare, read_rendered

    rendered = read_rendered(folder)
    given = [each for each in options.given() if each not in {"--folder", "--file", "--templates"}]
    if given:
        raise click.UsageError(f"--check takes {', '.join(given)} from what DIR says of its own render; leave it away")
    head = _head(where, options, folder, rendered)
    again = _again(where, options, folder, rendered)
    inline = bool(rendered.options.get("inline-source"))
    says_same = bool(rendered.tree) and head.source.tree == rendered.tree
    is_lacking = _has_commit(where, rendered) is False
    if is_lacking and not (inline and says_same):
        raise _lacking(where, folder, rendered, [] if only_pinned else _changed_since(folder, rendered, head, is_same=says_same), again)
    origin = Origin(url=rendered.url, branch=rendered.branch, inline=inline, commit=rendered.commit if is_lacking else None)
    as_rendered = _as_rendered(options, rendered, commit=head.source.commit if is_lacking else rendered.commit)
    compiled = compile_location(where, as_rendered, Strictness(output=folder, origin=origin))
    tree = compiled.source.tree
    faults = [] if only_pinned else _changed_since(folder, rendered, head, is_same=tree == head.source.tree)
    if tree != rendered.tree:
        faults.insert(0, f"{folder}: its git-tree is not that of commit {rendered.commit[:7]}, whose files have {tree}")
    found = compare(compiled.documents, folder, pipeline=compiled.project.object_name)
    if found:
        faults.insert(0, _not_the_same(folder, rendered, found))
    if faults:
        raise BodyworkError("\n".join(faults), hint=f"Render it again: {again}")
    click.echo(f"{folder}: is what commit {rendered.commit[:7]} renders to ({found.same} files)", err=True)
    if not inline and (remote := _lost_from(where, rendered)):
        click.echo(
            f"bodywork: commit {rendered.commit[:7]} is on no branch of {remote} that this clone knows. The server may drop it some day, and pods "
            f"could not fetch it then. To pin one that stays: {again}",
            err=True,
        )


def _lacking(where: str, folder: Path, rendered: Rendered, faults: list[str], again: str) -> BodyworkError:
    place = Place(folder=Path(where))
    remote = to_remotes(ask_remotes(place).answer().text).of(rendered.branch) or "origin"
    fetch = to_copy("git", "fetch", names=[remote, rendered.commit])
    shallow = (
        " This clone is shallow; the rest of it: git fetch --unshallow; in CI: fetch-depth: 0, or GIT_DEPTH: 0."
        if is_shallow(place)
        else ""
    )
    return BodyworkError(
        "\n".join(
            [*faults, f"{folder}: pins commit {rendered.commit[:7]}, which this clone does not have: what it renders to cannot be checked"]
        ),
        hint=f"Get the commit: {fetch}.{shallow} Or render it again: {again}",
    )


def _again(where: str, options: CompileOptions, folder: Path, rendered: Rendered) -> str:
    """The command that made the folder. Templates are recorded by name, so their folder is the one that was given just now."""
    given = {name: getattr(options, name) for name in ("folder", "file", "templates")}
    said = {**rendered.options, **{name: str(value) for name, value in given.items() if value}}
    return to_copy("bodywork", "render", names=[] if where == "." else [where], options=dict(sorted(said.items())), o=str(folder))


def _as_rendered(options: CompileOptions, rendered: Rendered, *, commit: str) -> CompileOptions:
    said = {name.replace("-", "_"): rendered.options[name] for name in _TAKEN_FROM_FOLDER if name in rendered.options}
    said |= {name.replace("-", "_"): bool(rendered.options.get(name)) for name in _FLAGS}
    return replace(options, commit=commit, **said)


def _not_the_same(folder: Path, rendered: Rendered, found: Differences) -> str:
    rows = (("changed", found.changed), ("missing", found.missing), ("no longer made", found.superfluous))
    listed = "".join(f"\n    {word:<14}  {path}" for word, paths in rows for path in paths)
    return f"{folder}: is not what commit {rendered.commit[:7]} renders to:{listed}"


def _head(where: str, options: CompileOptions, folder: Path, rendered: Rendered) -> Found:
    """The project at its branch's last commit."""
    from bodywork_compiler.git.checkout import checkout
    from bodywork_compiler.git.wanted import Wanted

    branch = rendered.branch if is_url(where) else None
    wanted = Wanted(branch=branch, folder=(options.folder or "").strip("/"), output=folder, as_head=True)
    with checkout(where, wanted) as project:
        return project.found()


def _changed_since(folder: Path, rendered: Rendered, head: Found, *, is_same: bool) -> list[str]:
    faults = []
    if not is_same:
        faults.append(f"{folder}: is of commit {rendered.commit[:7]}, and the project was changed since (commit {head.source.commit[:7]})")
    if head.changed:
        more = ", …" if head.changed[5:] else ""
        faults.append(f"not committed, so neither rendered nor checked: {', '.join(head.changed[:5])}{more}")
    return faults


def _has_commit(where: str, rendered: Rendered) -> bool | None:
    """Whether the repository in front of us has the commit that the folder pins; None for a URL, whose server may have it."""
    return None if is_url(where) else commit_of(Place(folder=Path(where)), rendered.commit) is not None


def _lost_from(where: str, rendered: Rendered) -> str | None:
    """The remote that pods fetch from, if this clone knows its branches and the commit is on none of them."""
    if is_url(where) or not rendered.url:
        return None
    place = Place(folder=Path(where))
    remotes = to_remotes(ask_remotes(place).answer().text).urls
    remote = next((name for name, url in remotes.items() if is_same_repository(url, rendered.url)), None)
    is_known = remote and not (is_shallow(place) and commit_of(place, rendered.commit) is None)
    return remote if remote and is_known and is_on_remote_as_last_seen(place, rendered.commit, remote) is False else None
