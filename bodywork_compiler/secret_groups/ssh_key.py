"""The SSH key with which pods fetch, stored where a run looks for it: of a group, or (v1) in the pipeline's own namespace."""

from __future__ import annotations

from collections.abc import Mapping

from bodywork_compiler import labels
from bodywork_compiler.api import Api
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.manifests import Plan
from bodywork_compiler.secret_groups import changing
from bodywork_compiler.secret_groups.mending import mended
from bodywork_compiler.secret_groups.sources import Change
from bodywork_compiler.secret_groups.stored import Place, find, stored


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
        changing.create(kubectl, place, changing.manifest(place, secret, values))
        return (*notes, f"the SSH key is stored as secret {place.object_name(secret)} in namespace {place.namespace}")
    if _holds(stored(found).data, values):
        return ()
    changing.replace(kubectl, place, changing.changed(found, place, Change(values=values)))
    return (*notes, f"the SSH key is updated in secret {place.object_name(secret)} in namespace {place.namespace}")


def _holds(stands: Mapping[str, bytes], values: Mapping[str, bytes]) -> bool:
    return all(stands.get(name) == content for name, content in values.items())
