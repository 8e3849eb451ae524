#!/usr/bin/env bash
# Measure which lines of core/src all tests reach, their child processes included, and fail below the limit in pyproject.toml.
#
#   scripts/coverage.sh WORKERS [PYTEST ARGUMENTS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly workers=${1:-auto}
shift || true
bin=$PWD/.venv/bin
# Beside the checkout: Python looks for modules here, and quick commands trust nothing in a folder that has just changed.
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
export COVERAGE_FILE=$data/coverage
rm -f .coverage .coverage.*
# Tests of start-up look at what a process has imported, which is more when coverage runs in it.
"$bin/coverage" run -m pytest -n "$workers" --dist worksteal --ignore tests/core/test_imports.py \
  --ignore tests/core/cli/test_startup.py --deselect tests/core/testing/test_fixtures_parts.py "$@"
"$bin/coverage" combine --quiet
cp "$COVERAGE_FILE" .coverage
"$bin/coverage" report
