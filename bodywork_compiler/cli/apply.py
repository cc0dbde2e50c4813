"""`bodywork apply`: a project or manifests in, a run on a cluster out. The run's log is stdout, all other talk stderr."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.again import same_cluster, same_project
from bodywork_compiler.cli.agree import asking
from bodywork_compiler.cli.local import ON_A_CLUSTER, LocalOptions, check_usage, local_options
from bodywork_compiler.cli.manifests import STDIN, plan_at
from bodywork_compiler.cli.options import CompileOptions, checked_name, compile_options, show_command, target_options
from bodywork_compiler.cli.run_options import report_option, run_options
from bodywork_compiler.cli.ssh_key import store_key
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions

if TYPE_CHECKING:
    from bodywork_compiler.report import Form, LogStyle, Words
    from bodywork_compiler.runner.events import DryRun, Event, RunStarted


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for beside the options of a compilation."""

    context: str | None = None
    kubeconfig: str | None = None
    yes: bool = False
    print_commands: bool = False
    output: Form = "text"
    log_style: LogStyle | None = None
    words: Words = "today's"
    dry_run: DryRun | None = None
    dry_run_namespace: str | None = None
    run: RunOptions = DEFAULT_RUN
    record: Callable[[Event], None] | None = None
    local: LocalOptions = ON_A_CLUSTER


@click.command("apply")
@click.argument("where", default=".", metavar="[PATH|GIT_URL|DIR|FILE|-]", shell_complete=complete.places)
@compile_options
@run_options
@target_options
@local_options
@report_option
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal nothing is ever asked.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The form of the run's log; json is one event a line."
)
@click.option(
    "--log-style",
    type=click.Choice(["live", "replay"]),
    help="Stage logs line by line as they come, or whole when a pod has ended; default: live on a terminal, else replay.",
)
@click.option(
    "--dry-run",
    type=click.Choice(["client", "server"]),
    help="Change nothing: client shows the steps and their objects, server also asks the API server about each of them and about a pod of each template (exit code 1 when it refuses one).",
)
@click.option(
    "--dry-run-namespace",
    callback=checked_name,
    metavar="NS",
    help="Where --dry-run=server asks about the objects while their own namespace is not there; default: the namespace default.",
)
def command(where: str, options: CompileOptions, report: Path | None, **asked: Any) -> int:
    """Run a pipeline on a cluster, or on this machine, step by step.

    PATH or GIT_URL is a project, which is compiled first; DIR, FILE or - (standard input) are manifests that `bodywork render` made, patched
    or not. The next step begins when every stage of the one before has succeeded.

    \b
    Example:
      bodywork apply
      bodywork apply https://github.com/acme/iris.git --branch main
      bodywork apply manifests/ --context kind-dev
      kustomize build overlays/prod | bodywork apply -
      bodywork apply --dry-run=server
      bodywork apply --local
    """
    if asked["dry_run_namespace"] and asked["dry_run"] != "server":
        raise click.UsageError("--dry-run-namespace: only with --dry-run=server")
    check_usage(where, options, asked["local"])
    if report is None:
        return apply(where, options, Asked(**asked))
    if asked["dry_run"]:
        raise click.UsageError("--report: a dry run is no run; -o json says what it found")
    from bodywork_compiler.report import now
    from bodywork_compiler.report.json_report import reporting

    with reporting(report, now) as record:
        return apply(where, options, Asked(**asked, record=record))


def apply(where: str, options: CompileOptions, asked: Asked) -> int:
    """Compile or read what is at `where`, and run it: the one way, whatever the command is called. Returns the exit code."""
    if asked.local.local:
        from bodywork_compiler.cli.local import How, run_on_this_machine

        how = How(output=asked.output, log_style=asked.log_style, dry_run=asked.dry_run, run=asked.run, record=asked.record)
        return run_on_this_machine(where, options, asked.local, how)
    from bodywork_compiler.kubectl import Kubectl, Target
    from bodywork_compiler.report import Commands, View, choose, showing
    from bodywork_compiler.report.json_report import also
    from bodywork_compiler.runner import owners, resume
    from bodywork_compiler.runner.start import check_rights, run_plan

    target = Target(context=asked.context, kubeconfig=asked.kubeconfig, namespace=options.namespace)
    kubectl = Kubectl(target=target, show=show_command if asked.print_commands else None)
    plan, log_level = plan_at(where, options, kubectl)
    resume.check(plan, asked.run)
    owners.check_names(plan, asked.run)
    view = View(
        output=asked.output,
        log_style=asked.log_style,
        log_level=log_level,
        words=asked.words,
        is_redrawn=not asked.print_commands,
        commands=Commands(apply=same_project(where, options), cluster=same_cluster(asked.context, asked.kubeconfig)),
    )
    if asked.dry_run:
        from bodywork_compiler.preview.dry_run import dry_run

        tell = choose(view, sys.stdout)
        if asked.dry_run == "server":
            check_rights(plan, kubectl, tell, asked.run)
        return dry_run(
            resume.narrowed(plan, asked.run),
            kubectl,
            tell,
            by=asked.dry_run,
            stand_in=asked.dry_run_namespace,
            options=asked.run,
        )
    gc.enable()  # off at the start (`__main__.run`), and a run may last for hours
    ask = asking(plan, kubectl, where=where, yes=asked.yes or where == STDIN, options=asked.run)

    def agree(started: RunStarted) -> None:
        ask(started)
        store_key(options, plan, kubectl, started.namespace)

    with showing(view, sys.stdout) as tell:
        return run_plan(plan, kubectl, also(tell, asked.record), options=asked.run, agree=agree)
