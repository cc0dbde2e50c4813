"""A project's values and a pinned commit in, the text of its manifests out. Pure: no clock, no random, no network, no cluster."""

from __future__ import annotations

from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.compiler.notes import notes_about
from bodywork_compiler.compiler.options import RenderOptions
from bodywork_compiler.compiler.places import places
from bodywork_compiler.compiler.preparation import preparation_documents
from bodywork_compiler.compiler.shared import shared_by_all
from bodywork_compiler.compiler.stages import stage_documents
from bodywork_compiler.compiler.writer import Writer
from bodywork_compiler.manifests import Document
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
    writer = Writer(Engine(options.template_folders, options.foreign_template))
    in_steps = [document for place in places(project) for document in stage_documents(shared, place, writer)]
    return (*preparation_documents(shared, writer, in_steps), *in_steps)
