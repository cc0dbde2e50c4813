"""Runs in earlier Bodywork's words: `apply` of a repository, which never asks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli.earlier.cluster import Way, way_options
from bodywork_compiler.cli.run_options import run_options
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.report import Words


@value
class Running:
    """What of a run here can be said beside the repository and its branch."""

    way: Way
    run: RunOptions
    folder: str | None
    dry_run: str | None


_OPTIONS = (
    click.option("--folder", metavar="DIR", help="The project's folder inside the repository; default: its root."),
    click.option(
        "--dry-run", type=click.Choice(["client", "server"]), help="Change nothing: show what would be done, or ask the server about it."
    ),
)


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a run here, which are today's; the command gets them as one value, `running`."""

    @functools.wraps(command)
    def with_value(**kwargs: Any) -> Any:
        return command(running=Running(**{each: kwargs.pop(each) for each in Running.__annotations__}), **kwargs)

    decorated: Callable[..., Any] = run_options(way_options(with_value))
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def run_here(running: Running, git_url: str, branch: str | None, namespace: str | None = None, *, words: Words = "today's") -> int:
    """The exit code of the run. v1's documents show its logs stage by stage, when a stage has ended."""
    from bodywork_compiler.cli.apply import Asked, apply
    from bodywork_compiler.cli.options import CompileOptions

    asked = Asked(
        context=running.way.context,
        kubeconfig=running.way.kubeconfig,
        print_commands=running.way.print_commands,
        yes=True,
        log_style="replay" if words == "v1's" else None,
        words=words,
        dry_run=running.dry_run,  # type: ignore[arg-type]  # one of click's choices
        run=running.run,
    )
    return apply(git_url, CompileOptions(branch=branch or None, folder=running.folder, namespace=namespace), asked)
