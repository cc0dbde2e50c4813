"""What `render` can be told about the objects that it makes, beside the config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bodywork_compiler.project import PodSecurity
from bodywork_compiler.values import value

DEFAULT_INGRESS_CLASS = "nginx"


@value
class RenderOptions:
    """`namespace` and `pod_security` override the config's where they are given.

    Without `with_namespace` there is no Namespace object and no object names its namespace. `template_folders` are searched for templates
    before the package's own, in this order; `foreign_template` says why a file may not be read as one of them, or None. With `argo_cd` the steps are
    sync waves and the batch stages hooks. `allow_privileges`: templates may ask for what `manifests.privileges` refuses.
    """

    namespace: str | None = None
    with_namespace: bool = True
    ingress_class: str = DEFAULT_INGRESS_CLASS
    pod_security: PodSecurity | None = None
    argo_cd: bool = False
    allow_privileges: bool = False
    template_folders: tuple[Path, ...] = ()
    foreign_template: Callable[[Path], str | None] | None = None
