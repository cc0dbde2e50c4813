"""How a config's names become names of Kubernetes objects. Pure; config checks with it, the compiler names with it."""

from __future__ import annotations

import re
from typing import NamedTuple

# object names of Jobs and Services, and every label's value: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
LONGEST = 63
PROJECT_MARK = "--"  # between project and stage in the object names of v1 and v2

# where the controller's Jobs and its account are, with the secrets groups: whoever may make pods there may do what the controller may
CONTROLLER_NAMESPACE = "bodywork-deployment-jobs"
# no pipeline is deployed there: the accounts of Kubernetes' own namespaces may do nearly everything
RESERVED_NAMESPACES = {
    CONTROLLER_NAMESPACE: "Bodywork's own controller",
    "kube-system": "Kubernetes itself",
    "kube-public": "Kubernetes itself",
    "kube-node-lease": "Kubernetes itself",
}
# the second is v1's, which its own `setup-namespace` gave the secrets of the namespace
CONTROLLER_ACCOUNTS = ("bodywork-workflow-controller", "bodywork-jobs-and-deployments")

_OTHER, _OTHERS = re.compile(r"[^a-z0-9]"), re.compile(r"[^a-z0-9]+")
_OTHERS_THAN_DOTS = re.compile(r"[^a-z0-9.]+")
_DOT = re.compile(r"-?\.[-.]*")
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")


def clean(name: str) -> str:
    """Lower case, each run of other characters one `-`, trimmed. May be empty, or longer than `LONGEST`: config refuses those."""
    lower = name.lower()
    return lower if lower.isascii() and lower.isalnum() else _OTHERS.sub("-", lower).strip("-")


def pipeline_object_name(name: str) -> str:
    """A pipeline's name in labels and in derived names (`bodywork-NAME`): dots stay, since these may hold them."""
    return _DOT.sub(".", _OTHERS_THAN_DOTS.sub("-", name.lower())).strip("-.")


def spellings(given: str) -> tuple[str, ...]:
    """What a name in the config's own spelling (`stage_1`, `iris--stage_1`) may be in Kubernetes."""
    return (given, clean(given), _OTHER.sub("-", given.lower()).strip("-"))


class StageNames(NamedTuple):
    """`object_name` is what a stage's objects are called, `label` is the value of their label `bodywork/stage`: the same without the prefix."""

    object_name: str
    label: str


def stage_names(stage: str, prefix: str = "") -> StageNames:
    """Behind a prefix each other character is one `-`, as before v3: `a__b` is `PROJECT--a--b`, and `a-b` where there is no prefix."""
    if not prefix:
        return StageNames(clean(stage), clean(stage))
    name = _OTHER.sub("-", stage.lower())
    return StageNames(f"{prefix}{name}".rstrip("-"), name.strip("-"))


def prefix_before_v3(project: str) -> str:
    """v1 (bodywork.ini) and v2 (config 1.0) call a stage's objects PROJECT--STAGE."""
    return f"{_OTHER.sub('-', project.lower())}{PROJECT_MARK}".lstrip("-")


def reserved_for(namespace: str) -> str | None:
    """Whose that namespace is, where no pipeline may be deployed to it."""
    return RESERVED_NAMESPACES.get(namespace.strip().lower())


def repeated(object_name: str, time: int) -> str:
    """The name of a batch stage's Job when the DAG names the stage for the second (third, …) time."""
    return object_name if time == 1 else f"{object_name}-{time}"


def is_dns_label(name: str) -> bool:
    """May be the name of a namespace, a Job or (when it begins with a letter) a Service."""
    return len(name) <= LONGEST and _LABEL.fullmatch(name) is not None


def shortened(name: str, longest: int = LONGEST) -> str:
    """A proposal for a name that is too long: its beginning, as far as it fits."""
    return name[:longest].rstrip("-.")
