"""Fixtures of the tests that need a cluster: the throw-away one that BODYWORK_TEST_KUBECONFIG names, and no other.

BODYWORK_TEST_HOST_ADDRESS is only needed where pods reach this machine by an address that cannot be guessed (see servers.py).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import Cluster
from servers import GitServer, S3Server, address_for_pods, git_daemon, s3_in_memory

from bodywork_compiler import names

KUBECONFIG = "BODYWORK_TEST_KUBECONFIG"
CONTROLLER_IMAGE = "BODYWORK_TEST_CONTROLLER_IMAGE"
LONGEST_NAME = 40  # of a test, in a namespace's name: object names and paths with it stay short


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    kubeconfig = os.environ.get(KUBECONFIG)
    if not kubeconfig:
        pytest.skip(f"needs a throw-away cluster: set {KUBECONFIG} to its kubeconfig, or run `make test-kind`")
    cluster = Cluster(Path(kubeconfig).absolute())
    cluster.kubectl("get", "--raw", "/readyz")
    return cluster


@pytest.fixture(scope="session")
def controller_image(cluster: Cluster) -> str:
    """The controller's image, which is on the nodes."""
    image = os.environ.get(CONTROLLER_IMAGE)
    if not image:
        pytest.skip(
            f"needs the controller's image on the nodes: `make controller-rootfs` or `make image`, and {CONTROLLER_IMAGE} for its name"
        )
    return image


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test's own, named after it. Safe beside other runs of the same test."""
    name = names.shortened(names.clean(request.node.name.removeprefix("test_")), LONGEST_NAME) + f"-{secrets.token_hex(3)}"
    cluster.make_namespace(name)
    yield name
    cluster.delete_namespace(name)


@pytest.fixture(scope="session")
def git_server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_daemon(address_for_pods(cluster.node_address()), tmp_path_factory.mktemp("git-server")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(cluster: Cluster) -> Iterator[S3Server]:
    with s3_in_memory(address_for_pods(cluster.node_address())) as server:
        yield server
