"""Which image the controller's pods run, and what can be known of it before they do: it is published nowhere yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bodywork_compiler import __version__
from bodywork_compiler.api import Api, Object, Refused
from bodywork_compiler.controller.settings import remembered_image
from bodywork_compiler.runner.verdicts.pods import containers, state
from bodywork_compiler.runner.verdicts.values import one_line
from bodywork_compiler.values import value

DEFAULT_IMAGE = f"bodywork-controller:{__version__}"  # the tag that `make image` gives
VARIABLE = "BODYWORK_IMAGE"
_DOCKER_HUB = "docker.io"
_NOT_PULLED = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
HOW_TO_HAVE_ONE = (
    "make image builds it, in a checkout of Bodywork; make image-kind brings it to kind; else push it to a registry that the cluster can pull from, "
    "and say so: bodywork configure-cluster --image IMAGE, or --image IMAGE here."
)


@value
class ChosenImage:
    """`warnings`: what lets one expect that it cannot be had; the image may come later."""

    name: str
    warnings: tuple[str, ...] = ()


def image_given(given: str | None, environ: Mapping[str, str]) -> str | None:
    """What a person said: on the command line, else by the environment."""
    return given or environ.get(VARIABLE) or None


def choose_image(api: Api, given: str | None) -> ChosenImage:
    """`given`, else what `configure-cluster --image` remembered, else the tag that `make image` gives. A config's image is that of stages, and none of these."""
    named = given or remembered_image(api)
    image = named or DEFAULT_IMAGE
    on_a_node = _is_on_a_node(api, image)
    if on_a_node:
        return ChosenImage(name=image)
    return ChosenImage(name=image, warnings=tuple(_warnings(api, image, is_default=named is None, is_on_no_node=on_a_node is False)))


def _warnings(api: Api, image: str, *, is_default: bool, is_on_no_node: bool) -> Iterator[str]:
    failed = _last_failure(api, image)
    if failed:
        yield f"the cluster could not pull the controller's image {image} before: {failed}"
    elif is_default:
        yield f"no image of the controller is known, so {image} is taken, which is published nowhere"
    elif is_on_no_node and not has_registry(image):
        yield f"the cluster cannot pull the controller's image {image}: it names no registry, and no node lists it"
    else:
        return
    yield HOW_TO_HAVE_ONE


def _is_on_a_node(api: Api, image: str) -> bool | None:
    """None: the nodes may not be looked at. A node lists its fifty largest images only."""
    try:
        nodes = api.list("Node", {})[0]
    except Refused:
        return None
    names = {each for node in nodes for image in (node.get("status") or {}).get("images") or () for each in image.get("names") or ()}
    return whole_name(image) in {whole_name(each) for each in names}


def _last_failure(api: Api, image: str) -> str | None:
    for pod in api.list("Pod", {})[0]:
        for status, _ in containers(pod):
            waiting = state(status).get("waiting") or {}
            if waiting.get("reason") in _NOT_PULLED and _image_of(pod, str(status["name"])) == image:
                return one_line(str(waiting.get("message") or waiting["reason"]))
    return None


def _image_of(pod: Object, container: str) -> str | None:
    return next((str(each.get("image")) for each in pod["spec"]["containers"] if each["name"] == container), None)


def has_registry(image: str) -> bool:
    """As Docker tells a registry's name from an owner's: by a dot, a port or `localhost`."""
    first, slash, _ = image.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def whole_name(image: str) -> str:
    """`iris` is docker.io/library/iris:latest to whoever pulls it."""
    if not has_registry(image):
        image = f"{_DOCKER_HUB}/{image}" if "/" in image else f"{_DOCKER_HUB}/library/{image}"
    return image if "@" in image or ":" in image.rpartition("/")[2] else f"{image}:latest"
