"""Which pipeline a command is about that looks at a cluster or takes away: a project's, the named one, or the only one in the namespace."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.options import checked_name, show_command, target_options
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.deployed.reading import Deployed
    from bodywork_compiler.kubectl import Kubectl

HERE = "."


@value
class Which:
    """What was given to say which pipeline, on which cluster. `path` is a project's folder or config."""

    path: str
    pipeline: str | None
    namespace: str | None
    context: str | None
    kubeconfig: str | None
    print_commands: bool


@value
class Opened:
    """The pipeline as it was found, and the ways to ask and to change the cluster; `context` is the name of the way there."""

    deployed: Deployed
    api: Api
    kubectl: Kubectl
    context: str


_WHICH = tuple(Which.__annotations__)
_OPTIONS = (
    click.option(
        "--pipeline",
        metavar="NAME",
        shell_complete=complete.pipelines,
        help="The pipeline; default: the project's, else the only one in the namespace.",
    ),
    click.option("--namespace", metavar="NS", callback=checked_name, help="The namespace; default: the project's, else the context's own."),
)


def pipeline_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say which pipeline; the command gets them, and its `path`, as one value, `which`."""

    @functools.wraps(command)
    def with_value(**kwargs: Any) -> Any:
        return command(which=Which(**{each: kwargs.pop(each) for each in _WHICH}), **kwargs)

    decorated: Callable[..., Any] = target_options(with_value)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@contextmanager
def opened(which: Which) -> Iterator[Opened]:
    """The pipeline on its cluster, as long as the block lasts."""
    pipeline, namespace = _pipeline_and_namespace(which)
    from bodywork_compiler.deployed import reading
    from bodywork_compiler.kubectl import Kubectl, Target
    from bodywork_compiler.runner.namespace import whereabouts_of

    target = Target(context=which.context, kubeconfig=which.kubeconfig, namespace=which.namespace or namespace)
    kubectl = Kubectl(target=target, show=show_command if which.print_commands else None)
    place = whereabouts_of(kubectl, target.namespace)
    kubectl = kubectl.in_namespace(place.namespace)
    with reading.opened(kubectl, place.namespace) as api:
        yield Opened(deployed=reading.read(api, pipeline), api=api, kubectl=kubectl, context=place.context)


def can_answer() -> bool:
    """Whether a person sits there: in a pipe or in CI nothing is asked."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def _pipeline_and_namespace(which: Which) -> tuple[str | None, str | None]:
    from bodywork_compiler import config, names

    if which.pipeline is not None:
        if which.path != HERE:
            raise click.UsageError("--pipeline and a project's PATH exclude each other")
        pipeline = names.pipeline_object_name(which.pipeline)
        if not pipeline:
            raise click.UsageError("--pipeline: an empty name")
        return pipeline, None
    path = Path(which.path)
    if which.path == HERE and not config.is_project(path):
        return None, None
    folder, file = (path.parent, path.name) if path.is_file() else (path, None)
    project = config.load(folder, file=file).project
    return project.object_name, project.namespace or project.name.lower()
