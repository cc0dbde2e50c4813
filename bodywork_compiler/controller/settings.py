"""What a cluster remembers for the controller: one ConfigMap beside the controller's account."""

from __future__ import annotations

from bodywork_compiler.api import Api, NotThere, Refused
from bodywork_compiler.runner.groups import NAMESPACE

NAME = "bodywork-controller"
IMAGE = "image"


def remembered_image(api: Api) -> str | None:
    """The image that `configure-cluster --image` named; None where it named none, or where we may not know."""
    try:
        found = api.elsewhere(NAMESPACE).find("ConfigMap", NAME)
    except (NotThere, Refused):
        return None
    return ((found or {}).get("data") or {}).get(IMAGE) or None
