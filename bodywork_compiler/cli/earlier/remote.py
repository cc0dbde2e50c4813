"""From what stands on the command line to what a pod in the cluster shall do, and all that can be told at once of what may go wrong there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.earlier.cluster import Way, asking, kubectl_of
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.controller.work import SshKey, Work
    from bodywork_compiler.project import Project


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
    click.option("--ssh", metavar="KEYFILE", help="The private key for a repository by SSH, which is stored in that group."),
    click.option("--known-hosts", metavar="FILE", help="With --ssh: the host keys to trust; default: your own known_hosts."),
    click.option(
        "--image",
        metavar="IMAGE",
        help="The controller's image; default: BODYWORK_IMAGE, else what configure-cluster --image remembered, else what make image builds.",
    ),
)


def remote_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--folder`, `--retries`, `--group`, `--ssh`, `--known-hosts`, `--image`."""
    for option in reversed(_REMOTE):
        command = option(command)
    return command


def home_of(home: str | None) -> str:
    from bodywork_compiler.runner.groups import NAMESPACE

    return home or NAMESPACE


@contextmanager
def at_home(way: Way, home: str | None) -> Iterator[Api]:
    """Reads in the namespace of the controller's Jobs."""
    try:
        with asking(way, home_of(home)) as api:
            yield api
    except BodyworkError as problem:
        if problem.message.startswith("Could not find namespace="):
            problem.hint = problem.hint or _how_to_configure(home, None)
        raise


def work_of(remote: Remote, api: Api | None) -> Work:
    """What to do, all of it worked out; warnings are told. `api` None: the cluster is asked nothing, as a dry run by the client is."""
    from bodywork_compiler.controller.image import DEFAULT_IMAGE, choose_image, image_given
    from bodywork_compiler.controller.work import DEFAULT_RETRIES, Apply, Work

    _refuse_what_no_pod_reaches(remote.git_url)
    project = _project(remote)
    if api:
        _refuse_without_account(api, remote, project)
        _warn_without_rights(api, remote, project)
    given = image_given(remote.image, os.environ)
    image = given or DEFAULT_IMAGE
    if api:
        chosen = choose_image(api, given)
        image = chosen.name
        _warn(*chosen.warnings)
    return Work(
        apply=Apply(url=remote.git_url, branch=remote.branch, folder=remote.folder, namespace=remote.home or remote.namespace),
        image=image,
        retries=DEFAULT_RETRIES if remote.retries is None else remote.retries,
        ssh=_ssh_key(remote, api, project),
        namespace=home_of(remote.home),
    )


def store_key(remote: Remote, work: Work) -> None:
    """The key that `--ssh` names, into the secret from which the pod takes it."""
    if remote.ssh is None:
        return
    if work.ssh is None:
        raise BodyworkError(f"--ssh: no SSH key is needed for {remote.git_url}", hint="Leave --ssh away.")
    from bodywork_compiler import labels
    from bodywork_compiler.cli.options import CompileOptions
    from bodywork_compiler.cli.ssh_key import store_in
    from bodywork_compiler.secret_groups.stored import Place

    group = work.ssh.secret.removesuffix(f"-{labels.SSH_SECRET[0]}")
    where = (
        (Place(namespace=work.namespace), work.ssh.secret, work.ssh.key)
        if remote.home
        else (Place(group=group), labels.SSH_SECRET[0], work.ssh.key)
    )
    store_in(CompileOptions(ssh=remote.ssh, known_hosts=remote.known_hosts), kubectl_of(remote.way, work.namespace), where, remote.git_url)


def _warn(*lines: str) -> None:
    for number, line in enumerate(lines):
        click.echo(f"  {line}" if number else f"bodywork: warning: {line}", err=True)


def _refuse_what_no_pod_reaches(git_url: str) -> None:
    from bodywork_compiler.git import url as urls

    if not urls.is_reachable_elsewhere(git_url):
        raise BodyworkError(
            f"{git_url} is on this machine only, and no pod can reach it",
            hint="Push it to a Git server and give its address; from here it runs: bodywork apply",
        )
    if urls.without_credentials(git_url) != git_url:
        raise BodyworkError(
            f"{urls.without_credentials(git_url)} was given with a password or token, which everybody could read in the cluster's objects",
            hint="Give the address without it, and the credentials as a secret: docs/schedules.md#private-repositories",
        )


def _project(remote: Remote) -> Project | None:
    """What the repository holds now; None, with a warning, where that cannot be known from here: the cluster may reach it all the same."""
    from bodywork_compiler import config
    from bodywork_compiler.errors import ConfigError
    from bodywork_compiler.git.checkout import checkout, refuse_links_out
    from bodywork_compiler.git.ssh import identity_of
    from bodywork_compiler.git.wanted import Wanted

    wanted = Wanted(branch=remote.branch, folder=(remote.folder or "").strip("/"), ssh=identity_of(remote.ssh, remote.known_hosts))
    try:
        with checkout(remote.git_url, wanted) as found:
            refuse_links_out(found.folder, [each for pattern in _CONFIGS for each in found.folder.glob(pattern)])
            return config.load(found.folder).project
    except ConfigError as faults:
        wrong = [f"{each.file.rpartition('/')[2]}: {each.message}" for each in faults.problems if each.severity == "error"]
        _warn(f"the config of {remote.git_url} is not valid now, so a run would fail", *wrong[:_SHOWN])
    except BodyworkError as problem:
        _warn(f"the repository cannot be read from here: {problem.message}", *([problem.hint] if problem.hint else []))
    return None


_SHOWN = 5
_CONFIGS = ("bodywork.yaml", "bodywork.ini", "*/config.ini")


def _refuse_without_account(api: Api, remote: Remote, project: Project | None) -> None:
    from bodywork_compiler.api import Refused
    from bodywork_compiler.controller.work import ACCOUNT

    try:
        there = api.find("ServiceAccount", ACCOUNT)
    except Refused:  # who may not know may try
        return
    if there is None:
        raise BodyworkError(
            f"namespace {api.namespace} is not set up for runs in the cluster: it has no service account {ACCOUNT}",
            hint=_how_to_configure(remote.home, _namespace_of(remote, project)),
        )


def _warn_without_rights(api: Api, remote: Remote, project: Project | None) -> None:
    """Asked in the account's name, which who owns the cluster may do; who may not is told nothing."""
    from bodywork_compiler.controller.work import ACCOUNT

    namespace = _namespace_of(remote, project)
    if namespace is None:
        return
    kubectl = kubectl_of(remote.way, namespace)
    answer = kubectl.try_("auth", "can-i", "create", "jobs.batch", f"--as=system:serviceaccount:{api.namespace}:{ACCOUNT}")
    if answer.out.strip() == "no":
        _warn(f"the controller may not run a pipeline in namespace {namespace}", _how_to_configure(remote.home, namespace))


def _namespace_of(remote: Remote, project: Project | None) -> str | None:
    configured = (project.namespace or project.name.lower()) if project else None
    return remote.home or remote.namespace or configured


def _how_to_configure(home: str | None, namespace: str | None) -> str:
    return (
        f"Set it up: bodywork setup-namespace {home}" if home else f"Set it up: bodywork configure-cluster --namespace {namespace or 'NS'}"
    )


def _ssh_key(remote: Remote, api: Api | None, project: Project | None) -> SshKey | None:
    """The key that the pod clones with: only over ssh, and by the names that the documents of each generation give its secret."""
    from bodywork_compiler import labels
    from bodywork_compiler.controller.work import SshKey
    from bodywork_compiler.git.url import is_ssh

    if not is_ssh(remote.git_url):
        return None
    group = remote.group or ((project.secrets_group or project.object_name) if project else None)
    if remote.home:
        names = [SshKey(secret=secret, key=key) for secret, key in (labels.SSH_SECRET_V1, labels.SSH_SECRET)]
    elif group:
        names = [SshKey(secret=f"{group}-{labels.SSH_SECRET[0]}", key=labels.SSH_SECRET[1])]
    else:
        _warn("the SSH key's group is not known, since the config could not be read", "Name it with --group G.")
        return None
    there = next((each for each in names if api and _is_there(api, each.secret)), None)
    if api and there is None and remote.ssh is None:
        _warn(
            f"Could not find SSH secret {names[0].secret} in namespace {api.namespace}, without which {remote.git_url} cannot be cloned there",
            "docs/schedules.md#private-repositories has the command that makes it.",
        )
    return there or names[0]


def _is_there(api: Api, secret: str) -> bool:
    from bodywork_compiler.api import Refused

    try:
        return api.find("Secret", secret) is not None
    except Refused:
        return True
