"""`--ssh KEYFILE`: the key goes into the cluster before a run, so that its pods can fetch too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from bodywork_compiler.cli.options import CompileOptions
    from bodywork_compiler.kubectl import Kubectl
    from bodywork_compiler.manifests import Plan
    from bodywork_compiler.secret_groups.in_cluster import Place


def store_key(options: CompileOptions, plan: Plan, kubectl: Kubectl, namespace: str) -> None:
    """Nothing, where no key was named. Raises BodyworkError for a repository that is not fetched by SSH, or whose host nobody knows."""
    if options.ssh is None:
        return
    url = plan.facts.get(labels.FACT_GIT_URL, "")
    if labels.FACT_SSH_SECRET not in plan.facts:
        how = f"is {url}" if url else "travels inside the manifests"
        raise BodyworkError(f"--ssh: the pods need no SSH key, since the source {how}", hint="Leave --ssh away.")
    from bodywork_compiler.secret_groups.in_cluster import place_of

    store_in(options, kubectl, place_of(plan, namespace), url)


def store_in(options: CompileOptions, kubectl: Kubectl, where: tuple[Place, str, str], url: str) -> None:
    """Into this secret; what was done is said on stderr."""
    from bodywork_compiler.deployed.reading import opened
    from bodywork_compiler.git.ssh import identity_of, known_hosts_of
    from bodywork_compiler.secret_groups.in_cluster import store

    identity = identity_of(options.ssh, options.known_hosts)
    if identity is None:
        return
    known_hosts = known_hosts_of(identity, url)
    with opened(kubectl, where[0].namespace) as api:
        for sentence in store(kubectl, api, where, identity.key.read_bytes(), known_hosts):
            click.echo(f"bodywork: {sentence}", err=True)
