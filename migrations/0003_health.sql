-- Service health: what the service says of each of its services, the latest issues and messages, and how each source's latest
-- run ended.

-- What the service says of each of its services now (Graph serviceHealth). Written by the source health.
CREATE TABLE service_overview (
    overview_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    id TEXT NOT NULL,            -- such as Exchange
    service TEXT COLLATE NOCASE, -- the name that people read, such as Exchange Online
    status TEXT,                 -- as received
    content_hash BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    changed_at INTEGER,          -- NULL: never
    first_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    raw TEXT NOT NULL,           -- byte for byte as received
    UNIQUE (customer_id, id)
);

-- Earlier bodies of overviews; columns as in event_version.
CREATE TABLE overview_version (
    overview_id INTEGER NOT NULL REFERENCES service_overview (overview_id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (overview_id, seq)
);

CREATE INDEX service_overview_seq ON service_overview (seq);
CREATE INDEX service_issue_modified ON service_issue (last_modified);     -- the latest issues
CREATE INDEX service_message_modified ON service_message (last_modified); -- the latest messages

-- What the service last said of each of its services; their history is in service_states.
CREATE VIEW service_overviews AS
SELECT
    o.overview_id,
    c.name AS customer,
    c.tenant_id,
    o.id,                        -- service_states.service
    o.service,
    o.status,
    o.raw,
    strftime('%Y-%m-%dT%H:%M:%SZ', o.first_seen, 'unixepoch') AS first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', o.changed_at, 'unixepoch') AS changed_at
FROM service_overview AS o CROSS JOIN customer AS c ON c.customer_id = o.customer_id;

-- States and scans of each tenant apart, where a name has moved to another one.
DROP VIEW service_states;
DROP VIEW health_scans;

-- Unbroken runs of scans that saw the same status.
CREATE VIEW service_states AS
SELECT
    c.name AS customer,
    c.tenant_id,
    s.service,
    s.status,
    strftime('%Y-%m-%dT%H:%M:%SZ', s.first_seen, 'unixepoch') AS first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', s.last_seen, 'unixepoch') AS last_seen,
    s.samples
FROM service_state AS s CROSS JOIN customer AS c ON c.customer_id = s.customer_id;

CREATE VIEW health_scans AS
SELECT c.name AS customer, c.tenant_id, strftime('%Y-%m-%dT%H:%M:%SZ', h.at, 'unixepoch') AS at, h.ok, h.error
FROM health_scan AS h CROSS JOIN customer AS c ON c.customer_id = h.customer_id;

CREATE VIEW overview_versions AS
SELECT
    v.overview_id,
    v.seq,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.stored_at, 'unixepoch') AS stored_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.replaced_at, 'unixepoch') AS replaced_at,
    v.raw,
    lower(hex(v.content_hash)) AS content_hash
FROM overview_version AS v;

-- The table is made anew, and not altered, so that the comments on its columns stay with it in the database.
DROP VIEW collections;
CREATE TEMP TABLE collection_of_2 AS SELECT * FROM collection;
DROP TABLE collection;

-- Freshness and counts of each source of each customer. Counts are kept in the transactions that change them.
CREATE TABLE collection (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,
    records INTEGER NOT NULL DEFAULT 0, -- rows now in the table of the source; of health: issues and messages
    newest TEXT,                 -- the greatest timestamp stored so far; of health: the greatest last_modified
    last_run_at INTEGER,         -- when a run last ended
    last_success_at INTEGER,     -- when one last ended well
    last_error_at INTEGER,       -- when one last failed, in part or as a whole
    last_error TEXT,             -- of the latest run; NULL: it ended well
    last_status TEXT CHECK (last_status IN ('ok', 'partial', 'failed', 'skipped')),
                                 -- of the latest run; skipped: the tenant or cloud does not have this source; NULL: not known
    PRIMARY KEY (customer_id, source)
) WITHOUT ROWID;

INSERT INTO collection (customer_id, source, records, newest, last_run_at, last_success_at, last_error_at, last_error)
SELECT customer_id, source, records, newest, last_run_at, last_success_at, last_error_at, last_error FROM collection_of_2;
DROP TABLE collection_of_2;

-- How fresh and how large each source of each customer is.
CREATE VIEW collections AS
SELECT
    c.name AS customer,
    c.tenant_id,
    l.source,
    l.records,
    l.newest,
    strftime('%Y-%m-%dT%H:%M:%SZ', l.last_run_at, 'unixepoch') AS last_run_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', l.last_success_at, 'unixepoch') AS last_success_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', l.last_error_at, 'unixepoch') AS last_error_at,
    l.last_error,
    l.last_status                -- of the latest run: ok, partial, failed, skipped (not to be had here); NULL: not known
FROM collection AS l CROSS JOIN customer AS c ON c.customer_id = l.customer_id;
