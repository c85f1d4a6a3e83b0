-- +goose Up

-- The read models: copies that follow from the events alone. `soquy verify` derives each row again, and a rebuild makes
-- them anew. Each is in a slot, 0 or 1; the live one is named in progress.
-- An epoch is position >> 14, a block position >> 10. Amounts are minor units, quantities thousandths.
-- Texts that are keys sort by their bytes (COLLATE "C"), as they do in SQLite and in Go.

-- Which slot of a model is live. It is where the log is as long as joined_position of the ledger is: an append leaves the rows alone.
CREATE TABLE soquy.progress (
    ledger_id  uuid             NOT NULL,
    projection text COLLATE "C" NOT NULL,
    version    integer          NOT NULL,
    slot       smallint         NOT NULL CHECK (slot IN (0, 1)),
    builder    uuid, -- of the rebuild that made the slot; null where none did
    PRIMARY KEY (ledger_id, projection)
) WITH (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 0); -- else nothing would ever count its few rows

-- stale raises SQ001 with the name of a model that must be rebuilt before an append, or SQ002 with that of one that the program does not know. It is
-- called when the models are not those of the program, in its versions: the COMMIT is on its way already, so that nobody but the server can stop it.
-- +goose StatementBegin
CREATE FUNCTION soquy.stale(ledger uuid, models text[], versions integer[]) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    name text;
BEGIN
    SELECT m.projection INTO name FROM unnest($2, $3) WITH ORDINALITY AS m (projection, version, n)
    LEFT JOIN soquy.progress p ON p.ledger_id = $1 AND p.projection = m.projection
    WHERE m.version IS DISTINCT FROM p.version ORDER BY m.n LIMIT 1;
    IF name IS NOT NULL THEN
        RAISE EXCEPTION '%', name USING ERRCODE = 'SQ001';
    END IF;
    SELECT p.projection INTO name FROM soquy.progress p WHERE p.ledger_id = $1 AND p.projection <> ALL ($2) ORDER BY p.projection LIMIT 1;
    RAISE EXCEPTION '%', name USING ERRCODE = 'SQ002';
END
$$;
-- +goose StatementEnd

-- A rebuild fills the slot that is not live, or has filled it and is emptying the other. builder is drawn anew by each
-- rebuild: of two at once the later goes on.
CREATE TABLE soquy.rebuilds (
    ledger_id  uuid             NOT NULL,
    projection text COLLATE "C" NOT NULL,
    version    integer          NOT NULL,
    slot       smallint         NOT NULL CHECK (slot IN (0, 1)),
    position   bigint           NOT NULL,
    builder    uuid             NOT NULL,
    PRIMARY KEY (ledger_id, projection)
);

-- units

CREATE TABLE soquy.units (
    ledger_id   uuid             NOT NULL,
    slot        smallint         NOT NULL,
    unit        text COLLATE "C" NOT NULL,
    level       text COLLATE "C" NOT NULL,
    official    text COLLATE "C" NOT NULL,
    address     text COLLATE "C" NOT NULL,
    opened      date             NOT NULL,
    parent      text COLLATE "C", -- now; '' of the root
    closed      date,
    merged_into text COLLATE "C",
    PRIMARY KEY (ledger_id, slot, unit)
);

-- From a date on, a unit is below another; a merged one is below the one that it was merged into.
CREATE TABLE soquy.unit_edges (
    ledger_id uuid             NOT NULL,
    slot      smallint         NOT NULL,
    position  bigint           NOT NULL,
    unit      text COLLATE "C" NOT NULL,
    from_on   date             NOT NULL,
    parent    text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, slot, position, unit)
);

CREATE TABLE soquy.unit_names (
    ledger_id uuid             NOT NULL,
    slot      smallint         NOT NULL,
    position  bigint           NOT NULL,
    unit      text COLLATE "C" NOT NULL,
    from_on   date             NOT NULL,
    name      text COLLATE "C" NOT NULL,
    name_en   text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, slot, position, unit)
);

-- funds

CREATE TABLE soquy.funds (
    ledger_id uuid             NOT NULL,
    slot      smallint         NOT NULL,
    fund      text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    name_en   text COLLATE "C" NOT NULL,
    opened    date             NOT NULL,
    unit      text COLLATE "C", -- now
    purposes  text COLLATE "C", -- with commas; '' is any
    closed    date,
    PRIMARY KEY (ledger_id, slot, fund)
);

CREATE TABLE soquy.fund_units (
    ledger_id uuid             NOT NULL,
    slot      smallint         NOT NULL,
    fund      text COLLATE "C" NOT NULL,
    position  bigint           NOT NULL,
    from_on   date             NOT NULL,
    unit      text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, slot, fund, position)
);

-- persons: without names, which are in private

CREATE TABLE soquy.persons (
    ledger_id uuid             NOT NULL,
    slot      smallint         NOT NULL,
    position  bigint           NOT NULL, -- of the registration: the ordinal in lists
    person    uuid             NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    PRIMARY KEY (ledger_id, slot, position)
);

CREATE TABLE soquy.person_aliases (
    ledger_id       uuid     NOT NULL,
    slot            smallint NOT NULL,
    position        bigint   NOT NULL, -- of the merger
    person_position bigint   NOT NULL,
    into_position   bigint   NOT NULL,
    until_position  bigint, -- of its reversal
    PRIMARY KEY (ledger_id, slot, position)
);

-- goods

CREATE TABLE soquy.goods (
    ledger_id      uuid             NOT NULL,
    slot           smallint         NOT NULL,
    item           text COLLATE "C" NOT NULL,
    measure        text COLLATE "C" NOT NULL,
    first_position bigint           NOT NULL,
    PRIMARY KEY (ledger_id, slot, item)
);

-- balances

-- last_* is what the last day of the last epoch in which the holding had an entry brought. It is in no bucket yet. changes counts how often the row
-- changed, and version, which follows from it, is in the key for the same reason as the position in that of ledgers: the row is looked for from the
-- end of the keys of its fund and asset, where it is found before all its old versions.
CREATE TABLE soquy.balances (
    ledger_id                uuid             NOT NULL,
    slot                     smallint         NOT NULL,
    changes                  bigint           NOT NULL,
    version                  bigint           NOT NULL GENERATED ALWAYS AS (changes >> 4) STORED,
    fund                     text COLLATE "C" NOT NULL,
    asset                    text COLLATE "C" NOT NULL,
    posted                   bigint           NOT NULL,
    encumbered               bigint           NOT NULL,
    quantity                 bigint           NOT NULL,
    quantity_encumbered      bigint           NOT NULL,
    last_epoch               bigint           NOT NULL,
    last_day                 date             NOT NULL,
    last_posted              bigint           NOT NULL,
    last_encumbered          bigint           NOT NULL,
    last_quantity            bigint           NOT NULL,
    last_quantity_encumbered bigint           NOT NULL,
    PRIMARY KEY (ledger_id, slot, fund, asset, version)
) WITH (fillfactor = 50);

-- A year changes as long as the holding does, and has a version as a balance has. A month and a day change within an epoch alone: theirs stays 0.
CREATE TABLE soquy.balance_buckets (
    ledger_id           uuid             NOT NULL,
    slot                smallint         NOT NULL,
    changes             bigint           NOT NULL,
    version             bigint           NOT NULL GENERATED ALWAYS AS (CASE WHEN kind = 0 THEN changes >> 4 ELSE 0 END) STORED,
    fund                text COLLATE "C" NOT NULL,
    asset               text COLLATE "C" NOT NULL,
    kind                smallint         NOT NULL CHECK (kind IN (0, 1, 2)), -- year, month, day
    start               date             NOT NULL,
    epoch               bigint           NOT NULL, -- 0 of a year, which has those of all epochs
    posted              bigint           NOT NULL,
    encumbered          bigint           NOT NULL,
    quantity            bigint           NOT NULL,
    quantity_encumbered bigint           NOT NULL,
    PRIMARY KEY (ledger_id, slot, fund, asset, kind, start, epoch, version)
) WITH (fillfactor = 80);

-- What the last batches brought to holdings that have a row in balances: a row a batch and block of positions, of parallel arrays. A later batch
-- puts it into balances and balance_buckets, some thousand entries at a time. Whoever reads those adds it, from behind placed_position of the
-- ledger on: what is left of the rows before it, until the next VACUUM, is not looked at.
CREATE TABLE soquy.balance_entries (
    ledger_id           uuid               NOT NULL,
    slot                smallint           NOT NULL,
    first_position      bigint             NOT NULL,
    last_position       bigint             NOT NULL,
    first_day           date               NOT NULL,
    last_day            date               NOT NULL,
    fund                text[] COLLATE "C" NOT NULL,
    asset               text[] COLLATE "C" NOT NULL,
    day                 date[]             NOT NULL,
    posted              bigint[]           NOT NULL,
    encumbered          bigint[]           NOT NULL,
    quantity            bigint[]           NOT NULL,
    quantity_encumbered bigint[]           NOT NULL,
    PRIMARY KEY (ledger_id, slot, first_position)
) WITH (
    toast_tuple_target = 8160,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000
);

-- totals

CREATE TABLE soquy.total_keys (
    ledger_id         uuid             NOT NULL,
    slot              smallint         NOT NULL,
    fact_key          uuid             NOT NULL,
    unit              text COLLATE "C" NOT NULL,
    fund              text COLLATE "C" NOT NULL,
    measure           text COLLATE "C" NOT NULL,
    recipient         text COLLATE "C" NOT NULL,
    achievement_level text COLLATE "C" NOT NULL,
    education_level   text COLLATE "C" NOT NULL,
    school_year       text COLLATE "C" NOT NULL,
    cause             text COLLATE "C" NOT NULL,
    asset             text COLLATE "C" NOT NULL,
    donor_kind        text COLLATE "C" NOT NULL,
    purpose           text COLLATE "C" NOT NULL, -- of an expense; of what came back the kind of its grant: for the books, not for totals
    first_position    bigint           NOT NULL,
    PRIMARY KEY (ledger_id, slot, fact_key)
);

-- A pack is what one batch adds to the facts of one block, or to the gifts: parallel arrays, with one element a fact. Packs are only added.
CREATE TABLE soquy.total_facts (
    ledger_id      uuid       NOT NULL,
    slot           smallint   NOT NULL,
    first_position bigint     NOT NULL, -- of the events that add to the pack
    last_position  bigint     NOT NULL,
    first_day      date       NOT NULL,
    last_day       date       NOT NULL,
    basis          smallint[] NOT NULL, -- 0 both, 1 granted, 2 paid
    day            date[]     NOT NULL,
    fact_key       uuid[]     NOT NULL,
    grants         bigint[]   NOT NULL,
    amount         bigint[]   NOT NULL,
    people_on      bytea[]    NOT NULL, -- ordinals, 4 bytes little-endian each
    people_off     bytea[]    NOT NULL,
    PRIMARY KEY (ledger_id, slot, first_position)
) WITH (toast_tuple_target = 8160);

CREATE INDEX total_facts_days ON soquy.total_facts (ledger_id, slot, last_day, first_day);

-- Each line of a donation and of its reversal; the subjects find those of a donor.
CREATE TABLE soquy.total_gifts (
    ledger_id      uuid                 NOT NULL,
    slot           smallint             NOT NULL,
    first_position bigint               NOT NULL,
    last_position  bigint               NOT NULL,
    first_day      date                 NOT NULL,
    last_day       date                 NOT NULL,
    position       bigint[]             NOT NULL,
    line           smallint[]           NOT NULL,
    donor          text[] COLLATE "C"   NOT NULL,
    day            date[]               NOT NULL,
    fact_key       uuid[]               NOT NULL,
    gifts          smallint[]           NOT NULL, -- how many donations: 1, -1 or 0
    amount         bigint[]             NOT NULL,
    PRIMARY KEY (ledger_id, slot, first_position)
) WITH (toast_tuple_target = 8160);

-- vouchers

-- The entries of numbered papers and their reversals, in packs as those of totals.
CREATE TABLE soquy.vouchers (
    ledger_id      uuid               NOT NULL,
    slot           smallint           NOT NULL,
    first_position bigint             NOT NULL,
    last_position  bigint             NOT NULL,
    first_day      date               NOT NULL,
    last_day       date               NOT NULL,
    position       bigint[]           NOT NULL,
    line           smallint[]         NOT NULL, -- which of the event's vouchers
    unit           text[] COLLATE "C" NOT NULL,
    series         text[] COLLATE "C" NOT NULL,
    year           smallint[]         NOT NULL,
    number         bigint[]           NOT NULL,
    day            date[]             NOT NULL,
    recorded_at    timestamptz[]      NOT NULL,
    amount         bigint[]           NOT NULL,
    reversed       smallint[]         NOT NULL, -- 1: a reversal
    event_id       uuid[]             NOT NULL,
    PRIMARY KEY (ledger_id, slot, first_position)
) WITH (toast_tuple_target = 8160);

-- donors

CREATE TABLE soquy.donors (
    ledger_id uuid             NOT NULL,
    slot      smallint         NOT NULL,
    donor     text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL, -- of an organisation
    address   text COLLATE "C" NOT NULL,
    publish   boolean          NOT NULL,
    person    uuid,
    PRIMARY KEY (ledger_id, slot, donor)
);

CREATE TABLE soquy.pledges (
    ledger_id    uuid             NOT NULL,
    slot         smallint         NOT NULL,
    pledge       text COLLATE "C" NOT NULL,
    donor        text COLLATE "C" NOT NULL,
    fund         text COLLATE "C" NOT NULL,
    unit         text COLLATE "C" NOT NULL,
    made_on      date             NOT NULL,
    due          date             NOT NULL,
    amount       bigint           NOT NULL,
    received     bigint           NOT NULL,
    cancelled    bigint           NOT NULL,
    cancelled_on date,
    PRIMARY KEY (ledger_id, slot, pledge)
);

-- indicators

CREATE TABLE soquy.indicators (
    ledger_id   uuid             NOT NULL,
    slot        smallint         NOT NULL,
    unit        text COLLATE "C" NOT NULL,
    indicator   text COLLATE "C" NOT NULL,
    from_on     date             NOT NULL,
    to_on       date             NOT NULL,
    value       text COLLATE "C" NOT NULL,
    of_value    text COLLATE "C" NOT NULL,
    measure     text COLLATE "C" NOT NULL,
    reported_on date             NOT NULL,
    position    bigint           NOT NULL,
    PRIMARY KEY (ledger_id, slot, unit, indicator, from_on, to_on)
);
