"""Generate the project's documentation as one page, and serve it on this machine."""

import argparse
import sys
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from engagement_panel.dbt import run_dbt
from sandbox import server
from sandbox.__main__ import DATA_FOLDER, DATABASE, DBT_FOLDER
from sandbox.profiles import write_profile

FOLDER = DBT_FOLDER / "docs"
PORT = 8080

# dbt's page asks for files that it does not bring: the tab's icon, and other icons before it has put in their names.
# It begins with the overview called `__overview__`. Ours has another name, so that it does not take the place of the
# overview of a project that installs this one.
MENDED = {
    '"name": "__engagement_panel__"': '"name": "__overview__"',
    "href=\"${require('./assets/favicons/favicon.ico')}\"": 'href="data:,"',
    'xlink:href="{{': 'ng-attr-href="{{',
}


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, *_: object) -> None:  # noqa: D102
        pass


def main() -> None:
    """Generate the page from the sandbox, or from a target of the user's own profile, and serve it until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.docs", description=__doc__)
    parser.add_argument("--target", help="a target of your own profiles.yml; left out, the sandbox")
    target = parser.parse_args().target
    print("Generating the documentation …", flush=True)
    if target:
        page = generate(FOLDER, target)
    elif server.is_running(DATA_FOLDER):
        page = generate_from_server(FOLDER, server.uri(DATA_FOLDER, DATABASE))
    else:
        sys.exit("The sandbox is not running: `make demo` starts it.")
    try:
        site = serve(FOLDER, PORT)
    except OSError as error:
        sys.exit(f"Port {PORT} of 127.0.0.1 cannot be had ({error.strerror}). Open the page itself: {page}")
    print(f"The documentation is at http://127.0.0.1:{PORT} until Ctrl-C. The same as one file: {page}", flush=True)
    try:
        site.serve_forever()
    except KeyboardInterrupt:
        print()


def generate_from_server(folder: Path, database: str) -> Path:
    """Generate the page from a database of an embedded server, by its URI, and return where it is."""
    with tempfile.TemporaryDirectory() as profiles:
        return generate(folder, "mgmt", write_profile(Path(profiles), database))


def generate(folder: Path, target: str | None, profiles: Path | None = None) -> Path:
    """Have dbt write its documentation as one page, correct it, and return its path.

    Args:
        folder: for the page; made if it is missing.
        target: of the profile; None for the profile's own default.
        profiles: the folder of the profile; None for the user's own.

    Raises:
        SystemExit: dbt failed; it has told why.
    """
    with tempfile.TemporaryDirectory() as workspace:
        artifacts = Path(workspace)
        run = run_dbt("docs", "generate", "--static", "--quiet", target=target, profiles=profiles, artifacts=artifacts)
        if not run.success:
            sys.exit("dbt could not generate the documentation: see above.")
        html = (artifacts / "target" / "static_index.html").read_text()
    for fault, remedy in MENDED.items():
        html = html.replace(fault, remedy)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(html)
    return page


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """Bind a web server for a folder to a port of 127.0.0.1, any free one for 0; the caller runs it."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(QuietHandler, directory=folder))


if __name__ == "__main__":
    main()
