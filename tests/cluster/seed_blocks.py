"""The documents of `tests/seeds/`: their blocks, read; and what is printed compared with what they show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SEEDS = Path(__file__).parents[1] / "seeds"
# what differs from run to run: times of day, and the number of a schedule's run
_TIMES = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d{3}|\+00:00)?")
_RUN_NUMBER = re.compile(r"(?<=[a-z0-9])-\d{8,}\b")


@dataclass(frozen=True)
class Command:
    """`shown` are the lines that the document shows as its output."""

    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """Its blocks by name, in order."""

    blocks: Mapping[str, tuple[Command, ...]]


def a_document(name: str) -> Document:
    sections = re.split(r"^# (.*)\n", (SEEDS / f"{name}.txt").read_text(), flags=re.MULTILINE)
    return Document({heading: tuple(_commands(body)) for heading, body in zip(sections[1::2], sections[2::2], strict=True)})


def _commands(body: str) -> Iterator[Command]:
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith("! ")]
    for command in re.split(r"^\$ ", "\n".join(lines), flags=re.MULTILINE)[1:]:
        text, shown = _split(command)
        yield Command(text, tuple(shown.splitlines()))


def _split(command: str) -> tuple[str, str]:
    """A command goes on behind a backslash."""
    found = re.match(r"(?:.*\\\n)*.*", command)
    assert found
    return found[0], command[found.end() :].strip("\n")


@dataclass(frozen=True)
class Reader:
    """Somebody with a document and a shell. `names`: what stands in the document → what it is called here, as patterns."""

    document: Document
    folder: Path
    kubeconfig: Path
    names: Mapping[str, str]
    environ: Mapping[str, str] = field(default_factory=dict)

    def types(self, block: str) -> str:
        """Runs the block's commands as they are written, one after the other; returns all that they printed, which is what the document shows."""
        return "".join(self._types(command) for command in self.document.blocks[block])

    def _types(self, command: Command) -> str:
        script = self.here(command.text)
        own = {"KUBECONFIG": str(self.kubeconfig), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        environ = {**os.environ, **own, **self.environ}
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=environ, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert_shows(done.stdout, [self.here(line) for line in command.shown])
        return done.stdout

    def here(self, text: str) -> str:
        for said, called in self.names.items():
            text = re.sub(said, called, text)
        return text


def assert_shows(printed: str, shown: list[str]) -> None:
    """Every line that is shown is printed, in this order; where JSON is shown, the same values are."""
    if shown and shown[0] == "{":
        assert json.loads(printed) == json.loads("\n".join(shown))
        return
    lines = iter(printed.splitlines())
    for line in shown:
        assert _same_each_time(line) in map(_same_each_time, lines), f"not printed, or not in this place: {line}\n{printed}"


def _same_each_time(line: str) -> str:
    return " ".join(_RUN_NUMBER.sub("-NUMBER", _TIMES.sub("TIME", line)).split())
