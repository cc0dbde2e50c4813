"""Where a project's files name its objects: by PROJECT--STAGE, as Bodywork 1 and 2 called them, and perhaps in a namespace."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 1 << 20
_SUFFIXES = {".py", ".ipynb", ".sh", ".md", ".txt", ".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".env", ""}
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"


class Mention(NamedTuple):
    """`namespace` is None where the place names none."""

    file: str
    line: int
    name: str
    namespace: str | None


def mentions(folder: Path, names: Iterable[str]) -> list[Mention]:
    """All places in `folder` that name one of these objects."""
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(
        # by the API server's proxy, by an ingress's route, by DNS, or by the name alone
        rf"(?:namespaces/(?P<proxy>{_LABEL})/(?:services|deployments|jobs)/|/(?P<route>{_LABEL})/|(?<![a-zA-Z0-9-]))"
        rf"(?P<name>{either})(?![a-zA-Z0-9-])(?:\.(?P<dns>{_LABEL})\.svc\b)?"
    )
    found = []
    for path, text in _texts(folder):
        for number, line in enumerate(text.splitlines(), start=1):
            for match in pattern.finditer(line):
                namespace = match["proxy"] or match["route"] or match["dns"]
                found.append(Mention(path, number, match["name"], namespace))
    return found


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Path → text. Hidden folders and environments of Python are not the project's."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and not Path(parent, each, "pyvenv.cfg").exists())
        for name in sorted(files):
            file = Path(parent, name)
            if file.suffix not in _SUFFIXES or file.is_symlink() or not file.is_file() or file.stat().st_size > MOST_BYTES:
                continue
            try:
                text = file.read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                continue
            yield file.relative_to(folder).as_posix(), text
