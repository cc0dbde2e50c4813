"""Which refusals are for good and which may pass: words of registries, kubelets and the API server, as they were seen.

A refusal that may pass is waited out; one for good dooms the stage at once. Whatever matches nothing is waited out: a run that waits too
long ends at its deadline, a run that gives up too early has failed a good stage.
"""

from __future__ import annotations

import re

# "failed to do request: Head …: dial tcp: lookup … no such host"; "503 Service Unavailable"; "429 Too Many Requests"
_REGISTRY_MAY_PASS = re.compile(
    r"failed to do request|dial tcp|no such host|i/o timeout|deadline exceeded|connection (refused|reset)|TLS handshake timeout|unexpected EOF|"
    r"\b429\b|too ?many ?requests|\b5\d\d (Internal|Bad|Service|Gateway)",
    re.IGNORECASE,
)
_REGISTRY_SAYS = (
    # a registry that hides what one may not see answers "pull access denied, repository does not exist or may require authorization"
    (re.compile(r"pull access denied|insufficient_scope", re.IGNORECASE), "not found, or its registry wants a login that was not given"),
    (re.compile(r"\b403\b|\bdenied\b", re.IGNORECASE), "must not be pulled from here (403)"),
    (re.compile(r"failed to authorize|authorization failed|\b401\b|unauthorized", re.IGNORECASE), "wants a login that was not given (401)"),
    (re.compile(r"no match for platform|no matching manifest", re.IGNORECASE), "is not made for this node's kind of processor"),
    (re.compile(r"not found|manifest unknown|name unknown", re.IGNORECASE), "not found"),
)
_CONFIG_IS_WRONG = re.compile(
    r'(secret|configmap) "[^"]*" not found|couldn\'t find key|references non-existent (secret|config) key|runAsNonRoot|non-numeric user',
)
# admission webhooks that do not answer, a busy API server, https://github.com/kubernetes/kubernetes/issues/67761 (quota races)
_CREATION_MAY_PASS = re.compile(
    r"failed calling webhook|timeout|timed out|connection refused|try again|object has been modified|Internal error occurred|"
    r"status unknown for quota|EOF",
    re.IGNORECASE,
)
_CREATION_NEVER = re.compile(r"is forbidden|is invalid|not found|being terminated|denied the request|must specify", re.IGNORECASE)
_SERVICE_ACCOUNT_MISSING = re.compile(r'serviceaccount "[^"]*" not found')
_QUOTA = re.compile(r"exceeded quota: (?P<name>[^,:]+), requested: (?P<requested>[^:]*), used: (?P<used>[^:]*), limited: (?P<limited>.*)")
_QUANTITY = re.compile(r"(?P<number>[0-9.]+)(?P<unit>[a-zA-Z]*)$")
_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}

SERVICE_ACCOUNT_GRACE_SECONDS = 5  # a new namespace gets its account `default` a moment later


def image_doom(image: str, reason: str, message: str) -> str | None:
    """Why the image can never be had, or None: it may come yet. A back-off tells of the pull before it, newer kubelets in its message."""
    if reason == "InvalidImageName":
        return f"image {image} has an impossible name"
    if reason == "ErrImageNeverPull":
        return f"image {image} is not on the node, and its pull policy is Never"
    said = message.replace(image, "")  # its own name may hold any of the words looked for
    if reason not in {"ErrImagePull", "ImagePullBackOff"} or _REGISTRY_MAY_PASS.search(said):
        return None
    return next((f"image {image} {words}" for pattern, words in _REGISTRY_SAYS if pattern.search(said)), None)


def config_doom(message: str) -> str | None:
    """Why a container can never be made from what is in the namespace, or None."""
    return message if _CONFIG_IS_WRONG.search(message) else None


def creation_doom(message: str, seconds: float) -> str | None:
    """Why pods can never be made, or None: the controller's next try may do it."""
    if _CREATION_MAY_PASS.search(message):
        return None
    if _SERVICE_ACCOUNT_MISSING.search(message) and seconds < SERVICE_ACCOUNT_GRACE_SECONDS:
        return None
    quota = _QUOTA.search(message)
    if quota and not _never_fits(quota["requested"], quota["limited"]):
        return None
    return refused(message) if _CREATION_NEVER.search(message) else None


def refused(message: str) -> str:
    """The API server's words without what says nothing to a user: `Error creating: pods "x-" is forbidden: …`."""
    return "its pods are refused: " + re.sub(
        r'^(Error creating: |Error from server \(\w+\): )?(pods|Pod) "[^"]*" is (forbidden|invalid): ', "", message
    )


def _never_fits(requested: str, limited: str) -> bool:
    """Whether one pod asks for more than the whole quota; else other pods hold it, and may end."""
    limits = _amounts(limited)
    return any(amount > limits.get(resource, amount) for resource, amount in _amounts(requested).items())


def _amounts(text: str) -> dict[str, float]:
    pairs = (pair.partition("=") for pair in text.split(","))
    return {resource.strip(): amount(value) for resource, _, value in pairs}


def amount(quantity: str) -> float:
    """Kubernetes' quantity as a number: `500m` is 0.5, `1Ki` is 1024; one that cannot be read is 0."""
    match = _QUANTITY.match(quantity.strip())
    return float(match["number"]) * _UNITS.get(match["unit"], 1.0) if match else 0.0
