"""Secrets that the pods will ask for: all that are missing are said at once, before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.api import Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.runner.before import find
from bodywork_compiler.runner.session import Session

_VALUE = "VALUE"


def check(session: Session) -> None:
    """Refuse when a secret, or a key of one, that a pod cannot start without is not in the namespace."""
    lines = []
    for secret, keys in sorted(wanted(session.plan).items()):
        try:
            found = find(session, "Secret", secret)
        except Refused:  # a run may be allowed to make pods that use a secret, and not to read it
            continue
        there = set((found or {}).get("data") or {})
        missing = sorted(key.name for key in keys if key.name and key.name not in there)
        if found is None:
            lines.append((f"secret {secret} is not there", _create(session, secret, keys)))
        elif missing:
            lines.append((f"secret {secret} has no {', '.join(missing)}", _add(session, secret, missing)))
    if lines:
        raise BodyworkError(
            f"missing in namespace {session.namespace}: " + "; ".join(message for message, _ in lines),
            hint="\n  ".join(["Make them, with your own values:", *(command for _, command in lines)]),
        )


class Key(NamedTuple):
    """One key of a secret, and whether pods read it as a file. Without a name: whatever keys it has."""

    name: str
    is_file: bool = False


def wanted(plan: Plan) -> dict[str, set[Key]]:
    """Secret → the keys without which a pod cannot start. Secrets that the plan itself brings are left out."""
    objects = [each for step in plan.steps for each in step.objects] + ([plan.on_failure] if plan.on_failure else [])
    own = {each.name for each in objects if each.kind == "Secret"}
    found: dict[str, set[Key]] = {}
    for each in objects:
        for secret, key in _references(_pod_spec(each)):
            found.setdefault(secret, set()).add(key)
    return {secret: keys for secret, keys in found.items() if secret not in own}


def _pod_spec(each: KubeObject) -> Mapping[str, Any]:
    template = (each.body.get("spec") or {}).get("template") if each.kind in {"Job", "Deployment"} else None
    spec: Mapping[str, Any] = (template or {}).get("spec") or {}
    return spec


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
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from _required(source.get("secret"), "name", is_file=True)


def _ssh_key(containers: Iterable[Mapping[str, Any]]) -> str | None:
    variables = (each for container in containers for each in container.get("env") or ())
    return next((each.get("value") for each in variables if each.get("name") == labels.SSH_KEY_VARIABLE), None)


def _required(reference: Mapping[str, Any] | None, name_key: str, *, is_file: bool = False) -> Iterator[tuple[str, Key]]:
    if not reference or reference.get("optional") or not reference.get(name_key):
        return
    keys = [item.get("key") for item in reference.get("items") or ()] or [reference.get("key")]
    for key in keys:
        yield str(reference[name_key]), Key(str(key or ""), is_file)


def _create(session: Session, secret: str, keys: Iterable[Key]) -> str:
    values = [_as_file(key) if key.is_file else f"--from-literal={key.name or 'KEY'}={_VALUE}" for key in sorted(keys)]
    return session.kubectl.line("create", "secret", "generic", secret, *values)


def _as_file(key: Key) -> str:
    return f"--from-file={key.name}=FILE" if key.name else "--from-file=FILE"


def _add(session: Session, secret: str, keys: Iterable[str]) -> str:
    values = ", ".join(f'"{key}": "{_VALUE}"' for key in keys)
    return session.kubectl.line("patch", "secret", secret, "-p", f'{{"stringData": {{{values}}}}}')
