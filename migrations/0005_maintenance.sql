-- Maintenance: what retention deleted, and where long work stands.

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

CREATE INDEX user_listing_user ON user_listing (user_id); -- who deletes an account need not look through the listing

-- Rows deleted from the full text of events since it was last optimized.
INSERT INTO counter (name, value) VALUES ('text_deleted', 0);

-- What retention deleted: records of time before "before" are not to be found any more, whatever coverage says.
CREATE VIEW retention AS
SELECT
    c.name AS customer,
    c.tenant_id,
    r.source,                    -- or mails
    strftime('%Y-%m-%dT%H:%M:%SZ', r.before_s, 'unixepoch') AS before,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.pruned_at, 'unixepoch') AS pruned_at,
    r.records                    -- deleted so far, all in all
FROM retention_line AS r CROSS JOIN customer AS c ON c.customer_id = r.customer_id;

-- What `maintain` did, and when.
CREATE VIEW maintenance_tasks AS
SELECT
    task,
    strftime('%Y-%m-%dT%H:%M:%SZ', started_at, 'unixepoch') AS started_at, -- of the round under way; NULL: none
    strftime('%Y-%m-%dT%H:%M:%SZ', finished_at, 'unixepoch') AS finished_at, -- when it was last done to its end
    outcome
FROM maintenance;
