"""Values of the secrets that pods use, kept out of their logs as far as the user may read them. Who may not sees what the pods printed, where
most values are masked already."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bodywork_compiler.api import Api, CouldNotAsk, NotThere, Object, Refused
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.references import named_by, unmasked_in


class PodSecrets:
    """Grows with the pods that are seen. A secret is read once, as it is now: a value that was replaced since is not known."""

    def __init__(self, api: Api) -> None:
        self.mask = Mask()
        self._api = api
        self._known: set[str] = set()
        self._unread: set[str] = set()
        self._said: set[str] = set()

    def learn(self, pods: Sequence[Object]) -> list[str]:
        """Secrets of these pods whose values nobody masks, told once each."""
        for secret in sorted({each for pod in pods for each in named_by(pod.get("spec"))} - self._known):
            with suppress(CouldNotAsk):  # asked again with the next pods
                self._read(secret)
                self._known.add(secret)
        unmasked = {each for pod in pods for each in unmasked_in(pod.get("spec") or {})} & self._unread - self._said
        self._said |= unmasked
        return sorted(unmasked)

    def _read(self, secret: str) -> None:
        try:
            self.mask.learn(self._api.find("Secret", secret))
        except Refused:
            self._unread.add(secret)
        except NotThere:
            pass
