"""v1's `workflow`: a run from here, with the log that its guide shows."""

from __future__ import annotations

import click

from bodywork_compiler.cli.earlier.running import Running, run_workflow, running_options
from bodywork_compiler.cli.earlier.words import v1_namespace


@click.command("workflow")
@click.argument("git_url", metavar="GIT_URL")
@click.argument("branch", metavar="BRANCH")
@v1_namespace
@running_options
def command(git_url: str, branch: str, namespace: str, running: Running) -> int:
    """Run a project's workflow in a namespace, step by step, as v1 had it.

    GIT_URL is the project's repository (also file:///…, whose files then travel inside the manifests), BRANCH the branch to take. It is
    `bodywork apply GIT_URL --branch BRANCH --namespace NS`, with v1's log; it never asks.

    \b
    Example:
      bodywork workflow --namespace=iris https://github.com/acme/iris main
    """
    return run_workflow(running, git_url, branch, namespace)
