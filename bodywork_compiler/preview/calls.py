"""Manifests → the dry runs that ask the server about them, as a run would bring them into the cluster. Pure.

Objects travel one after the other: for a List, kubectl checks fields itself, against a schema of its own, and ends at the first fault.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.preview.values import Key
from bodywork_compiler.runner.applying import LARGEST_APPLIED

LONGEST_NAME = 63


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
    """The fewest calls, in the manifests' order. `standing` are objects that are there; a Job among them is asked about under a name that ends
    in `free`, since what is there cannot be changed: a run removes it first. In a stand-in for the run's namespace nothing that is there is meant.
    """
    grouped: dict[tuple[str | None, str], list[tuple[KubeObject, str]]] = {}
    for each in objects:
        key = key_of(each, namespace)
        is_renamed = key in standing and (is_stand_in or each.kind == "Job")
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
    """A Secret's value must not be copied into an annotation; a large ConfigMap would not fit there."""
    if each.kind == "Secret" or (each.kind == "ConfigMap" and len(json.dumps(each.body)) > LARGEST_APPLIED):
        return "replace" if is_there else "create"
    return "apply"


def _free_name(name: str, free: str) -> str:
    return f"{name[: LONGEST_NAME - len(free) - 1].rstrip('-.')}-{free}"
