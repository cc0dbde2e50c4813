"""The options of `apply` that say how a run goes: what it waits for, where it begins, what becomes of what fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.run_options import ALL, SCHEDULE_TIMEOUT_SECONDS, RunOptions, seconds_of


def duration(_context: click.Context, _option: click.Parameter, given: str | None) -> float | None:
    """Seconds, of a length of time as Go and kubectl write it (`90s`, `5m`, `1h30m`); a bare number is seconds."""
    if given is None:
        return None
    seconds = seconds_of(given)
    if seconds is None:
        raise click.BadParameter(f"must be a length of time such as 90s, 5m or 1h30m, got `{given}`")
    return seconds


def limit(context: click.Context, option: click.Parameter, given: str | None) -> float | None:
    """As `duration`; a limit of nothing would end every run before it began."""
    seconds = duration(context, option, given)
    if seconds == 0:
        raise click.BadParameter("must be longer than 0; without the option there is no limit")
    return seconds


def limit_or_none(context: click.Context, option: click.Parameter, given: str | None) -> float | None:
    """As `duration`; 0 is no limit."""
    return duration(context, option, given) or None


adopt_option = click.option(
    "--adopt",
    multiple=True,
    is_flag=False,
    flag_value=ALL,
    metavar="KIND/NAME|all",
    help="Take over an object that this pipeline did not make, such as configmap/shared; may be given several times. Without a name: all of them, "
    "also a pipeline of another repository.",
)
_RUN = (
    click.option("--from-step", type=click.IntRange(min=1), metavar="N", help="Begin with step N; the steps before it are taken as done."),
    click.option(
        "--only",
        multiple=True,
        metavar="STAGE",
        shell_complete=complete.stages,
        help="Run this stage and no other; may be given several times.",
    ),
    click.option("--resume", is_flag=True, help="Go on with the run that was cut off: what it finished is not run again."),
    click.option(
        "--wait-lock",
        "wait_lock_seconds",
        callback=duration,
        default="0s",
        metavar="TIME",
        help="How long to wait while another run holds the pipeline (5m); default: not at all.",
    ),
    click.option("--break-lock", is_flag=True, help="Take the pipeline from whoever holds it. That run stops as soon as it sees so."),
    click.option("--timeout", "timeout_seconds", callback=limit, metavar="TIME", help="The limit of the whole run (2h); default: none."),
    click.option(
        "--schedule-timeout",
        "schedule_timeout_seconds",
        callback=limit_or_none,
        default=f"{SCHEDULE_TIMEOUT_SECONDS / 60:g}m",
        show_default=True,
        metavar="TIME",
        help="How long a pod may wait for a node and its image before its stage fails (exit code 70); 0: no limit but the stage's.",
    ),
    click.option(
        "--wait-secrets",
        "wait_secrets_seconds",
        callback=duration,
        default="0s",
        metavar="TIME",
        help="How long to wait for secrets that are not there yet, since a controller makes them (60s); default: not at all.",
    ),
    click.option("--keep-failed", is_flag=True, help="Roll nothing back and remove nothing: leave what failed as it stands."),
    click.option(
        "--rollback",
        type=click.Choice(["failed", "all"]),
        default="failed",
        help="What goes back when a stage fails: the services that failed, with the set-up if none of this run stays, or all that this run changed; default: failed.",
    ),
    adopt_option,
    click.option("--no-prune", "prune", is_flag=True, flag_value=False, default=True, help="Keep the objects of stages that are gone."),
    click.option("--warnings-as-errors", is_flag=True, help="Take a warning of the API server about an object for a refusal."),
)


def report_file(_context: click.Context, _option: click.Parameter, given: Path | None) -> Path | None:
    """Refuses early what could only be found out when the run is over."""
    if given is None:
        return None
    if given.exists() and not given.is_file():
        raise click.BadParameter(f"{given} is no file")
    if not given.parent.is_dir():
        raise click.BadParameter(f"there is no folder {given.parent}")
    import tempfile

    try:
        tempfile.TemporaryFile(dir=given.parent).close()
    except OSError as fault:
        raise click.BadParameter(f"the folder {given.parent} cannot be written to: {fault.strerror}") from fault
    return given


report_option = click.option(
    "--report",
    type=click.Path(path_type=Path),
    callback=report_file,
    metavar="FILE",
    help="Write the whole run as one JSON document into FILE when it ends, however it does.",
)
_NAMES = tuple(RunOptions.__annotations__)


def _refuse_two_parts(run: RunOptions) -> None:
    """Each says by itself which stages are run."""
    given = [name for name, is_given in (("--resume", run.resume), ("--from-step", run.from_step), ("--only", run.only)) if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)}: one of them says which stages are run")


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a run; the command gets them as one value, `run`."""

    @functools.wraps(command)
    def with_value(**kwargs: Any) -> Any:
        run = RunOptions(**{each: kwargs.pop(each) for each in _NAMES})
        _refuse_two_parts(run)
        return command(run=run, **kwargs)

    decorated: Callable[..., Any] = with_value
    for option in reversed(_RUN):
        decorated = option(decorated)
    return decorated
