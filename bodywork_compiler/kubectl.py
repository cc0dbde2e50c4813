"""The only place that starts kubectl. `sh` is imported when the first one starts, and nothing of it leaves this module.

The environment is untouched: KUBECONFIG, credential plugins and proxies are the user's. No secret's value is ever an argument.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bodywork_compiler.die_with_us import die_with_parent
from bodywork_compiler.errors import BodyworkError, ServerLost, TimedOut
from bodywork_compiler.kubectl_errors import has_no_context, in_short, is_worth_another_try, names_no_cluster, of_kustomize

REQUEST_TIMEOUT_SECONDS = 60
HARD_TIMEOUT_SECONDS = 300
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
EXIT_CUT_OFF = -9  # the hard time-out's: no exit code of kubectl's own
WHICH_CLUSTER = (
    "See what there is: kubectl config get-contexts. Then name one: --context NAME, --kubeconfig FILE. Without any: bodywork apply --local."
)
_NO_END = "no end after"
_EVERY_EXIT_CODE = range(-64, 256)
_WITHOUT_REQUEST_TIMEOUT = {"proxy", "config", "kustomize"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which cluster, and where in it: what every call is told. None: as kubectl itself finds it."""

    context: str | None = None
    kubeconfig: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one kubectl did."""

    argv: tuple[str, ...]
    out: str = ""
    err: str = ""
    exit_code: int = 0

    @property
    def said(self) -> str:
        return of_kustomize(self.err) if "kustomize" in self.argv[1:2] else in_short(self.err)


def is_in_pod(target: Target) -> bool:
    """Whether kubectl goes by its pod's own account. It does so only where it is told nothing, not even a request time-out: with one it would ask
    localhost:8080 (https://github.com/kubernetes/kubectl/issues/1824). The hard time-out bounds it there."""
    if target.kubeconfig or target.context or "KUBERNETES_SERVICE_HOST" not in os.environ:
        return False
    named = os.environ.get("KUBECONFIG") or os.path.expanduser("~/.kube/config")  # noqa: PTH111 - never raises, as Path.home() does
    return not any(os.path.isfile(file) for file in named.split(os.pathsep))  # noqa: PTH113 - pathlib is not imported here


class KubectlFailed(BodyworkError):
    """kubectl's no, or that it could not ask, with its own words."""

    def __init__(self, result: Result) -> None:
        if names_no_cluster(result.err):
            super().__init__(f"no cluster to run on: {_without_context(result.said)}", hint=WHICH_CLUSTER)
        else:
            super().__init__(f"kubectl {_verb(result.argv)}: {result.said}")
        self.result = result


class KubectlLost(KubectlFailed, ServerLost):
    """It could not ask the API server, however long that was tried."""


class KubectlHung(KubectlFailed, TimedOut):
    """It never came back."""


def failure_of(result: Result) -> KubectlFailed:
    """What a call that failed is raised as."""
    if result.err.startswith(_NO_END):
        return KubectlHung(result)
    return KubectlLost(result) if is_worth_another_try(result.err) else KubectlFailed(result)


Execute = Callable[[tuple[str, ...], str | None, float], Result]  # argv, stdin, seconds


def execute(argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
    """Run one kubectl to its end."""
    # _tty_out: sh gives a terminal by default, and kubectl would colour and fold. _new_session: a Ctrl-C is for us, not for an apply half-way.
    options: dict[str, Any] = {"_tty_out": False, "_new_session": True, "_ok_code": _EVERY_EXIT_CODE}
    if stdin is not None:
        options |= {"_in": stdin.encode(), "_in_bufsize": 65536}
    # _bg: so that we have it in hand when a second Ctrl-C ends us while it runs
    command = _program()(*argv[1:], _bg=True, _bg_exc=False, _preexec_fn=die_with_parent(), **options)
    # not sh's own _timeout: with it sh looks for the end of a command only ten times a second
    is_cut_off = threading.Event()
    limit = threading.Timer(timeout_seconds, lambda: _cut_off(command, is_cut_off))
    limit.daemon = True
    limit.start()
    try:
        command.wait()
    except KeyboardInterrupt:
        command.terminate()
        raise
    finally:
        limit.cancel()
    if is_cut_off.is_set():
        return Result(argv=argv, err=f"{_NO_END} {timeout_seconds:g} s", exit_code=EXIT_CUT_OFF)
    return Result(argv=argv, out=_text(command.stdout), err=_text(command.stderr), exit_code=command.exit_code)


def _cut_off(command: Any, is_cut_off: threading.Event) -> None:
    is_cut_off.set()
    with contextlib.suppress(ProcessLookupError):  # it has ended just now
        command.kill()


class Background:
    """A kubectl that runs beside us until `stop`."""

    def __init__(self, argv: tuple[str, ...], *, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self._ended = on_end
        self._said: list[str] = []
        self._stopping = False
        self._command: Any = _program()(
            *argv[1:],
            _bg=True,
            _bg_exc=False,
            _tty_out=False,
            _new_session=True,
            _out=on_line,
            _err=self._said.append,
            _done=self._done,
            _ok_code=_EVERY_EXIT_CODE,
            _preexec_fn=die_with_parent(),
        )

    @property
    def pid(self) -> int:
        return int(self._command.pid)

    @property
    def said(self) -> str:
        return in_short("".join(self._said))

    def stop(self) -> None:
        """End it and wait until it is gone; it may have gone already."""
        self._stopping = True
        if self._command.is_alive():
            self._command.terminate()
        if hasattr(os, "waitid"):  # sh looks for the end of a command ten times a second, and reaps it then
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._command.wait()

    def _done(self, *_: object) -> None:
        if not self._stopping:
            self._ended()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """kubectl on one cluster and namespace. `show` gets each line before it runs; `notice` hears that a call is tried again."""

    target: Target = field(default_factory=Target)
    execute: Execute = execute
    show: Callable[[str], None] | None = None
    notice: Callable[[str], None] | None = None
    retry_seconds: float = 0.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    is_over: Callable[[], bool] = lambda: False  # nobody waits for another try any more

    def in_namespace(self, namespace: str) -> Kubectl:
        return replace(self, target=replace(self.target, namespace=namespace))

    def argv(self, *words: str) -> tuple[str, ...]:
        """The whole command line: the verb first, as people write it, then what every call is told."""
        target = self.target
        told = [f"--kubeconfig={target.kubeconfig}"] if target.kubeconfig else []
        told += [f"--context={target.context}"] if target.context else []
        told += [f"--namespace={target.namespace}"] if target.namespace else []
        is_bounded = words[0] in _WITHOUT_REQUEST_TIMEOUT or any(word.startswith("--request-timeout") for word in words)
        if not is_bounded and not is_in_pod(target):
            told.append(f"--request-timeout={REQUEST_TIMEOUT_SECONDS}s")
        return ("kubectl", *words, *told)

    def line(self, *words: str) -> str:
        """A command for people to copy: without our request time-out."""
        return shlex.join(word for word in self.argv(*words) if not word.startswith("--request-timeout"))

    def try_(self, *words: str, stdin: str | None = None, timeout_seconds: float = HARD_TIMEOUT_SECONDS) -> Result:
        """Run it and return what it did, good or bad. What could not be asked is asked again for `retry_seconds`."""
        argv = self.argv(*words)
        give_up_at = self.clock() + self.retry_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._show(argv)
            result = self.execute(argv, stdin, timeout_seconds)
            if result.exit_code == 0 or not is_worth_another_try(result.err) or self._has_ended(self.clock() + pause, give_up_at):
                return result
            if self.notice:
                self.notice(f"kubectl {_verb(argv)} could not ask, trying again: {result.said.splitlines()[-1]}")
            self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def run(self, *words: str, stdin: str | None = None, timeout_seconds: float = HARD_TIMEOUT_SECONDS) -> Result:
        """Run it; a failure is raised as KubectlFailed."""
        result = self.try_(*words, stdin=stdin, timeout_seconds=timeout_seconds)
        if result.exit_code != 0:
            raise failure_of(result)
        return result

    def start(self, *words: str, on_line: Callable[[str], None], on_end: Callable[[], None]) -> Background:
        argv = self.argv(*words)
        self._show(argv)
        return Background(argv, on_line=on_line, on_end=on_end)

    def _has_ended(self, next_try_at: float, give_up_at: float) -> bool:
        return next_try_at > give_up_at or self.is_over()

    def _show(self, argv: tuple[str, ...]) -> None:
        if self.show:
            self.show(shlex.join(argv))


def as_word(text: str) -> str:
    """A foreign text as a word of its own on a command line: kubectl's `create` takes no `--` before a name. All other verbs get KIND/NAME."""
    if text.startswith("-"):
        raise BodyworkError(f"not a name, but an option to kubectl: {text!a}")
    return text


def _program() -> Any:
    import sh

    try:
        return sh.Command("kubectl")
    except sh.CommandNotFound:
        pass
    raise BodyworkError("kubectl is not on the PATH", hint="install it: https://kubernetes.io/docs/tasks/tools/#kubectl")


def _without_context(said: str) -> str:
    """kubectl's own sentence about a missing current context says nothing to those who have not read its source."""
    if has_no_context(said):
        return "there is no kubeconfig, or no context of it is the current one"
    return said.removeprefix("error: ")


def _verb(argv: tuple[str, ...]) -> str:
    verb = argv[1] if len(argv) > 1 else ""
    return f"{verb} {argv[2]}" if verb in {"rollout", "config"} else verb


def _text(output: bytes) -> str:
    return output.decode(errors="replace")
