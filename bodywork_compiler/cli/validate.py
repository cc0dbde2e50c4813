"""`bodywork validate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from bodywork_compiler import config
from bodywork_compiler.errors import ConfigError
from bodywork_compiler.problems import Problem
from bodywork_compiler.report import problems as report


@click.command("validate")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--file", metavar="FILE", help="The config's name in PATH, when it is neither bodywork.yaml nor bodywork.ini.")
@click.option("--check-files", is_flag=True, help="Also look whether the files that the config names are there.")
@click.option("--strict", is_flag=True, help="Take warnings as errors: unknown keys, images whose tag moves, stages in no step.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to say it: as lines, as one JSON document, or as annotations of GitHub Actions.",
)
def command(path: Path, file: str | None, check_files: bool, strict: bool, output: str) -> int:  # noqa: FBT001 - click calls it by name
    """Check a project's config and say everything that is wrong with it.

    PATH is the project's folder (by default this one), or its config. Nothing is changed, and nothing outside of the folder is asked.

    \b
    Example:
      bodywork validate
      bodywork validate --check-files --strict -o github
    """
    if path.is_file() and file is None:
        path, file = path.parent, path.name
    try:
        loaded = config.load(path, file=file, check_files=check_files, strict=strict)
    except ConfigError as faults:
        if output == "text":
            raise
        _print(faults.problems, output, is_valid=False)
        return faults.exit_code
    if output == "text":
        report.print_problems(loaded.warnings)
        click.echo(f"--> {_name(path, loaded.project.config_file)} is a valid Bodywork config file.")
    else:
        _print(loaded.warnings, output, is_valid=True)
    return 0


def _name(path: Path, config_file: str) -> str:
    from bodywork_compiler.config.reading import as_typed

    return as_typed(path / config_file)


def _print(problems: Sequence[Problem], output: str, *, is_valid: bool) -> None:
    if output == "github":
        from bodywork_compiler.report.output import Output

        lines = Output(sys.stdout, environ=os.environ)
        for problem in problems:
            lines.document(report.as_github(problem))
        return
    from bodywork_compiler.report.output import as_json

    click.echo(as_json({"valid": is_valid, "problems": [report.as_json(problem) for problem in problems]}))
