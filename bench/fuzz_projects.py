"""Hostile projects: templates that override ours, and commits with trees that git would not make, but takes."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Union

from fuzz_pieces import PIECES, ROOT, corpus, mutated

from bodywork_compiler import bounded, config
from bodywork_compiler.bounded import within_limits
from bodywork_compiler.cli.location import compile_location
from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.compiler import RenderOptions, compile_project
from bodywork_compiler.source import Source

bounded.PROCESSOR_SECONDS = 1

TEMPLATES = corpus("templates/*.yaml.j2")
SOURCE = Source(commit="c" * 40, url="https://git.example.com/acme/iris.git")
PROJECT = config.load(ROOT / "examples" / "train-and-serve").project
EXPRESSIONS = (
    *("name", "labels", "namespace", "nothing", "args[0]", "name.__class__", "name['__class__']", "self", "loop", "range(10**5)", "10**9"),
    *(
        "'a' * 10**8",
        "'%999999999d' % 1",
        "'{:>99999999}'.format(1)",
        "'{0.__class__}'.format(1)",
        "9**9**5",
        "1 / 0",
        "-'a'",
        "[[]] * 9999",
    ),
    *("cycler()", "lipsum(99)", "joiner", "namespace(a=1)", "dict(a=name)", "caller()", "super()", "true", "none", "'\\ud800'", "'\\x00'"),
    *("(" * 150 + "1" + ")" * 150, "-" * 400 + "1", "[" * 99, "a.b.c.d", "name()", "labels | first | last", "namespace.format_map({})"),
)
FILTERS = (
    *("yaml", "yaml_text(4)", "center(10**8)", "indent(10**8)", "batch(10**6)", "slice(10**6)", "wordwrap(1)", "join('x')", "list", "sort"),
    *(
        "map('upper')",
        "map(attribute='__class__')",
        "attr('__class__')",
        "groupby('a')",
        "replace('', 'a' * 9999)",
        "tojson",
        "pprint",
        "int",
    ),
    *(
        "random",
        "xmlattr",
        "urlize",
        "striptags",
        "format(1, 2)",
        "round(99)",
        "sum",
        "max",
        "nofilter",
        "default(x)",
        "reverse",
        "truncate(-9)",
    ),
)
BLOCKS = (
    *(
        "{% for a in EXPRESSION %}BODY{% endfor %}",
        "{% for a in EXPRESSION recursive %}{{ loop(a) }}BODY{% endfor %}",
        "{% if EXPRESSION %}BODY{% endif %}",
    ),
    *(
        "{% include EXPRESSION %}",
        "{% include 'metadata.yaml.j2' %}",
        "{% include 'service.yaml.j2' %}",
        "{% include '../../etc/passwd' %}",
    ),
    *("{% macro m(a) %}BODY{{ m(a) }}{% endmacro %}{{ m(EXPRESSION) }}", "{% set b = EXPRESSION %}BODY", "{% set b %}BODY{% endset %}"),
    *(
        "{% import 'pod.yaml.j2' as p %}",
        "{% extends EXPRESSION %}",
        "{% extends 'bodywork/service.yaml.j2' %}",
        "{% block c %}BODY{% endblock %}",
    ),
    *(
        "{% filter yaml %}BODY{% endfilter %}",
        "{% call EXPRESSION %}BODY{% endcall %}",
        "{% raw %}BODY{% endraw %}",
        "{% with a = EXPRESSION %}BODY{% endwith %}",
    ),
    *(
        "{% autoescape true %}BODY{% endautoescape %}",
        "{% unknown %}",
        "{% for",
        "{{",
        "{#",
        "{% do x %}",
        "{%- endfor %}",
        "{% break %}",
        "{% trans %}BODY",
    ),
)


def a_template(rng: random.Random) -> str:
    """One of ours with hostile parts among its lines."""
    lines = rng.choice(TEMPLATES).split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        lines.insert(rng.randrange(len(lines) + 1), _part(rng, rng.choice((0, 0, 1, 2, 25))))
    text = "\n".join(lines)
    return mutated(rng, [text]) if rng.random() < 0.3 else text


def _part(rng: random.Random, depth: int) -> str:
    expression = "".join([rng.choice(EXPRESSIONS), *(f" | {rng.choice(FILTERS)}" for _ in range(rng.choice((0, 1, 1, 2))))])
    if rng.random() < 0.4:
        return f"x: {{{{ {expression} }}}}"
    body = _part(rng, depth - 1) if depth > 0 else rng.choice(("y: 1\n", "", "{{ a }}"))
    return rng.choice(BLOCKS).replace("EXPRESSION", expression).replace("BODY", body)


def render_template(case: str, folder: Path) -> None:
    own = folder / "templates"
    own.mkdir(exist_ok=True)
    file = own / ("pod.yaml.j2" if "containers:" in case else "service.yaml.j2")
    file.write_bytes(case.encode("utf-8", "surrogatepass"))
    try:
        within_limits(lambda: compile_project(PROJECT, SOURCE, RenderOptions(template_folders=(own,))), "the templates")
    finally:
        file.unlink()


# A tree is a list of entries: mode, name, and a file's text or another tree. A number instead is how often the tree before it is in itself.
Tree = list[tuple[str, str, Union[str, "Tree"]]]
MODES = ("100644", "100644", "100644", "100755", "120000", "40000", "040000", "160000", "100664", "0", "777777777777", "-1", "", "644 ")
NAMES = (
    *(
        "a",
        "A",
        "b",
        "data",
        "templates",
        "train",
        "bodywork.yaml",
        "BODYWORK.YAML",
        ".gitattributes",
        ".gitmodules",
        ".gitignore",
        "é",
        "e\u0301",
    ),
    *(
        ".git",
        ".GIT",
        "git~1",
        ".git ",
        ".git.",
        ".g\u200cit",
        ".git::$INDEX_ALLOCATION",
        "a\\.git\\b",
        ".",
        "..",
        "",
        "/",
        "/etc/passwd",
        "../../evil",
    ),
    *(
        "a/b",
        "x" * 255,
        "x" * 256,
        "x" * 5_000,
        "\xff\xfe",
        "\udc80",
        "a\nb",
        "\x1b[2J",
        "con",
        "aux.txt",
        "a:b",
        "a ",
        "a.",
        ":(glob)**",
        "-f",
        "--",
    ),
    *("service.yaml.j2", "requirements.txt", "config.ini", "bodywork.ini", ".bodywork-render", "HEAD", "*", "~", "$HOME", "\\"),
)
CONTENTS = (
    *(
        "",
        "x",
        "* filter=evil\n* text eol=crlf\n*.yaml working-tree-encoding=UTF-16\n",
        '[submodule "a"]\n path = a\n url = ../x\n',
        "../../theirs",
        "/etc/passwd",
    ),
    *(".", "a", "b", "..", "templates", "train/main.py", "\0", "x" * 5_000, "*\n!a\n", "gitdir: ../../theirs\n", "version: '1.1'\n"),
)
PROJECT_FILES: Tree = [
    ("100644", "bodywork.yaml", (ROOT / "examples" / "train-and-serve" / "bodywork.yaml").read_text("utf-8")),
]


def a_tree(rng: random.Random) -> str:
    files: Tree = [*PROJECT_FILES, *_entries(rng, rng.choice((0, 1, 2, 3)))]
    if rng.random() < 0.1:
        rng.shuffle(files)
    way = rng.choice(("commit", "commit", "inline", "folder", "url"))
    return json.dumps({"way": way, "tree": files, "times": rng.choice((0,) * 60 + (4, 12)), "cut": rng.choice((0,) * 20 + (1, 7, 21))})


def _entries(rng: random.Random, depth: int) -> Tree:
    entries: Tree = []
    for _ in range(rng.choice((0, 1, 2, 2, 3, 5))):
        name = rng.choice(PIECES) if rng.random() < 0.1 else rng.choice(NAMES)
        is_folder = depth > 0 and rng.random() < 0.4
        mode = rng.choice(("40000", "40000", "40000", *MODES)) if is_folder else rng.choice(MODES)
        entries.append((mode, name, _entries(rng, depth - 1) if is_folder else rng.choice(CONTENTS)))
    return entries


def read_commit(case: str, folder: Path) -> None:
    """As `render` reads it: a commit of a repository here, its files inline, one folder of it, and by its address."""
    given = json.loads(case)
    repository = folder / "repository"
    theirs = folder / "theirs"
    shutil.rmtree(repository, ignore_errors=True)
    theirs.write_text("untouched")
    for name in ("objects", "refs/heads"):
        (repository / ".git" / name).mkdir(parents=True)
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (repository / ".git" / "config").write_text("[core]\n\trepositoryformatversion = 0\n[uploadpack]\n\tallowFilter = true\n")
    tree = _written(repository, given["tree"], given["cut"])
    for _ in range(given["times"]):
        tree = _object(repository, b"tree", b"".join(b"40000 %d\0" % number + bytes.fromhex(tree) for number in range(10)))
    if given["times"]:
        tree = _object(
            repository, b"tree", b"100644 bodywork.yaml\0" + _blob(repository, given["tree"][0][2]) + b"40000 z\0" + bytes.fromhex(tree)
        )
    who = "A <a@example.com> 1700000000 +0000"
    commit = _object(repository, b"commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\nm\n".encode())
    (repository / ".git" / "refs" / "heads" / "main").write_text(f"{commit}\n")
    options = {
        "commit": CompileOptions(commit=commit),
        "inline": CompileOptions(commit=commit, inline_source=True),
        "folder": CompileOptions(commit=commit, folder="train"),
        "url": CompileOptions(branch="main"),
    }[given["way"]]
    try:
        compile_location(repository.as_uri() if given["way"] in {"folder", "url"} else str(repository), options)
    finally:
        assert sorted(each.name for each in repository.iterdir()) == [".git"]
        assert theirs.read_text() == "untouched"


def _written(repository: Path, tree: Sequence[tuple[str, str, object]], cut: int) -> str:
    content = b""
    for mode, name, what in tree:
        hash_ = bytes.fromhex(_written(repository, what, 0)) if isinstance(what, list) else _blob(repository, str(what))
        content += mode.encode() + b" " + name.encode("utf-8", "surrogatepass").replace(b"\0", b"") + b"\0" + hash_
    return _object(repository, b"tree", content[: len(content) - cut])


def _blob(repository: Path, text: str) -> bytes:
    return bytes.fromhex(_object(repository, b"blob", text.encode("utf-8", "surrogatepass")))


def _object(repository: Path, kind: bytes, content: bytes) -> str:
    whole = kind + b" %d\0" % len(content) + content
    hash_ = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    file = repository / ".git" / "objects" / hash_[:2] / hash_[2:]
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(zlib.compress(whole, 1))
    return hash_
