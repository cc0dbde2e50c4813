"""`bodywork migrate`: an earlier project's config in today's form. Shown first, written when asked to."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from bodywork_compiler.errors import BodyworkError, ConfigError
from bodywork_compiler.to_copy import to_copy

if TYPE_CHECKING:
    from bodywork_compiler.manifests import Document
    from bodywork_compiler.project import Project

_CONFIG = "bodywork.yaml"


@click.command("migrate")
@click.argument("folder", default=".", metavar="[PATH]", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write bodywork.yaml; default: only show what it would be.")
@click.option(
    "-n", "--namespace", metavar="NS", help="Where it is deployed, to be written into the config. Bodywork 1 and 2 were told by option."
)
def command(folder: Path, *, write: bool, namespace: str | None) -> None:
    """Turn a project of Bodywork 1 (bodywork.ini) or Bodywork 2 (bodywork.yaml 1.0) into version 1.2.

    PATH is the project's folder (default: this one). What would be written is shown as a difference, and what that changes in the rendered
    objects is listed. They keep their names, PROJECT--STAGE. Both earlier forms go on working as they are: nobody has to migrate.

    \b
    Example:
      bodywork migrate
      bodywork migrate --namespace ml-pipelines --write
    """
    from bodywork_compiler import config

    _refuse_foreign_files(folder)
    loaded = config.load(folder)
    before = loaded.project
    if before.generation not in {"v1", "1.0"}:
        raise BodyworkError(f"{folder / before.config_file}: is of version {before.generation} already; nothing to migrate")
    text, old, old_name = _migrated(folder, before, namespace)
    after = _as_project(text, folder)
    _show(old, text, old_name)
    _compare(before, after, namespace)
    _tell_of_names(folder, before, after)
    if not write:
        again = to_copy("bodywork", "migrate", names=[] if str(folder) == "." else [str(folder)], n=namespace, write=True)
        click.echo(f"\nNothing was written. To write it: {again}", err=True)
        return
    _write(folder, text)
    click.echo(f"\nwrote {folder / _CONFIG}", err=True)
    if before.generation == "v1":
        click.echo(_left_over(folder, before, after), err=True)


def _refuse_foreign_files(folder: Path) -> None:
    """What a link out of the project leads to would be shown, and written."""
    from bodywork_compiler.git.checkout import refuse_foreign_files
    from bodywork_compiler.git.wanted import Checkout, Found
    from bodywork_compiler.source import NO_COMMIT, Source

    refuse_foreign_files(Checkout(folder=folder, found=lambda: Found(source=Source(commit=NO_COMMIT))))


def _left_over(folder: Path, project: Project, now: Project) -> str:
    """What nobody reads any more."""
    files = " ".join(quote(each) for each in ["bodywork.ini", *(f"{stage.name}/config.ini" for stage in project.stages)])
    git = "git" if str(folder) == "." else f"git -C {quote(str(folder))}"
    told = f"bodywork.ini and the config.ini files are not read any more. To remove them: {git} rm {files}"
    copied = [each.requirements_file for each in project.stages if each.requirements_file and now.stage(each.name).requirements]
    return f"{told}\nNor are these, their lines are in bodywork.yaml now: {', '.join(copied)}" if copied else told


def _migrated(folder: Path, project: Project, namespace: str | None) -> tuple[str, str, str]:
    """The new text, the text that it takes the place of, and that one's name."""
    from bodywork_compiler import names
    from bodywork_compiler.starting.migrate import from_1_0, from_v1

    file = folder / project.config_file
    added = {"name_prefix": names.prefix_before_v3(project.name), **({"namespace": namespace} if namespace else {})}
    if project.generation == "1.0":
        old = file.read_bytes().decode("utf-8")  # with its line breaks and its byte order mark
        return from_1_0(old, _ignored(old), added), old, project.config_file
    from bodywork_compiler.starting.migrate import KeyPath, of_project, of_stage

    comments: dict[KeyPath, list[str]] = of_project(_read(file))
    requirements = {}
    for stage in project.stages:
        comments |= of_stage(_read(folder / stage.name / "config.ini"), stage.name)
        if stage.requirements_file:
            requirements[stage.name] = _read(folder / stage.requirements_file)
    return from_v1(project, requirements, comments, added), "", "/dev/null"


def _ignored(text: str) -> list[tuple[str | int, ...]]:
    """The keys that config 1.0 does not know; they would be errors in 1.2, or mean something."""
    from bodywork_compiler.config import schema, yaml_reader

    values = yaml_reader.parse(text).values
    return [(*fault.path, fault.unknown) for fault in schema.schema_faults("1.0", values) if fault.unknown]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig")


def _show(old: str, new: str, old_name: str) -> None:
    from difflib import unified_diff

    click.echo("\n".join(unified_diff(old.splitlines(), new.splitlines(), old_name, _CONFIG, lineterm="")))


def _compare(before: Project, after: Project, namespace: str | None) -> None:
    from bodywork_compiler.starting.migrate import differences

    lines = differences(_compiled(before, namespace), _compiled(after, namespace))
    click.echo("\nThe rendered objects are the same." if not lines else "\nOf the rendered objects:", err=True)
    for line in lines:
        click.echo(f"  {line}", err=True)
    if before.generation == "v1":
        click.echo(_SSH_KEY, err=True)


_SSH_KEY = "Where pods fetch by SSH: the key is looked for in the secret ssh-git-private-key, no longer in ssh-github-private-key."
_ADOPT = """
Objects keep their names, {prefix}STAGE, so addresses stay as they are. Where Bodywork {number} has deployed them, the first apply takes them over while
they go on answering: bodywork apply --adopt all{namespace}"""
_MOST_SHOWN = 20


def _tell_of_names(folder: Path, before: Project, after: Project) -> None:
    from bodywork_compiler import names
    from bodywork_compiler.starting.migrate import mentions

    prefix, number = names.prefix_before_v3(before.name), 1 if before.generation == "v1" else 2
    namespace = after.namespace or names.clean(after.name)
    click.echo(_ADOPT.format(prefix=prefix, number=number, namespace="" if after.namespace else " --namespace NS"), err=True)
    elsewhere = [
        f"  {place.file}:{place.line}: {place.name} in namespace {place.namespace}, where this config says {namespace}"
        for place in mentions(folder, [stage.object_name for stage in before.stages])
        if place.namespace not in {None, namespace}
    ]
    if elsewhere:
        more = [f"  and {len(elsewhere) - _MOST_SHOWN} more"] if len(elsewhere) > _MOST_SHOWN else []
        click.echo("\n".join(["", "Addresses in the project's files that lead elsewhere:", *elsewhere[:_MOST_SHOWN], *more]), err=True)
        click.echo("Change them, or say where the project is deployed: bodywork migrate --namespace NS", err=True)


def _as_project(text: str, folder: Path) -> Project:
    """The new text read as any config is, in a folder of its own: what is shown is what would be valid."""
    import tempfile

    from bodywork_compiler import config

    with tempfile.TemporaryDirectory(prefix="bodywork-migrate-") as scratch:
        Path(scratch, _CONFIG).write_bytes(text.encode())
        try:
            return config.load(Path(scratch), file=_CONFIG).project
        except ConfigError as refused:
            faults = "".join(
                f"\n  line {each.line} of the new text: {each.message}" for each in refused.problems if each.severity == "error"
            )
            raise BodyworkError(
                f"{folder / _CONFIG}: what migrate makes of it is not valid:{faults}",
                hint="Take out or rewrite these lines, then migrate again. The config works as it is, too.",
            ) from None


def _compiled(project: Project, namespace: str | None) -> tuple[Document, ...]:
    from bodywork_compiler.compiler import RenderOptions, compile_project
    from bodywork_compiler.source import Source

    # the same on both sides, so that nothing of it shows; by https, since the secret of an SSH key is told in words
    return compile_project(project, Source(commit="0" * 40, url="https://git.example.com/migrated.git"), RenderOptions(namespace=namespace))


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
