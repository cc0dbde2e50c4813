"""`bodywork diff`: what apply would change. The difference is stdout, all other talk stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.manifests import plan_at, same_files_near
from bodywork_compiler.cli.options import CompileOptions, compile_options, show_command, target_options
from bodywork_compiler.cli.run_options import adopt_option
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.run_options import RunOptions

if TYPE_CHECKING:
    from bodywork_compiler.kubectl import Target
    from bodywork_compiler.preview.values import Difference

EXIT_SAME, EXIT_DIFFERS, EXIT_ERROR = 0, 1, 2  # as kubectl diff has them


@click.command("diff")
@click.argument("where", default=".", metavar="[PATH|GIT_URL|DIR|FILE|-]", shell_complete=complete.places)
@compile_options
@target_options
@adopt_option
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The form of the difference; json is one object: where, whether it is the same, changes, and what is left.",
)
@click.option("--warnings-as-errors", is_flag=True, help="Take a warning of the API server about an object for a refusal.")
def command(where: str, options: CompileOptions, *, output: str, print_commands: bool, **asked: Any) -> int:
    """Show what apply would change on a cluster, and change nothing.

    PATH or GIT_URL is a project, which is compiled first; DIR, FILE or - (standard input) are manifests that `bodywork render` made, patched
    or not. Each object, as the server would have it, is compared with what stands there; what the server sets itself is left out, and values of
    secrets are masked. A Job that has not changed is the same, although apply runs it anew. The failure stage is not compared.

    What this pipeline did not make is refused, as apply refuses it, without --adopt.

    Exit codes: 0 the same, 1 apply would change something, 2 an error.

    \b
    Example:
      bodywork diff
      bodywork diff manifests/ --context kind-dev
      kustomize build overlays/prod | bodywork diff -
    """
    from bodywork_compiler.kubectl import Target

    run = RunOptions(adopt=asked.pop("adopt"), warnings_as_errors=asked.pop("warnings_as_errors"))
    try:
        found = _difference(where, options, Target(namespace=options.namespace, **asked), run, print_commands=print_commands)
    except BodyworkError as error:
        error.exit_code = EXIT_ERROR
        raise
    _say(found)
    if run.warnings_as_errors and found.warnings:
        return EXIT_ERROR
    from bodywork_compiler.report.tables import show_json, show_text

    (show_json if output == "json" else show_text)(found, sys.stdout)
    return EXIT_SAME if found.is_same else EXIT_DIFFERS


def _difference(where: str, options: CompileOptions, target: Target, run: RunOptions, *, print_commands: bool) -> Difference:
    from bodywork_compiler.kubectl import Kubectl
    from bodywork_compiler.preview.compare import compare
    from bodywork_compiler.runner.owners import check_names

    kubectl = Kubectl(target=target, show=show_command if print_commands else None)
    plan, _ = plan_at(where, options, kubectl)
    check_names(plan, run)
    return compare(plan, kubectl, options=run, have_same_files=same_files_near(where))


def _say(found: Difference) -> None:
    if not found.has_namespace:
        click.echo(
            f"bodywork: namespace {found.namespace} is not there: everything is new, and the server was not asked about it", err=True
        )
    if found.lacking:
        click.echo(
            f"bodywork: you may not {', '.join(found.lacking)} in namespace {found.namespace}: compared without the API server's dry run. Fields that "
            "are gone from the manifests, and what the server would refuse, are not seen. Kubernetes' own role edit has these rights.",
            err=True,
        )
    if found.same_files_as:
        click.echo(
            f"bodywork: commit {found.same_files_as[:7]} runs there, and has the same files: another commit alone is no change", err=True
        )
    for warning in found.warnings:
        click.echo(f"bodywork: warning: {warning}", err=True)
