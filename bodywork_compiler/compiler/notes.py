"""What a user should know about the manifests that were asked for, and cannot see in the config."""

from __future__ import annotations

from collections.abc import Iterator

from bodywork_compiler.compiler.options import DEFAULT_INGRESS_CLASS, RenderOptions
from bodywork_compiler.compiler.template_files import without_use
from bodywork_compiler.project import Project, Service


def notes_about(project: Project, options: RenderOptions) -> tuple[str, ...]:
    """One sentence each, for stderr."""
    return (*_of_ingress_class(project, options), *_of_templates(options))


def _of_ingress_class(project: Project, options: RenderOptions) -> Iterator[str]:
    exposed = [stage.name for stage in project.stages if isinstance(stage.work, Service) and stage.work.ingress]
    if exposed and options.ingress_class != DEFAULT_INGRESS_CLASS:
        yield (
            f"ingress class {options.ingress_class}: no rewriting is known for it, so {', '.join(exposed)} will see the whole path, "
            "/NAMESPACE/STAGE/…"
        )


def _of_templates(options: RenderOptions) -> Iterator[str]:
    """A name that is mistyped would be missed in silence."""
    for path, near in without_use(options.template_folders):
        yield f"template {path}: overrides nothing, and no template includes it" + (f"; did you mean {near}?" if near else "")
