"""Names that a shell may complete: of the project here, and of the cluster. Nothing here ever fails or asks long: no names, then."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler import labels

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PATIENCE_SECONDS = 2


def stages(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Of the project that the command is about, else of the folder that one stands in."""
    from pathlib import Path

    from bodywork_compiler import config
    from bodywork_compiler.errors import ConfigError

    where = context.params.get("where") or context.params.get("path") or "."
    try:
        project = config.load(Path(str(where))).project
    except (ConfigError, OSError):
        return []
    return _beginning(incomplete, (stage.name for stage in project.stages))


def places(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files and folders; the shell knows them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def pipelines(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return _beginning(incomplete, _asked(context, "deployments,jobs,configmaps", labels.PIPELINE, rf"{labels.PIPELINE}=([^,\s]+)"))


def groups(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return _beginning(incomplete, _asked(context, "secrets", "group", r"\bgroup=([^,\s]+)", namespace="bodywork-deployment-jobs"))


def cronjobs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return _beginning(incomplete, _asked(context, "cronjobs", "", r"^(\S+)", namespace="bodywork-deployment-jobs"))


def secrets_of_group(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """As stages call them: without the group's name in front."""
    group = context.params.get("group")
    selector = f"group={group}" if group else "group"
    found = _asked(context, "secrets", selector, r"^(\S+)", namespace="bodywork-deployment-jobs")
    return _beginning(incomplete, (name.removeprefix(f"{group}-") for name in found) if group else ())


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})


def _asked(context: click.Context, kinds: str, selector: str, pattern: str, *, namespace: str | None = None) -> list[str]:
    """What `kubectl get` lists; names and labels only, never a value."""
    from bodywork_compiler.errors import BodyworkError
    from bodywork_compiler.kubectl import Kubectl, Target

    given: dict[str, Any] = {name: context.params.get(name) for name in ("context", "kubeconfig", "namespace")}
    target = Target(context=given["context"], kubeconfig=given["kubeconfig"], namespace=namespace or given["namespace"])
    everywhere = () if target.namespace else ("--all-namespaces",)
    words = ["get", kinds, *everywhere, "--no-headers", "--show-labels", f"--request-timeout={_PATIENCE_SECONDS}s"]
    try:
        result = Kubectl(target=target).try_(*words, *([f"--selector={selector}"] if selector else []), timeout_seconds=_PATIENCE_SECONDS)
    except BodyworkError:
        return []
    return re.findall(pattern, result.out, re.MULTILINE)
