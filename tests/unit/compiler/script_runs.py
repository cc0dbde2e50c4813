"""Starts the pods' scripts as a container would, with the workspace in a temporary folder.

BODYWORK_TEST_SCRIPTS_PYTHON may name another Python than this one to start them with, such as 3.8's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bodywork_compiler.compiler import shared

PYTHON = os.environ.get("BODYWORK_TEST_SCRIPTS_PYTHON", sys.executable)
SCRIPTS = Path(shared.__file__).parent / "scripts"


@dataclass(frozen=True)
class Workspace:
    path: Path

    @property
    def project(self) -> Path:
        return self.path / "project"

    def has(self, file: str, text: str = "") -> Path:
        """A file of the project, as if it had been fetched."""
        path = self.project / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, script: str, *argv: str, settings: str = "", **environment: str) -> subprocess.Popen[str]:
        """`settings` are statements that change the script's constants, such as how long it waits."""
        program = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import {script} as script; {settings}"
        call = {"fetch": "main()", "install": "main(sys.argv[1:])", "run": "main(sys.argv[1], sys.argv[2:])"}[script]
        command = [PYTHON, "-B", "-c", f"{program}\nsys.exit(script.{call})", *argv]
        given = {**os.environ, "BODYWORK_WORKSPACE": str(self.path), "BODYWORK_TERMINATION_LOG": str(self.path / "termination-log")}
        return subprocess.Popen(
            command, env={**given, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )

    def run(self, script: str, *argv: str, settings: str = "", **environment: str) -> Ended:
        with self.start(script, *argv, settings=settings, **environment) as process:
            stdout, stderr = process.communicate(timeout=120)
        return Ended(process.returncode, stdout, stderr)

    @property
    def termination_message(self) -> str | None:
        log = self.path / "termination-log"
        return log.read_text() if log.exists() else None


@dataclass(frozen=True)
class Ended:
    code: int
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        return self.stderr.splitlines()[-1]
