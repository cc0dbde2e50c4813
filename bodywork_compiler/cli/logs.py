"""`bodywork logs`: what a pipeline's stages print. Nothing is changed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler import labels
from bodywork_compiler.cli import complete
from bodywork_compiler.cli.pipeline import HERE, Opened, Which, opened, pipeline_options
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bodywork_compiler.api import Object
    from bodywork_compiler.deployed.logs import Log, PodSecrets, Show, Wanted


@click.command("logs")
@click.argument("stage", required=False, shell_complete=complete.stages)
@click.option("--project", "path", metavar="PATH", default=HERE, help="The project's folder or config; default: this folder.")
@pipeline_options
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come, until the stage has ended; a service has no end but Ctrl-C.")
@click.option("-p", "--previous", is_flag=True, help="The log of the run before, of containers that were started again.")
@click.option(
    "--container",
    type=click.Choice([labels.FETCH, labels.INSTALL, labels.MAIN]),
    help="The container of a pod; default: stage, or where that never began the last one that ran.",
)
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of each log; default: all.")
def command(stage: str | None, which: Which, *, follow: bool, **asked: Any) -> None:
    """Print the logs of a pipeline's stages.

    STAGE is the stage's name; without it the logs of all stages are printed, oldest pod first. Where there are several pods, each line begins with
    its own pod's name. Values of the pods' secrets are shown as ***. Which pipeline: see `bodywork status --help`.

    \b
    Example:
      bodywork logs scoring-service
      bodywork logs scoring-service --previous --tail 50
      bodywork logs -f
    """
    if follow and asked["previous"]:
        raise click.UsageError("--follow and --previous exclude each other: what has ended prints no more")
    with opened(which) as found:
        from bodywork_compiler.deployed.logs import Wanted, stage_named

        label = stage_named(stage, found.deployed) if stage else None
        wanted = Wanted(stage=label, **asked)
        if follow:
            _follow(found, wanted)
        else:
            _print(found, wanted)


def _print(found: Opened, wanted: Wanted) -> None:
    from bodywork_compiler.deployed.logs import PodSecrets, logs_of, read_logs
    from bodywork_compiler.deployed.reading import pods_of
    from bodywork_compiler.runner.watching import label

    pods = pods_of(found.api, found.deployed.pipeline)
    logs = logs_of(pods, wanted)
    if not logs:
        what = wanted.stage or f"pipeline {found.deployed.pipeline}"
        raise BodyworkError(
            f"{what} has no container that {'was started again' if wanted.previous else 'has begun'}; there is no log",
            hint="How it stands: bodywork status",
        )
    secrets = PodSecrets(found.api)
    _learn(secrets, [pod for pod in pods if wanted.stage in {None, label(pod, labels.STAGE)}])
    read_logs(found.api, logs, wanted, _show(secrets, is_alone=len(logs) == 1))


def _follow(found: Opened, wanted: Wanted) -> None:
    from bodywork_compiler.deployed.logs import Following, PodSecrets, pods_and_whether_more_come

    secrets = PodSecrets(found.api)

    def look() -> tuple[Sequence[Object], bool]:
        pods, more_come = pods_and_whether_more_come(found.api, found.deployed, wanted.stage)
        _learn(secrets, pods)
        return pods, more_come

    Following(found.api, wanted, _show(secrets, is_alone=False)).until_over(look)


def _learn(secrets: PodSecrets, pods: Sequence[Object]) -> None:
    for secret in secrets.learn(pods):
        click.echo(
            f"bodywork: warning: values of secret {secret} are not masked: you may not read it, and the pods do not mask it themselves",
            err=True,
        )


def _show(secrets: PodSecrets, *, is_alone: bool) -> Show:
    from bodywork_compiler.report.output import Output

    output = Output(sys.stdout, environ=os.environ)

    def show(log: Log, line: str) -> None:
        container = "" if log.container == labels.MAIN else f" {log.container}"
        output.foreign(secrets.mask.text(line), lead="" if is_alone else f"[{log.pod}{container}] ")
        output.flush()

    return show
