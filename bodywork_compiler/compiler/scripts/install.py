"""Second container of a stage's pod, where the stage has requirements: installs them on the pod's shared volume.

Its arguments are pip's: specifiers, or `--requirement FILE`, with paths relative to the project's folder. Reads the environment:
BODYWORK_WORKSPACE, BODYWORK_FOLDER, and BODYWORK_INSTALL_IF_MISSING (modules that must be importable in the end, as a notebook's
kernel). Leaves WORKSPACE/venv, or WORKSPACE/site where pip is older than 22.3. Python 3.8, the standard library and pip.
"""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))  # an image may set PYTHONSAFEPATH
import masking  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FIRST_PIP_WITH_OPTION_PYTHON = (22, 3)


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
        print(f"bodywork: {error}", file=sys.stderr, flush=True)
        return error.code
    return 0


def installer(workspace: Path, project: Path) -> Callable[[Sequence[str]], None]:
    """A function that has pip install what it is given, where the stage's Python will look for it."""
    pip = [sys.executable, "-m", "pip"]
    if pip_version(pip) >= FIRST_PIP_WITH_OPTION_PYTHON and make_environment(workspace / "venv"):
        command = [*pip, "--python", python_of(workspace), "install"]
    else:
        command = [*pip, "install", "--target", str(workspace / "site")]
    # defaults only: what the pipeline's env or a secret says about pip wins. A cache would be thrown away with the pod.
    # Not compiled: a stage imports a part of what scikit-learn and its like bring, and Python compiles that part when it is imported
    # (seen: 13 s in place of 34 to install, 2.6 s more for the first import).
    defaults = {
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_COMPILE": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
    }
    environment = dict(defaults, **os.environ)

    def install(arguments: Sequence[str]) -> None:
        code = call_masked([*command, *arguments], project, environment)
        if code != 0:
            raise InstallError(f"pip could not install the requirements (exit code {code})", code)

    return install


def call_masked(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """pip hides passwords itself, but not all that it starts does: git, and what builds a package."""
    stream = masking.stream_for(environment)
    if not stream.knows_some:
        return subprocess.call(command, cwd=str(folder), env=environment)
    with subprocess.Popen(command, cwd=str(folder), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        masking.copy(process.stdout.fileno(), sys.stdout.fileno(), stream)
    return process.returncode


def pip_version(pip: list[str]) -> tuple[int, int]:
    ended = subprocess.run([*pip, "--version"], stdout=subprocess.PIPE, check=False)
    found = re.match(r"pip (\d+)(?:\.(\d+))?", ended.stdout.decode(errors="replace"))
    if found is None:
        raise InstallError("this image's Python has no pip, which installs the requirements; use one that has, python:3.11 for example")
    return int(found.group(1)), int(found.group(2) or 0)


def make_environment(venv: Path) -> bool:
    """A virtual environment that also sees the image's own packages; without a pip of its own it is made in 50 ms."""
    command = [sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", str(venv)]
    if subprocess.call(command) != 0:
        shutil.rmtree(venv, ignore_errors=True)
        return False
    if sys.prefix != sys.base_prefix:
        # the image's Python lives in a virtual environment itself, whose packages are no "system site" of ours
        folder = next(venv.glob("lib/python*/site-packages"))
        (folder / "image-packages.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return True


def python_of(workspace: Path) -> str:
    python = workspace / "venv" / "bin" / "python"
    return str(python) if python.exists() else sys.executable


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
