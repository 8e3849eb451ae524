#!/usr/bin/env bash
# Nothing committed names a package registry by its address, or is a lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

found=$(git grep -nIE 'index-url[ =]|https?://[^ "]*/simple(/|"|$)|"resolved": *"http' -- . ':!scripts/check-addresses.sh' ':!Makefile' || true)
locks=$(git ls-files '*uv.lock' '*poetry.lock' '*package-lock.json')
if [ -n "$found$locks" ]; then
  printf 'a registry is named by its address, or a lock file is committed:\n%s%s\n' "$found" "$locks" >&2
  exit 1
fi
