"""What a pod of the controller does: one `bodywork apply` of a repository. Its command line is the one place that says what."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.runner.groups import NAMESPACE
from bodywork_compiler.values import value

ACCOUNT = "bodywork-workflow-controller"
PROGRAM = "bodywork"
DEFAULT_RETRIES = 1


@value
class SshKey:
    """The secret that holds the key, and under which of its keys; it stands where the pod does."""

    secret: str
    key: str


@value
class Work:
    """`url` has no credentials in it. `namespace` is where the pod stands, `pipeline_namespace` the one that the run is told, if any."""

    url: str
    image: str
    branch: str | None = None
    folder: str | None = None
    pipeline_namespace: str | None = None
    retries: int = DEFAULT_RETRIES
    ssh: SshKey | None = None
    namespace: str = NAMESPACE

    @property
    def args(self) -> tuple[str, ...]:
        named = {"branch": self.branch, "folder": self.folder, "namespace": self.pipeline_namespace}
        return ("apply", self.url, *(f"--{name}={given}" for name, given in named.items() if given), *_ALWAYS)


# nobody is there to be asked; another run of the pipeline is waited for
_ALWAYS = ("--yes", "--wait-lock=15m")


@value
class Told:
    """What a command line of ours or of the ancestor's is about."""

    url: str = ""
    branch: str | None = None
    folder: str | None = None
    pipeline_namespace: str | None = None


def told(args: Sequence[str]) -> Told:
    """Read back from `apply URL --branch=B`, v3's `create deployment URL [--branch=B]` or v1's `workflow --namespace=NS URL BRANCH`."""
    options, words = {}, []
    given = iter(args)
    for word in given:
        name, equals, text = word.partition("=")
        if name in _OPTIONS:
            options[name] = text if equals else next(given, "")
        elif not word.startswith("-") and word not in _VERBS:
            words.append(word)
    return Told(
        url=words[0] if words else "",
        branch=options.get("--branch") or (words[1] if len(words) > 1 else None),
        folder=options.get("--folder"),
        pipeline_namespace=options.get("--namespace") or options.get("--ns"),
    )


_OPTIONS = {"--branch", "--folder", "--namespace", "--ns"}
_VERBS = {PROGRAM, "apply", "create", "deployment", "workflow"}
