"""A whole run on this machine: steps one after the other, its stages side by side; what happens is told in the events of a run on a cluster."""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bodywork_compiler.local.pod import GRACE_SECONDS, Message, Pod
from bodywork_compiler.local.stage import Stage
from bodywork_compiler.local.workloads import Workload, workload_of
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.events import Event, Evidence, Notice, RunEnded, RunResult, RunStarted, StageEnded, StagePlan, StepStarted
from bodywork_compiler.runner.failure_stage import with_reason
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.verdict import Verdict

EXITS: Mapping[RunResult, int] = {"succeeded": 0, "failed": 4, "timed out": 70}
TICK_SECONDS, SLOW_TICK_SECONDS = 0.1, 1.0
GIVE_UP_SECONDS = GRACE_SECONDS + 10.0  # on what even SIGKILL does not end: a program that hangs in the kernel
MOST_ENDS_AFTER = 3  # of a service that had been available


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What will be run: the stages of each step, and the failure stage's Job; `ports` are those of the services, `skipped` says why a stage is not run."""

    steps: Sequence[tuple[int, Sequence[Workload]]]
    on_failure: KubeObject | None
    ports: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[tuple[int, str], str] = field(default_factory=dict)
    look_further: Callable[[str], Sequence[str]] = lambda _: ()


@dataclass(slots=True, kw_only=True)
class Run:
    """`messages` is what pods post; `None` wakes the loop. `signals` counts Ctrl-C and its like."""

    steps: Steps
    make_pod: Callable[[Workload, int], Pod]
    messages: queue.SimpleQueue[Message | None]
    tell: Callable[[Event], None]
    mask: Mask
    timeout_seconds: float | None = None
    stays: bool = False
    clock: Callable[[], float] = time.monotonic
    signals: int = 0
    last_signal: int = 0
    stages: list[Stage] = field(default_factory=list)
    began: float = 0.0
    _by_pod: dict[str, Stage] = field(default_factory=dict)

    def go(self, started: RunStarted) -> int:
        """Run it to its end; what it started has ended then, but for the services of a good run."""
        self.began = self.clock()
        result, reason = self._run_steps()
        if result != "succeeded":
            self._run_failure_stage(reason or result)
        if result != "succeeded" or not self.stays:
            self._end_all()
        ended = {(each.step, each.name): each for stage in self.stages if (each := stage.ended)}
        self.tell(
            RunEnded(
                result=result,
                exit_code=self._exit_code(result),
                seconds=self.clock() - self.began,
                pipeline=started.pipeline,
                namespace=started.namespace,
                git_commit=started.git_commit,
                stages=tuple(ended.get((plan.step, plan.name)) or self._not_run(plan) for plan in started.stages),
                reason=reason,
                on_this_machine=True,
            )
        )
        return self._exit_code(result)

    def hold(self) -> int:
        """Until a signal, of which Ctrl-C is the good end: the services of a good run go on, and are started again when they end."""
        services = [stage for stage in self.stages if stage.workload.is_service]
        before = self.signals
        self._notice(f"until Ctrl-C: {', '.join(f'{each.workload.stage} at http://localhost:{each.port}' for each in services)}")
        ends = {stage.workload.name: stage.seen.pods[-1].main.starts for stage in services}
        while self.signals == before:
            self._take(SLOW_TICK_SECONDS)
            for stage in services:
                main = stage.seen.pods[-1].main
                if not main.running and main.starts == ends[stage.workload.name]:
                    ends[stage.workload.name] += 1
                    self._notice(f"{stage.workload.stage} has ended (exit code {main.code}); it is started again", "WARNING")
                if main.starts > MOST_ENDS_AFTER and not main.running:
                    self._notice(f"{stage.workload.stage} has ended {main.starts} times: given up", "ERROR")
                    self._end_all()
                    return EXITS["failed"]
        self._end_all()
        return 0 if self.last_signal == signal.SIGINT else 128 + self.last_signal

    def _exit_code(self, result: RunResult) -> int:
        return 128 + self.last_signal if result == "interrupted" else EXITS[result]

    def close(self) -> None:
        self._end_all()

    def _run_steps(self) -> tuple[RunResult, str | None]:
        for number, workloads in self.steps.steps:
            result, reason = self._run_step(number, workloads)
            if result != "succeeded":
                return result, reason
        return "succeeded", None

    def _run_step(self, number: int, workloads: Sequence[Workload]) -> tuple[RunResult, str | None]:
        if self.signals:
            return "interrupted", "interrupted"
        self.tell(StepStarted(step=number, stages=tuple(each.stage for each in workloads)))
        stages = [self._begin(each) for each in workloads]
        while not self.signals:
            for stage in stages:
                self._look(stage)
            bad = [stage for stage in stages if _is_bad(stage.verdict)]
            if bad:
                return self._fail(bad, stages)
            if all(stage.ended for stage in stages):
                return "succeeded", None
            if self._is_late():
                self._stop(stages, "the run's time was over")
                return "timed out", f"the run took longer than {self.timeout_seconds:g} s"
            self._take(TICK_SECONDS)
        self._stop(stages, "interrupted")
        return "interrupted", "interrupted"

    def _begin(self, workload: Workload) -> Stage:
        stage = Stage(
            workload=workload,
            make_pod=self._pod,
            tell=self.tell,
            port=self.steps.ports.get(workload.stage) if workload.is_service else None,
        )
        self.stages.append(stage)
        stage.begin()
        return stage

    def _pod(self, workload: Workload, number: int) -> Pod:
        pod = self.make_pod(workload, number)
        self._by_pod[pod.name] = next(stage for stage in reversed(self.stages) if stage.workload is workload)
        return pod

    def _look(self, stage: Stage) -> None:
        if stage.ended or _is_bad(stage.verdict):
            return
        stage.look()
        if stage.verdict.state == "good":
            stage.end("available" if stage.workload.is_service else "succeeded")

    def _fail(self, bad: Sequence[Stage], stages: Sequence[Stage]) -> tuple[RunResult, str | None]:
        """Evidence first; then nothing of the step runs on."""
        reasons = []
        for stage in bad:
            verdict = stage.verdict
            self._tell_evidence(stage)
            stage.end("timed out" if verdict.state == "timed out" else "failed", verdict.message)
            reasons.append(f"{stage.workload.stage} (step {stage.workload.step}): {verdict.message}")
        self._stop([stage for stage in stages if not stage.ended], "another stage of its step failed")
        for stage in bad:
            stage.stop()
        return "timed out" if bad[0].verdict.state == "timed out" else "failed", "; ".join(reasons)

    def _tell_evidence(self, stage: Stage) -> None:
        stage.stop()
        self._wait_for([stage])
        workload = stage.workload
        self.tell(
            Evidence(
                step=workload.step,
                stage=workload.stage,
                reason=stage.verdict.message,
                tails=tuple(stage.tails()),
                look_further=tuple(self.steps.look_further(workload.stage)),
            )
        )

    def _run_failure_stage(self, reason: str) -> None:
        """Whatever becomes of it, the run's result stays what it was."""
        job = self.steps.on_failure
        if job is None or not self.stages or self.signals > 1:
            return
        step = max(number for number, _ in self.steps.steps) + 1
        workload = workload_of(KubeObject(with_reason(job.body, self.mask.text(reason))), step)
        self.tell(StepStarted(step=step, stages=(workload.stage,)))
        stage = self._begin(workload)
        before = self.signals
        while not stage.ended and not _is_bad(stage.verdict) and self.signals == before:
            self._look(stage)
            self._take(TICK_SECONDS)
        if _is_bad(stage.verdict):
            self._tell_evidence(stage)
            stage.end("timed out" if stage.verdict.state == "timed out" else "failed", stage.verdict.message)
        elif not stage.ended:
            self._stop([stage], "interrupted")

    def _stop(self, stages: Sequence[Stage], why: str) -> None:
        for stage in stages:
            stage.stop()
        self._wait_for(stages)
        for stage in stages:
            if not stage.ended:
                stage.end("stopped", why)

    def _end_all(self) -> None:
        for stage in self.stages:
            stage.stop()
        self._wait_for(self.stages)

    def _wait_for(self, stages: Sequence[Stage]) -> None:
        """Until nothing of them runs. Another signal ends them at once."""
        before, give_up_at = self.signals, self.clock() + GIVE_UP_SECONDS
        while not all(stage.is_over for stage in stages):
            self._take(TICK_SECONDS)
            if self.signals > before:
                before = self.signals
                for stage in stages:
                    stage.stop(at_once=True)
            if self.clock() >= give_up_at:
                self._notice(f"still there: {', '.join(each.workload.stage for each in stages if not each.is_over)}", "ERROR")
                return

    def _take(self, wait_seconds: float) -> None:
        """All that was posted, waiting at most that long for the first of it."""
        try:
            message = self.messages.get(timeout=wait_seconds)
            while True:
                if message is not None:
                    self._by_pod[message.pod].take(message)
                message = self.messages.get_nowait()
        except queue.Empty:
            return

    def _not_run(self, plan: StagePlan) -> StageEnded:
        why = self.steps.skipped.get((plan.step, plan.stage))
        return StageEnded(
            step=plan.step,
            stage=plan.stage,
            kind=plan.kind,
            name=plan.name,
            result="skipped" if why else "not started",
            seconds=0.0,
            reason=why,
        )

    def _is_late(self) -> bool:
        return self.timeout_seconds is not None and self.clock() - self.began >= self.timeout_seconds

    def _notice(self, message: str, level: str = "INFO") -> None:
        self.tell(Notice(message=message, level=level, where="run.local"))  # type: ignore[arg-type]  # one of the levels


def _is_bad(verdict: Verdict) -> bool:
    return verdict.state in {"failed", "timed out"}
