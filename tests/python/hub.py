"""dbt's package hub on this machine, with dbt_utils alone."""

import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serve_hub(files: Mapping[str, bytes], *versions: str) -> Iterator[str]:
    """Serve some versions of dbt_utils, all of the same files, and give the hub's URL."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"dbt-utils/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {
                version: {
                    "id": f"dbt-labs/dbt_utils/{version}",
                    "name": "dbt_utils",
                    "version": version,
                    "packages": [],
                    "downloads": {"tarball": f"http://127.0.0.1:{self.server.server_port}/dbt_utils.tar.gz"},
                }
                for version in versions
            }
            answers = {
                "/api/v1/index.json": ["dbt-labs/dbt_utils"],
                "/api/v1/dbt-labs/dbt_utils.json": {"name": "dbt_utils", "versions": known},
            }
            body = json.dumps(answers[self.path]).encode() if self.path in answers else archive.getvalue()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
