package ledger_test

import "database/sql"

type sqlTx = *sql.Tx

// dropTriggers takes away what protects the events, as someone with full rights would.
var dropTriggers = []string{
	`DROP TRIGGER events_no_update`, `DROP TRIGGER events_no_delete`, `DROP TRIGGER tiles_no_update`,
}
