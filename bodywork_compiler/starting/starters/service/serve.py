"""Answer POST /score/v1 with {"petal_length": 1.4} by the flower's species."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def species(petal_length: float) -> str:
    if petal_length < 2.5:
        return "setosa"
    return "versicolor" if petal_length < 4.9 else "virginica"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        try:
            flower = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"species": species(float(flower["petal_length"]))}
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
    print(f"listening on port {port}")
    ThreadingHTTPServer(("", port), Handler).serve_forever()
