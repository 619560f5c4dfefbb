-- Times are Unix milliseconds.
CREATE TABLE inbox_event (
    key       TEXT    NOT NULL PRIMARY KEY, -- EventKey::as_str
    reference TEXT,                         -- the payment reference that it is about
    state     TEXT    NOT NULL CHECK (state IN ('waiting', 'claimed', 'finished', 'dead')),
    at        INTEGER NOT NULL,             -- waiting: due at; claimed: lease until; finished, dead: since
    time      INTEGER,                      -- as the event names it
    attempt   INTEGER NOT NULL,             -- claims so far; a handler holds the number of its own
    failures  INTEGER NOT NULL,             -- since the last retry
    reason    TEXT,                         -- dead: why the last attempt has failed
    body      TEXT                          -- for a worker, until it is finished
) STRICT;
CREATE INDEX inbox_event_of ON inbox_event (reference) WHERE reference IS NOT NULL;
CREATE INDEX inbox_event_due ON inbox_event (at, key) WHERE state IN ('waiting', 'claimed') AND body IS NOT NULL;
CREATE INDEX inbox_event_dead ON inbox_event (at, key) WHERE state = 'dead';
CREATE INDEX inbox_event_old ON inbox_event (time) WHERE state = 'finished';

CREATE TABLE inbox_reference (
    name    TEXT    NOT NULL PRIMARY KEY,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)) -- whether events of it are awaited
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_reference_open ON inbox_reference (name) WHERE is_open = 1;
