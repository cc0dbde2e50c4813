"""Servers on this machine that pods of the test cluster can reach: a Git server and an S3 server."""

from __future__ import annotations

import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from builders import Repository, a_bare_copy

HOST_ADDRESS = "BODYWORK_TEST_HOST_ADDRESS"


def address_for_pods(node_address: str) -> str:
    """The address by which pods reach this machine: the one from which this machine speaks to the node that they run on.

    On a cluster that runs on this machine itself that is the node's own address, with kind the bridge of its Docker network. Where it is
    something else (a cluster in a virtual machine behind NAT), BODYWORK_TEST_HOST_ADDRESS says so.
    """
    if named := os.environ.get(HOST_ADDRESS):
        return named
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node_address, 9))  # UDP: the kernel chooses a route, and nothing is sent
        return str(probe.getsockname()[0])


@dataclass(frozen=True, slots=True)
class GitServer:
    """Serves each `NAME.git` in `folder` at `url/NAME.git`, to everybody, read-only."""

    url: str
    folder: Path

    def publish(self, repository: Repository, name: str) -> str:
        """As after `git push`: the server holds all that is committed, and `repository` knows it as origin. Again: pushes what is new."""
        url, bare = f"{self.url}/{name}.git", self.folder / f"{name}.git"
        if bare.exists():
            repository.git("push", "--quiet", str(bare), "HEAD:main")
            repository.pushed()
        else:
            a_bare_copy(repository, bare)
            repository.has_remote(url)
        return url


@contextmanager
def git_daemon(address: str, folder: Path) -> Iterator[GitServer]:
    port = _free_port(address)
    argv = ["git", "daemon", "--verbose", "--reuseaddr", "--export-all", f"--listen={address}", f"--port={port}", f"--base-path={folder}"]
    log = folder / "git-daemon.log"
    with log.open("w") as stderr, subprocess.Popen([*argv, str(folder)], stdin=subprocess.DEVNULL, stderr=stderr) as daemon:
        try:
            _wait_until_it_listens(daemon, (address, port), log)
            yield GitServer(f"git://{address}:{port}", folder)
        finally:
            daemon.terminate()


@dataclass(frozen=True, slots=True)
class S3Server:
    """Buckets in memory. It takes any credentials; those here are what a pipeline's secret may hold."""

    url: str

    CREDENTIALS: ClassVar = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

    # moto checks no signature, but who comes without one is a stranger to it, and may not read
    SIGNATURE: ClassVar = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"

    def make_bucket(self, name: str) -> None:
        self._ask("PUT", name)

    def read(self, bucket: str, key: str) -> bytes:
        return self._ask("GET", f"{bucket}/{key}")

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"{self.url}/{path}", method=method, headers={"Authorization": self.SIGNATURE})
        with urllib.request.urlopen(request, timeout=30) as answer:
            content: bytes = answer.read()
        return content


@contextmanager
def s3_in_memory(address: str) -> Iterator[S3Server]:
    from moto.server import ThreadedMotoServer  # imported late: it takes a second, and few tests need it

    server = ThreadedMotoServer(ip_address=address, port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(daemon: subprocess.Popen[bytes], place: tuple[str, int], log: Path) -> None:
    while daemon.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(place) == 0:
                return
    raise AssertionError(f"git daemon ended: {log.read_text()}")
