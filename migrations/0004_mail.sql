-- Mails: what became of each, and of each of its recipients. No program has written one before: the table is made anew.

DROP VIEW mail_outbox;
DROP TABLE mail;

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

CREATE INDEX mail_window ON mail (customer_id, kind, from_s, to_s); -- what was sent of a window
CREATE INDEX mail_open ON mail (state, next_attempt_at) WHERE state = 'queued' OR state = 'sending'; -- what is to be done
CREATE UNIQUE INDEX mail_once ON mail (coalesce(customer_id, 0), kind, from_s, to_s, resend)
WHERE state <> 'failed';                                   -- a window is not mailed twice, unless that was asked for

-- The mails, what became of them, and why. The message itself: SELECT message FROM mail WHERE mail_id = 1.
CREATE VIEW mail_outbox AS
SELECT
    m.mail_id,
    c.name AS customer,
    c.tenant_id,
    m.kind,                      -- report, alert
    strftime('%Y-%m-%dT%H:%M:%SZ', m.from_s, 'unixepoch') AS "from", -- of the window, included
    strftime('%Y-%m-%dT%H:%M:%SZ', m.to_s, 'unixepoch') AS "to",     -- excluded
    m.resend,                    -- 0: the first mail of its window
    m.subject,
    m.sender,
    m.message_id,
    m.state,                     -- queued, sending, sent, failed, unknown (handed over, and nobody knows the answer)
    m.attempts,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.created_at, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', m.begun_at, 'unixepoch') AS begun_at, -- when its first byte was last about to go
    strftime('%Y-%m-%dT%H:%M:%SZ', m.next_attempt_at, 'unixepoch') AS next_attempt_at, -- NULL: none to come
    strftime('%Y-%m-%dT%H:%M:%SZ', m.sent_at, 'unixepoch') AS sent_at,
    m.answer,                    -- the server's last words about the mail as a whole
    -- JSON array of objects: address, state, code, answer.
    (SELECT json_group_array(json_object('address', r.address, 'state', r.state, 'code', r.code, 'answer', r.answer))
     FROM (SELECT * FROM mail_recipient WHERE mail_id = m.mail_id ORDER BY place) AS r) AS recipients,
    length(m.message) AS message_bytes
FROM mail AS m LEFT JOIN customer AS c ON c.customer_id = m.customer_id;

-- Each recipient of each mail.
CREATE VIEW mail_recipients AS
SELECT
    r.mail_id,
    c.name AS customer,
    c.tenant_id,
    r.address,
    r.state,                     -- as in mail_outbox
    r.code,                      -- SMTP or HTTP status; NULL: none
    r.answer                     -- the server's words
FROM mail_recipient AS r CROSS JOIN mail AS m ON m.mail_id = r.mail_id
LEFT JOIN customer AS c ON c.customer_id = m.customer_id;

-- Service health is asked for by customer: its rows are found by the keys of the tables, and not all are read.
DROP VIEW service_states;
DROP VIEW health_scans;
DROP VIEW service_issues;
DROP VIEW service_messages;

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
FROM customer AS c CROSS JOIN service_state AS s ON s.customer_id = c.customer_id;

-- Every scan, good or not. at_s is `at` in seconds since 1970: what is asked for by it is found at once.
CREATE VIEW health_scans AS
SELECT c.name AS customer, c.tenant_id, strftime('%Y-%m-%dT%H:%M:%SZ', h.at, 'unixepoch') AS at, h.ok, h.error, h.at AS at_s
FROM customer AS c CROSS JOIN health_scan AS h ON h.customer_id = c.customer_id;

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
FROM service_issue AS i JOIN customer AS c ON c.customer_id = i.customer_id;

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
FROM service_message AS m JOIN customer AS c ON c.customer_id = m.customer_id;
