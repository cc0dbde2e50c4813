"""What can be told at once of a run in the cluster that would go wrong there. Who may not know something is told nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.earlier.cluster import kubectl_of
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.cli.earlier.remote import Remote
    from bodywork_compiler.project import Project

_SHOWN = 5


def warn(*lines: str) -> None:
    for number, line in enumerate(lines):
        click.echo(f"  {line}" if number else f"bodywork: warning: {line}", err=True)


def refuse_what_no_pod_reaches(git_url: str) -> None:
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


def project_of(remote: Remote) -> Project | None:
    """What the repository holds now; None, with a warning, where that cannot be known from here: the cluster may reach it all the same."""
    from bodywork_compiler import config
    from bodywork_compiler.errors import ConfigError
    from bodywork_compiler.git.checkout import checkout, refuse_foreign_files
    from bodywork_compiler.git.ssh import identity_of
    from bodywork_compiler.git.wanted import Wanted

    wanted = Wanted(branch=remote.branch, folder=(remote.folder or "").strip("/"), ssh=identity_of(remote.ssh, remote.known_hosts))
    try:
        with checkout(remote.git_url, wanted) as found:
            refuse_foreign_files(found)
            return config.load(found.folder).project
    except ConfigError as faults:
        wrong = [f"{each.file.rpartition('/')[2]}: {each.message}" for each in faults.problems if each.severity == "error"]
        warn(f"the config of {remote.git_url} is not valid now, so a run would fail", *wrong[:_SHOWN])
    except BodyworkError as problem:
        warn(f"the repository cannot be read from here: {problem.message}", *([problem.hint] if problem.hint else []))
    return None


def refuse_without_account(api: Api, remote: Remote, project: Project | None) -> None:
    from bodywork_compiler.api import Refused
    from bodywork_compiler.controller.work import ACCOUNT

    try:
        there = api.find("ServiceAccount", ACCOUNT)
    except Refused:  # who may not know may try
        return
    if there is None:
        raise BodyworkError(
            f"namespace {api.namespace} is not set up for runs in the cluster: it has no service account {ACCOUNT}",
            hint=how_to_configure(remote.home, _namespace_of(remote, project)),
        )


def warn_without_rights(api: Api, remote: Remote, project: Project | None) -> None:
    """Asked in the account's name, which who owns the cluster may do; who may not is told nothing."""
    from bodywork_compiler.controller.work import ACCOUNT

    namespace = _namespace_of(remote, project)
    if namespace is None:
        return
    kubectl = kubectl_of(remote.way, namespace)
    answer = kubectl.try_("auth", "can-i", "create", "jobs.batch", f"--as=system:serviceaccount:{api.namespace}:{ACCOUNT}")
    if answer.out.strip() == "no":
        warn(f"the controller may not run a pipeline in namespace {namespace}", how_to_configure(remote.home, namespace))


def _namespace_of(remote: Remote, project: Project | None) -> str | None:
    configured = (project.namespace or project.name.lower()) if project else None
    return remote.home or remote.namespace or configured


def how_to_configure(home: str | None, namespace: str | None) -> str:
    return (
        f"Set it up: bodywork setup-namespace {home}" if home else f"Set it up: bodywork configure-cluster --namespace {namespace or 'NS'}"
    )
