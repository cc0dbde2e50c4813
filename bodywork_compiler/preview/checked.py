"""The server's word on each object, by its dry run. What is refused is asked about once more, alone: kubectl's words do not always say which it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bodywork_compiler.kubectl import Kubectl, KubectlFailed, Result
from bodywork_compiler.kubectl_errors import is_worth_another_try
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.preview.calls import Call, calls, key_of
from bodywork_compiler.preview.refusals import said, warnings
from bodywork_compiler.preview.values import Key

_DONE = re.compile(r"^(?P<kind>[a-z0-9]+)(?:\.\S+?)?/(?P<name>\S+) (?P<action>\w+) \(server dry run\)$", re.MULTILINE)
REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What would be done to an object, or `refused`, and why. `warnings` came with it, or with what was asked together with it."""

    object: KubeObject
    action: str
    reason: str | None = None
    warnings: tuple[str, ...] = ()


def check(
    kubectl: Kubectl, objects: Sequence[KubeObject], standing: Collection[Key], *, free: str, is_stand_in: bool = False
) -> list[Checked]:
    """One for each object, in their order. `kubectl` is on their namespace."""
    namespace = kubectl.target.namespace or ""
    found: dict[Key, Checked] = {}
    for call in calls(objects, standing, namespace=namespace, free=free, is_stand_in=is_stand_in):
        there = kubectl.in_namespace(call.namespace) if call.namespace else kubectl
        for each in _asked(there, call):
            found[call.key(each.object.kind, each.object.name)] = each
    return [found[key_of(each, namespace)] for each in objects]


def _asked(kubectl: Kubectl, call: Call) -> Iterator[Checked]:
    result = kubectl.try_(*call.words, stdin=call.stdin)
    if result.exit_code != 0 and is_worth_another_try(result.err):
        raise KubectlFailed(result)
    warned = tuple(warnings(result, call.objects))
    done = {(each["kind"], each["name"]): each["action"] for each in _DONE.finditer(result.out)}
    for each in call.objects:
        action = done.get((each.kind.lower(), each.name))
        if action:
            yield Checked(object=each, action=action, warnings=warned)
        else:
            yield _refused(kubectl, call, each, result)


def _refused(kubectl: Kubectl, call: Call, each: KubeObject, result: Result) -> Checked:
    if len(call.objects) > 1:
        alone = Call(verb=call.verb, namespace=call.namespace, objects=(each,), names=call.names)
        return next(_asked(kubectl, alone))
    reason = " ".join(said(result, call.objects).split())
    return Checked(object=each, action=REFUSED, reason=reason, warnings=tuple(warnings(result, call.objects)))
