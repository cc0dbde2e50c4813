"""What a pod of the controller does, one `bodywork apply` of a repository, and in which image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bodywork_compiler import __version__
from bodywork_compiler.api import Api, NotThere, Object, Refused
from bodywork_compiler.compiler.options import active_deadline_seconds
from bodywork_compiler.names import CONTROLLER_ACCOUNTS
from bodywork_compiler.project import Batch
from bodywork_compiler.run_options import seconds_of
from bodywork_compiler.runner.copies import NAMESPACE
from bodywork_compiler.runner.verdicts.pods import containers, state
from bodywork_compiler.runner.verdicts.values import one_line
from bodywork_compiler.values import value

NAME = "bodywork-controller"
IMAGE = "image"


def remembered_image(api: Api) -> str | None:
    """The image that `configure-cluster --image` named; None where it named none, or where we may not know."""
    try:
        found = api.elsewhere(NAMESPACE).find("ConfigMap", NAME)
    except (NotThere, Refused):
        return None
    return ((found or {}).get("data") or {}).get(IMAGE) or None


ACCOUNT = CONTROLLER_ACCOUNTS[0]
PROGRAM = "bodywork"
DEFAULT_RETRIES = 1
DEFAULT_TIMEOUT = "24h"  # of a run: one that hangs would keep all later ones of its schedule from beginning
_OPTIONS = ("branch", "folder", "namespace", "manifests", "timeout", "schedule-timeout")
_NO_TEMPLATES, _PRIVILEGES = "--no-project-templates", "--allow-privileges"
_WAITS_SECONDS = 1800  # for another run of the pipeline, and for its own end in good order
_VERBS = {PROGRAM, "apply", "create", "deployment", "workflow"}
_ALWAYS = ("--yes", "--wait-lock=15m")  # nobody is there to be asked; another run of the pipeline is waited for


@value
class Apply:
    """What is applied: `url` has no credentials in it. `namespace` is the pipeline's, where it is not its config that says it.

    `manifests` is a folder of the repository whose manifests are executed as they are: nothing is compiled. `timeout` and `schedule_timeout` as
    `apply` takes them; None: its defaults. Templates of the project, and privileges, only where whoever made this said so.
    """

    url: str
    branch: str | None = None
    folder: str | None = None
    namespace: str | None = None
    manifests: str | None = None
    timeout: str | None = None
    schedule_timeout: str | None = None
    project_templates: bool = False
    allow_privileges: bool = False

    @property
    def args(self) -> tuple[str, ...]:
        named = [(name, getattr(self, name.replace("-", "_"))) for name in _OPTIONS]
        flags = ((_NO_TEMPLATES, not (self.project_templates or self.manifests)), (_PRIVILEGES, self.allow_privileges))
        return (
            "apply",
            self.url,
            *(f"--{name}={given}" for name, given in named if given),
            *(flag for flag, is_given in flags if is_given),
            *_ALWAYS,
        )


@value
class SshKey:
    """The secret that holds the key, and under which of its keys; it stands where the pod does."""

    secret: str
    key: str


@value
class Work:
    """`retries`: how often the whole run is begun again after it failed. `token`: the secret of an https address, where there is one.

    `namespace` is where the pod stands, and these secrets.
    """

    apply: Apply
    image: str
    retries: int = DEFAULT_RETRIES
    ssh: SshKey | None = None
    token: str | None = None
    namespace: str = NAMESPACE

    @property
    def deadline_seconds(self) -> int | None:
        """The net under a Job: when all its runs must be over, although none has ended by its own limit. None where they have none."""
        return deadline_seconds(self.apply.timeout, self.retries)


def deadline_seconds(timeout: str | None, retries: int) -> int | None:
    seconds = seconds_of(timeout) if timeout else None
    return active_deadline_seconds(Batch(max_completion_time_seconds=int(seconds) + _WAITS_SECONDS, retries=retries)) if seconds else None


def apply_in(args: Sequence[str]) -> Apply:
    """Read back from `apply URL --branch=B`, v3's `create deployment URL [--branch=B]` or v1's `workflow --namespace=NS URL BRANCH`."""
    options: dict[str, str] = {}
    words: list[str] = []
    given = (word.replace("$$", "$") for word in args)  # as Kubernetes would
    is_ours = "apply" in args and _NO_TEMPLATES not in args
    for word in given:
        name, equals, text = word.partition("=")
        if name.removeprefix("--") in (*_OPTIONS, "ns"):
            options[name.removeprefix("--")] = text if equals else next(given, "")
        elif not word.startswith("-") and word not in _VERBS:
            words.append(word)
    return Apply(
        url=words[0] if words else "",
        branch=options.get("branch") or (words[1] if len(words) > 1 else None),
        folder=options.get("folder"),
        namespace=options.get("namespace") or options.get("ns"),
        manifests=options.get("manifests"),
        timeout=options.get("timeout"),
        schedule_timeout=options.get("schedule-timeout"),
        project_templates=is_ours and "manifests" not in options,
        allow_privileges=_PRIVILEGES in args,
    )


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
