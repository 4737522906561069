-- The first schema: schema/tables.sql, fts.sql, indexes.sql and views.sql as they were then.

-- m365keep: base tables.
--
-- Read the views (views.sql) rather than these tables: their columns are promises, they show names instead of numbers and
-- ISO times instead of seconds. The tables may change with a migration.
--
-- Units: every ..._at, ..._s, first_seen and last_seen is whole seconds since 1970 UTC. "Source" means m365keep's name of a
-- Microsoft collection: users, sign-ins, directory-audits, intune-audits, unified-audit, health.
-- Before anything is created the program sets page_size = 16384 and auto_vacuum = INCREMENTAL; user_version is the number of the
-- last migration.

PRAGMA application_id = 1295201845; -- "M365" as a number; file(1) and the program know the file by it

-- Counters that only go up.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,       -- 'seq': the last change number that was given out
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('seq', 0);

-- The tenants we keep records of. Written by collect when it first meets one.
CREATE TABLE customer (
    customer_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,          -- as configured
    tenant_id TEXT NOT NULL,     -- the Entra tenant's GUID or verified domain; the only place it is stored
    UNIQUE (name, tenant_id)     -- a name that moves to another tenant gets a row of its own
);

-- One row for each record of sign-ins, directory-audits, intune-audits and unified-audit. Written by collect, derived again
-- by renormalize, deleted by retention.
CREATE TABLE event (
    event_id INTEGER PRIMARY KEY, -- (second of the event << 20) | n: id order is time order
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,
    id TEXT,                     -- the source's own id; NULL when it has none
    dedupe_key TEXT,             -- SHA-256 that stands for a missing id; NULL when it is the id
    timestamp TEXT,              -- when it happened, UTC, YYYY-MM-DDTHH:MM:SS.fffffffZ; NULL: no readable time, and
                                 -- event_id carries the second of reception
    time_missing INTEGER GENERATED ALWAYS AS (timestamp IS NULL) VIRTUAL,
    service TEXT COLLATE NOCASE,
    operation TEXT COLLATE NOCASE,
    result TEXT COLLATE NOCASE,
    actor_display TEXT COLLATE NOCASE, -- who did it, in the best known form
    target_displays TEXT,        -- to whom or what: JSON array of strings
    display_summary TEXT,        -- one sentence a person understands
    first_seen INTEGER NOT NULL, -- when this record was first received
    changed_at INTEGER,          -- when its present body replaced another; NULL: never
    first_seq INTEGER NOT NULL,  -- the change that stored it first
    seq INTEGER NOT NULL,        -- the change that stored it last
    raw TEXT NOT NULL            -- the record, byte for byte as received
);

-- Which record is which event: SQLite itself refuses doubles. Written with the event.
CREATE TABLE event_key (
    key BLOB PRIMARY KEY,        -- first 128 bits of SHA-256 over tenant, source and dedupe key, each after its length
    event_id INTEGER NOT NULL,
    content_hash BLOB NOT NULL   -- first 128 bits of SHA-256 of raw
) WITHOUT ROWID;

-- Bodies that a later delivery replaced: evidence is never overwritten.
CREATE TABLE event_version (
    event_id INTEGER NOT NULL REFERENCES event (event_id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,        -- the change that had stored this body
    stored_at INTEGER NOT NULL,  -- when it was received
    replaced_at INTEGER NOT NULL, -- when the next body was received
    content_hash BLOB NOT NULL,  -- first 128 bits of SHA-256 of raw
    raw TEXT NOT NULL,
    PRIMARY KEY (event_id, seq)
);

-- Accounts, one row each, kept after they are removed. Written by the source users.
CREATE TABLE user (
    user_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    id TEXT NOT NULL,            -- the directory object's id
    user_principal_name TEXT COLLATE NOCASE,
    display_name TEXT COLLATE NOCASE,
    mail TEXT COLLATE NOCASE,
    account_enabled INTEGER,     -- 1, 0; NULL: not told
    user_type TEXT,              -- Member, Guest
    created TEXT,                -- createdDateTime, as the store writes timestamps
    last_sign_in TEXT,           -- signInActivity.lastSignInDateTime, likewise; NULL: none or no licence
    removed_at INTEGER,          -- when the listing said removed; NULL: present
    removed_reason TEXT,         -- 'changed': in the recycle bin; 'deleted': for good
    content_hash BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    changed_at INTEGER,          -- NULL: never
    first_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    raw TEXT NOT NULL,           -- the account as last received, changes merged in
    UNIQUE (customer_id, id)
);

-- Every change of a field of an account.
CREATE TABLE user_change (
    change_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    id TEXT NOT NULL,            -- the account's directory id
    field TEXT NOT NULL,         -- Graph's name of the property
    old_value TEXT,              -- JSON; NULL: was not there
    new_value TEXT,              -- JSON; NULL: is gone
    seen_at INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL
);

-- One row for each unbroken run of health scans that saw a service in the same status.
CREATE TABLE service_state (
    state_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    service TEXT NOT NULL,       -- Graph's healthOverview id
    status TEXT NOT NULL,        -- as received
    first_seen INTEGER NOT NULL, -- the run's first good scan
    last_seen INTEGER NOT NULL,  -- its latest
    samples INTEGER NOT NULL,    -- good scans in it
    first_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    UNIQUE (customer_id, service, first_seen)
);

-- Every health scan, good or not: without it silence could be taken for health.
CREATE TABLE health_scan (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    at INTEGER NOT NULL,
    ok INTEGER NOT NULL,         -- 1: the service answered in full
    error TEXT,                  -- what went wrong otherwise
    PRIMARY KEY (customer_id, at)
) WITHOUT ROWID;

-- Incidents and advisories of the service (Graph serviceHealthIssue).
CREATE TABLE service_issue (
    issue_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    id TEXT NOT NULL,            -- such as EX123456
    service TEXT COLLATE NOCASE,
    title TEXT,
    classification TEXT,         -- incident, advisory
    status TEXT,                 -- as received
    is_resolved INTEGER,         -- 1, 0; NULL: not told
    start TEXT,                  -- startDateTime, as the store writes timestamps
    "end" TEXT,                  -- endDateTime, likewise
    last_modified TEXT,          -- lastModifiedDateTime, likewise
    content_hash BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    changed_at INTEGER,          -- NULL: never
    first_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    raw TEXT NOT NULL,           -- byte for byte as received, posts included
    UNIQUE (customer_id, id)
);

-- Earlier bodies of issues; columns as in event_version.
CREATE TABLE issue_version (
    issue_id INTEGER NOT NULL REFERENCES service_issue (issue_id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (issue_id, seq)
);

-- Announcements of the message centre (Graph serviceUpdateMessage).
CREATE TABLE service_message (
    message_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    id TEXT NOT NULL,            -- such as MC123456
    title TEXT,
    services TEXT,               -- JSON array of names
    category TEXT,
    severity TEXT,
    is_major_change INTEGER,     -- 1, 0; NULL: not told
    start TEXT,                  -- startDateTime, as the store writes timestamps
    "end" TEXT,                  -- endDateTime, likewise
    last_modified TEXT,          -- lastModifiedDateTime, likewise
    action_required_by TEXT,     -- actionRequiredByDateTime, likewise
    content_hash BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    changed_at INTEGER,          -- NULL: never
    first_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    raw TEXT NOT NULL,           -- byte for byte as received
    UNIQUE (customer_id, id)
);

-- Earlier bodies of messages; columns as in event_version.
CREATE TABLE message_version (
    message_id INTEGER NOT NULL REFERENCES service_message (message_id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (message_id, seq)
);

-- Which time of a source has been read. Spans of one source and part never overlap. Written in the transaction that stores
-- the last record of the span, never before.
CREATE TABLE coverage_span (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,
    part TEXT NOT NULL,          -- a class of records read by queries of its own; '' for the whole
    from_s INTEGER NOT NULL,     -- [from_s, to_s)
    to_s INTEGER NOT NULL CHECK (to_s > from_s),
    state TEXT NOT NULL CHECK (state IN ('open', 'read', 'settled', 'lost')),
                                 -- open: begun, not read to its end; read: late records may still come; settled: read for the
                                 -- last time; lost: the service no longer had it
    read_at INTEGER,             -- when it was last read to its end, or found lost; NULL: never
    reads INTEGER NOT NULL,      -- how often it was read to its end
    records INTEGER NOT NULL,    -- records in it at the last reading (shared out by length where a later reading cut the span)
    late_records INTEGER NOT NULL, -- records that an earlier reading had not seen
    PRIMARY KEY (customer_id, source, part, from_s)
) WITHOUT ROWID;

-- Where reading of a span stands between two pages. Written with each page; gone with the last.
CREATE TABLE collect_cursor (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,
    part TEXT NOT NULL,
    from_s INTEGER NOT NULL,
    to_s INTEGER NOT NULL,
    next_link TEXT NOT NULL,     -- the service's link to the next page
    records INTEGER NOT NULL,    -- of the span so far
    late_records INTEGER NOT NULL, -- of them, new in time that had been read before
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (customer_id, source, part)
) WITHOUT ROWID;

-- What could not be read as a record: kept, so that renormalize can try again.
CREATE TABLE unreadable_record (
    unreadable_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,
    received_at INTEGER NOT NULL, -- first
    request_id TEXT,             -- the service's id of the answer that held it
    reason TEXT NOT NULL,
    body_hash BLOB NOT NULL,     -- first 128 bits of SHA-256 of body: the same bytes are kept once
    body BLOB NOT NULL,
    UNIQUE (customer_id, source, body_hash)
);

-- Freshness and counts of each source of each customer. Counts are kept in the transactions that change them.
CREATE TABLE collection (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,
    records INTEGER NOT NULL DEFAULT 0, -- rows now in the table of the source
    newest TEXT,                 -- the greatest timestamp stored so far
    last_run_at INTEGER,         -- when a run last ended
    last_success_at INTEGER,     -- when one last ended well
    last_error_at INTEGER,
    last_error TEXT,             -- of the latest run; NULL: it ended well
    PRIMARY KEY (customer_id, source)
) WITHOUT ROWID;

-- Content blobs that the Management Activity API listed; they expire there.
CREATE TABLE content_blob (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    content_id TEXT NOT NULL,
    content_type TEXT NOT NULL,  -- such as Audit.Exchange
    content_uri TEXT NOT NULL,
    created_at INTEGER NOT NULL, -- contentCreated
    expires_at INTEGER NOT NULL, -- contentExpiration
    listed_at INTEGER NOT NULL,  -- when we first saw it listed
    fetched_at INTEGER,          -- when its last record was stored; NULL: not yet
    lost_at INTEGER,             -- when the service said that it is gone; NULL: not
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,                  -- of the last attempt
    PRIMARY KEY (customer_id, content_id)
) WITHOUT ROWID;

-- Signed statements over stretches of changes, each over the one before: what was stored then can be proven unaltered.
CREATE TABLE seal (
    seal_id INTEGER PRIMARY KEY,
    sealed_at INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,   -- changes from_seq to to_seq, both included
    to_seq INTEGER NOT NULL,
    records INTEGER NOT NULL,
    digest BLOB NOT NULL,        -- SHA-256 over the records' keys and content hashes in order of seq
    previous BLOB,               -- digest of the seal before; NULL: the first
    key_id TEXT,                 -- of the signing key; NULL: unsigned
    signature BLOB
);

-- How far MongoDB has acknowledged.
CREATE TABLE mirror_position (
    target TEXT PRIMARY KEY,     -- host list and database
    seq INTEGER NOT NULL,        -- every change up to this one is there
    acknowledged_at INTEGER NOT NULL,
    error TEXT,                  -- of the last attempt; NULL: it went well
    error_at INTEGER
) WITHOUT ROWID;

-- Documents that MongoDB refuses, set aside so that the rest goes on.
CREATE TABLE mirror_reject (
    target TEXT NOT NULL,
    collection TEXT NOT NULL,    -- MongoDB's
    doc_id TEXT NOT NULL,        -- _id
    seq INTEGER NOT NULL,        -- the change that was refused
    rejected_at INTEGER NOT NULL,
    error TEXT NOT NULL,         -- the server's words
    PRIMARY KEY (target, collection, doc_id)
) WITHOUT ROWID;

-- Deleted rows that MongoDB has still to delete. Only written where deletes are mirrored; trimmed once acknowledged.
CREATE TABLE tombstone (
    seq INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,    -- MongoDB's
    doc_id TEXT NOT NULL         -- _id
);

-- Mails composed and not forgotten: stored before the first attempt to send, kept after the last.
CREATE TABLE mail (
    mail_id INTEGER PRIMARY KEY,
    customer_id INTEGER REFERENCES customer (customer_id),
    kind TEXT NOT NULL,          -- 'report', 'alert'
    from_s INTEGER,              -- the window a report covers
    to_s INTEGER,
    subject TEXT NOT NULL,
    recipients TEXT NOT NULL,    -- JSON array of addresses
    message BLOB NOT NULL,       -- the whole message, RFC 5322
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown')),
                                 -- unknown: handed over, but the program ended before it knew the answer
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER,     -- NULL: none to come
    sent_at INTEGER,             -- after the server's 250
    answer TEXT                  -- the server's last words
);

-- m365keep: full text.
--
-- Ordinary FTS5 tables that keep their text: plain INSERT, DELETE and UPDATE are safe in any order. rowid is the id of the
-- base row (event.event_id, user.user_id, service_issue.issue_id, service_message.message_id). The program writes them in the
-- transaction that writes the base row; there are no triggers, so whoever deletes a row by hand deletes it here too.
--   text    what can be searched: the summary, then each distinct string or number of the record, one a line
--   facets  one token for each exact value the program filters by: two letters (cu tenant id, so source, se service,
--           op operation, re result, ac actor) and 12 hexadecimal digits of SHA-256 of the lower-case value
-- Search in the shell:  SELECT timestamp, display_summary FROM event_fts JOIN events ON event_id = event_fts.rowid
--                       WHERE event_fts MATCH 'text: alice "reset password"' ORDER BY event_fts.rowid DESC LIMIT 50;
-- automerge and crisismerge bound how long one commit can stall; hashsize is the bytes gathered before a segment is written.

CREATE VIRTUAL TABLE event_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO event_fts (event_fts, rank) VALUES ('automerge', 8), ('crisismerge', 64), ('hashsize', 16777216);

CREATE VIRTUAL TABLE user_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE issue_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE message_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');

-- m365keep: indexes. Each costs every insert a little and the disk about 40 bytes a row: these earn it.

CREATE INDEX event_timestamp ON event (timestamp);         -- WHERE timestamp >= '2026-11-20'
CREATE INDEX event_actor ON event (actor_display);         -- WHERE actor_display = 'ada@example.org', any case
CREATE INDEX event_operation ON event (operation);         -- WHERE operation = 'Add member to role', any case
CREATE INDEX event_seq ON event (seq);                     -- the mirror: changes since

CREATE INDEX user_name ON user (user_principal_name);      -- joins from events by address
CREATE INDEX user_seq ON user (seq);
CREATE INDEX user_change_id ON user_change (customer_id, id, seen_at); -- the history of one account
CREATE INDEX user_change_seq ON user_change (seq);
CREATE INDEX service_state_seq ON service_state (seq);
CREATE INDEX service_issue_seq ON service_issue (seq);
CREATE INDEX service_message_seq ON service_message (seq);

CREATE INDEX content_blob_due ON content_blob (expires_at) WHERE fetched_at IS NULL AND lost_at IS NULL;
CREATE INDEX mail_due ON mail (next_attempt_at) WHERE state = 'queued';

-- m365keep: views. These are what to query: their columns are promises.
--
-- Times are ISO 8601 UTC: events carry YYYY-MM-DDTHH:MM:SS.fffffffZ in `timestamp` (text order is time order), our own moments
-- YYYY-MM-DDTHH:MM:SSZ. JSON columns open with json_extract(column, '$.path') or column ->> '$.path'. Columns that are not
-- selected cost nothing.

CREATE VIEW customers AS
SELECT name AS customer, tenant_id, customer_id FROM customer;

-- Every sign-in, directory audit, Intune audit and unified audit record.
CREATE VIEW events AS
SELECT
    e.event_id,                  -- unique here; greater is newer (by the second)
    c.name AS customer,
    c.tenant_id,
    e.source,                    -- sign-ins, directory-audits, intune-audits, unified-audit
    e.id,                        -- the source's own id; NULL when it has none
    e.timestamp,                 -- when it happened; indexed
    e.service,
    e.operation,                 -- what was done; indexed, any case
    e.result,
    e.actor_display,             -- who did it; indexed, any case
    e.target_displays,           -- JSON array of strings
    e.display_summary,           -- one sentence
    coalesce(e.dedupe_key, e.id) AS dedupe_key, -- unique within tenant and source
    -- Who, as JSON, from the record. (-> hands JSON on as it is; json_extract would decode lone surrogates to invalid UTF-8.)
    CASE e.source
        WHEN 'sign-ins' THEN
            CASE WHEN coalesce(json_extract(e.raw, '$.userId'), '') = ''
                  AND coalesce(json_extract(e.raw, '$.servicePrincipalId'), '') <> ''
            THEN json_object('servicePrincipalId', e.raw -> '$.servicePrincipalId',
                             'servicePrincipalName', e.raw -> '$.servicePrincipalName',
                             'ipAddress', e.raw -> '$.ipAddress')
            ELSE json_object('userId', e.raw -> '$.userId',
                             'displayName', e.raw -> '$.userDisplayName',
                             'userPrincipalName', e.raw -> '$.userPrincipalName',
                             'ipAddress', e.raw -> '$.ipAddress')
            END
        WHEN 'directory-audits' THEN e.raw -> '$.initiatedBy'
        WHEN 'intune-audits' THEN e.raw -> '$.actor'
        WHEN 'unified-audit' THEN
            json_object('UserId', e.raw -> '$.UserId', 'UserKey', e.raw -> '$.UserKey',
                        'UserType', e.raw -> '$.UserType', 'ClientIP', e.raw -> '$.ClientIP')
    END AS actor,
    -- To whom or what, as a JSON array, from the record.
    CASE e.source
        WHEN 'sign-ins' THEN
            json_array(
                json_object('type', 'application', 'id', e.raw -> '$.appId',
                            'displayName', e.raw -> '$.appDisplayName'),
                json_object('type', 'resource', 'id', e.raw -> '$.resourceId',
                            'displayName', e.raw -> '$.resourceDisplayName'))
        WHEN 'directory-audits' THEN e.raw -> '$.targetResources'
        WHEN 'intune-audits' THEN e.raw -> '$.resources'
        WHEN 'unified-audit' THEN
            -- Patching {} leaves the members out that the workload does not have.
            json_array(json(json_patch('{}', json_object(
                'ObjectId', e.raw -> '$.ObjectId',
                'Target', e.raw -> '$.Target',
                'SiteUrl', e.raw -> '$.SiteUrl',
                'SourceRelativeUrl', e.raw -> '$.SourceRelativeUrl',
                'SourceFileName', e.raw -> '$.SourceFileName',
                'DestinationRelativeUrl', e.raw -> '$.DestinationRelativeUrl',
                'DestinationFileName', e.raw -> '$.DestinationFileName',
                'TargetUserOrGroupName', e.raw -> '$.TargetUserOrGroupName',
                'MailboxOwnerUPN', e.raw -> '$.MailboxOwnerUPN',
                'TeamName', e.raw -> '$.TeamName',
                'ChannelName', e.raw -> '$.ChannelName'))))
    END AS targets,
    e.raw,                       -- the record as JSON, byte for byte as received
    -- The searched text.
    (SELECT f.text FROM event_fts AS f WHERE f.rowid = e.event_id) AS raw_text,
    strftime('%Y-%m-%dT%H:%M:%SZ', e.first_seen, 'unixepoch') AS first_seen, -- when it reached us
    strftime('%Y-%m-%dT%H:%M:%SZ', e.changed_at, 'unixepoch') AS changed_at  -- when a new body replaced an old one; NULL: never
FROM event AS e CROSS JOIN customer AS c ON c.customer_id = e.customer_id;

-- The bodies that later deliveries replaced, oldest first by seq.
CREATE VIEW event_versions AS
SELECT
    v.event_id,
    v.seq,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.stored_at, 'unixepoch') AS stored_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.replaced_at, 'unixepoch') AS replaced_at,
    v.raw,
    lower(hex(v.content_hash)) AS content_hash -- the first half of sha256(raw)
FROM event_version AS v;

-- Sign-ins with their own columns.
CREATE VIEW sign_ins AS
SELECT
    e.event_id,
    c.name AS customer,
    c.tenant_id,
    e.id,
    e.timestamp,
    json_extract(e.raw, '$.userPrincipalName') AS user,
    json_extract(e.raw, '$.userId') AS user_id,
    json_extract(e.raw, '$.userDisplayName') AS user_display_name,
    json_extract(e.raw, '$.servicePrincipalName') AS service_principal,
    json_extract(e.raw, '$.appDisplayName') AS app,
    json_extract(e.raw, '$.appId') AS app_id,
    json_extract(e.raw, '$.resourceDisplayName') AS resource,
    json_extract(e.raw, '$.ipAddress') AS ip,
    json_extract(e.raw, '$.location.countryOrRegion') AS country,
    json_extract(e.raw, '$.location.state') AS state,
    json_extract(e.raw, '$.location.city') AS city,
    e.result AS status,          -- success, failure, interrupted
    json_extract(e.raw, '$.status.errorCode') AS error_code, -- 0: success
    json_extract(e.raw, '$.status.failureReason') AS failure_reason,
    json_extract(e.raw, '$.riskLevelDuringSignIn') AS risk,  -- 'hidden': no licence to know, not 'none'
    json_extract(e.raw, '$.riskLevelAggregated') AS risk_aggregated,
    json_extract(e.raw, '$.riskState') AS risk_state,
    json_extract(e.raw, '$.conditionalAccessStatus') AS conditional_access,
    json_extract(e.raw, '$.clientAppUsed') AS client_app,
    json_extract(e.raw, '$.deviceDetail.displayName') AS device,
    json_extract(e.raw, '$.deviceDetail.deviceId') AS device_id,
    json_extract(e.raw, '$.deviceDetail.operatingSystem') AS os,
    json_extract(e.raw, '$.deviceDetail.browser') AS browser,
    json_extract(e.raw, '$.deviceDetail.isCompliant') AS compliant,
    json_extract(e.raw, '$.isInteractive') AS interactive,
    json_extract(e.raw, '$.correlationId') AS correlation_id,
    e.raw
FROM event AS e CROSS JOIN customer AS c ON c.customer_id = e.customer_id
WHERE e.source = 'sign-ins';

-- Accounts, present and removed.
CREATE VIEW users AS
SELECT
    u.user_id,                   -- user_fts.rowid
    c.name AS customer,
    c.tenant_id,
    u.id,
    u.user_principal_name,
    u.display_name,
    u.mail,
    u.account_enabled,
    u.user_type,
    u.created,
    u.last_sign_in,
    strftime('%Y-%m-%dT%H:%M:%SZ', u.removed_at, 'unixepoch') AS removed_at,
    u.removed_reason,
    u.raw,
    (SELECT f.text FROM user_fts AS f WHERE f.rowid = u.user_id) AS raw_text,
    strftime('%Y-%m-%dT%H:%M:%SZ', u.first_seen, 'unixepoch') AS first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', u.changed_at, 'unixepoch') AS changed_at
FROM user AS u CROSS JOIN customer AS c ON c.customer_id = u.customer_id;

-- Each change of a field of an account; values are JSON.
CREATE VIEW user_changes AS
SELECT
    c.name AS customer,
    h.id,
    h.field,
    h.old_value,
    h.new_value,
    strftime('%Y-%m-%dT%H:%M:%SZ', h.seen_at, 'unixepoch') AS seen_at
FROM user_change AS h CROSS JOIN customer AS c ON c.customer_id = h.customer_id;

-- Unbroken runs of scans that saw the same status.
CREATE VIEW service_states AS
SELECT
    c.name AS customer,
    s.service,
    s.status,
    strftime('%Y-%m-%dT%H:%M:%SZ', s.first_seen, 'unixepoch') AS first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', s.last_seen, 'unixepoch') AS last_seen,
    s.samples
FROM service_state AS s CROSS JOIN customer AS c ON c.customer_id = s.customer_id;

CREATE VIEW health_scans AS
SELECT c.name AS customer, strftime('%Y-%m-%dT%H:%M:%SZ', h.at, 'unixepoch') AS at, h.ok, h.error
FROM health_scan AS h CROSS JOIN customer AS c ON c.customer_id = h.customer_id;

-- Incidents and advisories; posts is the JSON array of what Microsoft wrote, oldest first.
CREATE VIEW service_issues AS
SELECT
    i.issue_id,                  -- issue_fts.rowid
    c.name AS customer,
    c.tenant_id,
    i.id,
    i.service,
    i.title,
    i.classification,
    i.status,
    i.is_resolved,
    i.start,
    i."end",
    i.last_modified,
    i.raw -> '$.posts' AS posts,
    i.raw,
    (SELECT f.text FROM issue_fts AS f WHERE f.rowid = i.issue_id) AS raw_text,
    strftime('%Y-%m-%dT%H:%M:%SZ', i.first_seen, 'unixepoch') AS first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', i.changed_at, 'unixepoch') AS changed_at
FROM service_issue AS i CROSS JOIN customer AS c ON c.customer_id = i.customer_id;

CREATE VIEW issue_versions AS
SELECT
    v.issue_id,
    v.seq,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.stored_at, 'unixepoch') AS stored_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.replaced_at, 'unixepoch') AS replaced_at,
    v.raw,
    lower(hex(v.content_hash)) AS content_hash
FROM issue_version AS v;

-- Announcements; body is the HTML or text Microsoft wrote.
CREATE VIEW service_messages AS
SELECT
    m.message_id,                -- message_fts.rowid
    c.name AS customer,
    c.tenant_id,
    m.id,
    m.title,
    m.services,
    m.category,
    m.severity,
    m.is_major_change,
    m.start,
    m."end",
    m.last_modified,
    m.action_required_by,
    json_extract(m.raw, '$.body.content') AS body,
    m.raw,
    (SELECT f.text FROM message_fts AS f WHERE f.rowid = m.message_id) AS raw_text,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.first_seen, 'unixepoch') AS first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.changed_at, 'unixepoch') AS changed_at
FROM service_message AS m CROSS JOIN customer AS c ON c.customer_id = m.customer_id;

CREATE VIEW message_versions AS
SELECT
    v.message_id,
    v.seq,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.stored_at, 'unixepoch') AS stored_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.replaced_at, 'unixepoch') AS replaced_at,
    v.raw,
    lower(hex(v.content_hash)) AS content_hash
FROM message_version AS v;

-- Which time has been read, and which is lost. What no row covers was never asked for.
CREATE VIEW coverage AS
SELECT
    c.name AS customer,
    s.source,
    s.part,                      -- a class of records read on its own; '' for the whole
    strftime('%Y-%m-%dT%H:%M:%SZ', s.from_s, 'unixepoch') AS "from", -- included
    strftime('%Y-%m-%dT%H:%M:%SZ', s.to_s, 'unixepoch') AS "to",     -- excluded
    s.state,                     -- open, read, settled, lost
    strftime('%Y-%m-%dT%H:%M:%SZ', s.read_at, 'unixepoch') AS read_at,
    s.reads,
    s.records,
    s.late_records               -- came after an earlier reading
FROM coverage_span AS s CROSS JOIN customer AS c ON c.customer_id = s.customer_id;

-- What could not be read as a record. body is a BLOB: SELECT CAST(body AS TEXT).
CREATE VIEW unreadable AS
SELECT
    r.unreadable_id,
    c.name AS customer,
    r.source,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.received_at, 'unixepoch') AS received_at,
    r.request_id,
    r.reason,
    r.body
FROM unreadable_record AS r CROSS JOIN customer AS c ON c.customer_id = r.customer_id;

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
    l.last_error
FROM collection AS l CROSS JOIN customer AS c ON c.customer_id = l.customer_id;

CREATE VIEW content_blobs AS
SELECT
    c.name AS customer,
    b.content_type,
    b.content_id,
    b.content_uri,
    strftime('%Y-%m-%dT%H:%M:%SZ', b.created_at, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', b.expires_at, 'unixepoch') AS expires_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', b.listed_at, 'unixepoch') AS listed_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', b.fetched_at, 'unixepoch') AS fetched_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', b.lost_at, 'unixepoch') AS lost_at,
    b.attempts,
    b.error
FROM content_blob AS b CROSS JOIN customer AS c ON c.customer_id = b.customer_id;

CREATE VIEW seals AS
SELECT
    s.seal_id,
    strftime('%Y-%m-%dT%H:%M:%SZ', s.sealed_at, 'unixepoch') AS sealed_at,
    s.from_seq,
    s.to_seq,
    s.records,
    lower(hex(s.digest)) AS digest,
    lower(hex(s.previous)) AS previous,
    s.key_id,
    s.signature
FROM seal AS s;

CREATE VIEW mirror_state AS
SELECT
    p.target,
    p.seq,
    strftime('%Y-%m-%dT%H:%M:%SZ', p.acknowledged_at, 'unixepoch') AS acknowledged_at,
    (SELECT n.value FROM counter AS n WHERE n.name = 'seq') - p.seq AS behind, -- changes not yet acknowledged
    p.error,
    strftime('%Y-%m-%dT%H:%M:%SZ', p.error_at, 'unixepoch') AS error_at
FROM mirror_position AS p;

CREATE VIEW mirror_rejects AS
SELECT
    r.target,
    r.collection,
    r.doc_id,
    r.seq,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.rejected_at, 'unixepoch') AS rejected_at,
    r.error
FROM mirror_reject AS r;

CREATE VIEW tombstones AS
SELECT t.seq, t.collection, t.doc_id FROM tombstone AS t;

CREATE VIEW mail_outbox AS
SELECT
    m.mail_id,
    c.name AS customer,
    m.kind,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.from_s, 'unixepoch') AS "from",
    strftime('%Y-%m-%dT%H:%M:%SZ', m.to_s, 'unixepoch') AS "to",
    m.subject,
    m.recipients,
    m.state,
    m.attempts,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.created_at, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.next_attempt_at, 'unixepoch') AS next_attempt_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.sent_at, 'unixepoch') AS sent_at,
    m.answer,
    m.message
FROM mail AS m LEFT JOIN customer AS c ON c.customer_id = m.customer_id;
