"""The values of this room: the compiler gives `Document`s (text); whatever reads manifests gets a `Plan` of `KubeObject`s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.values import value


@value
class Document:
    """One rendered object as text.

    `path` is its file in the folder form, `01-train-model/job.yaml`; `step` counts from 1, 0 is set-up, None is the failure stage's.
    """

    path: str
    text: str
    kind: str
    name: str
    step: int | None
    stage: str | None = None


class KubeObject(NamedTuple):
    """One object as it will be sent to the cluster: `body` is what YAML said, unchanged. `origin` says where it was read, for messages."""

    body: Mapping[str, Any]
    origin: str = ""

    @property
    def kind(self) -> str:
        return str(self.body.get("kind", ""))

    @property
    def name(self) -> str:
        return str(self._metadata.get("name", ""))

    @property
    def namespace(self) -> str | None:
        return self._metadata.get("namespace")

    @property
    def labels(self) -> Mapping[str, str]:
        return self._metadata.get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        return self._metadata.get("annotations") or {}

    @property
    def pipeline(self) -> str | None:
        return self.labels.get(labels.PIPELINE)

    @property
    def stage(self) -> str | None:
        return self.labels.get(labels.STAGE)

    @property
    def pod_template(self) -> Mapping[str, Any]:
        """What its pods are made from, of whatever kind it is; {}: it makes none. A CronJob has it inside of its Job's, and a Pod is one."""
        if self.kind == "Pod":
            return self.body
        spec = _mapping(self.body.get("spec"))
        template = _mapping((_mapping(_mapping(spec.get("jobTemplate")).get("spec")) or spec).get("template"))
        return template if isinstance(_mapping(template.get("spec")).get("containers"), list) else {}

    @property
    def is_on_failure(self) -> bool:
        return self.labels.get(labels.ROLE) == labels.ROLE_ON_FAILURE

    @property
    def _metadata(self) -> Mapping[str, Any]:
        return self.body.get("metadata") or {}


def _mapping(part: Any) -> Mapping[str, Any]:
    return part if isinstance(part, Mapping) else {}


@value
class PlanStep:
    """What is applied together: step 0 sets up, steps count from 1."""

    number: int
    objects: tuple[KubeObject, ...]


@value
class Plan:
    """A pipeline's manifests in the order in which they are executed.

    `namespace` is the one that all its namespaced objects name (None: they name none, the driver's option or context decides). `on_failure`
    is the suspended Job of the failure stage. `facts` is the data of the ConfigMap `bodywork-PIPELINE`.
    """

    pipeline: str
    namespace: str | None
    steps: tuple[PlanStep, ...]
    on_failure: KubeObject | None
    facts: Mapping[str, str]
