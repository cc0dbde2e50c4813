"""From a plan to a run on this machine: what it needs is there, its folder, its signals, and nothing of it left at the end."""

from __future__ import annotations

import os
import platform
import queue
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local import addresses, secrets
from bodywork_compiler.local.addresses import Chosen
from bodywork_compiler.local.environments import Environments, cache_folder
from bodywork_compiler.local.notes import what_differs
from bodywork_compiler.local.pod import Line, Machine, Message, Pod
from bodywork_compiler.local.run import Run, Steps
from bodywork_compiler.local.scratch import run_folder
from bodywork_compiler.local.source import names_the_port
from bodywork_compiler.local.specs import Here
from bodywork_compiler.local.values import Workload
from bodywork_compiler.local.workloads import KINDS, workload_of
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner import part, run
from bodywork_compiler.runner.events import THIS_MACHINE, Event, Notice, StagePlan
from bodywork_compiler.runner.failure_stage import with_reason
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.references import objects
from bodywork_compiler.runner.whereabouts import Whereabouts
from bodywork_compiler.source import NO_COMMIT

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """What was asked of a run on this machine. `stage` is the only one to run, without what else belongs to a run of the whole. `fetch` and `git_env` say where a project's files are nearer than the manifests say."""

    given: secrets.Given = secrets.NOTHING
    stage: str | None = None
    exit_when_done: bool = False
    options: RunOptions = DEFAULT_RUN
    fetch: Callable[[Path], None] | None = None
    git_env: Mapping[str, str] = field(default_factory=dict)
    look_further: Callable[[str], Sequence[str]] = lambda _: ()


def run_locally(plan: Plan, tell: Callable[[Event], None], local: Local) -> int:
    """Execute the plan here; the exit code says how it ended. Call it in the main thread."""
    environ = {**os.environ, **local.git_env}
    chosen_steps, on_failure = _steps(plan, local)
    workloads = [each for _, step in chosen_steps for each in step]
    with_failure = [*workloads, *([workload_of(on_failure, 0)] if on_failure else [])]
    store = secrets.Store(objects(plan), local.given, environ)
    secrets.check(with_failure, store)
    mask = Mask()
    for values in secrets.used(with_failure, store):
        mask.learn({"stringData": values})
    masked: Callable[[Event], None] = lambda event: tell(mask.event(event))  # noqa: E731
    started = run.about_to_start(plan, Whereabouts(context=THIS_MACHINE, namespace=plan.namespace or plan.pipeline))
    if started.git_commit == NO_COMMIT:
        started = replace(started, git_commit=None)
    if local.stage:
        chosen_plans = [StagePlan(step=each.step, stage=each.stage, kind=each.kind, name=each.name) for each in workloads]
        started = replace(started, stages=tuple(chosen_plans))
    masked(started)
    masked(Notice(message=what_differs(plan, with_failure, platform.python_version()), where="run.local"))
    messages: queue.Queue[Message | None] = queue.Queue()
    with run_folder() as folder, _environments(environ) as environments:
        machine = Machine(store=store, environments=environments, post=messages.put, fetch=local.fetch)
        maker = _Maker(folder=folder, machine=machine, here=Here(python=sys.executable, environ=environ))
        running = Run(
            steps=Steps(
                steps=chosen_steps, on_failure=on_failure, look_further=local.look_further, skipped=part.left_out(plan, local.options)
            ),
            make_pod=maker.make,
            messages=messages,
            tell=masked,
            mask=mask,
            timeout_seconds=local.options.timeout_seconds,
            stays=any(each.is_service for each in workloads) and not local.exit_when_done,
        )
        with _signals(running):
            chosen = addresses.choose([each for each in workloads if each.is_service], maker.reads_its_port)
            _say_moved(chosen, masked)
            maker.here = replace(
                maker.here,
                urls=tuple(addresses.readdressing(objects(plan), started.namespace, chosen)),
                variables=tuple(addresses.variables(chosen)),
            )
            maker.ports = chosen.ports
            running.steps = replace(running.steps, ports=chosen.ports)
            try:
                code = running.go(started)
                return running.hold() if code == 0 and running.stays else code
            except Exception as bug:
                mask.bug(bug)
                raise
            finally:
                running.close()


@dataclass(slots=True, kw_only=True)
class _Maker:
    """Makes the pods of a run, each with its folder."""

    folder: Path
    machine: Machine
    here: Here
    ports: Mapping[str, int] = field(default_factory=dict)

    def make(self, workload: Workload, number: int) -> Pod:
        name = f"{workload.name}-{number}"
        folder = self.folder / name
        folder.mkdir()
        return Pod(
            name=name, workload=workload, folder=folder, here=replace(self.here, port=self.ports.get(workload.stage)), machine=self.machine
        )

    def reads_its_port(self, service: Workload) -> bool:
        """Whether its code says the variable's name: its files are fetched to see."""
        posted: list[Message] = []
        folder = self.folder / f"{service.name}-look"
        folder.mkdir()
        pod = Pod(name=folder.name, workload=service, folder=folder, here=self.here, machine=replace(self.machine, post=posted.append))
        if not pod.prepare():
            words = [message.text for message in posted if isinstance(message, Line)]
            raise BodyworkError(f"{service.stage}: its files cannot be fetched: {words[-1] if words else 'no reason given'}")
        return names_the_port(service, folder)


def _steps(plan: Plan, local: Local) -> tuple[list[tuple[int, list[Workload]]], KubeObject | None]:
    """Those that are to run, and what runs when they fail: nothing where only some were asked for."""
    options = replace(local.options, only=(local.stage,)) if local.stage else local.options
    if plan.on_failure and local.stage in (plan.on_failure.stage, plan.on_failure.name):
        return [(1, [workload_of(KubeObject(with_reason(plan.on_failure.body, "")), 1)])], None
    part.check(plan, options)
    left_out = part.left_out(plan, options)
    steps = []
    for step in plan.steps:
        if step.number == labels.STEP_SETUP:
            continue
        found = [workload_of(each, step.number) for each in step.objects if each.kind in KINDS]
        todo = [each for each in found if (each.step, each.stage) not in left_out]
        if todo:
            steps.append((step.number, todo))
    return steps, None if local.stage else plan.on_failure


def _say_moved(chosen: Chosen, tell: Callable[[Event], None]) -> None:
    for stage, port in chosen.moved.items():
        said = f"{stage}: port {port} is taken; it is at {chosen.url(stage)}, as BODYWORK_SERVICE_PORT and {labels.service_url_variable(stage)} say"
        tell(Notice(message=said, level="WARNING", where="run.local"))


@contextmanager
def _environments(environ: Mapping[str, str]) -> Iterator[Environments]:
    environments = Environments(cache_folder(environ))
    environments.tidy()
    try:
        yield environments
    finally:
        environments.close()


@contextmanager
def _signals(running: Run) -> Iterator[None]:
    """The first ends the run in good order, the next one at once."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        running.last_signal = number
        running.signals += 1
        running.messages.put(None)

    former = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
