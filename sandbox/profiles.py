"""A dbt profile for a database that a libpq URI names."""

import json
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict


def write_profile(folder: Path, uri: str, schemas: Sequence[str] = ("mgmt",)) -> Path:
    """Write `profiles.yml` with a target for each schema, named as the schema, and return its folder.

    Args:
        folder: made if it is missing.
        uri: the database, as the role that deploys.
        schemas: the first is the target that dbt takes unless told otherwise.
    """
    options = conninfo_to_dict(uri)
    target = {
        "type": "postgres",
        "host": options["host"],
        "port": int(options.get("port") or 5432),
        "user": options["user"],
        "password": options.get("password", ""),
        "dbname": options["dbname"],
        "threads": 4,
    }
    outputs = {schema: target | {"schema": schema} for schema in schemas}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.yml").write_text(json.dumps({"engagement_panel": {"target": schemas[0], "outputs": outputs}}))
    return folder
