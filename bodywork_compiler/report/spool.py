"""Log lines kept until their pod has ended: in memory while they are few, then in a temporary file. None is lost."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO

IN_MEMORY_CHARACTERS = 256 * 1024  # of each pod


class Spool:
    """The lines of one pod, in the order in which they came."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._file: IO[str] | None = None

    def add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size > IN_MEMORY_CHARACTERS:
            self._spill()

    def drain(self) -> Iterator[str]:
        """All lines, once."""
        if self._file is None:
            yield from self._lines
            return
        self._spill()
        self._file.seek(0)
        with self._file:
            for line in self._file:
                yield line[:-1]

    def _spill(self) -> None:
        if self._file is None:
            # lone surrogates and carriage returns come back as they went
            self._file = TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n")  # noqa: SIM115 -- closed when drained
        self._file.writelines(line.replace("\n", " ") + "\n" for line in self._lines)
        self._lines.clear()
        self._size = 0
