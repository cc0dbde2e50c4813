"""What `apply` and `diff` are about: a project, which is compiled first, or manifests that `render` made, patched or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.to_copy import to_copy

if TYPE_CHECKING:
    from bodywork_compiler.kubectl import Kubectl
    from bodywork_compiler.manifests import Plan
    from bodywork_compiler.preview.difference import HaveSameFiles
    from bodywork_compiler.runner.events import Level

STDIN = "-"


def plan_at(where: str, options: CompileOptions, kubectl: Kubectl) -> tuple[Plan, Level]:
    """The plan to execute, and the threshold of its log: only a config says another than INFO."""
    from bodywork_compiler.cli.location import Strictness, compile_location, is_project
    from bodywork_compiler.manifests import load_stream, to_stream
    from bodywork_compiler.manifests.privileges import check_plan

    if options.manifests:
        return manifests_of_repository(
            where, options.manifests, options, lambda folder: kubectl.run("kustomize", str(folder.absolute())).out
        ), "INFO"
    if where != STDIN and is_project(where, options):
        from bodywork_compiler.cli.render import say

        compiled = compile_location(where, options, Strictness(refuse_uncommitted=True, ask_remote=True))
        say(compiled)
        return load_stream(to_stream(compiled.documents), compiled.project.name), compiled.project.log_level  # type: ignore[return-value]  # its schema's
    checked_manifests(where, options)
    plan = read_manifests(where, lambda folder: kubectl.run("kustomize", str(folder.absolute())).out)
    check_plan(plan, allow_privileges=options.allow_privileges)
    return plan, "INFO"


def manifests_of_repository(where: str, folder: str, options: CompileOptions, kustomize: Callable[[Path], str]) -> Plan:
    """The plan in a folder of a URL's repository, as it is at its branch or commit."""
    from bodywork_compiler.git.checkout import checkout
    from bodywork_compiler.git.ssh import identity_of
    from bodywork_compiler.git.url import is_url
    from bodywork_compiler.git.wanted import Wanted
    from bodywork_compiler.manifests.privileges import check_plan

    if not is_url(where):
        raise click.UsageError(f"--manifests belongs to a URL; for a folder on this machine give its path: {Path(where, folder)}")
    _refuse_options(options, f"--manifests {folder} compiles none", allowed=_OF_A_REPOSITORY | _OF_MANIFESTS)
    # the whole repository: an overlay's bases are elsewhere in it
    wanted = Wanted(branch=options.branch, commit=options.commit, ssh=identity_of(options.ssh, options.known_hosts))
    with checkout(where, wanted) as found:
        try:
            plan = _read_inside(found.folder, folder, kustomize)
        except BodyworkError as fault:
            # a temporary folder's name says nothing to anybody
            fault.message = fault.message.replace(f"{found.folder}/", "")
            raise
    check_plan(plan, allow_privileges=options.allow_privileges)
    return plan


def _read_inside(repository: Path, name: str, kustomize: Callable[[Path], str]) -> Plan:
    from bodywork_compiler.git.checkout import foreign

    folder = repository / name
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise BodyworkError(f"--manifests {name}: must be a folder inside the repository, relative to its root")
    if not folder.is_dir():
        raise BodyworkError(f"--manifests {name}: the repository has no such folder there")
    for each in (folder, *(each for each in folder.rglob("*") if each.is_symlink())):
        if why := foreign(repository, each):
            raise BodyworkError(f"{each.relative_to(repository)}: {why}", hint="Put the file itself there.")
    return read_manifests(str(folder), kustomize)


def read_manifests(where: str, kustomize: Callable[[Path], str]) -> Plan:
    from bodywork_compiler.config.reading import INI, YAML
    from bodywork_compiler.manifests import load_file, load_folder, load_stream, read_stream

    if where == STDIN:
        if sys.stdin is None:  # `<&-`
            raise BodyworkError("standard input is closed", hint="Pipe manifests in: kustomize build DIR | bodywork apply -")
        return load_stream(read_stream(sys.stdin.buffer, "standard input"), "standard input")
    path = Path(where)
    if path.is_dir():
        return load_folder(path, kustomize)
    if not path.exists():
        raise BodyworkError(
            f"{where}: not found", hint="Give a project's folder, a Git URL, a folder or file of manifests, or - for standard input."
        )
    if path.name in (YAML, INI):
        raise BodyworkError(
            f"{where}: is a project's config, not manifests",
            hint=f"Give the project's folder: {to_copy('bodywork', click.get_current_context().info_name or '', names=[str(path.parent)])}",
        )
    return load_file(path)


def same_files_near(where: str) -> HaveSameFiles:
    """Asked of the repository that `where` is in; of the current one for a URL or standard input: it may have their commits."""
    from bodywork_compiler.git.tree import have_same_files

    path = Path(where)
    return partial(have_same_files, next((each for each in (path, path.parent) if each.is_dir()), Path()))


def checked_manifests(where: str, options: CompileOptions) -> None:
    """Refuse options that only a project has."""
    _refuse_options(options, f"{where} is manifests", allowed=_OF_MANIFESTS)


_OF_MANIFESTS = frozenset({"--namespace", "--allow-privileges"})
_OF_A_REPOSITORY = frozenset({"--branch", "--commit", "--ssh", "--known-hosts", "--manifests"})


def _refuse_options(options: CompileOptions, why: str, *, allowed: frozenset[str]) -> None:
    given = [option for option in options.given() if option not in allowed]
    if given:
        raise click.UsageError(f"{', '.join(given)}: only for a project, and {why}")
