"""Templates: the package's own, and those that a project brings."""

import errno
import os
import re
from functools import partial
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes
from project_values import HOSTILE, batch, compiled, project, secret, service
from yaml import safe_load

from bodywork_compiler import resources
from bodywork_compiler.compiler import RenderOptions, notes_about
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.checkout import foreign
from bodywork_compiler.source import Source

OWN = sorted(resources.folder("templates").glob("*.yaml.j2"))
OF_A_PIPELINE = [path for path in OWN if not path.name.startswith(("controller-", "secret."))]
PARTIALS = {"pod.yaml.j2", "container.yaml.j2", "metadata.yaml.j2"}
BARE = {"key", "resource", "common"}  # keys that are constants of ours, and a partial's text


def rendered(folder, *stages, source=None):
    """A project with an object of every kind, with these templates before the package's own."""
    stages = stages or (batch("train"), service("serve", ingress=True))
    source = source or Source(commit="c" * 40, archive=b"files")
    return compiled(*stages, source=source, options=RenderOptions(template_folders=(folder,)))


def own_text(name):
    return (resources.folder("templates") / name).read_text()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_every_value_passes_the_one_filter(path):
    tree = jinja2.Environment(trim_blocks=True, extensions=[]).parse(path.read_text())
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            is_quoted = isinstance(node, nodes.Filter) and node.name in {"yaml", "yaml_text"}
            is_bare = isinstance(node, nodes.Name) and node.name in BARE
            assert isinstance(node, nodes.TemplateData) or is_quoted or is_bare, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", OF_A_PIPELINE, ids=lambda path: path.name)
def test_an_unknown_variable_is_an_error_with_template_and_line(path, tmp_path):
    lines = path.read_text().splitlines()
    lines.insert(1, "{{ nmae | yaml }}")
    (tmp_path / path.name).write_text("\n".join(lines) + "\n")
    with pytest.raises(BodyworkError) as refused:
        rendered(tmp_path)
    assert str(refused.value).startswith(f"template {tmp_path / path.name}:2")
    assert str(refused.value).endswith("'nmae' is undefined")
    assert ("included from" in str(refused.value)) is (path.name in PARTIALS)


def test_the_chain_of_includes_is_told_from_the_fault_outwards(tmp_path):
    (tmp_path / "container.yaml.j2").write_text("{{ nothing | yaml }}")
    with pytest.raises(BodyworkError) as refused:
        rendered(tmp_path)
    assert re.fullmatch(
        rf"template {re.escape(str(tmp_path))}/container\.yaml\.j2:1, included from pod\.yaml\.j2:\d+, "
        r"included from job\.yaml\.j2:\d+: 'nothing' is undefined",
        str(refused.value),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% if %}", r"service\.yaml\.j2:1: Expected an expression"),
        ("a\n{% include 'mine.yaml.j2' %}", r"template mine\.yaml\.j2 not found, included from .*service\.yaml\.j2:2"),
        ("{{ 1 / 0 }}", r"service\.yaml\.j2:1: division by zero"),
        ("{{ labels | yaml }}", r"service\.yaml\.j2:1: only text, whole numbers and true or false can be written, not tuple"),
        ("{{ name | nofilter }}", r"service\.yaml\.j2:1: No filter named 'nofilter'"),
        ("{{ name.__class__.__mro__ }}", r"service\.yaml\.j2:1: access to attribute '__class__' .* is unsafe"),
        ("{{ '{0.__class__}'.format(1) }}", r"service\.yaml\.j2:1: access to attribute '__class__' .* is unsafe"),
        ("{% include 'service.yaml.j2' %}", r"service\.yaml\.j2:1, included from … \d+ more, included from .*: maximum recursion depth"),
        ("{% include '../../secret' %}", r"template \.\./\.\./secret not found, included from .*service\.yaml\.j2:1$"),
        ("{% for i in labels %}" * 25 + "{% endfor %}" * 25, r"service\.yaml\.j2: too many statically nested blocks"),
        ("{{ name | truncate(-9) }}", r"service\.yaml\.j2:1: expected length >= 3, got -9"),
        ("{{ cycler() }}", r"service\.yaml\.j2:1: at least one item has to be provided"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", r"service\.yaml\.j2:1: Range too big"),
    ],
)
def test_faults_of_a_template_are_told_with_their_place(tmp_path, text, message):
    (tmp_path / "service.yaml.j2").write_text(text)
    with pytest.raises(BodyworkError, match=message):
        rendered(tmp_path)


@pytest.mark.parametrize(
    ("template", "old", "new", "message"),
    [
        ("service.yaml.j2", "kind: Service", "kind: Ingress", r"must keep kind as 'Service', and gives 'Ingress'"),
        ("metadata.yaml.j2", "name: {{ name | yaml }}", "name: other", r"must keep metadata\.name as '.*', and gives 'other'"),
        ("metadata.yaml.j2", "{{ namespace | yaml }}", "other", r"must keep metadata\.namespace as 'iris', and gives 'other'"),
        ("job.yaml.j2", "metadata:", "metadata:\nx:", r"must keep metadata\.name as 'train', and gives None"),
        ("metadata.yaml.j2", "{{ key }}: {{ value | yaml }}", "{{ key }}: x", r"must keep metadata\.labels\.bodywork/pipeline"),
        ("pod.yaml.j2", "{{ key }}: {{ value | yaml }}", "{{ key }}: x", r"must keep spec\.template\.metadata\.labels\.bodywork/pipeline"),
        ("service.yaml.j2", "apiVersion: v1", "---\na: b\n---\napiVersion: v1", r"must give one Kubernetes object, and gives 2 documents"),
        ("service.yaml.j2", "apiVersion: v1", "apiVersion: [v1", r"gives no valid YAML: .*, in line 2 of what it gives: kind: Service"),
        (
            "service.yaml.j2",
            "      protocol: TCP",
            "      protocol: [",
            r"gives no valid YAML: .*, in line \d+ of what it gives: protocol: \[",
        ),
        ("service.yaml.j2", "kind: Service", "kind: Service\nitems: []", r"gives an object with `items`"),
        ("service.yaml.j2", "kind: Service", "kind: Service\nkind: Service", r'gives no valid YAML: key "kind" is there twice, in line 3'),
        ("service.yaml.j2", "kind: Service", "kind: Service\nx: {{ '\\ud800' }}", r"gives no valid YAML: half of a character, '\\ud800'"),
        ("service.yaml.j2", "kind: Service", "kind: Service\nx: &a [*a]", r"gives no valid YAML: an alias .* inside of what its anchor"),
    ],
)
def test_what_an_overridden_template_gives_is_checked(tmp_path, template, old, new, message):
    assert old in own_text(template)
    (tmp_path / template).write_text(own_text(template).replace(old, new))
    with pytest.raises(BodyworkError, match=message):
        rendered(tmp_path)


def test_a_project_may_override_a_template_by_name(tmp_path):
    text = own_text("service.yaml.j2").replace("type: ClusterIP", "type: NodePort")
    (tmp_path / "service.yaml.j2").write_text(text)
    (address,) = (safe_load(document.text) for document in rendered(tmp_path) if document.kind == "Service")
    assert address["spec"]["type"] == "NodePort"


def test_an_overriding_template_may_include_the_one_that_it_overrides(tmp_path):
    (tmp_path / "deployment.yaml.j2").write_text('{% include "bodywork/deployment.yaml.j2" %}  minReadySeconds: 5\n')
    text = own_text("deployment.yaml.j2").replace("spec:\n", "spec:\n  minReadySeconds: 7\n")
    (tmp_path / "deployment.yaml.j2").write_text(text)
    (deployment,) = (safe_load(document.text) for document in rendered(tmp_path) if document.kind == "Deployment")
    assert deployment["spec"]["minReadySeconds"] == 7


def test_templates_may_have_partials_of_their_own(tmp_path):
    (tmp_path / "tolerations.yaml.j2").write_text("      tolerations: [{operator: Exists}]\n")
    text = own_text("pod.yaml.j2").replace("      restartPolicy:", '{% include "tolerations.yaml.j2" %}\n      restartPolicy:')
    (tmp_path / "pod.yaml.j2").write_text(text)
    kinds = {
        document.kind: safe_load(document.text)["spec"]["template"]["spec"]["tolerations"]
        for document in rendered(tmp_path)
        if document.kind in {"Job", "Deployment"}
    }
    assert kinds == {"Job": [{"operator": "Exists"}], "Deployment": [{"operator": "Exists"}]}


def test_compiled_templates_of_a_project_are_not_kept(tmp_path, monkeypatch):
    """A commit's lie in a new folder each time: what is kept of them would never be used, and never end."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        (folder / "service.yaml.j2").write_text(own_text("service.yaml.j2"))
        rendered(folder)
    kept = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if str(tmp_path).encode() in file.read_bytes()]


def test_the_first_folder_wins(tmp_path):
    for folder, kind in (("first", "NodePort"), ("second", "LoadBalancer")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "service.yaml.j2").write_text(own_text("service.yaml.j2").replace("ClusterIP", kind))
    options = RenderOptions(template_folders=(tmp_path / "first", tmp_path / "second"))
    (address,) = (safe_load(document.text) for document in compiled(service(), options=options) if document.kind == "Service")
    assert address["spec"]["type"] == "NodePort"


def test_own_templates_are_not_parsed_again(monkeypatch):
    monkeypatch.setattr("yaml.load_all", lambda *_args, **_kwargs: pytest.fail("parsed"))
    compiled(batch())


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_come_back_from_every_place(value):
    doubled = value.replace("$", "$$")
    stage = batch(args=(value,), env=(("HOSTILE", value),), requirements=(value,), image=value or "x", secrets=(secret("S", value, value),))
    source = Source(commit="25921e05", url=value or "x", branch=value, folder=value)
    documents = compiled(stage, source=source, env=(("OF_PIPELINE", value),), secrets_group=value, image_pull_secrets=(value,))
    bodies = {document.path: safe_load(document.text) for document in documents}
    pod = bodies["01-train/job.yaml"]["spec"]["template"]["spec"]
    main, install, fetch = pod["containers"][0], pod["initContainers"][1], pod["initContainers"][0]
    assert main["args"][1] == doubled
    assert install["args"] == [doubled]
    assert main["image"] == (value or "x")
    assert {"name": "HOSTILE", "value": doubled} in main["env"]
    assert {"name": "OF_PIPELINE", "value": doubled} in fetch["env"]
    assert {"name": "BODYWORK_GIT_URL", "value": doubled or "x"} in fetch["env"]
    assert {"name": "BODYWORK_GIT_COMMIT", "value": "25921e05"} in fetch["env"]
    assert {"name": "S", "valueFrom": {"secretKeyRef": {"name": value, "key": value}}} in main["env"]
    assert pod["imagePullSecrets"] == [{"name": value}]
    known = bodies["00-setup/pipeline.yaml"]["data"]
    assert known.get("git-branch", "") == value
    assert known.get("secrets-group", "") == value


def test_compiled_templates_are_kept_in_a_private_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = compiled(batch())
    (folder,) = (tmp_path / "cache" / "bodywork").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir())
    assert compiled(batch()) == first


@pytest.mark.parametrize("cache", ["readable by others", "a file"])
def test_without_such_a_folder_nothing_is_kept_and_nothing_said(tmp_path, monkeypatch, capfd, cache):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    without = compiled(batch())
    (folder,) = (tmp_path / "bodywork").iterdir()
    for file in folder.iterdir():
        file.unlink()
    if cache == "a file":
        folder.rmdir()
        folder.write_text("")
    else:
        folder.chmod(0o755)
    assert compiled(batch()) == without
    assert folder.is_file() or not list(folder.iterdir())
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_is_no_fault(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def full(*_args, **_given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert compiled(batch())
    (folder,) = (tmp_path / "bodywork").iterdir()
    assert not list(folder.iterdir())


def test_a_template_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "service.yaml.j2").write_bytes(b"\xff\xfe")
    with pytest.raises(
        BodyworkError, match=rf"template {re.escape(str(tmp_path))}/service\.yaml\.j2: cannot be read: 'utf-8' codec can't decode"
    ):
        rendered(tmp_path)


def test_a_fault_in_what_a_template_gives_names_the_files_that_a_user_can_change(tmp_path):
    (tmp_path / "metadata.yaml.j2").write_text("  name: other\n")
    with pytest.raises(BodyworkError, match=rf"template job\.yaml\.j2 with {re.escape(str(tmp_path))}/metadata\.yaml\.j2 must keep"):
        rendered(tmp_path, batch("train"), source=Source(commit="c" * 40, url="https://git.example.com/x.git"))


@pytest.mark.parametrize("link", ["folder", "file", "folder inside"])
def test_a_project_puts_no_files_of_this_machine_into_its_manifests(tmp_path, link):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.mkdir()
    (elsewhere / "service.yaml.j2").write_text("# SECRET\n" + own_text("service.yaml.j2"))
    templates = project / "templates"
    if link == "folder":
        templates.symlink_to(elsewhere)
    else:
        templates.mkdir()
        target = elsewhere / "service.yaml.j2" if link == "file" else elsewhere
        (templates / "linked").symlink_to(target)
        name = "linked" if link == "file" else "linked/service.yaml.j2"
        (templates / "service.yaml.j2").write_text(f"{{% include '{name}' %}}")
    options = RenderOptions(template_folders=(templates,), foreign_template=partial(foreign, project))
    with pytest.raises(BodyworkError, match="is a link that leads out of it"):
        compiled(service("serve"), options=options)


def test_links_between_a_projects_folders_are_followed(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "service.yaml.j2").write_text(own_text("service.yaml.j2").replace("ClusterIP", "NodePort"))
    (tmp_path / "templates").symlink_to(shared)
    options = RenderOptions(
        template_folders=(tmp_path / "templates",),
        foreign_template=lambda file: foreign(tmp_path, file) if tmp_path in file.parents else None,
    )
    assert "NodePort" in "".join(document.text for document in compiled(service("serve"), options=options))


def test_a_template_names_no_absolute_path_in_the_facts(tmp_path):
    (tmp_path / "job.yaml.j2").write_text(own_text("job.yaml.j2"))
    assert str(tmp_path) not in "".join(document.text for document in rendered(tmp_path))
    assert Path("job.yaml.j2").name in rendered(tmp_path)[2].text


def test_a_pipe_is_no_template(tmp_path):
    os.mkfifo(tmp_path / "service.yaml.j2")
    options = RenderOptions(template_folders=(tmp_path,))
    assert notes_about(project(service("serve")), options) == ()
    assert compiled(service("serve"), options=options)


def test_a_file_whose_name_is_mistyped_is_told(tmp_path):
    (tmp_path / "services.yaml.j2").write_text(own_text("service.yaml.j2"))
    (tmp_path / "job.yaml.j2").write_text(own_text("job.yaml.j2") + "{% include 'nodes.yaml.j2' %}")
    (tmp_path / "nodes.yaml.j2").write_text("")
    notes = notes_about(project(service("serve")), RenderOptions(template_folders=(tmp_path,)))
    assert notes == (
        f"template {tmp_path}/services.yaml.j2: overrides nothing, and no template includes it; did you mean service.yaml.j2?",
    )
