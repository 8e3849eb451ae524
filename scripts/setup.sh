#!/usr/bin/env bash
# Make a virtual environment in the checkout and install the pinned requirements and this workspace's distributions.
#
#   scripts/setup.sh run      .venv: what the demonstration needs
#   scripts/setup.sh dev      .venv: that, and what tests, checks and documentation need
#   scripts/setup.sh lowest   .venv-lowest: what tests need, each dependency in the oldest version that is promised to work
#
# PYTHON=... names the interpreter of a new environment. Does nothing when what is installed is what the pins and the
# pyproject files ask for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly kind=${1:?run, dev or lowest}
venv=.venv
if [ "$kind" = lowest ]; then venv=.venv-lowest; fi
readonly venv stamp=$venv/.installed pins=requirements/$kind.txt

say() { printf 'set-up: %s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

# What an environment depends on. The path is part of it: editable installs and scripts hold it.
fingerprint() {
  { pwd; cat scripts/setup.sh "requirements/$1.txt" core/pyproject.toml plugins/*/pyproject.toml; } | cksum
}

is_current() {
  [ -x "$venv/bin/python" ] && [ -f "$stamp" ] || return 1
  local found other
  found=$(cat "$stamp")
  for other in "$kind" dev; do
    if [ "$found" = "$other $(fingerprint "$other")" ] && [ "$venv:$other" != .venv-lowest:dev ]; then return; fi
  done
  return 1
}

# A command may be on PATH and still not run, as the stand-ins of version managers do.
has_uv() { uv --version >/dev/null 2>&1; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venv() { has_uv || "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

pick_python() {
  local candidate seen=
  # shellcheck disable=SC2086 - without PYTHON there are several
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
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
  if [ -n "${PYTHON:-}" ]; then
    fail "PYTHON=$PYTHON is not a Python 3.11 or newer; name one, or unset it"
  fi
  fail "no Python 3.11 or newer was found; install one (Debian, Ubuntu: apt install python3 python3-venv)"
}

make_venv() {
  if [ -x "$venv/bin/python" ] && is_new_enough "$venv/bin/python"; then
    return
  fi
  local python
  python=$(pick_python)
  say "making a virtual environment in $venv, with $("$python" --version)"
  rm -rf "$venv"
  if has_uv; then
    uv venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" "$venv"
  else
    "$python" -m venv "$venv"
  fi
}

# One line a package at a terminal that is written over, one line for every tenth elsewhere.
show_steps() {
  local terminal=
  if [ -t 1 ]; then terminal=1; fi
  awk -v total="$1" -v terminal="$terminal" '
    /^(Collecting|Processing) / {
      count++
      sub(".*/", "", $2)
      if (terminal) printf "\rset-up: fetching %d of %d: %-40.40s", count, total, $2
      else if (count % 10 == 0) printf "set-up: fetching %d of %d: %s\n", count, total, $2
      fflush()
    }
    /^Installing collected packages/ {
      if (terminal) printf "\r%-70s\r", ""
      if (count) { print "set-up: unpacking them, about a minute"; fflush() }
    }'
}

# Arguments of `uv pip install` or `pip install`; the number of packages first, for progress.
install() {
  local total=$1
  shift
  if has_uv; then
    if uv pip install --quiet --python "$venv/bin/python" "$@"; then
      return
    fi
    say "uv could not install them (see above), trying pip"
  fi
  # An environment that uv made before has no pip of its own.
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
  "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@" | show_steps "$total"
}

install_distributions() {
  local folder arguments=()
  for folder in core plugins/*/; do
    if [ -f "$folder/pyproject.toml" ]; then
      arguments+=(-e "./${folder%/}")
    fi
  done
  install "${#arguments[@]}" --no-deps --no-build-isolation "${arguments[@]}"
}

is_current && exit 0
make_venv
rm -f "$stamp"
total=$(grep -c '^[a-z0-9].*==' "$pins")
say "installing $total pinned packages ($pins): seconds with uv, a few minutes with pip"
install "$total" --require-hashes -r "$pins"
say "installing addonkit and its addons from this checkout"
install_distributions
printf '%s' "$kind $(fingerprint "$kind")" >"$stamp"
say "done"
