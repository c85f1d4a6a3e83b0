-- +goose Up

-- What dashboards read: views that stay as they are when the tables change. docs/reference/reporting.md describes each.
-- A view reads with the rights of its owner, so that a role that may read a view need not, and cannot, read a table. All are
-- barriers: a function in a question is not shown the rows that a view leaves out.
-- Every view has the origin of the ledger. Amounts are in the ledger's currency, not in minor units. Nothing here names or
-- describes a natural person: neither names, which are in soquy.private, nor the IDs of persons.
-- Names are qualified everywhere, so that no search path of a reader matters. Up makes the schema.

CREATE VIEW reporting.ledgers WITH (security_barrier) AS
SELECT l.origin AS ledger,
    h.head_position AS "position",
    split_part(convert_from(h.note, 'UTF8'), E'\n', 3) AS root,
    o.data ->> 'currency' AS currency,
    CASE
        WHEN o.data ->> 'currency' IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI',
            'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN o.data ->> 'currency' IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        WHEN o.data ->> 'currency' IN ('CLF', 'UYW') THEN 4
        ELSE 2
    END AS decimals,
    o.data ->> 'time_zone' AS time_zone,
    o.recorded_at AS opened_at,
    l.ledger_id
FROM soquy.origins l
CROSS JOIN LATERAL (
    SELECT k.head_position, k.note FROM soquy.ledgers k WHERE k.ledger_id = l.ledger_id ORDER BY k.head_position DESC LIMIT 1
) h
CROSS JOIN LATERAL (
    SELECT convert_from(e.envelope, 'UTF8')::jsonb -> 'data' AS data, e.recorded_at
    FROM soquy.events e WHERE e.ledger_id = l.ledger_id AND e.position = 1 LIMIT 1 -- which makes it a look for each ledger
) o;

COMMENT ON SCHEMA reporting IS 'What dashboards read of soquy: stable views; nothing about natural persons';
COMMENT ON VIEW reporting.ledgers IS 'One row a ledger, and where it ends';
COMMENT ON COLUMN reporting.ledgers.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.ledgers."position" IS 'Position of the last event; all views are of this position';
COMMENT ON COLUMN reporting.ledgers.root IS 'Root hash of the transparency tree there, base64: what a report states so that it can be made again';
COMMENT ON COLUMN reporting.ledgers.currency IS 'ISO 4217 code of all amounts';
COMMENT ON COLUMN reporting.ledgers.decimals IS 'Decimals of the currency';
COMMENT ON COLUMN reporting.ledgers.time_zone IS 'IANA name';
COMMENT ON COLUMN reporting.ledgers.opened_at IS 'When the ledger was opened';
COMMENT ON COLUMN reporting.ledgers.ledger_id IS 'ID of the ledger';

-- Units and their names meet in a GROUP BY and not in a join: on tables without statistics that would be a loop in a loop.
CREATE VIEW reporting.units WITH (security_barrier) AS
SELECT l.origin AS ledger, u.unit, u.level, u.names[1] AS name, u.names_en[1] AS name_en, u.official, u.address,
    nullif(u.parent, '') AS parent, h.path, u.opened, u.closed, u.merged_into
FROM (
    SELECT x.ledger_id, x.slot, x.unit, max(x.level) AS level, max(x.official) AS official, max(x.address) AS address,
        max(x.parent) AS parent, max(x.opened) AS opened, max(x.closed) AS closed, max(x.merged_into) AS merged_into,
        array_agg(x.name ORDER BY x.from_on DESC, x.position DESC) FILTER (WHERE x.name IS NOT NULL) AS names,
        array_agg(x.name_en ORDER BY x.from_on DESC, x.position DESC) FILTER (WHERE x.name IS NOT NULL) AS names_en
    FROM (
        SELECT u.ledger_id, u.slot, u.unit, u.level, u.official, u.address, u.parent, u.opened, u.closed, u.merged_into,
            NULL::date AS from_on, NULL::bigint AS position, NULL::text COLLATE "C" AS name, NULL::text COLLATE "C" AS name_en
        FROM soquy.units u
        UNION ALL
        SELECT n.ledger_id, n.slot, n.unit, NULL, NULL, NULL, NULL, NULL, NULL, NULL, n.from_on, n.position, n.name, n.name_en
        FROM soquy.unit_names n
    ) x
    GROUP BY x.ledger_id, x.slot, x.unit
) u
JOIN soquy.progress p ON p.ledger_id = u.ledger_id AND p.projection = 'units' AND p.slot = u.slot
JOIN soquy.origins l ON l.ledger_id = u.ledger_id
CROSS JOIN LATERAL (
    WITH RECURSIVE climb (top, path) AS (
        SELECT u.unit, ARRAY[u.unit]
        UNION ALL
        SELECT next.top, c.path || next.top
        FROM climb c
        JOIN soquy.units t ON t.ledger_id = u.ledger_id AND t.slot = u.slot AND t.unit = c.top
        CROSS JOIN LATERAL (SELECT coalesce(t.merged_into, t.parent) AS top) next
        WHERE next.top <> '' AND next.top <> ALL (c.path) -- a circle is cut where it would close
    )
    SELECT c.path FROM climb c ORDER BY cardinality(c.path) DESC LIMIT 1
) h;

COMMENT ON VIEW reporting.units IS 'One row a unit of the association, as it is now';
COMMENT ON COLUMN reporting.units.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.units.unit IS 'Code';
COMMENT ON COLUMN reporting.units.level IS 'central, province, district, commune or chapter';
COMMENT ON COLUMN reporting.units.name IS 'Name, the last one';
COMMENT ON COLUMN reporting.units.name_en IS 'Name in English, or empty';
COMMENT ON COLUMN reporting.units.official IS 'National code, or empty; not an identity';
COMMENT ON COLUMN reporting.units.address IS 'Address of the office, or empty';
COMMENT ON COLUMN reporting.units.parent IS 'Code of the unit above it, null for the root';
COMMENT ON COLUMN reporting.units.path IS 'The unit and all units above it by today''s structure, from below: a unit X with its subtree is WHERE path @> ARRAY[''X'']';
COMMENT ON COLUMN reporting.units.opened IS 'Since when it is there';
COMMENT ON COLUMN reporting.units.closed IS 'When it was closed or merged, else null';
COMMENT ON COLUMN reporting.units.merged_into IS 'Code of the unit that it was merged into, else null';

CREATE VIEW reporting.funds WITH (security_barrier) AS
SELECT l.origin AS ledger, f.fund, f.name, f.name_en, f.unit,
    CASE WHEN coalesce(f.purposes, '') = '' THEN '{}'::text[] ELSE string_to_array(f.purposes::text, ',') END AS purposes,
    f.opened, f.closed
FROM soquy.funds f
JOIN soquy.progress p ON p.ledger_id = f.ledger_id AND p.projection = 'funds' AND p.slot = f.slot
JOIN soquy.origins l ON l.ledger_id = f.ledger_id;

COMMENT ON VIEW reporting.funds IS 'One row a fund, as it is now';
COMMENT ON COLUMN reporting.funds.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.funds.fund IS 'Code';
COMMENT ON COLUMN reporting.funds.name IS 'Name';
COMMENT ON COLUMN reporting.funds.name_en IS 'Name in English, or empty';
COMMENT ON COLUMN reporting.funds.unit IS 'Code of the unit that has it now';
COMMENT ON COLUMN reporting.funds.purposes IS 'What it may be spent on: merit_award, scholarship, hardship_grant, support, expense; empty is anything';
COMMENT ON COLUMN reporting.funds.opened IS 'Since when it is there';
COMMENT ON COLUMN reporting.funds.closed IS 'When it was closed, else null';

CREATE VIEW reporting.balances WITH (security_barrier) AS
SELECT l.ledger, b.fund, f.unit, b.asset, l.currency,
    round(b.posted / 10::numeric ^ l.decimals, l.decimals) AS posted,
    round(b.encumbered / 10::numeric ^ l.decimals, l.decimals) AS encumbered,
    round((b.posted - b.encumbered) / 10::numeric ^ l.decimals, l.decimals) AS available,
    coalesce(g.measure, '') AS measure, round(b.quantity / 1000::numeric, 3) AS quantity,
    round(b.quantity_encumbered / 1000::numeric, 3) AS quantity_encumbered
FROM (
    SELECT ledger_id, slot, fund, asset, sum(posted) AS posted, sum(encumbered) AS encumbered, sum(quantity) AS quantity,
        sum(quantity_encumbered) AS quantity_encumbered
    FROM (
        SELECT ledger_id, slot, fund, asset, posted, encumbered, quantity, quantity_encumbered FROM soquy.balances
        UNION ALL
        SELECT k.ledger_id, k.slot, e.fund, e.asset, e.posted, e.encumbered, e.quantity, e.quantity_encumbered
        FROM soquy.progress w
        CROSS JOIN LATERAL (SELECT h.placed_position FROM soquy.ledgers h WHERE h.ledger_id = w.ledger_id ORDER BY h.head_position DESC LIMIT 1) h
        CROSS JOIN LATERAL ( -- OFFSET 0: all rows of a ledger would be read, and then left out
            SELECT * FROM soquy.balance_entries k WHERE k.ledger_id = w.ledger_id AND k.slot = w.slot AND k.first_position > h.placed_position OFFSET 0
        ) k
        CROSS JOIN LATERAL unnest(k.fund, k.asset, k.posted, k.encumbered, k.quantity, k.quantity_encumbered)
            AS e (fund, asset, posted, encumbered, quantity, quantity_encumbered)
        WHERE w.projection = 'balances'
    ) entries
    GROUP BY ledger_id, slot, fund, asset
) b
JOIN soquy.progress p ON p.ledger_id = b.ledger_id AND p.projection = 'balances' AND p.slot = b.slot
JOIN reporting.ledgers l ON l.ledger_id = b.ledger_id
LEFT JOIN soquy.progress pf ON pf.ledger_id = b.ledger_id AND pf.projection = 'funds'
LEFT JOIN soquy.funds f ON f.ledger_id = b.ledger_id AND f.slot = pf.slot AND f.fund = b.fund
LEFT JOIN soquy.progress pg ON pg.ledger_id = b.ledger_id AND pg.projection = 'goods'
LEFT JOIN soquy.goods g ON g.ledger_id = b.ledger_id AND g.slot = pg.slot AND b.asset = 'goods:' || g.item;

COMMENT ON VIEW reporting.balances IS 'One row a holding (fund and asset): what it has now, as soquy balance says';
COMMENT ON COLUMN reporting.balances.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.balances.fund IS 'Code of the fund';
COMMENT ON COLUMN reporting.balances.unit IS 'Code of the unit that has the fund now';
COMMENT ON COLUMN reporting.balances.asset IS 'cash, bank or goods:ITEM';
COMMENT ON COLUMN reporting.balances.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN reporting.balances.posted IS 'What is there, in the currency; of goods their value';
COMMENT ON COLUMN reporting.balances.encumbered IS 'The part of it that is reserved for grants not yet paid';
COMMENT ON COLUMN reporting.balances.available IS 'posted less encumbered';
COMMENT ON COLUMN reporting.balances.measure IS 'What goods are counted in; empty for money';
COMMENT ON COLUMN reporting.balances.quantity IS 'Quantity of goods; 0 for money';
COMMENT ON COLUMN reporting.balances.quantity_encumbered IS 'The part of it that is reserved';

-- The facts of both bases. It is not granted to anyone: grants stand in it once as granted and once as paid.
CREATE VIEW soquy.reporting_facts AS
SELECT l.ledger, f.ledger_id, f.basis, f.day, k.unit, u.level AS unit_level, k.fund, k.measure, k.recipient,
    k.achievement_level, k.education_level, k.school_year, k.cause, k.asset, k.donor_kind, l.currency, l.decimals,
    f.grants, f.amount, f.people_on, f.people_off, f.first_day, f.last_day -- of the pack
FROM (
    SELECT p.ledger_id, p.slot, p.first_day, p.last_day, u.*
    FROM soquy.total_facts p
    CROSS JOIN LATERAL unnest(p.basis, p.day, p.fact_key, p.grants, p.amount, p.people_on, p.people_off)
        AS u (basis, day, fact_key, grants, amount, people_on, people_off)
) f
JOIN soquy.progress p ON p.ledger_id = f.ledger_id AND p.projection = 'totals' AND p.slot = f.slot
JOIN soquy.total_keys k ON k.ledger_id = f.ledger_id AND k.slot = f.slot AND k.fact_key = f.fact_key
JOIN reporting.ledgers l ON l.ledger_id = f.ledger_id
LEFT JOIN soquy.progress pu ON pu.ledger_id = f.ledger_id AND pu.projection = 'units'
LEFT JOIN soquy.units u ON u.ledger_id = f.ledger_id AND u.slot = pu.slot AND u.unit = k.unit
WHERE k.measure NOT IN ('opening', 'count'); -- which are of the books alone

CREATE VIEW reporting.totals WITH (security_barrier) AS
SELECT f.ledger, f.day, f.unit, f.unit_level, f.fund, f.measure, f.recipient, f.achievement_level, f.education_level,
    f.school_year, f.cause, f.asset, f.donor_kind, sum(f.grants)::bigint AS grants,
    round(sum(f.amount) / 10::numeric ^ f.decimals, f.decimals) AS amount, f.currency
FROM soquy.reporting_facts f
WHERE f.basis IN (0, 1)
GROUP BY f.ledger, f.day, f.unit, f.unit_level, f.fund, f.measure, f.recipient, f.achievement_level, f.education_level,
    f.school_year, f.cause, f.asset, f.donor_kind, f.currency, f.decimals
HAVING sum(f.grants) <> 0 OR sum(f.amount) <> 0;

CREATE VIEW reporting.totals_paid WITH (security_barrier) AS
SELECT f.ledger, f.day, f.unit, f.unit_level, f.fund, f.measure, f.recipient, f.achievement_level, f.education_level,
    f.school_year, f.cause, f.asset, f.donor_kind, sum(f.grants)::bigint AS grants,
    round(sum(f.amount) / 10::numeric ^ f.decimals, f.decimals) AS amount, f.currency
FROM soquy.reporting_facts f
WHERE f.basis IN (0, 2)
GROUP BY f.ledger, f.day, f.unit, f.unit_level, f.fund, f.measure, f.recipient, f.achievement_level, f.education_level,
    f.school_year, f.cause, f.asset, f.donor_kind, f.currency, f.decimals
HAVING sum(f.grants) <> 0 OR sum(f.amount) <> 0;

COMMENT ON VIEW reporting.totals IS 'What came in and went out, a row a day and everything it can be asked by; grants count from their granting, as in soquy totals. Sums of rows are right for grants and amount; people cannot be summed: reporting.totals_by counts them';
COMMENT ON COLUMN reporting.totals.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.totals.day IS 'Effective date';
COMMENT ON COLUMN reporting.totals.unit IS 'Code of the unit whose fund it was then';
COMMENT ON COLUMN reporting.totals.unit_level IS 'Level of that unit';
COMMENT ON COLUMN reporting.totals.fund IS 'Code of the fund';
COMMENT ON COLUMN reporting.totals.measure IS 'donation_cash, donation_in_kind, merit_award, scholarship, hardship_grant, support, expense, transfer_in, transfer_out or returned';
COMMENT ON COLUMN reporting.totals.recipient IS 'Of grants: student, teacher, other, collective or unit; else empty';
COMMENT ON COLUMN reporting.totals.achievement_level IS 'Of grants: international, national, provincial, district, commune, school, or empty';
COMMENT ON COLUMN reporting.totals.education_level IS 'Of grants: preschool … postgraduate, or empty';
COMMENT ON COLUMN reporting.totals.school_year IS 'Of grants, such as 2016-2017, or empty';
COMMENT ON COLUMN reporting.totals.cause IS 'Of hardship grants, or empty';
COMMENT ON COLUMN reporting.totals.asset IS 'cash, bank, goods:ITEM or labour';
COMMENT ON COLUMN reporting.totals.donor_kind IS 'Of donations: organisation, person or anonymous; else empty';
COMMENT ON COLUMN reporting.totals.grants IS 'Number of grants; negative on the day of a cancelling; 0 of what is not a grant';
COMMENT ON COLUMN reporting.totals.amount IS 'In the currency; negative where something was cancelled or reversed';
COMMENT ON COLUMN reporting.totals.currency IS 'ISO 4217 code of the amount';

COMMENT ON VIEW reporting.totals_paid IS 'As reporting.totals, but grants count by their payments on their days, as in soquy totals --paid';
COMMENT ON COLUMN reporting.totals_paid.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.totals_paid.day IS 'Effective date';
COMMENT ON COLUMN reporting.totals_paid.unit IS 'Code of the unit whose fund it was then';
COMMENT ON COLUMN reporting.totals_paid.unit_level IS 'Level of that unit';
COMMENT ON COLUMN reporting.totals_paid.fund IS 'Code of the fund';
COMMENT ON COLUMN reporting.totals_paid.measure IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.recipient IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.achievement_level IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.education_level IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.school_year IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.cause IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.asset IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.donor_kind IS 'As in reporting.totals';
COMMENT ON COLUMN reporting.totals_paid.grants IS 'Number of grants of which a first payment was made; negative where it was reversed';
COMMENT ON COLUMN reporting.totals_paid.amount IS 'What was paid, in the currency';
COMMENT ON COLUMN reporting.totals_paid.currency IS 'ISO 4217 code of the amount';

-- totals_by counts distinct people, which no view of rows can. It runs with the rights of its owner and gives out numbers only.
-- To compile the question (jit) takes seconds, and to answer it less than one.
-- +goose StatementBegin
CREATE FUNCTION reporting.totals_by(
    ledger text, by text[] DEFAULT '{}', first_day date DEFAULT NULL, last_day date DEFAULT NULL, paid boolean DEFAULT false,
    units text[] DEFAULT NULL
) RETURNS TABLE ("values" text[], measure text, recipient text, grants bigint, people bigint, amount numeric, currency text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    dims CONSTANT text[] := ARRAY['unit-level', 'unit', 'achievement-level', 'education-level', 'month', 'quarter', 'year',
        'school-year', 'fund', 'cause', 'asset', 'donor-kind'];
    id  CONSTANT uuid := (SELECT l.ledger_id FROM soquy.origins l WHERE l.origin = $1);
    dim text;
BEGIN
    IF id IS NULL THEN
        RAISE EXCEPTION 'there is no ledger %', $1 USING ERRCODE = 'no_data_found';
    END IF;
    FOREACH dim IN ARRAY coalesce($2, '{}') LOOP
        IF dim IS NULL OR dim <> ALL (dims) THEN
            RAISE EXCEPTION 'there is no dimension %', dim USING ERRCODE = 'invalid_parameter_value',
                HINT = 'One of ' || array_to_string(dims, ', ');
        END IF;
    END LOOP;
    RETURN QUERY
    WITH RECURSIVE facts AS MATERIALIZED (
        SELECT ARRAY(
                SELECT CASE d.name
                    WHEN 'unit-level' THEN coalesce(f.unit_level, '')
                    WHEN 'unit' THEN f.unit
                    WHEN 'achievement-level' THEN f.achievement_level
                    WHEN 'education-level' THEN f.education_level
                    WHEN 'month' THEN to_char(f.day, 'YYYY-MM')
                    WHEN 'quarter' THEN to_char(f.day, 'YYYY-"Q"Q')
                    WHEN 'year' THEN to_char(f.day, 'YYYY')
                    WHEN 'school-year' THEN f.school_year
                    WHEN 'fund' THEN f.fund
                    WHEN 'cause' THEN f.cause
                    WHEN 'asset' THEN f.asset
                    ELSE f.donor_kind
                END
                FROM unnest($2) WITH ORDINALITY AS d (name, place) ORDER BY d.place
            ) AS by_values,
            f.measure, f.recipient, f.grants, f.amount, f.people_on, f.people_off, f.currency, f.decimals
        FROM soquy.reporting_facts f
        WHERE f.ledger_id = id AND f.basis IN (0, CASE WHEN $5 THEN 2 ELSE 1 END)
            AND f.last_day >= coalesce($3, '-infinity') AND f.first_day <= coalesce($4, 'infinity')
            AND f.day >= coalesce($3, '-infinity') AND f.day <= coalesce($4, 'infinity')
            AND ($6 IS NULL OR f.unit = ANY ($6))
    ), aliases AS (
        SELECT a.person_position AS person, a.into_position AS other
        FROM soquy.person_aliases a
        JOIN soquy.progress p ON p.ledger_id = a.ledger_id AND p.projection = 'persons' AND p.slot = a.slot
        WHERE a.ledger_id = id AND a.until_position IS NULL
    ), chain (person, other, steps) AS (
        SELECT a.person, a.other, 1 FROM aliases a
        UNION ALL
        SELECT c.person, a.other, c.steps + 1 FROM chain c JOIN aliases a ON a.person = c.other WHERE c.steps < 1000
    ), resolved AS (
        SELECT DISTINCT ON (c.person) c.person, c.other FROM chain c ORDER BY c.person, c.steps DESC
    ), lists AS (
        SELECT f.by_values, f.measure, f.recipient, f.people_on AS list, 1 AS sign FROM facts f WHERE f.people_on <> ''
        UNION ALL
        SELECT f.by_values, f.measure, f.recipient, f.people_off, -1 FROM facts f WHERE f.people_off <> ''
    ), ordinals AS ( -- 4 bytes each, little-endian
        SELECT s.by_values, s.measure, s.recipient, s.sign,
            get_byte(s.list, i) + (get_byte(s.list, i + 1) << 8) + (get_byte(s.list, i + 2) << 16)
                + (get_byte(s.list, i + 3)::bigint << 24) AS person
        FROM lists s, generate_series(0, octet_length(s.list) - 4, 4) AS i
    ), persons AS (
        SELECT o.by_values, o.measure, o.recipient
        FROM ordinals o LEFT JOIN resolved r ON r.person = o.person
        GROUP BY o.by_values, o.measure, o.recipient, coalesce(r.other, o.person)
        HAVING sum(o.sign) > 0
    ), counted AS (
        SELECT x.by_values, x.measure, x.recipient, count(*) AS people FROM persons x GROUP BY x.by_values, x.measure, x.recipient
    ), summed AS (
        SELECT f.by_values, f.measure, f.recipient, f.currency, f.decimals, sum(f.grants)::bigint AS grants, sum(f.amount) AS amount
        FROM facts f GROUP BY f.by_values, f.measure, f.recipient, f.currency, f.decimals
    )
    SELECT s.by_values, s.measure::text, s.recipient::text, s.grants, coalesce(c.people, 0),
        round(s.amount / 10::numeric ^ s.decimals, s.decimals), s.currency
    FROM summed s
    LEFT JOIN counted c ON c.by_values = s.by_values AND c.measure = s.measure AND c.recipient = s.recipient
    WHERE s.grants <> 0 OR s.amount <> 0 OR c.people <> 0
    ORDER BY s.by_values, s.measure, s.recipient;
END
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION reporting.totals_by(text, text[], date, date, boolean, text[]) FROM PUBLIC;

COMMENT ON FUNCTION reporting.totals_by(text, text[], date, date, boolean, text[]) IS 'The rows of soquy totals, with the exact number of distinct people: totals_by(ledger, by => ARRAY[''unit'', ''month''], first_day => …, last_day => …, paid => true, units => only facts of these). Dimensions: unit-level unit achievement-level education-level month quarter year school-year fund cause asset donor-kind';

-- A grant is read from the log: what was granted, and what each later step of it did.
CREATE VIEW reporting.grants WITH (security_barrier) AS
SELECT l.ledger, e.position, e.event_id AS grant_id,
    CASE e.type WHEN 'award.granted' THEN 'merit_award' WHEN 'scholarship.granted' THEN 'scholarship'
        WHEN 'hardship.granted' THEN 'hardship_grant' ELSE 'support' END AS kind,
    e.effective_on, e.recorded_at, d.data ->> 'unit' AS unit, d.data ->> 'fund' AS fund, d.data ->> 'asset' AS asset,
    d.data ->> 'recipient_kind' AS recipient, d.data -> 'recipient' ->> 'unit' AS recipient_unit,
    coalesce(d.data -> 'recipient' ->> 'achievement_level', '') AS achievement_level,
    coalesce(d.data -> 'recipient' ->> 'prize', '') AS prize,
    coalesce(d.data -> 'recipient' ->> 'education_level', '') AS education_level,
    coalesce(d.data ->> 'school_year', '') AS school_year,
    coalesce(d.data -> 'recipient' ->> 'cause', '') AS cause,
    coalesce(d.data -> 'decision' ->> 'number', '') AS decision_number,
    (d.data -> 'decision' ->> 'date')::date AS decision_date,
    (d.data -> 'recipient' ->> 'quantity')::numeric AS quantity,
    round(coalesce(d.data ->> 'value', d.data -> 'recipient' ->> 'amount')::numeric, l.decimals) AS amount,
    round(s.paid, l.decimals) AS paid, round(s.cancelled, l.decimals) AS cancelled, round(s.returned, l.decimals) AS returned,
    l.currency
FROM (
    SELECT o.ledger_id, k.merged_position FROM soquy.origins o
    CROSS JOIN LATERAL (SELECT k.merged_position FROM soquy.ledgers k WHERE k.ledger_id = o.ledger_id ORDER BY k.head_position DESC LIMIT 1) k
) h -- once for each ledger
JOIN soquy.events e ON e.ledger_id = h.ledger_id
JOIN reporting.ledgers l ON l.ledger_id = e.ledger_id
CROSS JOIN LATERAL (SELECT convert_from(e.envelope, 'UTF8')::jsonb -> 'data' AS data) d
CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE
            WHEN t.type = 'grant.disbursed' THEN t.moved
            WHEN t.undone = 'grant.disbursed' THEN -t.moved END), 0) AS paid,
        coalesce(sum(CASE
            WHEN t.type = 'grant.cancelled' THEN t.moved
            WHEN t.undone LIKE '%.granted' THEN t.released END), 0) AS cancelled,
        coalesce(sum(CASE
            WHEN t.type = 'grant.returned' THEN t.moved
            WHEN t.undone = 'grant.returned' THEN -t.moved END), 0) AS returned
    FROM (
        SELECT x.type, x.data ->> 'type' AS undone, coalesce(x.data ->> 'value', x.data ->> 'amount')::numeric AS released,
            coalesce(x.body ->> 'value', x.body ->> 'amount')::numeric AS moved
        FROM (
            SELECT n.type, n.data, CASE n.type WHEN 'entry.reversed' THEN n.data -> 'entry' ELSE n.data END AS body
            FROM (
                SELECT later.type, convert_from(later.envelope, 'UTF8')::jsonb -> 'data' AS data
                FROM (
                    SELECT p.position
                    FROM soquy.subjects i CROSS JOIN LATERAL unnest(i.position || i.more) AS p (position)
                    WHERE i.ledger_id = e.ledger_id AND i.subject = 'grant:' || e.event_id
                    UNION ALL
                    SELECT p.position
                    FROM soquy.subject_runs i CROSS JOIN LATERAL unnest(i.subjects, i.positions) AS p (subject, position)
                    WHERE i.ledger_id = e.ledger_id
                        AND i.position > h.merged_position
                        AND 'grant:' || e.event_id = ANY (i.subjects) AND p.subject = 'grant:' || e.event_id
                ) j
                JOIN soquy.events later ON later.ledger_id = e.ledger_id AND later.position = j.position
                WHERE j.position > e.position
            ) n
        ) x
    ) t
) s
WHERE e.type IN ('award.granted', 'scholarship.granted', 'hardship.granted', 'support.granted');

COMMENT ON VIEW reporting.grants IS 'One row a grant, without who got it. It is read from the log: ask for one grant_id, or for a range of position';
COMMENT ON COLUMN reporting.grants.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.grants."position" IS 'Position of its granting in the log';
COMMENT ON COLUMN reporting.grants.grant_id IS 'ID';
COMMENT ON COLUMN reporting.grants.kind IS 'merit_award, scholarship, hardship_grant or support';
COMMENT ON COLUMN reporting.grants.effective_on IS 'Effective date of the granting';
COMMENT ON COLUMN reporting.grants.recorded_at IS 'When it was recorded';
COMMENT ON COLUMN reporting.grants.unit IS 'Code of the unit whose fund granted it';
COMMENT ON COLUMN reporting.grants.fund IS 'Code of the fund';
COMMENT ON COLUMN reporting.grants.asset IS 'cash, bank or goods:ITEM';
COMMENT ON COLUMN reporting.grants.recipient IS 'student, teacher, other, collective or unit';
COMMENT ON COLUMN reporting.grants.recipient_unit IS 'Code of the unit that gets it, or that the collective is of, else null';
COMMENT ON COLUMN reporting.grants.achievement_level IS 'international … school, or empty';
COMMENT ON COLUMN reporting.grants.prize IS 'first, second, third, consolation, gold, silver, bronze, title, or empty';
COMMENT ON COLUMN reporting.grants.education_level IS 'preschool … postgraduate, or empty';
COMMENT ON COLUMN reporting.grants.school_year IS 'Such as 2016-2017, or empty';
COMMENT ON COLUMN reporting.grants.cause IS 'Of a hardship grant, or empty';
COMMENT ON COLUMN reporting.grants.decision_number IS 'Number of the decision, or empty';
COMMENT ON COLUMN reporting.grants.decision_date IS 'Date of the decision, or null';
COMMENT ON COLUMN reporting.grants.quantity IS 'Of goods, else null';
COMMENT ON COLUMN reporting.grants.amount IS 'What was granted, in the currency; of goods the value that was fixed';
COMMENT ON COLUMN reporting.grants.paid IS 'What was paid of it; reversed payments are taken off';
COMMENT ON COLUMN reporting.grants.cancelled IS 'What was cancelled of it';
COMMENT ON COLUMN reporting.grants.returned IS 'What came back of what was paid; amount − paid − cancelled is still open';
COMMENT ON COLUMN reporting.grants.currency IS 'ISO 4217 code of the amounts';

CREATE VIEW reporting.indicators WITH (security_barrier) AS
SELECT l.origin AS ledger, i.unit, i.indicator, i.from_on, i.to_on, i.value::numeric AS value,
    nullif(i.of_value, '')::numeric AS of_value, nullif(i.measure, '') AS measure, i.reported_on
FROM soquy.indicators i
JOIN soquy.progress p ON p.ledger_id = i.ledger_id AND p.projection = 'indicators' AND p.slot = i.slot
JOIN soquy.origins l ON l.ledger_id = i.ledger_id;

COMMENT ON VIEW reporting.indicators IS 'Figures that units reported, the last report a unit, indicator and period; not money of the association';
COMMENT ON COLUMN reporting.indicators.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.indicators.unit IS 'Code of the unit';
COMMENT ON COLUMN reporting.indicators.indicator IS 'Code of the figure';
COMMENT ON COLUMN reporting.indicators.from_on IS 'First day of the period';
COMMENT ON COLUMN reporting.indicators.to_on IS 'Last day of the period';
COMMENT ON COLUMN reporting.indicators.value IS 'The figure';
COMMENT ON COLUMN reporting.indicators.of_value IS 'Of how many, or null';
COMMENT ON COLUMN reporting.indicators.measure IS 'What is counted, or null';
COMMENT ON COLUMN reporting.indicators.reported_on IS 'Effective date of the report';

CREATE VIEW reporting.donors WITH (security_barrier) AS
SELECT l.ledger, d.donor, d.name, coalesce(g.gifts, 0)::bigint AS gifts,
    round(coalesce(g.cash, 0) / 10::numeric ^ l.decimals, l.decimals) AS cash,
    round(coalesce(g.in_kind, 0) / 10::numeric ^ l.decimals, l.decimals) AS in_kind, l.currency
FROM soquy.donors d
JOIN soquy.progress p ON p.ledger_id = d.ledger_id AND p.projection = 'donors' AND p.slot = d.slot
JOIN reporting.ledgers l ON l.ledger_id = d.ledger_id
LEFT JOIN (
    SELECT x.ledger_id, x.donor, sum(x.gifts) AS gifts,
        sum(x.amount) FILTER (WHERE k.measure = 'donation_cash') AS cash,
        sum(x.amount) FILTER (WHERE k.measure <> 'donation_cash') AS in_kind
    FROM (
        SELECT g.ledger_id, g.slot, u.*
        FROM soquy.total_gifts g
        CROSS JOIN LATERAL unnest(g.donor, g.fact_key, g.gifts, g.amount) AS u (donor, fact_key, gifts, amount)
    ) x
    JOIN soquy.progress px ON px.ledger_id = x.ledger_id AND px.projection = 'totals' AND px.slot = x.slot
    JOIN soquy.total_keys k ON k.ledger_id = x.ledger_id AND k.slot = x.slot AND k.fact_key = x.fact_key
    GROUP BY x.ledger_id, x.donor
) g ON g.ledger_id = d.ledger_id AND g.donor = d.donor
WHERE d.kind = 'organisation' AND d.publish;

COMMENT ON VIEW reporting.donors IS 'Organisations that agreed to be named, and what they gave. Donors who are persons are never here: their names are private';
COMMENT ON COLUMN reporting.donors.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.donors.donor IS 'Code';
COMMENT ON COLUMN reporting.donors.name IS 'Name of the organisation';
COMMENT ON COLUMN reporting.donors.gifts IS 'Number of donations, less those that were reversed';
COMMENT ON COLUMN reporting.donors.cash IS 'What it gave in cash and by bank, in the currency';
COMMENT ON COLUMN reporting.donors.in_kind IS 'Value of the goods and labour that it gave';
COMMENT ON COLUMN reporting.donors.currency IS 'ISO 4217 code of the amounts';

CREATE VIEW reporting.pledges WITH (security_barrier) AS
SELECT l.ledger, g.pledge, CASE WHEN d.kind = 'organisation' AND d.publish THEN g.donor END AS donor, g.fund, g.unit,
    g.made_on, g.due, round(g.amount / 10::numeric ^ l.decimals, l.decimals) AS amount,
    round(g.received / 10::numeric ^ l.decimals, l.decimals) AS received,
    round(g.cancelled / 10::numeric ^ l.decimals, l.decimals) AS cancelled, g.cancelled_on, l.currency
FROM soquy.pledges g
JOIN soquy.progress p ON p.ledger_id = g.ledger_id AND p.projection = 'donors' AND p.slot = g.slot
JOIN reporting.ledgers l ON l.ledger_id = g.ledger_id
LEFT JOIN soquy.donors d ON d.ledger_id = g.ledger_id AND d.slot = g.slot AND d.donor = g.donor;

COMMENT ON VIEW reporting.pledges IS 'One row a pledge';
COMMENT ON COLUMN reporting.pledges.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.pledges.pledge IS 'Code';
COMMENT ON COLUMN reporting.pledges.donor IS 'Code of the donor where it is an organisation that agreed to be named, else null';
COMMENT ON COLUMN reporting.pledges.fund IS 'Code of the fund';
COMMENT ON COLUMN reporting.pledges.unit IS 'Code of the unit that had the fund when it was made';
COMMENT ON COLUMN reporting.pledges.made_on IS 'When it was made';
COMMENT ON COLUMN reporting.pledges.due IS 'When it is due';
COMMENT ON COLUMN reporting.pledges.amount IS 'What was pledged, in the currency';
COMMENT ON COLUMN reporting.pledges.received IS 'What was received of it';
COMMENT ON COLUMN reporting.pledges.cancelled IS 'What was cancelled of it';
COMMENT ON COLUMN reporting.pledges.cancelled_on IS 'When it was cancelled, else null';
COMMENT ON COLUMN reporting.pledges.currency IS 'ISO 4217 code of the amounts';

CREATE VIEW reporting.vouchers WITH (security_barrier) AS
SELECT l.ledger, v.unit,
    v.series || '-' || to_char(v.year, 'FM0000') || '-' || CASE WHEN v.number < 1000000 THEN to_char(v.number, 'FM000000') ELSE v.number::text END AS number,
    v.series, v.year, v.effective_on, v.recorded_at, round(v.amount / 10::numeric ^ l.decimals, l.decimals) AS amount,
    v.entries, v.reversed >= v.entries AS cancelled, v.first_position, v.last_position, l.currency
FROM (
    SELECT p.ledger_id, e.unit, e.series, e.year::integer, e.number,
        min(e.day) FILTER (WHERE e.reversed = 0) AS effective_on, min(e.recorded_at) FILTER (WHERE e.reversed = 0) AS recorded_at,
        sum(e.amount) AS amount, count(*) FILTER (WHERE e.reversed = 0) AS entries, sum(e.reversed) AS reversed,
        min(e.position) FILTER (WHERE e.reversed = 0) AS first_position, max(e.position) FILTER (WHERE e.reversed = 0) AS last_position
    FROM soquy.vouchers v
    JOIN soquy.progress p ON p.ledger_id = v.ledger_id AND p.projection = 'vouchers' AND p.slot = v.slot
    CROSS JOIN LATERAL unnest(v.position, v.unit, v.series, v.year, v.number, v.day, v.recorded_at, v.amount, v.reversed)
        AS e (position, unit, series, year, number, day, recorded_at, amount, reversed)
    GROUP BY p.ledger_id, e.unit, e.series, e.year, e.number
) v
JOIN reporting.ledgers l ON l.ledger_id = v.ledger_id;
COMMENT ON VIEW reporting.vouchers IS 'One row a numbered paper';
COMMENT ON COLUMN reporting.vouchers.ledger IS 'Origin: the name of the ledger';
COMMENT ON COLUMN reporting.vouchers.unit IS 'Code of the unit that numbers it';
COMMENT ON COLUMN reporting.vouchers.number IS 'Such as PT-2017-000001';
COMMENT ON COLUMN reporting.vouchers.series IS 'PT and PC cash in and out, BC and BN bank, PN and PX goods';
COMMENT ON COLUMN reporting.vouchers.year IS 'Year of the number';
COMMENT ON COLUMN reporting.vouchers.effective_on IS 'Effective date';
COMMENT ON COLUMN reporting.vouchers.recorded_at IS 'When it was recorded';
COMMENT ON COLUMN reporting.vouchers.amount IS 'What it moved in its series, in the currency';
COMMENT ON COLUMN reporting.vouchers.entries IS 'How many entries it has';
COMMENT ON COLUMN reporting.vouchers.cancelled IS 'Whether all its entries were reversed';
COMMENT ON COLUMN reporting.vouchers.first_position IS 'Position of its first entry in the log';
COMMENT ON COLUMN reporting.vouchers.last_position IS 'Position of its last entry in the log';
COMMENT ON COLUMN reporting.vouchers.currency IS 'ISO 4217 code of the amount';
