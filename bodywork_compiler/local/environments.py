"""Virtual environments, one for each set of requirements, kept in the user's cache folder from run to run.

An entry is used once its mark `ready` stands, which is written last; what has none was cut off, and is made anew. Who uses an entry holds its lock
shared, who makes or removes one alone: runs side by side wait for each other, and use one entry together. At each run, entries that nobody has used for
30 days go, and of more than 20 those longest unused. What is not pinned (`numpy`, `numpy>=2`) is installed anew after 7 days.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from bodywork_compiler.local import requirements
from bodywork_compiler.local.workloads import Process
from bodywork_compiler.values import value

MOST_ENTRIES = 20
UNUSED_SECONDS = 30 * 86400.0
UNPINNED_SECONDS = 7 * 86400.0
WAIT_SECONDS = 0.2
FIRST_PIP_WITH_OPTION_PYTHON = (22, 3)
READY = "ready"
# 82 has no pkg_resources any more, and 81 is what its own warning asks to stay below: https://setuptools.pypa.io/en/latest/history.html
SETUPTOOLS = "setuptools<81"
_PKG_RESOURCES = re.compile(rb"^\s*(?:import|from)\s+pkg_resources\b", re.MULTILINE)
_TOOL_UV = re.compile(rb"^[ \t]*\[+[ \t]*tool[ \t]*\.[ \t]*uv\b", re.MULTILINE)
# as in the pods, where install.py says why
RUN_PIP = "import sys; sys.path = list(filter(None, sys.path)); import runpy; runpy.run_module('pip', run_name='__main__', alter_sys=True)"
_MADE_AS = 2  # counted up when environments are made otherwise than before
_INDEX = re.compile(r"(?:PIP|UV)_\w+")
# pip's variable → uv's, which does not read it: https://docs.astral.sh/uv/pip/compatibility/#configuration-files-and-environment-variables
_UV_NAMES = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_FIND_LINKS": "UV_FIND_LINKS"}

RunProcess = Callable[[Process], int]


@value
class Wanted:
    """What `install` was told: pip's arguments, with files relative to `project`, and modules that must be there in the end."""

    arguments: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    project: Path = Path()
    root: Path | None = None  # of the project's files, where it is not `project` itself
    env: Mapping[str, str]

    @property
    def lines(self) -> tuple[str, ...]:
        """The requirements, those of the files they name too."""
        return requirements.lines_of(self.arguments, self.project)

    @property
    def can_be_kept(self) -> bool:
        """Not what names a place on this machine: it is another thing in each project. Nor where the project tells uv where packages come from."""
        return requirements.is_the_same_everywhere(self.lines, self.env) and not self.has_uv_settings

    @property
    def has_uv_settings(self) -> bool:
        """In the project's own files: https://docs.astral.sh/uv/concepts/configuration-files/. uv looks no further up than the first."""
        root = self.root or self.project
        return any(map(_holds_uv_settings, [self.project, *(each for each in self.project.parents if each.is_relative_to(root))]))

    @property
    def is_pinned(self) -> bool:
        return not self.modules and requirements.is_pinned(self.lines)

    @property
    def key(self) -> str:
        """Named by content: the Python, what is wanted, and where it comes from (only as a part of the hash: an address may hold a password)."""
        named = requirements.variables_of(self.lines)
        sources = {name: text for name, text in self.env.items() if _INDEX.fullmatch(name) or name in named}
        said = json.dumps([_MADE_AS, base_python(), sys.version, self.lines, self.modules, sources], sort_keys=True)
        return sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _holds_uv_settings(folder: Path) -> bool:
    if (folder / "uv.toml").is_file():
        return True
    try:
        return _TOOL_UV.search((folder / "pyproject.toml").read_bytes()) is not None
    except OSError:
        return False


def _uv_settings(wanted: Wanted) -> dict[str, str]:
    """Where uv takes its settings from: the project, else the user, else the system. Left alone it looks into every folder above the project,
    where others may write (/tmp)."""
    if wanted.has_uv_settings or {"UV_CONFIG_FILE", "UV_NO_CONFIG"} & wanted.env.keys():
        return {}
    home = wanted.env.get("XDG_CONFIG_HOME") or os.path.join(wanted.env.get("HOME") or "/", ".config")  # noqa: PTH118 - as text
    for folder in (home, *(wanted.env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"), "/etc"):
        if folder and (file := Path(folder, "uv", "uv.toml")).is_file():
            return {"UV_CONFIG_FILE": str(file)}
    return {"UV_NO_CONFIG": "1"}


class Environments:
    """The cache as one run uses it; what it uses is locked until `close`."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock
        self._locks: list[int] = []

    def get(self, wanted: Wanted, run: RunProcess, wait: Callable[[float], bool]) -> Path | None:
        """The environment's folder; None when it could not be made, or `wait` said that nobody needs it any more."""
        entry = self._folder / wanted.key
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_wanted: Callable[[Path, Wanted], bool] = self._is_fresh
        while True:
            is_ready = is_wanted(entry, wanted)
            lock = _locked(entry, fcntl.LOCK_SH if is_ready else fcntl.LOCK_EX)
            if lock is None:  # who holds it may be making it: looked at anew; what is too old, and in use, is taken as it is
                is_wanted = _is_made
                if wait(WAIT_SECONDS):
                    return None
                continue
            if is_ready and is_wanted(entry, wanted):
                os.utime(entry / READY)
                self._locks.append(lock)
                return entry / "venv"
            try:  # another run may have made it, or taken it away, since it was looked at: then the next round knows
                made = is_ready or is_wanted(entry, wanted) or make(entry, wanted, run, self._clock())
                if not made:
                    _lock_file(entry).unlink(missing_ok=True)
            finally:
                os.close(lock)
            if not made:
                return None

    @property
    def is_private(self) -> bool:
        """What is there is run: nobody else may write it. One that is not there yet will be ours alone."""
        try:
            state = self._folder.lstat()
        except OSError:
            return not self._folder.is_symlink()
        is_ours = stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022
        return is_ours and os.access(self._folder, os.W_OK)

    def tidy(self) -> None:
        """Remove what was not used for long, and what is too much."""
        if not self._folder.is_dir() or not self.is_private:
            return
        entries = sorted((path for path in self._folder.iterdir() if path.is_dir() and not path.is_symlink()), key=_last_used, reverse=True)
        for place, entry in enumerate(entries):
            if place >= MOST_ENTRIES or self._clock() - _last_used(entry) > UNUSED_SECONDS:
                lock = _locked(entry, fcntl.LOCK_EX)
                if lock is not None:
                    (entry / READY).unlink(missing_ok=True)
                    shutil.rmtree(entry, ignore_errors=True)
                    _lock_file(entry).unlink(missing_ok=True)
                    os.close(lock)

    def close(self) -> None:
        while self._locks:
            os.close(self._locks.pop())

    def _is_fresh(self, entry: Path, wanted: Wanted) -> bool:
        made = _made_at(entry)
        return made is not None and (wanted.is_pinned or self._clock() - made < UNPINNED_SECONDS)


def make(entry: Path, wanted: Wanted, run: RunProcess, now: float) -> bool:
    """A new entry of the cache, whole or not at all."""
    if entry.is_symlink():
        entry.unlink()
    shutil.rmtree(entry, ignore_errors=True)
    entry.mkdir(parents=True)
    if not install(entry / "venv", wanted, run):
        shutil.rmtree(entry, ignore_errors=True)
        return False
    (entry / READY).write_text(str(now))
    return True


def install(venv: Path, wanted: Wanted, run: RunProcess) -> bool:
    """A new environment with nothing of this Python's own packages in it: a requirement that was forgotten fails here too."""
    return all(run(process) == 0 for process in processes(venv, wanted, find_uv(wanted.env)))


def find_uv(env: Mapping[str, str]) -> str | None:
    """The user's own, else the one that was installed with Bodywork; none where the stage or its pipeline wants pip."""
    if env.get("BODYWORK_INSTALLER") == "pip":
        return None
    if found := shutil.which("uv", path=env.get("PATH")):
        return found
    try:
        import uv

        return str(uv.find_uv_bin())
    except (ImportError, FileNotFoundError):  # a platform without a wheel of uv's
        return None


def processes(venv: Path, wanted: Wanted, uv: str | None) -> Iterator[Process]:
    """What makes it: uv where there is one, else venv and pip."""
    env = {**_PIP_DEFAULTS, **_UV_DEFAULTS, **_uv_settings(wanted), **_for_uv(wanted.env)} if uv else {**_PIP_DEFAULTS, **wanted.env}
    needs = [list(wanted.arguments), list(wanted.modules)]
    python = str(venv / "bin" / "python")
    if uv:
        commands = [[uv, "venv", "--quiet", "--python", base_python(), str(venv)]]
        install = [uv, "pip", "install", "--python", python]
    else:
        pip = _pip(python)
        without = ["--without-pip"] if pip[0] != python or not any(needs) else []
        commands = [[base_python(), "-I", "-m", "venv", *without, str(venv)]]
        install = [*pip, "install"]
    commands += [[*install, *need] for need in needs if need]
    for command in commands:
        yield Process(argv=tuple(command), env=env, cwd=wanted.project)
    if any(needs) and _lacks_pkg_resources(venv):
        yield Process(argv=(*install, SETUPTOOLS), env=env, cwd=wanted.project)


def _lacks_pkg_resources(venv: Path) -> bool:
    """Whether a package that was installed imports `pkg_resources`, which the images of Python up to 3.11 have and a new environment lacks."""
    for packages in venv.glob("lib/python*/site-packages"):
        if any(packages.glob("setuptools-*")) or (packages / "pkg_resources").exists():
            return False
        for file in packages.rglob("*.py"):
            if _PKG_RESOURCES.search(file.read_bytes()) and not {"pip", "tests"} & set(file.relative_to(packages).parts):
                return True
    return False


def cache_folder(environ: Mapping[str, str]) -> Path:
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME") or "~", ".cache")  # noqa: PTH118 - as text, expanded next
    return Path(cache).expanduser() / "bodywork" / "environments"


def base_python() -> str:
    """Not the environment that Bodywork itself lives in: its packages are no stage's."""
    found: str = getattr(sys, "_base_executable", None) or sys.executable
    return found


def _pip(python: str) -> list[str]:
    """Bodywork's own pip, for the other Python; where it has none, or one that is too old for that, the environment gets one of its own."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        numbers = re.findall(r"\d+", version("pip"))
    except PackageNotFoundError:
        numbers = []
    if tuple(map(int, numbers[:2])) >= FIRST_PIP_WITH_OPTION_PYTHON:
        return [sys.executable, "-c", RUN_PIP, "--python", python]
    return [python, "-c", RUN_PIP]


_PIP_DEFAULTS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off", "PIP_QUIET": "1"}
# As pip does: the system's certificates (UV_NATIVE_TLS before uv 0.9), the best version of all indexes
_UV_DEFAULTS = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", "UV_INDEX_STRATEGY": "unsafe-best-match", "UV_NO_PROGRESS": "1"}


def _for_uv(env: Mapping[str, str]) -> dict[str, str]:
    mapped = {_UV_NAMES[name]: text for name, text in env.items() if name in _UV_NAMES}
    return {**mapped, **env}


def _made_at(entry: Path) -> float | None:
    try:
        return None if entry.is_symlink() else float((entry / READY).read_text())
    except (OSError, ValueError):
        return None


def _is_made(entry: Path, _wanted: Wanted) -> bool:
    return _made_at(entry) is not None


def _last_used(entry: Path) -> float:
    try:
        return (entry / READY).lstat().st_mtime
    except OSError:
        return 0.0


def _lock_file(entry: Path) -> Path:
    return entry.with_name(f"{entry.name}.lock")


def _locked(entry: Path, how: int) -> int | None:
    """None while others hold it otherwise, or where its file was removed meanwhile and so is no lock any more."""
    if _lock_file(entry).is_symlink():
        _lock_file(entry).unlink(missing_ok=True)
    lock = os.open(_lock_file(entry), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), _lock_file(entry).lstat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None
