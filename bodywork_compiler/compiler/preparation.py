"""The objects of step 0: namespace, identity, facts, start scripts, and the project's files where they travel inside the manifests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.compiler.options import DEFAULT_INGRESS_CLASS
from bodywork_compiler.compiler.shared import Pairs, Shared, setup_folder
from bodywork_compiler.compiler.writer import Writer
from bodywork_compiler.manifests import Document


def preparation_documents(shared: Shared, writer: Writer, later: Iterable[Document]) -> tuple[Document, ...]:
    """All of step 0. `later` are the steps' documents: the pipeline's ConfigMap has a digest of the whole plan."""
    first, others = tuple(_first(shared, writer)), tuple(_others(shared, writer))
    digest = sha256()
    for document in (*first, *others, *later):
        digest.update(document.text.encode())
    return (*first, _pipeline(shared, writer, digest.hexdigest()), *others)


def _first(shared: Shared, writer: Writer) -> Iterator[Document]:
    if shared.namespace is not None:
        yield _write(shared, writer, "namespace", {"name": shared.namespace, "namespace": None, "labels": _namespace_labels(shared)})
    yield _write(shared, writer, "service-account", {"name": shared.name})


def _namespace_labels(shared: Shared) -> Pairs:
    """What the pods satisfy is also what the namespace demands: https://kubernetes.io/docs/concepts/security/pod-security-admission/"""
    level = shared.pod["pod_security"]
    enforced = () if level == "none" else ((labels.POD_SECURITY, level),)
    return (*shared.object_labels(step=labels.STEP_SETUP), *enforced)


def _pipeline(shared: Shared, writer: Writer, digest: str) -> Document:
    variables = {
        "name": shared.name,
        "labels": shared.object_labels(step=labels.STEP_SETUP, role=labels.ROLE_PIPELINE),
        "annotations": (*shared.annotations, *shared.commit_annotations, *shared.wave(labels.STEP_SETUP)),
        "facts": (*_facts(shared, writer), (labels.FACT_PLAN_DIGEST, digest)),
    }
    return _write(shared, writer, "pipeline", variables)


def _others(shared: Shared, writer: Writer) -> Iterator[Document]:
    rendered = ((labels.RENDERED_NAMESPACE, shared.namespace),) if shared.namespace else ()
    for number, (name, urls) in enumerate(zip(shared.services_names, shared.service_urls, strict=True), start=1):
        variables: dict[str, Any] = {
            "name": name,
            "urls": urls,
            "annotations": (*shared.annotations, *rendered, *shared.wave(labels.STEP_SETUP)),
        }
        yield _write(shared, writer, "addresses", variables, file="addresses" if number == 1 else f"addresses-{number}")
    yield _write(shared, writer, "scripts", {"name": shared.scripts.name, "scripts": shared.scripts.files})
    for number, part in enumerate(shared.parts, start=1):
        variables = {"name": part.name, "part": part.key, "content": part.content}
        yield _write(shared, writer, "source", variables, file=f"source-{number:02}")


def _write(shared: Shared, writer: Writer, template: str, variables: dict[str, Any], *, file: str | None = None) -> Document:
    common = {
        "namespace": shared.namespace,
        "labels": shared.object_labels(step=labels.STEP_SETUP),
        "annotations": (*shared.annotations, *shared.wave(labels.STEP_SETUP)),
    }
    path = f"{setup_folder(shared.project)}{file or template}.yaml"
    return writer.write(template, {**common, **variables}, path=path, step=labels.STEP_SETUP)


def _facts(shared: Shared, writer: Writer) -> Pairs:
    project, source = shared.project, shared.source
    known = (
        (labels.FACT_CONFIG_VERSION, project.generation),
        (labels.FACT_DAG, project.dag),
        (labels.FACT_SECRETS_GROUP, project.secrets_group),
        (labels.FACT_GIT_URL, source.url),
        (labels.FACT_GIT_BRANCH, source.branch),
        (labels.FACT_GIT_COMMIT, source.commit),
        (labels.FACT_GIT_FOLDER, source.folder),
        (labels.FACT_GIT_TREE, source.tree),
        (labels.FACT_SSH_SECRET, shared.pod["ssh_secret"]),
        (labels.FACT_RENDER_OPTIONS, json.dumps(_options(shared, writer), sort_keys=True)),
    )
    return tuple((key, value) for key, value in known if value)


def _options(shared: Shared, writer: Writer) -> dict[str, Any]:
    """The options that are not as always; of templates only which ones: their folders' paths are of one machine."""
    options = shared.options
    given: dict[str, Any] = {
        "namespace": options.namespace,
        "no-namespace": not options.with_namespace,
        "ingress-class": options.ingress_class if options.ingress_class != DEFAULT_INGRESS_CLASS else None,
        "pod-security": options.pod_security,
        "inline-source": bool(shared.parts),
        "argo-cd": options.argo_cd,
        "allow-privileges": options.allow_privileges and bool(writer.engine.overridden),
        "templates": list(writer.engine.overridden),
    }
    return {name: value for name, value in given.items() if value}
