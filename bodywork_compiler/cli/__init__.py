"""The command line: a file per verb, each imported only when it runs. `main` alone decides exit codes."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from bodywork_compiler import __version__
from bodywork_compiler.errors import EXIT_HUNG_UP, EXIT_INTERRUPTED, BodyworkError, ConfigError, exit_code_of

# name -> (heading, what it does). The module is cli.NAME, its command `command`. Said here, so that --help imports none of them.
COMMANDS = {
    "init": ("Start", "Write the first files of a project, or propose a config for scripts."),
    "migrate": ("Start", "Turn an earlier project's config into today's."),
    "validate": ("Look", "Check a project's config and say everything that is wrong with it."),
    "render": ("Look", "Compile a project to Kubernetes manifests."),
    "diff": ("Look", "Show what apply would change on a cluster, and change nothing."),
    "graph": ("Look", "Draw a pipeline's steps and stages."),
    "schema": ("Look", "Print the JSON Schema of a config's format, for editors."),
    "apply": ("Run", "Run a pipeline on a cluster, or on this machine, step by step."),
    "run": ("Run", "Run one stage on this machine, without any cluster."),
    "status": ("Look", "Show how a pipeline stands on a cluster."),
    "history": ("Look", "Show the last runs of a pipeline on a cluster."),
    "logs": ("Look", "Print the logs of a pipeline's stages."),
    "delete": ("Manage", "Delete a pipeline from a cluster, and wait until it is gone."),
    "completion": ("Start", "Print the script that lets a shell complete commands and names."),
    "version": ("Look", "Print Bodywork's version."),
}
HEADINGS = ("Start", "Look", "Run", "Manage")
_MEANT = {"--ssh-key-path": "--ssh"}  # as earlier Bodywork's documents have it; its program never knew it
EXIT_BUG = 3
EXIT_NO_READER = 141  # 128 + SIGPIPE: what a shell says of git or cat


class _NoReader(Exception):
    """A BrokenPipeError: the reader of our output went away (`| head`). click would make exit code 1 of it, other programs die of SIGPIPE."""


@contextlib.contextmanager
def _knowing_readers() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as gone:
        raise _NoReader from gone


class _Verbs(click.Group):
    """A group whose commands are imported when they are called: today's from their own file, all others are earlier Bodywork's."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _knowing_readers():  # --help and --version write here
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _knowing_readers():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        from bodywork_compiler.cli import earlier

        return [*COMMANDS, *(name for name, _ in earlier.overview())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 click's signature
        if cmd_name not in COMMANDS:
            from bodywork_compiler.cli import earlier

            return earlier.command(cmd_name)
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        word, *after = args
        if word in COMMANDS and word != "delete":
            return super().resolve_command(ctx, args)
        from bodywork_compiler.cli import earlier

        if word == "delete" and earlier.is_v3_delete(after):
            return word, earlier.command(word), after
        if not word.startswith("-") and word not in {*COMMANDS, *earlier.NAMES}:
            gone = f"No such command '{word}' any more: {earlier.GONE[word]}." if word in earlier.GONE else ""
            raise click.UsageError(gone or no_such_command(word, list(dict.fromkeys([*COMMANDS, *earlier.NAMES]))), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's signature
        from bodywork_compiler.cli import earlier

        sections = {heading: [(name, text) for name, (at, text) in COMMANDS.items() if at == heading] for heading in HEADINGS}
        for heading, rows in {**sections, earlier.HEADING: earlier.overview()}.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def no_such_command(word: str, known: Sequence[str]) -> str:
    """What is said to who mistyped: the nearest name, else all of them."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f"No such command '{word}'. Did you mean '{near[0]}'?" if near else f"No such command '{word}'. Known: {', '.join(known)}."


def _completion(context: click.Context, option: click.Parameter, shell: str | None) -> None:
    """v3's two options, which end the command."""
    if shell is None:
        return
    from bodywork_compiler.cli import completion

    given = None if shell == _THE_ONE_THAT_RUNS else shell
    if option.name == "show_completion":
        click.echo(completion.script(given))
    else:
        click.echo(f"Completion is installed in {completion.install(given)}. It begins with the next shell.")
    context.exit()


_THE_ONE_THAT_RUNS = "-"


def _completion_option(name: str, does: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    return click.option(
        name,
        is_flag=False,
        flag_value=_THE_ONE_THAT_RUNS,
        metavar="[SHELL]",
        expose_value=False,
        is_eager=True,
        callback=_completion,
        help=does,
    )


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
@_completion_option("--install-completion", "Let SHELL (bash, zsh or fish; default: yours) complete commands and names.")
@_completion_option("--show-completion", "Print what that puts into the shell: bodywork completion SHELL.")
def bodywork() -> None:
    """Put a Python machine-learning pipeline on Kubernetes.

    A config in a Git repository names the stages and their order. `render` compiles it to plain Kubernetes YAML, `apply` executes exactly
    that YAML, step by step.

    \b
    Example:
      bodywork init my-pipeline
      bodywork apply --local
      bodywork render -o manifests/
      bodywork apply manifests/
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused, 2 wrong usage, 3 a bug, 4 the run ended badly, 70 timed out, 130 interrupted, ..."""
    from bodywork_compiler.cli.typed_secrets import never_said

    with never_said(sys.argv[1:] if argv is None else argv):
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    if any("\0" in word for word in argv or ()):
        return _told(click.UsageError("an argument holds the character NUL"))
    try:
        returned = bodywork.main(args=argv, prog_name="bodywork", standalone_mode=False)
        sys.stdout.flush()
    except Exception as failure:  # noqa: BLE001 the one place where what nobody expected is told as a bug
        return _told(failure)
    except KeyboardInterrupt as interrupt:
        return _interrupted(interrupt)
    return returned if isinstance(returned, int) else 0


def _told(failure: Exception) -> int:
    """Say what went wrong, as its kind is said; the exit code of it."""
    match failure:
        case click.ClickException():
            if isinstance(failure, click.NoSuchOption) and failure.option_name in _MEANT:
                meant = f"No such option {failure.option_name}. Did you mean {_MEANT[failure.option_name]}?"
                failure = click.UsageError(meant, ctx=failure.ctx)
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
            return _interrupted(failure.__cause__)
        case _NoReader() | OSError(errno=errno.EPIPE | errno.ENOSPC | errno.EDQUOT | errno.EFBIG | errno.EBADF | errno.EIO):
            return _cannot_write(failure)
    import traceback

    traceback.print_exception(failure)
    _say(f"this is a bug in Bodywork {__version__}; please report it with the lines above", None)
    return EXIT_BUG


def _interrupted(by: BaseException | None) -> int:
    code = exit_code_of(by)
    _say({EXIT_INTERRUPTED: "interrupted", EXIT_HUNG_UP: "the terminal is gone"}.get(code, "terminated"), None)
    return code


def _cannot_write(failure: _NoReader | OSError) -> int:
    """The disk is full, or stdout is closed; nothing is said where only the reader went away."""
    # devnull keeps the interpreter's own flush at exit quiet
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(failure, _NoReader | BrokenPipeError):
        return EXIT_NO_READER
    _say(f"cannot write{f' {failure.filename}' if failure.filename else ''}: {failure.strerror}", None)
    return BodyworkError.exit_code


def _say(message: str, hint: str | None) -> None:
    click.echo(f"bodywork: {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)
