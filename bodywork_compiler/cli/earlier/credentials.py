"""With which secret a pod in the cluster clones a private repository: by the names that the documents of each generation give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bodywork_compiler import labels
from bodywork_compiler.cli.earlier.foreseen import Foreseen, warn

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.cli.earlier.remote import Remote
    from bodywork_compiler.controller.work import SshKey


def ssh_key(remote: Remote, api: Api | None, project: Foreseen | None) -> SshKey | None:
    """The key that the pod clones with: only over ssh, and by the names that the documents of each generation give its secret."""
    from bodywork_compiler.controller.work import SshKey
    from bodywork_compiler.git.url import is_ssh

    if not is_ssh(remote.git_url):
        return None
    group = _group(remote, project)
    if remote.home:
        names = [SshKey(secret=secret, key=key) for secret, key in (labels.SSH_SECRET_V1, labels.SSH_SECRET)]
    elif group:
        names = [SshKey(secret=f"{group}-{labels.SSH_SECRET[0]}", key=labels.SSH_SECRET[1])]
    else:
        warn("the SSH key's group is not known, since the config could not be read", "Name it with --group G.")
        return None
    there = next((each for each in names if api and _is_there(api, each.secret)), None)
    if api and there is None and remote.ssh is None:
        warn(
            f"Could not find SSH secret {names[0].secret} in namespace {api.namespace}, without which {remote.git_url} cannot be cloned there",
            "docs/schedules.md#private-repositories has the command that makes it.",
        )
    return there or names[0]


def token_secret(remote: Remote, project: Foreseen | None) -> str | None:
    """The secret of an https address, which a public repository has not got."""
    group = _group(remote, project)
    if not remote.git_url.lower().startswith(("https://", "http://")) or not (remote.home or group):
        return None
    return labels.HTTPS_SECRET[0] if remote.home else f"{group}-{labels.HTTPS_SECRET[0]}"


def _group(remote: Remote, project: Foreseen | None) -> str | None:
    return remote.group or (project.group if project else None)


def _is_there(api: Api, secret: str) -> bool:
    from bodywork_compiler.api import Refused

    try:
        return api.find("Secret", secret) is not None
    except Refused:
        return True
