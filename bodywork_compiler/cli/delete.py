"""`bodywork delete`: takes a pipeline out of a cluster, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.pipeline import HERE, Opened, Which, can_answer, opened, pipeline_options
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from bodywork_compiler.deployed.deleting import Patience


@click.command("delete")
@click.argument("path", default=HERE, shell_complete=complete.places)
@pipeline_options
@click.option(
    "--yes",
    is_flag=True,
    help="Do not ask. Without a terminal nothing is asked, and --namespace-too needs it where more is in it than the pipeline.",
)
@click.option("--dry-run", is_flag=True, help="Only list what would be deleted.")
@click.option("--break-lock", is_flag=True, help="Delete it although a run holds it. That run stops as soon as it sees so.")
@click.option("--namespace-too", is_flag=True, help="Delete the namespace as well, if Bodywork made it and no other pipeline is in it.")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    default=300,
    show_default=True,
    help="How long to wait until all is gone.",
)
def command(which: Which, *, dry_run: bool, namespace_too: bool, timeout_seconds: int, **given: bool) -> None:
    """Delete a pipeline from a cluster, and wait until it is gone.

    PATH is the project's folder (by default this one) or its config, which say pipeline and namespace. Without a project it is the pipeline
    that --pipeline names, or the only one in the namespace. Its Deployments, Services, Ingresses, Jobs, ConfigMaps and its service account are
    deleted, with their pods, and the copies of its group's secrets; also what overlays added, of any kind, and what was adopted. All else stays,
    whatever its labels say, and volume claims, namespaces and custom resource definitions stay too.

    `delete deployment`, `delete cronjob` and `delete secret` are earlier Bodywork's (`bodywork delete secret --help`); a folder of such a name
    is ./secret.

    \b
    Example:
      bodywork delete --dry-run
      bodywork delete --pipeline iris --namespace lab --yes
    """
    with opened(which) as found:
        from bodywork_compiler.deployed.deleting import Patience, refuse_foreign_namespace, refuse_what_else_is_there, refuse_while_held

        if namespace_too:
            refuse_foreign_namespace(found.api, found.deployed.pipeline)
        found = with_copies(found)  # noqa: PLW2901 - the block is about both
        left = left_beside(found) if namespace_too else []
        listed = _listed(found, left, namespace_too=namespace_too)
        if dry_run:
            click.echo("\n".join(f"would delete {each}" for each in listed))
            return
        if not given["break_lock"]:
            refuse_while_held(found.api, found.deployed.pipeline)
        if not given["yes"] and can_answer():
            _ask(found, listed)
        elif not given["yes"]:
            refuse_what_else_is_there(found.api, found.deployed.pipeline, left)
        _delete(found, listed, Patience(seconds=timeout_seconds), namespace_too=namespace_too)


def with_copies(found: Opened) -> Opened:
    """With its lock and the copies of its group's secrets; who may not read secrets is told that they stay."""
    from dataclasses import replace

    from bodywork_compiler.api import Refused
    from bodywork_compiler.deployed.deleting import copied_secrets, lease_of, without_others

    lock = lease_of(found.api, found.deployed.pipeline)
    ours, others = without_others(found.deployed)
    if others:
        click.echo(f"stays: {', '.join(others)}", err=True)
    found = replace(found, deployed=replace(ours, objects=(*ours.objects, *([lock] if lock else []))))
    try:
        copies = copied_secrets(found.api, found.deployed.pipeline)
    except Refused as refused:
        click.echo(f"copies of its group's secrets, if there are any, stay: {refused.message}", err=True)
        return found
    return replace(found, deployed=replace(found.deployed, objects=(*found.deployed.objects, *copies)))


def left_beside(found: Opened) -> list[str]:
    """What of others would go with the namespace."""
    from bodywork_compiler.deployed.deleting import left_in_namespace

    return left_in_namespace(found.api, (*found.deployed.objects, *found.deployed.added))


def _listed(found: Opened, left: list[str], *, namespace_too: bool) -> list[str]:
    from bodywork_compiler.deployed.deleting import goes_with_it, shown, stays

    if kept := stays(found.deployed):
        click.echo(f"stays, since more than itself would go with it: {', '.join(shown(kept))}", err=True)
    others = f": {', '.join(left)}" if left else ""
    namespace = [f"namespace/{found.deployed.namespace}, with everything in it{others}"] if namespace_too else []
    return [*shown(found.deployed.objects), *shown(goes_with_it(found.deployed)), *namespace]


def _ask(found: Opened, listed: list[str]) -> None:
    click.echo(f"{found.deployed.pipeline} → context {found.context}, namespace {found.deployed.namespace}", err=True)
    for each in listed:
        click.echo(f"  {each}", err=True)
    if not click.confirm("Delete?", default=False, err=True):
        raise BodyworkError("not deleted; nothing was changed")


def _delete(found: Opened, listed: list[str], patience: Patience, *, namespace_too: bool) -> None:
    from bodywork_compiler.deployed.deleting import delete, delete_namespace

    deployed = found.deployed
    click.echo(f"deleting {deployed.pipeline} from context {found.context}, namespace {deployed.namespace}", err=True)
    delete(found.api, found.kubectl, deployed, patience)
    if namespace_too:
        delete_namespace(found.api, found.kubectl, patience)
    click.echo("\n".join(f"deleted {each}" for each in listed))
