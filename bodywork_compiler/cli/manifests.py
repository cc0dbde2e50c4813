"""What `apply` and `diff` are about: a project, which is compiled first, or manifests that `render` made, patched or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from bodywork_compiler.kubectl import Kubectl
    from bodywork_compiler.manifests import Plan
    from bodywork_compiler.runner.events import Level

STDIN = "-"


def plan_at(where: str, options: CompileOptions, kubectl: Kubectl) -> tuple[Plan, Level]:
    """The plan to execute, and the threshold of its log: only a config says another than INFO."""
    from bodywork_compiler.cli.location import Strictness, compile_location, is_project
    from bodywork_compiler.manifests import load_stream, to_stream
    from bodywork_compiler.manifests.privileges import check_plan

    if where != STDIN and is_project(where, options):
        from bodywork_compiler.cli.render import say

        compiled = compile_location(where, options, Strictness(refuse_uncommitted=True, ask_remote=True))
        say(compiled)
        return load_stream(to_stream(compiled.documents), compiled.project.name), compiled.project.log_level  # type: ignore[return-value]  # its schema's
    checked_manifests(where, options)
    plan = read_manifests(where, lambda folder: kubectl.run("kustomize", str(folder)).out)
    check_plan(plan, allow_privileges=options.allow_privileges)
    return plan, "INFO"


def read_manifests(where: str, kustomize: Callable[[Path], str]) -> Plan:
    from bodywork_compiler.config.reading import INI, YAML
    from bodywork_compiler.manifests import load_file, load_folder, load_stream

    if where == STDIN:
        return load_stream(sys.stdin.read(), "standard input")
    path = Path(where)
    if path.is_dir():
        return load_folder(path, kustomize)
    if not path.exists():
        raise BodyworkError(
            f"{where}: not found", hint="Give a project's folder, a Git URL, a folder or file of manifests, or - for standard input."
        )
    if path.name in (YAML, INI):
        raise BodyworkError(
            f"{where}: is a project's config, not manifests",
            hint=f"Give the project's folder: bodywork {click.get_current_context().info_name} {path.parent}",
        )
    return load_file(path)


def checked_manifests(where: str, options: CompileOptions) -> None:
    """Refuse options that only a project has."""
    given = [option for option in options.given() if option not in {"--namespace", "--allow-privileges"}]
    if given:
        raise click.UsageError(f"{', '.join(given)}: only for a project, and {where} is manifests")
