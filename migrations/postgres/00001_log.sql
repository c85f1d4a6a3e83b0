-- +goose Up

-- The log. events is the truth; every other table of this file is a copy that `soquy verify` derives again, except
-- private, which is the only place with personal data and the only one that is ever emptied.
-- Texts that are keys sort by their bytes (COLLATE "C"), as they do in SQLite and in Go.

-- One row a ledger: its name, which never changes.
CREATE TABLE soquy.origins (
    ledger_id uuid NOT NULL PRIMARY KEY,
    origin    text COLLATE "C" NOT NULL UNIQUE
) WITH (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 0); -- else nothing would ever count its few rows

-- One row a ledger: small, hot, the row of the compare-and-swap. Each append updates it, and leaves its old version behind until VACUUM takes
-- that away, which it cannot as long as somebody holds a state that is older. Under a key that stays, the row would be found behind all its old
-- versions, and each append be slower than the one before. So the position is in the key: the row is looked for from the end of the
-- ledger's keys (ORDER BY head_position DESC LIMIT 1), where its newest version is the first. Half of a page is left free, so that versions follow each
-- other on the same one.
CREATE TABLE soquy.ledgers (
    ledger_id       uuid    NOT NULL,
    head_position   bigint  NOT NULL CHECK (head_position >= 1),
    tree            bytea   NOT NULL, -- the right edge of the tree, at most 64 hashes
    note            bytea   NOT NULL, -- the signed checkpoint of the head
    joined_position bigint  NOT NULL, -- the last position that the read models have; it is that of the head
    placed_position bigint  NOT NULL DEFAULT 0, -- balance_entries has nothing of the positions through this one: all is in balances
    merged_position bigint  NOT NULL, -- the last position that subjects has; subject_runs has later ones
    runs            integer NOT NULL, -- how many rows subject_runs has
    run_entries     integer NOT NULL, -- and how many positions in them
    PRIMARY KEY (ledger_id, head_position)
) WITH (
    fillfactor = 50, toast_tuple_target = 8160,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000
);

-- envelope is the exact text that is hashed. EXTERNAL: large ones go out of line but nothing is compressed, so that
-- what stands on the disk is what was hashed, and an auditor's copy of the pages needs no decompressor. (PLAIN would
-- forbid out of line, and a row of more than a page with it.)
-- A partition has 2^24 positions, a whole level-2 tile of the tree: it stays provable when it is detached.
CREATE TABLE soquy.events (
    ledger_id    uuid        NOT NULL,
    position     bigint      NOT NULL CHECK (position >= 1),
    event_id     uuid        NOT NULL,
    type         text        COLLATE "C" NOT NULL,
    effective_on date        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    envelope     bytea       NOT NULL CHECK (octet_length(envelope) BETWEEN 2 AND 65535),
    PRIMARY KEY (ledger_id, position)
) PARTITION BY RANGE (position);

ALTER TABLE soquy.events ALTER COLUMN envelope SET STORAGE EXTERNAL;

CREATE INDEX events_event_id ON soquy.events (ledger_id, event_id);

-- +goose StatementBegin
CREATE FUNCTION soquy.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% are immutable', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

-- A row trigger of the parent is on every partition too, a TRUNCATE trigger is not: ensure_partition puts it there.
CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON soquy.events
    FOR EACH ROW EXECUTE FUNCTION soquy.refuse_change('events');
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON soquy.events
    FOR EACH STATEMENT EXECUTE FUNCTION soquy.refuse_change('events');

-- ensure_partition makes the partition of a position unless it is there. It runs with the rights of the owner, so that a
-- role that only appends can call it ahead of need. The table is made first and attached then: that waits for no reader
-- and no append, which CREATE TABLE … PARTITION OF would.
-- +goose StatementBegin
CREATE FUNCTION soquy.ensure_partition("position" bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    steps CONSTANT bigint := 1 << 24;
    tile  CONSTANT bigint := ($1 - 1) / steps;
    name  CONSTANT text   := 'events_' || to_char(tile, 'FM000000000000');
BEGIN
    IF $1 < 1 THEN
        RAISE EXCEPTION 'no partition has position %', $1 USING ERRCODE = 'numeric_value_out_of_range';
    END IF;
    IF to_regclass('soquy.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('soquy.ensure_partition'));
    IF to_regclass('soquy.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE soquy.%I (LIKE soquy.events INCLUDING ALL)', name);
    EXECUTE format('CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON soquy.%I
        FOR EACH STATEMENT EXECUTE FUNCTION soquy.refuse_change(''events'')', name);
    EXECUTE format('ALTER TABLE soquy.events ATTACH PARTITION soquy.%I FOR VALUES FROM (%s) TO (%s)',
        name, tile * steps + 1, (tile + 1) * steps + 1);
END
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION soquy.ensure_partition(bigint) FROM PUBLIC;

SELECT soquy.ensure_partition(1);

-- The index of subjects, some positions a row. The rows of a subject follow each other.
CREATE TABLE soquy.subjects (
    ledger_id uuid     NOT NULL,
    subject   text     COLLATE "C" NOT NULL,
    position  bigint   NOT NULL, -- the first
    more      bigint[],          -- the others, in order; null where there are none
    PRIMARY KEY (ledger_id, subject, position)
);

-- What is not in subjects yet: one row a batch, the subjects of its events and beside each the event's position. The rows of subjects
-- lie all over its table and its index; put in order, some thousand at a time, they are a row a subject.
-- Who looks for a subject reads both, of runs those alone whose subjects have it: to take all of them apart costs ten times as much.
-- A run goes soon, and is never compressed. What is left of it until the next VACUUM is not looked at: a look begins after merged_position.
CREATE TABLE soquy.subject_runs (
    ledger_id uuid     NOT NULL,
    position  bigint   NOT NULL, -- the first of positions
    subjects  text[]   COLLATE "C" NOT NULL,
    positions bigint[] NOT NULL,
    PRIMARY KEY (ledger_id, position)
) WITH (
    toast_tuple_target = 8160,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000
);

ALTER TABLE soquy.subject_runs ALTER COLUMN subjects SET STORAGE EXTERNAL, ALTER COLUMN positions SET STORAGE EXTERNAL;

-- One row an accepted command, for ever: repeats need it.
CREATE TABLE soquy.commands (
    ledger_id      uuid   NOT NULL,
    command_id     uuid   NOT NULL,
    fingerprint    bytea  NOT NULL CHECK (octet_length(fingerprint) = 32),
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL CHECK (first_position <= last_position),
    PRIMARY KEY (ledger_id, command_id)
);

-- Full tiles of the transparency tree: 256 hashes, inserted once.
CREATE TABLE soquy.tiles (
    ledger_id  uuid    NOT NULL,
    level      integer NOT NULL CHECK (level BETWEEN 0 AND 63),
    tile_index bigint  NOT NULL CHECK (tile_index >= 0),
    hashes     bytea   NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (ledger_id, level, tile_index)
);

ALTER TABLE soquy.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TRIGGER tiles_no_update BEFORE UPDATE ON soquy.tiles
    FOR EACH ROW EXECUTE FUNCTION soquy.refuse_change('tiles');

CREATE TABLE soquy.checkpoints (
    ledger_id uuid   NOT NULL,
    tree_size bigint NOT NULL,
    note      bytea  NOT NULL,
    PRIMARY KEY (ledger_id, tree_size)
);

CREATE TABLE soquy.snapshots (
    ledger_id    uuid    NOT NULL,
    position     bigint  NOT NULL,
    book_version integer NOT NULL,
    bytes        bytea   NOT NULL,
    signature    bytea   NOT NULL,
    PRIMARY KEY (ledger_id, position)
);

-- The erasable texts. No other table has personal data.
CREATE TABLE soquy.private (
    ledger_id  uuid  NOT NULL,
    private_id uuid  NOT NULL,
    salt       bytea NOT NULL CHECK (octet_length(salt) = 32),
    document   bytea NOT NULL,
    PRIMARY KEY (ledger_id, private_id)
);
