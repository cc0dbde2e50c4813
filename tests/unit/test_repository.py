"""The same repository under different spellings is the same; another one is not."""

from __future__ import annotations

import pytest

from bodywork_compiler.repository import is_same, repository

SPELLINGS = (
    "https://git.example.com/acme/iris",
    "https://git.example.com/acme/iris.git",
    "https://git.example.com/acme/iris.git/",
    "https://ada:token@git.example.com:443/acme/iris.git",
    "HTTPS://Git.Example.COM/acme/iris",
    "http://git.example.com/acme/iris.git",
    "git@git.example.com:acme/iris.git",
    "git.example.com:acme/iris.git",
    "git@git.example.com:/acme/iris",
    "ssh://git@git.example.com/acme/iris.git",
    "ssh://git@git.example.com:22/acme/iris.git",
    "git+ssh://git@git.example.com/acme/iris.git",
    "git://git.example.com/acme/iris",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_one_repository(spelling: str) -> None:
    assert repository(spelling) == "git.example.com/acme/iris"


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.com/acme/iris-2.git",
        "https://git.example.com/other/iris.git",
        "https://git.example.org/acme/iris.git",
        "https://git.example.com:8443/acme/iris.git",
        "https://git.example.com/acme/Iris.git",
        "file:///acme/iris.git",
        "/srv/acme/iris.git",
        "",
    ],
)
def test_others_are_not_the_same(other: str) -> None:
    assert not is_same(SPELLINGS[0], other)


def test_a_folder_is_the_same_with_and_without_file() -> None:
    assert is_same("file:///srv/git/iris.git", "/srv/git/iris")
