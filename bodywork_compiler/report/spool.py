"""Log lines kept until their pod has ended: in memory while they are few, then in a temporary file. None is lost."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

IN_MEMORY_BYTES = 256 * 1024  # of each pod


class Spool:
    """The lines of one pod, in the order in which they came."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, mode="w+", encoding="utf-8", errors="surrogatepass", newline="\n")  # noqa: SIM115 -- closed by `drain`

    def add(self, line: str) -> None:
        self._file.write(line.replace("\n", " ") + "\n")

    def drain(self) -> Iterator[str]:
        """All lines, once."""
        self._file.seek(0)
        with self._file:
            for line in self._file:
                yield line[:-1]
