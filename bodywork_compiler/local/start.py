"""From a plan to a run on this machine: what it needs is there, its signals, what cannot be the same as on a cluster, and nothing left at the end."""

from __future__ import annotations

import os
import platform
import queue
import shutil
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
from bodywork_compiler.local.pod import Line, Machine, Message, Pod
from bodywork_compiler.local.process import PORT_VARIABLE, Here, folders, run_folder
from bodywork_compiler.local.run import Run, Steps
from bodywork_compiler.local.workloads import KINDS, Workload, workload_of
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner import resume, run
from bodywork_compiler.runner.events import THIS_MACHINE, Event, Notice, StagePlan
from bodywork_compiler.runner.failure_stage import with_reason
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.namespace import Whereabouts
from bodywork_compiler.runner.references import objects
from bodywork_compiler.source import NO_COMMIT

_HAS_A_PART = ("Job", "Deployment", "Service", "ConfigMap", "Secret", "Namespace", "ServiceAccount")


def what_differs(plan: Plan, workloads: Sequence[Workload], python_version: str) -> str:
    return f"on this machine, not as on a cluster: {'; '.join(_parts(plan, workloads, python_version))}"


def _parts(plan: Plan, workloads: Sequence[Workload], python_version: str) -> Iterator[str]:
    images = dict.fromkeys(image for each in workloads if (image := _main(each).get("image")))
    yield f"no image ({', '.join(map(str, images))}), but Python {python_version} of this machine"
    if any(_main(each).get("resources") for each in workloads):
        yield "no requests or limits of CPU and memory"
    if any(each.is_service for each in workloads):
        yield "no DNS names (services are at localhost, in BODYWORK_SERVICE_<STAGE>_URL)"
    many = [each.stage for each in workloads if each.is_service and (each.body.get("spec") or {}).get("replicas", 1) > 1]
    if many:
        yield f"one process of {', '.join(many)}"
    for each in workloads:
        if each.skipped:
            yield f"of {each.stage} not the containers {', '.join(each.skipped)}"
    others = dict.fromkeys(each.kind for step in plan.steps for each in step.objects if each.kind not in _HAS_A_PART)
    if others:
        yield f"nothing of {', '.join(others)}"


def _main(workload: Workload) -> dict[str, object]:
    pod = ((workload.body.get("spec") or {}).get("template") or {}).get("spec") or {}
    return next((each for each in pod.get("containers") or () if each.get("name") == workload.main.name), {})


def from_repository(url: str, repository: Path) -> dict[str, str]:
    """The environment in which git takes a commit of `url` from a repository of this machine, whether or not it was pushed."""
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf", "GIT_CONFIG_VALUE_0": url}


def copying(top: Path, files: Sequence[str]) -> Callable[[Path], None]:
    """A function that puts the files as they stand, committed or not, where `fetch` would have put the commit's.

    A file behind a link to a folder is left out, as git would: nothing is read or written through a link.
    """

    def copy(workspace: Path) -> None:
        for name in ("home", "tmp"):
            (workspace / name).mkdir()
        project = workspace / "project"
        project.mkdir()
        for name in files:
            source, target = top / name, project / name
            if any((top / folder).is_symlink() for folder in Path(name).parents):
                continue
            if source.is_symlink() or source.is_file():  # not what was deleted, nor a submodule's folder
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)

    return copy


def names_the_port(service: Workload, pod: Path) -> bool:
    """Whether the service's script, or a Python file beside it, names the variable that says on which port to listen."""
    values = {name: said for name, said in service.main.env if isinstance(said, str)}
    workspace = dict(folders(service.main, pod)).get(values.get("BODYWORK_WORKSPACE", ""))
    if workspace is None:
        return False
    project = Path(workspace, "project", values.get("BODYWORK_FOLDER", ""))
    scripts = [found for word in service.main.argv if (found := project / word).is_file()]
    beside = [file for script in scripts for file in sorted(script.parent.glob("*.py"))]
    return any(PORT_VARIABLE.encode() in file.read_bytes() for file in dict.fromkeys([*scripts, *beside]))


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
    messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()  # its put() may come from a signal handler, in the middle of a get()
    with run_folder() as folder, _environments(environ) as environments:
        machine = Machine(store=store, environments=environments, post=messages.put, fetch=local.fetch)
        maker = _Maker(folder=folder, machine=machine, here=Here(python=sys.executable, environ=environ))
        running = Run(
            steps=Steps(
                steps=chosen_steps, on_failure=on_failure, look_further=local.look_further, skipped=resume.left_out(plan, local.options)
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
    resume.check(plan, options)
    left_out = resume.left_out(plan, options)
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
