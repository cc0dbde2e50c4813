"""Which secrets a plan's pods name, and what of them a pod cannot start without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.manifests import KubeObject, Plan

# the keys under which a pod names them
SECRETS = ("secretKeyRef", "secretRef", "secret")
CONFIG_MAPS = ("configMapKeyRef", "configMapRef", "configMap")
STAGE_KINDS = ("Job", "Deployment")
OTHERS_WITH_PODS = ("StatefulSet", "DaemonSet", "CronJob")
SCRIPTS_FOLDER = "/opt/bodywork/scripts/"  # where pod.yaml.j2 mounts the start scripts, of which each container's command is one


class Key(NamedTuple):
    """One key of a secret, and whether pods read it as a file. Without a name: whatever keys it has."""

    name: str
    is_file: bool = False


def wanted(plan: Plan) -> dict[str, set[Key]]:
    """Secret → the keys without which a pod cannot start. Secrets that the plan itself brings are left out."""
    own = {each.name for each in brought(plan)}
    found: dict[str, set[Key]] = {}
    for each in _stages(plan):
        for secret, key in _references(pod_of(each)):
            found.setdefault(secret, set()).add(key)
    return {secret: keys for secret, keys in found.items() if secret not in own}


def named(plan: Plan) -> set[str]:
    """Every secret that stages' pods name, required or not. Those that the plan itself brings, and image pull secrets, are left out."""
    return {secret for each in _stages(plan) for secret in named_by(pod_of(each))} - {each.name for each in brought(plan)}


def named_by_others(plan: Plan) -> set[tuple[str | None, str]]:
    """Namespace (None: the run's) and name of secrets that only pods of other kinds name, which overlays have added. No group's are copied for these."""
    pods = [(each.namespace if each.namespace != plan.namespace else None, pod_of(each)) for each in objects(plan)]
    return {(namespace, secret) for namespace, pod in pods for secret in named_by(pod)} - {(None, secret) for secret in named(plan)}


def instead_of(plan: Plan, secret: str) -> tuple[str, Key] | None:
    """The secret with which pods start as well, and the key that it must have: of config 1.0, that in which Bodywork 2.0 looked for the SSH key."""
    other, key = labels.SSH_SECRET_V1
    return (other, Key(key, is_file=True)) if secret == labels.SSH_SECRET[0] and other in named(plan) else None


def brought(plan: Plan) -> list[KubeObject]:
    """Secrets that stand in the plan itself."""
    return [each for each in objects(plan) if each.kind == "Secret"]


def objects(plan: Plan) -> list[KubeObject]:
    return [each for step in plan.steps for each in step.objects] + ([plan.on_failure] if plan.on_failure else [])


def named_by(body: Any, references: tuple[str, ...] = SECRETS) -> Iterator[str]:
    """The secrets (or what else is referred to by these keys) that stand anywhere in an object."""
    if isinstance(body, list):
        yield from (found for each in body for found in named_by(each, references))
    elif isinstance(body, Mapping):
        for key, value in body.items():
            if key in references and isinstance(value, Mapping):
                yield from (str(value[name]) for name in ("name", "secretName") if value.get(name))
            else:
                yield from named_by(value, references)


def unmasked(plan: Plan, secrets: AbstractSet[str]) -> dict[str, list[str]]:
    """Which of these secrets stages may print as they are → those stages."""
    found: dict[str, dict[str, None]] = {}
    for each in objects(plan):
        for secret in unmasked_in(pod_of(each)) & secrets:
            found.setdefault(secret, {})[each.stage or each.name] = None
    return {secret: list(stages) for secret, stages in sorted(found.items())}


def unmasked_in(spec: Mapping[str, Any]) -> set[str]:
    """Secrets that some container of the pod has, while its start script does not know to mask their values."""
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return {secret for container in containers for secret in _seen_by(container, spec)}


def _seen_by(container: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    """The secrets that a container has, but for variables which its start script is told of, and what `fetch` needs."""
    is_ours = any(str(word).startswith(SCRIPTS_FOLDER) for word in container.get("command") or ())
    variables = container.get("env") or ()
    told = " ".join(str(each.get("value")) for each in variables if is_ours and each.get("name") == labels.SECRET_VARIABLES).split()
    yield from named_by([each for each in variables if each.get("name") not in told])
    yield from named_by(container.get("envFrom"))
    mounts = {} if is_ours and container.get("name") == labels.FETCH else {each.get("name") for each in container.get("volumeMounts") or ()}
    yield from named_by([each for each in spec.get("volumes") or () if each.get("name") in mounts])


def accounts_of(body: Any) -> Iterator[str]:
    """The service accounts that pods in an object run as."""
    if isinstance(body, list):
        yield from (found for each in body for found in accounts_of(each))
    elif isinstance(body, Mapping):
        for key, value in body.items():
            if key == "serviceAccountName":
                yield str(value)
            else:
                yield from accounts_of(value)


def pod_of(each: KubeObject) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = each.pod_template.get("spec") or {}
    return spec


def _stages(plan: Plan) -> list[KubeObject]:
    return [each for each in objects(plan) if each.kind in STAGE_KINDS]


def _references(spec: Mapping[str, Any]) -> Iterator[tuple[str, Key]]:
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    for container in containers:
        for variable in container.get("env") or ():
            yield from _required((variable.get("valueFrom") or {}).get("secretKeyRef"), "name")
        for source in container.get("envFrom") or ():
            yield from _required(source.get("secretRef"), "name")
    for volume in spec.get("volumes") or ():
        yield from _mounted(volume, _ssh_key(containers) if volume.get("name") == labels.SSH_VOLUME else None)


def _mounted(volume: Mapping[str, Any], ssh_key: str | None) -> Iterator[tuple[str, Key]]:
    for secret, key in _required(volume.get("secret"), "secretName", is_file=True):
        yield secret, Key(ssh_key, is_file=True) if ssh_key else key
    sources = (volume.get("projected") or {}).get("sources") or ()
    for source in sources:
        yield from _required(source.get("secret"), "name", is_file=True)
    if ssh_key and labels.SSH_SECRET[0] in named_by(list(sources)):  # each is optional, and one must be there: this, or `instead_of` it
        yield labels.SSH_SECRET[0], Key(labels.SSH_SECRET[1], is_file=True)


def _ssh_key(containers: Iterable[Mapping[str, Any]]) -> str | None:
    variables = (each for container in containers for each in container.get("env") or ())
    return next((each.get("value") for each in variables if each.get("name") == labels.SSH_KEY_VARIABLE), None)


def _required(reference: Mapping[str, Any] | None, name_key: str, *, is_file: bool = False) -> Iterator[tuple[str, Key]]:
    if not reference or reference.get("optional") or not reference.get(name_key):
        return
    keys = [item.get("key") for item in reference.get("items") or ()] or [reference.get("key")]
    for key in keys:
        yield str(reference[name_key]), Key(str(key or ""), is_file)
