#!/usr/bin/env bash
# Make .venv in the checkout and install the pinned requirements and this workspace's distributions.
#
#   scripts/setup.sh run    what the demonstration needs
#   scripts/setup.sh dev    that, and what tests, checks and documentation need
#
# Does nothing when what is installed is what the pins and the pyproject files ask for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly kind=${1:?run or dev}
readonly stamp=.venv/.installed

say() { printf 'set-up: %s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

# What an environment depends on. The path is part of it: editable installs and scripts hold it.
fingerprint() {
  { pwd; cat scripts/setup.sh requirements/*.txt core/pyproject.toml plugins/*/pyproject.toml; } | cksum
}

is_current() {
  [ -x .venv/bin/python ] && [ -f "$stamp" ] || return 1
  local found
  found=$(cat "$stamp")
  [ "$found" = "dev $(fingerprint)" ] || [ "$found" = "$kind $(fingerprint)" ]
}

# A command may be on PATH and still not run, as the stand-ins of version managers do.
has_uv() { uv --version >/dev/null 2>&1; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venv() { has_uv || "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

pick_python() {
  local candidate seen=
  for candidate in python3.13 python3.12 python3.11 python3 python; do
    is_new_enough "$candidate" || continue
    seen=${seen:-$candidate}
    if can_make_venv "$candidate"; then
      printf '%s' "$candidate"
      return
    fi
  done
  if [ -n "$seen" ]; then
    fail "$seen cannot make virtual environments; install its venv module (Debian, Ubuntu: apt install python3-venv), or uv"
  fi
  fail "no Python 3.11 or newer was found; install one (Debian, Ubuntu: apt install python3 python3-venv)"
}

make_venv() {
  if [ -x .venv/bin/python ] && is_new_enough .venv/bin/python; then
    return
  fi
  local python
  python=$(pick_python)
  say "a virtual environment in .venv, with $("$python" --version)"
  rm -rf .venv
  if has_uv; then
    uv venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" .venv
  else
    "$python" -m venv .venv
  fi
}

install() {
  if has_uv; then
    if uv pip install --quiet --python .venv/bin/python "$@"; then
      return
    fi
    say "uv could not install them (see above), trying pip"
  fi
  # An environment that uv made before has no pip of its own.
  .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

install_distributions() {
  local folder arguments=()
  for folder in core plugins/*/; do
    if [ -f "$folder/pyproject.toml" ]; then
      arguments+=(-e "./${folder%/}")
    fi
  done
  install --no-deps --no-build-isolation "${arguments[@]}"
}

is_current && exit 0
make_venv
rm -f "$stamp"
say "installing $(grep -c '^[a-z0-9].*==' "requirements/$kind.txt") pinned packages (requirements/$kind.txt)"
install --require-hashes -r "requirements/$kind.txt"
say "installing addonkit and its addons from this checkout"
install_distributions
printf '%s' "$kind $(fingerprint)" >"$stamp"
