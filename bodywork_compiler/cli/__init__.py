"""The command line: a file per verb, each imported only when it runs. `main` alone decides exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence

import click

from bodywork_compiler import __version__
from bodywork_compiler.errors import BodyworkError, ConfigError

# name -> (heading, what it does). The module is cli.NAME, its command `command`. Said here, so that --help imports none of them.
COMMANDS = {
    "validate": ("Look", "Check a project's config and say everything that is wrong with it."),
    "render": ("Look", "Compile a project to Kubernetes manifests."),
    "diff": ("Look", "Show what apply would change on a cluster, and change nothing."),
    "schema": ("Look", "Print the JSON Schema of a config's format, for editors."),
    "apply": ("Run", "Run a pipeline on a cluster, step by step."),
    "status": ("Look", "Show how a pipeline stands on a cluster."),
    "logs": ("Look", "Print the logs of a pipeline's stages."),
    "delete": ("Manage", "Delete a pipeline from a cluster, and wait until it is gone."),
    "version": ("Look", "Print Bodywork's version."),
}
# earlier Bodywork's words -> what does their work here
EARLIER = {
    "workflow": "apply",
    "create": "apply",
    "update": "apply",
    "get": "status",
    "deployment": "apply, status, logs",
    "service": "status, delete",
    "configure-cluster": "apply, which needs no set-up",
    "setup-namespace": "apply, which makes the namespace",
    "cronjob": "",
    "secret": "",
}
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class _Verbs(click.Group):
    """A group whose commands are imported when they are called, and which knows near names."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(f"No such command '{args[0]}'{_instead_of(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's signature
        headings = dict.fromkeys(heading for heading, _ in COMMANDS.values())
        for heading in headings:
            with formatter.section(heading):
                formatter.write_dl([(name, text) for name, (at, text) in COMMANDS.items() if at == heading])


def _instead_of(word: str) -> str:
    if word in EARLIER:
        does_it = f" Its work is done by: {EARLIER[word]}." if EARLIER[word] else ""
        return f" yet: it is earlier Bodywork's.{does_it} docs/compatibility.md has the whole table."
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    return f". Did you mean '{near[0]}'?" if near else f". Known: {', '.join(COMMANDS)}."


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def bodywork() -> None:
    """Put a Python machine-learning pipeline on Kubernetes.

    A config in a Git repository names the stages and their order. `render` compiles it to plain Kubernetes YAML, `apply` executes exactly
    that YAML, step by step.

    \b
    Example:
      bodywork validate
      bodywork render -o manifests/
      bodywork apply manifests/
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused, 2 wrong usage, 3 a bug, 4 the run ended badly, 70 timed out, 130 interrupted."""
    try:
        returned = bodywork.main(args=argv, prog_name="bodywork", standalone_mode=False)
    except Exception as failure:  # noqa: BLE001 the one place where what nobody expected is told as a bug
        return _told(failure)
    except KeyboardInterrupt:
        return _told(click.Abort())
    return returned if isinstance(returned, int) else 0


def _told(failure: Exception) -> int:
    """Say what went wrong, as its kind is said; the exit code of it."""
    match failure:
        case click.ClickException():
            failure.show()
            return failure.exit_code
        case ConfigError():
            from bodywork_compiler.report.problems import print_problems

            print_problems(failure.problems)
            return failure.exit_code
        case BodyworkError():
            _say(failure.message, failure.hint)
            return failure.exit_code
        case click.Abort():
            _say("interrupted", None)
            return EXIT_INTERRUPTED
        case BrokenPipeError() | OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
            return _cannot_write(failure)
    import traceback

    traceback.print_exception(failure)
    _say(f"this is a bug in Bodywork {__version__}; please report it with the lines above", None)
    return EXIT_BUG


def _cannot_write(failure: OSError) -> int:
    """The reader of our output went away (`| head`), which nobody needs to be told, or the disk is full: no fault of ours."""
    # devnull keeps the interpreter's own flush at exit quiet
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(failure, BrokenPipeError):
        _say(f"cannot write{f' {failure.filename}' if failure.filename else ''}: {failure.strerror}", None)
    return BodyworkError.exit_code


def _say(message: str, hint: str | None) -> None:
    click.echo(f"bodywork: {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)
