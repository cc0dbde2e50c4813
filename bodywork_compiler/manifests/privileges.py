"""What an object asks for beyond what a stage gets: rights on its node, tokens of accounts, others' network traffic. Pure.

Whoever may make a pod may read what its account may read, and with the node's files everything. So what comes from a repository asks for none of
this unless the person who runs it says so (`--allow-privileges`). The rules for pods are those of the baseline Pod Security Standard
(https://kubernetes.io/docs/concepts/security/pod-security-standards/), and accounts, which no standard looks at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bodywork_compiler import labels, names
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests.objects import KubeObject, Plan

OPTION = "--allow-privileges"
DEFAULT_ACCOUNT = "default"
TOKEN_SECRET = "kubernetes.io/service-account-token"  # noqa: S105 - a type of secrets
_MOST_SHOWN = 20
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_NODES_OWN = {"hostNetwork": "the node's network", "hostPID": "the node's processes", "hostIPC": "the node's shared memory"}
_SAFE_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
# those that change nothing outside of the pod, as the standard has them
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    }
)
_SAFE_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe")

_Body = Mapping[str, Any]


class Privilege(NamedTuple):
    """`path` is where it is asked for, `gives` what it gives, as half a sentence."""

    origin: str
    object: str
    path: str
    gives: str

    def __str__(self) -> str:
        return f"{self.origin}{': ' if self.origin else ''}{self.object}: {self.path}: {self.gives}"


def check_namespace(namespace: str | None) -> None:
    """Raise for a namespace that is not for pipelines, wherever it was named."""
    if namespace and (owner := names.reserved_for(namespace)):
        raise BodyworkError(
            f"namespace {namespace} is for {owner}, and no pipeline is deployed there",
            hint="Whoever can make pods there can read far more than the pipeline's own secrets. Choose another with `namespace` or --namespace.",
        )


def check_plan(plan: Plan, *, allow_privileges: bool) -> None:
    """Raise for what manifests must not say, whoever wrote or patched them: before anything of them is used."""
    objects = [*(each for step in plan.steps for each in step.objects), *([plan.on_failure] if plan.on_failure else [])]
    for each in objects:
        check_namespace(each.name if each.kind == "Namespace" else each.namespace)
    if not allow_privileges:
        check_privileges(objects, plan.pipeline, plan.namespace)


def check_privileges(objects: Iterable[KubeObject], pipeline: str, namespace: str | None) -> None:
    """Raise for all that the objects ask for, at once. `namespace` is the pipeline's, as the manifests have it."""
    found = list(privileges(tuple(objects), pipeline, namespace))
    if not found:
        return
    more = [f"… and {len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
    lines = "\n  ".join([*map(str, found[:_MOST_SHOWN]), *more])
    raise BodyworkError(
        f"the manifests ask for more than a stage gets:\n  {lines}",
        hint=f"Take it out of the template or the overlay. If you trust who wrote it: {OPTION} (docs/security.md).",
    )


def privileges(objects: Sequence[KubeObject], pipeline: str, namespace: str | None = None) -> Iterator[Privilege]:
    own = _own_accounts(objects, pipeline, namespace)
    for each in objects:
        accounts = own.get(each.namespace or namespace, {})
        for path, gives in (*_of_kind(each), *_of_pods(each, accounts)):
            yield Privilege(each.origin, f"{each.kind} {each.name}", path, gives)


def _own_accounts(objects: Iterable[KubeObject], pipeline: str, home: str | None) -> dict[str | None, dict[str, bool]]:
    """The accounts that the plan itself makes, whatever an overlay calls them, and whether pods get their token unless they say no.

    By namespace: an account is for pods beside it, and under its name another namespace has another account.
    """
    own: dict[str | None, dict[str, bool]] = {home: {labels.object_name(pipeline): False}}
    for each in objects:
        if (each.body.get("apiVersion"), each.kind) == ("v1", "ServiceAccount"):
            own.setdefault(each.namespace or home, {})[each.name] = each.body.get("automountServiceAccountToken") is not False
    return {
        namespace: {name: mounts for name, mounts in accounts.items() if name not in names.CONTROLLER_ACCOUNTS}
        for namespace, accounts in own.items()
    }


def _of_kind(found: KubeObject) -> Iterator[tuple[str, str]]:
    spec = _mapping(found.body.get("spec"))
    if found.kind == "ServiceAccount" and found.name in names.CONTROLLER_ACCOUNTS:
        yield "metadata.name", "is an account of Bodywork's controller"
    if found.kind == "ServiceAccount" and found.body.get("automountServiceAccountToken") is True:
        yield "automountServiceAccountToken", "puts the account's token into every pod"
    if found.kind == "Secret" and found.body.get("type") == TOKEN_SECRET:
        yield "type", "is filled with an account's token"
    if found.kind == "PersistentVolume":
        yield from ((f"spec.{key}", "files of a node") for key in ("hostPath", "local") if spec.get(key))
    if found.kind == "Service" and spec.get("externalIPs"):
        yield "spec.externalIPs", "takes the cluster's traffic to these addresses"
    if found.kind == "Ingress":
        # https://github.com/kubernetes/ingress-nginx/issues/7837: what is written there runs with the rights of the ingress controller
        yield from (
            (f"metadata.annotations.{key}", "code inside the ingress controller") for key in found.annotations if key.endswith("-snippet")
        )


def _of_pods(found: KubeObject, accounts: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    for path, pod, metadata in _pods(found.body, ""):
        yield from _at(path, _of_account(pod, accounts, is_stage=bool(found.pipeline and found.stage)))
        yield from _at(path, _of_node(pod))
        yield from _at(path, _of_security(_mapping(pod.get("securityContext"))), "securityContext.")
        yield from _at(path, _of_volumes(pod))
        for key, number, container in _containers(pod):
            yield from _at(path, _of_container(container), f"{key}[{number}].")
        annotations = _mapping(metadata.get("annotations"))
        yield from (
            (f"{path.rpartition('spec.')[0]}metadata.annotations.{key}", "no AppArmor profile")
            for key, text in annotations.items()
            if str(key).startswith(_APPARMOR) and text == "unconfined"
        )


def _pods(body: object, path: str) -> Iterator[tuple[str, _Body, _Body]]:
    """Every pod's spec inside an object of any kind, with the metadata beside it: a list of containers makes one."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            inner = f"{path}{key}."
            if isinstance(value, Mapping) and any(isinstance(value.get(name), list) for name in _CONTAINERS):
                yield inner, value, _mapping(body.get("metadata"))
            yield from _pods(value, inner)
    elif isinstance(body, list):
        for number, value in enumerate(body):
            inner = f"{path.removesuffix('.')}[{number}]."
            if isinstance(value, Mapping) and any(isinstance(value.get(name), list) for name in _CONTAINERS):
                yield inner, value, {}
            yield from _pods(value, inner)


def _of_account(pod: _Body, accounts: Mapping[str, bool], *, is_stage: bool) -> Iterator[tuple[str, str]]:
    account = DEFAULT_ACCOUNT
    for key in ("serviceAccountName", "serviceAccount"):
        if pod.get(key):
            account = str(pod[key])
            if account not in (DEFAULT_ACCOUNT, *accounts):
                yield key, f"runs as the account {account}, which is not the pipeline's"
    says = pod.get("automountServiceAccountToken")
    if says is True:
        yield "automountServiceAccountToken", f"the token of the account {account}"
    elif says is None and is_stage and accounts.get(account, True):
        yield "automountServiceAccountToken", f"is not false, which gives a stage the token of the account {account}"


def _of_node(pod: _Body) -> Iterator[tuple[str, str]]:
    yield from ((key, gives) for key, gives in _NODES_OWN.items() if pod.get(key))


def _of_volumes(pod: _Body) -> Iterator[tuple[str, str]]:
    for number, volume in enumerate(_mappings(pod.get("volumes"))):
        if volume.get("hostPath") is not None:
            yield f"volumes[{number}].hostPath", "files of the node"
        sources = _mappings(_mapping(volume.get("projected")).get("sources"))
        if any(source.get("serviceAccountToken") is not None for source in sources):
            yield f"volumes[{number}].projected", "a token of the pod's account"


def _of_security(context: _Body) -> Iterator[tuple[str, str]]:
    """What a pod and a container may both say."""
    if _mapping(context.get("windowsOptions")).get("hostProcess"):
        yield "windowsOptions.hostProcess", "runs as a process of the node"
    for key, gives in (("seccompProfile", "no seccomp profile"), ("appArmorProfile", "no AppArmor profile")):
        if _mapping(context.get(key)).get("type") == "Unconfined":
            yield f"{key}.type", gives
    selinux = _mapping(context.get("seLinuxOptions"))
    if selinux.get("user") or selinux.get("role") or str(selinux.get("type") or "") not in _SAFE_SELINUX_TYPES:
        yield "seLinuxOptions", "another SELinux user, role or type"
    for number, sysctl in enumerate(_mappings(context.get("sysctls"))):
        if sysctl.get("name") not in _SAFE_SYSCTLS:
            yield f"sysctls[{number}]", f"{sysctl.get('name')} is the node's"


def _of_container(container: _Body) -> Iterator[tuple[str, str]]:
    context = _mapping(container.get("securityContext"))
    yield from _at("securityContext.", _of_security(context))
    if context.get("privileged"):
        yield "securityContext.privileged", "all rights on the node"
    if context.get("allowPrivilegeEscalation"):
        yield "securityContext.allowPrivilegeEscalation", "may become root"
    if context.get("procMount") not in (None, "Default"):
        yield "securityContext.procMount", "the kernel's /proc without its masks"
    added = _list(_mapping(context.get("capabilities")).get("add"))
    if beyond := sorted({str(each) for each in added} - _SAFE_CAPABILITIES):
        yield "securityContext.capabilities.add", ", ".join(beyond)
    yield from (
        (f"ports[{number}].hostPort", f"port {port['hostPort']} of the node")
        for number, port in enumerate(_mappings(container.get("ports")))
        if port.get("hostPort")
    )
    yield from _of_handlers(container)


def _of_handlers(container: _Body) -> Iterator[tuple[str, str]]:
    """The kubelet would ask another host, from inside the node's network."""
    lifecycle = _mapping(container.get("lifecycle"))
    named = [
        *((name, container.get(name)) for name in _HANDLERS),
        *((f"lifecycle.{name}", lifecycle.get(name)) for name in ("preStop", "postStart")),
    ]
    for name, handler in named:
        for action in ("httpGet", "tcpSocket"):
            if _mapping(_mapping(handler).get(action)).get("host"):
                yield f"{name}.{action}.host", "lets the node ask another host"


def _containers(pod: _Body) -> Iterator[tuple[str, int, _Body]]:
    for key in _CONTAINERS:
        for number, container in enumerate(_mappings(pod.get(key))):
            yield key, number, container


def _at(path: str, found: Iterable[tuple[str, str]], inner: str = "") -> Iterator[tuple[str, str]]:
    yield from ((f"{path}{inner}{key}", gives) for key, gives in found)


def _mapping(value: object) -> _Body:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _mappings(value: object) -> list[_Body]:
    """With their places kept: what is not a mapping is refused by the API server."""
    return [_mapping(each) for each in _list(value)]
