"""What can be told at once of a run in the cluster that would go wrong there. Who may not know something is told nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.earlier.options import kubectl_of
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.cli.earlier.remote import Remote

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


@value
class Foreseen:
    """What is known of the pipeline that is to be run. `group` is that of its keys."""

    namespace: str | None
    group: str


def project_of(remote: Remote) -> Foreseen | None:
    """What the repository holds now; None, with a warning, where that cannot be known from here: the cluster may reach it all the same."""
    from bodywork_compiler import config
    from bodywork_compiler.cli.location import project_templates
    from bodywork_compiler.errors import ConfigError
    from bodywork_compiler.git.checkout import checkout, refuse_foreign_files
    from bodywork_compiler.git.ssh import identity_of
    from bodywork_compiler.git.wanted import Wanted

    if remote.manifests:
        return _manifests_of(remote, remote.manifests)
    wanted = Wanted(branch=remote.branch, folder=(remote.folder or "").strip("/"), ssh=identity_of(remote.ssh, remote.known_hosts))
    try:
        with checkout(remote.git_url, wanted) as found:
            refuse_foreign_files(found)
            project = config.load(found.folder).project
            if not remote.project_templates and (overridden := project_templates(found.folder)):
                warn(
                    f"the project overrides {', '.join(overridden)}, and a run in the cluster takes no templates of a project, so it would fail",
                    "If you trust whoever may push there: --project-templates.",
                )
            return Foreseen(namespace=project.namespace or project.name.lower(), group=project.secrets_group or project.object_name)
    except ConfigError as faults:
        wrong = [f"{each.file.rpartition('/')[2]}: {each.message}" for each in faults.problems if each.severity == "error"]
        warn(f"the config of {remote.git_url} is not valid now, so a run would fail", *wrong[:_SHOWN])
    except BodyworkError as problem:
        warn(f"the repository cannot be read from here: {problem.message}", *([problem.hint] if problem.hint else []))
    return None


def _manifests_of(remote: Remote, folder: str) -> Foreseen | None:
    from bodywork_compiler import labels
    from bodywork_compiler.cli.manifests import manifests_of_repository
    from bodywork_compiler.cli.options import CompileOptions

    options = CompileOptions(
        branch=remote.branch,
        manifests=folder,
        ssh=remote.ssh,
        known_hosts=remote.known_hosts,
        allow_privileges=bool(remote.allow_privileges),
    )
    kubectl = kubectl_of(remote.way, None)
    try:
        plan = manifests_of_repository(remote.git_url, folder, options, lambda path: kubectl.run("kustomize", str(path.absolute())).out)
    except BodyworkError as problem:
        warn(f"{folder} of {remote.git_url} cannot be run now: {problem.message}", *([problem.hint] if problem.hint else []))
        return None
    return Foreseen(namespace=plan.namespace, group=plan.facts.get(labels.FACT_SECRETS_GROUP) or plan.pipeline)


def refuse_without_account(api: Api, remote: Remote, project: Foreseen | None) -> None:
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


def warn_without_rights(api: Api, remote: Remote, project: Foreseen | None) -> None:
    """Asked in the account's name, which who owns the cluster may do; who may not is told nothing."""
    from bodywork_compiler.controller.work import ACCOUNT

    namespace = _namespace_of(remote, project)
    if namespace is None:
        return
    kubectl = kubectl_of(remote.way, namespace)
    answer = kubectl.try_("auth", "can-i", "create", "jobs.batch", f"--as=system:serviceaccount:{api.namespace}:{ACCOUNT}")
    if answer.out.strip() == "no":
        warn(f"the controller may not run a pipeline in namespace {namespace}", how_to_configure(remote.home, namespace))


def _namespace_of(remote: Remote, project: Foreseen | None) -> str | None:
    return remote.home or remote.namespace or (project.namespace if project else None)


def how_to_configure(home: str | None, namespace: str | None) -> str:
    return (
        f"Set it up: {to_copy('bodywork', 'setup-namespace', names=[home])}"
        if home
        else f"Set it up: {to_copy('bodywork', 'configure-cluster', namespace=namespace or 'NS')}"
    )
