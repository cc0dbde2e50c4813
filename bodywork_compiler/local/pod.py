"""One pod: a thread that runs its containers one after the other, in a folder of its own, and posts what happens."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local.environments import Environments, Wanted
from bodywork_compiler.local.process import Here, Running, folders, mapped, process_of, remove, termination_file, volume_folder
from bodywork_compiler.local.secrets import Store
from bodywork_compiler.local.workloads import Container, Process, Workload

GRACE_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0  # between one end and the next start; a cluster pauses 10 s to 5 min
EXIT_NOT_STARTED = 1
MOST_MESSAGE_LINES, MOST_MESSAGE_BYTES = 80, 2048  # as the kubelet takes a log's end for the reason: FallbackToLogsOnError
_WORKSPACE, _FOLDER, _IF_MISSING = "BODYWORK_WORKSPACE", "BODYWORK_FOLDER", "BODYWORK_INSTALL_IF_MISSING"


class Started(NamedTuple):
    pod: str
    container: str


class Line(NamedTuple):
    pod: str
    container: str
    text: str


class Ended(NamedTuple):
    pod: str
    container: str
    code: int
    message: str


class Over(NamedTuple):
    """Nothing of the pod runs any more. `bug` is ours."""

    pod: str
    bug: BaseException | None = None


Message = Started | Line | Ended | Over


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What all pods of a run share. `fetch` gets a project's files in the place of the container `fetch`, where that is not what the manifest says."""

    store: Store
    environments: Environments
    post: Callable[[Message], None]
    fetch: Callable[[Path], None] | None = None


@dataclass(slots=True, kw_only=True)
class Pod:
    name: str
    workload: Workload
    folder: Path
    here: Here
    machine: Machine
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: Running | None = None
    _last_lines: list[str] = field(default_factory=list)

    def start(self) -> None:
        threading.Thread(target=self._live, name=self.name, daemon=True).start()

    def prepare(self) -> bool:
        """Only get its files, of a pod that is not started: to look at what a service is made of."""
        self._make_volumes()
        return all(self._end_of(each) == 0 for each in self.workload.init if each.name == labels.FETCH)

    def stop(self, *, at_once: bool = False) -> None:
        """No further container is started; the one that runs is asked to end. Returns at once."""
        with self._lock:
            self._stop.set()
            if self._running and at_once:
                self._running.kill()
            elif self._running:
                self._running.stop()

    def _live(self) -> None:
        bug = None
        try:
            self._make_volumes()
            self._run_containers()
        except BaseException as found:  # noqa: BLE001 - told by the main thread, which alone may
            bug = found
        if not self.workload.is_service:
            remove(self.folder)
        self.machine.post(Over(self.name, bug))

    def _run_containers(self) -> None:
        for container in self.workload.init:
            if not self._until_good(container):
                return
        if not any(each.name == labels.INSTALL for each in self.workload.init):
            self._use_environment(Container(name=labels.INSTALL, argv=(), env=self.workload.main.env, mounts=self.workload.main.mounts))
        self._until_good(self.workload.main)

    def _until_good(self, container: Container) -> bool:
        """A service's containers are started again, whatever ended them; its own code also after a good end."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            code = self._end_of(container)
            is_main = container is self.workload.main
            if not self.workload.is_service or (code == 0 and not is_main):
                return code == 0
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return False

    def _end_of(self, container: Container) -> int:
        self.machine.post(Started(self.name, container.name))
        self._last_lines = []
        termination_file(container, self.folder).unlink(missing_ok=True)
        try:
            code = self._do(container)
        except (BodyworkError, OSError) as failed:
            self._say(container.name, f"bodywork: {failed}")
            code = EXIT_NOT_STARTED
        self.machine.post(Ended(self.name, container.name, code, self._message(container, code)))
        return code

    def _do(self, container: Container) -> int:
        if container.name == labels.FETCH and self.machine.fetch:
            self.machine.fetch(Path(self._mapped(container, self._variable(container, _WORKSPACE))))
            return 0
        if container.name == labels.INSTALL and any(word.endswith("/install.py") for word in container.argv):
            return self._use_environment(container)
        return self._run(container, process_of(container, self.folder, self.here, self.machine.store.find))

    def _run(self, container: Container, process: Process) -> int:
        with self._lock:
            if self._stop.is_set():
                return 128 + 15
            self._running = running = Running(process, grace_seconds=GRACE_SECONDS)
        for line in running.lines():
            self._say(container.name, line)
        code = running.wait()
        with self._lock:
            self._running = None
        return code

    def _use_environment(self, install: Container) -> int:
        """The manifest's `install`, from the cache where it was done before."""
        process = process_of(install, self.folder, self.here, self.machine.store.find)
        workspace = Path(process.env[_WORKSPACE]) if _WORKSPACE in process.env else None
        if workspace is None:  # an image's own start, that of somebody else's manifest
            return 0
        project = workspace / "project" / process.env.get(_FOLDER, "")
        wanted = Wanted(
            arguments=self._arguments(process.argv),
            modules=tuple(process.env.get(_IF_MISSING, "").split()),
            project=project,
            root=workspace / "project",
            env=process.env,
        )
        venv = self._environment(install, wanted, workspace)
        if venv is None:
            return EXIT_NOT_STARTED
        if venv != workspace / "venv":
            (workspace / "venv").symlink_to(venv)
        return 0

    def _environment(self, install: Container, wanted: Wanted, workspace: Path) -> Path | None:
        from bodywork_compiler.local import environments

        codes: list[int] = []

        def run(process: Process) -> int:
            if not codes and (wanted.arguments or wanted.modules):
                why = (
                    "; the next run has them"
                    if wanted.can_be_kept
                    else ", in each run, since they name a place that may hold something else by then"
                )
                self._say(install.name, f"bodywork: installing requirements{why}")
            codes.append(self._run(install, process))
            return codes[-1]

        if wanted.can_be_kept and self.machine.environments.is_private:
            found = self.machine.environments.get(wanted, run, self._stop.wait)
        else:
            found = workspace / "venv" if environments.install(workspace / "venv", wanted, run) else None
        if found is None and codes and codes[-1]:
            self._say(install.name, f"bodywork: the requirements could not be installed (exit code {codes[-1]})")
        return found

    @staticmethod
    def _arguments(argv: tuple[str, ...]) -> tuple[str, ...]:
        script = next((place for place, word in enumerate(argv) if word.endswith("/install.py")), len(argv))
        return argv[script + 1 :]

    def _say(self, container: str, text: str) -> None:
        self._last_lines = [*self._last_lines[1 - MOST_MESSAGE_LINES :], text]
        self.machine.post(Line(self.name, container, text))

    def _message(self, container: Container, code: int) -> str:
        """What the kubelet would put into `terminated.message`."""
        try:
            said = termination_file(container, self.folder).read_text(errors="replace")
        except OSError:
            said = ""
        if said or code == 0:
            return said
        return "\n".join(self._last_lines)[-MOST_MESSAGE_BYTES:]

    def _make_volumes(self) -> None:
        for volume in self.workload.volumes:
            folder = volume_folder(self.folder, volume.name)
            folder.mkdir(parents=True, exist_ok=True)
            for reference, name in volume.sources:
                found = self.machine.store.find(reference)
                files = {name or key: text for key, text in found.items()}
                for file, text in files.items():
                    if not (folder / file).resolve().is_relative_to(folder.resolve()):
                        raise BodyworkError(f"volume {volume.name}: file {file!r} would be outside of it")
                    _write(folder / file, text, mode=0o400 if reference.kind == "Secret" else 0o600)
            if volume.sources and not any(folder.iterdir()):
                folder.rmdir()  # an optional secret that is not there: programs see that nothing is mounted

    def _variable(self, container: Container, name: str) -> str:
        found: Mapping[str, object] = dict(container.env)
        return str(found.get(name, ""))

    def _mapped(self, container: Container, path: str) -> str:
        return mapped(path, folders(container, self.folder))


def _write(file: Path, text: str, *, mode: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode | 0o200)
    with os.fdopen(opened, "wb") as target:
        target.write(text.encode("utf-8", "surrogateescape"))
    file.chmod(mode)
