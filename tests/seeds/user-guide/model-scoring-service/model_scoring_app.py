import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

username = os.environ["USERNAME"]
password = os.environ["PASSWORD"]


class Scores(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({**asked, "asked_by": username, "password_has": len(password)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


HTTPServer(("", 5000), Scores).serve_forever()
