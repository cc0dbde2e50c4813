"""From what stands on the command line to what a pod in the cluster shall do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.earlier.options import Way, asking, kubectl_of
from bodywork_compiler.cli.options import existing_key
from bodywork_compiler.cli.run_options import duration
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.controller.work import Work


@value
class Remote:
    """A run that the cluster is to do. `home`: v1's, the namespace in which its pod and its pipeline stand; None: the one of all v3's jobs.

    `namespace` is the pipeline's, where it is not its config that says it. None of `retries`: as always.
    """

    way: Way
    git_url: str
    branch: str | None = None
    folder: str | None = None
    namespace: str | None = None
    home: str | None = None
    group: str | None = None
    ssh: str | None = None
    known_hosts: str | None = None
    retries: int | None = None
    image: str | None = None
    schedule_timeout: str | None = None
    timeout: str | None = None
    manifests: str | None = None
    project_templates: bool | None = None
    allow_privileges: bool | None = None


def length_of_time(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """As it was written, once it is known to be one."""
    duration(context, option, given)
    return given


TIMEOUT_HELP = "The limit of a whole run (90m); 0: none. Default: 24h."
MANIFESTS = click.option(
    "--manifests",
    metavar="DIR",
    help="Execute the manifests in this folder of the repository, a render or an overlay (docs/gitops.md), and compile nothing.",
)

_REMOTE = (
    click.option("--folder", metavar="DIR", help="The project's folder inside the repository; default: its root."),
    click.option("--retries", type=click.IntRange(min=0), metavar="N", help="How often a run that failed is begun again; default: 1."),
    click.option(
        "--group",
        "--secrets-group",
        "group",
        shell_complete=complete.groups,
        metavar="G",
        help="The secrets group that holds the SSH key ssh-git-private-key; default: the config's, else the pipeline's name.",
    ),
    click.option(
        "--ssh", metavar="KEYFILE", callback=existing_key, help="The private key for a repository by SSH, which is stored in that group."
    ),
    click.option("--known-hosts", metavar="FILE", help="With --ssh: the host keys to trust; default: your own known_hosts."),
    click.option(
        "--image",
        metavar="IMAGE",
        help="The controller's image; default: BODYWORK_IMAGE, else what configure-cluster --image remembered, else what make image builds.",
    ),
    click.option(
        "--schedule-timeout",
        metavar="TIME",
        callback=length_of_time,
        help="How long a stage's pod may wait for a node and its image (5m); default: as of apply.",
    ),
    click.option("--timeout", metavar="TIME", callback=length_of_time, help=TIMEOUT_HELP),
    MANIFESTS,
    click.option(
        "--project-templates/--no-project-templates",
        default=None,
        help="Take the templates that the project overrides, or refuse a project that overrides any; default: refuse.",
    ),
    click.option(
        "--allow-privileges/--no-allow-privileges",
        default=None,
        help="Let these templates and manifests ask for more than a stage gets, or not (docs/security.md); default: not.",
    ),
)


def remote_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--folder`, `--retries`, `--group`, `--ssh`, `--known-hosts`, `--image`, `--schedule-timeout`, `--timeout`, `--manifests` and what they may say."""
    for option in reversed(_REMOTE):
        command = option(command)
    return command


def home_of(home: str | None) -> str:
    from bodywork_compiler.runner.copies import NAMESPACE

    return home or NAMESPACE


@contextmanager
def at_home(way: Way, home: str | None) -> Iterator[Api]:
    """Reads in the namespace of the controller's Jobs."""
    try:
        with asking(way, home_of(home)) as api:
            yield api
    except BodyworkError as problem:
        if problem.message.startswith("Could not find namespace="):
            from bodywork_compiler.cli.earlier.foreseen import how_to_configure

            problem.hint = problem.hint or how_to_configure(home, None)
        raise


def work_of(remote: Remote, api: Api | None) -> Work:
    """What to do, all of it worked out; warnings are told. `api` None: the cluster is asked nothing, as a dry run by the client is."""
    from bodywork_compiler.cli.earlier import foreseen
    from bodywork_compiler.cli.earlier.credentials import ssh_key, token_secret
    from bodywork_compiler.controller.work import DEFAULT_IMAGE, DEFAULT_RETRIES, Apply, Work, choose_image, image_given
    from bodywork_compiler.manifests.privileges import check_namespace

    foreseen.refuse_what_no_pod_reaches(remote.git_url)
    for namespace in (remote.home, remote.namespace):
        check_namespace(namespace)
    _check_usage(remote)
    project = foreseen.project_of(remote)
    if api:
        foreseen.refuse_without_account(api, remote, project)
        foreseen.warn_without_rights(api, remote, project)
    given = image_given(remote.image, os.environ)
    image = given or DEFAULT_IMAGE
    if api:
        chosen = choose_image(api, given)
        image = chosen.name
        foreseen.warn(*chosen.warnings)
    return Work(
        apply=Apply(
            url=remote.git_url,
            branch=remote.branch,
            folder=remote.folder,
            namespace=remote.home or remote.namespace,
            manifests=remote.manifests,
            timeout=_timeout(remote),
            schedule_timeout=remote.schedule_timeout,
            project_templates=bool(remote.project_templates),
            allow_privileges=bool(remote.allow_privileges),
        ),
        image=image,
        retries=DEFAULT_RETRIES if remote.retries is None else remote.retries,
        ssh=ssh_key(remote, api, project),
        token=token_secret(remote, project),
        namespace=home_of(remote.home),
    )


def _timeout(remote: Remote) -> str | None:
    from bodywork_compiler.controller.work import DEFAULT_TIMEOUT
    from bodywork_compiler.run_options import seconds_of

    given = remote.timeout or DEFAULT_TIMEOUT
    return given if seconds_of(given) else None


def _check_usage(remote: Remote) -> None:
    if remote.manifests and remote.folder:
        raise click.UsageError("--folder is a project's, and --manifests compiles none: give the one folder that is to be executed")
    if remote.manifests and remote.project_templates:
        raise click.UsageError("--project-templates: --manifests compiles nothing, so no template is used")


def store_key(remote: Remote, work: Work) -> None:
    """The key that `--ssh` names, into the secret from which the pod takes it."""
    if remote.ssh is None:
        return
    if work.ssh is None:
        raise BodyworkError(f"--ssh: no SSH key is needed for {remote.git_url}", hint="Leave --ssh away.")
    from bodywork_compiler import labels
    from bodywork_compiler.cli.options import CompileOptions
    from bodywork_compiler.cli.ssh_key import store_in
    from bodywork_compiler.secret_groups.in_cluster import Place

    group = work.ssh.secret.removesuffix(f"-{labels.SSH_SECRET[0]}")
    where = (
        (Place(namespace=work.namespace), work.ssh.secret, work.ssh.key)
        if remote.home
        else (Place(group=group), labels.SSH_SECRET[0], work.ssh.key)
    )
    store_in(CompileOptions(ssh=remote.ssh, known_hosts=remote.known_hosts), kubectl_of(remote.way, work.namespace), where, remote.git_url)
