"""What stands in the cluster, asked of kubectl: any kind may come in manifests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.kubectl import Kubectl, KubectlFailed, as_word
from bodywork_compiler.kubectl_errors import is_forbidden, is_unknown_kind
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.preview.difference import is_namespace_of_run
from bodywork_compiler.preview.values import Left, Object
from bodywork_compiler.runner import prune
from bodywork_compiler.runner.lease import record_of
from bodywork_compiler.runner.owners import Stranger, is_of, judged, judged_record, records, repository_of
from bodywork_compiler.runner.references import objects
from bodywork_compiler.runner.rehearsal import Key, key_of, to_stream
from bodywork_compiler.runner.tracking import RENDERED, Home, Place

# what goes only when nothing names it any more, which is not asked here
_NAMED_BY_OTHERS = {"ConfigMap", "Secret", "ServiceAccount"}
_OUTLINES = '{range .items[*]}{.apiVersion}{"\\t"}{.kind}{"\\t"}{.metadata}{"\\n"}{end}'


def has_namespace(kubectl: Kubectl, namespace: str) -> bool:
    """Whether it is there. Who may not read namespaces works in one that was given to them."""
    result = kubectl.try_("get", f"namespace/{namespace}", "--ignore-not-found", "--output=name")
    if result.exit_code != 0 and not is_forbidden(result.err):
        raise KubectlFailed(result)
    return result.exit_code != 0 or bool(result.out.strip())


def standing(kubectl: Kubectl, objects: Iterable[KubeObject], namespace: str) -> dict[Key, Object]:
    """Those of the objects that are there, as they are."""
    asked: dict[str | None, list[dict[str, Any]]] = {}
    for each in objects:
        where = key_of(each, namespace).namespace
        asked.setdefault(where, []).append(_only_its_name(each, where))
    found: dict[Key, Object] = {}
    for where, bodies in asked.items():
        result = kubectl.in_namespace(where or namespace).try_(
            "get", "--ignore-not-found", "--output=json", "-f", "-", stdin=to_stream(bodies)
        )
        # a kind that the cluster does not know is not there either; the dry run will say it, beside all else that is refused
        if result.exit_code != 0 and not is_unknown_kind(result.err):
            raise KubectlFailed(result)
        found |= {Key(each["kind"], each["metadata"]["name"], where): each for each in items(result.out)}
    return found


def items(out: str) -> list[dict[str, Any]]:
    """kubectl prints nothing, one object, or a List."""
    if not out.strip():
        return []
    answer: dict[str, Any] = json.loads(out)
    return list(answer["items"]) if answer["kind"] == "List" else [answer]


def labelled(kubectl: Kubectl, plan: Plan) -> list[dict[str, Any]]:
    """Kind and metadata of all that bears the pipeline's label. What may not be read is not missed."""
    found = _outlines(kubectl, plan, RENDERED)
    for place in _recorded(kubectl, plan):
        found += _outlines(kubectl.in_namespace(place.namespace) if place.namespace else kubectl, plan, [place])
    return found


def _recorded(kubectl: Kubectl, plan: Plan) -> tuple[Place, ...]:
    """Where runs have made other kinds."""
    result = kubectl.try_("get", f"lease/{labels.object_name(plan.pipeline)}", "--ignore-not-found", "--output=json")
    record = record_of(json.loads(result.out)) if result.exit_code == 0 and result.out.strip() else None
    return record.places if record else ()


def _outlines(kubectl: Kubectl, plan: Plan, asked: Sequence[Place]) -> list[dict[str, Any]]:
    kinds = ",".join(_resource(each) for each in asked)
    result = kubectl.try_("get", as_word(kinds), f"--selector={labels.PIPELINE}={plan.pipeline}", f"--output=jsonpath={_OUTLINES}")
    if result.exit_code != 0 and not is_forbidden(result.err) and not is_unknown_kind(result.err):
        raise KubectlFailed(result)
    rows = (line.split("\t", 2) for line in result.out.splitlines())
    return [{"apiVersion": version, "kind": kind, "metadata": json.loads(metadata)} for version, kind, metadata in rows]


def _resource(place: Place) -> str:
    """As kubectl takes it: KIND.VERSION.GROUP, where the core has no group."""
    group, _, version = place.api_version.rpartition("/")
    return f"{place.kind}.{version}.{group}"


def left(plan: Plan, stand: Sequence[Object], namespace: str) -> tuple[Left, ...]:
    """Objects of the pipeline that the plan no longer has; a run removes those that runs have made."""
    home = Home(plan.pipeline, namespace).among(stand)
    wanted = {(each.kind, each.name) for step in plan.steps for each in step.objects}
    wanted |= {(plan.on_failure.kind, plan.on_failure.name)} if plan.on_failure else set()
    repository = repository_of(plan)
    return tuple(
        Left(kind=each["kind"], name=each["metadata"]["name"], is_removed=_is_removed(each, home._replace(application=None), repository))
        for each in stand
        if (each["kind"], each["metadata"]["name"]) not in wanted and (home.made(each) or home.rendered(each)) and not home.copied(each)
    )


def _is_removed(each: Object, home: Home, repository: str | None) -> bool:
    is_somebodys = bool(home.owner_of(each) or each["metadata"].get("deletionTimestamp"))
    stays = each["kind"] in {*_NAMED_BY_OTHERS, *prune.HOLD_OTHERS}
    return home.made(each) and not is_somebodys and not stays and is_of(dict(each), repository)


def strangers(plan: Plan, live: Mapping[Key, Object], namespace: str) -> Iterator[Stranger]:
    """Of those that are there, what is not this pipeline's to change."""
    home = Home(plan.pipeline, namespace).among(live.values())
    for each in objects(plan):
        found = live.get(key_of(each, namespace))
        if found and not is_namespace_of_run(each, namespace):
            yield from judged(each, dict(found), home, lambda found=found: dict(found))  # type: ignore[misc]  # mypy cannot infer it
    for each in records(plan):
        if found := live.get(key_of(each, namespace)):
            yield from judged_record(plan, each, dict(found))


def _only_its_name(each: KubeObject, where: str | None) -> dict[str, Any]:
    metadata: Mapping[str, Any] = {"name": each.name, **({"namespace": where} if where else {})}
    return {"apiVersion": each.body["apiVersion"], "kind": each.kind, "metadata": metadata}
