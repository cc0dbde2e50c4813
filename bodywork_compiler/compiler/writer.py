"""Variables in, documents out: the last step of every object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bodywork_compiler.compiler.checked import LARGEST_BYTES, check_override, check_size
from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.manifests import Document

KINDS = {
    "namespace": "Namespace",
    "service-account": "ServiceAccount",
    "pipeline": "ConfigMap",
    "addresses": "ConfigMap",
    "scripts": "ConfigMap",
    "source": "ConfigMap",
    "job": "Job",
    "deployment": "Deployment",
    "service": "Service",
    "ingress": "Ingress",
}


@dataclass(frozen=True, slots=True)
class Writer:
    engine: Engine

    def write(self, template: str, variables: dict[str, Any], *, path: str, step: int | None, stage: str | None = None) -> Document:
        text = self.engine.render(template, variables)
        kind = KINDS[template]
        if self.engine.overridden:
            check_override(text, self.engine.described(template), variables, kind)
        if len(text) * 6 > LARGEST_BYTES:  # JSON takes six bytes for some characters; hardly any object comes near
            check_size(text, f"{kind} {variables['name']}")
        return Document(
            path=path, text=text if text.endswith("\n") else text + "\n", kind=kind, name=variables["name"], step=step, stage=stage
        )
