"""kubectl's words about a dry run: those that matter, and never a secret's value."""

from __future__ import annotations

import base64

import pytest

from bodywork_compiler.kubectl import Result
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.rehearsal import said, warnings, without_secrets

# as kubectl 1.34 says them, the objects cut
PATCH = """\
Error from server (Invalid): error when applying patch:
{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}},"spec":{"ports":[{"port":99999}]}}
to:
Resource: "/v1, Resource=services", GroupVersionKind: "/v1, Kind=Service"
Name: "serve", Namespace: "lab"
for: "STDIN": error when patching "STDIN": Service "serve" is invalid: spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535
"""
UNKNOWN_FIELD = """\
Error from server (Invalid): error when applying patch:
{"spec":{"template":{"spec":{"containers":[{"imge":"x","name":"stage"}]}}}}
to:
Resource: "apps/v1, Resource=deployments", GroupVersionKind: "apps/v1, Kind=Deployment"
Name: "serve", Namespace: "lab"
for: "STDIN": error when patching "STDIN":  "" is invalid: patch: Invalid value: "map[metadata:map[annotations:map[a:%s\\n]] spec:map[template:map[spec:map[]]]]": strict decoding error: unknown field "spec.template.spec.containers[0].imge"
""" % ("x" * 400)
NEW = 'Error from server (BadRequest): error when creating "STDIN": Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "spec.imge"\n'


@pytest.mark.parametrize(
    ("err", "short"),
    [
        pytest.param(
            PATCH,
            'Error from server (Invalid): Service "serve" is invalid: spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535',
            id="a-patch",
        ),
        pytest.param(
            UNKNOWN_FIELD,
            'Error from server (Invalid): "" is invalid: patch: strict decoding error: unknown field "spec.template.spec.containers[0].imge"',
            id="a-whole-object",
        ),
        pytest.param(
            NEW,
            'Error from server (BadRequest): Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "spec.imge"',
            id="a-new-one",
        ),
    ],
)
def test_what_was_refused_is_said_without_the_patch(err: str, short: str) -> None:
    assert said(Result(argv=("kubectl",), err=err, exit_code=1), []) == short


def test_all_refusals_are_said_in_order() -> None:
    text = said(Result(argv=("kubectl",), err=NEW + UNKNOWN_FIELD + PATCH, exit_code=1), [])
    assert [line.rsplit(" ", 1)[-1] for line in text.splitlines()] == ['"spec.imge"', '"spec.template.spec.containers[0].imge"', "65535"]


def test_warnings_are_read_apart() -> None:
    result = Result(argv=("kubectl",), err=f'Warning: would violate PodSecurity "restricted:latest"\n{NEW}', exit_code=1)
    assert warnings(result, []) == ['would violate PodSecurity "restricted:latest"']
    assert "PodSecurity" not in said(result, [])


def test_no_form_of_a_secrets_value_is_said() -> None:
    encoded = base64.b64encode(b"hunter2").decode()
    secret = KubeObject(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"A": encoded}, "stringData": {"B": "tr0ub4dor"}}
    )
    other = base64.b64encode(b"tr0ub4dor").decode()
    text = f"got hunter2, {encoded}, tr0ub4dor, {other}"
    assert without_secrets(text, [secret]).replace("=", "") == "got ***, ***, ***, ***"
    warning = Result(argv=("kubectl",), err=f"Warning: {text}\n")
    assert warnings(warning, [secret])[0].replace("=", "") == "got ***, ***, ***, ***"
