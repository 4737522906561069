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
    strftime('%Y-%m-%dT%H:%M:%SZ', u.removed_at, 'unixepoch') AS removed_at, -- NULL: present
    u.removed_reason,            -- changed: in the recycle bin; deleted: for good; missing: a whole listing knew nothing of it
    u.raw,
    (SELECT f.text FROM user_fts AS f WHERE f.rowid = u.user_id) AS raw_text,
    strftime('%Y-%m-%dT%H:%M:%SZ', u.first_seen, 'unixepoch') AS first_seen,
    strftime('%Y-%m-%dT%H:%M:%SZ', u.changed_at, 'unixepoch') AS changed_at
FROM user AS u CROSS JOIN customer AS c ON c.customer_id = u.customer_id;

-- Each change of a field of an account; values are JSON, NULL for null and absent. The field @removed is removal and return.
CREATE VIEW user_changes AS
SELECT
    c.name AS customer,
    h.id,
    h.field,
    h.old_value,
    h.new_value,
    strftime('%Y-%m-%dT%H:%M:%SZ', h.seen_at, 'unixepoch') AS seen_at
FROM user_change AS h CROSS JOIN customer AS c ON c.customer_id = h.customer_id;

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

CREATE VIEW overview_versions AS
SELECT
    v.overview_id,
    v.seq,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.stored_at, 'unixepoch') AS stored_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.replaced_at, 'unixepoch') AS replaced_at,
    v.raw,
    lower(hex(v.content_hash)) AS content_hash
FROM overview_version AS v;

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
FROM service_message AS m JOIN customer AS c ON c.customer_id = m.customer_id;

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
    l.last_error,
    l.last_status                -- of the latest run: ok, partial, failed, skipped (not to be had here); NULL: not known
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
