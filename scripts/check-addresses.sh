#!/usr/bin/env bash
# Nothing committed names a package registry by its address or a path of the machine it was written on, or is a lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git rev-parse --git-dir >/dev/null 2>&1 || exit 0 # an unpacked archive has nothing to commit

readonly registry='index-url[ =]|https?://[^ "]*/simple(/|"|$)|"resolved": *"http'
readonly machine='(^|[^A-Za-z0-9_.])/(work|farm)/'

search() { git grep --untracked -nIE "$1" -- . ':!scripts/check-addresses.sh' ':!Makefile' || [ $? -eq 1 ]; }

found=$(search "$registry|$machine")
locks=$(git ls-files '*uv.lock' '*poetry.lock' '*package-lock.json')
if [ -n "$found$locks" ]; then
  printf 'a registry is named by its address, a path of one machine is named, or a lock file is committed:\n%s%s\n' \
    "$found" "$locks" >&2
  exit 1
fi
