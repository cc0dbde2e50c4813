"""`bodywork migrate`: an earlier project's config in today's form. Shown first, written when asked to."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from bodywork_compiler.manifests import Document
    from bodywork_compiler.project import Project

_CONFIG = "bodywork.yaml"


@click.command("migrate")
@click.argument("folder", default=".", metavar="[PATH]", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write bodywork.yaml; default: only show what it would be.")
def command(folder: Path, *, write: bool) -> None:
    """Turn a v1 project (bodywork.ini) or a bodywork.yaml 1.0 into version 1.1.

    PATH is the project's folder (default: this one). What would be written is shown as a difference, and what that changes in the rendered
    objects is listed. Both earlier forms go on working as they are: nobody has to migrate.

    \b
    Example:
      bodywork migrate
      bodywork migrate --write
    """
    from bodywork_compiler import config

    loaded = config.load(folder)
    generation = loaded.project.generation
    if generation not in {"v1", "1.0"}:
        raise BodyworkError(f"{folder / loaded.project.config_file}: is of version {generation} already; nothing to migrate")
    text, old, old_name = _migrated(folder, loaded.project)
    _show(old, text, old_name)
    _compare(loaded.project, text)
    if not write:
        where = "" if str(folder) == "." else f" {quote(str(folder))}"
        click.echo(f"\nNothing was written. To write it: bodywork migrate{where} --write", err=True)
        return
    _write(folder, text)
    click.echo(f"\nwrote {folder / _CONFIG}", err=True)
    if generation == "v1":
        click.echo(_left_over(folder, loaded.project, text), err=True)


def _left_over(folder: Path, project: Project, text: str) -> str:
    """What nobody reads any more."""
    files = " ".join(quote(each) for each in ["bodywork.ini", *(f"{stage.name}/config.ini" for stage in project.stages)])
    git = "git" if str(folder) == "." else f"git -C {quote(str(folder))}"
    told = f"bodywork.ini and the config.ini files are not read any more. To remove them: {git} rm {files}"
    now = _as_project(text)
    copied = [each.requirements_file for each in project.stages if each.requirements_file and now.stage(each.name).requirements]
    return f"{told}\nNor are these, their lines are in bodywork.yaml now: {', '.join(copied)}" if copied else told


def _migrated(folder: Path, project: Project) -> tuple[str, str, str]:
    """The new text, the text that it takes the place of, and that one's name."""
    from bodywork_compiler.starting.migrate import from_1_0, from_v1

    file = folder / project.config_file
    if project.generation == "1.0":
        old = file.read_bytes().decode("utf-8")  # with its line breaks and its byte order mark
        return from_1_0(old), old, project.config_file
    from bodywork_compiler.starting import ini_comments

    comments = ini_comments.of_project(_read(file))
    requirements = {}
    for stage in project.stages:
        comments |= ini_comments.of_stage(_read(folder / stage.name / "config.ini"), stage.name)
        if stage.requirements_file:
            requirements[stage.name] = _read(folder / stage.requirements_file)
    return from_v1(project, requirements, comments), "", "/dev/null"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig")


def _show(old: str, new: str, old_name: str) -> None:
    from difflib import unified_diff

    click.echo("\n".join(unified_diff(old.splitlines(), new.splitlines(), old_name, _CONFIG, lineterm="")))


def _compare(before: Project, text: str) -> None:
    from bodywork_compiler.starting.compared import differences

    lines = differences(_compiled(before), _compiled(_as_project(text)))
    click.echo("\nThe rendered objects are the same." if not lines else "\nOf the rendered objects:", err=True)
    for line in lines:
        click.echo(f"  {line}", err=True)
    if before.generation == "v1":
        click.echo(_V1_NOTES.format(project=before.name), err=True)


_V1_NOTES = """
Objects have their stage's name, no longer {project}--STAGE: in a namespace where v1's run, `bodywork apply --adopt` takes them over.
The SSH key is looked for in the secret ssh-git-private-key, no longer in ssh-github-private-key."""


def _as_project(text: str) -> Project:
    """The new text read as any config is, in a folder of its own: what is shown is what would be valid."""
    import tempfile

    from bodywork_compiler import config

    with tempfile.TemporaryDirectory(prefix="bodywork-migrate-") as scratch:
        Path(scratch, _CONFIG).write_bytes(text.encode())
        return config.load(Path(scratch), file=_CONFIG).project


def _compiled(project: Project) -> tuple[Document, ...]:
    from bodywork_compiler.compiler import compile_project
    from bodywork_compiler.source import Source

    # the same on both sides, so that nothing of it shows; by https, since the secret of an SSH key is told in words
    return compile_project(project, Source(commit="0" * 40, url="https://git.example.com/migrated.git"))


def _write(folder: Path, text: str) -> None:
    import os
    import tempfile

    target = (folder / _CONFIG).resolve()  # what a link leads to
    try:
        handle, beside = tempfile.mkstemp(prefix=".bodywork-", dir=target.parent)
    except OSError as fault:
        raise BodyworkError(f"{folder / _CONFIG}: cannot be written: {fault.strerror}") from fault
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(text.encode())
        Path(beside).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        Path(beside).replace(target)
    except OSError as fault:
        Path(beside).unlink(missing_ok=True)
        raise BodyworkError(f"{folder / _CONFIG}: cannot be written: {fault.strerror}") from fault
