"""The objects of one pipeline in one namespace. Whose they are is said by the label `bodywork/pipeline`, never by a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bodywork_compiler import labels
from bodywork_compiler.api import Api, CouldNotAsk, NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.proxy import Proxy
from bodywork_compiler.runner import lease
from bodywork_compiler.runner.before import record_name_of
from bodywork_compiler.runner.history import name_of
from bodywork_compiler.runner.tracking import RENDERED, Home, Place
from bodywork_compiler.runner.watching import label, name

KINDS = tuple(each.kind for each in RENDERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A pipeline's objects: of the kinds that Bodywork makes, and `added` of others, which manifests have brought along."""

    pipeline: str
    namespace: str
    objects: tuple[Object, ...]
    added: tuple[Object, ...] = ()

    def of(self, kind: str) -> list[Object]:
        return [each for each in self.objects if each["kind"] == kind]

    @property
    def stages(self) -> list[str]:
        """The names of its stages, as their labels have them."""
        found = (label(each, labels.STAGE) for each in self.objects if each["kind"] in {"Deployment", "Job"})
        return sorted({each for each in found if each})


@contextmanager
def opened(kubectl: Kubectl, namespace: str) -> Iterator[Api]:
    """Reads in one namespace, as long as the block lasts. Call it in the main thread."""
    proxy = Proxy(kubectl, on_end=lambda: None)
    try:
        proxy.wait_until_ready()
        api = Api(proxy.socket_path, namespace)
        try:
            yield api
        except CouldNotAsk as why:
            raise BodyworkError(f"the cluster could not be asked: {why}") from why
        finally:
            api.close()
    finally:
        proxy.stop()


def read(api: Api, pipeline: str | None) -> Deployed:
    """What is there of `pipeline`; None: of the only one in the namespace. A BodyworkError says why it cannot be told."""
    objects = listed(api, of(pipeline) if pipeline else labels.PIPELINE)
    names = {str(label(each, labels.PIPELINE)) for each in objects}
    if len(names) == 1:
        name = names.pop()
        home = Home(name, api.namespace).among(objects)
        return Deployed(
            pipeline=name,
            namespace=api.namespace,
            objects=tuple(each for each in objects if _is_of(each, home)),
            added=tuple(_added(api, home)),
        )
    if names:
        raise BodyworkError(f"namespace {api.namespace} holds {len(names)} pipelines: {', '.join(sorted(names))}", hint=_CHOOSE)
    _refuse_without_namespace(api)
    raise _not_there(api, pipeline)


def _is_of(obj: Object, home: Home) -> bool:
    """Made by a run, or rendered and applied by hand, or a run's record. What bears the label alone is a person's."""
    return home.made(obj) or home.rendered(obj) or name(obj) in {name_of(home.pipeline), record_name_of(home.pipeline)}


def _added(api: Api, home: Home) -> Iterator[Object]:
    """What runs have made of other kinds, and in other namespaces. What may not be read is not known."""
    for place in _recorded(api, home.pipeline):
        there = api.elsewhere(place.namespace) if place.namespace else api
        with suppress(Refused, NotThere):
            for each in there.outlines_any(place.api_version, place.kind, {"labelSelector": of(home.pipeline)}):
                is_added = home.made(each) and not home.copied(each)
                found = there.find_any(place.api_version, place.kind, name(each)) if is_added else None
                if found:
                    yield found


def _recorded(api: Api, pipeline: str) -> tuple[Place, ...]:
    try:
        record = lease.record_of(api.find("Lease", labels.object_name(pipeline)))
    except Refused:
        return ()
    return record.places if record else ()


_CHOOSE = "Say which with --pipeline NAME, or name its project's folder."


def of(pipeline: str) -> str:
    """The selector of a pipeline's objects and pods."""
    return f"{labels.PIPELINE}={pipeline}"


def listed(api: Api, selector: str, kinds: Sequence[str] = KINDS) -> list[Object]:
    return [each for kind in kinds for each in api.list(kind, {"labelSelector": selector})[0]]


def pods_of(api: Api, pipeline: str) -> list[Object]:
    return listed(api, of(pipeline), ["Pod"])


def pipelines_in(api: Api) -> list[str]:
    """All that are there."""
    return sorted({str(label(each, labels.PIPELINE)) for each in listed(api, labels.PIPELINE)})


def _refuse_without_namespace(api: Api) -> None:
    try:
        api.get("Namespace", api.namespace)
    except NotThere:
        raise BodyworkError(f"there is no namespace {api.namespace}", hint="Name another with --namespace NS.") from None
    except Refused:  # who may not read namespaces may have one all the same
        return


def _not_there(api: Api, pipeline: str | None) -> BodyworkError:
    if pipeline is None:
        return BodyworkError(f"there is no pipeline in namespace {api.namespace}", hint="Name another with --namespace NS.")
    others = pipelines_in(api)
    hint = f"There: {', '.join(others)}. Say which with --pipeline NAME." if others else "Name another with --namespace NS."
    return BodyworkError(f"there is no pipeline {pipeline} in namespace {api.namespace}", hint=hint)
