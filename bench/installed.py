"""What is measured is the installed wheel with its .pyc files, not the checkout: `bench` makes it once per state of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
BENCH = CHECKOUT / "build" / "bench"


def bodywork() -> Path:
    """The command `bodywork` of a new environment that holds the wheel of this checkout."""
    environment, wheels, copy = BENCH / "environment", BENCH / "wheels", BENCH / "copy"
    for folder in (wheels, copy):
        shutil.rmtree(folder, ignore_errors=True)
    # a copy of what Git knows: a build in place would take up what earlier builds left in build/
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, copy / name)
    _quietly(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, copy)
    (wheel,) = wheels.glob("*.whl")
    if not (environment / "bin" / "python").exists():
        _quietly(sys.executable, "-m", "venv", "--without-pip", environment)
        _quietly(sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--quiet", wheel)
    _quietly(
        sys.executable, "-m", "pip", "--python", environment / "bin/python", "install", "--quiet", "--force-reinstall", "--no-deps", wheel
    )
    return environment / "bin" / "bodywork"


def _quietly(*argv: str | Path) -> None:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}")
