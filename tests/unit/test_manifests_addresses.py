"""Addresses and routes lead to the services that they are read with, whatever an overlay has made of names and namespace."""

from __future__ import annotations

import json
from typing import Any

import pytest
from project_values import batch, compiled, service
from yaml import safe_load

from bodywork_compiler.compiler import RenderOptions
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import Plan, load_stream, to_stream

SERVE = "BODYWORK_SERVICE_SERVE_URL"
NGINX, OTHER = RenderOptions(), RenderOptions(ingress_class="other")


def rendered(options: RenderOptions = NGINX) -> list[dict[str, Any]]:
    documents = compiled(batch("train"), service("serve", ingress=True), namespace="staging", options=options)
    return [safe_load(each.text) for each in documents]


def overlaid(objects: list[dict[str, Any]], *, namespace: str | None = None, prefix: str = "", suffix: str = "") -> list[dict[str, Any]]:
    """As kustomize does it: names, what refers to them, and namespaces; nothing that stands in data or in a path."""
    text = json.dumps([each for each in objects if each["kind"] != "Namespace"])
    for name in {each["metadata"]["name"] for each in objects} - {"staging"}:
        text = text.replace(f'"name": "{name}"', f'"name": "{prefix}{name}{suffix}"')
    found: list[dict[str, Any]] = json.loads(text)
    for each in found:
        if namespace:
            each["metadata"]["namespace"] = namespace
    return found


def read(objects: list[dict[str, Any]]) -> Plan:
    return load_stream("".join(f"---\n{json.dumps(each)}\n" for each in objects), "overlay")


def all_of(plan: Plan, kind: str) -> list[dict[str, Any]]:
    return [dict(each.body) for step in plan.steps for each in step.objects if each.kind == kind]


def addresses(plan: Plan) -> dict[str, Any]:
    return next(each for each in all_of(plan, "ConfigMap") if SERVE in each["data"])


def paths(plan: Plan) -> list[str]:
    return [path["path"] for each in all_of(plan, "Ingress") for rule in each["spec"]["rules"] for path in rule["http"]["paths"]]


def asked_by_pods(plan: Plan) -> set[str]:
    templates = [each["spec"]["template"] for kind in ("Job", "Deployment") for each in all_of(plan, kind)]
    return {source["configMapRef"]["name"] for each in templates for source in each["spec"]["containers"][0]["envFrom"]}


@pytest.mark.parametrize(
    ("overlay", "url", "route"),
    [
        ({}, "http://serve.staging.svc.cluster.local:5000", "/staging/serve"),
        ({"namespace": "prod"}, "http://serve.prod.svc.cluster.local:5000", "/prod/serve"),
        ({"prefix": "blue-"}, "http://blue-serve.staging.svc.cluster.local:5000", "/staging/blue-serve"),
        ({"namespace": "prod", "prefix": "a-", "suffix": "-z"}, "http://a-serve-z.prod.svc.cluster.local:5000", "/prod/a-serve-z"),
    ],
)
@pytest.mark.parametrize(("options", "rest"), [(NGINX, "(/|$)(.*)"), (OTHER, "")])
def test_they_lead_to_the_overlays_own_services(overlay: Any, url: str, route: str, options: RenderOptions, rest: str) -> None:
    plan = read(overlaid(rendered(options), **overlay))
    assert addresses(plan)["data"] == {SERVE: url}
    assert paths(plan) == [f"{route}{rest}"]
    assert asked_by_pods(plan) == {addresses(plan)["metadata"]["name"]}, "named by their content, also the new one"


def test_what_a_render_gives_is_read_as_it_is() -> None:
    text = to_stream(compiled(service("serve", ingress=True), namespace="staging"))
    plan = load_stream(text, "render")
    assert [each.body for step in plan.steps for each in step.objects] == [safe_load(each) for each in text.split("---\n")[1:]]


def test_bare_names_stay_bare_and_follow_a_prefix() -> None:
    plan = read(overlaid(rendered(RenderOptions(with_namespace=False)), namespace="prod", prefix="blue-"))
    assert addresses(plan)["data"] == {SERVE: "http://blue-serve:5000"}


def test_a_patched_port_of_a_service_is_that_of_its_address() -> None:
    objects = rendered()
    next(each for each in objects if each["kind"] == "Service")["spec"]["ports"][0]["port"] = 80
    assert addresses(read(objects))["data"] == {SERVE: "http://serve.staging.svc.cluster.local:80"}


def test_what_a_person_wrote_stays() -> None:
    objects = overlaid(rendered(), namespace="prod")
    next(each for each in objects if SERVE in each.get("data", {}))["data"][SERVE] = "http://serve.shared.svc.cluster.local:5000"
    rules = next(each for each in objects if each["kind"] == "Ingress")["spec"]["rules"]
    rules[0]["http"]["paths"][0]["path"] = "/v2/predict"
    plan = read(objects)
    assert addresses(plan)["data"] == {SERVE: "http://serve.shared.svc.cluster.local:5000"}
    assert paths(plan) == ["/v2/predict"]
    assert asked_by_pods(plan) == {addresses(plan)["metadata"]["name"]}


def test_other_content_has_another_name() -> None:
    def name(port: int) -> str:
        return str(addresses(read(rendered_with(port)))["metadata"]["name"])

    def rendered_with(port: int) -> list[dict[str, Any]]:
        return [safe_load(each.text) for each in compiled(service("serve", port=port), namespace="staging")]

    assert name(5000) != name(6000)
    assert name(5000) == name(5000)


def with_spec(spec: Any) -> list[dict[str, Any]]:
    objects = overlaid(rendered(), namespace="prod")
    return [{**each, "spec": spec} if each["kind"] in {"Service", "Ingress"} else each for each in objects]


@pytest.mark.parametrize("odd", [{"ports": []}, {"ports": None}, {}, None])
def test_odd_manifests_are_left_to_the_server(odd: Any) -> None:
    assert addresses(read(with_spec(odd)))["data"] == {SERVE: "http://serve.prod.svc.cluster.local:5000"}


@pytest.mark.parametrize("broken", [{"ports": 3}, {"ports": ["x"]}, {"ports": [{"port": "a"}]}, [], "x"])
def test_what_no_server_could_read_is_refused_before(broken: Any) -> None:
    with pytest.raises(BodyworkError, match="spec"):
        read(with_spec(broken))


def test_a_project_without_services_has_none() -> None:
    plan = load_stream(to_stream(compiled(batch("train"))), "render")
    assert not [each for each in all_of(plan, "ConfigMap") if "services" in each["metadata"]["name"]]
