"""By what an object is known to be a pipeline's: a mark that `apply` writes on all that it creates or adopts. Pure.

Labels alone do not say it: a person copies them with a manifest, controllers hand them down, and another pipeline may have the same name. So the mark,
an annotation, names the pipeline with its namespace, and the object itself: on a copy under another name, in another namespace or of another kind it
is wrong. Argo CD does it alike: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bodywork_compiler import labels, names
from bodywork_compiler.manifests import KubeObject, Plan, PlanStep
from bodywork_compiler.runner.watching import annotation, label, name

Object = Mapping[str, Any]
MOST_KINDS = 200  # that a Lease may name; a plan has a dozen
_HELM = "meta.helm.sh/release-name"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_ARGO_CD = "argocd.argoproj.io/tracking-id"


class Home(NamedTuple):
    """A pipeline where it lives: in another namespace it is another one. `application` is the one of Argo CD that applies it, if any does."""

    pipeline: str
    namespace: str
    application: str | None = None

    def among(self, stand: Iterable[Object]) -> Home:
        """The same, by what is there: Argo CD applies a pipeline that is its ConfigMap's."""
        own = (each for each in stand if each.get("kind") == "ConfigMap" and label(each, labels.ROLE) == labels.ROLE_PIPELINE)
        found = (_application(each) for each in own if label(each, labels.PIPELINE) == self.pipeline)
        return self._replace(application=next(filter(None, found), None))

    def mark(self, api_version: str, kind: str, namespace: str | None, object_name: str) -> str:
        group = api_version.rpartition("/")[0]
        return f"{self.namespace}/{self.pipeline}:{group}/{kind}:{namespace or self.namespace}/{object_name}"

    def made(self, obj: Object) -> bool:
        """Whether a run of this pipeline has created or adopted just this object."""
        return label(obj, labels.PIPELINE) == self.pipeline and annotation(obj, labels.TRACKING) == self.mark(*_identity(obj))

    def copied(self, obj: Object) -> bool:
        """Whether a run of this pipeline has copied just this secret from a group. Earlier copies have no mark: their name is that of the source."""
        origin = annotation(obj, labels.COPIED_FROM)
        if origin is None or label(obj, labels.PIPELINE) != self.pipeline:
            return False
        if annotation(obj, labels.TRACKING) is None:
            return origin.endswith((f"-{name(obj)}", f"/{name(obj)}"))
        return self.made(obj)

    def rendered(self, obj: Object) -> bool:
        """Whether it is one of the pipeline's own in its namespace, whoever applied it: kubectl, Argo CD or a run."""
        here = namespace_of(obj) in {None, self.namespace} and label(obj, labels.PIPELINE) == self.pipeline
        return here and is_rendered(obj) and (self.made(obj) or (annotation(obj, labels.TRACKING) is None and not self.owner_of(obj)))

    def owner_of(self, obj: Object) -> str | None:
        """Who else looks after it, in words: a controller, Helm, or another application of Argo CD than the one that applies the pipeline."""
        for reference in (obj.get("metadata") or {}).get("ownerReferences") or ():
            return f"{reference.get('kind')} {reference.get('name')}"
        if (release := annotation(obj, _HELM)) or label(obj, _MANAGED_BY) == "Helm":
            return f"Helm release {release}" if release else "Helm"
        application = _application(obj)
        return f"Argo CD application {application}" if application not in {None, self.application} else None


class Place(NamedTuple):
    """Where objects of one kind are looked for. `namespace` None: in the pipeline's own, or in none where the kind has none."""

    api_version: str
    kind: str
    namespace: str | None = None


# what a render makes, in the order in which it is taken away: first what leads requests to pods, last what pods read and who they are
RENDERED = (
    Place("networking.k8s.io/v1", "Ingress"),
    Place("v1", "Service"),
    Place("apps/v1", "Deployment"),
    Place("batch/v1", "Job"),
    Place("v1", "ConfigMap"),
    Place("v1", "ServiceAccount"),
)


def is_rendered(obj: Object) -> bool:
    """Whether `render` made it: all that it makes has a place in the order of the steps."""
    return label(obj, labels.STEP) is not None or label(obj, labels.ROLE) is not None


def tracked(plan: Plan, namespace: str) -> Plan:
    """The plan as a run sends it: every object bears the pipeline's label and the mark, also those that an overlay has added."""
    home = Home(plan.pipeline, namespace)
    steps = tuple(PlanStep(number=step.number, objects=tuple(_marked(each, home) for each in step.objects)) for step in plan.steps)
    on_failure = _marked(plan.on_failure, home) if plan.on_failure else None
    return Plan(pipeline=plan.pipeline, namespace=plan.namespace, steps=steps, on_failure=on_failure, facts=plan.facts)


def _marked(each: KubeObject, home: Home) -> KubeObject:
    if (each.kind, each.name) == ("Namespace", home.namespace):  # it belongs to whoever made it, and is never patched
        return each
    metadata = {
        **each.body["metadata"],
        "labels": {**each.labels, labels.PIPELINE: home.pipeline},
        "annotations": {**each.annotations, labels.TRACKING: home.mark(*_identity(each.body))},
    }
    return each._replace(body={**each.body, "metadata": metadata})


def whose(manifest: KubeObject, live: Object, home: Home) -> str | None:
    """Whose it is that stands under the name of one of ours, in words; None: it is ours to change."""
    if home.made(live) or (manifest.pipeline and home.rendered(live)):
        return None
    return _words(live, home)


def _words(obj: Object, home: Home) -> str:
    by, _, _ = (annotation(obj, labels.TRACKING) or "").partition(":")
    namespace, _, pipeline = by.partition("/")
    owner = label(obj, labels.PIPELINE)
    if owner and owner != home.pipeline:
        return f"it is pipeline {owner}'s"
    if by and (pipeline, namespace) != home[:2]:
        return f"it is that of pipeline {pipeline} in namespace {namespace}"
    if label(obj, "app") == "bodywork":
        return "it is earlier Bodywork's"
    other = home.owner_of(obj)
    return f"it is {other}'s" if other else "Bodywork did not make it"


def _application(obj: Object) -> str | None:
    tracked = annotation(obj, _ARGO_CD)
    return tracked.partition(":")[0] if tracked else None


def places(objects: Iterable[KubeObject], home: Home) -> tuple[Place, ...]:
    """Where a plan's objects are."""
    return tuple(
        dict.fromkeys(
            Place(str(each.body.get("apiVersion")), each.kind, each.namespace if each.namespace != home.namespace else None)
            for each in objects
        )
    )


def places_of(recorded: object) -> tuple[Place, ...]:
    """What a Lease says of them. Anybody may have written there: it only says where to look, never what is ours."""
    if not isinstance(recorded, list):
        return ()
    rows = (each for each in recorded[:MOST_KINDS] if isinstance(each, list) and len(each) == len(Place._fields))
    return tuple(Place(*each) for each in rows if _is_place(*each))


def _is_place(api_version: object, kind: object, namespace: object) -> bool:
    return (
        (isinstance(api_version, str) and names.is_api_version(api_version))
        and (isinstance(kind, str) and names.is_kind(kind))
        and (namespace is None or (isinstance(namespace, str) and names.is_dns_label(namespace)))
    )


def namespace_of(obj: Object) -> str | None:
    return (obj.get("metadata") or {}).get("namespace")


def _identity(obj: Object) -> tuple[str, str, str | None, str]:
    return str(obj.get("apiVersion", "")), str(obj.get("kind", "")), namespace_of(obj), name(obj)
