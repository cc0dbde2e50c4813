"""Every test runs as a user of whom nothing is known: no home, no kubeconfig, no settings of git, no agent, no language but C."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

REPLACED = ("GIT_", "SSH_", "XDG_", "KUBE", "LC_", "BODYWORK_GIT_", "HELM_")
REMOVED = ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LANGUAGE", "EMAIL", "GITHUB_ACTIONS", "PYTHONDONTWRITEBYTECODE")

# A shell ignores Ctrl-C for what it starts in the background (`make test &`), and a process that a test starts would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled templates are kept from test to test: what they hold depends on the templates' text alone."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def nothing_of_the_user(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(REPLACED) or name in REMOVED:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, value in {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(shared_cache),
        "XDG_CONFIG_HOME": str(home / "config"),
        # names no file: kubectl would find no cluster, so that a test that calls it without naming the test cluster fails
        "KUBECONFIG": str(home / "no-kubeconfig-in-tests"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }.items():
        monkeypatch.setenv(name, value)
