"""Answer POST /score/v1 with {"petal_length": 1.4, "petal_width": 0.2} by the species whose mean flower is nearest."""

import json
import math
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import storage

MODEL = storage.read_model()


def nearest_species(flower: dict) -> str:
    point = [float(flower["petal_length"]), float(flower["petal_width"])]
    return min(MODEL, key=lambda species: math.dist(point, MODEL[species]))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        try:
            answer = {"species": nearest_species(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))}
        except (KeyError, TypeError, ValueError) as fault:
            self.send_error(400, str(fault))
            return
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(os.environ.get("BODYWORK_SERVICE_PORT", "5000"))
    print(f"listening on port {port}, with a model of {len(MODEL)} species")
    ThreadingHTTPServer(("", port), Handler).serve_forever()
