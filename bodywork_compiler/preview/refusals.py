"""The server's words about a dry run, in short and without the values of secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bodywork_compiler.kubectl import Result
from bodywork_compiler.kubectl_errors import in_short
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.masking import Mask

# kubectl shows the whole patch before it says what is wrong with it
_PATCH = re.compile(
    r'Error from server \((\w+)\): error when applying patch:\n.*?^for: "[^"]*": error when patching "[^"]*": +', re.MULTILINE | re.DOTALL
)
# and the server repeats the whole object: `"" is invalid: patch: Invalid value: "map[metadata: … ]]": strict decoding error: unknown field …`
_WHOLE_OBJECT = re.compile(r'Invalid value: "(?:map\[|\{).{200,}?[\]}]": (?=\S)', re.DOTALL)
_CREATING = re.compile(r'error when (?:creating|replacing) "STDIN": ')
_WARNING = "Warning: "


def said(result: Result, objects: Iterable[KubeObject]) -> str:
    """What was refused, and why: a line or two each."""
    text = _WHOLE_OBJECT.sub("", _PATCH.sub(r"Error from server (\1): ", in_short(result.err)))
    return without_secrets(_CREATING.sub("", text), objects)


def warnings(result: Result, objects: Iterable[KubeObject]) -> list[str]:
    """What it accepts and warns about, a Pod Security Standard for instance."""
    found = [line.removeprefix(_WARNING) for line in result.err.splitlines() if line.startswith(_WARNING)]
    return [without_secrets(line, objects) for line in found]


def without_secrets(text: str, objects: Iterable[KubeObject]) -> str:
    mask = Mask()
    for each in objects:
        if each.kind == "Secret":
            mask.learn(each.body)
    return mask.text(text)
