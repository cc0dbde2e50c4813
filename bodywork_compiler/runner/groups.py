"""Secrets groups: the secret that a stage calls NAME is GROUP-NAME in one namespace of the cluster, and is copied from there. Here it is only read."""

from __future__ import annotations

from dataclasses import dataclass

from bodywork_compiler import labels
from bodywork_compiler.api import Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.names import CONTROLLER_NAMESPACE
from bodywork_compiler.runner.observe import annotation, label
from bodywork_compiler.runner.references import named
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home

NAMESPACE = CONTROLLER_NAMESPACE
OPAQUE = "Opaque"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`only`: the one secret that is looked for in it. A pipeline without a group has the SSH key in the group of its own name, perhaps."""

    name: str
    only: str | None = None

    def source(self, secret: str) -> str:
        return f"{self.name}-{secret}"

    def has(self, secret: str) -> bool:
        return self.only is None or secret == self.only


def group_of(plan: Plan) -> Group | None:
    facts = plan.facts
    if group := facts.get(labels.FACT_SECRETS_GROUP):
        return Group(name=group)
    ssh = facts.get(labels.FACT_SSH_SECRET)
    if ssh and facts.get(labels.FACT_CONFIG_VERSION) not in labels.BEFORE_GROUPS:
        return Group(name=plan.pipeline, only=ssh)
    return None


def find_in(session: Session, group: Group, secret: str, *, is_needed: bool = True) -> Object | None:
    """The group's secret; None: it is not there. One that may not be read is an error, but for what was never promised to be there."""
    api = session.api.elsewhere(NAMESPACE)
    try:
        found = session.ask(lambda: api.find("Secret", group.source(secret)))
    except Refused as why:
        if group.only or not is_needed:
            return None
        raise BodyworkError(
            f"the secrets group {group.name} cannot be read: {why.message}", hint=_rights(session, group.source(secret))
        ) from why
    # `a-b-c` is b-c of group a, or c of group a-b: its label says which
    return found if found and (label(found, labels.GROUP) or group.name) == group.name else None


def is_any_named(session: Session) -> bool:
    """Whether the plan names a secret of its group that is there, as far as it may be read: a run would copy it."""
    group = group_of(session.plan)
    return group is not None and any(
        find_in(session, group, secret, is_needed=False) for secret in sorted(named(session.plan)) if group.has(secret)
    )


def copy_of(session: Session, source: Object, secret: str) -> KubeObject:
    """The group's secret as it is to stand in the run's namespace."""
    return as_copy(source, secret, namespace=session.namespace, pipeline=session.plan.pipeline)


def as_copy(source: Object, secret: str, *, namespace: str, pipeline: str) -> KubeObject:
    mark = Home(pipeline, namespace).mark("v1", "Secret", namespace, secret)
    metadata = {
        "name": secret,
        "namespace": namespace,
        "labels": {labels.PIPELINE: pipeline, "app.kubernetes.io/managed-by": "bodywork"},
        "annotations": {labels.COPIED_FROM: f"{NAMESPACE}/{source['metadata']['name']}", labels.TRACKING: mark},
    }
    body = {"apiVersion": "v1", "kind": "Secret", "type": _type(source), "metadata": metadata, "data": source.get("data") or {}}
    return KubeObject(body, "the secrets group")


def is_the_same(stands: Object | None, copy: KubeObject) -> bool:
    """Whether nothing needs to be written."""
    return is_alike(stands, copy) and annotation(stands or {}, labels.COPIED_FROM) == copy.annotations[labels.COPIED_FROM]


def is_foreign(stands: Object, copy: KubeObject, group: Group) -> bool:
    """Whether a secret of that name is nobody's copy of this one: neither ours, nor the ancestor's, which has the group as its label."""
    if Home(copy.pipeline or "", copy.namespace or "").copied(stands):  # of another group, once
        return False
    is_ours = annotation(stands, labels.COPIED_FROM) == copy.annotations[labels.COPIED_FROM] or label(stands, labels.GROUP) == group.name
    return not is_ours


def is_copy_from(stands: Object, group: Group) -> bool:
    """Whether it was copied from that group, by us or by the ancestor."""
    origin = annotation(stands, labels.COPIED_FROM) or ""
    return origin.startswith(f"{NAMESPACE}/{group.name}-") or label(stands, labels.GROUP) == group.name


def not_overwritten(session: Session, group: Group, copy: KubeObject) -> BodyworkError:
    return BodyworkError(
        f"secret {copy.name} in namespace {session.namespace} is not a copy of {copy.annotations[labels.COPIED_FROM]}, and is not overwritten",
        hint="If the group's secret shall take its place: "
        + session.kubectl.line("label", f"secret/{copy.name}", f"{labels.GROUP}={group.name}"),
    )


def is_alike(stands: Object | None, copy: KubeObject) -> bool:
    return stands is not None and (stands.get("data") or {}) == copy.body["data"] and _type(stands) == copy.body["type"]


def _type(secret: Object) -> str:
    return str(secret.get("type") or OPAQUE)


def _rights(session: Session, source: str) -> str:
    kubectl = session.kubectl.in_namespace(NAMESPACE)
    return "\n  ".join(
        [
            "Bodywork copies a group's secrets in with your own rights. Whoever owns the cluster can give you them:",
            kubectl.line("create", "role", "read-secrets-groups", "--verb=get", "--resource=secrets"),
            kubectl.line("create", "rolebinding", "read-secrets-groups", "--role=read-secrets-groups", "--user=YOU"),
            kubectl.line("auth", "can-i", "get", f"secret/{source}") + "   # whether you have them",
        ]
    )
