"""From what stands on the command line to compiled documents: the one way of `render` and `apply`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.errors import BodyworkError, ConfigError
from bodywork_compiler.git.checkout import TEMPLATES, checkout, foreign, refuse_foreign_files
from bodywork_compiler.git.url import is_url, without_credentials
from bodywork_compiler.git.wanted import Checkout, Wanted
from bodywork_compiler.problems import Problem
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.cli.options import CompileOptions
    from bodywork_compiler.compiler import RenderOptions
    from bodywork_compiler.config import Loaded
    from bodywork_compiler.git.ssh import Identity
    from bodywork_compiler.git.wanted import Found
    from bodywork_compiler.manifests import Document
    from bodywork_compiler.project import Project
    from bodywork_compiler.source import Source

_SHOWN = 5


@value
class Compiled:
    """`warnings` are the config's; `notes` are sentences about the source, the user should read both."""

    documents: tuple[Document, ...]
    project: Project
    source: Source
    warnings: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@value
class Origin:
    """What an earlier render said of where its files come from; it is said again, whatever this clone's remotes are."""

    url: str | None
    branch: str | None
    inline: bool
    commit: str | None = None  # where another one with the same files is compiled in its place

    def of(self, source: Source) -> Source:
        from dataclasses import replace

        archive = source.archive if self.inline else None
        return replace(source, commit=self.commit or source.commit, url=self.url, branch=self.branch, archive=archive)


@value
class Strictness:
    """What `apply` demands beyond `render`: nothing uncommitted, and the remote itself says that it has the commit."""

    output: Path | None = None
    origin: Origin | None = None
    refuse_uncommitted: bool = False
    ask_remote: bool = False
    nearby: bool = False
    working_tree: bool = False


def is_project(where: str, options: CompileOptions) -> bool:
    """A URL, or a folder with a config; else `where` means manifests."""
    from bodywork_compiler import config

    return (
        is_url(where)
        or config.is_project(Path(where))
        or bool(options.file and Path(where).is_dir() and Path(where, options.file).is_file())
    )


def compile_location(where: str, options: CompileOptions, strictness: Strictness | None = None) -> Compiled:
    """The project at a path or a URL, compiled. Nothing is left of what was cloned for it."""
    strictness = strictness or Strictness()
    _check_usage(where, options)
    wanted = Wanted(
        branch=options.branch,
        commit=options.commit,
        folder=(options.folder or "").strip("/"),
        output=strictness.output,
        inline=options.inline_source or bool(strictness.origin and strictness.origin.inline),
        ask_remote=strictness.ask_remote,
        ssh=_identity(options),
        nearby=strictness.nearby,
        as_files=strictness.working_tree,
    )
    with checkout(where, wanted) as project:
        loaded = _load(project, where, options.file)
        from bodywork_compiler.compiler import compile_project, notes_about

        # read and imported first: git works meanwhile
        found = project.found()
        uncommitted = _uncommitted(found, loaded.project)
        if uncommitted and strictness.refuse_uncommitted:
            place = "" if where == "." else f"{where}: "
            as_they_are = " Or run them as they are: --working-tree." if strictness.nearby else ""
            raise BodyworkError(f"{place}{uncommitted}", hint=_how_to_commit(Path(where), found, loaded.project) + as_they_are)
        render_options = _render_options(project.folder, options)
        source = strictness.origin.of(found.source) if strictness.origin else found.source
        documents = _compiled(lambda: compile_project(loaded.project, source, render_options), render_options)
    return Compiled(
        documents=documents,
        project=loaded.project,
        source=source,
        warnings=loaded.warnings,
        notes=(*found.notes, *notes_about(loaded.project, render_options), *((uncommitted,) if uncommitted else ())),
    )


def _compiled(compile_it: Callable[[], tuple[Document, ...]], options: RenderOptions) -> tuple[Document, ...]:
    """Templates of somebody else may compute for ever: they have a process with limits."""
    from bodywork_compiler.compiler.engine import Engine

    overridden = Engine(options.template_folders).overridden
    if not overridden:
        return compile_it()
    from bodywork_compiler.bounded import within_limits

    return within_limits(compile_it, f"the project's templates ({', '.join(overridden)})")


def load_location(where: str, *, branch: str | None = None, folder: str | None = None, file: str | None = None) -> Project:
    """The project at a path, whether it is committed or not, or at a URL."""
    from bodywork_compiler import config

    if not is_url(where):
        if branch or folder:
            raise click.UsageError("--branch and --folder belong to a URL")
        path = Path(where)
        return config.load(path.parent, file=path.name).project if path.is_file() and not file else config.load(path, file=file).project
    with checkout(where, Wanted(branch=branch, folder=(folder or "").strip("/"))) as project:
        return _load(project, where, file).project


def _check_usage(where: str, options: CompileOptions) -> None:
    if options.folder and not is_url(where):
        raise click.UsageError(
            f"--folder belongs to a URL; for a folder on this machine give its path: {PurePosixPath(where, options.folder)}"
        )
    if options.manifests:
        raise click.UsageError("--manifests: only for apply and diff; what it names is rendered already")
    if options.namespace and options.no_namespace:
        raise click.UsageError("--namespace and --no-namespace exclude each other")


def _identity(options: CompileOptions) -> Identity | None:
    from bodywork_compiler.git.ssh import identity_of

    if options.known_hosts and not options.ssh:
        raise click.UsageError("--known-hosts belongs to --ssh KEYFILE")
    return identity_of(options.ssh, options.known_hosts)


def _load(project: Checkout, where: str, file: str | None) -> Loaded:
    from bodywork_compiler import config

    is_here = not is_url(where) and project.folder == Path(where)
    if not (is_here and file and _is_elsewhere(project.folder, file)):  # whoever names a file of their own may
        refuse_foreign_files(project, file)
    if is_here:
        return config.load(project.folder, file=file)
    # read in a temporary folder, whose name says nothing to anybody
    from dataclasses import replace

    try:
        loaded = config.load(project.folder, file=file)
    except ConfigError as faults:
        raise ConfigError(_named_as_committed(faults.problems, project, where)) from None
    return replace(loaded, warnings=_named_as_committed(loaded.warnings, project, where))


def _is_elsewhere(folder: Path, file: str) -> bool:
    return os.path.relpath(folder / file, folder).startswith("..")


def _named_as_committed(problems: Iterable[Problem], project: Checkout, where: str) -> tuple[Problem, ...]:
    from dataclasses import replace

    from bodywork_compiler.config.reading import as_typed

    scratch = as_typed(project.folder)
    at = f"{without_credentials(where)}@{project.found().source.commit[:7]}"

    def named(text: str) -> str:
        return text.replace(f"{scratch}/", "").replace(scratch, at)

    return tuple(replace(each, file=named(each.file), message=named(each.message)) for each in problems)


def _render_options(folder: Path, options: CompileOptions) -> RenderOptions:
    from bodywork_compiler.compiler import RenderOptions
    from bodywork_compiler.git.tree import is_inside

    # resolved: what of it is a link that leads elsewhere can then be told
    root = folder.resolve()
    if options.no_project_templates:
        _refuse_project_templates(root / TEMPLATES)
    given = (options.templates,) if options.templates else ()
    own = (root / TEMPLATES,) if os.path.lexists(root / TEMPLATES) else ()
    bounded = [*own, *(each for each in given if is_inside(each, root))]
    ingress_class: dict[str, Any] = {"ingress_class": options.ingress_class} if options.ingress_class else {}
    return RenderOptions(
        namespace=options.namespace,
        with_namespace=not options.no_namespace,
        pod_security=options.pod_security,  # type: ignore[arg-type]  # one of click's choices
        argo_cd=options.argo_cd,
        allow_privileges=options.allow_privileges,
        template_folders=given + own,
        foreign_template=lambda file: foreign(root, file) if any(each in file.parents for each in bounded) else None,
        **ingress_class,
    )


def project_templates(project: Path) -> list[str]:
    """The templates that a project overrides by its own folder: `templates/pod.yaml.j2`."""
    from bodywork_compiler.compiler.engine import Engine

    own = project / "templates"
    return [f"{own.name}/{name}" for name in Engine((own,)).overridden] if own.is_dir() else []


def _refuse_project_templates(folder: Path) -> None:
    """Left out in silence, they would give other manifests than the project means."""
    overridden = project_templates(folder.parent)
    if overridden:
        raise BodyworkError(
            f"the project overrides templates, and this run takes none of a project: {', '.join(overridden)}",
            hint="Where a schedule runs it, allow them there: bodywork update cronjob --name NAME --project-templates; "
            "with --async: --project-templates. Else leave --no-project-templates out.",
        )


def _uncommitted(found: Found, project: Project) -> str:
    """What pods will not see although it is here, in one sentence; files that nothing names may lie about uncommitted."""
    names = [*found.changed, *(path for path in found.untracked if _is_needed(path, project))]
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"not committed: {', '.join(sorted(names)[:_SHOWN])}{more}; pods run commit {found.source.commit[:7]}, which has them otherwise or not at all"


def _how_to_commit(where: Path, found: Found, project: Project) -> str:
    forgotten = [str(where / path) for path in found.untracked if _is_needed(path, project)]
    if not forgotten:
        return "Commit them, or put them aside: git commit -a; git stash."
    return f"Commit them: {to_copy('git', 'add', names=forgotten)} && git commit -a."


def _is_needed(path: str, project: Project) -> bool:
    needed: Sequence[str] = [
        project.config_file,
        *(stage.executable for stage in project.stages),
        *(stage.requirements_file for stage in project.stages if stage.requirements_file),
    ]
    return any(name == path or (path.endswith("/") and name.startswith(path)) for name in needed)
