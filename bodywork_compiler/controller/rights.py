"""Which accounts, roles and bindings the controller needs: as text, rendered from templates/. `granting.py` brings them into a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.controller import settings
from bodywork_compiler.controller.work import ACCOUNT
from bodywork_compiler.manifests.privileges import check_namespace
from bodywork_compiler.names import CONTROLLER_ACCOUNTS
from bodywork_compiler.runner.groups import NAMESPACE

V1_STAGES_ACCOUNT = CONTROLLER_ACCOUNTS[1]
IN_CLUSTER_BINDING = f"{ACCOUNT}--{NAMESPACE}"  # the ancestor's name for it
GROUPS_ROLE = "bodywork-secrets-groups"
NAMESPACES_ROLE = "bodywork-namespaces"  # the ancestor's v1 gave it the name of v3's, which may do far more
_LABELS = (("app.kubernetes.io/managed-by", "bodywork"),)


def in_whole_cluster(image: str | None = None) -> Iterator[str]:
    """The ancestor's reach: the controller may run a pipeline in any namespace, and read every secret."""
    yield _render("namespace", NAMESPACE, None)
    yield _render("controller-service-account", ACCOUNT, NAMESPACE)
    yield _render("controller-cluster-role", ACCOUNT, None)
    yield _binding(IN_CLUSTER_BINDING, None, role=ACCOUNT, of=NAMESPACE)
    yield from _settings(image)


def in_namespaces(namespaces: Sequence[str], image: str | None = None) -> Iterator[str]:
    """In the named namespaces what a run needs there, of the groups' secrets that they may be got by name, and nothing else."""
    for namespace in namespaces:
        check_namespace(namespace)
    yield _render("namespace", NAMESPACE, None)
    yield _render("controller-service-account", ACCOUNT, NAMESPACE)
    yield _render("controller-groups-role", GROUPS_ROLE, NAMESPACE)
    yield _binding(GROUPS_ROLE, NAMESPACE, role=GROUPS_ROLE, of=NAMESPACE)
    for namespace in dict.fromkeys(namespaces):
        yield _render("namespace", namespace, None)
        yield _render("controller-role", ACCOUNT, namespace)
        yield _binding(IN_CLUSTER_BINDING, namespace, role=ACCOUNT, of=NAMESPACE)
    yield from _settings(image)


def as_they_are(image: str) -> Iterator[str]:
    """No rights, only what the cluster is to remember."""
    yield _render("namespace", NAMESPACE, None)
    yield from _settings(image)


def in_v1_namespace(namespace: str) -> Iterator[str]:
    """v1's: everything in the pipeline's own namespace, and the list of namespaces. Stage pods need no rights, so that their account has none."""
    check_namespace(namespace)
    yield _render("namespace", namespace, None)
    yield _render("controller-service-account", ACCOUNT, namespace)
    yield _render("controller-role", ACCOUNT, namespace)
    yield _binding(ACCOUNT, namespace, role=ACCOUNT, of=namespace)
    yield _render("controller-namespaces-role", NAMESPACES_ROLE, None)
    yield _binding(f"{ACCOUNT}--{namespace}", None, role=NAMESPACES_ROLE, of=namespace)
    yield _render("controller-service-account", V1_STAGES_ACCOUNT, namespace)


def _settings(image: str | None) -> Iterator[str]:
    if image:
        yield _render("controller-settings", settings.NAME, NAMESPACE, settings=((settings.IMAGE, image),))


def _binding(name: str, namespace: str | None, *, role: str, of: str) -> str:
    """`of`: the namespace of the account that is given the role."""
    is_in_cluster = namespace is None
    return _render(
        "controller-binding",
        name,
        namespace,
        kind="ClusterRoleBinding" if is_in_cluster else "RoleBinding",
        role_kind="ClusterRole" if is_in_cluster else "Role",
        role=role,
        account=ACCOUNT,
        account_namespace=of,
    )


def _render(template: str, name: str, namespace: str | None, **variables: object) -> str:
    common = {"name": name, "namespace": namespace, "labels": _LABELS, "annotations": ()}
    return Engine().render(template, {**common, **variables})
