"""Commits that git would not make, but takes: names and links by which a checkout would write, or read, where it must not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from builders import Repository, a_pipeline, write

from bodywork_compiler.cli import main

FILE, LINK, TREE = b"100644", b"120000", b"40000"
Entry = tuple[bytes, bytes, bytes]  # mode, name, content (of a tree: its hash)


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "iris", remote=None)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A file of this machine that nobody may write."""
    return write(tmp_path / "theirs" / "file", "untouched")


def an_object(repository: Repository, kind: str, content: bytes) -> str:
    command = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
    return subprocess.run(command, cwd=repository.path, input=content, check=True, capture_output=True).stdout.decode().strip()


def a_tree(repository: Repository, *entries: Entry) -> bytes:
    """The raw tree: in the given order, whatever git thinks of it."""
    content = b""
    for mode, name, what in entries:
        hash_ = what.decode() if mode == TREE else an_object(repository, "blob", what)
        content += mode + b" " + name + b"\0" + bytes.fromhex(hash_)
    return an_object(repository, "tree", content).encode()


def a_commit(repository: Repository, *entries: Entry) -> str:
    """A commit whose root holds these entries and the project's own, on branch `evil`."""
    kept = [line.split() for line in repository.git("ls-tree", "HEAD").splitlines()]
    rest = [(FILE if kind == "blob" else TREE, name, hash_) for _, kind, hash_, name in kept]
    own: list[Entry] = [
        (mode, name.encode(), repository.git("cat-file", "blob", hash_).encode() if mode == FILE else hash_.encode())
        for mode, name, hash_ in rest
    ]
    named = {name for _, name, _ in entries}
    tree = a_tree(repository, *(each for each in own if each[1] not in named), *entries).decode()
    commit = repository.git("commit-tree", tree, "-p", "HEAD", "-m", "evil")
    repository.git("update-ref", "refs/heads/evil", commit)
    return commit


def the_config(iris: Repository) -> bytes:
    return (iris.path / "bodywork.yaml").read_bytes()


def refused(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """What was said: a few plain lines, no manifest, no traceback."""
    code = main(list(words))
    said = capfd.readouterr()
    assert (code, said.out) == (2 if words[0] == "diff" else 1, "")
    assert "Traceback" not in said.err
    assert said.err.isascii() or said.err.replace("\n", "").isprintable()
    assert max(map(len, said.err.splitlines())) < 400
    return said.err


@pytest.mark.parametrize("way", ["--commit=evil", "--branch=evil", "--commit=evil --inline-source"])
@pytest.mark.parametrize("verb", ["render", "diff", "apply"])
def test_two_entries_of_one_name_write_through_no_link(
    iris: Repository, theirs: Path, verb: str, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    a_commit(iris, (LINK, b"notes.txt", str(theirs).encode()), (FILE, b"notes.txt", b"written"))
    said = refused(capfd, verb, str(iris.path), *way.split())
    assert "notes.txt: is there twice" in said
    assert theirs.read_text() == "untouched"


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([(FILE, b"a", b"1"), (FILE, b"a", b"2")], "a: is there twice"),
        ([(LINK, b"Readme", b"x"), (FILE, b"README", b"2")], "README: is the same file as Readme where capitals do not count"),
        ([(LINK, "é".encode(), b"x"), (FILE, "e\u0301".encode(), b"2")], "is the same file as é where capitals"),
        ([(FILE, b"a" * 300, b"1")], "has a name of more than 255 bytes"),
        ([(LINK, b"a", b"x" * 5000)], "a: is a link to a path of 5000 bytes, at most 1023"),
        ([(LINK, b"a", b"x\0y")], "a: is a link to a path with a NUL byte"),
        ([(LINK, b"a", b"")], "a: is a link to nothing"),
        ([(FILE, b"..", b"1")], "..: is not a plain path inside the repository"),
        ([(FILE, b".", b"1")], ".: is not a plain path inside the repository"),
        ([(FILE, b"/tmp/evil", b"1")], "/tmp/evil: is an absolute path"),
        ([(FILE, b"../../evil", b"1")], "../../evil: is not a plain path inside the repository"),
        ([(FILE, b"a\x1b[2J\nb" + b"c" * 250, b"1")], r"a\x1b[2J\nbccc"),
        *(
            ([(FILE, name, b"1")], "is inside a .git folder, or what a file system takes for one")
            for name in (b".git", b".GIT", b".git.", b".git ", b"GIT~1", b".git:x", b".g\xe2\x80\x8cit", b"a\\.git\\b", b".Git. .")
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_names_that_no_checkout_may_write_are_said(
    iris: Repository, entries: list[Entry], why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    a_commit(iris, *entries)
    assert why in refused(capfd, "render", str(iris.path), "--branch", "evil")
    assert why in refused(capfd, "render", str(iris.path), "--commit", "evil", "--inline-source")


def test_git_itself_checks_out_what_a_url_holds(iris: Repository, theirs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Which of the two it takes is its own affair."""
    a_commit(iris, (LINK, b"notes.txt", str(theirs).encode()), (FILE, b"notes.txt", b"written"))
    main(["render", f"file://{iris.path}", "--branch", "evil"])
    assert "Traceback" not in capfd.readouterr().err
    assert theirs.read_text() == "untouched"


def test_a_link_and_a_folder_of_one_name_are_refused(iris: Repository, theirs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = a_tree(iris, (FILE, b"file", b"written"))
    for name in (b"data", b"DATA"):
        a_commit(iris, (LINK, b"data", str(theirs.parent).encode()), (TREE, name, folder))
        assert "data: is a file or a link, and" in refused(capfd, "render", str(iris.path), "--commit", "evil")
    assert theirs.read_text() == "untouched"


def test_a_tree_that_is_broken_is_said_to_be(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    commit = a_commit(iris, (TREE, b"sub", an_object(iris, "tree", b"100644 broken").encode()))
    assert f"commit {commit[:7]} cannot be read" in refused(capfd, "render", str(iris.path), "--commit", "evil")


@pytest.mark.parametrize("way", ["--commit=evil", "by its address"])
def test_trees_that_hold_each_other_again_and_again_are_refused(iris: Repository, way: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Ten small objects, and ten thousand million files."""
    tree = a_tree(iris, (FILE, b"file", b"x"))
    for _ in range(10):
        tree = a_tree(iris, *((TREE, b"%d" % number, tree) for number in range(10)))
    a_commit(iris, (TREE, b"sub", tree))
    where = [f"file://{iris.path}", "--branch=evil"] if way == "by its address" else [str(iris.path), way]
    assert "git ls-tree: answers with more than 32 MiB" in refused(capfd, "render", *where)


def test_links_that_lead_nowhere_or_out_disturb_nobody(iris: Repository, theirs: Path) -> None:
    for number, target in enumerate((b"missing", str(theirs).encode(), b"../..", b"link-3", b"train/../..", b".git/config")):
        iris.git("checkout", "--quiet", "main")
        a_commit(iris, (LINK, b"link-%d" % number, target))
        assert main(["render", str(iris.path), "--commit", "evil"]) == 0


@pytest.mark.parametrize("target", ["../.git/config", "../.env", "../../theirs/file", "../a/b", "{out}"])
@pytest.mark.parametrize("way", [[], ["--commit=evil"], ["--branch=evil"]], ids=["folder", "commit", "branch"])
@pytest.mark.parametrize("how", ["override", "include"])
def test_a_template_is_a_file_of_the_project(
    iris: Repository,
    theirs: Path,
    target: str,
    way: list[str],
    how: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    theirs.write_text("# SECRET\n")
    write(iris.path / ".env", "# SECRET\n")
    write(iris.path / ".gitignore", ".env\n/a\n")
    iris.git("config", "http.extraHeader", "SECRET")
    write(iris.path / "templates" / "x", "")
    (iris.path / "a").symlink_to(".git")
    write(iris.path / ".git" / "b", "# SECRET\n")
    name = "service.yaml.j2"
    if how == "include":
        name = "part.yaml.j2"
        write(iris.path / "templates" / "service.yaml.j2", "{% include 'part.yaml.j2' %}")
    (iris.path / "templates" / name).symlink_to(target.format(out=theirs))
    iris.commit("Templates")
    iris.git("branch", "evil")
    said = refused(capfd, "render", str(iris.path), *way)
    assert "SECRET" not in said
    assert f"templates/{name}" in said


def test_a_template_that_git_ignores_is_not_the_projects(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    write(iris.path / ".gitignore", "secret.yaml.j2\n")
    write(iris.path / "templates" / "service.yaml.j2", "{% include 'secret.yaml.j2' %}")
    write(iris.path / "templates" / "secret.yaml.j2", "SECRET")
    assert ".gitignore names" in refused(capfd, "render", str(iris.path))


def test_a_template_that_is_not_committed_yet_can_be_tried(iris: Repository) -> None:
    write(iris.path / "templates" / "service.yaml.j2", '{% include "bodywork/service.yaml.j2" %}')
    assert main(["render", str(iris.path)]) == 0


@pytest.mark.parametrize("file", ["bodywork.yaml", "other.yaml"])
@pytest.mark.parametrize("target", [".git/config", ".env", "../theirs/file"])
@pytest.mark.parametrize("way", [[], ["--commit=evil"]], ids=["folder", "commit"])
def test_a_config_is_a_file_of_the_project(
    iris: Repository, theirs: Path, file: str, target: str, way: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    theirs.write_text("SECRET: 1\n")
    write(iris.path / ".env", "SECRET: 1\n")
    write(iris.path / ".gitignore", ".env\n")
    iris.git("config", "http.extraHeader", "SECRET")
    (iris.path / file).unlink(missing_ok=True)
    (iris.path / file).symlink_to(target)
    iris.commit("A link")
    iris.git("branch", "evil")
    said = refused(capfd, "render", str(iris.path), *way, *(["--file", file] if file == "other.yaml" else []))
    assert "SECRET" not in said


def test_files_as_they_stand_are_copied_through_no_link(iris: Repository, theirs: Path) -> None:
    """`a/file` is tracked, and `a` was replaced by a link afterwards."""
    from bodywork_compiler.git.as_files import files_of
    from bodywork_compiler.local.start import copying

    write(iris.path / "a" / "file", "committed")
    iris.commit("A folder")
    (iris.path / "a" / "file").unlink()
    (iris.path / "a").rmdir()
    (iris.path / "a").symlink_to(theirs.parent)
    workspace = iris.path.parent / "workspace"
    workspace.mkdir()
    copying(iris.path, files_of(iris.path))(workspace)
    assert theirs.read_text() == "untouched"
    assert (workspace / "project" / "a").is_symlink()
