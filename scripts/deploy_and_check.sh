#!/bin/sh
# Deploy the panel, then check its sources, even if the deployment failed. Exit code 0: both went well.
# Usage: deploy_and_check.sh FILE; the file sets the variables that profiles.yml reads, as shell assignments.
set -u
environment="${1:?usage: deploy_and_check.sh FILE}"
cd "$(dirname "$0")/.." || exit 2
set -a
. "$environment"
set +a

.venv/bin/dbt --quiet build --target prod
deployed=$?
.venv/bin/python -m engagement_panel health --target prod
checked=$?

[ "$deployed" -eq 0 ] || exit "$deployed"
exit "$checked"
