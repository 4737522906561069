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
    last_sign_in TEXT,           -- signInActivity, likewise: the last that succeeded, else the last attempt; NULL: none told
    removed_at INTEGER,          -- when the service first said so; NULL: present
    removed_reason TEXT,         -- 'changed': in the recycle bin; 'deleted': for good; 'missing': a whole listing knew
                                 -- nothing of it
    content_hash BLOB NOT NULL,  -- first 128 bits of SHA-256 of raw
    first_seen INTEGER NOT NULL,
    changed_at INTEGER,          -- of the latest row in user_change; NULL: none
    first_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    raw TEXT NOT NULL,           -- the account as last received, changes merged in: each value byte for byte
    UNIQUE (customer_id, id)
);

-- Who the listing of accounts under way has told of so far. Written with each of its pages; emptied when a listing begins,
-- and when it is complete: whoever is there but not in here then has been removed.
CREATE TABLE user_listing (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    user_id INTEGER NOT NULL REFERENCES user (user_id),
    PRIMARY KEY (customer_id, user_id)
) WITHOUT ROWID;

-- Every change of a field of an account.
CREATE TABLE user_change (
    change_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    id TEXT NOT NULL,            -- the account's directory id
    field TEXT NOT NULL,         -- Graph's name of the property; '@removed': removal and return
    old_value TEXT,              -- JSON, byte for byte as received; NULL: null, or was not there
    new_value TEXT,              -- JSON, likewise; NULL: null, or is gone
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

-- Where the reading of a source stands that is not read by stretches of time: a listing, a delta round, or signInActivity.
-- Written with each page.
CREATE TABLE collect_round (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,
    part TEXT NOT NULL,          -- as in coverage_span
    kind TEXT NOT NULL CHECK (kind IN ('listing', 'delta', 'activity')),
    query TEXT,                  -- what is asked for ($select): another one begins a new listing
    link TEXT,                   -- the page to request next; once complete, where the next delta round begins
    delta_link TEXT,             -- of a listing: where the delta rounds go on after it
    complete INTEGER NOT NULL,   -- 1: the round has been read to its end
    records INTEGER NOT NULL,    -- of the round so far
    unreadable INTEGER NOT NULL, -- of the round so far: nobody knows whose; a listing with any removes nobody
    started_at INTEGER NOT NULL, -- the round
    completed_at INTEGER,        -- when a round was last complete; NULL: never
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

-- Mails composed and not forgotten: stored before the first attempt to send, kept after the last. Written by report.
CREATE TABLE mail (
    mail_id INTEGER PRIMARY KEY,
    customer_id INTEGER REFERENCES customer (customer_id), -- NULL: of none
    kind TEXT NOT NULL,          -- 'report', 'alert'
    from_s INTEGER,              -- the window a report covers, [from_s, to_s); NULL: none
    to_s INTEGER,
    resend INTEGER NOT NULL,     -- 0, or how many of the same customer, kind and window went before, those that failed aside
    subject TEXT NOT NULL,
    sender TEXT NOT NULL,        -- the address alone
    message_id TEXT NOT NULL,    -- without brackets
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown')),
                                 -- sent: the server took it for one recipient at least; unknown: handed over, but the program
                                 -- ended, or the connection broke, before the answer came
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,  -- when it was last put into the queue: it is given up so many days after that
    begun_at INTEGER,            -- when its first byte was last about to go; NULL: never
    next_attempt_at INTEGER,     -- NULL: none to come
    sent_at INTEGER,             -- after the server's 250; NULL: not
    answer TEXT,                 -- the server's last words about the mail as a whole
    content_hash BLOB NOT NULL,  -- first 128 bits of SHA-256 of message
    message BLOB NOT NULL        -- the whole message, RFC 5322
);

-- Whom a mail is for, and what became of it there. Written with the mail.
CREATE TABLE mail_recipient (
    mail_id INTEGER NOT NULL REFERENCES mail (mail_id),
    place INTEGER NOT NULL,      -- 0 is the first
    address TEXT NOT NULL COLLATE NOCASE,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown')),
    code INTEGER,                -- SMTP or HTTP status; NULL: none
    answer TEXT,                 -- the server's words
    may_have INTEGER NOT NULL DEFAULT 0, -- 1: was unknown once, so that a later attempt that fails leaves it unknown
    PRIMARY KEY (mail_id, place),
    UNIQUE (mail_id, address)
) WITHOUT ROWID;

-- Where each source begins by now: what is about an earlier moment was deleted by retention.
CREATE TABLE retention_line (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    source TEXT NOT NULL,        -- or 'mails'
    before_s INTEGER NOT NULL,   -- everything about an earlier moment was deleted, what was open aside
    pruned_at INTEGER NOT NULL,  -- when something last was
    records INTEGER NOT NULL,    -- deleted so far, all in all
    PRIMARY KEY (customer_id, source)
) WITHOUT ROWID;

-- Work of `maintain`: where it stands, and when it was last done.
CREATE TABLE maintenance (
    task TEXT PRIMARY KEY,       -- 'prune', 'optimize', 'verify', 'backup', 'renormalize', 'dedupe', 'scrub': to write the file
                                 -- anew, so that nothing is left in it of a customer who was forgotten
    started_at INTEGER,          -- of the round under way; NULL: none
    position TEXT,               -- renormalize: how far it is; scrub: not NULL once the file is written
    version TEXT,                -- of the program that began it
    finished_at INTEGER,         -- when it was last done to its end; NULL: never
    outcome TEXT                 -- of that: a sentence
) WITHOUT ROWID;

-- Rows deleted from the full text of events since it was last optimized.
INSERT INTO counter (name, value) VALUES ('text_deleted', 0);
