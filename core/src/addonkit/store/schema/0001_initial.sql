-- What exists. `data` is JSON text; secrets in it are sealed for their row, kind/name.
CREATE TABLE entity (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- The fields by which entities are listed, one row a field. A release that indexes a further field adds its
-- rows for the entities there are in a numbered file of its own.
CREATE TABLE entity_index (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, name, field)
) WITHOUT ROWID;

CREATE INDEX entity_by_value ON entity_index (kind, field, value, name);

-- What happened, for those who watch; only the newest are kept. Numbers are never used again.
CREATE TABLE change (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    what TEXT NOT NULL,
    revision INTEGER NOT NULL
);
