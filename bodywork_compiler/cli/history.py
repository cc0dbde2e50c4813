"""`bodywork history`: the last runs of a pipeline, as the runs themselves have written them down. Nothing is changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.pipeline import HERE, Opened, Which, opened, pipeline_options

if TYPE_CHECKING:
    from bodywork_compiler.runner.run_records import RunRecord

Form = Literal["text", "wide", "json", "yaml"]


@click.command("history")
@click.argument("path", default=HERE, shell_complete=complete.places)
@pipeline_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "wide", "json", "yaml"]),
    default="text",
    show_default=True,
    help="As lines (wide: with each stage), or for programs.",
)
def command(which: Which, output: Form) -> None:
    """Show the last 20 runs of a pipeline on a cluster: when, by whom, of which commit, how they ended and why.
    A run that was killed is among them as cut off.

    PATH is the project's folder (by default this one) or its config, which say pipeline and namespace. Without a project it is the pipeline
    that --pipeline names, or the only one in the namespace. Runs that were refused before they changed anything are not among them.

    \b
    Example:
      bodywork history
      bodywork history --pipeline iris --namespace lab -o wide
    """
    with opened(which) as found:
        from bodywork_compiler.deployed.status import runs_of

        runs = runs_of(found.api, found.deployed)
    from bodywork_compiler.report.output import as_json, as_yaml

    if output == "json":
        click.echo(as_json(_data(found, runs)))
    elif output == "yaml":
        click.echo(as_yaml(_data(found, runs)), nl=False)
    else:
        _as_text(found, runs, is_wide=output == "wide")


def _data(found: Opened, runs: Sequence[RunRecord]) -> dict[str, object]:
    from bodywork_compiler.report.tables import history_data

    return history_data(runs, pipeline=found.deployed.pipeline, namespace=found.deployed.namespace, context=found.context)


def _as_text(found: Opened, runs: Sequence[RunRecord], *, is_wide: bool) -> None:
    from bodywork_compiler.report.output import Output
    from bodywork_compiler.report.tables import show_history

    output = Output(sys.stdout, environ=os.environ)
    output.line(f"{found.deployed.pipeline} → context {found.context}, namespace {found.deployed.namespace}")
    if runs:
        show_history(runs, output, is_wide=is_wide)
    else:
        output.line("no run of it has been written down yet")
    output.flush()
