-- Times are Unix milliseconds: to_timestamp(at / 1000.0).
CREATE TABLE inbox_event (
    key       text   COLLATE "C" PRIMARY KEY, -- EventKey::as_str
    reference text   COLLATE "C",             -- the payment reference that it is about
    state     text   NOT NULL CHECK (state IN ('waiting', 'claimed', 'finished', 'dead')),
    at        bigint NOT NULL,                -- waiting: due at; claimed: lease until; finished, dead: since
    time      bigint,                         -- as the event names it
    attempt   bigint NOT NULL,                -- claims so far; a handler holds the number of its own
    failures  bigint NOT NULL,                -- since the last retry
    reason    text,                           -- dead: why the last attempt has failed
    body      text                            -- for a worker, until it is finished
);
CREATE INDEX inbox_event_of ON inbox_event (reference) WHERE reference IS NOT NULL;
CREATE INDEX inbox_event_due ON inbox_event (at, key) WHERE state IN ('waiting', 'claimed') AND body IS NOT NULL;
CREATE INDEX inbox_event_dead ON inbox_event (at, key) WHERE state = 'dead';
CREATE INDEX inbox_event_old ON inbox_event (time) WHERE state = 'finished';

CREATE TABLE inbox_reference (
    name    text    COLLATE "C" PRIMARY KEY,
    is_open boolean NOT NULL                  -- whether events of it are awaited
);
CREATE INDEX inbox_reference_open ON inbox_reference (name) WHERE is_open;
