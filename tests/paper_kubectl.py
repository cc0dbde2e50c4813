"""A kubectl of paper on the PATH: its proxy serves the objects of a file, `create` puts more into it, `delete` takes them out. For commands, without a cluster."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]

PROGRAM = """\
#!{python}
import http.server, json, socketserver, sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

file = Path({file!r})
KINDS = {{"namespaces": "Namespace", "pods": "Pod", "configmaps": "ConfigMap", "services": "Service", "serviceaccounts": "ServiceAccount",
         "jobs": "Job", "leases": "Lease", "cronjobs": "CronJob", "nodes": "Node", "deployments": "Deployment", "ingresses": "Ingress", "secrets": "Secret",
         "persistentvolumeclaims": "PersistentVolumeClaim", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}}

def objects():
    return json.loads(file.read_text())

def matches(found, selector):
    key, _, value = selector.partition("=")
    labels = found["metadata"].get("labels", {{}})
    return key in labels and (not value or labels[key] == value)

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        parts, query = url.path.strip("/").split("/"), {{key: values[0] for key, values in parse_qs(url.query).items()}}
        is_everywhere = "namespaces" not in parts
        namespace, rest = (None, parts[-1:]) if is_everywhere else (parts[parts.index("namespaces") + 1], parts[parts.index("namespaces") + 2:])
        if not rest:
            return self.found([each for each in objects() if each["kind"] == "Namespace" and each["metadata"]["name"] == namespace])
        if any(each["kind"] == "refused" and each["metadata"]["name"] == rest[0] for each in objects()):
            return self.say(403, {{"message": rest[0] + " is forbidden"}})
        mine = [each for each in objects() if each["kind"] == KINDS[rest[0]] and namespace in (None, each["metadata"].get("namespace"))]
        if len(rest) == 1:
            return self.say(200, {{"metadata": {{"resourceVersion": "1"}}, "items": [each for each in mine if "labelSelector" not in query or matches(each, query["labelSelector"])]}})
        mine = [each for each in mine if each["metadata"]["name"] == rest[1]]
        if rest[2:] == ["log"] and mine:
            return self.say_text(200, mine[0]["log"][query["container"]])
        return self.found(mine)

    def found(self, those):
        self.say(200, those[0]) if those else self.say(404, {{"message": "not found"}})

    def say(self, code, body):
        self.say_text(code, json.dumps(body))

    def say_text(self, code, text):
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())

    def address_string(self):
        return "paper"

    def log_message(self, *_):
        pass

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

words = sys.argv[1:]
with Path({calls!r}).open("a") as calls:
    print(*words, file=calls)
if words[0] == "proxy":
    socket = next(each.partition("=")[2] for each in words if each.startswith("--unix-socket="))
    with Server(socket, Answer) as server:
        print("Starting to serve on", socket, flush=True)
        server.serve_forever()
elif words[0] == "config":
    print(json.dumps({{"current-context": "kind-dev", "contexts": [{{"name": "kind-dev", "context": {{"namespace": "lab"}}}}]}}))
elif words[0] == "auth":
    print("yes")
elif words[0] == "patch":
    print(words[1], "patched")
elif words[0] == "create":
    import yaml

    made = yaml.safe_load(sys.stdin.read())
    if any((each["kind"], each["metadata"]["name"]) == (made["kind"], made["metadata"]["name"]) for each in objects()):
        sys.exit("Error from server (AlreadyExists): it already exists")
    file.write_text(json.dumps([*objects(), made]))
elif words[0] == "delete" and words[1].startswith("cronjob/"):
    file.write_text(json.dumps([each for each in objects() if each["metadata"]["name"] != words[1].removeprefix("cronjob/")]))
elif words[0] == "delete":
    gone = {{(each["kind"], each["metadata"]["name"]) for each in json.load(sys.stdin)["items"]}}
    file.write_text(json.dumps([each for each in objects() if (each["kind"], each["metadata"]["name"]) not in gone]))
else:
    sys.exit("not in this test: " + words[0])
"""


@dataclass(frozen=True)
class PaperKubectl:
    file: Path
    calls_file: Path

    def has(self, *objects: Object) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(objects))
        new.replace(self.file)  # a proxy may be reading it

    def left(self) -> set[str]:
        return {f"{each['kind']}/{each['metadata']['name']}" for each in json.loads(self.file.read_text())}

    def verbs(self) -> list[str]:
        """What kubectl was started for."""
        return [line.split()[0] for line in self.calls_file.read_text().splitlines()] if self.calls_file.exists() else []


def paper_kubectl(folder: Path, monkeypatch: Any) -> PaperKubectl:
    """From now on the first kubectl on the PATH."""
    folder.mkdir()
    paper = PaperKubectl(folder / "objects.json", folder / "calls")
    program = folder / "kubectl"
    program.write_text(PROGRAM.format(python=sys.executable, file=str(paper.file), calls=str(paper.calls_file)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    paper.has()
    return paper
