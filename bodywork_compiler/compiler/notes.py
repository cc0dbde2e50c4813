"""What a user should know about the manifests that were asked for, and cannot see in the config."""

from __future__ import annotations

from bodywork_compiler.compiler.options import DEFAULT_INGRESS_CLASS, RenderOptions
from bodywork_compiler.project import Project, Service


def notes_about(project: Project, options: RenderOptions) -> tuple[str, ...]:
    """One sentence each, for stderr."""
    exposed = [stage.name for stage in project.stages if isinstance(stage.work, Service) and stage.work.ingress]
    if not exposed or options.ingress_class == DEFAULT_INGRESS_CLASS:
        return ()
    return (
        f"ingress class {options.ingress_class}: no rewriting is known for it, so {', '.join(exposed)} will see the whole path, /NAMESPACE/STAGE/…",
    )
