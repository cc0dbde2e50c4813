"""A run on this machine: `apply --local`, and `run` for one stage."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bodywork_compiler.cli.again import same_project
from bodywork_compiler.cli.manifests import STDIN, checked_manifests, manifests_of_repository, read_manifests
from bodywork_compiler.cli.options import CompileOptions, existing_file
from bodywork_compiler.git.url import is_url
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.to_copy import as_path, to_copy
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.cli.location import Compiled
    from bodywork_compiler.local.start import Local
    from bodywork_compiler.manifests import Plan
    from bodywork_compiler.report import Form, LogStyle
    from bodywork_compiler.runner.events import Event, Level


@value
class LocalOptions:
    """What is asked only of a run on this machine."""

    local: bool = False
    secrets_file: Path | None = None
    working_tree: bool = False
    exit_when_done: bool = False


ON_A_CLUSTER = LocalOptions()
_NAMES = tuple(LocalOptions.__annotations__)
# of a cluster, or of what an earlier run has left in one
_OF_A_CLUSTER = (
    "context",
    "kubeconfig",
    "print_commands",
    "dry_run_namespace",
    "resume",
    "wait_lock_seconds",
    "break_lock",
    "wait_secrets_seconds",
    "schedule_timeout_seconds",
    "warnings_as_errors",
    "keep_failed",
    "rollback",
    "adopt",
    "prune",
)
_LOCAL = click.option("--local", is_flag=True, help="Run it on this machine, without any cluster.")
_ON_THIS_MACHINE = (
    click.option(
        "--secrets",
        "secrets_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=existing_file,
        help="Values of secrets for a run on this machine, as lines KEY=VALUE or YAML; default: the environment.",
    ),
    click.option("--working-tree", is_flag=True, help="Run the files as they stand, committed or not (on this machine only)."),
    click.option("--exit-when-done", is_flag=True, help="End services of a run on this machine when all is done; default: at Ctrl-C."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """The run's part, and how it is shown."""

    output: Form = "text"
    log_style: LogStyle | None = None
    dry_run: str | None = None
    run: RunOptions = DEFAULT_RUN
    record: Callable[[Event], None] | None = None
    stage: str | None = None


def local_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--local` and what goes with it; the command gets them as one value, `local`."""
    return _LOCAL(on_this_machine(command))


def on_this_machine(command: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(command)
    def with_value(**kwargs: Any) -> Any:
        given = {each: kwargs.pop(each) for each in _NAMES if each in kwargs}
        return command(local=LocalOptions(**given), **kwargs)

    decorated: Callable[..., Any] = with_value
    for option in reversed(_ON_THIS_MACHINE):
        decorated = option(decorated)
    return decorated


def check_usage(where: str, options: CompileOptions, local: LocalOptions) -> None:
    """All that makes no sense together, at once."""
    context = click.get_current_context()
    given = {
        each.name: each.opts[-1]
        for each in context.command.params
        if context.get_parameter_source(each.name or "") is ParameterSource.COMMANDLINE
    }
    if not local.local:
        used = [given[each] for each in _NAMES if each in given]
        if used:
            raise click.UsageError(f"{', '.join(used)}: only for a run on this machine; add --local")
        return
    used = [given[each] for each in _OF_A_CLUSTER if each in given]
    if context.params.get("dry_run") == "server":
        used.append("--dry-run=server")
    problems = [f"{', '.join(used)}: only for a run on a cluster, and --local uses none"] if used else []
    if local.working_tree:
        problems += _of_the_working_tree(where, options)
    if problems:
        raise click.UsageError("; ".join(problems))


def _of_the_working_tree(where: str, options: CompileOptions) -> list[str]:
    committed = [f"--{name}" for name in ("branch", "commit", "inline_source") if getattr(options, name)]
    problems = [f"{', '.join(committed).replace('_', '-')}: names what is committed, and --working-tree does not"] if committed else []
    from bodywork_compiler.cli.location import is_project

    if is_url(where) or where == STDIN or not is_project(where, options):
        problems.append(f"--working-tree: only for a project's folder on this machine, and {where} is none")
    return problems


def run_on_this_machine(where: str, options: CompileOptions, local: LocalOptions, how: How) -> int:
    """Compile or read what is at `where`, and run it here. Returns the exit code."""
    from bodywork_compiler.local.secrets import NOTHING, read_file
    from bodywork_compiler.local.start import Local, run_locally
    from bodywork_compiler.report import Commands, View, choose
    from bodywork_compiler.report.json_report import also

    given = read_file(local.secrets_file) if local.secrets_file else NOTHING
    plan, log_level, compiled = _plan_at(where, options, local)
    again = Commands(apply=same_project(where, options), cluster=_same_files(local))
    tell = choose(View(output=how.output, log_style=how.log_style or "live", log_level=log_level, commands=again), sys.stdout)
    if how.dry_run:
        from bodywork_compiler.kubectl import Kubectl
        from bodywork_compiler.preview.dry_run import dry_run
        from bodywork_compiler.runner import resume

        return dry_run(resume.narrowed(plan, how.run), Kubectl(), tell, by="client", stand_in=None)
    gc.enable()  # off at the start (`__main__.run`), and services may stay for days
    asked = Local(given=given, exit_when_done=local.exit_when_done, options=how.run, stage=_cleaned(how.stage))
    return run_locally(plan, also(tell, how.record), _nearer(asked, where, local, compiled) if compiled else asked)


def _plan_at(where: str, options: CompileOptions, local: LocalOptions) -> tuple[Plan, Level, Compiled | None]:
    from bodywork_compiler.cli.location import Strictness, compile_location, is_project
    from bodywork_compiler.manifests import load_stream, to_stream

    if options.manifests:
        return manifests_of_repository(where, options.manifests, options, _kustomize), "INFO", None
    if where == STDIN or not is_project(where, options):
        checked_manifests(where, options)
        return read_manifests(where, _kustomize), "INFO", None
    from bodywork_compiler.cli.render import say

    compiled = compile_location(
        where, options, Strictness(refuse_uncommitted=not local.working_tree, nearby=not is_url(where), working_tree=local.working_tree)
    )
    say(compiled)
    return load_stream(to_stream(compiled.documents), compiled.project.name), compiled.project.log_level, compiled  # type: ignore[return-value]  # its schema's


def _kustomize(folder: Path) -> str:
    """A folder as `render -o` has left it is read without kubectl, which a machine without a cluster may lack."""
    from bodywork_compiler.kubectl import Kubectl
    from bodywork_compiler.manifests.folder import as_rendered

    text = as_rendered(folder)
    return Kubectl().run("kustomize", str(folder.absolute())).out if text is None else text


def _cleaned(stage: str | None) -> str | None:
    """As the plan's labels have it."""
    from bodywork_compiler.names import clean

    return clean(stage) if stage else None


def _same_files(local: LocalOptions) -> str:
    """For behind a command: what leads to the same files and secrets."""
    from shlex import quote

    secrets = f" {quote(f'--secrets={local.secrets_file}')}" if local.secrets_file else ""
    return f"{' --working-tree' if local.working_tree else ''}{secrets}"


def _nearer(asked: Local, where: str, local: LocalOptions, compiled: Compiled) -> Local:
    """A project on this machine is taken from where it stands, whatever its remote has."""
    from bodywork_compiler.local import start

    places = [] if where == "." else [as_path(where)]
    same = _same_files(replace(local, working_tree=True))
    asked = replace(asked, look_further=lambda stage: (to_copy("bodywork", "run", names=[stage, *places]) + same,))
    if is_url(where):
        return replace(asked, look_further=lambda _: ())
    from bodywork_compiler.git.as_files import files_of
    from bodywork_compiler.git.questions import top_of

    top = top_of(Path(where).resolve())
    if local.working_tree:
        return replace(asked, fetch=start.copying(top, files_of(top)))
    url = compiled.source.url
    return asked if url is None or url.startswith("file:") else replace(asked, git_env=start.from_repository(url, top))
