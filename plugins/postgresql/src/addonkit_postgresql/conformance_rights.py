"""Statements that an app may run in its database, and others that it may not. For the conformance kit.

Each statement that is refused here would do no harm if it were not.
"""

from __future__ import annotations

from typing import Final

ALLOWED: Final = (
    "CREATE TABLE kit_rights (a int)",
    "CREATE INDEX ON kit_rights (a)",
    "CREATE VIEW kit_rights_view AS SELECT a FROM kit_rights",
    "CREATE FUNCTION kit_rights() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA kit_rights",
    "CREATE TEMPORARY TABLE kit_rights_of_session (a int)",
    "CREATE PUBLICATION kit_rights FOR TABLE kit_rights",
    "SELECT lo_create(0)",
    "LISTEN kit_rights",
    "DROP TABLE kit_rights CASCADE",
)
"""In the database of an app."""

REFUSED: Final = (
    "CREATE ROLE kit_rights",
    "ALTER SYSTEM RESET work_mem",
    "SELECT pg_reload_conf()",
    "CHECKPOINT",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/dev/null'",
    "SELECT lo_import('/dev/null')",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT 1 FROM pg_authid",
    "GRANT pg_read_all_data TO CURRENT_USER",
    "GRANT pg_signal_backend TO CURRENT_USER",
    "LOAD 'auto_explain'",
    "CREATE TABLESPACE kit_rights LOCATION '/nowhere'",
    "SELECT pg_create_physical_replication_slot('kit_rights', true)",
    "CREATE FUNCTION kit_rights_c() RETURNS int LANGUAGE c AS 'kit'",
    "ALTER DATABASE template1 SET work_mem = '4MB'",
)
"""With one of them an app could read files, run programs, see other apps or stop the server."""

KINDS: Final = {
    "large object": ("SELECT lo_from_bytea(4711, 'kept')", "SELECT convert_from(lo_get(4711), 'UTF8')"),
    "sequence": ("CREATE SEQUENCE kit_sequence START 42", "SELECT last_value FROM kit_sequence"),
    "view": ("CREATE VIEW kit_view AS SELECT 'kept'::text AS value", "SELECT value FROM kit_view"),
    "function": ("CREATE FUNCTION kit_function() RETURNS text RETURN 'kept'", "SELECT kit_function()"),
    "setting of the database": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET extra_float_digits = 2', current_database()); END $$",
        "SELECT 'kept ' || current_setting('extra_float_digits')",
    ),
    "setting of the role": (
        "DO $$ BEGIN EXECUTE format('ALTER ROLE %I SET intervalstyle = iso_8601', current_user); END $$",
        "SELECT 'kept' FROM pg_roles WHERE rolname = current_user AND rolconfig::text ~* 'intervalstyle=iso_8601'",
    ),
}
"""What an app keeps beside tables: the statement that makes it, and the query that looks at it."""

CHANGED: Final = {
    "large object": "SELECT lo_put(4711, 0, 'lost')",
    "sequence": "SELECT nextval('kit_sequence') FROM generate_series(1, 2)",
    "setting of the database": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET extra_float_digits = 3', current_database()); END $$"
    ),
}
"""How that is changed; not what is code: each version of the server writes it in other words, see `fingerprint`."""

REFUSALS: Final = frozenset({"42501", "28000", "0LP01"})
"""SQLSTATE of what a server refuses: no privilege, no such authorization, no such grant."""

READS: Final = ("SELECT 1 FROM kept", "LISTEN kit_rights", "SELECT 1 FROM pg_tables")
"""For an app that reads only. `kept` is the table of the kit."""

CHANGES: Final = (
    *("INSERT INTO kept VALUES ('right', '1')", "UPDATE kept SET value = ''", "DELETE FROM kept", "TRUNCATE kept"),
    *("CREATE TABLE kit_rights (a int)", "CREATE SCHEMA kit_rights", "DROP TABLE kept"),
)
"""What such an app must not do."""
