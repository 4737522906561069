/* What people type into a search box, over any bytes. The first byte says whether it is raw FTS5 syntax (odd). What is
 * checked beyond the sanitizers:
 *
 * - words become an expression that FTS5 takes, and that finds the words themselves; or are refused in words;
 * - a search of the store answers or refuses the query, whatever was typed, and never steps around its filters;
 * - every value that is not empty has one facet: two letters and twelve digits, in whatever case it comes. */
#include "fuzz.h"

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "base/base.h"
#include "store/facets.h"
#include "store/store.h"
#include "store/words.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct store *store;
static sqlite3 *memory;
static sqlite3_stmt *begin, *insert, *find, *rollback;

/* --- the store: the same words at two customers ------------------------------------------------------------------- */

static struct document *document_of(const char *tenant, int n)
{
    static const char *const texts[] = {"ada@example.org reset the password", "a b c ab abc 10.0.0.7 NEAR OR not",
                                        "\xc3\xa9t\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 \xd0\x9f\xd1\x80\xd0\xb8"};
    struct document *document = document_new();

    document->id = g_strdup_printf("%d", n);
    document->dedupe_key = g_strdup(document->id);
    document->time_s = 1795000000 + n;
    document->timestamp = g_strdup("2026-11-18T11:06:40.0000000Z");
    document->service = g_strdup("SignIn");
    document->text = g_strdup(texts[n % (int)G_N_ELEMENTS(texts)]);
    document->raw = "{}";
    document->raw_length = 2;
    document_seal(document, tenant, "sign-ins");
    return document;
}

static void decode(const char *raw, size_t length, struct account *account)
{
    (void)raw;
    (void)length;
    account->display_name = g_strdup("Ada a b");
    account->text = g_strdup("Ada a b\nada@example.org");
}

static void fill_accounts(int64_t customer)
{
    struct store_accounts *accounts = store_accounts_new();
    struct store_page page = {.customer_id = customer, .source = "users", .part = "", .received_at = 1795000000};
    struct store_page *pages[] = {&page};

    page.accounts = accounts;
    accounts->decode = decode;
    accounts->first = true;
    accounts->after.kind = STORE_ROUND_LISTING;
    accounts->after.query = g_strdup("id");
    g_ptr_array_add(accounts->records, account_record_new("a", NULL, "{\"id\":\"a\"}", 10));
    g_assert(store_commit_pages(store, pages, 1, NULL));
    store_accounts_free(accounts);
}

static void fill(const char *customer, const char *tenant)
{
    int64_t id = store_customer(store, customer, tenant, NULL);
    struct store_page page = {.customer_id = id, .source = "sign-ins", .part = "", .received_at = 1795000000};
    struct store_page *pages[] = {&page};

    page.window = (struct store_window){1795000000, 1795003600};
    page.documents = g_ptr_array_new_with_free_func((GDestroyNotify)document_free);
    for (int n = 0; n < 6; n++)
        g_ptr_array_add(page.documents, document_of(tenant, n));
    g_assert(id > 0 && store_commit_pages(store, pages, 1, NULL));
    g_ptr_array_unref(page.documents);
    fill_accounts(id);
}

/* Its files have no names any more once it is open, so that nothing is left behind. */
static void open_store(void)
{
    g_autofree char *folder = g_dir_make_tmp("m365keep-fuzz-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "keep.db", NULL);

    store = store_open(path, STORE_CREATE, NULL);
    g_assert(store != NULL);
    fill("contoso", "9d2f0c58-0000-4000-8000-000000000001");
    fill("fabrikam", "9d2f0c58-0000-4000-8000-000000000002");
    for (const char *const *suffix = (const char *const[]){"", "-wal", "-shm", NULL}; *suffix != NULL; suffix++) {
        g_autofree char *file = g_strconcat(path, *suffix, NULL);
        g_unlink(file);
    }
    g_rmdir(folder);
}

static bool is_of_contoso(const struct store_event *event, void *user)
{
    (void)user;
    g_assert(g_strcmp0(event->customer, "contoso") == 0 && g_strcmp0(event->service, "SignIn") == 0);
    return true;
}

static void check_search(const char *words, bool raw)
{
    struct store_query query = {.words = words, .fts_syntax = raw, .customer = "contoso", .service = "signin"};
    g_autoptr(GError) error = NULL;

    query.limit = 20;
    if (!store_search(store, &query, is_of_contoso, NULL, &error)) {
        fuzz_check_message(error);
        g_assert(g_error_matches(error, STORE_ERROR, STORE_ERROR_QUERY));
    }
    g_assert((store_search_count(store, &query, 100, NULL) >= 0) == (error == NULL));
}

static bool is_contosos(const struct store_user *row, void *user)
{
    (void)user;
    g_assert(g_strcmp0(row->customer, "contoso") == 0);
    return true;
}

static void check_search_users(const char *words, bool raw)
{
    struct store_user_query query = {.words = words, .fts_syntax = raw, .customer = "contoso", .limit = 20};
    g_autoptr(GError) error = NULL;

    if (!store_search_users(store, &query, is_contosos, NULL, &error)) {
        fuzz_check_message(error);
        g_assert(g_error_matches(error, STORE_ERROR, STORE_ERROR_QUERY));
    }
}

/* --- words as FTS5 takes them ------------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;

    g_assert(sqlite3_prepare_v2(memory, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

/* The tables as schema/fts.sql makes them. */
static void open_memory(void)
{
    g_autofree char *sql = NULL;

    g_assert(g_file_get_contents(M365KEEP_SOURCE_DIR "/schema/fts.sql", &sql, NULL, NULL));
    g_assert(sqlite3_open_v2(":memory:", &memory, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK);
    g_assert(sqlite3_exec(memory, sql, NULL, NULL, NULL) == SQLITE_OK);
    begin = prepare("BEGIN");
    insert = prepare("INSERT INTO event_fts (rowid, text, facets) VALUES (1, ?1, '')");
    find = prepare("SELECT count(*) FROM event_fts WHERE event_fts MATCH ?1");
    rollback = prepare("ROLLBACK");
}

static void run(sqlite3_stmt *statement, const char *text)
{
    if (text != NULL)
        sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    g_assert(code == SQLITE_DONE);
    sqlite3_reset(statement);
}

static void check_words(const char *words)
{
    g_autoptr(GString) expression = g_string_new("text : (");
    g_autoptr(GError) error = NULL;

    if (!words_append_fts(expression, words, &error)) {
        fuzz_check_message(error);
        g_assert(g_error_matches(error, STORE_ERROR, STORE_ERROR_QUERY));
        return;
    }
    g_assert(error == NULL && !words_blank(words));
    g_string_append_c(expression, ')');
    g_autofree char *valid = g_utf8_make_valid(words, -1);
    run(begin, NULL);
    run(insert, valid);
    sqlite3_bind_text(find, 1, expression->str, -1, SQLITE_STATIC);
    g_assert(sqlite3_step(find) == SQLITE_ROW);
    g_assert(sqlite3_column_int(find, 0) == 1);
    sqlite3_reset(find);
    run(rollback, NULL);
}

/* --- facets ------------------------------------------------------------------------------------------------------- */

static void check_facet(const char *value)
{
    char token[FACET_TOKEN_BYTES], other[FACET_TOKEN_BYTES];

    g_assert(facet_token(FACET_ACTOR, value, token) == (*value != '\0'));
    if (*value == '\0')
        return;
    g_assert(strlen(token) == FACET_TOKEN_BYTES - 1 && g_str_has_prefix(token, "ac"));
    g_assert(strspn(token + 2, "0123456789abcdef") == 12);
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    g_autofree char *lower = g_utf8_strdown(valid, -1);
    g_assert(facet_token(FACET_ACTOR, lower, other) && strcmp(token, other) == 0);
    g_assert(facet_token(FACET_ACTOR, value, other) && strcmp(token, other) == 0);
    g_assert(facet_token(FACET_RESULT, value, other) && strcmp(token + 2, other + 2) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    open_store();
    open_memory();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    g_autofree char *cut = g_strndup((const char *)data + 1, size - 1);
    g_autofree char *words = fuzz_exact(cut, strlen(cut) + 1);

    check_words(words);
    check_search(words, data[0] & 1);
    check_search_users(words, data[0] & 1);
    check_facet(words);
    return 0;
}
