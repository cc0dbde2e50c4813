import os
from http.server import BaseHTTPRequestHandler, HTTPServer

NAMES = ("MLFLOW_BACKEND_STORE_URI", "MLFLOW_DEFAULT_ARTIFACT_ROOT", "AWS_DEFAULT_REGION", "SENTRY_DSN")


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(f"{name}={os.environ.get(name, '')}" for name in NAMES).encode())


HTTPServer(("", 5000), Server).serve_forever()
