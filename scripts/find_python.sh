#!/bin/sh
# Print the first Python that can run the project (3.11 to 3.13, able to make a virtual environment): $PYTHON if it is
# set, else the one that .venv was made from, else the newest on the path.
set -u
cd "$(dirname "$0")/.." || exit 1

works() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- .venv/bin/python python3.13 python3.12 python3.11 python3
fi

for python in "$@"; do
    works "$python" || continue
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python lacks the venv module: install it (on Debian and Ubuntu: apt install python3-venv)." >&2
        exit 1
    fi
    echo "$python"
    exit 0
done

echo "No Python 3.11, 3.12 or 3.13 found${PYTHON:+ (PYTHON=$PYTHON)}: install one, or name it: make setup PYTHON=/path/to/python3.12" >&2
exit 1
