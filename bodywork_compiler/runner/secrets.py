"""Secrets that the pods will ask for: all that are missing are said at once, before anything is changed. Those of a group are found, to be copied.

Where a controller makes them, they are waited for first (`--wait-secrets`).
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from bodywork_compiler.api import Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.runner import groups, missing
from bodywork_compiler.runner.before import find, live
from bodywork_compiler.runner.groups import Group
from bodywork_compiler.runner.missing import Missing
from bodywork_compiler.runner.references import Key, brought, instead_of, named, named_by_others, unmasked, wanted
from bodywork_compiler.runner.session import REMIND_SECONDS, Session

ASK_AGAIN_SECONDS = 1.0


def check(session: Session) -> None:
    """Refuse when a secret, or a key of one, that a pod cannot start without is nowhere. What is seen here is masked from now on."""
    for own in brought(session.plan):
        session.mask.learn(own.body)
    patience = session.options.wait_secrets_seconds
    faults = _awaited(session, patience) if patience else _faults(session)
    if faults:
        raise missing.refusal(faults, waited_seconds=patience)
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
        now, message = session.clock(), missing.message(faults)
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
    group, required = groups.group_of(session.plan), wanted(session.plan)
    faults: list[Missing] = []
    for secret in sorted(named(session.plan)):
        keys = required.get(secret, set())
        source = groups.find_in(session, group, secret, is_needed=bool(keys)) if group and group.has(secret) else None
        session.mask.learn(source)
        faults += _in_group(session, group, secret, source, keys) if group and source else _in_namespace(session, group, secret, keys)
    return faults


def _in_group(session: Session, group: Group, secret: str, source: Object, keys: AbstractSet[Key]) -> list[Missing]:
    """It will be copied, unless what stands under its name is somebody else's."""
    stands = find(session, "Secret", secret)
    session.mask.learn(stands)
    copy = groups.copy_of(session, source, secret)
    if stands and groups.is_foreign(stands, copy, group):
        if group.only or groups.is_alike(stands, copy):
            return _lacking(session.kubectl, session.namespace, secret, stands, keys)
        raise groups.not_overwritten(session, group, copy)
    session.copies += (copy,)
    if stands:
        session.secrets_before[secret] = stands
    return _lacking(session.kubectl.in_namespace(groups.NAMESPACE), groups.NAMESPACE, group.source(secret), source, keys)


def _in_namespace(session: Session, group: Group | None, secret: str, keys: AbstractSet[Key]) -> list[Missing]:
    """It is used as it stands in the run's namespace; an old copy of a group's secret that is gone is not."""
    try:
        stands = find(session, "Secret", secret)
    except Refused:  # a run may be allowed to make pods that use a secret, and not to read it
        session.unread_secrets.add(secret)
        return []
    session.mask.learn(stands)
    if stands and not (group and not group.only and groups.is_copy_from(stands, group)):
        return _lacking(session.kubectl, session.namespace, secret, stands, keys)
    if not keys:
        return []
    other, key = instead_of(session.plan, secret) or (None, None)
    if other and key and (found := find(session, "Secret", other)):
        return _lacking(session.kubectl, session.namespace, other, found, {key})
    if group is None or group.only:
        make = missing.create(session.kubectl, secret, keys)
        return [Missing(session.namespace, f"secret {secret} is not there", [*_make_namespace(session, session.namespace), make])]
    make = missing.create(session.kubectl, secret, keys, group.name)
    return [Missing(groups.NAMESPACE, f"secret {group.source(secret)} is not there", [make])]


def _lacking(kubectl: Kubectl, namespace: str, secret: str, found: Object, keys: AbstractSet[Key]) -> list[Missing]:
    lacks = sorted(key.name for key in keys if key.name and key.name not in (found.get("data") or {}))
    return [Missing(namespace, f"secret {secret} has no {', '.join(lacks)}", [missing.add(kubectl, secret, lacks)])] if lacks else []


def _make_namespace(session: Session, namespace: str) -> list[str]:
    """The command that makes it, where it is not there yet; who may not read namespaces is told of the secret only."""
    try:
        is_there = find(session, "Namespace", namespace) is not None
    except BodyworkError:
        is_there = True
    return [] if is_there else [session.kubectl.in_namespace("").line("create", "namespace", namespace)]
