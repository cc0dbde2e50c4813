"""What a person at a terminal is asked before a run: where it goes, and what it changes there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.manifests import same_files_near
from bodywork_compiler.cli.pipeline import can_answer
from bodywork_compiler.errors import BodyworkError, exit_code_of

if TYPE_CHECKING:
    from bodywork_compiler.kubectl import Kubectl
    from bodywork_compiler.manifests import Plan
    from bodywork_compiler.preview.values import Difference
    from bodywork_compiler.run_options import RunOptions
    from bodywork_compiler.runner.events import RunStarted


class _Interrupted(BodyworkError):
    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def asking(plan: Plan, kubectl: Kubectl, *, where: str, yes: bool, options: RunOptions) -> Callable[[RunStarted], None]:
    """In a pipe or in CI the command itself is the word; on a terminal it is asked for, unless it was given with `--yes`."""

    def agree(started: RunStarted) -> None:
        if yes or not can_answer():
            return
        try:
            _show(plan, kubectl, started, options, where)
            agreed = _confirmed()
        except KeyboardInterrupt as interrupt:
            click.echo(err=True)
            raise _Interrupted("interrupted; nothing was changed", exit_code=exit_code_of(interrupt)) from None
        if not agreed:
            raise BodyworkError("not applied; nothing was changed")

    return agree


def _show(plan: Plan, kubectl: Kubectl, started: RunStarted, options: RunOptions, where: str) -> None:
    from bodywork_compiler.report.output import Output
    from bodywork_compiler.report.summary import outlook
    from bodywork_compiler.runner.namespace import cluster_of

    found, why = _foreseen(plan, kubectl, started, options, where)
    output = Output(sys.stderr, environ=os.environ)
    for line in outlook(started, found, cluster=cluster_of(kubectl), prune=options.prune):
        output.line(line)
    if found is None:
        output.line(f"  what changes is not known: {why}")
    output.flush()


def _foreseen(plan: Plan, kubectl: Kubectl, started: RunStarted, options: RunOptions, where: str) -> tuple[Difference | None, str]:
    """What would change; or why that cannot be said, which keeps nobody from a run."""
    from bodywork_compiler.preview.compare import compare
    from bodywork_compiler.printable import printable
    from bodywork_compiler.runner.namespace import Whereabouts
    from bodywork_compiler.runner.owners import NotOurs

    try:
        there = Whereabouts(context=started.context, namespace=started.namespace)
        return compare(plan, kubectl, there, options, same_files_near(where)), ""
    except NotOurs:  # which the run would refuse after the question
        raise
    except BodyworkError as why:
        return None, "\n    ".join(map(printable, why.message.splitlines()))


def _confirmed() -> bool:
    """No is what stands for return alone, and for the end of the input."""
    while True:
        click.echo("Apply? [y/N]: ", nl=False, err=True)
        answer = _typed_line()
        if not answer:
            click.echo(err=True)
        if answer.strip().lower() in {"y", "yes", "n", "no", ""}:
            return answer.strip().lower() in {"y", "yes"}


def _typed_line() -> str:
    """A Ctrl-C in the moment before a read begins would not end it (https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd): it ends the wait."""
    import select
    import signal

    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    former = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        select.select([sys.stdin, woken], [], [])
        return sys.stdin.readline()
    finally:
        signal.set_wakeup_fd(former)
        os.close(wake)
        os.close(woken)
