"""Where a run goes: the context and the namespace, as kubectl itself finds them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.manifests import Plan
from bodywork_compiler.manifests.privileges import check_namespace
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
