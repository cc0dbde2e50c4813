"""`bodywork status`: how a pipeline stands on a cluster. Nothing is changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.pipeline import HERE, Opened, Which, opened, pipeline_options

if TYPE_CHECKING:
    from bodywork_compiler.deployed.status import PipelineStatus
    from bodywork_compiler.report.output import Output

Form = Literal["text", "json", "yaml"]
LOOK_AGAIN_SECONDS = 2.0
EXIT_GOOD, EXIT_BAD = 0, 1
_HOME_AND_CLEAR = "\x1b[H\x1b[J"


@click.command("status")
@click.argument("path", default=HERE, shell_complete=complete.places)
@pipeline_options
@click.option(
    "--exit-code", "exits", is_flag=True, help="Exit with 1 when a stage has failed or is not available, or the last run did not succeed."
)
@click.option("--watch", is_flag=True, help="Look again every two seconds, and show it when it has changed, until Ctrl-C.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True, help="As lines, or for programs."
)
def command(which: Which, *, exits: bool, watch: bool, output: Form) -> int:
    """Show how a pipeline stands on a cluster: its stages, their pods, commits, ages and addresses, and the last run.

    PATH is the project's folder (by default this one) or its config, which say pipeline and namespace. Without a project it is the pipeline
    that --pipeline names, or the only one in the namespace.

    \b
    Example:
      bodywork status
      bodywork status --pipeline iris --namespace lab -o json
      bodywork status --exit-code
      bodywork status --watch
    """
    with opened(which) as found:
        show = _shown_as(output, found.context, is_live=watch)
        status = _look(found)
        show(status)
        while watch:
            import time

            time.sleep(LOOK_AGAIN_SECONDS)
            show(_look(_again(found)))
    from bodywork_compiler.deployed.status import is_good

    return EXIT_BAD if exits and not is_good(status) else EXIT_GOOD


def _look(found: Opened) -> PipelineStatus:
    from bodywork_compiler.deployed.reading import pods_of
    from bodywork_compiler.deployed.status import runs_of, status_of

    return status_of(found.deployed, pods_of(found.api, found.deployed.pipeline), runs_of(found.api, found.deployed))


def _again(found: Opened) -> Opened:
    from dataclasses import replace

    from bodywork_compiler.deployed.reading import read

    return replace(found, deployed=read(found.api, found.deployed.pipeline))


def _shown_as(form: Form, context: str, *, is_live: bool) -> Callable[[PipelineStatus], None]:
    """Shows what differs from what it showed before; a terminal is drawn again each time, since ages grow."""
    from bodywork_compiler.report.output import Output
    from bodywork_compiler.report.tables import status_data

    output = Output(sys.stdout, environ=os.environ)
    redraws = is_live and form == "text" and output.is_terminal
    before: list[object] = []

    def show(status: PipelineStatus) -> None:
        data = status_data(status, context)
        if [data] == before and not redraws:
            return
        before[:] = [data]
        if redraws:
            output.redraw(_HOME_AND_CLEAR)
        if form == "text":
            _as_text(status, context, output)
        else:
            _as_data(data, form, is_live=is_live)
        output.flush()

    return show


def _as_text(status: PipelineStatus, context: str, output: Output) -> None:
    from datetime import datetime, timezone

    from bodywork_compiler.report.tables import show_status

    show_status(status, context, output, datetime.now(timezone.utc))


def _as_data(data: dict[str, object], form: Form, *, is_live: bool) -> None:
    from bodywork_compiler.report.output import as_json, as_yaml

    if form == "json":
        click.echo(as_json(data, None if is_live else 2))
        return
    click.echo(("---\n" if is_live else "") + as_yaml(data), nl=False)
