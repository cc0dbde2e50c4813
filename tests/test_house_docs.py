"""Every command in README, docs and the examples' READMEs that needs no cluster is run, and prints what the page shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from bodywork_compiler.cli import bodywork

CHECKOUT = Path(__file__).parent.parent
PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("examples/**/README.md")])
BLOCK = re.compile(r"^```(?P<language>console|sh|bash|shell)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)

# (what a command is, why it is not run here)
NOT_RUN = {
    r"\bbodywork (apply|diff|status|logs|history|delete)\b": "needs a cluster (the cluster tests run each example)",
    r"\bbodywork (create|update|get|trigger|secret|configure-cluster|setup-namespace)\b(?!.*--dry-run=client)": "needs a cluster (the same)",
    r"\bkubectl (?!kustomize\b)": "needs a cluster",
    r"\b(kind|helm|argocd|flux|docker|aws)\b": "needs a program that is not ours",
    r"\bcurl\b": "needs a running service",
    r"\bgit (clone|push)\b": "needs a server",
    r"\bpip install\b|\bpre-commit\b": "installs",
    r"\bmake (demo|test|test-kind|bench|lint|format|image|image-kind)\b": "has tests of its own (test_house_users_cluster.py), or would run these again",
    r"\b(pytest|python bench/|\.ci/run)": "would run these again",
}


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    commands: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def runnable(self) -> tuple[str, ...]:
        return tuple(command for command in self.commands if not any(re.search(pattern, command) for pattern in NOT_RUN))


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for match in BLOCK.finditer(text):
        body = match["body"].replace("\\\n", " ")
        lines = [line for line in body.splitlines() if line.strip()]
        prompted = [line for line in lines if line.startswith("$ ")]
        commands = [line.removeprefix("$ ") for line in prompted] if prompted else [line for line in lines if not line.startswith("#")]
        shown = [line for line in lines if not line.startswith("$ ")] if prompted else []
        yield Block(page, text[: match.start()].count("\n") + 1, tuple(commands), tuple(shown))


def all_blocks() -> list[object]:
    found = [block for page in PAGES for block in blocks(page)]
    return [pytest.param(block, id=f"{block.page.relative_to(CHECKOUT)}:{block.line}") for block in found]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of this repository holds, committed, without a remote."""
    copy = tmp_path_factory.mktemp("clone") / "bodywork"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, copy / name)
    git = ["git", "-C", str(copy), "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "A clone"]):
        subprocess.run([*git, *words], check=True)
    return copy


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repository, tmp_path / "bodywork"))


def test_the_pages_show_commands() -> None:
    found = {block.page.name for page in PAGES for block in blocks(page)}
    assert "README.md" in found


@pytest.mark.parametrize("block", [param for param in all_blocks() if param.values[0].runnable])  # type: ignore[attr-defined]
def test_commands_on_a_page_do_what_it_says(block: Block, clone: Path, tmp_path: Path) -> None:
    if "kubectl" in "".join(block.runnable) and not shutil.which("kubectl"):
        pytest.skip("needs kubectl on PATH")
    folder = clone / (block.page.parent.relative_to(CHECKOUT))
    environment = {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    script = "set -euo pipefail\n" + "\n".join(block.runnable)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout[-1000:]}{done.stderr}"
    output = (done.stdout + done.stderr).splitlines()
    if block.commands == block.runnable:
        for line in block.shown:
            assert "…" in line or line in output


@pytest.mark.parametrize("block", all_blocks())
def test_commands_on_a_page_use_options_that_exist(block: Block) -> None:
    for words in (match for command in block.commands for match in re.findall(r"\bbodywork ([a-z-][^|&;>]*)", command)):
        command = the_command_of(words.split())
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "-h"}
        used = set(re.findall(r"(?<!\S)(--?[a-z][\w-]*)", words))
        assert used <= known, f"{block.page.name}:{block.line}"


def the_command_of(words: list[str]) -> click.Command:
    """The one that a line of words runs: `create secret` is a group's."""
    command: click.Command = bodywork
    while isinstance(command, click.Group) and words:
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        command = found
    return command


def test_the_config_that_the_readme_shows_is_the_examples() -> None:
    shown = re.findall(r"^```yaml\n(.*?)^```", (CHECKOUT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown == [(CHECKOUT / "examples" / "batch-job" / "bodywork.yaml").read_text("utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_on_a_page_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
