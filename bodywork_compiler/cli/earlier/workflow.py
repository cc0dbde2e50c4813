"""Runs in earlier Bodywork's words: `apply` of a repository, which never asks, and v1's `workflow`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli.earlier.options import Way, gathered, v1_namespace, way_options
from bodywork_compiler.cli.earlier.remote import MANIFESTS
from bodywork_compiler.cli.options import existing_key
from bodywork_compiler.cli.run_options import run_options
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.cli.options import CompileOptions
    from bodywork_compiler.report import Words


@value
class Running:
    """What of a run here can be said beside the repository and its branch."""

    way: Way
    run: RunOptions
    folder: str | None
    ssh: str | None
    known_hosts: str | None
    manifests: str | None
    allow_privileges: bool
    dry_run: str | None
    output: str

    @property
    def is_printed(self) -> bool:
        """Whether the output is for programs, which want nothing else on it."""
        return self.output != "text"


_OPTIONS = (
    click.option("--folder", metavar="DIR", help="The project's folder inside the repository; default: its root."),
    click.option(
        "--ssh",
        metavar="KEYFILE",
        callback=existing_key,
        help="The private key for a repository by SSH, which is stored for the pods as well.",
    ),
    click.option("--known-hosts", metavar="FILE", help="With --ssh: the host keys to trust; default: your own known_hosts."),
    MANIFESTS,
    click.option("--allow-privileges", is_flag=True, help="Let templates and manifests ask for more than a stage gets (docs/security.md)."),
    click.option(
        "--dry-run", type=click.Choice(["client", "server"]), help="Change nothing: show what would be done, or ask the server about it."
    ),
    click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json", "yaml"]),
        default="text",
        show_default=True,
        help="The form of the run's log; json is one event a line. With --dry-run=client, yaml is the manifests themselves.",
    ),
)


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a run here, which are today's; the command gets them as one value, `running`."""
    decorated = run_options(way_options(gathered("running", Running)(command)))
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def run_here(running: Running, git_url: str, branch: str | None, namespace: str | None = None, *, words: Words = "today's") -> int:
    """The exit code of the run. v1's documents show its logs stage by stage, when a stage has ended."""
    from bodywork_compiler.cli.apply import Asked, apply
    from bodywork_compiler.cli.options import CompileOptions

    options = CompileOptions(
        branch=branch or None,
        folder=running.folder,
        ssh=running.ssh,
        known_hosts=running.known_hosts,
        namespace=namespace,
        manifests=running.manifests,
        allow_privileges=running.allow_privileges,
    )
    if running.output == "yaml":
        return _print_manifests(running, git_url, options)
    asked = Asked(
        context=running.way.context,
        kubeconfig=running.way.kubeconfig,
        print_commands=running.way.print_commands,
        yes=True,
        output=running.output,  # type: ignore[arg-type]  # one of click's choices
        log_style="replay" if words == "v1's" else None,
        words=words,
        dry_run=running.dry_run,  # type: ignore[arg-type]  # same
        run=running.run,
    )
    return apply(git_url, options, asked)


def run_workflow(running: Running, git_url: str, branch: str, namespace: str) -> int:
    """A run with v1's log. Its first line comes before anything is cloned."""
    from bodywork_compiler.git.url import without_credentials
    from bodywork_compiler.report import View, choose
    from bodywork_compiler.report.text import attempting_to_run

    if running.output != "yaml":
        view = View(output=running.output)  # type: ignore[arg-type]  # one of click's choices
        choose(view, sys.stdout)(attempting_to_run(without_credentials(git_url), branch, namespace))
    return run_here(running, git_url, branch, namespace, words="v1's")


def _print_manifests(running: Running, git_url: str, options: CompileOptions) -> int:
    if running.dry_run != "client":
        raise click.UsageError("-o yaml: only with --dry-run=client; what a run does is no YAML")
    from bodywork_compiler.cli.location import Strictness, compile_location
    from bodywork_compiler.cli.render import say
    from bodywork_compiler.manifests import to_stream

    compiled = compile_location(git_url, options, Strictness(refuse_uncommitted=True))
    say(compiled)
    click.echo(to_stream(compiled.documents), nl=False)
    return 0


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
