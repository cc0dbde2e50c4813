"""What `render` can be told about the objects that it makes, how long things may take, and what a user should know of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bodywork_compiler.compiler.engine import without_use
from bodywork_compiler.project import Batch, PodSecurity, Project, Service, Stage
from bodywork_compiler.values import value

PREPARATION_SECONDS = 900  # for scheduling, pulling the image, fetch and install: not the stage's own time
SLACK_SECONDS = 600
DEFAULT_STARTUP_SECONDS = 60

# between attempts: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy
_FIRST_PAUSE_SECONDS = 10
_LONGEST_PAUSE_SECONDS = 360
# a Job controller counts in nanoseconds of 64 bits: of more than 292 years it makes less than nothing, and fails the Job at once (seen)
_LONGEST_NET_SECONDS = 2**31 - 1
_DOUBLINGS = 6  # 10, 20, 40, 80, 160, 320, then 360 for ever

Pairs = tuple[tuple[str, str], ...]


def active_deadline_seconds(batch: Batch) -> int | None:
    """The net under a Job: when all its attempts, each with its time limit, must be over. None where there is no limit, or none in a lifetime.

    A Job that comes to it loses its pod with the logs, so it is far: the limit itself is kept by the start script.
    """
    if batch.max_completion_time_seconds == 0:
        return None
    attempts = (batch.retries + 1) * (batch.max_completion_time_seconds + PREPARATION_SECONDS)
    net = attempts + _pauses_seconds(batch.retries) + SLACK_SECONDS
    return net if net <= _LONGEST_NET_SECONDS else None


def startup_seconds(max_startup_time_seconds: int) -> int:
    return max_startup_time_seconds or DEFAULT_STARTUP_SECONDS


def requests(stage: Stage) -> Pairs:
    return _quantities(stage.cpu_request, stage.memory_request_mb)


def limits(stage: Stage) -> Pairs:
    return _quantities(stage.cpu_limit or 0, stage.memory_limit_mb or 0)


def disk_limit(stage: Stage) -> str | None:
    return f"{stage.disk_limit_mb}M" if stage.disk_limit_mb else None


def _pauses_seconds(retries: int) -> int:
    doubled = min(retries, _DOUBLINGS)
    return _FIRST_PAUSE_SECONDS * ((1 << doubled) - 1) + _LONGEST_PAUSE_SECONDS * (retries - doubled)


def _quantities(cores: float, megabytes: int) -> Pairs:
    cpu = (("cpu", _cores(cores)),) if cores else ()
    return (*cpu, ("memory", f"{megabytes}M")) if megabytes else cpu


def _cores(cores: float) -> str:
    """Whole cores or thousandths, of which Kubernetes knows no smaller part; as `kubectl` shows them."""
    thousandths = max(1, round(cores * 1000))
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


DEFAULT_INGRESS_CLASS = "nginx"


@value
class RenderOptions:
    """`namespace` and `pod_security` override the config's where they are given.

    Without `with_namespace` there is no Namespace object and no object names its namespace. `template_folders` are searched for templates
    before the package's own, in this order; `foreign_template` says why a file may not be read as one of them, or None. With `argo_cd` the steps are
    sync waves and the batch stages hooks. `allow_privileges`: templates may ask for what `manifests.privileges` refuses.
    """

    namespace: str | None = None
    with_namespace: bool = True
    ingress_class: str = DEFAULT_INGRESS_CLASS
    pod_security: PodSecurity | None = None
    argo_cd: bool = False
    allow_privileges: bool = False
    template_folders: tuple[Path, ...] = ()
    foreign_template: Callable[[Path], str | None] | None = None


def notes_about(project: Project, options: RenderOptions) -> tuple[str, ...]:
    """One sentence each, for stderr."""
    return (*_of_ingress_class(project, options), *_of_templates(options))


def _of_ingress_class(project: Project, options: RenderOptions) -> Iterator[str]:
    exposed = [stage.name for stage in project.stages if isinstance(stage.work, Service) and stage.work.ingress]
    if exposed and options.ingress_class != DEFAULT_INGRESS_CLASS:
        yield (
            f"ingress class {options.ingress_class}: no rewriting is known for it, so {', '.join(exposed)} will see the whole path, "
            "/NAMESPACE/STAGE/…"
        )


def _of_templates(options: RenderOptions) -> Iterator[str]:
    """A name that is mistyped would be missed in silence."""
    for path, near in without_use(options.template_folders):
        yield f"template {path}: overrides nothing, and no template includes it" + (f"; did you mean {near}?" if near else "")
