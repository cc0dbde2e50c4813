"""Addresses of repositories: which they are, and what of them may be shown."""

from __future__ import annotations

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import url as urls


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("https://github.com/acme/iris.git", (True, True)),
        ("http://localhost:8080/iris", (True, True)),
        ("git://host/iris", (True, True)),
        ("ssh://git@host:2222/acme/iris", (True, True)),
        ("git@github.com:acme/iris.git", (True, True)),
        ("git@ssh.dev.azure.com:v3/org/project/repo", (True, True)),
        ("file:///srv/iris.git", (True, False)),
        ("FILE:///srv/iris.git", (True, False)),
        ("/srv/iris.git", (False, False)),
        ("../iris", (False, False)),
        (".", (False, False)),
        ("", (False, False)),
        ("a folder/with@sign:colon", (False, False)),
        ("C:/projects/iris", (False, False)),
    ],
)
def test_an_address_or_a_folder(where: str, expected: tuple[bool, bool]) -> None:
    assert (urls.is_url(where), urls.is_reachable_elsewhere(where)) == expected


@pytest.mark.parametrize(
    ("url", "shown", "login"),
    [
        ("https://host/a.git", "https://host/a.git", None),
        ("https://token@host/a.git", "https://host/a.git", ("token", "")),
        ("https://ada:pass@host:8443/a.git", "https://host:8443/a.git", ("ada", "pass")),
        ("https://ada:p%40ss%2Fw@host/a", "https://host/a", ("ada", "p@ss/w")),
        ("https://ada:p@ss@host/a", "https://host/a", ("ada", "p@ss")),
        ("https://host/a@b/c.git", "https://host/a@b/c.git", None),
        ("ssh://git@host:2222/a", "ssh://git@host:2222/a", None),
        ("ssh://git:pass@host/a", "ssh://git@host/a", None),
        ("git@host:a/b.git", "git@host:a/b.git", None),
    ],
)
def test_credentials_are_taken_out(url: str, shown: str, login: tuple[str, str] | None) -> None:
    assert (urls.without_credentials(url), urls.credentials(url)) == (shown, login)


@pytest.mark.parametrize("url", ["ssh://git@host:22x/p", "ssh://git@host:99999999/p", "ssh://git@[::1/p", "ssh://git@host:²/p"])
def test_an_address_with_no_port_or_host_is_refused(url: str) -> None:
    with pytest.raises(BodyworkError, match="is not an address that git takes"):
        urls.host_and_port(url)


@pytest.mark.parametrize(
    ("url", "is_gits"),
    [
        ("https://git.example.com/acme/iris.git", True),
        ("git@git.example.com:acme/iris.git", True),
        ("file:///srv/iris.git", True),
        ("GIT+SSH://git@git.example.com/iris", True),
        ("ext://sh -c touch% evil", False),
        ("codecommit://iris", False),
        ("-oProxyCommand=evil@host:iris", False),
    ],
)
def test_no_address_names_a_program_to_start(*, url: str, is_gits: bool) -> None:
    assert urls.is_known(url) is is_gits
