"""Objects into the cluster, and Jobs out of it: one `kubectl apply` for what belongs together, and what kubectl did to each as an event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from bodywork_compiler import labels
from bodywork_compiler.api import Object
from bodywork_compiler.kubectl import EXIT_CUT_OFF, Kubectl, KubectlFailed, Result, failure_of
from bodywork_compiler.kubectl_errors import is_connection_refused, is_there_already, is_worth_another_try
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner.events import ObjectChanged
from bodywork_compiler.runner.references import objects
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home
from bodywork_compiler.runner.watching import label, name, uid

GOING_SECONDS = 150  # a pod's grace period is 30 s unless its manifest says more


def remove_former(session: Session) -> None:
    """Jobs of an earlier run stay to be looked at until the next one starts, which is now. Then any Job that is there is of this run."""
    former = [job for job in session.picture.all("Job") if _is_of_a_run(session, job) and name(job) not in session.kept_jobs]
    if not former:
        return
    session.picture.forget(uid(job) for job in former)
    session.notice(f"removing {len(former)} job{'s' if len(former) > 1 else ''} of an earlier run")
    delete(session, labels.STEP_SETUP, [name(job) for job in former])


def _is_of_a_run(session: Session, job: Object) -> bool:
    """A stage's: made by a run, or in the way of this one, which owners.check has allowed. A person's own with our labels is neither."""
    home = Home(session.plan.pipeline, session.namespace)
    in_the_way = any((each.kind, each.name) == ("Job", name(job)) for each in objects(session.plan))
    return bool(label(job, labels.STAGE)) and (in_the_way or home.made(job))


def delete(session: Session, step: int, names: Sequence[str]) -> None:
    """Delete Jobs and wait until their pods are gone; one that is gone already is fine. What kubectl could not do is raised."""
    words = [
        *(f"job/{each}" for each in names),
        "--cascade=foreground",
        "--ignore-not-found",
        f"--timeout={GOING_SECONDS}s",
        "--request-timeout=0",
    ]
    result = session.kubectl.try_("delete", *words, timeout_seconds=GOING_SECONDS + 30)
    tell_changes(session, step, [KubeObject({"kind": "Job", "metadata": {"name": each}}) for each in names], result)
    check(result)


def stop(session: Session, step: int, names: Sequence[str]) -> None:
    """Delete Jobs at the end of a step; that it could not be done is told, since the rest of the end must follow."""
    try:
        delete(session, step, names)
    except KubectlFailed as failed:
        session.notice(f"not stopped, or not gone yet: {', '.join(names)}: {failed.message}", "ERROR", where="run.step")


# client-side apply keeps the whole object in an annotation, and all annotations together end at 262,144 bytes
LARGEST_APPLIED = 250_000
# https://github.com/kubernetes/cli-runtime/blob/v0.34.0/pkg/printers/name.go; `delete` writes its own
_DONE = re.compile(
    r"^(?P<kind>[a-z0-9]+)(?:\.[^\s/]+)?/(?P<name>\S+) (?P<action>created|configured|unchanged|replaced|restarted)$", re.MULTILINE
)
_DELETED = re.compile(r'^(?P<kind>[a-z0-9]+)(?:\.\S+?)? "(?P<name>[^"]+)" (?:force )?(?P<action>deleted)\b', re.MULTILINE)


def apply(session: Session, step: int, objects: Sequence[KubeObject]) -> None:
    """Bring them into the cluster; what was done is told, also when kubectl refused a part. A refusal is raised as KubectlFailed."""
    usual = [each for each in objects if not is_put_whole(each)]
    for each in objects:
        if is_put_whole(each):
            _put_whole(session, step, each)
    for namespace in dict.fromkeys(_elsewhere(session, each) for each in usual):
        there = [each for each in usual if _elsewhere(session, each) == namespace]
        result = _kubectl(session, namespace).try_("apply", "-f", "-", stdin=to_json(there))
        tell_changes(session, step, there, result)
        check(result)


def tell_changes(session: Session, step: int, objects: Iterable[KubeObject], result: Result) -> None:
    """Tell what kubectl says that it did, `job.batch/train created`."""
    told = [*_DONE.finditer(result.out), *_DELETED.finditer(result.out)]
    # kubectl's words are known here alone; where it ended well in others, something was done all the same
    is_in_other_words = result.exit_code == 0 and bool(result.out.strip()) and not told
    session.changed = session.changed or is_in_other_words or may_have_been_done(result)
    named = {(each.kind.lower(), each.name): each for each in objects}
    for done in told:
        action = done["action"]
        session.changed = session.changed or action != "unchanged"
        found = named.get((done["kind"], done["name"]))
        session.tell(
            ObjectChanged(
                step=step,
                stage=found.stage if found else None,
                kind=found.kind if found else done["kind"].capitalize(),
                name=done["name"],
                namespace=_namespace(session, done["kind"], found),
                action=action,
            )
        )


def _namespace(session: Session, kind: str, found: KubeObject | None) -> str | None:
    return None if kind == "namespace" else (found.namespace if found else None) or session.namespace


def _put_whole(session: Session, step: int, each: KubeObject) -> None:
    """A Secret (its value must not be copied into an annotation) or a ConfigMap that is too large for one."""
    kubectl = _kubectl(session, _elsewhere(session, each))
    result = kubectl.try_("create", "-f", "-", stdin=to_json([each]))
    if is_there_already(result.err):
        result = kubectl.try_("replace", "-f", "-", stdin=to_json([each]))
    tell_changes(session, step, [each], result)
    check(result)


def is_put_whole(each: KubeObject) -> bool:
    return each.kind == "Secret" or (each.kind == "ConfigMap" and len(json.dumps(each.body)) > LARGEST_APPLIED)


def _elsewhere(session: Session, each: KubeObject) -> str | None:
    """Another namespace than the run's: only what is not ours may name one."""
    return each.namespace if each.namespace != session.namespace else None


def _kubectl(session: Session, namespace: str | None) -> Kubectl:
    return session.kubectl.in_namespace(namespace) if namespace else session.kubectl


def may_have_been_done(result: Result) -> bool:
    """Whether kubectl asked for a change and does not know what became of it."""
    return result.exit_code == EXIT_CUT_OFF or (is_worth_another_try(result.err) and not is_connection_refused(result.err))


def check(result: Result) -> None:
    """Raise KubectlFailed when it failed."""
    if result.exit_code != 0:
        raise failure_of(result)
