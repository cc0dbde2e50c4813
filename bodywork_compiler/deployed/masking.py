"""Values of the secrets that pods use, kept out of their logs as far as the user may read them. Who may not sees what the pods printed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bodywork_compiler.api import Api, CouldNotAsk, NotThere, Object, Refused
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.references import named_by


class PodSecrets:
    """Grows with the pods that are seen. A secret is read once, as it is now: a value that was replaced since is not known."""

    def __init__(self, api: Api) -> None:
        self.mask = Mask()
        self._api = api
        self._known: set[str] = set()

    def learn(self, pods: Sequence[Object]) -> None:
        for secret in sorted({each for pod in pods for each in named_by(pod.get("spec"))} - self._known):
            with suppress(CouldNotAsk):  # asked again with the next pods
                with suppress(Refused, NotThere):
                    self.mask.learn(self._api.find("Secret", secret))
                self._known.add(secret)
