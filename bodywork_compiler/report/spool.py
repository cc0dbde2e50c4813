"""Log lines kept until their pod has ended: in memory while they are few, then in a temporary file. None is lost."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from tempfile import TemporaryFile

IN_MEMORY_CHARACTERS = 256 * 1024  # of each pod
# lone surrogates and carriage returns come back as they went
_ENCODING, _ERRORS, _NEWLINE = "utf-8", "surrogatepass", "\n"


class Spool:
    """The lines of one pod, in the order in which they came. Those that find no room on the disk stay in memory."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._file: io.RawIOBase | None = None
        self._is_full = False

    def add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size > IN_MEMORY_CHARACTERS and not self._is_full:
            self._spill()

    def drain(self) -> Iterator[str]:
        """All lines, once."""
        if self._file is not None:
            self._file.seek(0)
            with io.TextIOWrapper(io.BufferedReader(self._file), encoding=_ENCODING, errors=_ERRORS, newline=_NEWLINE) as file:
                for line in file:
                    yield line[:-1]
        yield from self._lines

    def _spill(self) -> None:
        text = "".join(line.replace("\n", " ") + "\n" for line in self._lines).encode(_ENCODING, _ERRORS)
        try:
            if self._file is None:
                self._file = TemporaryFile(buffering=0)  # noqa: SIM115 -- closed when drained
            _write_whole(self._file, text)
        except OSError:
            self._is_full = True
            return
        self._lines.clear()
        self._size = 0


def _write_whole(file: io.RawIOBase, text: bytes) -> None:
    """All of it or none."""
    began = file.tell()
    try:
        while text:
            text = text[file.write(text) or 0 :]
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(began)
        raise
