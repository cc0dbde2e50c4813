"""Step 0: what is known of the pipeline, the start scripts, and files that travel inside the manifests."""

import base64
import json
from pathlib import Path

import pytest
from project_values import COMMIT, PUSHED, batch, compiled, service
from yaml import safe_load

from bodywork_compiler.compiler import RenderOptions, shared
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.source import Source


def config_maps(*stages, **others):
    bodies = [safe_load(document.text) for document in compiled(*(stages or (batch(),)), **others) if document.kind == "ConfigMap"]
    return {body["metadata"]["name"]: body for body in bodies}


def facts(*stages, **others):
    return config_maps(*stages, **others)["bodywork-iris"]["data"]


def inline(size):
    return Source(commit=COMMIT, archive=bytes(number * 7 % 256 for number in range(size)))


def test_facts_of_the_pipeline():
    source = Source(commit=COMMIT, url="git@host:a/b", branch="main", folder="models/iris")
    known = facts(batch("train"), service("serve"), source=source, secrets_group="dev", generation="1.1")
    digest = known.pop("plan-digest")
    assert known == {
        "config-version": "1.1",
        "dag": "train >> serve",
        "secrets-group": "dev",
        "git-url": "git@host:a/b",
        "git-branch": "main",
        "git-commit": COMMIT,
        "git-folder": "models/iris",
        "ssh-secret": "ssh-git-private-key",
        "render-options": "{}",
    }
    assert len(digest) == 64


def urls(*stages, **others):
    (found,) = (body["data"] for name, body in config_maps(*stages, **others).items() if "-services-" in name)
    return found


def test_stages_are_told_where_the_services_answer():
    assert urls(batch("train"), service("Score_it", port=80), service("other")) == {
        "BODYWORK_SERVICE_SCORE_IT_URL": "http://score-it.iris.svc.cluster.local:80",
        "BODYWORK_SERVICE_OTHER_URL": "http://other.iris.svc.cluster.local:5000",
    }
    without = RenderOptions(with_namespace=False)
    assert urls(service("serve"), options=without) == {"BODYWORK_SERVICE_SERVE_URL": "http://serve:5000"}


def test_each_stage_has_those_variables_from_a_config_map_named_by_its_content():
    def pods(*stages):
        bodies = [safe_load(document.text) for document in compiled(*stages) if document.kind in ("Job", "Deployment")]
        return [body["spec"]["template"] for body in bodies]

    def name(*stages):
        (found,) = (name for name in config_maps(*stages) if "-services-" in name)
        return found

    stages = batch("train"), service("serve")
    for pod in pods(*stages):
        (container,) = pod["spec"]["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": name(*stages), "optional": True}}]
    assert len({name(*stages), name(*stages, service("other")), name(batch("train"), service("serve", port=1))}) == 3


def test_a_pipeline_without_services_has_none():
    assert [name for name in config_maps(batch("train")) if "-services" in name] == []


def test_what_is_not_known_is_not_there():
    assert {"secrets-group", "git-url", "git-branch", "git-folder", "ssh-secret"}.isdisjoint(facts(source=inline(10)))


def test_options_that_change_the_text_are_recorded(tmp_path):
    (tmp_path / "service.yaml.j2").write_text('{% include "bodywork/service.yaml.j2" %}')
    options = RenderOptions(
        namespace="test", with_namespace=False, ingress_class="traefik", pod_security="baseline", template_folders=(tmp_path,)
    )
    assert json.loads(facts(options=options, source=inline(10))["render-options"]) == {
        "namespace": "test",
        "no-namespace": True,
        "ingress-class": "traefik",
        "pod-security": "baseline",
        "inline-source": True,
        "templates": ["service.yaml.j2"],
    }


def test_the_digest_changes_with_any_object():
    digests = [
        facts(batch())["plan-digest"],
        facts(batch(retries=1))["plan-digest"],
        facts(batch(), on_failure=batch("alert"))["plan-digest"],
        facts(batch(), options=RenderOptions(namespace="other"))["plan-digest"],
    ]
    assert len(set(digests)) == len(digests)
    assert digests[0] == facts(batch())["plan-digest"]


def test_start_scripts_travel_once_readable_and_as_they_are():
    (name,) = (name for name in config_maps(batch(), service()) if "-scripts-" in name)
    scripts = config_maps()[name]
    folder = Path(shared.__file__).parent / "scripts"
    assert scripts["immutable"] is True
    assert scripts["data"] == {file: (folder / file).read_text() for file in shared.FILES}
    assert set(scripts["data"]) == {path.name for path in folder.iterdir() if path.is_file()}
    (text,) = (document.text for document in compiled(batch()) if document.name == name)
    assert '  "run.py": |\n    """Main container of a stage\'s pod' in text


def test_scripts_are_named_by_their_content(monkeypatch):
    before = shared.start_scripts("bodywork-iris")
    changed = tuple((file, f"{text}#\n") for file, text in before.files)
    monkeypatch.setattr(shared, "_files", lambda: changed)
    assert shared.start_scripts("bodywork-iris").name != before.name


def test_files_that_travel_inside_come_back_whole_and_in_order():
    source = inline(400_000)
    parts = {name: body for name, body in config_maps(source=source).items() if "-source-" in name}
    assert [name.rsplit("-", 1)[1] for name in parts] == ["1", "2", "3"]
    assert all(part["immutable"] is True for part in parts.values())
    pieces = {}
    for part in parts.values():
        pieces.update(part["binaryData"])
    assert b"".join(base64.b64decode(pieces[key]) for key in sorted(pieces)) == source.archive
    assert max(len(base64.b64decode(piece)) for piece in pieces.values()) <= 180_000


def test_pods_unpack_what_travels_inside_and_fetch_nothing():
    documents = compiled(batch(), source=inline(200_000))
    names = [document.name for document in documents if "-source-" in document.name]
    (job,) = (safe_load(document.text) for document in documents if document.kind == "Job")
    pod = job["spec"]["template"]["spec"]
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "source")
    assert [source["configMap"]["name"] for source in volume["projected"]["sources"]] == names
    env = {entry["name"]: entry["value"] for entry in pod["initContainers"][0]["env"]}
    assert env["BODYWORK_SOURCE"] == "/opt/bodywork/source"
    assert "BODYWORK_GIT_URL" not in env


def test_inline_source_is_named_by_its_content():
    assert config_maps(source=inline(10)).keys() != config_maps(source=inline(11)).keys()


def test_inline_source_needs_no_key_even_when_there_is_a_url():
    source = Source(commit=COMMIT, url="git@host:a/b", archive=b"files")
    assert "ssh-secret" not in facts(source=source)


def test_too_much_to_travel_inside_says_what_to_do():
    assert len([document for document in compiled(batch(), source=inline(18 * 180_000)) if "-source-" in document.name]) == 18
    with pytest.raises(BodyworkError, match=r"3\.2 MB compressed, and at most 3\.2 MB can travel inside") as refused:
        compiled(batch(), source=inline(18 * 180_000 + 1))
    assert "push the commit" in refused.value.hint


def test_a_url_is_recorded_as_it_is_given():
    assert facts()["git-url"] == PUSHED.url


@pytest.mark.parametrize(("level", "enforced"), [("restricted", "restricted"), ("baseline", "baseline"), ("none", None)])
def test_a_namespace_demands_of_its_pods_what_these_satisfy(level, enforced):
    namespace = safe_load(compiled(batch(), options=RenderOptions(pod_security=level))[0].text)
    assert namespace["kind"] == "Namespace"
    assert namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") == enforced
