"""Which cluster a command of earlier Bodywork speaks to. Their documents know no contexts: the options for these are ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bodywork_compiler.cli.earlier.gathered import gathered
from bodywork_compiler.cli.options import show_command, target_options
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.kubectl import Kubectl

EVERYWHERE = ""


@value
class Way:
    """The way to a cluster, as it was given."""

    context: str | None
    kubeconfig: str | None
    print_commands: bool


def way_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--context`, `--kubeconfig`, `--print-commands`; the command gets them as one value, `way`."""
    return target_options(gathered("way", Way)(command))


def kubectl_of(way: Way, namespace: str | None) -> Kubectl:
    from bodywork_compiler.kubectl import Kubectl, Target

    target = Target(context=way.context, kubeconfig=way.kubeconfig, namespace=namespace or None)
    return Kubectl(target=target, show=show_command if way.print_commands else None)


@contextmanager
def asking(way: Way, namespace: str) -> Iterator[Api]:
    """Reads in a namespace that is there, or `EVERYWHERE`, as long as the block lasts."""
    from bodywork_compiler.api import Refused
    from bodywork_compiler.deployed import reading

    try:
        with reading.opened(kubectl_of(way, namespace), namespace) as api:
            if namespace:
                _refuse_absent(api)
            yield api
    except Refused as refused:
        if not namespace:
            refused.hint = "Who has rights in one namespace names it: --namespace NS."
        raise


def _refuse_absent(api: Api) -> None:
    from bodywork_compiler.api import Refused

    try:
        found = api.find("Namespace", api.namespace)
    except Refused:  # who may not read namespaces may have one all the same
        return
    if found is None:
        raise BodyworkError(f"Could not find namespace={api.namespace} on k8s cluster.")
