"""What the API server would say to objects: its dry run of them, and of a pod of each template. Nothing is changed.

Asked by `diff`, by `apply --dry-run=server` and by every run before its step 1, so that nothing trains for an hour to be refused in step 2.
Objects travel one after the other: for a List, kubectl checks fields itself, against a schema of its own, and ends at the first fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.kubectl import Kubectl, KubectlFailed, Result
from bodywork_compiler.kubectl_errors import cannot_be_dry_run, in_short, is_worth_another_try, may_not_create_pods
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.applying import is_put_whole
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.references import OTHERS_WITH_PODS, STAGE_KINDS
from bodywork_compiler.runner.verdicts.refusals import creation_doom, refused

LONGEST_NAME = 63
REFUSED, TAKEN = "refused", "applied"  # TAKEN: kubectl ended well, in words that are not known here
_DONE = re.compile(r"^(?P<kind>[a-z0-9]+)(?:\.[^\s/]+)?/(?P<name>\S+) (?P<action>\w+) \(server dry run\)$", re.MULTILINE)


class Key(NamedTuple):
    """Which object: by kind and name, and by namespace where it names another one than the run's."""

    kind: str
    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One kubectl. `objects` may have been renamed; `names` leads back to the names in the manifests."""

    verb: str
    namespace: str | None
    objects: tuple[KubeObject, ...]
    names: Mapping[str, str]

    @property
    def words(self) -> tuple[str, ...]:
        return (self.verb, "--dry-run=server", "-f", "-")

    @property
    def stdin(self) -> str:
        return to_stream(each.body for each in self.objects)

    def key(self, kind: str, name: str) -> Key:
        """By the name in the manifests."""
        return Key(kind, self.names.get(name, name), self.namespace)


def calls(objects: Iterable[KubeObject], standing: Collection[Key], *, namespace: str, free: str, is_stand_in: bool = False) -> list[Call]:
    """The fewest calls, in the manifests' order. `standing` are objects that are there; a stage's Job among them is asked about under a name that
    ends in `free`, since a run removes it first. In a stand-in for the run's namespace nothing that is there is meant.
    """
    grouped: dict[tuple[str | None, str], list[tuple[KubeObject, str]]] = {}
    for each in objects:
        key = key_of(each, namespace)
        is_renamed = key in standing and (is_stand_in or (each.kind == "Job" and each.stage is not None))
        verb = _verb(each, is_there=key in standing and not is_renamed)
        asked = named(each, _free_name(each.name, free)) if is_renamed else each
        grouped.setdefault((key.namespace, verb), []).append((asked, each.name))
    return [_call(verb, where, pairs) for (where, verb), pairs in grouped.items()]


def key_of(each: KubeObject, namespace: str) -> Key:
    return Key(each.kind, each.name, each.namespace if each.namespace != namespace else None)


def named(each: KubeObject, name: str) -> KubeObject:
    if name == each.name:
        return each
    return each._replace(body={**each.body, "metadata": {**each.body["metadata"], "name": name}})


def to_stream(bodies: Iterable[Mapping[str, object]]) -> str:
    return "".join(f"{line}\n" for line in _json(bodies))


def _json(bodies: Iterable[Mapping[str, object]]) -> Iterator[str]:
    return (json.dumps(each, allow_nan=False) for each in bodies)


def _call(verb: str, namespace: str | None, pairs: Sequence[tuple[KubeObject, str]]) -> Call:
    names = {each.name: former for each, former in pairs if each.name != former}
    return Call(verb=verb, namespace=namespace, objects=tuple(each for each, _ in pairs), names=names)


def _verb(each: KubeObject, *, is_there: bool) -> str:
    if is_put_whole(each):
        return "replace" if is_there else "create"
    return "apply"


def _free_name(name: str, free: str) -> str:
    return f"{name[: LONGEST_NAME - len(free) - 1].rstrip('-.')}-{free}"


# pods


class PodOf(NamedTuple):
    """A bare pod under a free name, as the workloads `of` would make it: many a rule is met by pods alone."""

    pod: KubeObject
    of: tuple[KubeObject, ...]


def kinds_to_come(objects: Iterable[KubeObject]) -> frozenset[tuple[str, str]]:
    """Version and kind of what the definitions among the objects define: it is not known, perhaps, before they are applied."""
    found: set[tuple[str, str]] = set()
    for each in objects:
        spec: Mapping[str, Any] = (each.body.get("spec") or {}) if each.kind == "CustomResourceDefinition" else {}
        kind = str((spec.get("names") or {}).get("kind"))
        found |= {(f"{spec.get('group')}/{version.get('name')}", kind) for version in spec.get("versions") or ()}
    return frozenset(found)


def accounts_to_come(objects: Iterable[KubeObject], standing: Collection[Key], namespace: str) -> frozenset[str]:
    """Those that the manifests bring and that are not there yet: no pod would be let in under them."""
    return frozenset(each.name for each in objects if each.kind == "ServiceAccount" and key_of(each, namespace) not in standing)


def pods_of(objects: Iterable[KubeObject], *, to_come: Collection[str], free: str) -> list[PodOf]:
    """One for each template; those that differ in arguments and variables alone are one. An account that is still to come is left out."""
    found: dict[str, tuple[KubeObject, list[KubeObject]]] = {}
    for each in objects:
        template = each.pod_template if each.kind in _MAKE_PODS else None
        if template:
            pod = _pod(each, template, to_come, free)
            found.setdefault(_alike(pod), (pod, []))[1].append(each)
    return [PodOf(pod, tuple(of)) for pod, of in found.values()]


# of other kinds, a Knative Service for instance, a template may be less than a pod
_MAKE_PODS = {*STAGE_KINDS, *OTHERS_WITH_PODS, "ReplicaSet"}


def _pod(workload: KubeObject, template: Mapping[str, Any], to_come: Collection[str], free: str) -> KubeObject:
    spec = {key: value for key, value in template["spec"].items() if not (key == _ACCOUNT and value in to_come)}
    claims = [(each.get("metadata") or {}).get("name") for each in (workload.body.get("spec") or {}).get("volumeClaimTemplates") or ()]
    if claims:
        spec["volumes"] = [*(spec.get("volumes") or ()), *({"name": each, "emptyDir": {}} for each in claims)]
    where = {"namespace": workload.namespace} if workload.namespace else {}
    metadata = {**(template.get("metadata") or {}), "name": _free_name(workload.name, f"pod-{free}"), **where}
    return KubeObject({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, workload.origin)


_ACCOUNT = "serviceAccountName"


def _alike(pod: KubeObject) -> str:
    spec = dict(pod.body["spec"])
    for key in ("containers", "initContainers"):
        spec[key] = [{name: value for name, value in each.items() if name not in {"args", "env"}} for each in spec.get(key) or ()]
    own = {key: value for key, value in pod.labels.items() if key != labels.STAGE}
    return json.dumps([pod.namespace, own, dict(pod.annotations), spec], sort_keys=True)


# asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What would be done to an object, or `refused`, and why. `warnings` came with it, or with what was asked together with it."""

    object: KubeObject
    action: str
    reason: str | None = None
    warnings: tuple[str, ...] = ()


class Rehearsal(NamedTuple):
    """How the server is asked: `kubectl` is on the objects' namespace, or on a stand-in for it. `free` ends names that nobody has; `to_come`: accounts
    that are not there yet.
    """

    kubectl: Kubectl
    free: str
    to_come: Collection[str] = ()
    is_stand_in: bool = False

    @property
    def namespace(self) -> str:
        return self.kubectl.target.namespace or ""

    def there(self, call: Call) -> Kubectl:
        return self.kubectl.in_namespace(call.namespace) if call.namespace else self.kubectl


def check(asking: Rehearsal, objects: Sequence[KubeObject], standing: Collection[Key]) -> list[Checked]:
    """One for each object, in their order. What its pods are refused for is the workload's; a stand-in is not asked about pods."""
    namespace = asking.namespace
    pods = [] if asking.is_stand_in else pods_of(objects, to_come=asking.to_come, free=asking.free)
    asked = [*objects, *(each.pod for each in pods)]
    found: dict[Key, Checked] = {}
    for call in calls(asked, standing, namespace=namespace, free=asking.free, is_stand_in=asking.is_stand_in):
        for each in _asked(asking.there(call), call):
            found[call.key(each.object.kind, each.object.name)] = each
    for pod in pods:
        answer = found[key_of(pod.pod, namespace)]
        for workload in pod.of:
            key = key_of(workload, namespace)
            found[key] = _with_pods(found[key], answer)
    return [found[key_of(each, namespace)] for each in objects]


def check_pods(asking: Rehearsal, objects: Sequence[KubeObject]) -> list[Checked]:
    """The workloads alone, by what is said to their pods."""
    pods = pods_of(objects, to_come=asking.to_come, free=asking.free)
    found: list[Checked] = []
    for call in calls([each.pod for each in pods], (), namespace=asking.namespace, free=asking.free):
        answers = {(each.object.namespace, each.object.name): each for each in _asked(asking.there(call), call)}
        for pod, of in pods:
            if answer := answers.get((pod.namespace, pod.name)):
                found += [_with_pods(Checked(object=workload, action="applied"), answer) for workload in of]
    return found


def _with_pods(workload: Checked, pod: Checked) -> Checked:
    """A quota that others fill is waited out; what can never be let in refuses the workload."""
    told = (*workload.warnings, *pod.warnings)
    reason = pod.reason or ""
    if pod.action != REFUSED or workload.action == REFUSED or cannot_be_dry_run(reason):
        return replace(workload, warnings=told)
    if may_not_create_pods(reason):
        return replace(workload, warnings=(*told, NOT_ASKED))
    doom = creation_doom(reason, _LONG_AFTER)
    if doom:
        return replace(workload, action=REFUSED, reason=doom, warnings=told)
    return replace(workload, warnings=(*told, f"{workload.object.kind} {workload.object.name}: {refused(reason)}"))


NOT_ASKED = (
    "what the API server asks of pods alone (Pod Security, quotas, policies) is not known before they are made: you may not create pods"
)
_LONG_AFTER = 3600.0  # seconds after which nothing is still to come by itself


def _asked(kubectl: Kubectl, call: Call) -> Iterator[Checked]:
    result = kubectl.try_(*call.words, stdin=call.stdin)
    if result.exit_code != 0 and is_worth_another_try(result.err):
        raise KubectlFailed(result)
    warned = tuple(warnings(result, call.objects))
    done = {(each["kind"], each["name"]): each["action"] for each in _DONE.finditer(result.out)}
    for each in call.objects:
        action = done.get((each.kind.lower(), each.name))
        if action or result.exit_code == 0:
            yield Checked(object=each, action=action or TAKEN, warnings=warned)
        else:
            yield _refused(kubectl, call, each, result)


def _refused(kubectl: Kubectl, call: Call, each: KubeObject, result: Result) -> Checked:
    if len(call.objects) > 1:
        alone = Call(verb=call.verb, namespace=call.namespace, objects=(each,), names=call.names)
        return next(_asked(kubectl, alone))
    reason = " ".join(said(result, call.objects).split())
    return Checked(object=each, action=REFUSED, reason=reason, warnings=tuple(warnings(result, call.objects)))


# the server's words

# kubectl shows the whole patch before it says what is wrong with it
_PATCH = re.compile(
    r'Error from server \((\w+)\): error when applying patch:\n.*?^for: "[^"]*": error when patching "[^"]*": +', re.MULTILINE | re.DOTALL
)
# and the server repeats the whole object: `"" is invalid: patch: Invalid value: "map[metadata: … ]]": strict decoding error: unknown field …`
_WHOLE_OBJECT = re.compile(r'Invalid value: "(?:map\[|\{).{200,}?[\]}]": (?=\S)', re.DOTALL)
_CREATING = re.compile(r'error when (?:creating|replacing) "STDIN": ')
_WARNING = "Warning: "
_NO_NEWS = "kubectl.kubernetes.io/last-applied-configuration annotation which is required by"


def said(result: Result, objects: Iterable[KubeObject]) -> str:
    """What was refused, and why: a line or two each."""
    text = _WHOLE_OBJECT.sub("", _PATCH.sub(r"Error from server (\1): ", in_short(result.err)))
    return without_secrets(_CREATING.sub("", text), objects)


def warnings(result: Result, objects: Iterable[KubeObject]) -> list[str]:
    """What it accepts and warns about, a Pod Security Standard for instance. That kubectl will add its annotation is no news."""
    found = [line.removeprefix(_WARNING) for line in result.err.splitlines() if line.startswith(_WARNING) and _NO_NEWS not in line]
    return [without_secrets(line, objects) for line in found]


def without_secrets(text: str, objects: Iterable[KubeObject]) -> str:
    mask = Mask()
    for each in objects:
        if each.kind == "Secret":
            mask.learn(each.body)
    return mask.text(text)
