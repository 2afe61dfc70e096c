"""The one way to run dbt."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent


def run_dbt(
    *arguments: str,
    project: Path = PROJECT,
    profiles: Path | None = None,
    target: str | None = None,
    artifacts: Path | None = None,
    variables: Mapping[str, Any] | None = None,
    on_event: Callable[[Any], None] | None = None,
) -> Any:
    """Run a dbt command in this process, and give dbt's dbtRunnerResult, whose result differs by command.

    What is left out is what dbt itself finds: by its environment variables, or else its defaults.

    Args:
        arguments: the command and its options.
        project: the dbt project.
        profiles: the folder of profiles.yml.
        target: of the profile.
        artifacts: the folder for the manifest, compiled SQL and logs.
        variables: values of vars.
        on_event: is called with each of dbt's events.
    """
    from dbt.cli.main import dbtRunner  # here, because it takes seconds that other commands can do without

    options = ["--project-dir", str(project), "--no-send-anonymous-usage-stats"]
    if profiles:
        options += ["--profiles-dir", str(profiles)]
    if target:
        options += ["--target", target]
    if artifacts:
        options += ["--target-path", str(artifacts / "target"), "--log-path", str(artifacts / "logs")]
    if variables:
        options += ["--vars", json.dumps(dict(variables))]
    return dbtRunner(callbacks=[on_event] if on_event else []).invoke([*arguments, *options])


def inline(expression: str) -> list[str]:
    """Give the arguments with which dbt compiles a Jinja expression of JSON's types, without connecting anywhere."""
    return ["compile", "--no-populate-cache", "--inline", f"{{{{ tojson({expression}) }}}}"]


def inline_value(results: Iterable[Any]) -> Any:
    """Give the value of the expression that dbt compiled."""
    (result,) = results
    return json.loads(result.node.compiled_code)


def exit_code(run: Any) -> int:
    """Give the exit code of dbt's command line: 0 done, 1 something failed, 2 it could not run at all."""
    return 0 if run.success else 2 if run.exception else 1
