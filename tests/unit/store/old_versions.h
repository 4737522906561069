/* old_versions - databases as the programs of earlier versions of the schema would have left them, with a few rows;
 * those that such programs really left are in tests/databases. */
#ifndef M365KEEP_TEST_STORE_OLD_VERSIONS_H
#define M365KEEP_TEST_STORE_OLD_VERSIONS_H

#include "fixture.h"

#include "store/migrations.h"
#include "store/store_private.h"

/* A database as the program of `version` would have left it, with a few rows. */
static inline void write_version(const char *path, int version, const char *rows)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    g_autoptr(GString) sql = g_string_new("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; BEGIN;");
    for (int i = 0; i < version; i++)
        g_string_append(sql, store_migrations[i].sql);
    g_string_append_printf(sql, "PRAGMA user_version = %d; COMMIT; PRAGMA journal_mode = WAL; %s", version, rows);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql->str, NULL, NULL, &words) != SQLITE_OK)
        fail_msg("%s", words);
    sqlite3_close(db);
}

/* The body of each is {}, of which the first 128 bits of SHA-256 are 44136fa355b3678a1146ad16f7e8649e. */
G_GNUC_UNUSED static const char rows_of_1[] =
    "INSERT INTO customer VALUES (1, 'contoso', '" TENANT "');"
    "INSERT INTO event (event_id, customer_id, source, id, timestamp, first_seen, first_seq, seq, raw) VALUES "
    "(1882831454208000, 1, 'sign-ins', 'e', '2026-11-25T12:00:00.0000000Z', 1, 1, 1, '{}');"
    "INSERT INTO event_fts (rowid, text, facets) VALUES (1882831454208000, 'words of an event', "
    "'cu1f1017149ae0 so52e46d141d6e');"
    "INSERT INTO collection (customer_id, source, records) VALUES (1, 'sign-ins', 1), (1, 'users', 2);"
    "INSERT INTO coverage_span VALUES (1, 'sign-ins', '', 5, 9, 'read', 9, 1, 1, 0);"
    "INSERT INTO collect_cursor VALUES (1, 'sign-ins', '', 9, 12, 'https://graph.example/next', 4, 0, 9);"
    "INSERT INTO user (customer_id, id, user_principal_name, removed_at, removed_reason, content_hash, first_seen, "
    "first_seq, seq, raw) VALUES "
    "(1, 'a', 'ada@example.org', NULL, NULL, x'44136fa355b3678a1146ad16f7e8649e', 1, 2, 2, '{}'), "
    "(1, 'b', 'bob@example.org', 7, 'deleted', x'44136fa355b3678a1146ad16f7e8649e', 1, 3, 3, '{}');"
    "INSERT INTO user_fts (rowid, text, facets) VALUES (1, 'ada', ''), (2, 'bob', '');"
    "INSERT INTO user_change (customer_id, id, field, old_value, new_value, seen_at, first_seq, seq) VALUES "
    "(1, 'b', '@removed', NULL, '{\"reason\":\"deleted\"}', 7, 4, 4);"
    "UPDATE counter SET value = 4;";

/* What only a program of version 2 left behind. */
G_GNUC_UNUSED static const char rows_of_2[] =
    "INSERT INTO collect_round VALUES (1, 'users', '', 'listing', 'id', 'https://graph.example/2', NULL, 0, 2, 0, 5, "
    "NULL, 6);"
    "INSERT INTO user_listing VALUES (1, 1);"
    "UPDATE collection SET newest = '2026-11-25T12:00:00.0000000Z', last_run_at = 5, last_success_at = 4, "
    "last_error_at = 5, last_error = '403' WHERE source = 'sign-ins';";

/* What only a program of version 3 left behind. */
G_GNUC_UNUSED static const char rows_of_3[] =
    "INSERT INTO service_overview (customer_id, id, service, status, content_hash, first_seen, first_seq, seq, raw) "
    "VALUES (1, 'Exchange', 'Exchange Online', 'serviceOperational', x'44136fa355b3678a1146ad16f7e8649e', 1, 5, 5, "
    "'{}');"
    "INSERT INTO health_scan VALUES (1, 100, 1, NULL), (1, 400, 0, '503'), (1, 700, 1, NULL);"
    "INSERT INTO service_state (customer_id, service, status, first_seen, last_seen, samples, first_seq, seq) VALUES "
    "(1, 'Exchange', 'serviceOperational', 100, 700, 2, 6, 6);"
    "UPDATE counter SET value = 6; UPDATE collection SET last_status = 'partial';";

/* The key of the event, as the program computes it. */
static inline void insert_key(const struct fixture *fixture)
{
    const char *parts[] = {TENANT, "sign-ins", "e"};
    uint8_t key[HASH_KEY_BYTES];
    char hex[2 * HASH_KEY_BYTES + 1];
    hash_key(parts, 3, key);
    hash_hex(key, sizeof key, hex);
    g_autofree char *insert = g_strdup_printf(
        "INSERT INTO event_key VALUES (x'%s', 1882831454208000, x'44136fa355b3678a1146ad16f7e8649e')", hex);
    execute(fixture, insert);
}

#endif
