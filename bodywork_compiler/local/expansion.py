"""`$(NAME)` in args, command and env values, as Kubernetes expands it: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/"""

from __future__ import annotations

import re
from collections.abc import Mapping

_MARK = re.compile(r"\$(?:\$|\(([^()]*)\))")


def expanded(text: str, known: Mapping[str, str]) -> str:
    """`$$` is one `$`; a name that is not known stays as it is written."""

    def found(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        return known.get(match[1], match[0])

    return _MARK.sub(found, text)
