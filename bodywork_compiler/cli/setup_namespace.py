"""`bodywork setup-namespace`: v1's way to let pipelines run in a namespace by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli.configure_cluster import carry_out, checked_namespace, dry_run_options, named
from bodywork_compiler.cli.earlier.options import Way, kubectl_of, way_options

if TYPE_CHECKING:
    from bodywork_compiler.controller.rights import Granted

_SAID = ("Namespace", "ServiceAccount", "ClusterRoleBinding")  # the lines that v1's guide shows


@click.command("setup-namespace")
@click.argument("namespace", metavar="NS", callback=checked_namespace)
@dry_run_options
@way_options
def command(namespace: str, way: Way, **asked: Any) -> None:
    """Set up a namespace in which pipelines may run by themselves, as v1 had it.

    NS is made where it is not there, with an account that can do what a run needs in it, and list the cluster's namespaces. Runs from your own
    machine need none of this.

    \b
    Example:
      bodywork setup-namespace iris
      bodywork setup-namespace iris --dry-run=client -o yaml
    """
    from bodywork_compiler.controller import rights

    carry_out(kubectl_of(way, None), list(rights.in_v1_namespace(namespace)), _say, **asked)


def _say(granted: Granted) -> None:
    if granted.kind in _SAID:
        thing, _, where = named(granted).partition(" in ")
        exists = f"{thing} already exists{f' in {where}' if where else ''}"
        click.echo(exists if granted.action == "exists" else f"{granted.action} {named(granted)}")
