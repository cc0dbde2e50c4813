"""The only place that starts git: argv lists, a known environment, never a prompt.

By `posix_spawn` rather than `subprocess`, whose import and whose four processes for a plain `render` would take 5 ms more of it.
"""

from __future__ import annotations

import os
import select
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.settings import ALWAYS, WITHOUT_SERVERS, Pairs, Setting, foreign, parsed, set_back, users_own, with_settings
from bodywork_compiler.values import value

# git sets GIT_DIR, GIT_INDEX_FILE and more for its hooks, and in these our questions would be answered for another repository: what says
# where a repository is gets dropped (https://github.com/pre-commit/pre-commit/issues/300), what says how to reach a server stays.
_KEPT = {
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
}
_SIGPIPE = 13  # on every POSIX system; Python ignores it, and git would inherit that. `signal` takes longer to import than to say this
_SIGKILL = 9
SILENT_SECONDS = 60.0  # of a question for which no server is asked
WALK_SECONDS = 300.0  # of one that goes through a history or all files, which may take long in a large repository
_WALKS = {"archive", "for-each-ref", "log", "rev-list", "status"}
_AT_ONCE = 1 << 20
LARGEST_ANSWER = 128 << 20
LARGEST_LISTING = (
    32 << 20
)  # some 300,000 files. A few small trees can make files without end: one holds another ten times, which holds the next
_KEPT_PREFIXES = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")


@value
class Answer:
    """What git said. `error` is its stderr, with what is secret in it masked."""

    code: int
    output: bytes
    error: str = ""

    @property
    def text(self) -> str:
        """For hashes and names; file names come through unharmed, whatever bytes they are made of."""
        return os.fsdecode(self.output).rstrip("\n")


@value
class Place:
    """Where git is asked. `env` adds to the environment: credentials, for instance, which must stand in no argv; `secrets` are masked in messages.

    `settings` are added to git's own; `may_fetch`: git may ask the repository's server for objects that a partial clone lacks.
    """

    folder: Path
    env: Mapping[str, str] = MappingProxyType({})
    secrets: tuple[str, ...] = ()
    settings: Pairs = ()
    may_fetch: bool = False


class Asked:
    """A question to git that is under way, so that others, and our own imports, take their time meanwhile."""

    def __init__(self, place: Place, *args: str, stdin: bytes = b"") -> None:
        self.args = args
        self._place = place
        self._output, output = os.pipe()
        self._error, error = os.pipe()
        given = _readable(stdin)
        try:
            self._process: int | None = os.posix_spawnp(
                "git",
                ["git", "-C", str(place.folder), *args],
                with_settings({**environment(), **place.env, **({} if place.may_fetch else WITHOUT_SERVERS)}, (*ALWAYS, *place.settings)),
                file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in enumerate((given, output, error))],
                setsigdef=[_SIGPIPE],
            )
        except FileNotFoundError as missing:
            _close(self._output, self._error)
            raise BodyworkError(
                "git is not installed, or not on the PATH", hint="Install git: a pipeline's files are taken from a Git repository."
            ) from missing
        finally:
            _close(given, output, error)

    def answer(self) -> Answer:
        """Whatever the exit code is. Can be had once. Raises for more than may be held in memory."""
        seconds = WALK_SECONDS if self.args[0] in _WALKS else SILENT_SECONDS
        at_most = LARGEST_LISTING if self.args[0] == "ls-tree" else LARGEST_ANSWER
        try:
            output, error = _read_all(self._output, self._error, at_most=at_most, silent_seconds=None if self._place.may_fetch else seconds)
        except TimeoutError:
            os.kill(self._process or 0, _SIGKILL)
            raise BodyworkError(
                f"git does not answer: git {_verb(self.args)} in {self._place.folder}: said nothing for {seconds:.0f} s, and was ended",
                hint="Is there a named pipe among the repository's files, or a file system that does not answer?",
            ) from None
        except OverflowError:
            raise BodyworkError(f"git {_verb(self.args)}: answers with more than {at_most >> 20} MiB") from None
        finally:
            code = self._end()
        return Answer(code=code, output=output, error=_masked(error.decode("utf-8", "replace"), self._place.secrets))

    def text(self, hint: str | None = None) -> str:
        """What git said; anything else than exit code 0 is an error, in git's own words."""
        return require(self.answer(), self.args, hint).text

    def drop(self) -> None:
        """Nobody wants to know any more: git finds its pipes closed and ends. Does nothing after an answer."""
        if self._process is not None:
            self._end()

    def _end(self) -> int:
        assert self._process is not None, "an answer can be had once"  # noqa: S101 - a bug, not the user's
        _close(self._output, self._error)
        process, self._process = self._process, None
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _readable(content: bytes) -> int:
    """A file for git's stdin: unlike a pipe it can be filled before git reads."""
    if not content:
        return os.open(os.devnull, os.O_RDONLY)
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return os.dup(file.fileno())


def _read_all(*pipes: int, at_most: int, silent_seconds: float | None) -> list[bytes]:
    """Both at once: git would wait for ever on a full one while we read the other."""
    read: dict[int, list[bytes]] = {pipe: [] for pipe in pipes}
    poll = select.poll()
    for pipe in pipes:
        poll.register(pipe, select.POLLIN)
    still_open, size = len(pipes), 0
    while still_open:
        ready = poll.poll(None if silent_seconds is None else silent_seconds * 1000)
        if not ready:
            raise TimeoutError
        for pipe, _ in ready:
            if content := os.read(pipe, _AT_ONCE):
                read[pipe].append(content)
                size += len(content)
                if size > at_most:
                    raise OverflowError
            else:
                poll.unregister(pipe)
                still_open -= 1
    return [b"".join(parts) for parts in read.values()]


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def ask(place: Place, *args: str, stdin: bytes = b"") -> Answer:
    """Run `git ARGS` in a folder, whatever its exit code."""
    return Asked(place, *args, stdin=stdin).answer()


def ask_server(place: Place, *args: str) -> Answer:
    """As `ask`, for what uses the network: ssh must not ask for a passphrase or a host's key either, unless the user chose how ssh is started.

    Raises where the repository's own settings say how a server is reached.
    """
    listed = settings_of(place)
    if keys := foreign(listed):
        raise BodyworkError(
            f"{place.folder}: the repository's own git settings change how its server is reached: {', '.join(keys)}",
            hint="Settings that you need belong to your own: git config --global KEY VALUE, and git config --unset-all KEY in the repository.",
        )
    chosen = {"GIT_SSH", "GIT_SSH_COMMAND"} & {*environment(), *place.env} or users_own(listed, "core.sshcommand")
    env = {**place.env} if chosen else {**place.env, "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    settings = (*set_back(listed), *place.settings)
    return ask(Place(folder=place.folder, env=env, secrets=place.secrets, settings=settings, may_fetch=True), *args)


def settings_of(place: Place) -> tuple[Setting, ...]:
    return parsed(tell(place, "config", "--list", "--show-scope", "--null").text)


def tell(place: Place, *args: str, stdin: bytes = b"", hint: str | None = None) -> Answer:
    """As `ask`, but anything else than exit code 0 is an error, in git's own words."""
    return require(ask(place, *args, stdin=stdin), args, hint)


def require(answer: Answer, args: tuple[str, ...], hint: str | None = None) -> Answer:
    """Anything else than exit code 0 is an error, in git's own words."""
    if answer.code != 0:
        raise BodyworkError(f"git {_verb(args)}: {complaint(answer)}", hint=hint or _remedy(answer))
    return answer


def _remedy(answer: Answer) -> str | None:
    """Of another user's folder, as containers in CI often have it, git would run what its settings say: it asks to be told that it may."""
    lines = [line.strip() for line in answer.error.splitlines() if "--add safe.directory" in line]
    return f"If you trust who made it: {lines[0]}" if lines else None


def complaint(answer: Answer) -> str:
    """The lines in which git says why, without its prefixes."""
    lines = [line.strip() for line in answer.error.splitlines() if line.strip()]
    why = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    return "; ".join(line.removeprefix("fatal:").removeprefix("error:").strip() for line in why) or f"exit code {answer.code}"


def environment() -> dict[str, str]:
    """Ours, without the git variables that would answer for another repository; in English, since some answers are read; without prompts."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key in _KEPT or key.startswith(_KEPT_PREFIXES)}
    return {**env, "LC_ALL": "C", "LANGUAGE": "", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LFS_SKIP_SMUDGE": "1"}


def _verb(args: tuple[str, ...]) -> str:
    options_with_value = ("-c", "-C")
    words = [arg for at, arg in enumerate(args) if not arg.startswith("-") and (at == 0 or args[at - 1] not in options_with_value)]
    return words[0] if words else "git"


def _masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
