"""`bodywork render --check DIR`: is the folder what the commit that it pins renders to, and is the project still at that commit?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.location import Origin, Strictness, compile_location
from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.url import is_url

if TYPE_CHECKING:
    from bodywork_compiler.manifests.check import Differences, Rendered

_TAKEN_FROM_FOLDER = ("ingress-class", "pod-security", "namespace")
_FLAGS = ("no-namespace", "argo-cd", "allow-privileges")


def check(where: str, options: CompileOptions, folder: Path, *, only_pinned: bool) -> None:
    """Say that all is well on stderr, or raise with everything that is not. Options other than places come from the folder itself."""
    from bodywork_compiler.manifests.check import compare, read_rendered

    rendered = read_rendered(folder)
    given = [each for each in options.given() if each not in {"--folder", "--file", "--templates"}]
    if given:
        raise click.UsageError(f"--check takes {', '.join(given)} from what DIR says of its own render; leave it away")
    origin = Origin(url=rendered.url, branch=rendered.branch, inline=bool(rendered.options.get("inline-source")))
    compiled = compile_location(where, _as_rendered(options, rendered), Strictness(output=folder, origin=origin))
    found = compare(compiled.documents, folder, pipeline=compiled.project.object_name)
    faults = [_not_the_same(folder, rendered, found)] if found else []
    if not only_pinned:
        faults += _changed_since(where, options, folder, rendered)
    if faults:
        raise BodyworkError("\n".join(faults), hint=f"Render it again: {_again(where, options, folder, rendered)}")
    click.echo(f"{folder}: is what commit {rendered.commit[:7]} renders to ({found.same} files)", err=True)


def _again(where: str, options: CompileOptions, folder: Path, rendered: Rendered) -> str:
    """The command that made the folder. Templates are recorded by name, so their folder is the one that was given just now."""
    given = {name: getattr(options, name) for name in ("folder", "file", "templates")}
    said = {**rendered.options, **{name: str(value) for name, value in given.items() if value}}
    words = [f"--{name}" if value is True else f"--{name}={quote(value)}" for name, value in sorted(said.items()) if value]
    return " ".join(["bodywork render", *([] if where == "." else [quote(where)]), *words, "-o", quote(str(folder))])


def _as_rendered(options: CompileOptions, rendered: Rendered) -> CompileOptions:
    said = {name.replace("-", "_"): rendered.options[name] for name in _TAKEN_FROM_FOLDER if name in rendered.options}
    said |= {name.replace("-", "_"): bool(rendered.options.get(name)) for name in _FLAGS}
    return replace(options, commit=rendered.commit, **said)


def _not_the_same(folder: Path, rendered: Rendered, found: Differences) -> str:
    rows = (("changed", found.changed), ("missing", found.missing), ("no longer made", found.superfluous))
    listed = "".join(f"\n    {word:<14}  {path}" for word, paths in rows for path in paths)
    return f"{folder}: is not what commit {rendered.commit[:7]} renders to:{listed}"


def _changed_since(where: str, options: CompileOptions, folder: Path, rendered: Rendered) -> list[str]:
    from bodywork_compiler.git.checkout import checkout
    from bodywork_compiler.git.wanted import Wanted

    branch = rendered.branch if is_url(where) else None
    with checkout(where, Wanted(branch=branch, folder=options.folder or "", output=folder)) as project:
        now = project.found()
    faults = []
    if now.source.commit != rendered.commit:
        faults.append(f"{folder}: is of commit {rendered.commit[:7]}, and the project was changed since (commit {now.source.commit[:7]})")
    if now.changed:
        faults.append(f"not committed, so neither rendered nor checked: {', '.join(now.changed[:5])}{', …' if now.changed[5:] else ''}")
    return faults
