"""dbt's package hub on this machine, with dbt_utils alone."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import served


@contextmanager
def serve_hub(package: Path, *versions: str) -> Iterator[str]:
    """Serve a folder as some versions of dbt_utils, all of the same files, and give the hub's URL."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url:
        shutil.make_archive(f"{folder}/dbt_utils", "gztar", package.parent, package.name)
        facts = {"name": "dbt_utils", "packages": [], "downloads": {"tarball": f"{url}dbt_utils.tar.gz"}}
        known = {version: facts | {"id": f"dbt-labs/dbt_utils/{version}", "version": version} for version in versions}
        index = Path(folder) / "api" / "v1"
        (index / "dbt-labs").mkdir(parents=True)
        (index / "index.json").write_text(json.dumps(["dbt-labs/dbt_utils"]))
        (index / "dbt-labs" / "dbt_utils.json").write_text(json.dumps({"name": "dbt_utils", "versions": known}))
        yield url
