"""What is said of secrets that are missing, and the commands that make them: to be copied, with one's own values put in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.runner.references import Key
from bodywork_compiler.to_copy import Options, to_copy

_VALUE = "VALUE"


class Missing(NamedTuple):
    """A secret, or keys of it, that is not where it is looked for; `commands` make it."""

    namespace: str
    message: str
    commands: Sequence[str]


def message(missing: Sequence[Missing]) -> str:
    places = dict.fromkeys(each.namespace for each in missing)
    said = [f"missing in namespace {place}: " + "; ".join(each.message for each in missing if each.namespace == place) for place in places]
    return "; ".join(said)


def refusal(missing: Sequence[Missing], waited_seconds: float = 0.0) -> BodyworkError:
    waited = f" (waited for {waited_seconds:g} s)" if waited_seconds else ""
    commands = dict.fromkeys(command for each in missing for command in each.commands)
    return BodyworkError(
        f"{message(missing)}{waited}", hint="\n  ".join(["Make them (values that are not in the environment are asked for):", *commands])
    )


def create(kubectl: Kubectl, secret: str, keys: Iterable[Key], group: str | None = None) -> str:
    """In v3's words for a secrets group, in v1's for a namespace. Values that are not given are asked for, so that none is in a shell's history."""
    target, ordered = kubectl.target, sorted(keys)
    way: Options = {
        **({"group": group} if group else {"namespace": target.namespace or "default", "name": secret}),
        "data": [key.name or "KEY" for key in ordered if not key.is_file],
        "from-file": [file for key in ordered if key.is_file for file in _as_files(key)],
        "context": target.context,
        "kubeconfig": target.kubeconfig,
    }
    return to_copy("bodywork", *(("create", "secret") if group else ("secret", "create")), names=[secret] if group else [], options=way)


def add(kubectl: Kubectl, secret: str, keys: Iterable[str]) -> str:
    patch = {"stringData": dict.fromkeys(keys, _VALUE)}
    return kubectl.line("patch", f"secret/{secret}", f"--patch={json.dumps(patch, ensure_ascii=False)}")


def _as_files(key: Key) -> list[str]:
    """An SSH key is of no use without the host's own key, which `fetch` checks."""
    is_ssh_key = key.name in {labels.SSH_SECRET[1], labels.SSH_SECRET_V1[1]}
    files = [key.name, labels.SSH_KNOWN_HOSTS] if is_ssh_key else [key.name]
    return [f"{name}=FILE" if name else "FILE" for name in files]
