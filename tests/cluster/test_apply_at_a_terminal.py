"""`bodywork apply` as a person at a terminal has it: asked first, a live line for each stage, Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import Cluster
from hand_made import RUNS_ON, a_batch, stream
from terminal import Terminal, at_a_terminal

pytestmark = pytest.mark.cluster


def test_a_person_agrees_sees_each_stage_and_interrupts(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    manifests = tmp_path / "manifests.json"
    manifests.write_text(stream(a_batch("train", 1), a_batch("long", 2, RUNS_ON)))
    where = ("--namespace", namespace, "--kubeconfig", cluster.kubeconfig)

    exit_code, shown = at_a_terminal("apply", manifests, *where, types="y\n", interrupt_at="began")

    terminal = Terminal()
    terminal.feed(shown.encode())
    said = iter(terminal.text.splitlines())
    for line in (
        f"namespace {namespace}",
        "cluster ",
        "step 1  train  Job  created",
        "step 2  long   Job  created",
        "Apply? [y/N]: ",
        "train | done",
        "✓ train",
        "long | began",
        "- long",
        "was interrupted",
        "step 1  train  Job  succeeded",
        "step 2  long   Job  stopped",
    ):
        assert any(line in each for each in said), f"{line!r} is missing, or in another place, in\n{terminal.text}"
    assert exit_code == 130
    assert terminal.has_cursor
