"""`bodywork run`: one stage of a project, on this machine."""

from __future__ import annotations

from typing import Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.local import How, LocalOptions, check_usage, on_this_machine, run_on_this_machine
from bodywork_compiler.cli.options import CompileOptions, compile_options


@click.command("run")
@click.argument("stage", shell_complete=complete.stages)
@click.argument("where", default=".", metavar="[PATH|GIT_URL|DIR|FILE|-]", shell_complete=complete.places)
@compile_options
@on_this_machine
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The form of the run's log; json is one event a line."
)
def command(stage: str, where: str, options: CompileOptions, local: LocalOptions, output: Any) -> int:
    """Run one stage on this machine, without any cluster and without the other stages.

    STAGE is its name in the config. PATH or GIT_URL is the project; DIR, FILE or - (standard input) are manifests. With --working-tree a stage
    is debugged by edit and run. A service stays until Ctrl-C.

    \b
    Example:
      bodywork run train-model
      bodywork run train-model --working-tree --secrets .env
      bodywork run scoring-service examples/serve-model
    """
    local = LocalOptions(**{**{name: getattr(local, name) for name in LocalOptions.__annotations__}, "local": True})
    check_usage(where, options, local)
    return run_on_this_machine(where, options, local, How(output=output, stage=stage))
