"""What a pod of the controller does: one `bodywork apply` of a repository. Its command line is the one place that says which."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.compiler import limits
from bodywork_compiler.names import CONTROLLER_ACCOUNTS
from bodywork_compiler.project import Batch
from bodywork_compiler.run_options import seconds_of
from bodywork_compiler.runner.groups import NAMESPACE
from bodywork_compiler.values import value

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
    return (
        limits.active_deadline_seconds(Batch(max_completion_time_seconds=int(seconds) + _WAITS_SECONDS, retries=retries))
        if seconds
        else None
    )


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
