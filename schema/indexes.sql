-- m365keep: indexes. Each costs every insert a little and the disk about 40 bytes a row: these earn it.

CREATE INDEX event_timestamp ON event (timestamp);         -- WHERE timestamp >= '2026-11-20'
CREATE INDEX event_actor ON event (actor_display);         -- WHERE actor_display = 'ada@example.org', any case
CREATE INDEX event_operation ON event (operation);         -- WHERE operation = 'Add member to role', any case
CREATE INDEX event_seq ON event (seq);                     -- the mirror: changes since

CREATE INDEX user_name ON user (user_principal_name);      -- joins from events by address
CREATE INDEX user_seq ON user (seq);
CREATE INDEX user_removed ON user (customer_id, removed_at); -- who is there (NULL), and who is not
CREATE INDEX user_listing_user ON user_listing (user_id);    -- who deletes an account need not look through the listing
CREATE INDEX user_change_id ON user_change (customer_id, id, seen_at); -- the history of one account
CREATE INDEX user_change_seq ON user_change (seq);
CREATE INDEX service_state_seq ON service_state (seq);
CREATE INDEX service_overview_seq ON service_overview (seq);
CREATE INDEX service_issue_seq ON service_issue (seq);
CREATE INDEX service_message_seq ON service_message (seq);
CREATE INDEX service_issue_modified ON service_issue (last_modified);     -- the latest issues
CREATE INDEX service_message_modified ON service_message (last_modified); -- the latest messages

CREATE INDEX content_blob_due ON content_blob (expires_at) WHERE fetched_at IS NULL AND lost_at IS NULL;
CREATE INDEX mail_window ON mail (customer_id, kind, from_s, to_s); -- what was sent of a window
CREATE INDEX mail_open ON mail (state, next_attempt_at) WHERE state = 'queued' OR state = 'sending'; -- what is to be done
CREATE UNIQUE INDEX mail_once ON mail (coalesce(customer_id, 0), kind, from_s, to_s, resend)
WHERE state <> 'failed';                                   -- a window is not mailed twice, unless that was asked for
