"""`bodywork init`: the first files of a project."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from bodywork_compiler.errors import BodyworkError

_SCHEMA = "bodywork.schema.json"
_TEMPLATES = ("train-and-serve", "batch", "service", "notebook")


@click.command("init")
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--template",
    type=click.Choice(_TEMPLATES),
    help="The small project to begin with; default: what the scripts in DIR propose, else train-and-serve.",
)
@click.option("--name", metavar="NAME", help="The pipeline's name; default: the folder's.")
@click.option("--dry-run", is_flag=True, help="Write nothing, show the files.")
def command(folder: Path, template: str | None, name: str | None, *, dry_run: bool) -> None:
    """Write the first files of a project into DIR (default: this folder).

    In a folder with Python scripts or notebooks a bodywork.yaml is proposed, with a stage for each of them. Else a small project that works is
    written. No file is ever overwritten.

    \b
    Example:
      bodywork init my-pipeline
      bodywork init --template service my-service
      cd my-scripts && bodywork init
    """
    from bodywork_compiler import names
    from bodywork_compiler.starting.projects import name_for, write_new

    _refuse_a_project(folder)
    pipeline = name or name_for(folder.resolve())
    if not names.is_dns_label(pipeline):
        proposal = names.shortened(names.clean(pipeline)) or "iris"
        raise click.UsageError(f"--name: must be at most 63 lower-case letters, digits and `-`, got `{pipeline}`; `{proposal}` would do")
    files, remarks = _files(folder, template, pipeline)
    files["bodywork.yaml"] = f"# yaml-language-server: $schema={_SCHEMA}\n{files['bodywork.yaml']}"
    files[_SCHEMA] = _schema(files["bodywork.yaml"])
    if dry_run:
        for path, text in files.items():
            click.echo(f"# --- {path}\n{text if path != _SCHEMA else '# (the JSON Schema of the config, for editors)'}")
        return
    write_new(files, folder)
    _say(folder, files, remarks)


def _refuse_a_project(folder: Path) -> None:
    from bodywork_compiler import config

    if folder.exists() and config.is_project(folder):
        raise BodyworkError(
            f"{folder}: holds a Bodywork config already", hint="bodywork validate says whether it is right; bodywork graph draws it."
        )


def _files(folder: Path, template: str | None, pipeline: str) -> tuple[dict[str, str], list[str]]:
    """The files, and what is to be known of a proposal."""
    from bodywork_compiler.starting.projects import STORE_TEMPLATE, files_of

    if template is None and folder.is_dir():
        from bodywork_compiler.starting.propose import as_text, propose

        found = propose(folder.resolve(), pipeline)
        if found:
            remarks = (
                [f"no version is known of {', '.join(found.unpinned)}: pin it, so that every run gets the same"] if found.unpinned else []
            )
            remarks += [f"no stage for {path}: it cannot be read as Python or as a notebook" for path in found.unread]
            return {"bodywork.yaml": as_text(found.config)}, remarks
    return files_of(template or STORE_TEMPLATE, pipeline=pipeline, folder=folder.resolve()), []


def _schema(config_text: str) -> str:
    from bodywork_compiler.config import schema

    return schema.text("1.2" if 'version: "1.2"' in config_text or "version: '1.2'" in config_text else "1.1")


def _say(folder: Path, files: dict[str, str], remarks: list[str]) -> None:
    from bodywork_compiler.git.checkout import repository_of

    for path in files:
        click.echo(f"wrote {folder / path}")
    for remark in remarks:
        click.echo(f"bodywork: {remark}", err=True)
    in_git = (repository_of(folder) / ".git").exists()
    local = f"bodywork apply --local{' --secrets local.env' if 'local.env' in files else ''}"
    steps = [
        *([f"cd {quote(str(folder))}"] if str(folder) != "." else []),
        "bodywork validate --check-files --strict",
        *([] if in_git else ["git init"]),
        "git add . && git commit -m 'First version'",
        f"{local}   # runs on this machine",
        "bodywork apply   # runs on the cluster of kubectl's current context",
    ]
    click.echo("\nNext:")
    for step in steps:
        click.echo(f"  {step}")
