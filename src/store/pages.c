#include "store/pages.h"

/* Offsets of the file format (https://www.sqlite.org/fileformat2.html, sections 1.3, 1.5 and 1.8). */
enum {
    HEADER_BYTES = 100,
    HEADER_PAGE_SIZE = 16,
    HEADER_RESERVED = 20,
    HEADER_FREE_FIRST = 32,
    HEADER_FREE_COUNT = 36,
    HEADER_LARGEST_ROOT = 52, /* not 0: there is a pointer map */
    MAP_ENTRY_BYTES = 5,
    MAP_ROOT = 1,
    MAP_FREE = 2,
    LOCK_BYTES = 0x40000000 /* the page of this offset is never used */
};

struct pages {
    struct store *store;
    uint32_t page_bytes, map_reach; /* map_reach: pages of one page of the map, with it */
    uint32_t count;                 /* in the file */
    uint8_t *buffer;                /* a page */
    GByteArray *kinds;              /* of each page, what the map says; 0: nothing */
    GByteArray *listed;             /* 1: it is in the list of free pages */
    char *fault;
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool read_bytes(struct store *store, void *bytes, uint32_t length, int64_t at, GError **error)
{
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code == SQLITE_OK)
        code = file->pMethods->xRead(file, bytes, (int)length, at);
    if (code != SQLITE_OK)
        store_error_set(store, "read a page", code, error);
    return code == SQLITE_OK;
}

static bool read_page(struct pages *pages, uint32_t page, GError **error)
{
    return read_bytes(pages->store, pages->buffer, pages->page_bytes, ((int64_t)page - 1) * pages->page_bytes, error);
}

static void found(struct pages *pages, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void found(struct pages *pages, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!pages->fault)
        pages->fault = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

/* --- the log ---------------------------------------------------------------------------------------------------------
 */

/* Copies the log into the file, as far as those who read allow: all of it, or false with *error NULL. Another
 * connection does so; this one is in a transaction. */
static bool is_in_file(struct store *store, GError **error)
{
    const char *file = sqlite3_db_filename(store->db, "main");
    if (!file || !*file) /* a temporary one */
        return false;
    int log = 0, copied = 0, code;
    g_autoptr(Store) other = store_connect(store->path, store->path, SQLITE_OPEN_READWRITE, error);
    struct statement *statement = other ? statement_get(other, STATEMENT_USER_VERSION, error) : NULL;
    if (!statement || !statement_run(statement, error))
        return false;
    code = sqlite3_wal_checkpoint_v2(other->db, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
    if (code == SQLITE_OK || code == SQLITE_BUSY)
        return code == SQLITE_OK && log == copied;
    store_error_set(store, "checkpoint", code, error);
    return false;
}

/* --- the map ---------------------------------------------------------------------------------------------------------
 */

static bool is_lock_page(const struct pages *pages, uint32_t page)
{
    return page == LOCK_BYTES / pages->page_bytes + 1;
}

/* The page of the map that tells of `page`, or the page itself where it is one. */
static uint32_t map_of(const struct pages *pages, uint32_t page)
{
    uint32_t map = (page - 2) / pages->map_reach * pages->map_reach + 2;
    return is_lock_page(pages, map) ? map + 1 : map;
}

/* Belongs to the file itself, and is neither free nor used. */
static bool is_of_file(const struct pages *pages, uint32_t page)
{
    return page < 2 || map_of(pages, page) == page || is_lock_page(pages, page);
}

static bool read_map(struct pages *pages, GError **error)
{
    uint32_t map = 0;
    for (uint32_t page = 3; page <= pages->count; page++) {
        if (is_of_file(pages, page))
            continue;
        if (map_of(pages, page) != map && !read_page(pages, map_of(pages, page), error))
            return false;
        map = map_of(pages, page);
        pages->kinds->data[page] = pages->buffer[(page - map - 1) * MAP_ENTRY_BYTES];
    }
    return true;
}

/* --- the list of free pages ------------------------------------------------------------------------------------------
 */

/* False where the page cannot be in the list. */
static bool list(struct pages *pages, uint32_t page)
{
    if (page > pages->count || is_of_file(pages, page))
        found(pages, "the list of free pages has page %u, which cannot be one", page);
    else if (pages->listed->data[page])
        found(pages, "page %u is in the list of free pages twice", page);
    else
        pages->listed->data[page] = 1;
    return !pages->fault;
}

/* Each page of the list names the next one, and free pages. */
static bool read_list(struct pages *pages, uint32_t first, uint32_t count, GError **error)
{
    uint32_t counted = 0;
    for (uint32_t trunk = first; trunk != 0 && list(pages, trunk); trunk = big_endian(pages->buffer)) {
        if (!read_page(pages, trunk, error))
            return false;
        uint32_t n = big_endian(pages->buffer + 4);
        if (n > pages->page_bytes / 4 - 2)
            found(pages, "page %u of the list of free pages names %u", trunk, n);
        for (uint32_t i = 0; !pages->fault && i < n; i++)
            list(pages, big_endian(pages->buffer + 8 + 4 * (size_t)i));
        if (pages->fault)
            return true;
        counted += 1 + n;
    }
    if (counted != count)
        found(pages, "%u pages are in the list of free pages, and %u should be", counted, count);
    return true;
}

static void compare(struct pages *pages)
{
    for (uint32_t page = 3; page <= pages->count; page++) {
        bool listed = pages->listed->data[page] != 0, free_page = pages->kinds->data[page] == MAP_FREE;
        if (listed && !free_page)
            found(pages, "page %u is in use, and in the list of free pages", page);
        if (!listed && free_page)
            found(pages, "page %u is free, and not in the list of free pages", page);
    }
}

static bool read_roots(struct pages *pages, GError **error)
{
    struct statement *roots = statement_get(pages->store, STATEMENT_VERIFY_ROOTS, error);
    enum step step = STEP_FAILED;
    while (roots && (step = statement_step(roots, error)) == STEP_ROW) {
        int64_t root = column_int(roots, 0);
        const char *name = column_text(roots, 1, NULL);
        if (root > pages->count || pages->kinds->data[root] != MAP_ROOT)
            found(pages, "page %" G_GINT64_FORMAT ", where %s begins, is that of something else", root, name);
    }
    return step == STEP_DONE;
}

/* --- all of it -------------------------------------------------------------------------------------------------------
 */

static bool check(struct pages *pages, const uint8_t *header, GError **error)
{
    uint32_t size = (uint32_t)header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
    int64_t count;
    struct statement *counted = statement_get(pages->store, STATEMENT_VERIFY_PAGES, error);
    if (!counted || !statement_int(counted, 0, &count, error))
        return false;
    pages->page_bytes = size == 1 ? 65536 : size;
    pages->map_reach = (pages->page_bytes - header[HEADER_RESERVED]) / MAP_ENTRY_BYTES + 1;
    pages->count = (uint32_t)count;
    pages->buffer = g_malloc0(pages->page_bytes);
    g_byte_array_set_size(pages->kinds, pages->count + 1);
    g_byte_array_set_size(pages->listed, pages->count + 1);
    memset(pages->kinds->data, 0, pages->kinds->len);
    memset(pages->listed->data, 0, pages->listed->len);
    if (!read_map(pages, error) || !read_roots(pages, error) ||
        !read_list(pages, big_endian(header + HEADER_FREE_FIRST), big_endian(header + HEADER_FREE_COUNT), error))
        return false;
    compare(pages);
    return true;
}

bool pages_check(struct store *store, bool *checked, char **fault, GError **error)
{
    uint8_t header[HEADER_BYTES];
    GError *cause = NULL;
    *fault = NULL;
    *checked = is_in_file(store, &cause);
    if (cause)
        g_propagate_error(error, cause);
    if (!*checked)
        return !cause;
    if (!read_bytes(store, header, sizeof header, 0, error))
        return false;
    if (big_endian(header + HEADER_LARGEST_ROOT) == 0) /* no map: not made by us */
        return true;
    struct pages pages = {.store = store, .kinds = g_byte_array_new(), .listed = g_byte_array_new()};
    bool read = check(&pages, header, error);
    *fault = pages.fault;
    g_byte_array_unref(pages.kinds);
    g_byte_array_unref(pages.listed);
    g_free(pages.buffer);
    return read;
}
