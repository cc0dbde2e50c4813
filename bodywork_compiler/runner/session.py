"""What the phases of one run share: kubectl to change things, the picture to see them, `tell` to say what happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bodywork_compiler.api import Api, CouldNotAsk, Object
from bodywork_compiler.errors import EXIT_INTERRUPTED, BodyworkError, ServerLost, TimedOut
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner import watching
from bodywork_compiler.runner.events import Event, Level, Notice, StageEnded
from bodywork_compiler.runner.inbox import (
    Answered,
    Broken,
    Changed,
    Denied,
    Inbox,
    Listed,
    LogOver,
    LogPiece,
    Lost,
    Message,
    ProxyEnded,
    Unwatched,
)
from bodywork_compiler.runner.lock import LOCK, Lock
from bodywork_compiler.runner.logs import Logs
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.watching import Picture

if TYPE_CHECKING:
    from bodywork_compiler.runner.owners import Stranger
    from bodywork_compiler.runner.stage_run import StageRun

LOST_SERVER_SECONDS = 300.0
SAY_LOST_AFTER_SECONDS = 1.0
FIRST_LIST_SECONDS = 20.0
ASK_AGAIN_SECONDS = 0.5
REMIND_SECONDS = 30.0  # what is waited for is said again
PATIENCE_AT_THE_END_SECONDS = 60.0  # with a lost API server, when a signal or the run's own limit has ended it

Answer = TypeVar("Answer")


@dataclass(slots=True, kw_only=True)
class Session:
    """One run, while it runs. `interrupted` is set by a signal; `changed` when anything in the cluster was."""

    plan: Plan
    namespace: str
    kubectl: Kubectl
    api: Api
    inbox: Inbox
    tell: Callable[[Event], None]
    restart_proxy: Callable[[], None]
    options: RunOptions = DEFAULT_RUN
    clock: Callable[[], float] = time.monotonic
    picture: Picture = field(default_factory=Picture)
    interrupted: threading.Event = field(default_factory=threading.Event)
    interrupted_exit: int = EXIT_INTERRUPTED  # the exit code of a run that a signal ended
    ended: dict[tuple[int, str], StageEnded] = field(default_factory=dict)
    taken_back: set[tuple[int, str]] = field(default_factory=set)  # step and name of services that were put back, or tried to be
    changed: bool = False
    ends_since: float | None = None
    hurries: bool = False  # it ends since a signal or its own limit says so
    mask: Mask = field(default_factory=Mask)
    copies: tuple[KubeObject, ...] = ()  # of a group's secrets, as they are to stand in the namespace
    secrets_before: dict[str, Object] = field(default_factory=dict)  # what stood under their names
    secrets_changed: tuple[str, ...] = ()  # names of those of them that this run has overwritten
    services: list[StageRun] = field(default_factory=list)  # those that became available in this run
    secrets_new: tuple[str, ...] = ()  # names of copies where nothing stood before this run
    unread_secrets: set[str] = field(default_factory=set)  # names of those that this account may not read
    adopted: tuple[Stranger, ...] = ()  # what is taken over, since `--adopt` says so
    led_over_at: float | None = None  # when the last Service was led from pods that are taken over to ours
    lock: Lock | None = None
    skipped: dict[tuple[int, str], str] = field(default_factory=dict)  # step and stage → why it is not run
    kept_jobs: frozenset[str] = frozenset()  # of an earlier run, or of the one that is resumed: they stay
    running_jobs: frozenset[str] = frozenset()  # of those: this run waits for them
    befores: dict[int, tuple[Any, ...]] = field(default_factory=dict)  # step → its `Before`s
    began: float = 0.0
    logs: Logs = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lost: dict[str, tuple[float, str]] = field(default_factory=dict)
    _said_lost: bool = False
    _unwatched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        tell = self.tell
        self.tell = lambda event: tell(self.mask.event(event))
        self.logs = Logs(self.api, self.inbox, self.tell)
        self.began = self.clock()

    @property
    def seconds(self) -> float:
        return self.clock() - self.began

    @property
    def out_of_time(self) -> bool:
        """The limit of the whole run has run out. The end of a run has limits of its own."""
        limit = self.options.timeout_seconds
        return limit is not None and self.ends_since is None and self.seconds >= limit

    @property
    def is_over(self) -> bool:
        """What could not be asked is not asked again: the run has ended, and its end has tried for long enough."""
        if self.ends_since is None:
            return self.interrupted.is_set() or self.out_of_time
        return self.hurries and self.clock() - self.ends_since >= PATIENCE_AT_THE_END_SECONDS

    def begin_to_end(self) -> None:
        """From here on stages are stopped and services put back: that is not kept from being done by the limit or the signal that led to it."""
        if self.ends_since is None:
            self.hurries = self.interrupted.is_set() or self.out_of_time
            self.ends_since = self.clock()

    def check_time(self, waited_for: str) -> None:
        if self.out_of_time:
            raise TimedOut(self.took_too_long(waited_for))

    def took_too_long(self, waited_for: str) -> str:
        return f"the run took longer than {self.options.timeout_seconds:g} s (--timeout); it waited for {waited_for}"

    def rest(self, seconds: float) -> None:
        """Between two tries. A signal ends it, but not that of a run which has been interrupted already."""
        if self.interrupted.is_set():
            time.sleep(seconds)
        else:
            self.interrupted.wait(seconds)

    @property
    def is_blind(self) -> bool:
        """Some watch could not ask just now: nothing may be concluded from what is not seen. The lock sees nothing."""
        return bool(self._lost.keys() - {LOCK})

    def notice(self, message: str, level: Level = "INFO", where: str = "run") -> None:
        self.tell(Notice(message=message, level=level, where=where))

    def watch(self, kinds: tuple[str, ...], selector: str) -> None:
        """Begin to see; returns when every kind was listed once (or a signal came). Events carry no labels of ours: all of the namespace's are read."""
        for kind in kinds:
            query = {} if kind == "Event" else {"labelSelector": selector}
            watching.start(self.api, watching.Watched(kind=kind, query=query), self.inbox.put, self._stop)
        give_up_at = self.clock() + FIRST_LIST_SECONDS
        while not all(self.picture.has(kind) for kind in kinds) and not self.interrupted.is_set():
            self.pump(1.0)
            if self.clock() > give_up_at:
                why = next((why for _, why in self._lost.values()), "no answer")
                raise BodyworkError(f"cannot reach the API server: {why}")

    def pump(self, wait_seconds: float) -> None:
        """Take in what the threads have sent, waiting at most that long for the first of it."""
        self.inbox.take_all(wait_seconds, self._absorb)
        self._look_after_server()

    def ask(self, question: Callable[[], Answer], patience_seconds: float = LOST_SERVER_SECONDS) -> Answer:
        """The answer to a read. What could not be asked is asked again, as long as a lost API server is waited for."""
        give_up_at = self.clock() + patience_seconds
        while True:
            try:
                return question()
            except CouldNotAsk as why:  # noqa: PERF203 - one round is the rule
                if self.clock() >= give_up_at or self.is_over:
                    raise ServerLost(f"the API server could not be asked: {why}") from why
                self.pump(ASK_AGAIN_SECONDS)

    def close(self) -> None:
        self._stop.set()
        if self.lock:
            self.lock.stop()
        self.logs.give_up()
        self.api.close()

    def _absorb(self, message: Message) -> None:
        match message:
            case Listed(kind):
                self._lost.pop(kind, None)
                self.picture.listed(message)
            case Changed(kind):
                self.picture.changed(message)
            case LogPiece() | LogOver():
                self.logs.take(message)
            case Lost() | Answered() | Unwatched():
                self._absorb_outage(message)
            case Denied(kind, why):
                self._denied(kind, why)
            case ProxyEnded():
                self._start_proxy_again()
            case Broken(why):
                raise why

    def _absorb_outage(self, message: Lost | Answered | Unwatched) -> None:
        match message:
            case Lost(kind, why, is_refusal):
                self._lost.setdefault(kind, (self.clock(), why))
                if is_refusal:  # at once: whoever watches the run may be able to mend it
                    self._say_lost(f"the API server refuses what it allowed before, trying again for {LOST_SERVER_SECONDS:g} s: {why}")
            case Answered(kind):
                self._lost.pop(kind, None)
            case Unwatched(kind, why):
                self._say_unwatched(kind, why)

    def _start_proxy_again(self) -> None:
        self.notice("kubectl proxy has ended; starting it again", "WARNING")
        self.restart_proxy()

    def _denied(self, kind: str, why: str) -> None:
        if kind == "Event":
            self.picture.listed(Listed(kind, []))
            self.notice(f"events cannot be read, so reasons may be missing: {why}", "WARNING")
        else:
            can_i = f"kubectl auth can-i list {kind.lower()}s; kubectl auth can-i watch {kind.lower()}s"
            raise BodyworkError(f"{kind}s cannot be watched: {why}", hint=can_i)

    def _say_lost(self, message: str) -> None:
        if not self._said_lost:
            self._said_lost = True
            self.notice(message, "WARNING")

    def _say_unwatched(self, kind: str, why: str) -> None:
        if kind not in self._unwatched:
            self._unwatched.add(kind)
            self.notice(f"{kind}s cannot be watched any more, and are listed every few seconds instead: {why}", "WARNING")

    def _look_after_server(self) -> None:
        now = self.clock()
        first, why = min(self._lost.values(), default=(now, ""))
        if self._lost and now - first >= SAY_LOST_AFTER_SECONDS:
            self._say_lost(f"the API server cannot be asked, trying again: {why}")
        if now - first >= LOST_SERVER_SECONDS:
            raise ServerLost(f"the API server could not be asked for {LOST_SERVER_SECONDS:g} s, what ran was left running: {why}")
        if self._said_lost and not self._lost:
            self._said_lost = False
            self.notice("the API server answers again")
