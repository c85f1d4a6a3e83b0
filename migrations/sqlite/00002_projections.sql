-- +goose Up

-- The read models: copies that follow from the events alone. `soquy verify` derives each row again, and a rebuild makes
-- them anew. Each is in a slot, 0 or 1; the live one is named in progress.
-- What is counted has days as integers since 1970-01-01; what people read has dates 'YYYY-MM-DD'. An epoch is
-- position >> 14, a block position >> 10. Amounts are minor units, quantities thousandths.

-- Which slot of a model is live. It is where the log is as long as joined_position of the ledger is: an append leaves the rows alone.
CREATE TABLE progress (
    ledger_id  BLOB    NOT NULL,
    projection TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    slot       INTEGER NOT NULL CHECK (slot IN (0, 1)),
    builder    BLOB, -- of the rebuild that made the slot; null where none did
    PRIMARY KEY (ledger_id, projection)
) STRICT, WITHOUT ROWID;

-- A rebuild fills the slot that is not live, or has filled it and is emptying the other. builder is drawn anew by each
-- rebuild: of two at once the later goes on.
CREATE TABLE rebuilds (
    ledger_id  BLOB    NOT NULL,
    projection TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    slot       INTEGER NOT NULL CHECK (slot IN (0, 1)),
    position   INTEGER NOT NULL,
    builder    BLOB    NOT NULL,
    PRIMARY KEY (ledger_id, projection)
) STRICT, WITHOUT ROWID;

-- What a batch added to total_facts, total_gifts and vouchers, and brought to balances: one row, in the encoding of projections/batch.go, as each
-- table more that an append writes to costs a page. Whoever reads one of those tables reads it behind what is there, which a rebuild made.
CREATE TABLE batch_packs (
    ledger_id      BLOB    NOT NULL,
    first_position INTEGER NOT NULL, -- of the events that the packs are of
    last_position  INTEGER NOT NULL,
    first_day      INTEGER NOT NULL,
    last_day       INTEGER NOT NULL,
    packs          BLOB    NOT NULL,
    PRIMARY KEY (ledger_id, first_position)
) STRICT, WITHOUT ROWID;

-- Through which positions what is in batch_packs is in the tables of a read model, too: those of totals and vouchers since they were rebuilt, and those
-- of balances since an append added some hundred rows up. From there on it is in batch_packs alone.
CREATE TABLE placed (
    ledger_id BLOB    NOT NULL PRIMARY KEY,
    balances  INTEGER NOT NULL,
    totals    INTEGER NOT NULL,
    vouchers  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- units

CREATE TABLE units (
    ledger_id   BLOB    NOT NULL,
    slot        INTEGER NOT NULL,
    unit        TEXT    NOT NULL,
    level       TEXT    NOT NULL,
    official    TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    opened      TEXT    NOT NULL,
    parent      TEXT, -- now; '' of the root
    closed      TEXT,
    merged_into TEXT,
    PRIMARY KEY (ledger_id, slot, unit)
) STRICT, WITHOUT ROWID;

-- From a date on, a unit is below another; a merged one is below the one that it was merged into.
CREATE TABLE unit_edges (
    ledger_id BLOB    NOT NULL,
    slot      INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    unit      TEXT    NOT NULL,
    from_on   TEXT    NOT NULL,
    parent    TEXT    NOT NULL,
    PRIMARY KEY (ledger_id, slot, position, unit)
) STRICT, WITHOUT ROWID;

CREATE TABLE unit_names (
    ledger_id BLOB    NOT NULL,
    slot      INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    unit      TEXT    NOT NULL,
    from_on   TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    name_en   TEXT    NOT NULL,
    PRIMARY KEY (ledger_id, slot, position, unit)
) STRICT, WITHOUT ROWID;

-- funds

CREATE TABLE funds (
    ledger_id BLOB    NOT NULL,
    slot      INTEGER NOT NULL,
    fund      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    name_en   TEXT    NOT NULL,
    opened    TEXT    NOT NULL,
    unit      TEXT, -- now
    purposes  TEXT, -- with commas; '' is any
    closed    TEXT,
    PRIMARY KEY (ledger_id, slot, fund)
) STRICT, WITHOUT ROWID;

CREATE TABLE fund_units (
    ledger_id BLOB    NOT NULL,
    slot      INTEGER NOT NULL,
    fund      TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    from_on   TEXT    NOT NULL,
    unit      TEXT    NOT NULL,
    PRIMARY KEY (ledger_id, slot, fund, position)
) STRICT, WITHOUT ROWID;

-- persons: without names, which are in private

CREATE TABLE persons (
    ledger_id BLOB    NOT NULL,
    slot      INTEGER NOT NULL,
    position  INTEGER NOT NULL, -- of the registration: the ordinal in lists
    person    BLOB    NOT NULL CHECK (length(person) = 16),
    kind      TEXT    NOT NULL,
    PRIMARY KEY (ledger_id, slot, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE person_aliases (
    ledger_id       BLOB    NOT NULL,
    slot            INTEGER NOT NULL,
    position        INTEGER NOT NULL, -- of the merger
    person_position INTEGER NOT NULL,
    into_position   INTEGER NOT NULL,
    until_position  INTEGER, -- of its reversal
    PRIMARY KEY (ledger_id, slot, position)
) STRICT, WITHOUT ROWID;

-- goods

CREATE TABLE goods (
    ledger_id      BLOB    NOT NULL,
    slot           INTEGER NOT NULL,
    item           TEXT    NOT NULL,
    measure        TEXT    NOT NULL,
    first_position INTEGER NOT NULL,
    PRIMARY KEY (ledger_id, slot, item)
) STRICT, WITHOUT ROWID;

-- balances

-- last_* is what the last day of the last epoch in which the holding had an entry brought. It is in no bucket yet.
CREATE TABLE balances (
    ledger_id                BLOB    NOT NULL,
    slot                     INTEGER NOT NULL,
    fund                     TEXT    NOT NULL,
    asset                    TEXT    NOT NULL,
    posted                   INTEGER NOT NULL,
    encumbered               INTEGER NOT NULL,
    quantity                 INTEGER NOT NULL,
    quantity_encumbered      INTEGER NOT NULL,
    last_epoch               INTEGER NOT NULL,
    last_day                 INTEGER NOT NULL,
    last_posted              INTEGER NOT NULL,
    last_encumbered          INTEGER NOT NULL,
    last_quantity            INTEGER NOT NULL,
    last_quantity_encumbered INTEGER NOT NULL,
    PRIMARY KEY (ledger_id, slot, fund, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE balance_buckets (
    ledger_id           BLOB    NOT NULL,
    slot                INTEGER NOT NULL,
    fund                TEXT    NOT NULL,
    asset               TEXT    NOT NULL,
    kind                INTEGER NOT NULL CHECK (kind IN (0, 1, 2)), -- year, month, day
    start               INTEGER NOT NULL,
    epoch               INTEGER NOT NULL, -- 0 of a year, which has those of all epochs
    posted              INTEGER NOT NULL,
    encumbered          INTEGER NOT NULL,
    quantity            INTEGER NOT NULL,
    quantity_encumbered INTEGER NOT NULL,
    PRIMARY KEY (ledger_id, slot, fund, asset, kind, start, epoch)
) STRICT, WITHOUT ROWID;

-- totals

CREATE TABLE total_keys (
    ledger_id         BLOB    NOT NULL,
    slot              INTEGER NOT NULL,
    fact_key          BLOB    NOT NULL CHECK (length(fact_key) = 16),
    unit              TEXT    NOT NULL,
    fund              TEXT    NOT NULL,
    measure           TEXT    NOT NULL,
    recipient         TEXT    NOT NULL,
    achievement_level TEXT    NOT NULL,
    education_level   TEXT    NOT NULL,
    school_year       TEXT    NOT NULL,
    cause             TEXT    NOT NULL,
    asset             TEXT    NOT NULL,
    donor_kind        TEXT    NOT NULL,
    purpose           TEXT    NOT NULL, -- of an expense; of what came back the kind of its grant: for the books, not for totals
    first_position    INTEGER NOT NULL,
    PRIMARY KEY (ledger_id, slot, fact_key)
) STRICT, WITHOUT ROWID;

-- A pack is what the events of a block add to the facts or to the gifts, as far as a rebuild made them; what came since is in batch_packs. Each list has
-- one element a fact, in the encoding of projections/pack.go. Packs are only added.
CREATE TABLE total_facts (
    ledger_id      BLOB    NOT NULL,
    slot           INTEGER NOT NULL,
    first_position INTEGER NOT NULL, -- of the events that add to the pack
    last_position  INTEGER NOT NULL,
    first_day      INTEGER NOT NULL,
    last_day       INTEGER NOT NULL,
    basis          BLOB    NOT NULL, -- 0 both, 1 granted, 2 paid
    day            BLOB    NOT NULL,
    fact_key       BLOB    NOT NULL,
    grants         BLOB    NOT NULL,
    amount         BLOB    NOT NULL,
    people_on      BLOB    NOT NULL, -- ordinals, 4 bytes little-endian each
    people_off     BLOB    NOT NULL,
    PRIMARY KEY (ledger_id, slot, first_position)
) STRICT, WITHOUT ROWID;

-- Each line of a donation and of its reversal; the subjects find those of a donor.
CREATE TABLE total_gifts (
    ledger_id      BLOB    NOT NULL,
    slot           INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    first_day      INTEGER NOT NULL,
    last_day       INTEGER NOT NULL,
    position       BLOB    NOT NULL,
    line           BLOB    NOT NULL,
    donor          BLOB    NOT NULL,
    day            BLOB    NOT NULL,
    fact_key       BLOB    NOT NULL,
    gifts          BLOB    NOT NULL, -- how many donations: 1, -1 or 0
    amount         BLOB    NOT NULL,
    PRIMARY KEY (ledger_id, slot, first_position)
) STRICT, WITHOUT ROWID;

-- vouchers

-- The entries of numbered papers and their reversals, in packs as those of totals.
CREATE TABLE vouchers (
    ledger_id      BLOB    NOT NULL,
    slot           INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    first_day      INTEGER NOT NULL,
    last_day       INTEGER NOT NULL,
    position       BLOB    NOT NULL,
    line           BLOB    NOT NULL, -- which of the event's vouchers
    unit           BLOB    NOT NULL,
    series         BLOB    NOT NULL,
    year           BLOB    NOT NULL,
    number         BLOB    NOT NULL,
    day            BLOB    NOT NULL,
    recorded_at    BLOB    NOT NULL, -- microseconds since 1970-01-01 UTC
    amount         BLOB    NOT NULL,
    reversed       BLOB    NOT NULL, -- 1: a reversal
    event_id       BLOB    NOT NULL,
    PRIMARY KEY (ledger_id, slot, first_position)
) STRICT, WITHOUT ROWID;

-- donors

CREATE TABLE donors (
    ledger_id BLOB    NOT NULL,
    slot      INTEGER NOT NULL,
    donor     TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL, -- of an organisation
    address   TEXT    NOT NULL,
    publish   INTEGER NOT NULL CHECK (publish IN (0, 1)),
    person    BLOB,
    PRIMARY KEY (ledger_id, slot, donor)
) STRICT, WITHOUT ROWID;

CREATE TABLE pledges (
    ledger_id    BLOB    NOT NULL,
    slot         INTEGER NOT NULL,
    pledge       TEXT    NOT NULL,
    donor        TEXT    NOT NULL,
    fund         TEXT    NOT NULL,
    unit         TEXT    NOT NULL,
    made_on      TEXT    NOT NULL,
    due          TEXT    NOT NULL,
    amount       INTEGER NOT NULL,
    received     INTEGER NOT NULL,
    cancelled    INTEGER NOT NULL,
    cancelled_on TEXT,
    PRIMARY KEY (ledger_id, slot, pledge)
) STRICT, WITHOUT ROWID;

-- indicators

CREATE TABLE indicators (
    ledger_id   BLOB    NOT NULL,
    slot        INTEGER NOT NULL,
    unit        TEXT    NOT NULL,
    indicator   TEXT    NOT NULL,
    from_on     TEXT    NOT NULL,
    to_on       TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    of_value    TEXT    NOT NULL,
    measure     TEXT    NOT NULL,
    reported_on TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (ledger_id, slot, unit, indicator, from_on, to_on)
) STRICT, WITHOUT ROWID;
