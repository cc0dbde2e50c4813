"""What is made new, and never in the place of something else."""

from __future__ import annotations

from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.kubectl_errors import is_there_already


def create(kubectl: Kubectl, manifest: str) -> bool:
    """False: an object of that kind and name is there already."""
    result = kubectl.try_("create", "-f", "-", stdin=manifest)
    if result.exit_code != 0 and is_there_already(result.err):
        return False
    if result.exit_code != 0:
        raise KubectlFailed(result)
    return True
