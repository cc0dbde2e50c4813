"""What the driver itself needs: CPU time and memory, over many stages and over many lines of log.

The cluster is of paper (tests/unit/runner/fakes.py): objects, pods and logs of a run that goes well, as a real one sends them, so that nothing but
the driver is measured. Each run is a process of its own. Ratios are between a long run and a short one: memory that is flat has 1.0.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "unit" / "runner")]
LINE = b"epoch 17: loss 0.25, accuracy 0.97, 1.5 s; nothing in it is a secret\n"
PER_MB = 1024 if sys.platform != "darwin" else 1024 * 1024
CPU_BAR = "1 s + 10 ms a stage"


@dataclass(frozen=True)
class Case:
    """`lines` are of each stage's log."""

    stages: int
    in_a_step: int
    lines: int = 20


@dataclass(frozen=True)
class Measured:
    """`plan_mb` is the peak when the run begins: Python, our modules, and the plan with all its manifests, which every run holds."""

    cpu_seconds: float
    peak_mb: float
    plan_mb: float


SHORT, LONG = Case(stages=100, in_a_step=10), Case(stages=1000, in_a_step=10)
FEW_LINES, MANY_LINES = Case(stages=1, in_a_step=1, lines=10_000), Case(stages=1, in_a_step=1, lines=1_000_000)


def run(case: Case) -> Measured:
    """One run, here, to its end."""
    from fakes import PaperCluster, a_job, a_plan, closing

    @dataclass
    class Recorded(PaperCluster):
        """Each Job that is applied has run well, in one pod."""

        pods: set[str] = field(default_factory=set)

        def put(self, obj: dict[str, Any]) -> dict[str, Any]:
            kept = super().put(obj)
            if obj["kind"] == "Job" and obj["metadata"]["name"] not in self.pods:
                self.pods.add(obj["metadata"]["name"])
                pod = super().put(pod_of(kept))
                super().put({**kept, "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}})
                del self.objects["Pod", pod["metadata"]["name"]]  # it was told; what a cluster keeps is none of the driver's memory
            return kept

        def log(self, pod: str, query: Mapping[str, str]) -> Iterator[bytes]:  # noqa: ARG002 - the API's
            if query.get("container") == "stage":
                for _ in range(max(case.lines // 100, 1)):
                    yield LINE * min(case.lines, 100)

    cluster = Recorded()
    cluster.put({"kind": "Namespace", "metadata": {"name": "lab"}})
    plan = a_plan(*(a_job(f"stage-{number}", number // case.in_a_step + 1) for number in range(case.stages)))
    from fakes import HERE as WHERE
    from fakes import a_session

    from bodywork_compiler.report import View, choose
    from bodywork_compiler.runner import run as runner

    before, plan_mb = cpu(), peak_mb()
    with (
        Path(sys.argv[2] if len(sys.argv) > 2 else "/dev/null").open("w") as sink,
        closing(a_session(cluster, plan, Told(choose(View(output="text"), sink)))) as session,
    ):
        code = runner.execute(session, runner.about_to_start(plan, WHERE))
    assert code == 0
    return Measured(cpu() - before, peak_mb(), plan_mb)


class Told(list[Any]):
    """What is told goes to the report, and is not kept."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        super().__init__()
        self.append = tell  # type: ignore[method-assign]  # that is all that is done with it


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    name, at = job["metadata"]["name"], "2026-11-21T12:00:00Z"
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}
    return {
        "kind": "Pod",
        "metadata": {"name": f"{name}-x7x2k", "labels": job["metadata"]["labels"], "ownerReferences": [owner]},
        "spec": {"initContainers": [{"name": "fetch"}], "containers": [{"name": "stage"}]},
        "status": {
            "phase": "Succeeded",
            "initContainerStatuses": [{"name": "fetch", "restartCount": 0, "state": ended}],
            "containerStatuses": [{"name": "stage", "restartCount": 0, "state": ended}],
        },
    }


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PER_MB


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def elsewhere(case: Case) -> Measured:
    done = subprocess.run([sys.executable, __file__, json.dumps(case.__dict__)], check=True, capture_output=True, text=True)
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    if len(sys.argv) > 1:
        measured = run(Case(**json.loads(sys.argv[1])))
        print(json.dumps([measured.cpu_seconds, measured.peak_mb, measured.plan_mb]))
        return
    short, long, few, many = (elsewhere(case) for case in (SHORT, LONG, FEW_LINES, MANY_LINES))
    print("| what | short run | long run | ratio | bar | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for what, one, other, bar in (
        (f"memory beyond the plan's, {SHORT.stages} and {LONG.stages:,} stages", short, long, 1.3),
        (f"memory beyond the plan's, {FEW_LINES.lines:,} and {MANY_LINES.lines:,} lines of log", few, many, 1.1),
    ):
        # as a part of the whole process: what has grown since the plan was read
        ratio = other.peak_mb / (other.plan_mb + one.peak_mb - one.plan_mb)
        grown = [f"{each.plan_mb:.0f} + {each.peak_mb - each.plan_mb:.1f} MB" for each in (one, other)]
        print(f"| {what} | {grown[0]} | {grown[1]} | {ratio:.2f} | {bar} | {'within' if ratio <= bar else 'OVER'} |")
    for case, measured in ((SHORT, short), (LONG, long)):
        bar_seconds = 1 + 0.01 * case.stages
        verdict = "within" if measured.cpu_seconds <= bar_seconds else "OVER"
        share = measured.cpu_seconds / bar_seconds
        print(f"| CPU of {case.stages:,} stages | | {measured.cpu_seconds:.2f} s | {share:.2f} of {CPU_BAR} | 1 | {verdict} |")


if __name__ == "__main__":
    main()
