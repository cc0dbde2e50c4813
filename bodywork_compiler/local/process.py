"""A container of a pod as a process: its command, environment and folders, from its start to its end; and the folder of a run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.local.workloads import Container, Process, Reference
from bodywork_compiler.values import value

_MARK = re.compile(r"\$(?:\$|\(([^()]*)\))")


def expanded(text: str, known: Mapping[str, str]) -> str:
    """`$$` is one `$`; a name that is not known stays as it is written."""

    def found(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        return known.get(match[1], match[0])

    return _MARK.sub(found, text)


PORT_VARIABLE = "BODYWORK_SERVICE_PORT"
TERMINATION_VARIABLE = "BODYWORK_TERMINATION_LOG"
SSH_VARIABLE = "BODYWORK_SSH"
_PYTHONS = ("python3", "python")
_VOLUMES = "volumes"

Find = Callable[[Reference], Mapping[str, str]]

# what a program needs of its machine wherever it runs; nothing else of the user's environment reaches a stage
OF_THE_MACHINE = re.compile(
    r"PATH|LANG|LANGUAGE|LC_\w+|TZ|TERM|SYSTEMROOT|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|LD_LIBRARY_PATH|CUDA_\w+"
    r"|(?i:https?_proxy|no_proxy|all_proxy)"
)
# what git and pip need to be those of this user: credentials, registries, caches
OF_THE_USER = re.compile(
    r"HOME|USER|LOGNAME|XDG_\w+|SSH_AUTH_SOCK|GIT_(SSH|SSL|CONFIG|ASKPASS|TERMINAL)\w*|SSH_ASKPASS|(PIP|UV)_(?!PYTHON$|TARGET$|PREFIX$|USER$)\w+"
)
PREPARING = (labels.FETCH, labels.INSTALL)


@value
class Here:
    """What a pod's processes are to know of this machine.

    `environ` is Bodywork's own environment, `urls` are the services' addresses as manifests have them, each with that of here; `port` is
    the one to listen on, where it is not the manifest's.
    """

    python: str
    environ: Mapping[str, str]
    urls: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    port: int | None = None


def process_of(container: Container, pod: Path, here: Here, find: Find) -> Process:
    """`pod` is the folder that holds the pod's volumes."""
    mounts = folders(container, pod)

    def local(text: str, known: Mapping[str, str]) -> str:
        return mapped(readdressed(expanded(text, known), here.urls), mounts)

    env = {name: text for name, text in here.environ.items() if _is_passed(name, container.name)}
    known: dict[str, str] = {name: text for each in container.env_from for name, text in find(each).items()}
    for name, said in container.env:
        known |= find(said) if isinstance(said, Reference) and not said.key else {}
        text = find(said).get(said.key) if isinstance(said, Reference) else local(said, known)
        if text is not None:
            known[name] = text
    env |= known | dict(_own(container, pod, here, known))
    argv = tuple(local(word, env) for word in container.argv)
    if argv and argv[0] in _PYTHONS:
        argv = (here.python, *argv[1:])
    env = {name: text for name, text in env.items() if name != SSH_VARIABLE or Path(text).is_dir()}
    return Process(argv=argv, env=env, cwd=Path(mapped(container.working_dir, mounts)) if container.working_dir else pod)


def _own(container: Container, pod: Path, here: Here, known: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """What is otherwise here than the manifest says."""
    if container.name in PREPARING:
        yield from ((name, here.environ[name]) for name in ("HOME",) if name in here.environ)
    else:
        yield from here.variables
    yield TERMINATION_VARIABLE, str(termination_file(container, pod))
    if here.port is not None and PORT_VARIABLE in known:
        yield PORT_VARIABLE, str(here.port)


def termination_file(container: Container, pod: Path) -> Path:
    """Where the container may say why it ended; a cluster has /dev/termination-log."""
    return pod / f"termination-{container.name}"


def folders(container: Container, pod: Path) -> tuple[tuple[str, str], ...]:
    """Mounted path → folder, the deepest first: a volume may be mounted inside another."""
    found = [(mount.path, str(volume_folder(pod, mount.volume) / mount.sub_path)) for mount in container.mounts]
    return tuple(sorted(found, key=lambda pair: -len(pair[0])))


def volume_folder(pod: Path, volume: str) -> Path:
    return pod / _VOLUMES / volume


def mapped(text: str, mounts: Iterable[tuple[str, str]]) -> str:
    """A path below a mounted one, as it is here; any other text as it is."""
    for path, folder in mounts:
        if path and (text == path or text.startswith(f"{path}/")):
            return folder + text[len(path) :]
    return text


def readdressed(text: str, urls: Iterable[tuple[str, str]]) -> str:
    """A cluster's addresses of the pipeline's own services are names that nobody resolves here."""
    for there, here in urls:
        text = re.sub(rf"\b{re.escape(there)}(?!\d)", here, text)
    return text


def _is_passed(name: str, container: str) -> bool:
    return bool(OF_THE_MACHINE.fullmatch(name) or (container in PREPARING and OF_THE_USER.fullmatch(name)))


PREFIX = "bodywork-local-"
_MAKING = ".bodywork-making-"


@contextmanager
def run_folder() -> Iterator[Path]:
    """A new folder of mode 0700. It has its name only once it is locked, so whatever has such a name and no lock is left over."""
    place = Path(tempfile.gettempdir()).resolve()
    remove_left_over(place)
    making = Path(tempfile.mkdtemp(prefix=_MAKING, dir=place))
    lock = _locked(making)
    folder = making.rename(making.with_name(PREFIX + making.name.removeprefix(_MAKING)))
    try:
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def remove_left_over(place: Path) -> None:
    """Of runs that were killed: nobody holds their lock."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid():
                lock = _locked(folder)
                remove(folder)
                os.close(lock)


def remove(folder: Path) -> None:
    """Also what a stage has made unwritable."""

    def again(function: Callable[[str], object], path: str, _: object) -> None:
        with contextlib.suppress(OSError):
            Path(path).parent.chmod(stat.S_IRWXU)
            if not Path(path).is_symlink():
                Path(path).chmod(stat.S_IRWXU)
            function(path)

    # `onerror` until Python 3.11; its successor is called alike, but for its last argument, which is not looked at
    on_error: dict[str, Any] = {"onexc" if sys.version_info >= (3, 12) else "onerror": again}
    shutil.rmtree(folder, **on_error)
    if folder.exists():  # a folder that could be opened only now is walked again
        shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path) -> int:
    """Raises BlockingIOError while another holds it."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened


LONGEST_LINE = 65536  # what is longer comes in pieces: a stage that never ends its line must not fill our memory
_KEEPER = Path(__file__).with_name("keeper.py")


class Running:
    def __init__(self, process: Process, *, grace_seconds: float) -> None:
        keeper = [sys.executable, "-I", "-S", str(_KEEPER), str(grace_seconds)]
        # a session of its own: a Ctrl-C at the terminal is for us, who then end it in good order
        self._keeper = subprocess.Popen(
            [*keeper, *process.argv],
            cwd=process.cwd,
            env=dict(process.env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def lines(self) -> Iterator[str]:
        """What it prints, until everything that could print is gone."""
        assert self._keeper.stdout is not None  # noqa: S101 - it is a pipe
        while piece := self._keeper.stdout.readline(LONGEST_LINE):
            yield piece.decode(errors="replace").rstrip("\r\n")
        self._keeper.stdout.close()

    def wait(self) -> int:
        code = self._keeper.wait()
        self.stop()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """Ask it to end: SIGTERM, and after the grace everything is killed. Returns at once."""
        with contextlib.suppress(OSError):
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._keeper.terminate()
