"""Options that several commands share, each defined once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

Command = TypeVar("Command", bound=Callable[..., Any])

where_argument = click.argument("where", default=".", metavar="[PATH|GIT_URL]", shell_complete=complete.places)


def checked_name(_context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """Refuses what the cluster would refuse. An empty name is mostly a shell's variable that is not set."""
    from bodywork_compiler.names import is_dns_label

    if given is None:
        return None
    parts = given.split(".") if option.name == "ingress_class" else [given]
    if not all(map(is_dns_label, parts)):
        raise click.BadParameter(f"must be at most 63 lower-case letters, digits and `-`, got `{given}`")
    return given


def existing_file(_context: click.Context, option: click.Parameter, given: Path | None) -> Path | None:
    """Refuses what is not there, without repeating it: it may be what the file should hold."""
    if given is not None and not os.path.isfile(given):  # noqa: PTH113 - never raises, as Path.is_file() does
        raise click.BadParameter(f"there is no such file; give its path: {option.opts[-1]} {option.metavar}")
    return given


def refusing_no_file(what: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """As `existing_file`, with exit code 1: kubectl and git would refuse it too, and repeat it."""

    def existing(_context: click.Context, option: click.Parameter, given: str | None) -> str | None:
        if given is not None and not os.path.exists(os.path.expanduser(given)):  # noqa: PTH110, PTH111 - these never raise
            raise BodyworkError(f"{option.opts[-1]}: there is no such file", hint=f"Give the path of {what}.")
        return given

    return existing


existing_key = refusing_no_file("a file with the private key, such as ~/.ssh/deploy_key; not the key itself")


@value
class CompileOptions:
    """All that changes what a project is compiled to, as given on the command line."""

    branch: str | None = None
    commit: str | None = None
    folder: str | None = None
    ssh: str | None = None
    known_hosts: str | None = None
    file: str | None = None
    namespace: str | None = None
    no_namespace: bool = False
    templates: Path | None = None
    inline_source: bool = False
    ingress_class: str | None = None
    pod_security: str | None = None
    argo_cd: bool = False
    manifests: str | None = None
    no_project_templates: bool = False
    allow_privileges: bool = False

    def given(self) -> tuple[str, ...]:
        """The options that were used, as they are typed: `--ingress-class`."""
        return tuple(f"--{each.replace('_', '-')}" for each in _NAMES if getattr(self, each) not in (None, False))


_NAMES = tuple(CompileOptions.__annotations__)
_COMPILE = (
    click.option("--branch", metavar="B", help="The branch to take; default: what is checked out, or a URL's default branch."),
    click.option("--commit", metavar="SHA", help="Pin exactly this commit; default: the last one that changed the project."),
    click.option("--folder", metavar="DIR", help="The project's folder inside the repository of a URL; default: its root."),
    click.option(
        "--ssh",
        metavar="KEYFILE",
        callback=existing_key,
        help="The private key for a repository by SSH; `apply` stores it for the pods as well.",
    ),
    click.option("--known-hosts", metavar="FILE", help="With --ssh: the host keys to trust; default: your own known_hosts."),
    click.option("--file", metavar="F", help="The config's file name; default: bodywork.yaml, else bodywork.ini."),
    click.option(
        "--namespace",
        metavar="NS",
        callback=checked_name,
        help="The Kubernetes namespace; default: the config's, else the pipeline's name.",
    ),
    click.option(
        "--no-namespace", is_flag=True, help="Make no Namespace and name none in any object, so that an overlay or context decides."
    ),
    click.option(
        "--templates",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Templates that replace the built-in ones of the same name; searched before the project's own templates folder.",
    ),
    click.option(
        "--inline-source", is_flag=True, help="Put the project's files into the manifests, so that pods need no Git server (at most 3 MiB)."
    ),
    click.option("--ingress-class", metavar="C", callback=checked_name, help="The class of the ingresses; default: nginx."),
    click.option(
        "--pod-security",
        type=click.Choice(["restricted", "baseline", "none"]),
        help="The Pod Security Standard that pods satisfy; default: the config's, else restricted.",
    ),
    click.option("--argo-cd", is_flag=True, help="Write for Argo CD too: steps as sync waves, batch stages as hooks (docs/gitops.md)."),
    click.option(
        "--manifests",
        metavar="DIR",
        help="With a URL, for apply and diff: execute the manifests in this folder of the repository, a render or an overlay, and compile nothing.",
    ),
    click.option(
        "--no-project-templates",
        is_flag=True,
        help="Refuse a project that overrides templates in its own folder templates/, as runs in the cluster do.",
    ),
    click.option(
        "--allow-privileges",
        is_flag=True,
        help="Let overridden templates and manifests ask for more than a stage gets: other accounts, tokens, rights on nodes (docs/security.md).",
    ),
)


def compile_options(command: Command) -> Command:
    """Adds the options of a compilation; the command gets them as one value, `options`."""

    @functools.wraps(command)
    def with_value(**kwargs: Any) -> Any:
        values = {each: kwargs.pop(each) for each in _NAMES}
        return command(options=CompileOptions(**values), **kwargs)

    for option in reversed(_COMPILE):
        with_value = option(with_value)
    return with_value  # type: ignore[return-value]  # click's decorators keep what they decorate


_TARGET = (
    click.option("--context", metavar="C", help="The kubeconfig context to use; default: the current one."),
    click.option(
        "--kubeconfig",
        metavar="FILE",
        callback=refusing_no_file("a kubeconfig, such as ~/.kube/config"),
        help="The kubeconfig file to use; default: as kubectl finds it.",
    ),
    click.option("--print-commands", is_flag=True, help="Show each kubectl command on stderr before it runs."),
)


def target_options(command: Command) -> Command:
    """Adds the options of whatever speaks to a cluster: `context`, `kubeconfig`, `print_commands`."""
    for option in reversed(_TARGET):
        command = option(command)
    return command


def show_command(line: str) -> None:
    click.echo(f"$ {line}", err=True)
