"""Looking at a repository starts nothing that its own settings name; the user's own settings hold. Tokens go to one server alone."""

from __future__ import annotations

import base64
import os
import re
from contextlib import suppress
from pathlib import Path

import git_over_http
import pytest
from builders import Repository, a_bare_copy, a_pipeline, a_repository, write

from bodywork_compiler.cli import main
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import process
from bodywork_compiler.git.process import Place, ask_server
from bodywork_compiler.git.questions import is_on_remote
from bodywork_compiler.git.settings import Setting, foreign, set_back
from bodywork_compiler.git.tree import blobs_in


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "iris", remote=None)


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """Is there when somebody has started `program`."""
    return tmp_path / "ran"


@pytest.fixture
def program(tmp_path: Path, ran: Path) -> str:
    file = write(tmp_path / "evil.sh", f"#!/bin/sh\ntouch {ran}\n")
    file.chmod(0o755)
    return str(file)


def ways_to(iris: Repository) -> list[list[str]]:
    return [["render", str(iris.path)], ["render", str(iris.path), "--commit", "HEAD", "--inline-source"]]


@pytest.mark.parametrize("key", ["clean", "smudge", "process"])
@pytest.mark.parametrize("place", [".git/config", "included", "worktree"])
def test_no_filter_of_the_repository_runs(iris: Repository, program: str, ran: Path, key: str, place: str) -> None:
    write(iris.path / ".gitattributes", "*.py filter=e=vil\n")
    iris.commit("Attributes")
    if place == ".git/config":
        iris.git("config", f"filter.e=vil.{key}", program)
        iris.git("config", "filter.e=vil.required", "true")
    elif place == "included":
        included = write(iris.path.parent / "more", f'[filter "e=vil"]\n{key} = {program}\n')
        iris.git("config", "include.path", str(included))
    else:
        iris.git("config", "extensions.worktreeConfig", "true")
        write(iris.path / ".git" / "config.worktree", f'[filter "e=vil"]\n{key} = {program}\n')
    write(iris.path / "train" / "main.py", "changed, with another size\n")
    for way in ways_to(iris):
        assert main(way) == 0
    assert not ran.exists()


@pytest.mark.parametrize("kind", ["commondir", "worktree"])
def test_no_filter_of_a_repository_whose_settings_are_elsewhere_runs(
    iris: Repository, program: str, ran: Path, tmp_path: Path, kind: str
) -> None:
    files = iris.path / ".git"
    if kind == "commondir":
        (files / "evil").mkdir()
        for name in ("objects", "refs"):
            (files / name).rename(files / "evil" / name)
        write(files / "evil" / "config", (files / "config").read_text())
        write(files / "commondir", "evil\n")
        common, top = files / "evil", iris.path
    else:
        iris.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "more"))
        common, top = files, tmp_path / "more"
    with (common / "config").open("a") as file:
        file.write(f'[filter "x"]\nclean = {program}\n')
    write(common / "info" / "attributes", "*.py filter=x\n")
    write(top / "train" / "main.py", "changed, with another size\n")
    for way in ways_to(Repository(top)):
        assert main(way) == 0
    assert not ran.exists()


def test_settings_that_git_cannot_read_are_told(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    write(iris.path / ".git" / "config", "[filter\n")
    assert main(["render", str(iris.path)]) == 1
    assert "bad config line 1" in capfd.readouterr().err


def test_a_filter_of_the_user_runs(iris: Repository, tmp_path: Path, program: str, ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(write(tmp_path / "gitconfig", f'[filter "lfs"]\nclean = {program}\n')))
    iris.git("config", "filter.lfs.clean", "false")
    write(iris.path / ".gitattributes", "*.py filter=lfs\n")
    write(iris.path / "train" / "main.py", "changed, with another size\n")
    assert main(["render", str(iris.path)]) == 0
    assert ran.exists()


def test_a_folder_that_looks_like_a_repository_is_none(iris: Repository, program: str, ran: Path, tmp_path: Path) -> None:
    """Its settings would be the project's own files."""
    bare = a_bare_copy(iris, tmp_path / "bare")
    write(iris.path / "ml" / "bodywork.yaml", (iris.path / "bodywork.yaml").read_text())
    for name in ("HEAD", "packed-refs"):
        write(iris.path / "ml" / name, (bare / name).read_text())
    for name in ("objects/x", "refs/x"):
        write(iris.path / "ml" / name, "")
    write(iris.path / "ml" / "config", f'[core]\nbare = false\nworktree = .\nfsmonitor = {program}\n[filter "x"]\nclean = {program}\n')
    write(iris.path / "ml" / ".gitattributes", "* filter=x\n")
    iris.commit("A folder")
    main(["render", str(iris.path / "ml")])
    assert not ran.exists()


def test_nothing_of_a_submodule_runs(iris: Repository, program: str, ran: Path, tmp_path: Path) -> None:
    inner = a_repository(tmp_path / "inner")
    write(inner.path / "file", "1\n")
    write(inner.path / ".gitattributes", "* filter=x\n")
    inner.commit()
    iris.git("submodule", "--quiet", "add", str(inner.path), "inner")
    iris.commit("A submodule")
    submodule = Repository(iris.path / "inner")
    submodule.git("config", "filter.x.clean", program)
    submodule.git("config", "core.fsmonitor", program)
    write(iris.path / "inner" / "file", "changed, with another size\n")
    assert main(["render", str(iris.path)]) == 0
    assert not ran.exists()


def a_partial(iris: Repository, tmp_path: Path, program: str) -> str:
    """A commit whose files are missing here, with a server of whom the settings say how it is asked."""
    server = a_bare_copy(iris, tmp_path / "server")
    Repository(server).git("config", "uploadpack.allowAnySHA1InWant", "true")
    blob = iris.git("rev-parse", "HEAD:bodywork.yaml")
    (iris.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for key, text in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"file://{server}",
        "remote.origin.promisor": "true",
        "remote.origin.partialCloneFilter": "blob:none",
        "core.alternateRefsCommand": program,
    }.items():
        iris.git("config", key, text)
    return blob


def test_what_a_partial_clone_lacks_is_asked_of_its_server_and_no_program_for_it(
    iris: Repository, program: str, ran: Path, tmp_path: Path
) -> None:
    a_partial(iris, tmp_path, program)
    assert main(["render", str(iris.path), "--commit", "HEAD"]) == 0
    assert not ran.exists()


def test_no_program_is_started_to_get_what_a_partial_clone_lacks(
    iris: Repository, program: str, ran: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    a_partial(iris, tmp_path, program)
    iris.git("config", "remote.origin.uploadpack", program)
    assert main(["render", str(iris.path), "--commit", "HEAD"]) == 1
    assert "own git settings change how its server is reached: remote.origin.uploadpack\n" in capfd.readouterr().err
    assert not ran.exists()


def test_objects_that_nobody_has_are_told(iris: Repository, program: str, ran: Path, tmp_path: Path) -> None:
    a_partial(iris, tmp_path, program)
    iris.git("config", "remote.origin.url", f"file://{tmp_path}/nowhere")
    with pytest.raises(BodyworkError, match="cannot be read"):
        blobs_in(Place(folder=iris.path), "HEAD", "")
    assert not ran.exists()


@pytest.mark.parametrize(
    ("url", "setting"),
    [
        ("ssh://git.example.com/x.git", "core.sshCommand"),
        ("git://127.0.0.1:1/x.git", "core.gitProxy"),
        ("file://{server}", "remote.origin.uploadpack"),
        ("ssh://git.example.com/x.git", "remote.origin.uploadpack"),
        ("ext::sh -c {program}", "protocol.ext.allow=always"),
        ("ext::sh -c {program}", "protocol.allow=always"),
        ("file://{server}", "core.alternateRefsCommand"),
        ("{http}/iris.git", "credential.helper"),
        ("{http}/iris.git", "credential.{http}.helper"),
        ("{http}/iris.git", "core.askPass"),
    ],
)
def test_a_server_is_asked_without_the_repositorys_programs(
    iris: Repository, program: str, ran: Path, tmp_path: Path, url: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = a_bare_copy(iris, tmp_path / "served" / "iris.git")
    # no ssh of this machine: it would ask a name server
    write(tmp_path / "bin" / "ssh", "#!/bin/sh\nexit 1\n").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with git_over_http.serving(tmp_path / "served") as address:
        http = f"http://{address}"
        said = {"server": server, "program": program, "http": http}
        key, _, text = setting.format(**said).partition("=")
        iris.git("remote", "add", "origin", url.format(**said))
        iris.git("config", key, text or program)
        try:
            is_on_remote(Place(folder=iris.path), iris.git("rev-parse", "HEAD"), "origin")
        except BodyworkError as told:
            assert re.search("could not be asked|own git settings", told.message)  # noqa: PT017 - it depends on the server
        with suppress(BodyworkError):
            ask_server(Place(folder=iris.path), "fetch", "--quiet", "origin")
    assert not ran.exists()


def test_a_users_own_helper_is_asked(iris: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, ran: Path) -> None:
    helper = f'!f() {{ printf "username={git_over_http.USER}\\npassword={git_over_http.PASSWORD}\\n"; }}; f'
    settings = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    iris.git("config", "--global", "credential.helper", helper)
    a_bare_copy(iris, tmp_path / "served" / "iris.git")
    with git_over_http.serving(tmp_path / "served") as address:
        http = f"http://{address}"
        iris.git("remote", "add", "origin", f"{http}/iris.git")
        iris.git("config", "credential.helper", program)
        assert is_on_remote(Place(folder=iris.path), iris.git("rev-parse", "HEAD"), "origin")
    assert not ran.exists()


def test_settings_are_set_back_to_the_users() -> None:
    listed = [
        Setting("global", "filter.lfs.clean", "git-lfs clean"),
        Setting("global", "credential.https://a.helper", "store"),
        Setting("local", "filter.lfs.clean", "evil"),
        Setting("worktree", "filter.x.process", "evil"),
        Setting("local", "credential.helper", "evil"),
        Setting("local", "user.name", "Ada"),
        Setting("local", "core.gitproxy", "evil"),
    ]
    assert set_back(listed) == (
        ("filter.lfs.clean", "git-lfs clean"),
        ("filter.x.process", ""),
        ("credential.helper", ""),
        ("credential.https://a.helper", "store"),
    )
    assert set_back(listed[:2]) == ()
    assert set_back([Setting("local", "http.https://github.com/.extraheader", "AUTHORIZATION: x")]) == (("http.followRedirects", "false"),)


REFUSED = [
    ("http.sslverify", "false"),
    ("http.https://git.example.com/.sslverify", "0"),
    ("http.sslcainfo", "evil.pem"),
    ("http.sslcert", "evil.pem"),
    ("http.curloptresolve", "git.example.com:443:127.0.0.1"),
    ("http.cookiefile", "/home/ada/.bashrc"),
    ("http.savecookies", "true"),
    ("http.proxy", "http://evil.example.com"),
    ("http.followredirects", "true"),
    ("http.https://git.example.com.followredirects", "true"),
    ("http.emptyauth", "true"),
    ("http.delegation", "always"),
    ("http.extraheader", "Host: evil.example.com"),
    ("http.extraheader", "Authorization: x\r\nHost: evil.example.com"),
    ("http.useragent", "x\nHost: evil.example.com"),
    ("http.somethingnew", "x"),
    ("credential.https://git.example.com.provider", "evil"),
    ("credential.usehttppath", "false"),
    ("credential.protectprotocol", "false"),
    ("url.https://evil.example.com/.insteadof", "https://git.example.com/"),
    ("protocol.file.allow", "always"),
    ("remote.origin.proxy", "http://evil.example.com"),
    ("remote.origin.proxyauthmethod", "basic"),
    ("remote.origin.uploadpack", "evil"),
    ("core.gitproxy", "evil"),
    ("fetch.bundleuri", "https://evil.example.com/"),
]


@pytest.mark.parametrize(("key", "text"), REFUSED)
@pytest.mark.parametrize("scope", ["local", "worktree"])
def test_a_repository_does_not_say_how_a_server_is_reached(scope: str, key: str, text: str) -> None:
    assert foreign([Setting(scope, key, text)]) == (key,)
    assert foreign([Setting("global", key, "another"), Setting(scope, key, text)]) == (key,)
    assert foreign([Setting("global", key, text), Setting(scope, key, text)]) == ()
    assert foreign([Setting("global", key, text), Setting("system", key, text), Setting("command", key, text)]) == ()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("http.postbuffer", "524288000"),
        ("http.version", "HTTP/1.1"),
        ("http.sslverify", "true"),
        ("http.savecookies", "false"),
        ("http.https://github.com/.extraheader", "AUTHORIZATION: basic dDBrZW4="),
        ("http.https://github.com/.extraheader", ""),
        ("credential.username", "ada"),
        ("credential.helper", "store"),
        ("credential.interactive", "never"),
        ("url.git@git.example.com:.pushinsteadof", "https://git.example.com/"),
        ("protocol.version", "2"),
        ("remote.origin.url", "https://git.example.com/iris.git"),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("remote.origin.gh-resolved", "base"),
        ("user.name", "Ada"),
    ],
)
def test_what_a_repository_usually_says_is_no_matter(key: str, text: str) -> None:
    assert foreign([Setting("local", key, text)]) == ()


def test_all_that_a_repository_may_not_say_is_told_without_its_tokens(iris: Repository) -> None:
    iris.git("config", "http.proxy", "http://evil.example.com")
    iris.git("config", "url.https://ada:t0ken@git.example.com/.insteadOf", "https://git.example.com/")
    with pytest.raises(BodyworkError) as told:
        ask_server(Place(folder=iris.path), "ls-remote", "origin")
    assert told.value.message.endswith(
        "own git settings change how its server is reached: http.proxy, url.https://***@git.example.com/.insteadof"
    )


@pytest.mark.parametrize("way", [["render"], ["diff"]])
def test_a_shallow_clones_server_writes_no_file_of_the_user(
    iris: Repository, tmp_path: Path, way: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    kept = write(tmp_path / "bashrc", "export A=1\n")
    a_bare_copy(iris, tmp_path / "served" / "iris.git")
    iris.git("clone", "-q", "--depth=1", iris.path.as_uri(), str(tmp_path / "shallow"))
    clone = Repository(tmp_path / "shallow")
    with git_over_http.serving(tmp_path / "served", login=False) as address:
        clone.git("remote", "set-url", "origin", f"http://{address}/iris.git")
        clone.git("config", "http.cookieFile", str(kept))
        clone.git("config", "http.saveCookies", "true")
        main([*way, str(clone.path)])
    assert kept.read_text() == "export A=1\n"
    assert "reached: http.cookiefile, http.savecookies" in capfd.readouterr().err


def test_a_users_login_goes_to_no_machine_that_the_repository_names(
    iris: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    iris.git("config", "--global", "credential.helper", '!f() { printf "username=ada\\npassword=t0ken\\n"; }; f')
    with git_over_http.another_server() as (evil, caught):
        port = evil.rpartition(":")[2]
        iris.git("remote", "add", "origin", f"http://git.example.com:{port}/iris.git")
        iris.git("config", "http.curloptResolve", f"git.example.com:{port}:127.0.0.1")
        with pytest.raises(BodyworkError):
            is_on_remote(Place(folder=iris.path), iris.git("rev-parse", "HEAD"), "origin")
    assert caught == []


def test_a_token_follows_no_redirect(capfd: pytest.CaptureFixture[str]) -> None:
    with git_over_http.another_server() as (evil, caught), git_over_http.another_server(to=evil) as (good, given):
        assert main(["render", f"{good.replace('//', '//ada:t0ken@')}/iris.git"]) == 1
    assert base64.b64decode(given[0].partition(" ")[2]) == b"ada:t0ken"
    assert caught == []
    assert "t0ken" not in capfd.readouterr().err


def test_a_token_in_a_header_follows_no_redirect(iris: Repository) -> None:
    """As actions/checkout stores it."""
    with git_over_http.another_server() as (evil, caught), git_over_http.another_server(to=evil) as (good, given):
        iris.git("remote", "add", "origin", f"{good}/iris.git")
        iris.git("config", f"http.{good}/.extraheader", "AUTHORIZATION: basic dDBrZW4=")
        with pytest.raises(BodyworkError, match="could not be asked"):
            is_on_remote(Place(folder=iris.path), iris.git("rev-parse", "HEAD"), "origin")
    assert given
    assert caught == []


def another(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "victim", remote=None)


@pytest.mark.parametrize("kind", ["file", "file to a copy that points back", "link", "commondir", "worktree of theirs"])
def test_a_git_that_leads_to_another_repository_is_refused(
    iris: Repository, tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    victim = another(tmp_path)
    mine = iris.path / ".git"
    mine.rename(iris.path / "was")
    if kind == "file":
        write(mine, f"gitdir: {victim.path / '.git'}\n")
    elif kind == "file to a copy that points back":
        write(iris.path / "was" / "gitdir", "../.git\n")
        write(iris.path / "was" / "commondir", f"{victim.path / '.git'}\n")
        write(mine, "gitdir: was\n")
    elif kind == "link":
        mine.symlink_to(victim.path / ".git")
    elif kind == "commondir":
        (iris.path / "was").rename(mine)
        write(mine / "commondir", f"{victim.path / '.git'}\n")
    else:
        victim.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
        write(mine, (tmp_path / "tree" / ".git").read_text())
    for way in [*ways_to(iris), ["render", str(iris.path), "--inline-source"]]:
        assert main(way) == 1
    told = capfd.readouterr()
    assert "files of another repository would come to stand in the manifests" in told.err
    assert told.out == ""


def test_worktrees_and_submodules_are_repositories(iris: Repository, tmp_path: Path) -> None:
    iris.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "more"))
    outer = another(tmp_path)
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(iris.path), "sub")
    outer.commit("With a submodule")
    for folder in (tmp_path / "more", outer.path / "sub"):
        assert main(["render", str(folder), "--inline-source"]) == 0


@pytest.mark.parametrize("name", [".git/config", ".git/HEAD", ".git/index", ".git/info/exclude", ".gitattributes", ".gitignore", ".git"])
def test_a_named_pipe_in_the_place_of_gits_files_is_refused(iris: Repository, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    file = iris.path / name
    if file.is_dir():
        file.rename(iris.path / "was")
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    assert main(["render", str(iris.path)]) == 1
    assert f"{file} is a link, a pipe or a device" in capfd.readouterr().err


def test_git_is_not_waited_for_without_an_end(iris: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SILENT_SECONDS", 0.1)
    os.mkfifo(iris.path / "train" / "pipe")
    with pytest.raises(BodyworkError, match=r"git config in .*: said nothing for 0 s, and was ended"):
        process.tell(process.Place(folder=iris.path), "config", "--file", str(iris.path / "train" / "pipe"), "--list")
