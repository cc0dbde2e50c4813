"""Secrets in a cluster: by which names and labels they are known, those of earlier Bodywork too, and how they are made, updated and removed."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bodywork_compiler import labels, names
from bodywork_compiler.api import Api, NotThere, Object
from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, KubectlFailed, Result
from bodywork_compiler.kubectl_errors import is_conflict, is_there_already, lacks_namespace
from bodywork_compiler.manifests import KubeObject, Plan, to_json
from bodywork_compiler.manifests.kube_yaml import values as read_back
from bodywork_compiler.runner.before import LAST_APPLIED
from bodywork_compiler.runner.copies import NAMESPACE, OPAQUE
from bodywork_compiler.runner.watching import label, name
from bodywork_compiler.secret_groups.sources import Change, mended
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value


@value
class Place:
    """Where secrets are: a group of the cluster's, all groups, or (v1) a pipeline's own namespace."""

    namespace: str = NAMESPACE
    group: str | None = None

    @property
    def is_of_groups(self) -> bool:
        return self.namespace == NAMESPACE

    def object_name(self, secret: str) -> str:
        """What the secret is called in the cluster. The ancestor cleaned names as well: `my_secret` is `my-secret`."""
        return names.pipeline_object_name(f"{self.group}-{secret}" if self.group else secret)

    def holds(self, found: Object) -> bool:
        """A group's have its label. `a-b-c` may be b-c of a, or c of a-b; one without a label that somebody made by hand is where its name says."""
        if not self.group:
            return _is_plain(found)
        of = label(found, labels.GROUP)
        return of == self.group if of is not None else _is_plain(found) and name(found).startswith(self.object_name("x")[:-1])


@value
class Stored:
    """One secret. `name` is how stages call it."""

    name: str
    group: str | None
    namespace: str
    object_name: str
    type: str
    data: Mapping[str, bytes]


def find(api: Api, place: Place, secret: str) -> Object | None:
    """The object of that secret, or None."""
    found = api.elsewhere(place.namespace).find("Secret", place.object_name(secret))
    return found if found is not None and place.holds(found) else None


def objects_in(api: Api, place: Place) -> list[Object]:
    try:
        found, _ = api.elsewhere(place.namespace).list("Secret", {})
    except NotThere:
        return []
    return sorted((each for each in found if place.holds(each)), key=name)


def stored(found: Object) -> Stored:
    metadata: Mapping[str, Any] = found["metadata"]
    namespace = str(metadata.get("namespace", ""))
    group = label(found, labels.GROUP) if namespace == NAMESPACE else None
    short = name(found).removeprefix(f"{names.pipeline_object_name(group)}-") if group else name(found)
    data = {key: base64.b64decode(text) for key, text in sorted((found.get("data") or {}).items())}
    return Stored(name=short, group=group, namespace=namespace, object_name=name(found), type=str(found.get("type") or OPAQUE), data=data)


def _is_plain(found: Object) -> bool:
    """Made to hold values: no service account's token, no release of Helm's."""
    return (found.get("type") or OPAQUE) == OPAQUE


DryRun = Literal["client", "server"]
OURS = (("app.kubernetes.io/managed-by", "bodywork"),)
LONGEST_NAME = 253
_SERVERS_OWN = ("managedFields", "creationTimestamp", "uid", "selfLink")


def check_name(place: Place, secret: str) -> None:
    """Raise for what cannot be a secret's name; all that is wrong at once."""
    wrong = [f"{what} may not be empty" for what, given in (("its name", secret), ("the group", place.group)) if given == ""]
    if place.group and (place.group != names.pipeline_object_name(place.group) or len(place.group) > names.LONGEST):
        proposal = names.shortened(names.pipeline_object_name(place.group)) or "GROUP"
        wrong.append(
            f"the group {place.group} cannot be named in a config: lower-case letters, digits, `-` and `.`, for example {proposal}"
        )
    if secret and not names.pipeline_object_name(secret):
        wrong.append(f"its name {secret} has no letter and no digit")
    if len(place.object_name(secret)) > LONGEST_NAME:
        wrong.append(f"its name has, with its group, more than {LONGEST_NAME} characters")
    if wrong:
        raise BodyworkError(f"secret {secret}: {'; '.join(wrong)}")


def manifest(place: Place, secret: str, values: Mapping[str, bytes]) -> str:
    """The secret as text, with its values."""
    group = ((labels.GROUP, place.group),) if place.group else ()
    variables = {
        "name": place.object_name(secret),
        "namespace": place.namespace,
        "labels": (*OURS, *group),
        "annotations": (),
        "type": OPAQUE,
        "data": tuple((key, _in_base64(values[key])) for key in sorted(values)),
    }
    return Engine().render("secret", variables)


def create(kubectl: Kubectl, place: Place, text: str, *, dry_run: DryRun | None = None) -> bool:
    """Makes a secret from its text, and the namespace of the groups where it is not there yet. False: one of that name is there already."""
    stdin = to_json([KubeObject(each) for each in read_back(text)])
    result = _send(kubectl, place, "create", stdin, dry_run)
    if lacks_namespace(result.err) and place.is_of_groups and dry_run is None:
        create_namespace(kubectl, place.namespace)
        result = _send(kubectl, place, "create", stdin, dry_run)
    if result.exit_code == 0 or (lacks_namespace(result.err) and place.is_of_groups):
        return True
    if is_there_already(result.err):
        return False
    if lacks_namespace(result.err):
        raise BodyworkError(
            f"Could not find namespace={place.namespace} on k8s cluster.",
            hint=to_copy("bodywork", "setup-namespace", names=[place.namespace]),
        )
    raise KubectlFailed(result)


def create_namespace(kubectl: Kubectl, namespace: str) -> None:
    """Somebody else may have made it meanwhile."""
    text = Engine().render("namespace", {"name": namespace, "namespace": None, "labels": OURS, "annotations": ()})
    result = kubectl.in_namespace("").try_("create", "-f", "-", stdin=to_json([KubeObject(each) for each in read_back(text)]))
    if result.exit_code != 0 and not is_there_already(result.err):
        failed = KubectlFailed(result)
        failed.hint = (
            failed.hint
            or f"Secrets groups are kept in the namespace {namespace}. Whoever owns the cluster makes it: bodywork configure-cluster"
        )
        raise failed


def changed(found: Object, place: Place, change: Change) -> dict[str, Any]:
    """The object as it is to stand: what was there, the change, and (of a group) the label. Keys to be removed that it has not got are refused."""
    data = dict(found.get("data") or {})
    lacking = [key for key in change.removed if key not in data]
    if lacking:
        there = f"it has {', '.join(sorted(data))}" if data else "it has none"
        raise BodyworkError(f"secret {found['metadata']['name']} has no {', '.join(lacking)} to be removed; {there}. Nothing was changed.")
    data = {key: text for key, text in data.items() if key not in change.removed}
    data |= {key: _in_base64(each) for key, each in change.values.items()}
    metadata = {key: each for key, each in found["metadata"].items() if key not in _SERVERS_OWN}
    # kubectl replace would write the new values into it
    metadata["annotations"] = {key: text for key, text in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    if place.group:
        metadata["labels"] = {**(metadata.get("labels") or {}), labels.GROUP: place.group}
    return {"apiVersion": "v1", "kind": "Secret", **found, "metadata": metadata, "data": data}


def replace(kubectl: Kubectl, place: Place, body: Mapping[str, Any], *, dry_run: DryRun | None = None) -> None:
    """Refused when somebody has changed it since it was read."""
    result = _send(kubectl, place, "replace", to_json([KubeObject(body)]), dry_run)
    if is_conflict(result.err):
        raise BodyworkError(
            f"secret {body['metadata']['name']} was changed by somebody else meanwhile; nothing was changed", hint="Try again."
        )
    if result.exit_code != 0:
        raise KubectlFailed(result)


def delete(kubectl: Kubectl, place: Place, object_names: Sequence[str], *, dry_run: DryRun | None = None) -> None:
    kubectl.in_namespace(place.namespace).run("delete", *(f"secret/{each}" for each in object_names), "--ignore-not-found", *_dry(dry_run))


def _send(kubectl: Kubectl, place: Place, verb: str, stdin: str, dry_run: DryRun | None) -> Result:
    return kubectl.in_namespace(place.namespace).try_(verb, "-f", "-", *_dry(dry_run), stdin=stdin)


def _dry(dry_run: DryRun | None) -> list[str]:
    return [f"--dry-run={dry_run}"] if dry_run else []


def _in_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def place_of(plan: Plan, namespace: str) -> tuple[Place, str, str]:
    """Where a plan's key belongs, and the names of its secret and of the key in it."""
    version = plan.facts.get(labels.FACT_CONFIG_VERSION)
    if version in labels.BEFORE_GROUPS:
        return (Place(namespace=namespace), *(labels.SSH_SECRET_V1 if version == "v1" else labels.SSH_SECRET))
    return (Place(group=plan.facts.get(labels.FACT_SECRETS_GROUP) or plan.pipeline), *labels.SSH_SECRET)


def store(kubectl: Kubectl, api: Api, where: tuple[Place, str, str], key: bytes, known_hosts: str) -> tuple[str, ...]:
    """Make or change the secret where it is not so already; sentences say what was done."""
    place, secret, name = where
    content, notes = mended(name, key)
    values = {name: content, labels.SSH_KNOWN_HOSTS: known_hosts.encode()}
    found = find(api, place, secret)
    if found is None:
        create(kubectl, place, manifest(place, secret, values))
        return (*notes, f"the SSH key is stored as secret {place.object_name(secret)} in namespace {place.namespace}")
    if _holds(stored(found).data, values):
        return ()
    replace(kubectl, place, changed(found, place, Change(values=values)))
    return (*notes, f"the SSH key is updated in secret {place.object_name(secret)} in namespace {place.namespace}")


def _holds(stands: Mapping[str, bytes], values: Mapping[str, bytes]) -> bool:
    return all(stands.get(name) == content for name, content in values.items())
