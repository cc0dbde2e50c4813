"""An API server on a Unix socket, as behind a `kubectl proxy`, that says what the test has written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BREAK = b"<the connection breaks here>"


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle of an answer: tests do that."""


class Script:
    """Answers in order, the last one for ever; `asked` is the path and the query of each question."""

    def __init__(self, *answers: tuple[int, list[bytes]]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent: list[tuple[str, str | None, Any]] = []  # of each write: its method, the form of its body, and the body
        self.forms: list[str | None] = []  # in which each read asked for its answer
        self.enough = threading.Event()

    def next(self, path: str) -> tuple[int, list[bytes]]:
        parts = urlsplit(path)
        self.asked.append((parts.path, dict(parse_qsl(parts.query))))
        if len(self._answers) == 1:
            self.enough.set()
            return self._answers[0]
        return self._answers.pop(0)


def listed(position: str, *items: Any) -> tuple[int, list[bytes]]:
    return 200, [json.dumps({"metadata": {"resourceVersion": position}, "items": list(items)}).encode()]


def watched(*events: tuple[str, Any]) -> tuple[int, list[bytes]]:
    return 200, [json.dumps({"type": type_, "object": obj}).encode() + b"\n" for type_, obj in events]


def said(status: int, text: str) -> tuple[int, list[bytes]]:
    return status, [text.encode()]


@contextmanager
def serving(folder: Path, script: Script) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            script.forms.append(self.headers["Accept"])
            status, pieces = script.next(self.path)
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in pieces:
                if piece == BREAK:
                    self.wfile.write(b"ff\r\ncut")
                    self.close_connection = True
                    return
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            script.sent.append((self.command, self.headers["Content-Type"], json.loads(body)))
            self.do_GET()

        do_PATCH = do_POST  # noqa: N815 - as http.server calls it

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            pass

    path = str(folder / "s")
    with Server(path, Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield path
        finally:
            server.shutdown()
            thread.join()
