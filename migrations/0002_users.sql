-- Accounts: which ones a listing has told of, and where listing and delta rounds stand.

-- Who the listing of accounts under way has told of so far. Written with each of its pages; emptied when a listing begins,
-- and when it is complete: whoever is there but not in here then has been removed.
CREATE TABLE user_listing (
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    user_id INTEGER NOT NULL REFERENCES user (user_id),
    PRIMARY KEY (customer_id, user_id)
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

CREATE INDEX user_removed ON user (customer_id, removed_at); -- who is there (NULL), and who is not

-- Where the reading of accounts stands: the part '' is listing and delta rounds, sign-in-activity is read on its own.
CREATE VIEW user_rounds AS
SELECT
    c.name AS customer,
    r.part,
    r.kind,                      -- listing, delta, activity
    r.complete,                  -- 1: the round has been read to its end
    r.records,                   -- of the round so far
    r.unreadable,                -- of the round so far: a listing with any marks nobody as removed
    strftime('%Y-%m-%dT%H:%M:%SZ', r.started_at, 'unixepoch') AS started_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.completed_at, 'unixepoch') AS completed_at, -- when one was last complete; NULL: never
    strftime('%Y-%m-%dT%H:%M:%SZ', r.saved_at, 'unixepoch') AS saved_at
FROM collect_round AS r CROSS JOIN customer AS c ON c.customer_id = r.customer_id
WHERE r.source = 'users';
