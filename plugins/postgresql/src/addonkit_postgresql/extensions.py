"""Lets the only app of a server create more extensions than PostgreSQL trusts by itself. Pure.

A control file says whether the owner of a database may create an extension. Before each start the control files of some
harmless ones are copied with `trusted = true`. The server looks there first.
"""

from __future__ import annotations

from typing import Final

TRUSTED: Final = ("bloom", "pg_stat_statements", "pgrowlocks", "pgstattuple", "vector")
"""None of them reaches files, the network or another user's rights."""

FIRST_VERSION: Final = 18
"""The first one that knows `extension_control_path`."""

TRUST: Final = f"""\
run=${{0%/*}}
bin=${{PATH%%:*}}
newline='
'
if test -x "$bin/pg_config"; then
  found=$("$bin/pg_config" --sharedir --pkglibdir)
  share=${{found%%"$newline"*}} library=${{found#*"$newline"}}/pg_stat_statements.so
else
  share=$(initdb -s -D . 2>&1 | sed -n 's/^share_path=//p') library=/none
  version=${{bin%/bin}} version=${{version##*/}}
  for each in "$bin/../share/postgresql" "$bin/../share" "/usr/share/postgresql/$version"; do
    test -n "$share" || test ! -d "$each/extension" || share=$each # initdb says nothing to a user without a name
  done
fi
case $share in
  *\\'*) quoted=$(echo "$share" | sed "s/'/''/g") ;;
  *) quoted=$share ;;
esac
umask 077
rm -rf "$run/trusted"
mkdir -p "$run/trusted/extension"
for name in {" ".join(TRUSTED)}; do
  test -f "$share/extension/$name.control" || continue
  {{
    while IFS= read -r line || test -n "$line"; do
      case ${{line%%=*}} in
        *trusted* | *directory*) ;;
        *) printf '%s\\n' "$line" ;;
      esac
    done
    printf "trusted = true\\ndirectory = '%s'\\n" "$quoted/extension"
  }} <"$share/extension/$name.control" >"$run/trusted/extension/$name.control"
done
test ! -f "$library" || set -- "$@" -c shared_preload_libraries=pg_stat_statements
case $run in
  *:*) exec postgres "$@" ;;
  *) exec postgres "$@" -c "extension_control_path=$run/trusted:\\$system" ;;
esac
"""
"""The end of a shell script that becomes the server, see server.py."""
