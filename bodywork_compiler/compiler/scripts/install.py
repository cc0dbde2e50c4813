"""Second container of a stage's pod, where the stage has requirements: installs them on the pod's shared volume, with uv or pip.

Its arguments are pip's: specifiers, or `--requirement FILE`, with paths relative to the project's folder. Reads the environment:
BODYWORK_WORKSPACE, BODYWORK_FOLDER, BODYWORK_INSTALLER (auto, uv or pip) and BODYWORK_INSTALL_IF_MISSING (modules that must be
importable in the end, as a notebook's kernel). Leaves WORKSPACE/venv, or WORKSPACE/site where there is no uv and pip is older than
22.3. Python 3.8, the standard library and pip.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import shutil
import site
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))  # an image may set PYTHONSAFEPATH
import masking  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Install = Callable[[Sequence[str]], None]

INSTALLERS = ("auto", "uv", "pip")
UV = "uv>=0.5,<1"
# as `python -m pip`, but a pip.py in the folder where it is started does not take its place; `-I` would hide a pip that only the user has
RUN_PIP = "import sys; sys.path = list(filter(None, sys.path)); import runpy; runpy.run_module('pip', run_name='__main__', alter_sys=True)"
UV_FETCH_SECONDS = 120
FIRST_PIP_WITH_OPTION_PYTHON = (22, 3)
LAST_LINES, LONGEST_LINE = 40, 500
# What can never be installed: the Job's podFailurePolicy does not try it again. sysexits.h's EX_DATAERR, which no shell or runtime uses
EXIT_NEVER = 65
IMAGE = "image\n"  # says in a `.dist-info` that it is ours
# uv ends with 1 where the fault is in what it was given (no such version, no wheel for this Python, a build or a hash that fails), with 2 for
# all else (no network, a file that it cannot read): `ExitStatus` in https://github.com/astral-sh/uv/blob/main/crates/uv/src/commands/mod.rs
UV_INPUT_FAULT = 1

# defaults only: what the pipeline's env or a secret says wins. A cache would be thrown away with the pod.
# Not compiled: a stage imports a part of what scikit-learn and its like bring, and Python compiles that part when it is imported
# (seen: 13 s in place of 34 to install, 2.6 s more for the first import). PIP_NO_COMPILE=1 would compile, since pip takes
# the variable's value for --compile's own (https://github.com/pypa/pip/issues/5011).
PIP_DEFAULTS = {
    "PIP_NO_CACHE_DIR": "1",
    "PIP_COMPILE": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_ROOT_USER_ACTION": "ignore",
}
# As pip does: the system's certificates, the best version of all indexes, this Python and no other.
UV_DEFAULTS = {
    "UV_SYSTEM_CERTS": "1",
    "UV_NATIVE_TLS": "1",  # its name before 0.9
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NO_PROGRESS": "1",
}
# pip's setting -> uv's variable: https://docs.astral.sh/uv/pip/compatibility/
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "require-hashes": "UV_REQUIRE_HASHES",
}
# settings of pip's that change how it looks or where it writes, and not what it installs
OF_PIP_ALONE = {
    "cache-dir", "no-cache-dir", "compile", "no-compile", "disable-pip-version-check", "no-input", "progress-bar", "root-user-action",
    "quiet", "verbose", "no-color", "no-warn-script-location", "no-python-version-warning", "config-file", "break-system-packages", "user",
    "exists-action", "require-virtualenv", "version",
}  # fmt: skip
FOR_REQUIREMENTS = ("PIP_CONSTRAINT", "PIP_REQUIRE_HASHES", "PIP_NO_BINARY", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
LIST_SEPARATOR = {"UV_FIND_LINKS": ","}  # the others of uv's lists are separated by spaces, as pip's


class InstallError(Exception):
    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(requirements: list[str]) -> int:
    workspace = Path(os.environ["BODYWORK_WORKSPACE"])
    project = workspace / "project" / os.environ.get("BODYWORK_FOLDER", "")
    wanted = os.environ.get("BODYWORK_INSTALL_IF_MISSING", "").split()
    # the container may be started again on the same volume
    for name in ("venv", "site"):
        shutil.rmtree(workspace / name, ignore_errors=True)
    try:
        if requirements or missing(sys.executable, wanted):
            install = installer(workspace, project)
            if requirements:
                install(requirements)
            still_missing = missing(python_of(workspace), wanted, target=workspace / "site")
            if still_missing:
                install(still_missing)
    except InstallError as error:
        say(str(error))
        return error.code
    return 0


def say(line: str) -> None:
    print(f"bodywork: {line}", file=sys.stderr, flush=True)


# which one installs


def installer(workspace: Path, project: Path) -> Install:
    """A function that installs what it is given where the stage's Python will look for it."""
    choice = os.environ.get("BODYWORK_INSTALLER") or "auto"
    if choice not in INSTALLERS:
        raise InstallError(f"BODYWORK_INSTALLER is {choice!r}, and must be one of {', '.join(INSTALLERS)}", EXIT_NEVER)
    has_environment = make_environment(workspace / "venv")
    if choice == "pip":
        return pip_installer(workspace, project, has_environment=has_environment)
    options, variables, foreign = uv_settings(pip_settings(os.environ))
    uv = find_uv(workspace) if has_environment and (choice == "uv" or not foreign) else None
    if uv:
        cache = os.environ.get("UV_CACHE_DIR") or str(workspace / "uv-cache")  # beside the environment, so that files are linked
        command = [uv, "pip", "install", "--python", python_of(workspace), *options]
        with_pip = None if choice == "uv" else lambda: pip_installer(workspace, project, has_environment=True)
        return uv_installer(command, {**UV_DEFAULTS, "UV_CACHE_DIR": cache, **variables, **os.environ}, workspace, project, with_pip)
    if choice == "uv":
        raise InstallError(
            f"this image has no uv, and pip could not bring `{UV}` from the package index; `installer: auto` goes on with pip"
        )
    why = f"uv does not know pip's setting {foreign[0]}" if foreign else "uv could not be had from the package index"
    say(f"installing with pip: {why}")
    return pip_installer(workspace, project, has_environment=has_environment)


def find_uv(workspace: Path) -> str | None:
    """The image's own, or a wheel from the package index that pip knows."""
    found = shutil.which("uv")
    if found:
        return found
    target = workspace / "uv"
    command = [sys.executable, "-c", RUN_PIP, "install", "--quiet", "--target", str(target), "--no-deps", "--only-binary", ":all:", UV]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        # constraints and hashes are the project's, for its own requirements
        environment = {name: text for name, text in {**PIP_DEFAULTS, **os.environ}.items() if name not in FOR_REQUIREMENTS}
        subprocess.run(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=UV_FETCH_SECONDS
        )
    uv = target / "bin" / "uv"
    return str(uv) if uv.exists() else None


# uv


def uv_installer(
    command: Sequence[str], environment: Mapping[str, str], workspace: Path, project: Path, with_pip: Callable[[], Install] | None
) -> Install:
    """`with_pip` makes what goes on where uv fails for a reason that is not in the requirements."""

    def install(arguments: Sequence[str]) -> None:
        began, before = time.monotonic(), installed(workspace)
        with image_packages(workspace / "venv"):
            code, lines = run([*command, *arguments], project, environment)
        shutil.rmtree(workspace / "uv-cache", ignore_errors=True)
        if code == 0:
            report(workspace, before, began, "uv")
        elif with_pip is None or code == UV_INPUT_FAULT:
            show(lines)
            raise InstallError(f"uv could not install the requirements (exit code {code})", EXIT_NEVER if code == UV_INPUT_FAULT else code)
        else:
            say(f"uv failed (exit code {code}), so pip tries: {lines[0] if lines else 'it printed nothing'}")
            with_pip()(arguments)

    return install


@contextlib.contextmanager
def image_packages(venv: Path) -> Iterator[None]:
    """Within this, uv takes the image's packages for installed ones. It looks into the environment's own folder alone, and would bring them
    again (https://github.com/astral-sh/uv/issues/4466): they get a `.dist-info` there, which is removed afterwards."""
    folder = packages_folder(venv)
    own = {normalized(name.rpartition("-")[0]) for name in (path.stem for path in folder.glob("*.dist-info"))}
    made = []
    for package in metadata.distributions(path=[path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]):
        text = package.read_text("METADATA") or package.read_text("PKG-INFO")
        name = str(package.metadata["Name"])
        if not text or normalized(name) in own or not re.fullmatch(r"[\w.+!-]+", f"{name}{package.version}"):
            continue
        own.add(normalized(name))  # the first on the path is the one that is imported
        shadow = folder / f"{name.replace('-', '_')}-{package.version}.dist-info"
        shadow.mkdir()
        made.append(shadow)
        (shadow / "METADATA").write_text(text, encoding="utf-8")
        (shadow / "INSTALLER").write_text(IMAGE)
        (shadow / "RECORD").write_text("".join(f"{shadow.name}/{file},,\n" for file in ("METADATA", "INSTALLER", "RECORD")))
    try:
        yield
    finally:
        for shadow in made:
            with contextlib.suppress(OSError):  # uv has put another version in its place
                if (shadow / "INSTALLER").read_text() == IMAGE:
                    shutil.rmtree(shadow)


def normalized(name: str) -> str:
    """https://packaging.python.org/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def uv_settings(pip: Mapping[str, str]) -> tuple[list[str], dict[str, str], list[str]]:
    """uv's options and variables for pip's settings, and those settings that uv does not have."""
    options: list[str] = []
    known: dict[str, str] = {}
    foreign: list[str] = []
    for name, text in pip.items():
        variable = UV_NAMES.get(name)
        if variable:
            known[variable] = LIST_SEPARATOR.get(variable, " ").join(text.split())
        elif name == "pre":
            known["UV_PRERELEASE"] = "allow" if is_true(text) else "if-necessary-or-explicit"
        elif name == "no-index":
            options += ["--no-index"] if is_true(text) else []
        elif name not in OF_PIP_ALONE:
            foreign.append(name)
    return options, known, foreign


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What pip's files and variables say: https://pip.pypa.io/en/stable/topics/configuration/"""
    found: dict[str, str] = {}
    named = environment.get("PIP_CONFIG_FILE")
    home = Path(environment.get("HOME") or "/")
    files = [
        Path("/etc/pip.conf"),
        *(Path(folder) / "pip" / "pip.conf" for folder in environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")),
        home / ".pip" / "pip.conf",
        Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    if named != os.devnull:
        for file in [*files, Path(named)] if named else files:
            parser = configparser.RawConfigParser()
            with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError):
                parser.read(file, encoding="utf-8")
            for section in ("global", "install"):
                if parser.has_section(section):
                    found.update((key.replace("_", "-"), text) for key, text in parser.items(section))
    variables = {name[4:].lower().replace("_", "-"): text for name, text in environment.items() if name.startswith("PIP_") and text}
    return {**found, **variables}


def is_true(text: str) -> bool:
    return text.strip().lower() in ("1", "y", "yes", "t", "true", "on")


# pip


def pip_installer(workspace: Path, project: Path, *, has_environment: bool) -> Install:
    pip = [sys.executable, "-c", RUN_PIP]
    if pip_version(pip) >= FIRST_PIP_WITH_OPTION_PYTHON and has_environment:
        command = [*pip, "--python", python_of(workspace), "install"]
    else:
        shutil.rmtree(workspace / "venv", ignore_errors=True)
        command = [*pip, "install", "--target", str(workspace / "site")]

    def install(arguments: Sequence[str]) -> None:
        began, before = time.monotonic(), installed(workspace)
        code, lines = run([*command, *arguments], project, {**PIP_DEFAULTS, **os.environ})
        if code != 0:
            show(lines)
            raise InstallError(f"pip could not install the requirements (exit code {code})", EXIT_NEVER if can_never_be(lines) else code)
        report(workspace, before, began, "pip")

    return install


def can_never_be(lines: Sequence[str]) -> bool:
    """Whether pip's words say that there is no such version for this Python. It has one exit code for all; where its words change, the
    install is tried again. https://github.com/pypa/pip/blob/main/src/pip/_internal/resolution/resolvelib/factory.py"""
    text = "\n".join(lines)
    return "No matching distribution found for" in text and "Retrying (" not in text


def pip_version(pip: list[str]) -> tuple[int, int]:
    ended = subprocess.run([*pip, "--version"], stdout=subprocess.PIPE, check=False)
    found = re.match(r"pip (\d+)(?:\.(\d+))?", ended.stdout.decode(errors="replace"))
    if found is None:
        raise InstallError("this image's Python has no pip, which installs the requirements; use one that has, python:3.11 for example")
    return int(found.group(1)), int(found.group(2) or 0)


# what is there, and what was said


def make_environment(venv: Path) -> bool:
    """A virtual environment that also sees the image's own packages; without a pip of its own it is made in 50 ms."""
    command = [sys.executable, "-I", "-m", "venv", "--system-site-packages", "--without-pip", str(venv)]
    if subprocess.call(command) != 0:
        shutil.rmtree(venv, ignore_errors=True)
        return False
    if sys.prefix != sys.base_prefix:
        # the image's Python lives in a virtual environment itself, whose packages are no "system site" of ours
        (packages_folder(venv) / "image-packages.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return True


def packages_folder(venv: Path) -> Path:
    return next(venv.glob("lib/python*/site-packages"))


def python_of(workspace: Path) -> str:
    python = workspace / "venv" / "bin" / "python"
    return str(python) if python.exists() else sys.executable


def installed(workspace: Path) -> set[str]:
    """The packages on the volume, by the names of their folders of metadata."""
    folders = [*workspace.glob("venv/lib/python*/site-packages/*.dist-info"), *workspace.glob("site/*.dist-info")]
    return {folder.name for folder in folders}


def report(workspace: Path, before: set[str], began: float, program: str) -> None:
    count = len(installed(workspace) - before)
    print(f"installed {count} package{'' if count == 1 else 's'} in {time.monotonic() - began:.1f} s with {program}", flush=True)


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """The exit code, and what it printed, with the values of secrets masked."""
    ended = subprocess.run(
        command,
        cwd=str(folder),
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    stream = masking.stream_for(environment)  # pip hides passwords itself, but not all that it starts does: git, and what builds a package
    printed = stream.feed(ended.stdout) + stream.end()
    return ended.returncode, [line.rstrip() for line in printed.decode(errors="replace").splitlines() if line.strip()]


def show(lines: Sequence[str]) -> None:
    """The end of what was printed, where the reason is."""
    left_out = len(lines) - LAST_LINES
    if left_out > 0:
        print(f"({left_out} earlier lines left out)", file=sys.stderr)
    for line in lines[-LAST_LINES:]:
        print(line[:LONGEST_LINE] + ("…" if len(line) > LONGEST_LINE else ""), file=sys.stderr)
    sys.stderr.flush()


def missing(python: str, modules: list[str], target: Path | None = None) -> list[str]:
    """Those of the modules that this Python cannot import."""
    look = "import importlib.util, sys; print(' '.join(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))"
    environment = dict(os.environ)
    if target is not None and target.is_dir():
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(target), environment.get("PYTHONPATH")]))
    ended = subprocess.run([python, "-c", look, *modules], stdout=subprocess.PIPE, env=environment, check=True)
    return ended.stdout.decode().split()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
