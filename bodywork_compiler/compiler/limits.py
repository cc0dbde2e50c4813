"""How long things may take, and the quantities that containers ask for, in Kubernetes' own terms."""

from __future__ import annotations

from bodywork_compiler.project import Batch, Stage

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
