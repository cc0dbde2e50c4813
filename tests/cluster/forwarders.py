"""A way to the API server that a test can cut and mend."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from clusters import Cluster


class Forwarder:
    """Listens on this machine and passes everything on; while it is cut, nobody listens, and what was open is broken off.

    `turn_away` is the other way to be gone: whoever asks is hung up on, and counted, so that a test knows that it was seen.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._turned_away: int | None = None
        self._asked = threading.Condition()
        self.port = 0
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        assert self._listener is not None
        self._break_off(self._listener)

    def turn_away(self) -> None:
        self._turned_away = 0
        self._break_off()

    def take_in_again(self, *, after: int, seconds: float = 0.0) -> None:
        """Once so many were turned away, and not before so many seconds."""
        with self._asked:
            assert self._asked.wait_for(lambda: (self._turned_away or 0) >= after, timeout=30), f"asked {self._turned_away} times only"
            self._asked.wait_for(lambda: False, timeout=seconds)
            self._turned_away = None

    def _break_off(self, *also: socket.socket) -> None:
        for each in (*also, *list(self._open)):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _hang_up(self, client: socket.socket) -> None:
        client.close()
        with self._asked:
            if self._turned_away is not None:
                self._turned_away += 1
            self._asked.notify_all()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                if self._turned_away is not None:
                    self._hang_up(client)
                    continue
                server = socket.create_connection(self._target)
                self._open |= {client, server}
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def a_way_that_can_be_cut(cluster: Cluster, folder: Path) -> Iterator[tuple[Cluster, Forwarder]]:
    """The same cluster by another kubeconfig, and the way that this takes."""
    shown = cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "config", "view", "--raw", "--minify", "-o", "json").stdout
    config = json.loads(shown)
    server = config["clusters"][0]["cluster"]
    at = urlsplit(server["server"])
    assert at.hostname
    assert at.port
    forwarder = Forwarder(at.hostname, at.port)
    server |= {"server": f"https://127.0.0.1:{forwarder.port}", "tls-server-name": at.hostname}
    kubeconfig = folder / "kubeconfig-through-forwarder"
    kubeconfig.write_text(json.dumps(config))
    kubeconfig.chmod(0o600)
    try:
        yield Cluster(kubeconfig), forwarder
    finally:
        forwarder.cut()
