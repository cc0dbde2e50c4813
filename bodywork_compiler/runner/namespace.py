"""Where a run goes: the context and the namespace, which is created when absent and never patched afterwards."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodywork_compiler import __version__, labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError, ServerLost
from bodywork_compiler.kubectl import Kubectl, KubectlFailed, failure_of
from bodywork_compiler.kubectl_errors import is_there_already
from bodywork_compiler.manifests import KubeObject, Plan, to_json
from bodywork_compiler.manifests.privileges import check_namespace
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.before import find
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.watching import name
from bodywork_compiler.to_copy import to_copy

IN_CLUSTER = "in-cluster"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")  # in every pod that has a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    context: str
    namespace: str


def whereabouts(kubectl: Kubectl, plan: Plan) -> Whereabouts:
    """The namespace that was asked for, else the one that the manifests name, else the context's own."""
    asked = kubectl.target.namespace
    if asked and plan.namespace and asked != plan.namespace:
        raise BodyworkError(
            f"the manifests are for namespace {plan.namespace}, not {asked}",
            hint=f"Render them for it: {to_copy('bodywork', 'render', namespace=asked)}, or --no-namespace for any.",
        )
    found = whereabouts_of(kubectl, asked or plan.namespace)
    check_namespace(found.namespace)  # the context's own, and in a pod the pod's own
    return found


def whereabouts_of(kubectl: Kubectl, namespace: str | None) -> Whereabouts:
    """Where kubectl goes when it is about `namespace`; None: about the context's own."""
    if kubectl.target.context and namespace:
        return Whereabouts(context=kubectl.target.context, namespace=namespace)
    context, its_namespace = _current(kubectl)
    return Whereabouts(context=context, namespace=namespace or its_namespace)


def cluster_of(kubectl: Kubectl) -> str | None:
    """The server's address, with the cluster's name in kubeconfig where that says more than the context; None where kubectl knows of none."""
    result = kubectl.try_("config", "view", "--minify", "--output=json")
    if result.exit_code != 0:
        return None
    config = json.loads(result.out)
    found: dict[str, Any] = next(iter(config.get("clusters") or ()), {})
    server = str((found.get("cluster") or {}).get("server") or "")
    is_news = found.get("name") not in {None, server, kubectl.target.context, config.get("current-context")}
    return " at ".join(part for part in (found["name"] if is_news else "", server) if part) or None


def _current(kubectl: Kubectl) -> tuple[str, str]:
    result = kubectl.try_("config", "view", "--minify", "--output=json")
    if result.exit_code != 0:
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            return IN_CLUSTER, _POD_NAMESPACE.read_text().strip() if _POD_NAMESPACE.is_file() else "default"
        raise KubectlFailed(result)
    config = json.loads(result.out)
    contexts = {each["name"]: each.get("context") or {} for each in config.get("contexts") or ()}
    name = str(config.get("current-context") or "") or next(iter(contexts), "")
    return name, str(contexts.get(name, {}).get("namespace") or "default")


def refuse_another_than_theirs(session: Session) -> None:
    """v1 and v2 were told the namespace by option. Who forgets it would have the project's services twice, here and where they run."""
    plan = session.plan
    if plan.facts.get(labels.FACT_CONFIG_VERSION) not in labels.BEFORE_GROUPS or '"namespace"' in plan.facts.get(
        labels.FACT_RENDER_OPTIONS, ""
    ):
        return
    services = {each.name for step in plan.steps for each in step.objects if each.kind == "Deployment"}
    try:
        stand = session.ask(lambda: session.api.elsewhere("").outlines("Deployment", {"labelSelector": "app=bodywork"}))
    except (Refused, NotThere):  # who may not look at the whole cluster is not told
        return
    theirs = [each for each in stand if name(each) in services and each["metadata"]["namespace"] != session.namespace]
    places = sorted({str(each["metadata"]["namespace"]) for each in theirs})
    if places:
        raise BodyworkError(
            f"{', '.join(sorted({name(each) for each in theirs}))}: earlier Bodywork runs this in namespace {', '.join(places)}, "
            f"and this run would make it a second time, in {session.namespace}",
            hint=f"Say where: {to_copy(namespace=places[0])}. Or, for a second one: {to_copy(namespace=session.namespace)}",
        )


def create_when_absent(session: Session) -> None:
    if _is_there(session):
        return
    manifest = _manifest(session)
    # --save-config: whoever applies the rendered folder by hand later is not warned about an object that apply did not make
    result = session.kubectl.try_("create", "--save-config", "-f", "-", stdin=to_json([manifest]))
    if result.exit_code != 0 and not is_there_already(result.err):
        raise failure_of(result)
    tell_changes(session, labels.STEP_SETUP, [manifest], result)
    if result.exit_code == 0:
        session.kubectl.run("annotate", f"namespace/{session.namespace}", f"{labels.CREATED_BY}=bodywork-{__version__}")


def is_going(session: Session) -> bool:
    """Whether it is seen to be deleted; asked once, when something has failed that may have another cause."""
    try:
        return _has_to_go(session.ask(lambda: session.api.find("Namespace", session.namespace), patience_seconds=0.0))
    except (Refused, ServerLost):
        return False


def _is_there(session: Session) -> bool:
    try:
        found = find(session, "Namespace", session.namespace)
    except Refused:  # who may not read namespaces works in one that was given to them
        return True
    if _has_to_go(found):
        raise BodyworkError(f"namespace {session.namespace} is being deleted", hint="Wait until it is gone, then try again.")
    return found is not None


def _has_to_go(found: Object | None) -> bool:
    return bool(((found or {}).get("metadata") or {}).get("deletionTimestamp"))


def _manifest(session: Session) -> KubeObject:
    for step in session.plan.steps:
        for each in step.objects:
            if each.kind == "Namespace" and each.name == session.namespace:
                return each
    return KubeObject({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": session.namespace}})
