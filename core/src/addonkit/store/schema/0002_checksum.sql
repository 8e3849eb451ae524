-- CRC-32 of the other columns of the row: what a disk changed by itself is noticed when it is read.
ALTER TABLE entity ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE entity SET checksum = addonkit_checksum(kind, name, data, revision, created, updated);
