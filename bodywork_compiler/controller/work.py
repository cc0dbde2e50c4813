"""What a pod of the controller does: one `bodywork apply` of a repository. Its command line is the one place that says which."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.names import CONTROLLER_ACCOUNTS
from bodywork_compiler.runner.groups import NAMESPACE
from bodywork_compiler.values import value

ACCOUNT = CONTROLLER_ACCOUNTS[0]
PROGRAM = "bodywork"
DEFAULT_RETRIES = 1
_OPTIONS = ("branch", "folder", "namespace", "schedule-timeout")
_VERBS = {PROGRAM, "apply", "create", "deployment", "workflow"}
_ALWAYS = ("--yes", "--wait-lock=15m")  # nobody is there to be asked; another run of the pipeline is waited for


@value
class Apply:
    """What is applied: `url` has no credentials in it. `namespace` is the pipeline's, where it is not its config that says it.

    `schedule_timeout` as `apply` takes it; None: its default.
    """

    url: str
    branch: str | None = None
    folder: str | None = None
    namespace: str | None = None
    schedule_timeout: str | None = None

    @property
    def args(self) -> tuple[str, ...]:
        named = [(name, getattr(self, name.replace("-", "_"))) for name in _OPTIONS]
        return ("apply", self.url, *(f"--{name}={given}" for name, given in named if given), *_ALWAYS)


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


def apply_in(args: Sequence[str]) -> Apply:
    """Read back from `apply URL --branch=B`, v3's `create deployment URL [--branch=B]` or v1's `workflow --namespace=NS URL BRANCH`."""
    options: dict[str, str] = {}
    words: list[str] = []
    given = (word.replace("$$", "$") for word in args)  # as Kubernetes would
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
        schedule_timeout=options.get("schedule-timeout"),
    )
