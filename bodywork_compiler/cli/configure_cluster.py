"""`bodywork configure-cluster`: what a cluster needs so that pipelines can run in it without anybody's laptop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from bodywork_compiler.cli.earlier.options import Way, kubectl_of, one_value_per_flag, way_options
from bodywork_compiler.cli.options import checked_name

if TYPE_CHECKING:
    from bodywork_compiler.controller.rights import Granted
    from bodywork_compiler.kubectl import Kubectl
    from bodywork_compiler.manifests import KubeObject

Form = Literal["json", "yaml"]


def checked_namespace(context: click.Context, option: click.Parameter, given: str) -> str:
    """Refuses also the controller's own: no pipeline runs there."""
    from bodywork_compiler.runner.copies import NAMESPACE

    if given == NAMESPACE:
        raise click.BadParameter(f"{NAMESPACE} is the controller's own; name one in which pipelines run")
    return str(checked_name(context, option, given))


def _checked_namespaces(context: click.Context, option: click.Parameter, given: Sequence[str]) -> tuple[str, ...]:
    return tuple(checked_namespace(context, option, each) for each in given)


def _checked_image(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is not None and not given.strip():
        raise click.BadParameter("an empty name")
    return given


def dry_run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--dry-run` and `-o`, as `dry_run` and `output`."""
    output = click.option("-o", "--output", type=click.Choice(["yaml", "json"]), help="With --dry-run: print the objects, to be committed.")
    dry_run = click.option(
        "--dry-run", type=click.Choice(["client", "server"]), help="Change nothing; server lets the API server check it."
    )
    return dry_run(output(command))


class _SeveralNamespaces(click.Command):
    """`--namespace iris churn` names both."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(one_value_per_flag("--namespace", args, only_pairs=False)))


@click.command("configure-cluster", cls=_SeveralNamespaces)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="NS",
    callback=_checked_namespaces,
    help="A namespace in which the controller may run pipelines; it is made where it is not there. Several after one flag, or the flag again; default: all of the cluster.",
)
@click.option(
    "--image",
    metavar="IMAGE",
    callback=_checked_image,
    help="The controller's image, which the cluster remembers for scheduled and remote runs.",
)
@dry_run_options
@way_options
def command(namespaces: tuple[str, ...], way: Way, **asked: Any) -> None:
    """Let a cluster run pipelines by itself: on a schedule, or with --async.

    Makes the namespace bodywork-deployment-jobs and the account under which runs happen there. With --namespace the account can do what a run
    needs in these namespaces, and get the secrets of groups; without it it can do so in every namespace, and read every secret of the cluster.
    What is there already is brought up to date. Runs from your own machine need none of this.

    \b
    Example:
      bodywork configure-cluster --namespace iris --namespace churn
      bodywork configure-cluster --namespace iris --dry-run=client -o yaml
      bodywork configure-cluster
    """
    from bodywork_compiler.controller import rights

    kubectl, image = kubectl_of(way, None), asked["image"]
    before = None if asked["dry_run"] == "client" else rights.reach(kubectl, rights.IN_CLUSTER_BINDING, rights.GROUPS_ROLE)
    if namespaces:
        texts, note = (
            rights.in_namespaces(namespaces, image),
            _still_has_all(kubectl, rights.IN_CLUSTER_BINDING) if before == "cluster" else "",
        )
    elif image and before == "namespaces":
        texts, note = rights.as_they_are(image), "The controller keeps the rights that it has, in the namespaces that were named."
    else:
        texts, note = rights.in_whole_cluster(image), HAS_ALL
    carry_out(kubectl, list(texts), _say, dry_run=asked["dry_run"], output=asked["output"])
    if note and asked["dry_run"] != "client":
        click.echo(note, err=True)


HAS_ALL = "The controller may run pipelines in every namespace and read every secret of this cluster; --namespace NS narrows that."


def _still_has_all(kubectl: Kubectl, binding: str) -> str:
    take_away = kubectl.line("delete", f"clusterrolebinding/{binding}")
    return f"The controller still has the whole cluster, from an earlier configure-cluster. To take that away:\n  {take_away}"


def carry_out(kubectl: Kubectl, texts: Sequence[str], say: Callable[[Granted], None], *, dry_run: str | None, output: Form | None) -> None:
    """Bring the objects into the cluster, or only print them."""
    from bodywork_compiler.controller.rights import grant, objects_of

    if output and not dry_run:
        raise click.UsageError("--output: only with --dry-run")
    objects = objects_of(texts)
    if dry_run != "client":
        grant(kubectl, objects, (lambda _: None) if output else say, dry_run=dry_run == "server")
        if dry_run:
            click.echo("(server dry run: nothing was changed)", err=True)
    if output or dry_run == "client":
        _print(texts, objects, output or "yaml")


def _print(texts: Sequence[str], objects: Sequence[KubeObject], form: Form) -> None:
    if form == "yaml":
        click.echo("".join(f"---\n{text}" for text in texts), nl=False)
        return
    from bodywork_compiler.report.output import as_json

    click.echo(as_json({"apiVersion": "v1", "kind": "List", "items": [dict(each.body) for each in objects]}))


_WORDS = {
    "Namespace": "namespace",
    "ServiceAccount": "service-account",
    "Role": "role",
    "RoleBinding": "role-binding",
    "ClusterRole": "cluster-role",
    "ClusterRoleBinding": "cluster-role-binding",
    "ConfigMap": "config-map",
}


def named(granted: Granted) -> str:
    """`service-account=N in namespace=NS`, as both generations say it."""
    return f"{_WORDS[granted.kind]}={granted.name}" + (f" in namespace={granted.namespace}" if granted.namespace else "")


def _say(granted: Granted) -> None:
    if granted.action == "exists":
        thing, _, where = named(granted).partition(" in ")
        click.echo(f"{thing} already exists{f' in {where}' if where else ''}.")
    else:
        click.echo(f"{granted.action.capitalize()} {named(granted)}.")
