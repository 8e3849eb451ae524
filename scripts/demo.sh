#!/usr/bin/env bash
# The main job, shown on real servers: databases, caches and buckets for apps, with one command each.
# Uses a home of its own, and leaves nothing behind, also when it fails or is interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bold() { if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi; }
show() { printf '$ %s\n' "$*"; "$@"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# Root's servers run as a service user, who must have a way to their data.
reachable() {
  local folder=$PWD
  while [ "$folder" != / ]; do
    [ "$((0$(stat -c %a "$folder") & 1))" = 1 ] || return 1
    folder=$(dirname "$folder")
  done
}

# Where there is none, .demo is a link to a directory elsewhere, so that an interrupted run is found again.
if [ "$(id -u)" = 0 ] && ! reachable; then
  if [ ! -d .demo/ ] || [ ! -O .demo/ ]; then
    rm -f .demo
    ln -s "$(mktemp -d /tmp/addonkit-demo.XXXXXX)" .demo
    chmod 711 .demo/
  fi
  ADDONKIT_HOME=$(readlink .demo)
else
  ADDONKIT_HOME=$PWD/.demo
fi
export ADDONKIT_HOME
unset ADDONKIT_KEY ADDONKIT_APP ADDONKIT_FAULT ADDONKIT_BLOCK
unset "${!ADDONKIT_S3_REMOTE_@}" "${!AWS_@}"
PATH=$PWD/.venv/bin:$PATH

names() { addonkit list --json 2>/dev/null | python -c 'import json, sys; print(*[i["name"] for i in json.load(sys.stdin).get("instances", ())])'; }
field() { addonkit show "$1" --json | python -c 'import json, sys; v = json.load(sys.stdin); print(eval(sys.argv[1], {"v": v}))' "$2"; }

# The demonstration's own S3 service, which ends with it. Settings reach the commands through the environment.
start_s3() {
  local line
  coproc S3 { exec addonkit-s3-local --port 0 --memory --until-eof; }
  while read -r line <&"${S3[0]}" && [ -n "$line" ]; do export "${line?}"; done
  [ -n "${ADDONKIT_S3_REMOTE_ENDPOINT:-}" ] || fail "the local S3 service did not start"
}

# The service that held the buckets of an interrupted demonstration ended with it; its servers may still run.
sweep() {
  if [ -d "$ADDONKIT_HOME" ]; then
    for name in $(names || true); do addonkit destroy "$name" --now --yes >/dev/null 2>&1 || true; done
    addonkit doctor --fix --yes >/dev/null 2>&1 || true
    python scripts/leftovers.py --end "$ADDONKIT_HOME" || true
    find "$ADDONKIT_HOME" -mindepth 1 -delete
  fi
}

end() {
  status=$?
  trap - EXIT
  trap '' INT TERM
  sweep
  rm -rf "$ADDONKIT_HOME" .demo
  exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

if [ "${1:-}" = clean ]; then
  exit 0 # by way of the trap
fi
sweep
start_s3

bold "1. A database for an app: one of its own for shop, one shared server for blog and wiki; a cache and a bucket for shop."
show addonkit create postgresql:small -a shop
show addonkit create postgresql:shared -a blog
show addonkit create postgresql:shared -a wiki
show addonkit create valkey -a shop
show addonkit config show s3-remote
show addonkit create s3-remote -a shop

bold "2. The app uses it. It knows DATABASE_URL, VALKEY_URL and S3_BUCKET, and nothing of addonkit."
show addonkit run -a shop -- python examples/first_table.py
show addonkit run -a shop -- python examples/remember.py
show addonkit run -a shop -- python examples/keep_a_file.py

bold "3. blog and wiki live on one server, and cannot get at each other."
show addonkit list
blog=$(field blog-postgresql 'v["server"]["id"]')
wiki=$(field wiki-postgresql 'v["server"]["id"]')
[ "$blog" = "$wiki" ] || fail "blog and wiki are on different servers"
echo "both on $blog"
show addonkit run -a wiki -- python examples/try_database.py blog
show addonkit run -a blog -- python examples/try_database.py wiki

bold "4. The server of shop is killed. The next command finds it running again, with its data."
pid=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["pid"])' "$ADDONKIT_HOME/pools/$(field shop-postgresql 'v["server"]["id"]')/record")
show kill -KILL "$pid"
show addonkit run -a shop -- python examples/first_table.py

bold "5. What there is, what the app sees (secrets hidden), and the end of it."
show addonkit list
show addonkit env -a shop
ports=$(ls "$ADDONKIT_HOME/ports" | grep -E '^[0-9]+$' || true)
for name in $(names); do show addonkit destroy "$name" --now --yes; done

bold "Nothing is left:"
# shellcheck disable=SC2086 - one word a port
python scripts/leftovers.py "$ADDONKIT_HOME" $ports || fail "something is left, see above"
buckets=$(AWS_ACCESS_KEY_ID=$ADDONKIT_S3_REMOTE_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$ADDONKIT_S3_REMOTE_SECRET_KEY \
  AWS_ENDPOINT_URL_S3=$ADDONKIT_S3_REMOTE_ENDPOINT \
  python -c 'import boto3; print(*(each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]))')
[ -z "$buckets" ] || fail "a bucket is left: $buckets"
echo "no bucket"
show addonkit doctor

bold "Next:"
cat <<'TXT'
  source .venv/bin/activate
  addonkit create postgresql -a myapp       a database for your app
  addonkit run -a myapp -- your-command     your app, with its variables
  addonkit --help                           everything else; docs/tutorial/first-database.md
TXT
