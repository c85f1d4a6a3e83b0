-- +goose Up

-- PostgreSQL has views for dashboards here, and a role that sees only them. SQLite has neither roles nor exact decimals:
-- whoever can open the file sees all of it, and amounts are integers of minor units. So there are no views to guard
-- anything, and none that would give other numbers under the same names; `--json` gives dashboards what they need.
SELECT 1;
