"""What of a repository's own settings git may not obey when we look at it: whatever starts a program, or decides how a server is reached.

A repository's `.git/config` may have come with it, in an archive or on a shared disk, and git would run what it names. Git has no switch for
all of it. So what is never needed is switched off for each call, and the rest is set back to what the user's own settings say, where the
repository sets it. The user's own settings hold.

How a server is reached, whom to trust there and which files are read and written for it cannot be set back as a whole: git has lists of which
none forgets the others, and settings for an address go before those for all. A server is asked only where the repository says nothing of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Pairs = tuple[tuple[str, str], ...]

# for every call: https://git-scm.com/docs/git-config
ALWAYS: Pairs = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("safe.bareRepository", "explicit"),  # a folder of the project may look like a repository, with settings of its own
    ("log.showSignature", "false"),
    ("maintenance.auto", "false"),
    ("gc.auto", "0"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("protocol.ext.allow", "never"),
)
# no server is asked, so nothing that reaches one is started: not to get objects that a partial clone lacks either
WITHOUT_SERVERS = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
# what names a program or another server, and what is said in its place where the user's own settings say nothing
_PROGRAMS = (
    (re.compile(r"filter\..*\.(?:clean|smudge|process)", re.DOTALL), ""),
    (re.compile(r"filter\..*\.required", re.DOTALL), "false"),
    (re.compile(r"lfs\.extension\..*", re.DOTALL), ""),
    (re.compile(r"core\.(?:sshcommand|askpass|alternaterefscommand)"), ""),
    (re.compile(r"remote\..*\.vcs", re.DOTALL), ""),
    (re.compile(r"protocol\.allow"), "user"),
    (re.compile(r"ssh\.variant"), "auto"),
    (re.compile(r"transfer\.bundleuri"), "false"),
)
# what decides how a server is reached, whatever git may call it next; and what a repository may say of it, with which values
_REACHING = re.compile(
    r"(?:http|url|credential|protocol)\..*|remote\..*\.(?:proxy|proxyauthmethod|uploadpack)|core\.gitproxy|fetch\.bundleuri", re.DOTALL
)
_HARMLESS = tuple(
    (re.compile(key, re.DOTALL), re.compile(text, re.IGNORECASE))
    for key, text in (
        (r"http\.(?:.*\.)?(?:postbuffer|lowspeedlimit|lowspeedtime|maxrequests|minsessions|version|useragent)", r"[^\r\n]*"),
        (r"http\.(?:.*\.)?extraheader", r"(?:authorization:[^\r\n]*)?"),  # as actions/checkout stores its token
        (r"http\.(?:.*\.)?sslverify|credential\.(?:.*\.)?usehttppath", r"true|yes|on|1"),
        (r"http\.(?:.*\.)?(?:savecookies|followredirects|emptyauth)|credential\.interactive", r"false|no|off|0|never"),
        (r"credential\.(?:.*\.)?username|url\..*\.pushinsteadof|protocol\.version", r"[^\r\n]*"),
        (r"protocol\.[^.]*\.allow", r"never"),
        (r"credential\.(?:.*\.)?helper|protocol\.(?:ext\.)?allow", r"(?s:.*)"),  # set back, or switched off
    )
)
_LOGIN = re.compile(r"\A((?:(?!://).)*://).*@", re.DOTALL)
_HELPER = re.compile(r"credential\.(?:.*\.)?helper", re.DOTALL)
_HEADER = re.compile(r"http\.(?:.*\.)?extraheader", re.DOTALL)
_OF_THE_REPOSITORY = ("local", "worktree")


class Setting(NamedTuple):
    scope: str
    key: str
    value: str


def parsed(listed: str) -> tuple[Setting, ...]:
    """What `git config --list --show-scope --null` says."""
    words = listed.split("\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    return tuple(Setting(scope, *_key_and_value(text)) for scope, text in pairs)


def _key_and_value(text: str) -> tuple[str, str]:
    key, has_value, value = text.partition("\n")
    return key, value if has_value else "true"


def set_back(settings: Iterable[Setting]) -> Pairs:
    """The settings to add to a call, so that it obeys the repository's in nothing that starts a program, and the user's in all."""
    listed = list(settings)
    ours = [each for each in listed if each.scope in _OF_THE_REPOSITORY]
    users = [each for each in listed if each.scope not in _OF_THE_REPOSITORY]
    pairs = [
        (each.key, _last(users, each.key, otherwise)) for each in ours for pattern, otherwise in _PROGRAMS if pattern.fullmatch(each.key)
    ]
    if any(_HELPER.fullmatch(each.key) for each in ours):  # an empty one forgets all before it
        pairs += [("credential.helper", ""), *((each.key, each.value) for each in users if _HELPER.fullmatch(each.key))]
    if any(_HEADER.fullmatch(each.key) for each in listed):  # a token in it would go wherever the server sends git
        pairs.append(("http.followRedirects", "false"))
    return tuple(dict.fromkeys(pairs))


def foreign(settings: Iterable[Setting]) -> tuple[str, ...]:
    """The keys by which the repository, other than the user, decides how a server is reached; without logins, which may be in an address."""
    listed = list(settings)
    ours = [each for each in listed if each.scope in _OF_THE_REPOSITORY and _REACHING.fullmatch(each.key)]
    keys = [each.key for each in ours if not _is_harmless(each) and each.value != users_own(listed, each.key)]
    return tuple(dict.fromkeys(_LOGIN.sub(r"\1***@", key) for key in keys))


def _is_harmless(setting: Setting) -> bool:
    return any(key.fullmatch(setting.key) and text.fullmatch(setting.value) for key, text in _HARMLESS)


def _last(settings: Sequence[Setting], key: str, otherwise: str) -> str:
    return next((each.value for each in reversed(settings) if each.key == key), otherwise)


def users_own(settings: Iterable[Setting], key: str) -> str:
    return _last([each for each in settings if each.scope not in _OF_THE_REPOSITORY], key, "")


def with_settings(env: dict[str, str], pairs: Pairs) -> dict[str, str]:
    """The environment with these settings, which no argument of git's can hold safely: a key may have `=` in it."""
    start = int(env["GIT_CONFIG_COUNT"]) if env.get("GIT_CONFIG_COUNT", "").isdigit() else 0
    added = {
        f"GIT_CONFIG_{part}_{start + number}": text
        for number, pair in enumerate(pairs)
        for part, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {**env, **added, "GIT_CONFIG_COUNT": str(start + len(pairs))}
