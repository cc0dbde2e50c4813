"""Secrets as they stand: by which names and labels they are known, those of the ancestor among them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from bodywork_compiler import labels, names
from bodywork_compiler.api import Api, NotThere, Object
from bodywork_compiler.runner.groups import NAMESPACE, OPAQUE
from bodywork_compiler.runner.observe import label, name
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
