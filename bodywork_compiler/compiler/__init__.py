"""A project's values and a pinned commit in, the text of its manifests out. Pure: no clock, no random, no network, no cluster."""

from __future__ import annotations

from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.compiler.options import RenderOptions, notes_about
from bodywork_compiler.compiler.preparation import preparation_documents
from bodywork_compiler.compiler.shared import places, shared_by_all
from bodywork_compiler.compiler.stages import stage_documents
from bodywork_compiler.compiler.writer import KINDS, Writer
from bodywork_compiler.manifests import Document, KubeObject
from bodywork_compiler.manifests.privileges import check_namespace, check_privileges
from bodywork_compiler.project import Project
from bodywork_compiler.source import Source

__all__ = ["RenderOptions", "compile_project", "notes_about"]


def compile_project(project: Project, source: Source, options: RenderOptions | None = None) -> tuple[Document, ...]:
    """The pipeline's objects in the order in which they are executed: set-up, the steps, and the failure stage's Job at the end.

    The same values give the same bytes anywhere. Raises BodyworkError for a template that fails or gives something else than its object, and
    for inline source that is too large.
    """
    options = options or RenderOptions()
    shared = shared_by_all(project, source, options)
    check_namespace(shared.route_namespace)
    engine = Engine(options.template_folders, options.foreign_template)
    writer = Writer(engine)
    in_steps = [document for place in places(project) for document in stage_documents(shared, place, writer)]
    documents = (*preparation_documents(shared, writer, in_steps), *in_steps)
    if engine.overridden and not options.allow_privileges:
        check_privileges([_as_object(document, engine) for document in documents], shared.pipeline, shared.namespace)
    return documents


def _as_object(document: Document, engine: Engine) -> KubeObject:
    """With the template as its origin, since that is what a person can change."""
    from bodywork_compiler.manifests.kube_yaml import values

    kinds = (template for template, kind in KINDS.items() if kind == document.kind)
    return KubeObject(values(document.text)[0], f"template {engine.described(next(kinds))}")
