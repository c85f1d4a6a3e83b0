-- +goose Up

-- The log. events is the truth; every other table of this file is a copy that `soquy verify` derives again, except
-- private, which is the only place with personal data and the only one that is ever emptied.
-- IDs are 16 bytes, dates 'YYYY-MM-DD', instants Unix microseconds in UTC.

-- One row a ledger: its name, which never changes.
CREATE TABLE origins (
    ledger_id BLOB NOT NULL PRIMARY KEY CHECK (length(ledger_id) = 16),
    origin    TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- One row a ledger: small, hot, the row of the compare-and-swap.
CREATE TABLE ledgers (
    ledger_id       BLOB    NOT NULL PRIMARY KEY CHECK (length(ledger_id) = 16),
    head_position   INTEGER NOT NULL CHECK (head_position >= 1),
    tree            BLOB    NOT NULL, -- the right edge of the tree, at most 64 hashes
    note            BLOB    NOT NULL, -- the signed checkpoint of the head
    joined_position INTEGER NOT NULL  -- the last position that the read models have; it is that of the head
) STRICT, WITHOUT ROWID;

-- envelope is the exact text that is hashed. A rowid table, because its rows are large and appended.
CREATE TABLE events (
    ledger_id    BLOB    NOT NULL,
    position     INTEGER NOT NULL CHECK (position >= 1),
    event_id     BLOB    NOT NULL CHECK (length(event_id) = 16),
    type         TEXT    NOT NULL,
    effective_on TEXT    NOT NULL,
    recorded_at  INTEGER NOT NULL,
    envelope     BLOB    NOT NULL CHECK (length(envelope) BETWEEN 2 AND 65535),
    PRIMARY KEY (ledger_id, position)
) STRICT;

CREATE INDEX events_event_id ON events (ledger_id, event_id);

-- +goose StatementBegin
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT raise(ABORT, 'events are immutable');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT raise(ABORT, 'events are immutable');
END;
-- +goose StatementEnd

-- INSERT OR REPLACE deletes, without the trigger above unless recursive_triggers is on, what has the position or the rowid of the new row. So a
-- row that is not above the head is refused, and one that is not behind all others. (One that takes the rowid of the very last is behind them: that
-- the last event is gone, only verify sees.) AFTER: for a trigger before an insert SQLite would make a copy of each row. ROLLBACK and not ABORT,
-- here alone: to be able to undo one statement it would keep a copy of every page that an insert of many rows changes.
-- +goose StatementBegin
CREATE TRIGGER events_no_replace AFTER INSERT ON events
WHEN NEW.position <= (SELECT head_position FROM ledgers WHERE ledger_id = NEW.ledger_id)
    OR EXISTS (SELECT 1 FROM events WHERE rowid > NEW.rowid)
BEGIN
    SELECT raise(ROLLBACK, 'events are immutable');
END;
-- +goose StatementEnd

-- The index of subjects, some positions a row. The rows of a subject follow each other.
CREATE TABLE subjects (
    ledger_id BLOB    NOT NULL,
    subject   TEXT    NOT NULL,
    position  INTEGER NOT NULL, -- the first
    more      TEXT,             -- the others, in order, such as [13,15]; null where there are none
    PRIMARY KEY (ledger_id, subject, position)
) STRICT, WITHOUT ROWID;

-- What is not in subjects yet: one row a batch, such as {"fund:HB":[12,13],"donor:ND":[12,13]}. The rows of subjects lie all over
-- its table, so a batch of 64 events would change a page for nearly each; put in order, some thousand at a time, they are a row
-- a subject. A rowid table without an index: it never has more than a few hundred rows a ledger.
CREATE TABLE subject_runs (
    run       INTEGER PRIMARY KEY,
    ledger_id BLOB    NOT NULL,
    entries   INTEGER NOT NULL, -- how many positions are in subjects
    subjects  TEXT    NOT NULL
) STRICT;

-- One row an accepted command, for ever: repeats need it.
CREATE TABLE commands (
    ledger_id      BLOB    NOT NULL,
    command_id     BLOB    NOT NULL CHECK (length(command_id) = 16),
    fingerprint    BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL CHECK (first_position <= last_position),
    PRIMARY KEY (ledger_id, command_id)
) STRICT, WITHOUT ROWID;

-- Full tiles of the transparency tree: 256 hashes, inserted once.
CREATE TABLE tiles (
    ledger_id  BLOB    NOT NULL,
    level      INTEGER NOT NULL CHECK (level BETWEEN 0 AND 63),
    tile_index INTEGER NOT NULL CHECK (tile_index >= 0),
    hashes     BLOB    NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (ledger_id, level, tile_index)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER tiles_no_update BEFORE UPDATE ON tiles
BEGIN
    SELECT raise(ABORT, 'tiles are immutable');
END;
-- +goose StatementEnd

CREATE TABLE checkpoints (
    ledger_id BLOB    NOT NULL,
    tree_size INTEGER NOT NULL,
    note      BLOB    NOT NULL,
    PRIMARY KEY (ledger_id, tree_size)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    ledger_id    BLOB    NOT NULL,
    position     INTEGER NOT NULL,
    book_version INTEGER NOT NULL,
    bytes        BLOB    NOT NULL,
    signature    BLOB    NOT NULL,
    PRIMARY KEY (ledger_id, position)
) STRICT;

-- The erasable texts. No other table has personal data.
CREATE TABLE private (
    ledger_id  BLOB NOT NULL,
    private_id BLOB NOT NULL CHECK (length(private_id) = 16),
    salt       BLOB NOT NULL CHECK (length(salt) = 32),
    document   BLOB NOT NULL,
    PRIMARY KEY (ledger_id, private_id)
) STRICT;
