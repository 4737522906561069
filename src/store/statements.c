#include "store/statements.h"

/* A row of the view `events`, in the order of struct store_event; search.c reads it by position. */
#define EVENT_COLUMNS                                                                                                  \
    "event_id, customer, tenant_id, source, id, timestamp, service, operation, result, actor_display, "                \
    "target_displays, display_summary, dedupe_key, actor, targets, raw, raw_text, first_seen, changed_at"

/* A row of the view `users`; search_users.c reads it by position. */
#define USER_COLUMNS                                                                                                   \
    "user_id, coalesce(account_enabled, -1), customer, tenant_id, id, user_principal_name, display_name, mail, "       \
    "user_type, created, last_sign_in, removed_at, removed_reason, raw, raw_text, first_seen, changed_at"

/* What rows of the views `service_issues` and `service_messages` begin with; search_health.c reads it by position. */
#define HEALTH_COLUMNS                                                                                                 \
    "raw, customer, tenant_id, id, title, start, \"end\", last_modified, raw_text, first_seen, changed_at"

/* Of the time that was asked for, the last modified first. */
#define HEALTH_LATEST(id)                                                                                              \
    "(?1 IS NULL OR last_modified >= ?1) AND (?2 IS NULL OR last_modified < ?2) "                                      \
    "ORDER BY last_modified DESC, " id " DESC LIMIT ?3"

/* The spans of one part that overlap [?4, ?5). */
#define COVERAGE_OVERLAP "customer_id = ?1 AND source = ?2 AND part = ?3 AND from_s < ?5 AND to_s > ?4"

/* What the sample of events tells of each. */
#define SAMPLED "event_id, first_seen, timestamp IS NULL, length(CAST(raw AS BLOB))"

/* The bytes of some records of a customer's. */
#define SOME_BYTES(table)                                                                                              \
    "SELECT n FROM (SELECT length(CAST(raw AS BLOB)) AS n FROM " table " WHERE customer_id = ?1 LIMIT ?2)"

/* A record of health, new or with another body. Parameters 1 to 6 mean the same in all; 7 and on are the columns of its
 * kind. */
#define HEALTH_WRITE(table, id, columns, parameters, changes)                                                          \
    "INSERT INTO " table " (customer_id, id, content_hash, raw, first_seq, seq, first_seen, " columns ") "             \
    "VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, " parameters ") ON CONFLICT (customer_id, id) DO UPDATE SET "                 \
    "content_hash = excluded.content_hash, raw = excluded.raw, seq = excluded.seq, "                                   \
    "changed_at = excluded.first_seen, " changes " RETURNING " id

/* When an issue or a message of the service began, in the form of its other times: as it says, else when we saw it. */
#define BEGUN(told) "coalesce(" told ", strftime('%Y-%m-%dT%H:%M:%S.0000000Z', first_seen, 'unixepoch'))"

/* The good scan before ?2, or ?2, and the good scan from ?3 on, or ?3. */
#define GOOD_SCAN_BEFORE                                                                                               \
    "coalesce((SELECT at FROM health_scan WHERE customer_id = ?1 AND ok AND at < ?2 ORDER BY at DESC LIMIT 1), ?2)"
#define GOOD_SCAN_AFTER                                                                                                \
    "coalesce((SELECT at FROM health_scan WHERE customer_id = ?1 AND ok AND at >= ?3 ORDER BY at LIMIT 1), ?3)"

/* Figures are asked for on the views alone, to be pasted into the shell: their texts are for people, too. Parameters
 * mean the same in all; figure.c binds them. What is asked for comes first, each value once. */
#define FIGURE_ASKED                                                                                                   \
    "WITH asked AS (\n"                                                                                                \
    "    SELECT ?1 AS customer, ?2 AS tenant_id, ?3 AS service,\n"                                                     \
    "           unixepoch(?4) AS from_s,\n"                                                                            \
    "           unixepoch(?5) AS to_s,\n"                                                                              \
    "           unixepoch(?6) AS now_s,\n"                                                                             \
    "           ?7 AS max_gap_s\n"                                                                                     \
    ")"

#define FIGURE_STRETCHES                                                                                               \
    FIGURE_ASKED                                                                                                       \
    ", status_map AS (\n"                                                                                              \
    "    SELECT key AS name, value AS priority\n"                                                                      \
    "    FROM json_each(?8)\n"                                                                                         \
    "), runs AS ( -- scans one after another that saw the same status\n"                                               \
    "    SELECT status, unixepoch(first_seen) AS first_s, unixepoch(last_seen) AS last_s,\n"                           \
    "           lead(unixepoch(first_seen)) OVER (ORDER BY first_seen) AS next_s\n"                                    \
    "    FROM asked CROSS JOIN service_states USING (tenant_id, service)\n"                                            \
    "    WHERE unixepoch(first_seen) <= now_s\n"                                                                       \
    "), ended AS ( -- where each would end: at the next run, or now\n"                                                 \
    "    SELECT tenant_id, max_gap_s, status, first_s, last_s, coalesce(next_s, max(now_s, last_s)) AS end_s,\n"       \
    "           iif(next_s IS NULL, now_s + 1, next_s) AS before_s\n"                                                  \
    "    FROM asked CROSS JOIN runs\n"                                                                                 \
    "), held AS ( -- and does, where that is near and no good scan between them missed the service\n"                  \
    "    SELECT status, first_s, last_s, iif(end_s - last_s <= max_gap_s AND NOT EXISTS (\n"                           \
    "               SELECT 1 FROM health_scans AS h\n"                                                                 \
    "               WHERE h.tenant_id = ended.tenant_id AND h.ok AND h.at_s > last_s AND h.at_s < before_s),\n"        \
    "           end_s, last_s) AS until_s\n"                                                                           \
    "    FROM ended\n"                                                                                                 \
    "), marked AS ( -- whether it is another status than just before\n"                                                \
    "    SELECT *, coalesce(lag(until_s) OVER one < first_s OR lower(lag(status) OVER one) <> lower(status), 1) AS "   \
    "new\n"                                                                                                            \
    "    FROM held\n"                                                                                                  \
    "    WINDOW one AS (ORDER BY first_s)\n"                                                                           \
    "), numbered AS (\n"                                                                                               \
    "    SELECT *, sum(new) OVER (ORDER BY first_s) AS n\n"                                                            \
    "    FROM marked\n"                                                                                                \
    "), joined AS (\n"                                                                                                 \
    "    SELECT max(iif(new, status, NULL)) AS status, min(first_s) AS first_s, max(last_s) AS last_s,\n"              \
    "           max(until_s) AS until_s\n"                                                                             \
    "    FROM numbered\n"                                                                                              \
    "    GROUP BY n\n"                                                                                                 \
    "), known AS ( -- of what was asked for: some time, or at least the scan that saw it last\n"                       \
    "    SELECT max(first_s, from_s) AS from_s, min(until_s, to_s, now_s) AS to_s, status, last_s\n"                   \
    "    FROM asked CROSS JOIN joined\n"                                                                               \
    "    WHERE max(first_s, from_s) < min(until_s, to_s, now_s)\n"                                                     \
    "       OR (last_s = until_s AND last_s >= from_s AND last_s < to_s AND last_s <= now_s)\n"                        \
    "), unknown AS ( -- before the first of them, and behind each\n"                                                   \
    "    SELECT from_s, coalesce((SELECT min(from_s) FROM known), min(to_s, now_s)) AS to_s\n"                         \
    "    FROM asked\n"                                                                                                 \
    "    UNION ALL\n"                                                                                                  \
    "    SELECT known.to_s, lead(known.from_s, 1, min(asked.to_s, now_s)) OVER (ORDER BY known.from_s)\n"              \
    "    FROM asked CROSS JOIN known\n"                                                                                \
    "), stretches AS (\n"                                                                                              \
    "    SELECT from_s, to_s, status, last_s,\n"                                                                       \
    "           coalesce((SELECT priority FROM status_map WHERE name = lower(status)), ?9) AS priority\n"              \
    "    FROM known\n"                                                                                                 \
    "    UNION ALL\n"                                                                                                  \
    "    SELECT from_s, to_s, NULL, NULL, -1\n"                                                                        \
    "    FROM unknown\n"                                                                                               \
    "    WHERE from_s < to_s\n"                                                                                        \
    ")\n"

#define FIGURE_TIME(seconds) "strftime('%Y-%m-%dT%H:%M:%SZ', " seconds ", 'unixepoch')"
#define FIGURE_FROM_TO       FIGURE_TIME("from_s") " AS \"from\",\n       " FIGURE_TIME("to_s") " AS \"to\""

/* Of records that are about services: what is asked for, the service's names, and the customer's records, which are to
 * be found by their table's key before anything else is asked of them. */
#define FIGURE_ABOUT(records, view, columns, time, name)                                                               \
    "WITH asked AS (\n"                                                                                                \
    "    SELECT ?1 AS customer, ?2 AS tenant_id, ?3 AS asked_service,\n"                                               \
    "           ?4 AS since,\n"                                                                                        \
    "           ?5 AS until,\n"                                                                                        \
    "           ?6 AS act_until\n"                                                                                     \
    "), names AS ( -- that the service goes by\n"                                                                      \
    "    SELECT asked_service AS name FROM asked\n"                                                                    \
    "    UNION\n"                                                                                                      \
    "    SELECT service FROM asked CROSS JOIN service_overviews USING (tenant_id) WHERE id = asked_service\n"          \
    "), " records " AS MATERIALIZED ( -- of the customer\n"                                                            \
    "    SELECT " columns ",\n"                                                                                        \
    "           coalesce(" time ", replace(first_seen, 'Z', '.0000000Z')) AS " name "\n"                               \
    "    FROM " view "\n"                                                                                              \
    "    WHERE tenant_id = (SELECT tenant_id FROM asked)\n"                                                            \
    ")\n"

/* A mail as mail.c reads it, by position. */
#define MAIL_COLUMNS                                                                                                   \
    "m.mail_id, coalesce(m.customer_id, 0), c.name, m.kind, coalesce(m.from_s, 0), coalesce(m.to_s, 0), m.subject, "   \
    "m.sender, m.message_id, m.state, m.attempts, m.created_at, coalesce(m.next_attempt_at, 0), "                      \
    "coalesce(m.sent_at, 0), m.answer, m.queued_at"

/* Keeps the body that a row of health has now, unless it was kept before. */
#define HEALTH_VERSION(version, table, id)                                                                             \
    "INSERT INTO " version " (" id ", seq, stored_at, replaced_at, content_hash, raw) "                                \
    "SELECT " id ", seq, coalesce(changed_at, first_seen), ?2, content_hash, raw FROM " table " AS r "                 \
    "WHERE " id " = ?1 AND NOT EXISTS "                                                                                \
    "(SELECT 1 FROM " version " AS v WHERE v." id " = ?1 AND v.content_hash = r.content_hash)"

/* Which records of service health retention deletes, told from nothing but what they say themselves, so that a scan
 * does not store again what goes (see retention.h): issues that are resolved and messages that ended, both not modified
 * since `line`, a timestamp. What says nothing of when it was stays. */
#define RETENTION_ISSUE_GOES(line)                                                                                     \
    "(coalesce(is_resolved, \"end\" < " line ") AND coalesce(last_modified, \"end\", start) < " line ")"
#define RETENTION_MESSAGE_GOES(line) "(\"end\" < " line " AND coalesce(last_modified, \"end\") < " line ")"

/* Rows of a table that full text is kept of, by id, with what is derived from their bytes; renormalize_states.c reads
 * it by position. */
#define RENORMALIZE_ROWS(table, id, fts, columns)                                                                      \
    "SELECT r." id ", r.seq, r.customer_id, r.raw, f.text, f.facets, " columns " FROM " table " AS r LEFT JOIN " fts   \
    " AS f ON f.rowid = r." id " WHERE r." id " BETWEEN ?1 AND ?2 ORDER BY r." id

/* What is known of a record of health: its row, the hash of its body, when that was modified, and received. */
#define RENORMALIZE_KNOWN(table, id, modified)                                                                         \
    "SELECT " id ", content_hash, " modified ", coalesce(changed_at, first_seen) FROM " table                          \
    " WHERE customer_id = ?1 AND id = ?2"

/* Keeps a body that was received before the present one as an earlier one, unless it was kept before. It was replaced
 * by the next that came. */
#define RENORMALIZE_VERSION(version, table, id)                                                                        \
    "INSERT INTO " version " (" id ", seq, stored_at, replaced_at, content_hash, raw) "                                \
    "SELECT ?1, ?2, ?3, coalesce((SELECT min(at) FROM "                                                                \
    "(SELECT stored_at AS at FROM " version " WHERE " id " = ?1 "                                                      \
    "UNION ALL SELECT coalesce(changed_at, first_seen) FROM " table " WHERE " id " = ?1) WHERE at >= ?3), ?3), "       \
    "?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM " version " WHERE " id " = ?1 AND content_hash = ?4)"

/* It was known at that time already. */
#define RENORMALIZE_SINCE(table, id) "UPDATE " table " SET first_seen = min(first_seen, ?2), seq = ?3 WHERE " id " = ?1"

/* How prune goes through a table, by a key. */
#define PRUNE_KEYS(key) "AND " key " >= ?1 AND " key " <= ?2 ORDER BY " key " LIMIT ?3"

/* The form in which the mirror's ids have a second. */
#define ISO_SECONDS(seconds) "strftime('%Y-%m-%dT%H:%M:%SZ', " seconds ", 'unixepoch')"
#define PRUNE_CHANGE_TAIL    "id || ':' || " ISO_SECONDS("seen_at") " || ':' || first_seq"

/* The last good scan of a customer. */
#define PRUNE_LAST_GOOD(customer)                                                                                      \
    "(SELECT at FROM health_scan WHERE customer_id = " customer " AND ok ORDER BY at DESC LIMIT 1)"

/* Old bodies of records but for those of which `goes` is true, unless they are held. */
#define PRUNE_VERSIONS(version, table, id, goes)                                                                       \
    "SELECT v.rowid, r.customer_id, 0, v.replaced_at, NULL FROM " version " AS v CROSS JOIN " table " AS r "           \
    "USING (" id ") WHERE v.replaced_at < ?4 AND NOT (r.seq <= ?6 AND coalesce(" goes ", 0)) " PRUNE_KEYS("v.rowid")

/* The next ?2 rows of a customer's in a table, in the order of an index. */
#define FORGET_SOME(columns, table, order)                                                                             \
    "(SELECT " columns " FROM " table " WHERE customer_id = ?1 ORDER BY " order " LIMIT ?2)"

/* A document's _id begins with its tenant. */
#define FORGET_OF_TENANT(tenant) "substr(doc_id, 1, length(" tenant ") + 1) = " tenant " || ':'"

/* In the place of a sentence that names who is forgotten. */
#define FORGET_WORDS "'it may have named a customer who was forgotten'"

/* Seconds as the views show them. */
#define FORGET_ISO(seconds) "strftime('%Y-%m-%dT%H:%M:%SZ', " seconds ", 'unixepoch')"

/* Rows of a customer's that are no records: single ones, what hangs on others, what the mirror was refused. */
#define FORGET_OTHERS                                                                                                  \
    "SELECT count(*) AS n FROM user_listing WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM user_change "        \
    "WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM service_state WHERE customer_id = ?1 UNION ALL "            \
    "SELECT count(*) FROM health_scan WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM service_overview "         \
    "WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM mail WHERE customer_id = ?1 UNION ALL SELECT "              \
    "count(*) FROM content_blob WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM unreadable_record WHERE "        \
    "customer_id = ?1 UNION ALL SELECT count(*) FROM coverage_span WHERE customer_id = ?1 UNION ALL SELECT "           \
    "count(*) FROM collect_cursor WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM collect_round WHERE "          \
    "customer_id = ?1 UNION ALL SELECT count(*) FROM retention_line WHERE customer_id = ?1 UNION ALL SELECT "          \
    "count(*) FROM collection WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM event_version CROSS JOIN "         \
    "event USING (event_id) WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM overview_version CROSS JOIN "        \
    "service_overview USING (overview_id) WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM issue_version "        \
    "CROSS JOIN service_issue USING (issue_id) WHERE customer_id = ?1 UNION ALL SELECT count(*) FROM "                 \
    "message_version CROSS JOIN service_message USING (message_id) WHERE customer_id = ?1 UNION ALL SELECT "           \
    "count(*) FROM mail_recipient CROSS JOIN mail USING (mail_id) WHERE customer_id = ?1 UNION ALL SELECT "            \
    "count(*) FROM mirror_reject WHERE " FORGET_OF_TENANT("?2")

/* Both sides of an FTS table, compared by id. */
#define FTS_IDS(what, table, id, fts)                                                                                  \
    "SELECT '" what " ' || " id " || ' has no row in " fts "' FROM " table " WHERE " id " NOT IN (SELECT id FROM " fts \
    "_content) "                                                                                                       \
    "UNION ALL SELECT '" fts " has the row ' || id || ' of no " what "' FROM " fts "_content WHERE id NOT IN "         \
    "(SELECT " id " FROM " table ") "

/* The keys that keep records from being stored twice, and the events they belong to. */
#define KEY_IDS                                                                                                        \
    "SELECT 'the key ' || lower(hex(key)) || ' belongs to no event' FROM event_key "                                   \
    "WHERE event_id NOT IN (SELECT event_id FROM event) "                                                              \
    "UNION ALL "                                                                                                       \
    "SELECT 'there are ' || events || ' events but ' || keys || ' keys' "                                              \
    "FROM (SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM event_key) AS keys) "                  \
    "WHERE events <> keys "

#define EVENT_IDS   FTS_IDS("event", "event", "event_id", "event_fts")
#define USER_IDS    FTS_IDS("user", "user", "user_id", "user_fts")
#define ISSUE_IDS   FTS_IDS("issue", "service_issue", "issue_id", "issue_fts")
#define MESSAGE_IDS FTS_IDS("message", "service_message", "message_id", "message_fts")

/* Those that are read by stretches of time. */
#define EVENT_SOURCES "'sign-ins', 'directory-audits', 'intune-audits', 'unified-audit'"

/* One row, a sentence, where two sides of the store differ. */
#define VERIFY_IDS       USER_IDS "UNION ALL " ISSUE_IDS "UNION ALL " MESSAGE_IDS "LIMIT 1"
#define VERIFY_EVENT_IDS EVENT_IDS "UNION ALL " KEY_IDS "LIMIT 1"

const struct statement_text statement_texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = {"begin", "BEGIN IMMEDIATE"},
    [STATEMENT_BEGIN_READ] = {"begin_read", "BEGIN"},
    [STATEMENT_COMMIT] = {"commit", "COMMIT"},
    [STATEMENT_ROLLBACK] = {"rollback", "ROLLBACK"},
    [STATEMENT_USER_VERSION] = {"user_version", "PRAGMA user_version"},
    [STATEMENT_USE_WAL] = {"use_wal", "PRAGMA journal_mode = WAL"},

    [STATEMENT_CUSTOMER_FIND] = {"customer_find",
                                 "SELECT customer_id FROM customer WHERE name = ?1 AND tenant_id = ?2"},
    [STATEMENT_CUSTOMER_RENAME] = {"customer_rename",
                                   "UPDATE customer SET name = ?1 WHERE tenant_id = ?2 RETURNING customer_id"},
    [STATEMENT_CUSTOMER_TENANTS] = {"customer_tenants",
                                    "SELECT tenant_id FROM customer WHERE name = ?1 COLLATE NOCASE"},
    [STATEMENT_CUSTOMER_TENANT] = {"customer_tenant", "SELECT tenant_id FROM customer WHERE customer_id = ?1"},
    [STATEMENT_CUSTOMER_INSERT] = {"customer_insert",
                                   "INSERT INTO customer (name, tenant_id) VALUES (?1, ?2) RETURNING customer_id"},

    [STATEMENT_SEQ_READ] = {"seq_read", "SELECT value FROM counter WHERE name = 'seq'"},
    [STATEMENT_SEQ_WRITE] = {"seq_write", "UPDATE counter SET value = ?1 WHERE name = 'seq'"},

    [STATEMENT_KEY_FIND] = {"key_find", "SELECT event_id, content_hash FROM event_key WHERE key = ?1"},
    [STATEMENT_KEY_INSERT] = {"key_insert", "INSERT INTO event_key (key, event_id, content_hash) VALUES (?1, ?2, ?3)"},
    [STATEMENT_KEY_UPDATE] = {"key_update", "UPDATE event_key SET event_id = ?2, content_hash = ?3 WHERE key = ?1"},

    [STATEMENT_EVENT_LAST_OF_SECOND] = {"event_last_of_second",
                                        "SELECT event_id FROM event WHERE event_id >= ?1 AND event_id < ?2 "
                                        "ORDER BY event_id DESC LIMIT 1"},
    [STATEMENT_EVENT_INSERT] = {"event_insert",
                                "INSERT INTO event (event_id, customer_id, source, id, dedupe_key, timestamp, service, "
                                "operation, result, actor_display, target_displays, display_summary, first_seen, "
                                "first_seq, seq, raw) "
                                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15)"},
    [STATEMENT_EVENT_UPDATE] = {"event_update",
                                "UPDATE event SET event_id = ?2, timestamp = ?3, service = ?4, operation = ?5, "
                                "result = ?6, actor_display = ?7, target_displays = ?8, display_summary = ?9, "
                                "changed_at = ?10, seq = ?11, raw = ?12 WHERE event_id = ?1"},
    [STATEMENT_VERSION_INSERT] =
        {"version_insert", "INSERT INTO event_version (event_id, seq, stored_at, replaced_at, content_hash, raw) "
                           "SELECT event_id, seq, coalesce(changed_at, first_seen), ?2, ?3, raw "
                           "FROM event WHERE event_id = ?1 AND NOT EXISTS "
                           "(SELECT 1 FROM event_version WHERE event_id = ?1 AND content_hash = ?3)"},
    [STATEMENT_VERSION_MOVE] = {"version_move", "UPDATE event_version SET event_id = ?2 WHERE event_id = ?1"},
    [STATEMENT_FTS_INSERT] = {"fts_insert", "INSERT INTO event_fts (rowid, text, facets) VALUES (?1, ?2, ?3)"},
    [STATEMENT_FTS_DELETE] = {"fts_delete", "DELETE FROM event_fts WHERE rowid = ?1"},

    [STATEMENT_UNREADABLE_INSERT] = {"unreadable_insert",
                                     "INSERT INTO unreadable_record (customer_id, source, received_at, request_id, "
                                     "reason, body_hash, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
                                     "ON CONFLICT (customer_id, source, body_hash) DO NOTHING"},
    [STATEMENT_COLLECTION_ADD] = {"collection_add",
                                  "INSERT INTO collection (customer_id, source, records, newest) "
                                  "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (customer_id, source) DO UPDATE SET "
                                  "records = records + excluded.records, "
                                  "newest = max(coalesce(newest, excluded.newest), coalesce(excluded.newest, newest))"},
    [STATEMENT_COLLECTION_NOTE] = {"collection_note",
                                   "INSERT INTO collection (customer_id, source, last_run_at, last_success_at, "
                                   "last_error_at, last_error, last_status) VALUES (?1, ?2, ?3, iif(?5 = 'ok', ?3, "
                                   "NULL), iif(?5 IN ('partial', 'failed'), ?3, NULL), ?4, ?5) "
                                   "ON CONFLICT (customer_id, source) DO UPDATE SET "
                                   "last_run_at = excluded.last_run_at, "
                                   "last_success_at = coalesce(excluded.last_success_at, last_success_at), "
                                   "last_error_at = coalesce(excluded.last_error_at, last_error_at), "
                                   "last_error = excluded.last_error, last_status = excluded.last_status"},

    [STATEMENT_COVERAGE_OVERLAP] = {"coverage_overlap",
                                    "SELECT from_s, to_s, state, read_at, reads, records, late_records "
                                    "FROM coverage_span WHERE " COVERAGE_OVERLAP " ORDER BY from_s"},
    [STATEMENT_COVERAGE_DELETE] = {"coverage_delete", "DELETE FROM coverage_span WHERE " COVERAGE_OVERLAP},
    [STATEMENT_COVERAGE_INSERT] =
        {"coverage_insert", "INSERT INTO coverage_span (customer_id, source, part, from_s, to_s, state, read_at, "
                            "reads, records, late_records) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
    [STATEMENT_CURSOR_READ] = {"cursor_read",
                               "SELECT from_s, to_s, next_link, records, saved_at, late_records FROM collect_cursor "
                               "WHERE customer_id = ?1 AND source = ?2 AND part = ?3"},
    [STATEMENT_CURSOR_WRITE] = {"cursor_write",
                                "INSERT OR REPLACE INTO collect_cursor (customer_id, source, part, from_s, to_s, "
                                "next_link, records, late_records, saved_at) "
                                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
    [STATEMENT_CURSOR_DELETE] = {"cursor_delete", "DELETE FROM collect_cursor WHERE " COVERAGE_OVERLAP},

    [STATEMENT_USER_FIND] = {"user_find",
                             "SELECT user_id, content_hash, removed_at IS NOT NULL, removed_reason, raw FROM user "
                             "WHERE customer_id = ?1 AND id = ?2"},
    /* Parameters 2 to 11 mean the same in both. */
    [STATEMENT_USER_INSERT] = {"user_insert",
                               "INSERT INTO user (customer_id, user_principal_name, display_name, mail, "
                               "account_enabled, user_type, created, last_sign_in, content_hash, raw, first_seq, seq, "
                               "first_seen, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13)"},
    [STATEMENT_USER_UPDATE] = {"user_update",
                               "UPDATE user SET user_principal_name = ?2, display_name = ?3, mail = ?4, "
                               "account_enabled = ?5, user_type = ?6, created = ?7, last_sign_in = ?8, "
                               "content_hash = ?9, raw = ?10, seq = ?11, changed_at = coalesce(?12, changed_at) "
                               "WHERE user_id = ?1"},
    [STATEMENT_USER_STATE] = {"user_state",
                              "UPDATE user SET removed_at = iif(?2 IS NULL, NULL, coalesce(removed_at, ?3)), "
                              "removed_reason = ?2, changed_at = ?3, seq = ?4 WHERE user_id = ?1"},
    [STATEMENT_USER_CHANGE_INSERT] = {"user_change_insert",
                                      "INSERT INTO user_change (customer_id, id, field, old_value, new_value, seen_at, "
                                      "first_seq, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"},
    [STATEMENT_USER_FTS_READ] = {"user_fts_read", "SELECT text, facets FROM user_fts WHERE rowid = ?1"},
    [STATEMENT_USER_FTS_INSERT] = {"user_fts_insert", "INSERT INTO user_fts (rowid, text, facets) VALUES (?1, ?2, ?3)"},
    [STATEMENT_USER_FTS_DELETE] = {"user_fts_delete", "DELETE FROM user_fts WHERE rowid = ?1"},
    [STATEMENT_USERS_PRESENT] = {"users_present",
                                 "SELECT count(*) FROM user WHERE customer_id = ?1 AND removed_at IS NULL"},
    [STATEMENT_LISTING_EMPTY] = {"listing_empty", "DELETE FROM user_listing WHERE customer_id = ?1"},
    [STATEMENT_LISTING_INSERT] = {"listing_insert", "INSERT INTO user_listing (customer_id, user_id) VALUES (?1, ?2) "
                                                    "ON CONFLICT (customer_id, user_id) DO NOTHING"},
    [STATEMENT_LISTING_ANY] = {"listing_any", "SELECT 1 FROM user_listing WHERE customer_id = ?1 LIMIT 1"},
    [STATEMENT_LISTING_MISSING] = {"listing_missing",
                                   "SELECT user_id, id FROM user AS u WHERE customer_id = ?1 AND removed_at IS NULL "
                                   "AND user_id > ?2 AND NOT EXISTS (SELECT 1 FROM user_listing AS l "
                                   "WHERE l.customer_id = ?1 AND l.user_id = u.user_id) ORDER BY user_id LIMIT ?3"},
    [STATEMENT_ROUND_READ] =
        {"round_read",
         "SELECT kind, query, link, delta_link, complete, records, unreadable, started_at, "
         "completed_at, saved_at FROM collect_round WHERE customer_id = ?1 AND source = ?2 AND part = ?3"},
    [STATEMENT_ROUND_WRITE] = {"round_write",
                               "INSERT OR REPLACE INTO collect_round (customer_id, source, part, kind, query, link, "
                               "delta_link, complete, records, unreadable, started_at, completed_at, saved_at) "
                               "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},

    [STATEMENT_OVERVIEW_FIND] = {"overview_find", "SELECT overview_id, content_hash FROM service_overview "
                                                  "WHERE customer_id = ?1 AND id = ?2"},
    [STATEMENT_OVERVIEW_WRITE] = {"overview_write",
                                  HEALTH_WRITE("service_overview", "overview_id", "service, status", "?7, ?8",
                                               "service = excluded.service, status = excluded.status")},
    [STATEMENT_OVERVIEW_VERSION_INSERT] = {"overview_version_insert",
                                           HEALTH_VERSION("overview_version", "service_overview", "overview_id")},
    [STATEMENT_ISSUE_FIND] = {"issue_find", "SELECT issue_id, content_hash FROM service_issue "
                                            "WHERE customer_id = ?1 AND id = ?2"},
    [STATEMENT_ISSUE_WRITE] = {"issue_write",
                               HEALTH_WRITE(
                                   "service_issue", "issue_id",
                                   "title, start, \"end\", last_modified, service, classification, status, is_resolved",
                                   "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14",
                                   "title = excluded.title, start = excluded.start, \"end\" = excluded.\"end\", "
                                   "last_modified = excluded.last_modified, service = excluded.service, "
                                   "classification = excluded.classification, status = excluded.status, "
                                   "is_resolved = excluded.is_resolved")},
    [STATEMENT_ISSUE_VERSION_INSERT] = {"issue_version_insert",
                                        HEALTH_VERSION("issue_version", "service_issue", "issue_id")},
    [STATEMENT_ISSUE_FTS_READ] = {"issue_fts_read", "SELECT text, facets FROM issue_fts WHERE rowid = ?1"},
    [STATEMENT_ISSUE_FTS_INSERT] = {"issue_fts_insert",
                                    "INSERT INTO issue_fts (rowid, text, facets) VALUES (?1, ?2, ?3)"},
    [STATEMENT_ISSUE_FTS_DELETE] = {"issue_fts_delete", "DELETE FROM issue_fts WHERE rowid = ?1"},
    [STATEMENT_MESSAGE_FIND] = {"message_find", "SELECT message_id, content_hash FROM service_message "
                                                "WHERE customer_id = ?1 AND id = ?2"},
    [STATEMENT_MESSAGE_WRITE] =
        {"message_write",
         HEALTH_WRITE("service_message", "message_id",
                      "title, start, \"end\", last_modified, services, category, severity, is_major_change, "
                      "action_required_by",
                      "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15",
                      "title = excluded.title, start = excluded.start, \"end\" = excluded.\"end\", "
                      "last_modified = excluded.last_modified, services = excluded.services, "
                      "category = excluded.category, severity = excluded.severity, "
                      "is_major_change = excluded.is_major_change, action_required_by = excluded.action_required_by")},
    [STATEMENT_MESSAGE_VERSION_INSERT] = {"message_version_insert",
                                          HEALTH_VERSION("message_version", "service_message", "message_id")},
    [STATEMENT_MESSAGE_FTS_READ] = {"message_fts_read", "SELECT text, facets FROM message_fts WHERE rowid = ?1"},
    [STATEMENT_MESSAGE_FTS_INSERT] = {"message_fts_insert",
                                      "INSERT INTO message_fts (rowid, text, facets) VALUES (?1, ?2, ?3)"},
    [STATEMENT_MESSAGE_FTS_DELETE] = {"message_fts_delete", "DELETE FROM message_fts WHERE rowid = ?1"},

    [STATEMENT_SCAN_INSERT] = {"scan_insert", "INSERT INTO health_scan (customer_id, at, ok, error) "
                                              "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (customer_id, at) DO NOTHING"},
    [STATEMENT_SCAN_LAST_GOOD] = {"scan_last_good", "SELECT at FROM health_scan WHERE customer_id = ?1 AND ok "
                                                    "AND at <= ?2 ORDER BY at DESC LIMIT 1"},
    [STATEMENT_STATE_AROUND] = {"state_around", "SELECT max(last_seen) FROM service_state WHERE customer_id = ?1 "
                                                "AND first_seen <= ?2 AND last_seen >= ?2"},
    [STATEMENT_STATE_LATEST] = {"state_latest", "SELECT state_id, status FROM service_state WHERE customer_id = ?1 "
                                                "AND service = ?2 AND last_seen = ?3 ORDER BY first_seen DESC LIMIT 1"},
    [STATEMENT_STATE_INSERT] = {"state_insert",
                                "INSERT INTO service_state (customer_id, service, status, first_seen, last_seen, "
                                "samples, first_seq, seq) VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5, ?5)"},
    [STATEMENT_STATE_EXTEND] = {"state_extend", "UPDATE service_state SET last_seen = ?2, samples = samples + 1, "
                                                "seq = ?3 WHERE state_id = ?1"},

    [STATEMENT_RETENTION_LINE] = {"retention_line",
                                  "SELECT before_s FROM retention_line WHERE customer_id = ?1 AND source = ?2"},
    [STATEMENT_RETENTION_ISSUE_GOES] = {"retention_issue_goes", "SELECT " RETENTION_ISSUE_GOES(
                                                                    "?1") " FROM (SELECT ?2 AS start, ?3 AS \"end\", "
                                                                          "?4 AS last_modified, ?5 AS is_resolved)"},
    [STATEMENT_RETENTION_MESSAGE_GOES] = {"retention_message_goes",
                                          "SELECT " RETENTION_MESSAGE_GOES("?1") " FROM (SELECT ?3 AS \"end\", "
                                                                                 "?4 AS last_modified)"},

    [STATEMENT_SEARCH_ALL] = {"search_all",
                              "SELECT " EVENT_COLUMNS " FROM events WHERE event_id >= ?1 AND event_id <= ?2 "
                              "ORDER BY event_id DESC LIMIT ?3"},
    [STATEMENT_SEARCH_FTS] = {"search_fts", "SELECT " EVENT_COLUMNS " FROM event_fts CROSS JOIN events "
                                            "ON event_id = event_fts.rowid WHERE event_fts MATCH ?4 "
                                            "AND event_fts.rowid >= ?1 AND event_fts.rowid <= ?2 "
                                            "ORDER BY event_fts.rowid DESC LIMIT ?3"},
    [STATEMENT_COUNT_ALL] = {"count_all",
                             "SELECT count(*) FROM (SELECT 1 FROM event WHERE event_id >= ?1 AND event_id <= ?2 "
                             "LIMIT ?3)"},
    [STATEMENT_COUNT_FTS] = {"count_fts", "SELECT count(*) FROM (SELECT 1 FROM event_fts WHERE event_fts MATCH ?4 "
                                          "AND rowid >= ?1 AND rowid <= ?2 LIMIT ?3)"},
    /* Parses the expression and finds nothing. */
    [STATEMENT_FTS_CHECK_SYNTAX] = {"fts_check_syntax",
                                    "SELECT rowid FROM event_fts WHERE event_fts MATCH ?1 AND rowid > 0 AND rowid < 0"},

    [STATEMENT_SEARCH_USERS_ALL] = {"search_users_all", "SELECT user_id FROM user WHERE (removed_at IS NOT NULL) = ?1 "
                                                        "ORDER BY user_principal_name, user_id LIMIT ?2"},
    [STATEMENT_SEARCH_USERS_FTS] = {"search_users_fts",
                                    "SELECT user_id FROM user_fts CROSS JOIN user ON user_id = user_fts.rowid "
                                    "WHERE user_fts MATCH ?3 AND (removed_at IS NOT NULL) = ?1 "
                                    "ORDER BY user_principal_name, user_id LIMIT ?2"},
    [STATEMENT_SEARCH_USERS_ROW] = {"search_users_row", "SELECT " USER_COLUMNS " FROM users WHERE user_id = ?1"},

    [STATEMENT_SEARCH_ISSUES_ALL] = {"search_issues_all",
                                     "SELECT issue_id FROM service_issue WHERE " HEALTH_LATEST("issue_id")},
    [STATEMENT_SEARCH_ISSUES_FTS] = {"search_issues_fts",
                                     "SELECT issue_id FROM issue_fts CROSS JOIN service_issue "
                                     "ON issue_id = issue_fts.rowid WHERE issue_fts MATCH ?4 AND " HEALTH_LATEST(
                                         "issue_id")},
    [STATEMENT_SEARCH_ISSUES_ROW] = {"search_issues_row",
                                     "SELECT issue_id, coalesce(is_resolved, -1), " HEALTH_COLUMNS
                                     ", service, classification, status, posts FROM service_issues "
                                     "WHERE issue_id = ?1"},
    [STATEMENT_SEARCH_MESSAGES_ALL] = {"search_messages_all",
                                       "SELECT message_id FROM service_message WHERE " HEALTH_LATEST("message_id")},
    [STATEMENT_SEARCH_MESSAGES_FTS] =
        {"search_messages_fts",
         "SELECT message_id FROM message_fts CROSS JOIN service_message "
         "ON message_id = message_fts.rowid WHERE message_fts MATCH ?4 AND " HEALTH_LATEST("message_id")},
    [STATEMENT_SEARCH_MESSAGES_ROW] = {"search_messages_row",
                                       "SELECT message_id, coalesce(is_major_change, -1), " HEALTH_COLUMNS
                                       ", services, category, severity, action_required_by FROM service_messages "
                                       "WHERE message_id = ?1"},

    [STATEMENT_STATUS_BEGIN] = {"status_begin", "BEGIN"},
    [STATEMENT_STATUS_SOURCES] =
        {"status_sources",
         "SELECT c.customer_id, c.name, c.tenant_id, s.source, coalesce(l.records, 0), l.newest, "
         "coalesce(l.last_run_at, 0), coalesce(l.last_success_at, 0), coalesce(l.last_error_at, 0), l.last_status, "
         "l.last_error FROM (SELECT customer_id, source FROM collection "
         "UNION SELECT customer_id, source FROM coverage_span "
         "UNION SELECT customer_id, source FROM collect_round "
         "UNION SELECT customer_id, 'health' FROM customer AS h "
         "WHERE EXISTS (SELECT 1 FROM health_scan AS n WHERE n.customer_id = h.customer_id)) AS s "
         "CROSS JOIN customer AS c ON c.customer_id = s.customer_id "
         "LEFT JOIN collection AS l ON l.customer_id = s.customer_id AND l.source = s.source "
         "ORDER BY c.name, c.customer_id, s.source"},
    [STATEMENT_STATUS_UNREADABLE] = {"status_unreadable",
                                     "SELECT count(*) FROM unreadable_record WHERE customer_id = ?1 AND source = ?2"},
    [STATEMENT_STATUS_COVERAGE] = {"status_coverage",
                                   "SELECT part, from_s, to_s, state, coalesce(read_at, 0) FROM coverage_span "
                                   "WHERE customer_id = ?1 AND source = ?2 ORDER BY part, from_s"},
    /* From the last good scan before ?2 on, or from the first scan there was. */
    [STATEMENT_STATUS_SCANS] = {"status_scans",
                                "SELECT at, ok FROM health_scan WHERE customer_id = ?1 AND at >= coalesce("
                                "(SELECT at FROM health_scan WHERE customer_id = ?1 AND at < ?2 AND ok <> 0 "
                                "ORDER BY at DESC LIMIT 1), -9223372036854775808) ORDER BY at"},
    [STATEMENT_STATUS_EVENTS] = {"status_events",
                                 "SELECT " SAMPLED ", customer_id, source FROM event "
                                 "WHERE event_id >= ?1 AND event_id < ?2 ORDER BY event_id DESC LIMIT ?3"},
    [STATEMENT_STATUS_EVENTS_OF_SOURCE] =
        {"status_events_of_source",
         "SELECT " SAMPLED " FROM event WHERE event_id IN (SELECT event_id FROM (SELECT event_id, customer_id, source "
         "FROM event WHERE event_id < ?3 ORDER BY event_id DESC LIMIT ?4) WHERE customer_id = ?1 AND source = ?2)"},
    [STATEMENT_STATUS_USER_BYTES] = {"status_user_bytes", "SELECT count(*), total(n) FROM (" SOME_BYTES("user") ")"},
    [STATEMENT_STATUS_HEALTH_BYTES] = {"status_health_bytes",
                                       "SELECT count(*), total(n) FROM (" SOME_BYTES(
                                           "service_issue") " UNION ALL " SOME_BYTES("service_message") ")"},
    [STATEMENT_STATUS_RETENTION] = {"status_retention", "SELECT before_s, pruned_at, records FROM retention_line "
                                                        "WHERE customer_id = ?1 AND source = ?2"},
    [STATEMENT_STATUS_FIRST_SCAN] = {"status_first_scan", "SELECT min(at) FROM health_scan WHERE customer_id = ?1"},
    [STATEMENT_STATUS_TASKS] = {"status_tasks",
                                "SELECT task, coalesce(started_at, 0), coalesce(finished_at, 0), outcome "
                                "FROM maintenance ORDER BY task"},
    [STATEMENT_STATUS_FILE] = {"status_file", "SELECT page_count * page_size, freelist_count * page_size "
                                              "FROM pragma_page_count, pragma_page_size, pragma_freelist_count"},
    [STATEMENT_STATUS_MIRROR] = {"status_mirror", "SELECT count(*), coalesce(min(seq), 0) FROM mirror_position"},
    [STATEMENT_STATUS_BLOBS] = {"status_blobs", "SELECT count(*), coalesce(min(expires_at), 0) FROM content_blob "
                                                "WHERE fetched_at IS NULL AND lost_at IS NULL"},

    /* A tenant goes by one name, the last one; without it, the tenant that took the name last. */
    [STATEMENT_REPORT_CUSTOMER] = {"report_customer", "SELECT customer_id, tenant_id FROM customer WHERE "
                                                      "iif(?2 IS NULL, name = ?1, tenant_id = ?2) "
                                                      "ORDER BY name = ?1 DESC, customer_id DESC LIMIT 1"},
    [STATEMENT_REPORT_SERVICES] = {"report_services",
                                   "SELECT id, service, status FROM service_overview WHERE customer_id = ?1 "
                                   "ORDER BY id"},
    [STATEMENT_REPORT_STATES] = {"report_states",
                                 "SELECT service, status, first_seen, last_seen, samples FROM service_state AS s "
                                 "WHERE customer_id = ?1 AND (first_seen < ?3 AND last_seen >= " GOOD_SCAN_BEFORE " OR "
                                 "first_seen >= ?3 AND first_seen = (SELECT min(n.first_seen) FROM service_state AS n "
                                 "WHERE n.customer_id = ?1 AND n.service = s.service AND n.first_seen >= ?3)) "
                                 "ORDER BY service, first_seen"},
    [STATEMENT_REPORT_SCANS] = {"report_scans", "SELECT at, ok, error FROM health_scan WHERE customer_id = ?1 "
                                                "AND at >= " GOOD_SCAN_BEFORE " AND at <= " GOOD_SCAN_AFTER " "
                                                "AND (ok OR (at >= ?2 AND at < ?3)) ORDER BY at"},
    /* One that is said to be resolved but not since when ended when that was last said. */
    [STATEMENT_REPORT_ISSUES] =
        {"report_issues",
         "SELECT id, raw, first_seen FROM service_issue WHERE customer_id = ?1 "
         "AND " BEGUN("start") " < ?3 AND (is_resolved = 0 OR coalesce(\"end\", "
                               "iif(is_resolved, last_modified, NULL), ?3) > ?2) ORDER BY " BEGUN("start") " DESC, id"},
    [STATEMENT_REPORT_MESSAGES] =
        {"report_messages", "SELECT id, raw, first_seen FROM service_message WHERE customer_id = ?1 "
                            "AND (" BEGUN("last_modified") " >= ?2 AND " BEGUN(
                                "last_modified") " < ?3 "
                                                 "OR action_required_by >= ?2 AND action_required_by < ?4) "
                                                 "ORDER BY action_required_by IS NULL, action_required_by, " BEGUN(
                                                     "last_modified") " DESC, id"},

    [STATEMENT_FIGURE_STRETCHES] = {"figure_stretches",
                                    "-- Which status the service had, from when to when. No status: nobody knows, "
                                    "as no good scan saw it in time.\n" FIGURE_STRETCHES "SELECT " FIGURE_FROM_TO
                                    ", status, priority\n"
                                    "FROM stretches\n"
                                    "ORDER BY from_s, to_s;"},
    [STATEMENT_FIGURE_OVERALL] = {"figure_overall",
                                  "-- The worst status that the service had: the one of the lowest priority, and of "
                                  "those the first.\n" FIGURE_STRETCHES
                                  "SELECT s.status, coalesce(s.priority, -1) AS priority\n"
                                  "FROM asked LEFT JOIN stretches AS s ON s.status IS NOT NULL\n"
                                  "ORDER BY s.priority, s.from_s\n"
                                  "LIMIT 1;"},
    [STATEMENT_FIGURE_AVAILABILITY] =
        {"figure_availability",
         "-- For how long the service was operational (priorities 9 and 10), of the time that was "
         "observed.\n" FIGURE_STRETCHES
         "SELECT coalesce(sum(to_s - from_s) FILTER (WHERE priority >= 9), 0) AS operational_s,\n"
         "       coalesce(sum(to_s - from_s), 0) AS observed_s\n"
         "FROM stretches\n"
         "WHERE status IS NOT NULL;"},
    [STATEMENT_FIGURE_OCCURRENCES] =
        {"figure_occurrences",
         "-- Each time that the service had a status: from when to when, for how long, and how many good scans saw "
         "it.\n" FIGURE_STRETCHES "SELECT status, " FIGURE_FROM_TO ", to_s - from_s AS seconds,\n"
         "       (SELECT count(*) FROM asked CROSS JOIN health_scans AS h USING (tenant_id)\n"
         "        WHERE h.ok AND h.at_s >= s.from_s AND h.at_s <= min(last_s, now_s) AND h.at_s < asked.to_s) AS "
         "scans\n"
         "FROM stretches AS s\n"
         "WHERE status IS NOT NULL\n"
         "ORDER BY from_s;"},
    [STATEMENT_FIGURE_GAPS] =
        {"figure_gaps", "-- When nothing was known of any service: no good scan for longer than allowed.\n" FIGURE_ASKED
                        ", before AS ( -- the last good scan that may reach into it\n"
                        "    SELECT max(at_s) AS at_s\n"
                        "    FROM asked CROSS JOIN health_scans USING (tenant_id)\n"
                        "    WHERE ok AND at_s <= min(from_s, now_s)\n"
                        "), scans AS ( -- it, and the good ones behind it, each with the next\n"
                        "    SELECT h.at_s, lead(h.at_s) OVER (ORDER BY h.at_s) AS next_s\n"
                        "    FROM asked CROSS JOIN before CROSS JOIN health_scans AS h USING (tenant_id)\n"
                        "    WHERE h.ok AND h.at_s >= coalesce(before.at_s, from_s) AND h.at_s <= now_s\n"
                        "), unknown AS ( -- before the first of them, and behind each that none followed in time\n"
                        "    SELECT from_s, min(to_s, coalesce((SELECT min(at_s) FROM scans), now_s)) AS to_s\n"
                        "    FROM asked\n"
                        "    UNION ALL\n"
                        "    SELECT max(at_s, from_s), min(coalesce(next_s, now_s), to_s)\n"
                        "    FROM asked CROSS JOIN scans\n"
                        "    WHERE coalesce(next_s, now_s) - at_s > max_gap_s\n"
                        ")\n"
                        "SELECT " FIGURE_FROM_TO "\n"
                        "FROM unknown\n"
                        "WHERE from_s < to_s\n"
                        "ORDER BY from_s;"},
    [STATEMENT_FIGURE_ISSUES] =
        {"figure_issues",
         "-- Issues that were active: begun before the end, and not ended before the beginning.\n" FIGURE_ABOUT(
             "issues", "service_issues", "id, title, status, service, is_resolved, \"end\", last_modified", "start",
             "began") "SELECT id, title, status\n"
                      "FROM asked CROSS JOIN issues\n"
                      "WHERE began < until\n"
                      "  AND (is_resolved = 0 OR coalesce(\"end\", iif(is_resolved, last_modified, NULL), "
                      "until) > since)\n"
                      "  AND (asked_service IS NULL OR service IN (SELECT name FROM names))\n"
                      "ORDER BY began DESC, id;"},
    [STATEMENT_FIGURE_ANNOUNCEMENTS] =
        {"figure_announcements",
         "-- Announcements that came or changed, or that are to be acted upon soon.\n" FIGURE_ABOUT(
             "messages", "service_messages", "id, title, services, action_required_by", "last_modified",
             "changed") "SELECT id, title, action_required_by\n"
                        "FROM asked CROSS JOIN messages\n"
                        "WHERE (changed >= since AND changed < until OR action_required_by >= since AND "
                        "action_required_by < act_until)\n"
                        "  AND (asked_service IS NULL\n"
                        "       OR EXISTS (SELECT 1 FROM json_each(services) AS s JOIN names ON s.value = "
                        "name COLLATE NOCASE))\n"
                        "ORDER BY action_required_by IS NULL, action_required_by, changed DESC, id;"},

    /* What keeps a window from being mailed once more. */
    [STATEMENT_MAIL_LIVE] = {"mail_live", "SELECT resend, mail_id, state FROM mail WHERE coalesce(customer_id, 0) = ?1 "
                                          "AND kind = ?2 AND from_s = ?3 AND to_s = ?4 AND state <> 'failed' "
                                          "ORDER BY resend DESC LIMIT 1"},
    [STATEMENT_MAIL_INSERT] =
        {"mail_insert", "INSERT INTO mail (customer_id, kind, from_s, to_s, resend, subject, sender, "
                        "message_id, state, attempts, created_at, queued_at, next_attempt_at, content_hash, message) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9, ?10, ?10, ?10, ?11, ?12) "
                        "RETURNING mail_id"},
    [STATEMENT_MAIL_RECIPIENT_INSERT] = {"mail_recipient_insert",
                                         "INSERT INTO mail_recipient (mail_id, place, address, state) "
                                         "VALUES (?1, ?2, ?3, 'queued')"},
    [STATEMENT_MAIL_LATEST] = {"mail_latest",
                               "SELECT m.mail_id FROM mail AS m WHERE m.customer_id IS ?1 AND m.kind = ?2 "
                               "AND m.from_s IS ?3 AND m.to_s IS ?4 AND (m.state <> 'failed' OR NOT EXISTS "
                               "(SELECT 1 FROM mail AS o WHERE o.customer_id IS ?1 AND o.kind = ?2 AND o.from_s IS ?3 "
                               "AND o.to_s IS ?4 AND o.state <> 'failed')) ORDER BY m.mail_id DESC LIMIT 1"},
    [STATEMENT_MAIL_DUE] = {"mail_due", "SELECT mail_id FROM mail WHERE state = 'queued' AND next_attempt_at <= ?2 "
                                        "AND (?1 = 0 OR customer_id = ?1) ORDER BY created_at, mail_id"},
    [STATEMENT_MAIL_UNSETTLED] = {"mail_unsettled",
                                  "SELECT m.mail_id FROM mail AS m WHERE m.customer_id = ?1 "
                                  "AND m.state IN ('unknown', 'failed') AND m.created_at >= ?2 AND NOT EXISTS "
                                  "(SELECT 1 FROM mail AS o WHERE o.customer_id = ?1 AND o.kind = m.kind "
                                  "AND o.from_s <= m.from_s AND o.to_s >= m.to_s AND o.mail_id > m.mail_id) "
                                  "ORDER BY m.mail_id"},
    [STATEMENT_MAIL_READ] = {"mail_read", "SELECT " MAIL_COLUMNS ", m.message FROM mail AS m LEFT JOIN customer AS c "
                                          "ON c.customer_id = m.customer_id WHERE m.mail_id = ?1"},
    [STATEMENT_MAIL_READ_HEAD] = {"mail_read_head", "SELECT " MAIL_COLUMNS " FROM mail AS m LEFT JOIN customer AS c "
                                                    "ON c.customer_id = m.customer_id WHERE m.mail_id = ?1"},
    [STATEMENT_MAIL_STATE] = {"mail_state", "SELECT state FROM mail WHERE mail_id = ?1"},
    [STATEMENT_MAIL_RECIPIENTS] = {"mail_recipients",
                                   "SELECT address, state, code, answer, may_have FROM mail_recipient "
                                   "WHERE mail_id = ?1 ORDER BY place"},
    [STATEMENT_MAIL_BEGIN] = {"mail_begin",
                              "UPDATE mail SET state = 'sending', attempts = ?2, begun_at = ?3, "
                              "next_attempt_at = NULL WHERE mail_id = ?1 AND state = 'queued' AND attempts = ?4 "
                              "RETURNING 1"},
    [STATEMENT_MAIL_NOTE] = {"mail_note", "UPDATE mail SET state = ?2, attempts = ?3, next_attempt_at = ?4, "
                                          "sent_at = ?5, answer = ?6 "
                                          "WHERE mail_id = ?1 AND state = ?7 AND attempts = ?8 RETURNING 1"},
    [STATEMENT_MAIL_RECIPIENT_UPDATE] = {"mail_recipient_update",
                                         "UPDATE mail_recipient SET state = ?3, code = ?4, answer = ?5, "
                                         "may_have = max(may_have, ?6) "
                                         "WHERE mail_id = ?1 AND address = ?2 RETURNING 1"},
    [STATEMENT_MAIL_REQUEUE] = {"mail_requeue", "UPDATE mail SET state = 'queued', queued_at = ?2, "
                                                "next_attempt_at = ?2 WHERE mail_id = ?1 AND state = 'unknown'"},
    [STATEMENT_MAIL_REQUEUE_RECIPIENTS] = {"mail_requeue_recipients",
                                           "UPDATE mail_recipient SET state = 'queued', may_have = 1 "
                                           "WHERE mail_id = ?1 AND state = 'unknown'"},
    [STATEMENT_MAIL_LEFT] = {"mail_left", "SELECT EXISTS (SELECT 1 FROM mail WHERE state = 'sending')"},
    [STATEMENT_MAIL_RECOVER] = {"mail_recover", "UPDATE mail SET state = 'unknown', next_attempt_at = NULL, "
                                                "answer = 'The program ended while the message was being handed over.' "
                                                "WHERE state = 'sending'"},
    [STATEMENT_MAIL_RECOVER_RECIPIENTS] = {"mail_recover_recipients",
                                           "UPDATE mail_recipient SET state = 'unknown', may_have = 1 "
                                           "WHERE mail_id IN (SELECT mail_id FROM mail WHERE state = 'sending') "
                                           "AND state IN ('queued', 'sending')"},

    /* The structure of an FTS5 index is its row 10 (fts5_index.c, FTS5_STRUCTURE_ROWID). */
    [STATEMENT_SHRINK_EVENT_STRUCTURE] = {"shrink_event_structure", "SELECT block FROM event_fts_data WHERE id = 10"},
    [STATEMENT_SHRINK_USER_STRUCTURE] = {"shrink_user_structure", "SELECT block FROM user_fts_data WHERE id = 10"},
    [STATEMENT_SHRINK_ISSUE_STRUCTURE] = {"shrink_issue_structure", "SELECT block FROM issue_fts_data WHERE id = 10"},
    [STATEMENT_SHRINK_MESSAGE_STRUCTURE] = {"shrink_message_structure",
                                            "SELECT block FROM message_fts_data WHERE id = 10"},
    [STATEMENT_SHRINK_EVENT_MERGE] = {"shrink_event_merge",
                                      "INSERT INTO event_fts (event_fts, rank) VALUES ('merge', ?1)"},
    [STATEMENT_SHRINK_USER_MERGE] = {"shrink_user_merge", "INSERT INTO user_fts (user_fts, rank) VALUES ('merge', ?1)"},
    [STATEMENT_SHRINK_ISSUE_MERGE] = {"shrink_issue_merge",
                                      "INSERT INTO issue_fts (issue_fts, rank) VALUES ('merge', ?1)"},
    [STATEMENT_SHRINK_MESSAGE_MERGE] = {"shrink_message_merge",
                                        "INSERT INTO message_fts (message_fts, rank) VALUES ('merge', ?1)"},
    [STATEMENT_SHRINK_EVENT_REBUILD] = {"shrink_event_rebuild", "INSERT INTO event_fts (event_fts) VALUES ('rebuild')"},
    [STATEMENT_SHRINK_USER_REBUILD] = {"shrink_user_rebuild", "INSERT INTO user_fts (user_fts) VALUES ('rebuild')"},
    [STATEMENT_SHRINK_ISSUE_REBUILD] = {"shrink_issue_rebuild", "INSERT INTO issue_fts (issue_fts) VALUES ('rebuild')"},
    [STATEMENT_SHRINK_MESSAGE_REBUILD] = {"shrink_message_rebuild",
                                          "INSERT INTO message_fts (message_fts) VALUES ('rebuild')"},
    [STATEMENT_SHRINK_TEXT_MERGED] = {"shrink_text_merged",
                                      "UPDATE counter SET value = 0 WHERE name = 'text_deleted' AND value <> 0"},
    [STATEMENT_SHRINK_DUE] = {"shrink_due", "SELECT value > 0 AND value * 10 > (SELECT coalesce(sum(records), 0) "
                                            "FROM collection WHERE source NOT IN ('users', 'health')) "
                                            "FROM counter WHERE name = 'text_deleted'"},
    [STATEMENT_SHRINK_FREE_PAGES] = {"shrink_free_pages", "PRAGMA freelist_count"},
    [STATEMENT_SHRINK_VACUUM] = {"shrink_vacuum", "PRAGMA incremental_vacuum"},
    [STATEMENT_SHRINK_SIZE] = {"shrink_size", "SELECT page_size, page_count, freelist_count FROM pragma_page_size, "
                                              "pragma_page_count, pragma_freelist_count"},
    [STATEMENT_SHRINK_REWRITE] = {"shrink_rewrite", "VACUUM"},
    [STATEMENT_SHRINK_SCRUB_BEGIN] = {"shrink_scrub_begin",
                                      "INSERT INTO maintenance (task, started_at) VALUES ('scrub', ?1) ON CONFLICT "
                                      "(task) DO UPDATE SET started_at = excluded.started_at, position = NULL"},
    [STATEMENT_SHRINK_SCRUB_DUE] = {"shrink_scrub_due", "SELECT started_at IS NOT NULL FROM maintenance "
                                                        "WHERE task = 'scrub'"},
    [STATEMENT_SHRINK_SCRUB_REWRITTEN] = {"shrink_scrub_rewritten", "SELECT position IS NOT NULL FROM maintenance "
                                                                    "WHERE task = 'scrub'"},
    [STATEMENT_SHRINK_SCRUB_REWRITE] = {"shrink_scrub_rewrite", "UPDATE maintenance SET position = ?1 "
                                                                "WHERE task = 'scrub'"},
    [STATEMENT_SHRINK_SCRUB_END] = {"shrink_scrub_end",
                                    "UPDATE maintenance SET started_at = NULL, position = NULL, finished_at = ?1, "
                                    "outcome = 'nothing is left in the file of what was forgotten' "
                                    "WHERE task = 'scrub'"},
    [STATEMENT_WAL_PAGE_SIZE] = {"wal_page_size", "PRAGMA page_size"},
    [STATEMENT_PRUNE_CUSTOMERS] = {"prune_customers", "SELECT customer_id FROM customer ORDER BY customer_id"},
    [STATEMENT_PRUNE_CUSTOMER] = {"prune_customer", "SELECT name, tenant_id FROM customer WHERE customer_id = ?1"},
    [STATEMENT_PRUNE_POSITION] = {"prune_position", "SELECT min(seq) FROM mirror_position"},
    [STATEMENT_PRUNE_REJECTS] = {"prune_rejects", "SELECT EXISTS (SELECT 1 FROM mirror_reject)"},
    [STATEMENT_PRUNE_REJECT_DELETE] = {"prune_reject_delete",
                                       "DELETE FROM mirror_reject WHERE collection = ?1 AND doc_id = ?2"},
    [STATEMENT_PRUNE_TOMBSTONE] = {"prune_tombstone",
                                   "INSERT INTO tombstone (seq, collection, doc_id) VALUES (?1, ?2, ?3)"},
    [STATEMENT_PRUNE_TEXTS] = {"prune_texts", "UPDATE counter SET value = value + ?1 WHERE name = 'text_deleted'"},
    [STATEMENT_PRUNE_LINE] = {"prune_line",
                              "INSERT INTO retention_line (customer_id, source, before_s, pruned_at, records) "
                              "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (customer_id, source) DO UPDATE SET "
                              "before_s = max(before_s, excluded.before_s), "
                              "pruned_at = max(pruned_at, excluded.pruned_at), "
                              "records = records + excluded.records"},
    [STATEMENT_PRUNE_LINES] = {"prune_lines", "SELECT customer_id, source, before_s FROM retention_line"},
    [STATEMENT_PRUNE_COLLECTION] = {"prune_collection", "UPDATE collection SET records = records - ?3 "
                                                        "WHERE customer_id = ?1 AND source = ?2"},
    [STATEMENT_PRUNE_EVENTS] = {"prune_events",
                                "SELECT sum(records) FROM collection WHERE source NOT IN ('users', 'health')"},
    [STATEMENT_PRUNE_EVENTS_BEFORE] = {"prune_events_before", "SELECT count(*) FROM event WHERE timestamp < ?1"},
    [STATEMENT_PRUNE_EVENTS_FROM] = {"prune_events_from", "SELECT count(*) FROM event WHERE timestamp >= ?1"},
    /* Of the event whose key is the next from ?1 on: bytes of the row, of its earlier bodies, and of its text. */
    [STATEMENT_PRUNE_EVENT_BYTES] =
        {"prune_event_bytes",
         "SELECT length(CAST(raw AS BLOB)) + coalesce(length(CAST(target_displays AS BLOB)), 0) "
         "+ coalesce(length(CAST(display_summary AS BLOB)), 0), "
         "(SELECT sum(length(CAST(v.raw AS BLOB))) FROM event_version AS v WHERE v.event_id = e.event_id), "
         "(SELECT length(CAST(text AS BLOB)) + length(CAST(facets AS BLOB)) FROM event_fts WHERE rowid = e.event_id) "
         "FROM event AS e WHERE event_id = (SELECT event_id FROM event_key WHERE key >= ?1 ORDER BY key LIMIT 1)"},
    [STATEMENT_PRUNE_EVENT_WALK] = {"prune_event_walk",
                                    "SELECT event_id, customer_id, source, seq FROM event "
                                    "WHERE event_id >= ?1 AND event_id < ?2 ORDER BY event_id LIMIT ?3"},
    [STATEMENT_PRUNE_EVENT_READ] = {"prune_event_read",
                                    "SELECT customer_id, source, seq, coalesce(dedupe_key, id) FROM event "
                                    "WHERE event_id = ?1"},
    [STATEMENT_PRUNE_EVENT_DELETE] = {"prune_event_delete", "DELETE FROM event WHERE event_id = ?1"},
    [STATEMENT_PRUNE_EVENT_VERSIONS_DELETE] = {"prune_event_versions_delete",
                                               "DELETE FROM event_version WHERE event_id = ?1"},
    [STATEMENT_PRUNE_TEXT_SETTING] = {"prune_text_setting", "SELECT v FROM event_fts_config WHERE k = ?1"},
    [STATEMENT_PRUNE_TEXT_SET] = {"prune_text_set", "INSERT INTO event_fts (event_fts, rank) VALUES (?1, ?2)"},
    [STATEMENT_PRUNE_SAVEPOINT] = {"prune_savepoint", "SAVEPOINT texts"},
    [STATEMENT_PRUNE_RELEASE] = {"prune_release", "RELEASE texts"},
    [STATEMENT_PRUNE_KEY_DELETE] = {"prune_key_delete", "DELETE FROM event_key WHERE key = ?1 AND event_id = ?2"},
    [STATEMENT_PRUNE_KEYS_DELETE] = {"prune_keys_delete", "DELETE FROM event_key WHERE event_id = ?1"},

    /* Rows that go by age; prune_rows.c says what the parameters and columns are. */
    [STATEMENT_PRUNE_ACCOUNTS] =
        {"prune_accounts",
         "SELECT user_id, customer_id, max(seq, coalesce((SELECT max(seq) FROM user_change AS h "
         "WHERE h.customer_id = u.customer_id AND h.id = u.id), 0)), removed_at, id "
         "FROM user AS u NOT INDEXED WHERE customer_id = ?8 AND removed_at < ?4 " PRUNE_KEYS("user_id")},
    [STATEMENT_PRUNE_ACCOUNT_CHANGES] = {"prune_account_changes", "SELECT " PRUNE_CHANGE_TAIL " FROM user_change "
                                                                  "WHERE customer_id = ?1 AND id = ?2"},
    [STATEMENT_PRUNE_ACCOUNT_CHANGES_DELETE] = {"prune_account_changes_delete",
                                                "DELETE FROM user_change WHERE customer_id = ?1 AND id = ?2"},
    [STATEMENT_PRUNE_LISTING_DELETE] = {"prune_listing_delete",
                                        "DELETE FROM user_listing WHERE user_id = ?1 AND customer_id = ?2"},
    [STATEMENT_PRUNE_ACCOUNT_DELETE] = {"prune_account_delete", "DELETE FROM user WHERE user_id = ?1"},
    /* Those of accounts that go went with them. */
    [STATEMENT_PRUNE_CHANGES] =
        {"prune_changes",
         "SELECT change_id, customer_id, seq, seen_at, " PRUNE_CHANGE_TAIL " FROM user_change AS c WHERE seen_at < ?4 "
         "AND NOT EXISTS (SELECT 1 FROM user AS u WHERE u.customer_id = c.customer_id AND u.id = c.id "
         "AND u.removed_at < ?4 AND u.seq <= ?6 AND NOT EXISTS (SELECT 1 FROM user_change AS o "
         "WHERE o.customer_id = c.customer_id AND o.id = c.id AND o.seq > ?6)) " PRUNE_KEYS("change_id")},
    [STATEMENT_PRUNE_CHANGE_DELETE] = {"prune_change_delete", "DELETE FROM user_change WHERE change_id = ?1"},
    /* One that the last good scan saw still lasts. */
    [STATEMENT_PRUNE_STATES] = {"prune_states",
                                "SELECT state_id, customer_id, seq, last_seen, service || ':' || " ISO_SECONDS(
                                    "first_seen") " FROM service_state AS s WHERE last_seen < ?4 "
                                                  "AND last_seen < " PRUNE_LAST_GOOD("s.customer_id") " " PRUNE_KEYS(
                                                      "state_id")},
    [STATEMENT_PRUNE_STATE_DELETE] = {"prune_state_delete", "DELETE FROM service_state WHERE state_id = ?1"},
    /* Not the last one, the last good one, and those by which a state that stays was last seen. */
    [STATEMENT_PRUNE_SCANS] =
        {"prune_scans",
         "SELECT at, customer_id, 0, at, NULL FROM health_scan WHERE customer_id = ?8 AND at < ?4 "
         "AND at < (SELECT max(at) FROM health_scan WHERE customer_id = ?8) "
         "AND at IS NOT " PRUNE_LAST_GOOD(
             "?8") " AND at NOT IN (SELECT last_seen FROM service_state "
                   "WHERE customer_id = ?8 AND last_seen < ?4 AND (seq > ?6 OR last_seen >= " PRUNE_LAST_GOOD(
                       "?8") ")) " PRUNE_KEYS("at")},
    [STATEMENT_PRUNE_SCAN_DELETE] = {"prune_scan_delete", "DELETE FROM health_scan WHERE at = ?1 AND customer_id = ?2"},
    [STATEMENT_PRUNE_ISSUES] =
        {"prune_issues", "SELECT issue_id, customer_id, seq, unixepoch(coalesce(last_modified, \"end\", start)), "
                         "id FROM service_issue WHERE " RETENTION_ISSUE_GOES("?5") " " PRUNE_KEYS("issue_id")},
    [STATEMENT_PRUNE_ISSUE_VERSIONS_DELETE] = {"prune_issue_versions_delete",
                                               "DELETE FROM issue_version WHERE issue_id = ?1"},
    [STATEMENT_PRUNE_ISSUE_DELETE] = {"prune_issue_delete", "DELETE FROM service_issue WHERE issue_id = ?1"},
    [STATEMENT_PRUNE_MESSAGES] =
        {"prune_messages", "SELECT message_id, customer_id, seq, unixepoch(coalesce(last_modified, \"end\")), id "
                           "FROM service_message WHERE " RETENTION_MESSAGE_GOES("?5") " " PRUNE_KEYS("message_id")},
    [STATEMENT_PRUNE_MESSAGE_VERSIONS_DELETE] = {"prune_message_versions_delete",
                                                 "DELETE FROM message_version WHERE message_id = ?1"},
    [STATEMENT_PRUNE_MESSAGE_DELETE] = {"prune_message_delete", "DELETE FROM service_message WHERE message_id = ?1"},
    /* Those of records that go went with them. */
    [STATEMENT_PRUNE_ISSUE_VERSIONS] = {"prune_issue_versions", PRUNE_VERSIONS("issue_version", "service_issue",
                                                                               "issue_id", RETENTION_ISSUE_GOES("?5"))},
    [STATEMENT_PRUNE_ISSUE_VERSION_DELETE] = {"prune_issue_version_delete",
                                              "DELETE FROM issue_version WHERE rowid = ?1"},
    [STATEMENT_PRUNE_MESSAGE_VERSIONS] = {"prune_message_versions",
                                          PRUNE_VERSIONS("message_version", "service_message", "message_id",
                                                         RETENTION_MESSAGE_GOES("?5"))},
    [STATEMENT_PRUNE_MESSAGE_VERSION_DELETE] = {"prune_message_version_delete",
                                                "DELETE FROM message_version WHERE rowid = ?1"},
    [STATEMENT_PRUNE_OVERVIEW_VERSIONS] = {"prune_overview_versions",
                                           PRUNE_VERSIONS("overview_version", "service_overview", "overview_id", "0")},
    [STATEMENT_PRUNE_OVERVIEW_VERSION_DELETE] = {"prune_overview_version_delete",
                                                 "DELETE FROM overview_version WHERE rowid = ?1"},
    /* While the service still lists a blob, knowing it keeps it from being fetched again. */
    [STATEMENT_PRUNE_BLOBS] = {"prune_blobs",
                               "SELECT content_id, customer_id, 0, listed_at, NULL FROM content_blob "
                               "WHERE customer_id = ?8 AND (fetched_at IS NOT NULL OR lost_at IS NOT NULL) "
                               "AND listed_at < ?4 AND expires_at <= ?7 " PRUNE_KEYS("content_id")},
    [STATEMENT_PRUNE_BLOB_DELETE] = {"prune_blob_delete",
                                     "DELETE FROM content_blob WHERE content_id = ?1 AND customer_id = ?2"},
    [STATEMENT_PRUNE_UNREADABLE] = {"prune_unreadable",
                                    "SELECT unreadable_id, customer_id, 0, received_at, NULL FROM unreadable_record "
                                    "WHERE source = ?9 AND received_at < ?4 " PRUNE_KEYS("unreadable_id")},
    [STATEMENT_PRUNE_UNREADABLE_DELETE] = {"prune_unreadable_delete",
                                           "DELETE FROM unreadable_record WHERE unreadable_id = ?1"},
    [STATEMENT_PRUNE_MAILS] = {"prune_mails",
                               "SELECT mail_id, coalesce(customer_id, 0), 0, coalesce(sent_at, queued_at), NULL "
                               "FROM mail WHERE state IN ('sent', 'failed', 'unknown') "
                               "AND coalesce(sent_at, queued_at) < ?4 " PRUNE_KEYS("mail_id")},
    [STATEMENT_PRUNE_RECIPIENTS_DELETE] = {"prune_recipients_delete", "DELETE FROM mail_recipient WHERE mail_id = ?1"},
    [STATEMENT_PRUNE_MAIL_DELETE] = {"prune_mail_delete", "DELETE FROM mail WHERE mail_id = ?1"},

    [STATEMENT_FORGET_CUSTOMERS] = {"forget_customers",
                                    "SELECT customer_id, name, tenant_id FROM customer WHERE name = ?1 COLLATE NOCASE"},
    [STATEMENT_FORGET_LOOK] = {"forget_look",
                               "SELECT (SELECT coalesce(sum(records), 0) FROM collection WHERE customer_id = ?1), "
                               "(SELECT sum(n) FROM (" FORGET_OTHERS ")), "
                               "(SELECT count(*) FROM tombstone WHERE " FORGET_OF_TENANT("?2") ")"},
    [STATEMENT_FORGET_EVENTS] = {"forget_events", "SELECT event_id, source, coalesce(dedupe_key, id) FROM event WHERE "
                                                  "event_id > ?2 AND customer_id = ?1 ORDER BY event_id LIMIT ?3"},
    [STATEMENT_FORGET_EVENT_VERSIONS] = {"forget_event_versions", "DELETE FROM event_version WHERE event_id = ?1"},
    [STATEMENT_FORGET_EVENT] = {"forget_event", "DELETE FROM event WHERE event_id = ?1"},
    [STATEMENT_FORGET_KEY] = {"forget_key", "DELETE FROM event_key WHERE key = ?1 AND event_id = ?2"},
    [STATEMENT_FORGET_KEYS_OF] = {"forget_keys_of", "DELETE FROM event_key WHERE event_id = ?1"},
    [STATEMENT_FORGET_EVENT_TOMBSTONE] =
        {"forget_event_tombstone",
         "INSERT INTO tombstone (seq, collection, doc_id) VALUES (?1, 'events', ?2 || ':' || ?3 || ':' || ?4)"},
    [STATEMENT_FORGET_COUNT] = {"forget_count",
                                "UPDATE collection SET records = records - ?3 WHERE customer_id = ?1 AND source = ?2"},
    [STATEMENT_FORGET_LISTING] = {"forget_listing",
                                  "DELETE FROM user_listing WHERE customer_id = ?1 AND user_id IN " FORGET_SOME(
                                      "user_id", "user_listing", "user_id")},
    [STATEMENT_FORGET_USER_CHANGE_TOMBSTONES] =
        {"forget_user_change_tombstones",
         "INSERT INTO tombstone (seq, collection, doc_id) SELECT ?3 + row_number() OVER (), 'user_changes', ?4 || "
         "':user_changes:' || id || ':' || " FORGET_ISO("seen_at") " || ':' || first_seq FROM " FORGET_SOME(
             "id, seen_at, first_seq", "user_change", "id, seen_at, change_id")},
    [STATEMENT_FORGET_USER_CHANGES] = {"forget_user_changes",
                                       "DELETE FROM user_change WHERE change_id IN " FORGET_SOME(
                                           "change_id", "user_change", "id, seen_at, change_id")},
    [STATEMENT_FORGET_USER_TOMBSTONES] = {"forget_user_tombstones",
                                          "INSERT INTO tombstone (seq, collection, doc_id) SELECT ?3 + row_number() "
                                          "OVER (), 'users', ?4 || ':users:' || id FROM " FORGET_SOME("id", "user",
                                                                                                      "id")},
    [STATEMENT_FORGET_USER_TEXTS] = {"forget_user_texts",
                                     "DELETE FROM user_fts WHERE rowid IN " FORGET_SOME("user_id", "user", "id")},
    [STATEMENT_FORGET_USERS] = {"forget_users",
                                "DELETE FROM user WHERE user_id IN " FORGET_SOME("user_id", "user", "id")},
    [STATEMENT_FORGET_STATE_TOMBSTONES] =
        {"forget_state_tombstones",
         "INSERT INTO tombstone (seq, collection, doc_id) SELECT ?3 + row_number() OVER (), 'service_states', ?4 || "
         "':service_states:' || service || ':' || " FORGET_ISO("first_seen") " FROM " FORGET_SOME(
             "service, first_seen", "service_state", "service, first_seen")},
    [STATEMENT_FORGET_STATES] = {"forget_states", "DELETE FROM service_state WHERE state_id IN " FORGET_SOME(
                                                      "state_id", "service_state", "service, first_seen")},
    [STATEMENT_FORGET_SCANS] = {"forget_scans", "DELETE FROM health_scan WHERE customer_id = ?1 AND at IN " FORGET_SOME(
                                                    "at", "health_scan", "at")},
    [STATEMENT_FORGET_OVERVIEW_VERSIONS] = {"forget_overview_versions",
                                            "DELETE FROM overview_version WHERE overview_id IN " FORGET_SOME(
                                                "overview_id", "service_overview", "id")},
    [STATEMENT_FORGET_OVERVIEWS] = {"forget_overviews",
                                    "DELETE FROM service_overview WHERE overview_id IN " FORGET_SOME(
                                        "overview_id", "service_overview", "id")},
    [STATEMENT_FORGET_ISSUE_TOMBSTONES] =
        {"forget_issue_tombstones",
         "INSERT INTO tombstone (seq, collection, doc_id) SELECT ?3 + row_number() OVER (), 'service_issues', ?4 || "
         "':service_issues:' || id FROM " FORGET_SOME("id", "service_issue", "id")},
    [STATEMENT_FORGET_ISSUE_VERSIONS] = {"forget_issue_versions",
                                         "DELETE FROM issue_version WHERE issue_id IN " FORGET_SOME(
                                             "issue_id", "service_issue", "id")},
    [STATEMENT_FORGET_ISSUE_TEXTS] = {"forget_issue_texts", "DELETE FROM issue_fts WHERE rowid IN " FORGET_SOME(
                                                                "issue_id", "service_issue", "id")},
    [STATEMENT_FORGET_ISSUES] = {"forget_issues", "DELETE FROM service_issue WHERE issue_id IN " FORGET_SOME(
                                                      "issue_id", "service_issue", "id")},
    [STATEMENT_FORGET_MESSAGE_TOMBSTONES] =
        {"forget_message_tombstones",
         "INSERT INTO tombstone (seq, collection, doc_id) SELECT ?3 + row_number() OVER (), 'service_messages', ?4 || "
         "':service_messages:' || id FROM " FORGET_SOME("id", "service_message", "id")},
    [STATEMENT_FORGET_MESSAGE_VERSIONS] = {"forget_message_versions",
                                           "DELETE FROM message_version WHERE message_id IN " FORGET_SOME(
                                               "message_id", "service_message", "id")},
    [STATEMENT_FORGET_MESSAGE_TEXTS] = {"forget_message_texts", "DELETE FROM message_fts WHERE rowid IN " FORGET_SOME(
                                                                    "message_id", "service_message", "id")},
    [STATEMENT_FORGET_MESSAGES] = {"forget_messages", "DELETE FROM service_message WHERE message_id IN " FORGET_SOME(
                                                          "message_id", "service_message", "id")},
    [STATEMENT_FORGET_RECIPIENTS] = {"forget_recipients", "DELETE FROM mail_recipient WHERE mail_id IN " FORGET_SOME(
                                                              "mail_id", "mail", "kind, from_s, to_s, mail_id")},
    [STATEMENT_FORGET_MAILS] = {"forget_mails", "DELETE FROM mail WHERE mail_id IN " FORGET_SOME(
                                                    "mail_id", "mail", "kind, from_s, to_s, mail_id")},
    [STATEMENT_FORGET_BLOBS] = {"forget_blobs",
                                "DELETE FROM content_blob WHERE customer_id = ?1 AND content_id IN " FORGET_SOME(
                                    "content_id", "content_blob", "content_id")},
    [STATEMENT_FORGET_UNREADABLE] = {"forget_unreadable",
                                     "DELETE FROM unreadable_record WHERE unreadable_id IN " FORGET_SOME(
                                         "unreadable_id", "unreadable_record", "source, body_hash")},
    [STATEMENT_FORGET_COVERAGE] = {"forget_coverage", "DELETE FROM coverage_span WHERE customer_id = ?1"},
    [STATEMENT_FORGET_CURSORS] = {"forget_cursors", "DELETE FROM collect_cursor WHERE customer_id = ?1"},
    [STATEMENT_FORGET_ROUNDS] = {"forget_rounds", "DELETE FROM collect_round WHERE customer_id = ?1"},
    [STATEMENT_FORGET_LINES] = {"forget_lines", "DELETE FROM retention_line WHERE customer_id = ?1"},
    [STATEMENT_FORGET_COLLECTIONS] = {"forget_collections", "DELETE FROM collection WHERE customer_id = ?1"},
    [STATEMENT_FORGET_REJECTS] = {"forget_rejects", "DELETE FROM mirror_reject WHERE " FORGET_OF_TENANT("?1")},
    [STATEMENT_FORGET_TOMBSTONES] = {"forget_tombstones", "DELETE FROM tombstone WHERE " FORGET_OF_TENANT("?1")},
    [STATEMENT_FORGET_WAITING] = {"forget_waiting", "SELECT count(*) FROM tombstone WHERE " FORGET_OF_TENANT("?1")},
    /* The server's words may quote any document. */
    [STATEMENT_FORGET_MIRROR_WORDS] = {"forget_mirror_words",
                                       "UPDATE mirror_position SET error = " FORGET_WORDS " WHERE error IS NOT NULL"},
    [STATEMENT_FORGET_TASK_WORDS] = {"forget_task_words",
                                     "UPDATE maintenance SET outcome = " FORGET_WORDS
                                     " WHERE instr(lower(outcome), lower(?1)) OR instr(lower(outcome), lower(?2))"},
    [STATEMENT_FORGET_CUSTOMER] = {"forget_customer", "DELETE FROM customer WHERE customer_id = ?1"},
    [STATEMENT_TASK_BEGIN] = {"task_begin", "INSERT INTO maintenance (task, started_at) VALUES (?1, ?2) "
                                            "ON CONFLICT (task) DO UPDATE SET started_at = excluded.started_at"},
    [STATEMENT_TASK_END] = {"task_end", "INSERT INTO maintenance (task, finished_at, outcome) VALUES (?1, ?2, ?3) "
                                        "ON CONFLICT (task) DO UPDATE SET started_at = NULL, "
                                        "finished_at = excluded.finished_at, outcome = excluded.outcome"},

    [STATEMENT_RENORMALIZE_ROUND_READ] = {"renormalize_round_read",
                                          "SELECT version, position, started_at FROM maintenance "
                                          "WHERE task = 'renormalize' AND started_at IS NOT NULL"},
    [STATEMENT_RENORMALIZE_ROUND_NOTE] = {"renormalize_round_note",
                                          "INSERT INTO maintenance (task, started_at, position, version) "
                                          "VALUES ('renormalize', ?1, ?2, ?3) ON CONFLICT (task) DO UPDATE SET "
                                          "started_at = excluded.started_at, position = excluded.position, "
                                          "version = excluded.version"},
    [STATEMENT_RENORMALIZE_ROUND_END] = {"renormalize_round_end",
                                         "INSERT INTO maintenance (task, finished_at, outcome, version) "
                                         "VALUES ('renormalize', ?1, ?2, ?3) ON CONFLICT (task) DO UPDATE SET "
                                         "started_at = NULL, position = NULL, finished_at = excluded.finished_at, "
                                         "outcome = excluded.outcome, version = excluded.version"},
    [STATEMENT_RENORMALIZE_COUNT] = {"renormalize_count", "SELECT (SELECT coalesce(sum(records), 0) FROM collection) + "
                                                          "(SELECT count(*) FROM service_overview)"},
    [STATEMENT_RENORMALIZE_EVENTS] =
        {"renormalize_events",
         "SELECT event_id, seq, customer_id, tenant_id, source, first_seen, raw, f.text, f.facets, id, dedupe_key, "
         "timestamp, service, operation, result, actor_display, target_displays, display_summary "
         "FROM event CROSS JOIN customer USING (customer_id) LEFT JOIN event_fts AS f ON f.rowid = event_id "
         "WHERE event_id BETWEEN ?1 AND ?2 ORDER BY event_id"},
    [STATEMENT_RENORMALIZE_USERS] = {"renormalize_users",
                                     RENORMALIZE_ROWS("user", "user_id", "user_fts",
                                                      "user_principal_name, display_name, mail, account_enabled, "
                                                      "user_type, created, last_sign_in")},
    [STATEMENT_RENORMALIZE_OVERVIEWS] = {"renormalize_overviews",
                                         "SELECT overview_id, seq, customer_id, raw, NULL, NULL, service, status "
                                         "FROM service_overview WHERE overview_id BETWEEN ?1 AND ?2 "
                                         "ORDER BY overview_id"},
    [STATEMENT_RENORMALIZE_ISSUES] = {"renormalize_issues",
                                      RENORMALIZE_ROWS("service_issue", "issue_id", "issue_fts",
                                                       "title, start, \"end\", last_modified, service, "
                                                       "classification, status, is_resolved")},
    [STATEMENT_RENORMALIZE_MESSAGES] = {"renormalize_messages",
                                        RENORMALIZE_ROWS("service_message", "message_id", "message_fts",
                                                         "title, start, \"end\", last_modified, services, category, "
                                                         "severity, is_major_change, action_required_by")},
    [STATEMENT_RENORMALIZE_UNREADABLE] = {"renormalize_unreadable",
                                          "SELECT unreadable_id, 0, customer_id, tenant_id, source, received_at, body "
                                          "FROM unreadable_record CROSS JOIN customer USING (customer_id) "
                                          "WHERE unreadable_id BETWEEN ?1 AND ?2 ORDER BY unreadable_id"},
    [STATEMENT_RENORMALIZE_EVENT_WRITE] =
        {"renormalize_event_write",
         "UPDATE event SET event_id = ?2, seq = ?3, id = ?4, dedupe_key = ?5, timestamp = ?6, service = ?7, "
         "operation = ?8, result = ?9, actor_display = ?10, target_displays = ?11, display_summary = ?12 "
         "WHERE event_id = ?1"},
    [STATEMENT_RENORMALIZE_EVENT_KEY] = {"renormalize_event_key", "UPDATE event_key SET key = ?3, event_id = ?4 "
                                                                  "WHERE key = ?1 AND event_id = ?2"},
    [STATEMENT_RENORMALIZE_USER_WRITE] = {"renormalize_user_write",
                                          "UPDATE user SET seq = ?2, user_principal_name = ?3, display_name = ?4, "
                                          "mail = ?5, account_enabled = ?6, user_type = ?7, created = ?8, "
                                          "last_sign_in = ?9 WHERE user_id = ?1"},
    [STATEMENT_RENORMALIZE_OVERVIEW_WRITE] = {"renormalize_overview_write",
                                              "UPDATE service_overview SET seq = ?2, service = ?3, status = ?4 "
                                              "WHERE overview_id = ?1"},
    [STATEMENT_RENORMALIZE_ISSUE_WRITE] = {"renormalize_issue_write",
                                           "UPDATE service_issue SET seq = ?2, title = ?3, start = ?4, \"end\" = ?5, "
                                           "last_modified = ?6, service = ?7, classification = ?8, status = ?9, "
                                           "is_resolved = ?10 WHERE issue_id = ?1"},
    [STATEMENT_RENORMALIZE_MESSAGE_WRITE] = {"renormalize_message_write",
                                             "UPDATE service_message SET seq = ?2, title = ?3, start = ?4, "
                                             "\"end\" = ?5, last_modified = ?6, services = ?7, category = ?8, "
                                             "severity = ?9, is_major_change = ?10, action_required_by = ?11 "
                                             "WHERE message_id = ?1"},
    [STATEMENT_RENORMALIZE_TEXT_DELETED] = {"renormalize_text_deleted", "UPDATE counter SET value = value + ?1 "
                                                                        "WHERE name = 'text_deleted'"},
    [STATEMENT_RENORMALIZE_TOMBSTONE] = {"renormalize_tombstone",
                                         "INSERT INTO tombstone (seq, collection, doc_id) "
                                         "VALUES (?1, 'events', ?2 || ':' || ?3 || ':' || ?4)"},
    [STATEMENT_RENORMALIZE_RECOVERED] = {"renormalize_recovered",
                                         "DELETE FROM unreadable_record WHERE unreadable_id = ?1"},
    [STATEMENT_RENORMALIZE_EVENT_KNOWN] = {"renormalize_event_known",
                                           "SELECT coalesce(changed_at, first_seen) FROM event WHERE event_id = ?1"},
    [STATEMENT_RENORMALIZE_USER_KNOWN] = {"renormalize_user_known",
                                          "SELECT coalesce(changed_at, first_seen), last_sign_in, removed_at IS NULL, "
                                          "removed_reason, raw FROM user WHERE customer_id = ?1 AND id = ?2"},
    [STATEMENT_RENORMALIZE_OVERVIEW_KNOWN] = {"renormalize_overview_known",
                                              RENORMALIZE_KNOWN("service_overview", "overview_id", "NULL")},
    [STATEMENT_RENORMALIZE_ISSUE_KNOWN] = {"renormalize_issue_known",
                                           RENORMALIZE_KNOWN("service_issue", "issue_id", "last_modified")},
    [STATEMENT_RENORMALIZE_MESSAGE_KNOWN] = {"renormalize_message_known",
                                             RENORMALIZE_KNOWN("service_message", "message_id", "last_modified")},
    [STATEMENT_RENORMALIZE_EVENT_VERSION] = {"renormalize_event_version",
                                             RENORMALIZE_VERSION("event_version", "event", "event_id")},
    [STATEMENT_RENORMALIZE_OVERVIEW_VERSION] = {"renormalize_overview_version",
                                                RENORMALIZE_VERSION("overview_version", "service_overview",
                                                                    "overview_id")},
    [STATEMENT_RENORMALIZE_ISSUE_VERSION] = {"renormalize_issue_version",
                                             RENORMALIZE_VERSION("issue_version", "service_issue", "issue_id")},
    [STATEMENT_RENORMALIZE_MESSAGE_VERSION] = {"renormalize_message_version",
                                               RENORMALIZE_VERSION("message_version", "service_message", "message_id")},
    [STATEMENT_RENORMALIZE_EVENT_SINCE] = {"renormalize_event_since", RENORMALIZE_SINCE("event", "event_id")},
    [STATEMENT_RENORMALIZE_OVERVIEW_SINCE] = {"renormalize_overview_since",
                                              RENORMALIZE_SINCE("service_overview", "overview_id")},
    [STATEMENT_RENORMALIZE_ISSUE_SINCE] = {"renormalize_issue_since", RENORMALIZE_SINCE("service_issue", "issue_id")},
    [STATEMENT_RENORMALIZE_MESSAGE_SINCE] = {"renormalize_message_since",
                                             RENORMALIZE_SINCE("service_message", "message_id")},

    [STATEMENT_DEDUPE_COUNT] = {"dedupe_count", "SELECT coalesce(sum(records), 0) FROM collection "
                                                "WHERE source NOT IN ('users', 'health')"},
    [STATEMENT_DEDUPE_EVENTS] = {"dedupe_events",
                                 "SELECT event_id, seq, customer_id, c.name, tenant_id, source, "
                                 "coalesce(dedupe_key, id), first_seen, coalesce(changed_at, first_seen), raw "
                                 "FROM event CROSS JOIN customer AS c USING (customer_id) "
                                 "WHERE event_id BETWEEN ?1 AND ?2 ORDER BY event_id"},
    [STATEMENT_DEDUPE_KEYS] = {"dedupe_keys",
                               "SELECT key, event_id, content_hash FROM event_key WHERE key > ?1 ORDER BY key"},
    [STATEMENT_DEDUPE_BODY] = {"dedupe_body", "UPDATE event SET raw = ?2, changed_at = ?3 WHERE event_id = ?1"},
    [STATEMENT_DEDUPE_VERSIONS_KNOWN] = {"dedupe_versions_known",
                                         "DELETE FROM event_version WHERE event_id = ?1 AND content_hash IN "
                                         "(SELECT content_hash FROM event_version WHERE event_id = ?2)"},
    [STATEMENT_DEDUPE_KEY_DELETE] = {"dedupe_key_delete", "DELETE FROM event_key WHERE key = ?1 AND event_id = ?2"},
    [STATEMENT_DEDUPE_EVENT_DELETE] = {"dedupe_event_delete", "DELETE FROM event WHERE event_id = ?1"},

    [STATEMENT_VERIFY_INTEGRITY] = {"verify_integrity", "PRAGMA integrity_check(1)"},
    [STATEMENT_VERIFY_FOREIGN_KEYS] = {"verify_foreign_keys",
                                       "SELECT 'the row ' || coalesce(rowid, '') || ' of ' || \"table\" || "
                                       "' points to a row of ' || parent || ' that does not exist' "
                                       "FROM pragma_foreign_key_check LIMIT 1"},
    [STATEMENT_VERIFY_EVENT_FTS] = {"verify_event_fts", "INSERT INTO event_fts (event_fts) VALUES ('integrity-check')"},
    [STATEMENT_VERIFY_USER_FTS] = {"verify_user_fts", "INSERT INTO user_fts (user_fts) VALUES ('integrity-check')"},
    [STATEMENT_VERIFY_ISSUE_FTS] = {"verify_issue_fts", "INSERT INTO issue_fts (issue_fts) VALUES ('integrity-check')"},
    [STATEMENT_VERIFY_MESSAGE_FTS] = {"verify_message_fts",
                                      "INSERT INTO message_fts (message_fts) VALUES ('integrity-check')"},
    [STATEMENT_VERIFY_PAGES] = {"verify_pages", "PRAGMA page_count"},
    [STATEMENT_VERIFY_ROOTS] = {"verify_roots", "SELECT rootpage, name FROM sqlite_schema WHERE rootpage > 0"},
    [STATEMENT_VERIFY_IDS] = {"verify_ids", VERIFY_IDS},
    /* Each event is seen to have a row of text and a key: if there are as many of these, they are of no others. */
    [STATEMENT_VERIFY_EVENT_SIDES] = {"verify_event_sides",
                                      "SELECT 'ok' FROM (SELECT (SELECT count(*) FROM event) AS events) "
                                      "WHERE events = (SELECT count(*) FROM event_key) "
                                      "AND events = (SELECT count(*) FROM event_fts_docsize)"},
    [STATEMENT_VERIFY_EVENT_IDS] = {"verify_event_ids", VERIFY_EVENT_IDS},
    [STATEMENT_VERIFY_TEXTS] =
        {"verify_texts", "SELECT 'the row ' || id || ' of user_fts lacks its text' FROM user_fts_content "
                         "WHERE c0 IS NULL "
                         "UNION ALL SELECT 'the row ' || id || ' of issue_fts lacks its text' FROM issue_fts_content "
                         "WHERE c0 IS NULL "
                         "UNION ALL SELECT 'the row ' || id || ' of message_fts lacks its text' "
                         "FROM message_fts_content WHERE c0 IS NULL LIMIT 1"},
    [STATEMENT_VERIFY_COUNTS] =
        {"verify_counts",
         "WITH counted AS (SELECT customer_id, source, count(*) AS records FROM event GROUP BY customer_id, source "
         "UNION ALL SELECT customer_id, 'users', count(*) FROM user GROUP BY customer_id "
         "UNION ALL SELECT customer_id, 'health', count(*) FROM (SELECT customer_id FROM service_issue "
         "UNION ALL SELECT customer_id FROM service_message) GROUP BY customer_id) "
         "SELECT 'collections counts ' || coalesce(l.records, 0) || ' records of ' || c.source || ' where there are ' "
         "|| c.records FROM counted AS c LEFT JOIN collection AS l USING (customer_id, source) "
         "WHERE coalesce(l.records, 0) <> c.records "
         "UNION ALL SELECT 'collections counts ' || l.records || ' records of ' || l.source || ' where there are none' "
         "FROM collection AS l WHERE l.records <> 0 "
         "AND l.source IN ('users', 'sign-ins', 'directory-audits', 'intune-audits', 'unified-audit', 'health') "
         "AND NOT EXISTS (SELECT 1 FROM counted AS c WHERE c.customer_id = l.customer_id AND c.source = l.source) "
         "LIMIT 1"},
    /* Behind the counts, by which `records` is that of the events. What was read and is not there may have been pruned,
     * or its customer may be about to be forgotten: that begins with the oldest events of all sources. */
    [STATEMENT_VERIFY_COVERAGE] =
        {"verify_coverage",
         "SELECT 'coverage spans of ' || source || ' overlap at ' || from_s FROM "
         "(SELECT source, from_s, lag(to_s) OVER (PARTITION BY customer_id, source, part "
         "ORDER BY from_s) AS before_s FROM coverage_span) WHERE before_s > from_s "
         "UNION ALL SELECT 'coverage of ' || source || ' is gone, where ' || records || ' records were read' "
         "FROM collection AS l WHERE records > 0 AND last_success_at IS NOT NULL AND source IN (" EVENT_SOURCES ") "
         "AND NOT EXISTS (SELECT 1 FROM coverage_span AS s WHERE s.customer_id = l.customer_id AND s.source = "
         "l.source) "
         "UNION ALL SELECT 'coverage of ' || source || ' tells of ' || records || ' records, and none is there' FROM "
         "(SELECT s.customer_id, s.source, sum(s.records) AS records, max(s.from_s) AS from_s "
         "FROM coverage_span AS s LEFT JOIN collection AS l USING (customer_id, source) "
         "LEFT JOIN retention_line AS r USING (customer_id, source) "
         "WHERE s.source IN (" EVENT_SOURCES ") AND s.state IN ('read', 'settled') AND s.records > 0 "
         "AND coalesce(l.records, 0) = 0 "
         "AND (r.source IS NULL OR (s.from_s >= r.before_s AND s.read_at > r.pruned_at)) "
         "GROUP BY s.customer_id, s.source) AS c "
         "WHERE NOT EXISTS (SELECT 1 FROM unreadable_record AS u WHERE u.customer_id = c.customer_id "
         "AND u.source = c.source) "
         "AND EXISTS (SELECT 1 FROM event AS e WHERE e.customer_id = c.customer_id "
         "AND e.event_id < c.from_s << 20) LIMIT 1"},
    /* Every mirrored table: one walk along their indexes. */
    [STATEMENT_VERIFY_SEQ] = {"verify_seq", "SELECT seq, 'event' FROM event UNION ALL SELECT seq, 'user' FROM user "
                                            "UNION ALL SELECT seq, 'user_change' FROM user_change "
                                            "UNION ALL SELECT seq, 'service_state' FROM service_state "
                                            "UNION ALL SELECT seq, 'service_overview' FROM service_overview "
                                            "UNION ALL SELECT seq, 'service_issue' FROM service_issue "
                                            "UNION ALL SELECT seq, 'service_message' FROM service_message "
                                            "UNION ALL SELECT seq, 'tombstone' FROM tombstone ORDER BY 1"},
    [STATEMENT_VERIFY_USER_ROWS] =
        {"verify_user_rows",
         "SELECT 'the account ' || id || ' is removed without a reason, or the other way round' FROM user "
         "WHERE (removed_at IS NULL) <> (removed_reason IS NULL) "
         "UNION ALL SELECT 'a change of ' || field || ' is that of the account ' || id || ', which nobody knows' "
         "FROM user_change AS h WHERE NOT EXISTS "
         "(SELECT 1 FROM user AS u WHERE u.customer_id = h.customer_id AND u.id = h.id) "
         "UNION ALL SELECT 'the listing of one customer names the account ' || u.id || ' of another' "
         "FROM user_listing AS l CROSS JOIN user AS u USING (user_id) WHERE u.customer_id <> l.customer_id LIMIT 1"},
    [STATEMENT_VERIFY_STATES] =
        {"verify_states",
         "WITH run AS (SELECT *, lag(last_seen) OVER (PARTITION BY customer_id, service ORDER BY first_seen) AS before "
         "FROM service_state) "
         "SELECT 'the states of ' || service || ' overlap at ' || first_seen FROM run WHERE before >= first_seen "
         "UNION ALL SELECT 'a state of ' || service || ' has ' || samples || ' scans from ' || first_seen || ' to ' || "
         "last_seen FROM run WHERE samples < 1 OR last_seen - first_seen + 1 < samples "
         "OR (samples = 1) <> (first_seen = last_seen) "
         "UNION ALL SELECT 'a state of ' || service || ' was last seen at ' || last_seen || ', by no good scan' FROM "
         "run "
         "WHERE NOT EXISTS (SELECT 1 FROM health_scan AS h WHERE h.customer_id = run.customer_id AND at = last_seen "
         "AND ok) "
         /* Of the scans of a long run some may have been deleted; none can have been added. */
         "UNION ALL SELECT 'a state of ' || service || ' lacks good scans from ' || first_seen || ' to ' || last_seen "
         "FROM run WHERE samples < (SELECT count(*) FROM health_scan AS h WHERE h.customer_id = run.customer_id "
         "AND at BETWEEN first_seen AND last_seen AND ok) LIMIT 1"},
    [STATEMENT_VERIFY_MAILS] =
        {"verify_mails",
         "SELECT 'the mail ' || mail_id || ' is for nobody' FROM mail AS m "
         "WHERE NOT EXISTS (SELECT 1 FROM mail_recipient AS r WHERE r.mail_id = m.mail_id) "
         "UNION ALL SELECT 'the mail ' || mail_id || ' is said to be sent, but for nobody, or at no time' FROM mail AS "
         "m "
         "WHERE state = 'sent' AND (sent_at IS NULL OR NOT EXISTS (SELECT 1 FROM mail_recipient AS r "
         "WHERE r.mail_id = m.mail_id AND r.state = 'sent')) "
         "UNION ALL SELECT 'the mail ' || mail_id || ' waits without an end' FROM mail AS m "
         "WHERE state = 'queued' AND (next_attempt_at IS NULL OR NOT EXISTS (SELECT 1 FROM mail_recipient AS r "
         "WHERE r.mail_id = m.mail_id AND r.state = 'queued')) "
         "UNION ALL SELECT 'the mail ' || mail_id || ' is said not to have reached ' || address || ', who may have it' "
         "FROM mail_recipient WHERE may_have AND state = 'failed' LIMIT 1"},
    [STATEMENT_VERIFY_UPKEEP] =
        {"verify_upkeep",
         "SELECT 'the retention of ' || source || ' tells of ' || records || ' records, deleted at ' || pruned_at "
         "FROM retention_line WHERE records < 0 OR pruned_at < 0 "
         "UNION ALL SELECT 'the task ' || task || ' ended without an outcome, or the other way round' FROM maintenance "
         "WHERE (finished_at IS NULL) <> (outcome IS NULL) "
         "UNION ALL SELECT 'the counter ' || name || ' is ' || value FROM counter WHERE value < 0 "
         "UNION ALL SELECT 'the counter ' || column1 || ' is gone' FROM (VALUES ('seq'), ('text_deleted')) "
         "WHERE column1 NOT IN (SELECT name FROM counter) "
         "UNION ALL SELECT 'the mirror ' || target || ' is said to have change number ' || seq || ', never given out' "
         "FROM mirror_position WHERE seq > (SELECT value FROM counter WHERE name = 'seq') LIMIT 1"},
    /* As the counts stand in struct store_verify_result. */
    [STATEMENT_VERIFY_SIZES] = {"verify_sizes",
                                "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM event_version), "
                                "(SELECT count(*) FROM user), (SELECT count(*) FROM service_overview) + "
                                "(SELECT count(*) FROM service_issue) + (SELECT count(*) FROM service_message) + "
                                "(SELECT count(*) FROM overview_version) + (SELECT count(*) FROM issue_version) + "
                                "(SELECT count(*) FROM message_version), (SELECT count(*) FROM mail), "
                                "(SELECT count(*) FROM unreadable_record)"},
    /* Each body: what it is, itself and its hash. */
    [STATEMENT_VERIFY_MAIL_BODIES] = {"verify_mail_bodies", "SELECT 'the message of mail ' || mail_id, message, "
                                                            "content_hash FROM mail"},
    [STATEMENT_VERIFY_HEALTH] =
        {"verify_health",
         "SELECT 'the body of the overview ' || id, raw, content_hash FROM service_overview "
         "UNION ALL SELECT 'the body of the issue ' || id, raw, content_hash FROM service_issue "
         "UNION ALL SELECT 'the body of the message ' || id, raw, content_hash FROM service_message "
         "UNION ALL SELECT 'an earlier body of overview ' || overview_id, raw, content_hash FROM overview_version "
         "UNION ALL SELECT 'an earlier body of issue ' || issue_id, raw, content_hash FROM issue_version "
         "UNION ALL SELECT 'an earlier body of message ' || message_id, raw, content_hash FROM message_version"},
    [STATEMENT_VERIFY_USERS] = {"verify_users", "SELECT 'the body of the account ' || id, raw, content_hash FROM user"},
    [STATEMENT_VERIFY_UNREADABLE] = {"verify_unreadable", "SELECT 'the unreadable record ' || unreadable_id, body, "
                                                          "body_hash FROM unreadable_record"},
    [STATEMENT_VERIFY_EVENTS] =
        {"verify_events",
         "SELECT event_id, tenant_id, source, coalesce(dedupe_key, e.id), raw, timestamp, service, operation, result, "
         "actor_display, first_seq, seq, c1, c0 IS NULL, f.id IS NULL FROM event AS e CROSS JOIN customer USING "
         "(customer_id) "
         "LEFT JOIN event_fts_content AS f ON f.id = e.event_id"},
    [STATEMENT_VERIFY_VERSIONS] = {"verify_versions", "SELECT 'an earlier body of event ' || event_id, raw, "
                                                      "content_hash FROM event_version"},
    [STATEMENT_QUICK_CHECK] = {"quick_check", "PRAGMA quick_check(1)"},
    [STATEMENT_COPY_PAGE] = {"copy_page", "PRAGMA page_size"},
    [STATEMENT_COPY_EVENTS] = {"copy_events", "SELECT count(*) FROM event"},
};
