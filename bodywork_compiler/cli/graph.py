"""`bodywork graph`: the steps of a pipeline, drawn."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.options import where_argument

if TYPE_CHECKING:
    from bodywork_compiler.graph.layout import Picture


@click.command("graph")
@where_argument
@click.option("--branch", metavar="B", help="The branch of a URL; default: the remote's own.")
@click.option("--folder", metavar="DIR", help="The project's folder inside the repository of a URL; default: its root.")
@click.option("--file", metavar="F", help="The config's file name; default: bodywork.yaml, else bodywork.ini.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "mermaid", "svg", "json"]),
    default="text",
    show_default=True,
    help="Lines for a terminal, Mermaid (for a block ```mermaid in Markdown), a picture, or the steps for programs.",
)
@click.option("--open", "show", is_flag=True, help="Show the picture in the browser.")
def command(where: str, output: str, *, show: bool, **given: str | None) -> None:
    """Draw a pipeline's steps and stages. Nothing touches a cluster.

    PATH is a project's folder (default: the current one); GIT_URL is cloned.

    \b
    Example:
      bodywork graph
      bodywork graph --open
      bodywork graph -o mermaid > pipeline.mmd
    """
    from bodywork_compiler.cli.location import load_location
    from bodywork_compiler.graph.layout import picture_of

    picture = picture_of(load_location(where, **given))
    if show:
        _open(picture)
        return
    click.echo(_drawn(picture, output), nl=False)


def _drawn(picture: Picture, output: str) -> str:
    if output == "svg":
        from bodywork_compiler.graph.drawings import as_svg

        return as_svg(picture)
    if output == "mermaid":
        from bodywork_compiler.graph.drawings import as_mermaid

        return as_mermaid(picture)
    if output == "json":
        from dataclasses import asdict

        from bodywork_compiler.report.output import as_json

        return f"{as_json(asdict(picture))}\n"
    from bodywork_compiler.graph.drawings import as_lines

    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    return "\n".join(as_lines(picture, columns=columns, ascii_only="utf" not in (sys.stdout.encoding or "").lower())) + "\n"


def _open(picture: Picture) -> None:
    import tempfile
    import webbrowser

    from bodywork_compiler.graph.drawings import as_svg

    # it is read after we are gone; the system clears its temporary folder
    file = Path(tempfile.mkdtemp(prefix="bodywork-graph-"), f"{picture.name}.svg")
    file.write_text(as_svg(picture), encoding="utf-8")
    if not webbrowser.open(file.as_uri()):
        click.echo("no browser was found here; the picture:", err=True)
    click.echo(file)
