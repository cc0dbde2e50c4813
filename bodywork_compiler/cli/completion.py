"""`bodywork completion`: what a shell needs to complete commands, options and names. click makes the scripts, and answers them."""

from __future__ import annotations

import os
from pathlib import Path

import click

# `main` names the program so, whichever of its two names was typed; click takes the variable's name from there
VARIABLE = "_BODYWORK_COMPLETE"
PROGRAMS = ("bodywork", "bw")
_SHELLS = ("bash", "zsh", "fish")
_READ_AT_START = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/completions/bodywork.fish"}
_HOW = {
    "bash": 'Into ~/.bashrc: eval "$(bodywork completion bash)"',
    "zsh": 'Into ~/.zshrc, after compinit: eval "$(bodywork completion zsh)"',
    "fish": "bodywork completion fish > ~/.config/fish/completions/bodywork.fish",
}


@click.command("completion")
@click.argument("shell", required=False, type=click.Choice(_SHELLS), metavar="[SHELL]")
def command(shell: str | None) -> None:
    """Print the script that lets a shell complete commands, options, stages, pipelines and secrets.

    SHELL is bash, zsh or fish; default: the one that runs (SHELL in the environment). Names of a cluster are asked of it, for two seconds at most.

    \b
    Example:
      eval "$(bodywork completion bash)"
      bodywork completion fish > ~/.config/fish/completions/bodywork.fish
    """
    click.echo(script(shell))


def script(shell: str | None) -> str:
    """What the shell evaluates, with the line that brings it there above it."""
    from click.shell_completion import get_completion_class

    from bodywork_compiler.cli import bodywork

    name = _known(shell)
    made = get_completion_class(name)
    assert made is not None  # noqa: S101 - click has all of _SHELLS
    # source() asks bash for its version, which may not be there where this is built
    programs = [made.source_template % made(bodywork, {}, program, VARIABLE).source_vars() for program in PROGRAMS]
    return "\n".join([f"# {_HOW[name]}", *programs])


def install(shell: str | None) -> str:
    """Put the line where the shell reads it at its start, once; where that is."""
    name = _known(shell)
    file = Path.home() / _READ_AT_START[name]
    file.parent.mkdir(parents=True, exist_ok=True)
    if name == "fish":
        file.write_text(script(name), encoding="utf-8")
        return str(file)
    line = f'eval "$(bodywork completion {name})"'
    there = file.read_text(encoding="utf-8") if file.exists() else ""
    if line not in there.splitlines():
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{'' if there.endswith(chr(10)) or not there else chr(10)}{line}\n")
    return str(file)


def _known(shell: str | None) -> str:
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise click.UsageError(f"which shell? {name or 'SHELL'} is not one of {', '.join(_SHELLS)}")
    return name
