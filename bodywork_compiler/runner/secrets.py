"""Secrets that the pods will ask for: all that are missing are said at once, before anything is changed, with the commands that make them.

Those of a group are found, to be copied. Where a controller makes them, they are waited for first (`--wait-secrets`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.api import Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.runner import copies
from bodywork_compiler.runner.before import find, live
from bodywork_compiler.runner.copies import Group
from bodywork_compiler.runner.references import Key, brought, instead_of, named, named_by_others, unmasked, wanted
from bodywork_compiler.runner.session import REMIND_SECONDS, Session
from bodywork_compiler.to_copy import Options, to_copy

_VALUE = "VALUE"


class Missing(NamedTuple):
    """A secret, or keys of it, that is not where it is looked for; `commands` make it."""

    namespace: str
    message: str
    commands: Sequence[str]


def missing_message(missing: Sequence[Missing]) -> str:
    places = dict.fromkeys(each.namespace for each in missing)
    said = [f"missing in namespace {place}: " + "; ".join(each.message for each in missing if each.namespace == place) for place in places]
    return "; ".join(said)


def refusal(missing: Sequence[Missing], waited_seconds: float = 0.0) -> BodyworkError:
    waited = f" (waited for {waited_seconds:g} s)" if waited_seconds else ""
    commands = dict.fromkeys(command for each in missing for command in each.commands)
    return BodyworkError(
        f"{missing_message(missing)}{waited}",
        hint="\n  ".join(["Make them (values that are not in the environment are asked for):", *commands]),
    )


def create(kubectl: Kubectl, secret: str, keys: Iterable[Key], group: str | None = None) -> str:
    """In v3's words for a secrets group, in v1's for a namespace. Values that are not given are asked for, so that none is in a shell's history."""
    target, ordered = kubectl.target, sorted(keys)
    way: Options = {
        **({"group": group} if group else {"namespace": target.namespace or "default", "name": secret}),
        "data": [key.name or "KEY" for key in ordered if not key.is_file],
        "from-file": [file for key in ordered if key.is_file for file in _as_files(key)],
        "context": target.context,
        "kubeconfig": target.kubeconfig,
    }
    return to_copy("bodywork", *(("create", "secret") if group else ("secret", "create")), names=[secret] if group else [], options=way)


def add(kubectl: Kubectl, secret: str, keys: Iterable[str]) -> str:
    patch = {"stringData": dict.fromkeys(keys, _VALUE)}
    return kubectl.line("patch", f"secret/{secret}", f"--patch={json.dumps(patch, ensure_ascii=False)}")


def _as_files(key: Key) -> list[str]:
    """An SSH key is of no use without the host's own key, which `fetch` checks."""
    is_ssh_key = key.name in {labels.SSH_SECRET[1], labels.SSH_SECRET_V1[1]}
    files = [key.name, labels.SSH_KNOWN_HOSTS] if is_ssh_key else [key.name]
    return [f"{name}=FILE" if name else "FILE" for name in files]


ASK_AGAIN_SECONDS = 1.0


def check(session: Session) -> None:
    """Refuse when a secret, or a key of one, that a pod cannot start without is nowhere. What is seen here is masked from now on."""
    for own in brought(session.plan):
        session.mask.learn(own.body)
    patience = session.options.wait_secrets_seconds
    faults = _awaited(session, patience) if patience else _faults(session)
    if faults:
        raise refusal(faults, waited_seconds=patience)
    for namespace, secret in sorted(named_by_others(session.plan), key=str):
        try:
            session.mask.learn(live(session, "v1", "Secret", secret, namespace))
        except Refused:  # noqa: PERF203 - each is asked
            session.unread_secrets.add(secret)
    for secret, stages in unmasked(session.plan, session.unread_secrets).items():
        session.notice(
            f"values of secret {secret} are not masked in the logs of {', '.join(stages)}: this account may not read the secret, "
            "and the pods do not mask it themselves, since it is not one of the variables that Bodywork's start script is told of",
            "WARNING",
            where="run.setup",
        )


def _awaited(session: Session, patience_seconds: float) -> list[Missing]:
    """What is still missing when they have been waited for; said when that changes, and every 30 s."""
    give_up_at = session.clock() + patience_seconds
    said, say_again_at = "", 0.0
    while faults := _faults(session):
        now, message = session.clock(), missing_message(faults)
        if now >= give_up_at or session.interrupted.is_set():
            break
        session.check_time(f"secrets: {message}")
        if message != said or now >= say_again_at:
            session.notice(f"waiting for secrets, {give_up_at - now:.0f} s more at most: {message}", "WARNING", where="run.setup")
            said, say_again_at = message, now + REMIND_SECONDS
        _pass_time(session, min(ASK_AGAIN_SECONDS, give_up_at - now))
    return faults


def _pass_time(session: Session, seconds: float) -> None:
    until = session.clock() + seconds
    while session.clock() < until and not session.interrupted.is_set():
        session.pump(until - session.clock())


def _faults(session: Session) -> list[Missing]:
    session.copies = ()
    session.secrets_before.clear()
    session.unread_secrets.clear()
    group, required = copies.group_of(session.plan), wanted(session.plan)
    faults: list[Missing] = []
    for secret in sorted(named(session.plan)):
        keys = required.get(secret, set())
        source = copies.find_in(session, group, secret, is_needed=bool(keys)) if group and group.has(secret) else None
        session.mask.learn(source)
        faults += _in_group(session, group, secret, source, keys) if group and source else _in_namespace(session, group, secret, keys)
    return faults


def _in_group(session: Session, group: Group, secret: str, source: Object, keys: AbstractSet[Key]) -> list[Missing]:
    """It will be copied, unless what stands under its name is somebody else's."""
    stands = find(session, "Secret", secret)
    session.mask.learn(stands)
    copy = copies.copy_of(session, source, secret)
    if stands and copies.is_foreign(stands, copy, group):
        if group.only or copies.is_alike(stands, copy):
            return _lacking(session.kubectl, session.namespace, secret, stands, keys)
        raise copies.not_overwritten(session, group, copy)
    session.copies += (copy,)
    if stands:
        session.secrets_before[secret] = stands
    return _lacking(session.kubectl.in_namespace(copies.NAMESPACE), copies.NAMESPACE, group.source(secret), source, keys)


def _in_namespace(session: Session, group: Group | None, secret: str, keys: AbstractSet[Key]) -> list[Missing]:
    """It is used as it stands in the run's namespace; an old copy of a group's secret that is gone is not."""
    try:
        stands = find(session, "Secret", secret)
    except Refused:  # a run may be allowed to make pods that use a secret, and not to read it
        session.unread_secrets.add(secret)
        return []
    session.mask.learn(stands)
    if stands and not (group and not group.only and copies.is_copy_from(stands, group)):
        return _lacking(session.kubectl, session.namespace, secret, stands, keys)
    if not keys:
        return []
    other, key = instead_of(session.plan, secret) or (None, None)
    if other and key and (found := find(session, "Secret", other)):
        return _lacking(session.kubectl, session.namespace, other, found, {key})
    if group is None or group.only:
        make = create(session.kubectl, secret, keys)
        return [Missing(session.namespace, f"secret {secret} is not there", [*_make_namespace(session, session.namespace), make])]
    make = create(session.kubectl, secret, keys, group.name)
    return [Missing(copies.NAMESPACE, f"secret {group.source(secret)} is not there", [make])]


def _lacking(kubectl: Kubectl, namespace: str, secret: str, found: Object, keys: AbstractSet[Key]) -> list[Missing]:
    lacks = sorted(key.name for key in keys if key.name and key.name not in (found.get("data") or {}))
    return [Missing(namespace, f"secret {secret} has no {', '.join(lacks)}", [add(kubectl, secret, lacks)])] if lacks else []


def _make_namespace(session: Session, namespace: str) -> list[str]:
    """The command that makes it, where it is not there yet; who may not read namespaces is told of the secret only."""
    try:
        is_there = find(session, "Namespace", namespace) is not None
    except BodyworkError:
        is_there = True
    return [] if is_there else [session.kubectl.in_namespace("").line("create", "namespace", namespace)]
