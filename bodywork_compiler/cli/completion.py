"""`bodywork completion`: what a shell needs to complete commands, options and names. click makes the scripts, and answers them."""

from __future__ import annotations

import os
from pathlib import Path

import click

# `main` names the program so, whichever of its two names was typed; click takes the variable's name from there
VARIABLE = "_BODYWORK_COMPLETE"
PROGRAMS = ("bodywork", "bw")
_SHELLS = ("bash", "zsh", "fish")
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
    from click.shell_completion import get_completion_class

    from bodywork_compiler.cli import bodywork

    name = shell or Path(os.environ.get("SHELL", "")).name
    made = get_completion_class(name) if name in _SHELLS else None
    if made is None:
        raise click.UsageError(f"which shell? {name or 'SHELL'} is not one of {', '.join(_SHELLS)}")
    click.echo(f"# {_HOW[name]}")
    for program in PROGRAMS:
        # source() asks bash for its version, which may not be there where this is built
        click.echo(made.source_template % made(bodywork, {}, program, VARIABLE).source_vars())
