"""`bodywork render`: a project in, manifests out. YAML goes to stdout or a folder, all talk to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler import streams
from bodywork_compiler.cli import complete
from bodywork_compiler.cli.location import Compiled, Strictness, compile_location
from bodywork_compiler.cli.options import CompileOptions, compile_options, where_argument
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.url import is_url

if TYPE_CHECKING:
    from bodywork_compiler.manifests import Document
    from bodywork_compiler.manifests.folder import Written


@click.command("render")
@where_argument
@compile_options
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Write a folder of manifests instead of one stream on stdout."
)
@click.option(
    "--check",
    "checked",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write nothing: is DIR byte by byte what the commit that it pins renders to, and is the project unchanged since? Exit code 1 if not.",
)
@click.option("--only-pinned", is_flag=True, help="With --check: ask only the first of its two questions, as a pre-commit hook does.")
@click.option("--step", metavar="N", type=click.IntRange(min=0), help="Print only this step; 0 is the set-up. Default: all.")
@click.option("--stage", metavar="S", shell_complete=complete.stages, help="Print only this stage's objects. Default: all.")
def command(where: str, options: CompileOptions, output: Path | None, checked: Path | None, **asked: Any) -> None:
    """Compile a project to Kubernetes manifests: a stream on stdout, or a folder with -o.

    PATH is a project's folder, anywhere in a Git repository (default: the current one); GIT_URL is cloned. Nothing touches a cluster.

    \b
    Example:
      bodywork render > manifests.yaml
      bodywork render -o manifests/
      bodywork render https://github.com/acme/iris.git --branch main
      bodywork render --check manifests/
    """
    step, stage = asked["step"], asked["stage"]
    if asked["only_pinned"] and not checked:
        raise click.UsageError("--only-pinned belongs to --check DIR")
    if checked:
        if output or step is not None or stage is not None:
            raise click.UsageError("--check writes nothing, and looks at the whole folder: leave -o, --step and --stage away")
        from bodywork_compiler.cli.render_check import check

        check(where, options, checked, only_pinned=asked["only_pinned"])
        return
    _check_usage(where, output, is_part=step is not None or stage is not None)
    compiled = compile_location(where, options, Strictness(output=output))
    say(compiled)
    if output is None:
        _print(selected(compiled, step, stage))
        return
    from bodywork_compiler.manifests.folder import write_folder

    _say_written(output, write_folder(compiled.documents, output, pipeline=compiled.project.object_name))


def say(compiled: Compiled) -> None:
    """The config's warnings and what is to be known of the source, on stderr."""
    if compiled.warnings:
        from bodywork_compiler.report.problems import print_problems

        print_problems(compiled.warnings)
    for note in compiled.notes:
        click.echo(f"bodywork: {note}", err=True)


def selected(compiled: Compiled, step: int | None, stage: str | None) -> Sequence[Document]:
    """The documents of a step, of a stage, or of a stage in a step."""
    documents: Sequence[Document] = compiled.documents
    if step is not None:
        documents = [each for each in documents if each.step == step]
        if not documents:
            raise BodyworkError(
                f"{compiled.project.name} has no step {step}", hint=f"Its steps are 1 to {len(compiled.project.steps)}; 0 is the set-up."
            )
    if stage is not None:
        wanted = _labels_of(compiled, stage)
        documents = [each for each in documents if each.stage in wanted]
        if not documents:
            raise BodyworkError(
                f"{compiled.project.name} has no stage {stage}{'' if step is None else f' in step {step}'}", hint=_near(compiled, stage)
            )
    return documents


def _labels_of(compiled: Compiled, stage: str) -> set[str]:
    """Of every time that a stage comes, however it is called: by the config's name or by its objects'."""
    from bodywork_compiler.compiler.shared import places

    return {each.label for each in places(compiled.project) if stage in (each.stage.name, each.object_name, each.label)}


def _near(compiled: Compiled, stage: str) -> str:
    from difflib import get_close_matches

    names = list(dict.fromkeys(each.name for each in compiled.project.stages))
    near = get_close_matches(stage, names, n=1)
    return f"Did you mean {near[0]}?" if near else f"Its stages are {', '.join(names)}."


def _check_usage(where: str, output: Path | None, *, is_part: bool) -> None:
    if output is None:
        return
    if is_part:
        raise click.UsageError("-o writes a whole folder, and --step and --stage name a part; leave one away")
    target = output.resolve()
    project = None if is_url(where) else Path(where).resolve()
    if project and (target == project or target in project.parents):
        raise click.UsageError(f"-o {output} holds the project itself; give a folder of its own for manifests, manifests/ for instance")


def _print(documents: Sequence[Document]) -> None:
    """Byte for byte as UTF-8, but on a terminal; flushed here, where a reader that went away is noticed."""
    from bodywork_compiler.manifests.folder import to_stream

    if sys.stdout.isatty():
        sys.stdout.writelines(map(to_stream, ((document,) for document in documents)))
        return
    sys.stdout.flush()
    out = streams.data(sys.stdout)
    # one by one: the whole text, twice over, would be the largest thing in memory
    out.writelines(to_stream((document,)).encode() for document in documents)
    out.flush()


def _say_written(folder: Path, done: Written) -> None:
    counts = ((len(done.written), "written"), (len(done.unchanged), "unchanged"), (len(done.removed), "removed"))
    click.echo(f"{folder}: {', '.join(f'{count} {word}' for count, word in counts if count)}", err=True)
    for path in done.kept:
        click.echo(f"{folder / path}: was changed by hand and is kept", err=True)
