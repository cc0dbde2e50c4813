"""How a config's names become names of Kubernetes objects. Pure; config checks with it, the compiler names with it."""

from __future__ import annotations

import re
from typing import NamedTuple

# object names of Jobs and Services, and every label's value: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
LONGEST = 63
LONGEST_SUBDOMAIN = 253
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
# https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*")
_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_KIND = re.compile(r"[A-Za-z](?:[-A-Za-z0-9]*[A-Za-z0-9])?")
_DATA_KEY = re.compile(r"(?!\.\.)(?!\.$)[-._a-zA-Z0-9]{1,253}")


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


def is_dns_subdomain(name: str) -> bool:
    """May be the name of most objects: ConfigMaps, Secrets, Deployments."""
    return len(name) <= LONGEST_SUBDOMAIN and _SUBDOMAIN.fullmatch(name) is not None


def is_service_name(name: str) -> bool:
    """May be the name of a Service, which becomes a host's name: it begins with a letter (DNS-1035)."""
    return is_dns_label(name) and name[0].isalpha()


def is_path_segment(name: str) -> bool:
    """The least that is asked of any object's name, since it becomes a part of an address: Roles, custom resources."""
    return 0 < len(name) <= LONGEST_SUBDOMAIN and name not in {".", ".."} and not set("/%") & set(name) and name.isprintable()


def is_label_value(text: str) -> bool:
    return not text or (len(text) <= LONGEST and _QUALIFIED.fullmatch(text) is not None)


def is_label_key(text: str) -> bool:
    """`app`, or with a domain in front: `app.kubernetes.io/name`."""
    prefix, slash, name = text.rpartition("/")
    return (not slash or is_dns_subdomain(prefix)) and bool(name) and is_label_value(name)


def is_kind(text: str) -> bool:
    """`Deployment`; in lower case it is a DNS-1035 label."""
    return len(text) <= LONGEST and _KIND.fullmatch(text) is not None


def is_api_version(text: str) -> bool:
    """`v1`, `apps/v1`."""
    group, slash, version = text.rpartition("/")
    return (not slash or is_dns_subdomain(group)) and is_service_name(version)


def is_data_key(text: str) -> bool:
    """May be a key of a Secret or a ConfigMap, and so the name of a file."""
    return _DATA_KEY.fullmatch(text) is not None


def shortened(name: str, longest: int = LONGEST) -> str:
    """A proposal for a name that is too long: its beginning, as far as it fits."""
    return name[:longest].rstrip("-.")
