"""From a plan and kubectl to a run: the proxy, the signals, the session, and all of them put away at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from bodywork_compiler.api import Api
from bodywork_compiler.errors import HungUp, Terminated, exit_code_of
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.manifests import Plan
from bodywork_compiler.proxy import Proxy
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner import preflight, run
from bodywork_compiler.runner.events import Event, RunStarted
from bodywork_compiler.runner.inbox import Inbox, ProxyEnded, Wake
from bodywork_compiler.runner.namespace import whereabouts
from bodywork_compiler.runner.session import LOST_SERVER_SECONDS, Session

STDERR = 2


def run_plan(
    plan: Plan,
    kubectl: Kubectl,
    tell: Callable[[Event], None],
    *,
    agree: Callable[[RunStarted], None],
    options: RunOptions = DEFAULT_RUN,
) -> int:
    """Execute the plan on the cluster that `kubectl` points at; the exit code says how it ended. Call it in the main thread.

    `agree` sees what is about to happen before anything is changed, and raises when it shall not.
    """
    inbox, interrupted = Inbox(), threading.Event()
    proxy = Proxy(kubectl, on_end=lambda: inbox.put(ProxyEnded()))
    try:
        started = run.about_to_start(plan, whereabouts(kubectl, plan), options)  # while the proxy gets ready
        proxy.wait_until_ready()
        agree(started)
        session = Session(
            plan=plan,
            namespace=started.namespace,
            kubectl=kubectl.in_namespace(started.namespace),
            api=Api(proxy.socket_path, started.namespace),
            inbox=inbox,
            tell=tell,
            restart_proxy=proxy.restart,
            interrupted=interrupted,
            options=options,
        )
        session.kubectl = _for_writing(session)
        with _closing(session), _signals(session):
            return run.execute(session, started)
    finally:
        proxy.stop()


def check_rights(plan: Plan, kubectl: Kubectl, tell: Callable[[Event], None], options: RunOptions = DEFAULT_RUN) -> None:
    """What a run asks before its first change, for who only wants to know: raises where rights lack. A lost API server is not waited for."""
    inbox = Inbox()
    proxy = Proxy(kubectl, on_end=lambda: inbox.put(ProxyEnded()))
    try:
        namespace = whereabouts(kubectl, plan).namespace  # while the proxy gets ready
        proxy.wait_until_ready()
        session = Session(
            plan=plan,
            namespace=namespace,
            kubectl=kubectl.in_namespace(namespace),
            api=Api(proxy.socket_path, namespace),
            inbox=inbox,
            tell=tell,
            restart_proxy=proxy.restart,
            options=replace(options, timeout_seconds=0.0),
        )
        with _closing(session):
            preflight.check_foreseen(session)
    finally:
        proxy.stop()


def _for_writing(session: Session) -> Kubectl:
    """What could not be asked is asked again, as long as a lost API server is waited for; not when the run is over."""
    return replace(
        session.kubectl,
        retry_seconds=LOST_SERVER_SECONDS,
        notice=lambda message: session.notice(message, "WARNING", where="kubectl"),
        sleep=session.rest,
        is_over=lambda: session.is_over,
    )


@contextmanager
def _closing(session: Session) -> Iterator[None]:
    try:
        yield
    finally:
        session.close()


def _say_at_once(session: Session) -> None:
    """Past all buffers and queues: the run may be in the middle of a line, or wait for a kubectl that takes minutes."""
    does = "nothing is stopped or taken back (--keep-failed)" if session.options.keep_failed else "the step is stopped and taken back"
    with contextlib.suppress(OSError):
        os.write(STDERR, f"bodywork: interrupted: {does}; once more leaves at once\n".encode())


@contextmanager
def _signals(session: Session) -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP ends the run in good order; a second one ends it at once. `nohup` has SIGHUP ignored, and so it stays."""
    raised = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated, signal.SIGHUP: HungUp}

    def interrupt(number: int, _frame: FrameType | None) -> None:
        signalled = raised[signal.Signals(number)]()
        session.interrupted_exit = exit_code_of(signalled)
        if session.interrupted.is_set():
            raise signalled
        _say_at_once(session)
        session.interrupted.set()
        session.inbox.put(Wake())

    former = {
        number: signal.signal(number, interrupt)
        for number in raised
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN)
    }
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
