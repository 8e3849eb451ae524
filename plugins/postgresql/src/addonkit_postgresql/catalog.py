"""Reads the schema of a database as rows of text. They are the same in every place it was restored to.

Expressions are left out: a server writes some of them in other words after a restore (`IN` on a `varchar` is one). Of
the owner's name `<owner>` is left.
"""

# ruff: noqa: S608 - every part of these queries is a constant of this file

from __future__ import annotations

from typing import Final

from addonkit_postgresql.naming import READERS, WRITERS

_OWN: Final = """
    {0}.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = '{1}'::regclass AND deptype = 'e')
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
"""Objects of users, which no extension has brought."""


def _own(alias: str, catalog: str) -> str:
    return _OWN.format(alias, catalog)


_ACL: Final = """
    (SELECT string_agg(DISTINCT concat_ws(':', CASE WHEN g.grantee = {2}
         OR pg_get_userbyid(g.grantee) IN ($1, 'pg_database_owner')
       THEN '<owner>' ELSE pg_get_userbyid(g.grantee) END, g.privilege_type, g.is_grantable), ',')
     FROM aclexplode(coalesce({0}, acldefault({1}, {2}))) AS g
     WHERE g.privilege_type <> 'MAINTAIN' AND pg_get_userbyid(g.grantee) NOT IN ('{3}', '{4}'))
"""
"""Who may do what; the owner is called the same in every place, also that of an object which an operator has made: a
restore gives all to the one role. The owner of the database is also the only member of `pg_database_owner`: a
schema `public` that an app has made anew belongs to the one role, and after a restore to the other. What addonkit
grants to logins is not of the data. Servers before 17 do not know MAINTAIN, and newer ones give it with `GRANT ALL`:
an upgrade would always differ."""


def _acl(column: str, kind: str, owner: str) -> str:
    return _ACL.format(column, f"'{kind}'", owner, READERS, WRITERS)


PARTS: Final = {
    "schemas": f"""
        SELECT concat_ws('|', n.nspname, {_acl("n.nspacl", "n", "n.nspowner")}) AS item FROM pg_namespace n
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND $1::text IS NOT NULL
    """,
    "relations": f"""
        SELECT concat_ws('|', n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition, c.relispopulated,
          c.relrowsecurity, c.relforcerowsecurity, c.relreplident, array_to_string(c.reloptions, ','),
          {_acl("c.relacl", "r", "c.relowner")}) AS item
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_own("c", "pg_class")} AND $1::text IS NOT NULL
    """,
    "columns": f"""
        SELECT concat_ws('|', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
          a.atthasdef, a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attstorage,
          array_to_string(a.attacl, ',') IS NOT NULL) AS item
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
          AND {_own("c", "pg_class")} AND $1::text IS NOT NULL
    """,
    "constraints": f"""
        SELECT concat_ws('|', n.nspname, k.conrelid::regclass, k.contypid::regtype, k.conname, k.contype,
          k.condeferrable, k.condeferred, k.convalidated, k.confrelid::regclass, k.confupdtype, k.confdeltype,
          (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a
           WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))) AS item
        FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
        WHERE {_own("k", "pg_constraint")} AND k.contype <> 'n' AND $1::text IS NOT NULL
    """,
    "indexes": f"""
        SELECT concat_ws('|', n.nspname, c.relname, i.indrelid::regclass, i.indisunique, i.indisprimary, i.indisvalid,
          i.indnatts, m.amname, i.indpred IS NOT NULL, i.indexprs IS NOT NULL,
          (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid)) AS item
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_am m ON m.oid = c.relam
        WHERE {_own("c", "pg_class")} AND $1::text IS NOT NULL
    """,
    "functions": f"""
        SELECT concat_ws('|', n.nspname, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
          l.lanname, p.prokind, p.prosecdef, p.proleakproof, p.provolatile, p.proisstrict, p.proparallel, md5(p.prosrc),
          array_to_string(p.proconfig, ','), {_acl("p.proacl", "f", "p.proowner")}) AS item
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE {_own("p", "pg_proc")} AND $1::text IS NOT NULL
    """,
    "triggers": f"""
        SELECT concat_ws('|', n.nspname, c.relname, t.tgname, t.tgfoid::regproc, t.tgtype, t.tgenabled, t.tgdeferrable,
          encode(t.tgargs, 'hex')) AS item
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND {_own("c", "pg_class")} AND $1::text IS NOT NULL
    """,
    "types": f"""
        SELECT concat_ws('|', n.nspname, y.typname, y.typtype, y.typcategory, format_type(y.typbasetype, y.typtypmod),
          y.typnotnull, (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e
          WHERE e.enumtypid = y.oid), {_acl("y.typacl", "T", "y.typowner")}) AS item
        FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
        WHERE y.typtype IN ('e', 'd', 'c', 'r', 'm') AND {_own("y", "pg_type")} AND $1::text IS NOT NULL
    """,
    "policies": """
        SELECT concat_ws('|', p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive,
          (SELECT string_agg(coalesce(nullif(pg_get_userbyid(r), $1), '<owner>'), ',' ORDER BY 1)
           FROM unnest(p.polroles) AS r)) AS item
        FROM pg_policy p
    """,
    "extensions": """
        SELECT concat_ws('|', e.extname, n.nspname) AS item FROM pg_extension e
        JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql' AND $1::text IS NOT NULL
    """,
    "event triggers": """
        SELECT concat_ws('|', t.evtname, t.evtevent, t.evtfoid::regproc, t.evtenabled) AS item FROM pg_event_trigger t
        WHERE $1::text IS NOT NULL
    """,
    "default privileges": f"""
        SELECT concat_ws('|', n.nspname, d.defaclobjtype,
          {_acl("d.defaclacl", "r", "d.defaclrole")}) AS item
        FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
        WHERE NOT (d.defaclnamespace = 0 AND d.defaclobjtype IN ('r', 'S', 'n') AND NOT EXISTS (
          SELECT FROM aclexplode(d.defaclacl) AS g WHERE g.grantee <> d.defaclrole
          AND pg_get_userbyid(g.grantee) NOT IN ('{READERS}', '{WRITERS}')))
    """,
    "comments": """
        SELECT concat_ws('|', o.type, o.identity, d.objsubid, d.description) AS item FROM pg_description d
        CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
        WHERE o.schema IS NOT NULL AND o.schema !~ '^pg_' AND o.schema <> 'information_schema' AND $1::text IS NOT NULL
          AND NOT EXISTS (SELECT FROM pg_depend e
            WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
    """,
}
"""Kinds of objects, to the query that lists them; `$1` is the owner's name."""
