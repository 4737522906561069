#include "json_private.h"

#include <string.h>

enum {
    BODY_FIRST_BYTES = 16 * 1024,
    BODY_KEPT_BYTES = 4 * 1024 * 1024, /* a reset gives a larger buffer back: one huge page must not stay in memory */
};

/* A record as offsets: the body moves while it grows. */
struct record {
    size_t start, length;
    enum json_fault fault;
};

struct json_page {
    bool array;
    size_t max_bytes;
    char *body; /* NUL-terminated; NULL until there is any */
    size_t bytes, capacity;
    struct json_reader reader;
    GError *error; /* sticky */

    GArray *records;     /* of struct record */
    bool in_records;     /* inside the array that holds them */
    size_t record_depth; /* containers around a record */
    size_t record_start;
    enum json_fault fault; /* of the record being read */

    GHashTable *members; /* decoded name -> decoded string; links also where they are null: NULL */
    GString *name;       /* of the top-level member being read */
    bool object;         /* the top level is an object */
    unsigned arrays;     /* that were taken for the records' */
    unsigned others;     /* `value` members that are no array */
    bool error_member;   /* an "error" that is not null */
    bool bad_link;       /* neither string nor null, or given twice */
};

struct json_page *json_page_new(bool array, size_t max_bytes)
{
    struct json_page *page = g_new0(struct json_page, 1);

    page->array = array;
    page->max_bytes = max_bytes;
    page->record_depth = array ? 1 : 2;
    page->records = g_array_new(FALSE, FALSE, sizeof(struct record));
    page->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    page->name = g_string_new(NULL);
    json_reader_init(&page->reader);
    page->reader.lenient_text = true;
    return page;
}

void json_page_free(struct json_page *page)
{
    if (page == NULL)
        return;
    json_reader_clear(&page->reader);
    g_clear_error(&page->error);
    g_array_unref(page->records);
    g_hash_table_unref(page->members);
    g_string_free(page->name, TRUE);
    g_free(page->body);
    g_free(page);
}

void json_page_reset(struct json_page *page)
{
    if (page->capacity > BODY_KEPT_BYTES) {
        g_clear_pointer(&page->body, g_free);
        page->capacity = 0;
    }
    if (page->body != NULL)
        page->body[0] = '\0';
    page->bytes = 0;
    json_reader_restart(&page->reader);
    g_clear_error(&page->error);
    g_array_set_size(page->records, 0);
    g_hash_table_remove_all(page->members);
    page->in_records = page->object = page->error_member = page->bad_link = false;
    page->fault = JSON_FAULT_NONE;
    page->arrays = page->others = 0;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

/* "@odata.nextLink", "@odata.deltaLink": what says whether more follows. A page that says it in a way that cannot be
 * understood must not pass for the last one. */
static bool is_link(const char *name)
{
    return g_str_has_suffix(name, "Link");
}

/* A top-level value: a scalar, or a container that has just opened. */
static void take_member(struct json_page *page, enum json_token token)
{
    const struct json_reader *reader = &page->reader;
    const char *name = page->name->str;

    if (strcmp(name, "value") == 0) {
        if (token == JSON_TOKEN_ARRAY_BEGIN && !page->array) {
            page->in_records = true;
            page->arrays++;
        } else {
            page->others++;
        }
        return;
    }
    if (strcmp(name, "error") == 0)
        page->error_member = token != JSON_TOKEN_NULL;
    if (is_link(name) &&
        ((token != JSON_TOKEN_STRING && token != JSON_TOKEN_NULL) || g_hash_table_contains(page->members, name)))
        page->bad_link = true;
    if (token == JSON_TOKEN_STRING) {
        GString *text = g_string_new(NULL);
        json_decode_string(reader->bytes + reader->start, reader->end - reader->start, text);
        g_hash_table_replace(page->members, g_strdup(name), g_string_free(text, FALSE));
    } else if (is_link(name)) {
        g_hash_table_replace(page->members, g_strdup(name), NULL);
    } else {
        g_hash_table_remove(page->members, name);
    }
}

static bool token_opens(enum json_token token)
{
    return token == JSON_TOKEN_OBJECT_BEGIN || token == JSON_TOKEN_ARRAY_BEGIN;
}

static bool token_closes(enum json_token token)
{
    return token == JSON_TOKEN_OBJECT_END || token == JSON_TOKEN_ARRAY_END;
}

/* A token outside the records. */
static void take_outer(struct json_page *page, enum json_token token)
{
    const struct json_reader *reader = &page->reader;

    if (reader->depth == 1 && token_opens(token)) {
        page->object = token == JSON_TOKEN_OBJECT_BEGIN;
        page->in_records = page->array && !page->object;
        page->arrays += page->in_records;
    } else if (!page->object || reader->depth == 0) {
        return;
    } else if (token == JSON_TOKEN_KEY && reader->depth == 1) {
        g_string_truncate(page->name, 0);
        json_decode_string(reader->bytes + reader->start, reader->end - reader->start, page->name);
    } else if (token_opens(token) ? reader->depth == 2 : reader->depth == 1 && !token_closes(token)) {
        take_member(page, token);
    }
}

static void end_record(struct json_page *page, size_t start, size_t end)
{
    struct record record = {.start = start, .length = end - start, .fault = page->fault};

    g_array_append_val(page->records, record);
    page->fault = JSON_FAULT_NONE;
}

/* A token between the brackets of the records' array. */
static void take_inner(struct json_page *page, enum json_token token)
{
    const struct json_reader *reader = &page->reader;
    bool text = token == JSON_TOKEN_STRING || token == JSON_TOKEN_KEY;

    if (text && reader->bad_text && page->fault == JSON_FAULT_NONE)
        page->fault = JSON_FAULT_TEXT;
    if (reader->depth > page->record_depth) {
        if (reader->depth == page->record_depth + 1 && token_opens(token))
            page->record_start = reader->start;
        else if (reader->depth > page->record_depth + JSON_DEPTH_MAX)
            page->fault = JSON_FAULT_DEPTH;
    } else if (reader->depth < page->record_depth) {
        page->in_records = false;
    } else if (token_closes(token)) {
        end_record(page, page->record_start, reader->end);
    } else {
        end_record(page, reader->start - text, reader->end + text); /* a string's quotes belong to it */
    }
}

static bool read_tokens(struct json_page *page, bool finished)
{
    enum json_token token;

    json_reader_input(&page->reader, page->body, page->bytes, finished);
    while ((token = json_reader_next(&page->reader)) > JSON_TOKEN_END) {
        if (page->in_records)
            take_inner(page, token);
        else
            take_outer(page, token);
    }
    if (token == JSON_TOKEN_ERROR)
        page->error = g_error_copy(page->reader.error);
    return token != JSON_TOKEN_ERROR;
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

/* Room for `bytes` more and a NUL. */
static void reserve(struct json_page *page, size_t bytes)
{
    size_t wanted = page->bytes + bytes + 1;

    if (wanted <= page->capacity)
        return;
    if (page->capacity == 0)
        page->capacity = BODY_FIRST_BYTES;
    while (page->capacity < wanted)
        page->capacity *= 2;
    page->body = g_realloc(page->body, page->capacity);
}

/* Gives back what the doubling took too much: whole pages wait in queues. */
static void fit(struct json_page *page)
{
    if (page->body == NULL)
        return;
    page->capacity = page->bytes + 1;
    page->body = g_realloc(page->body, page->capacity);
}

/* False with the page's error when an earlier step failed. */
static bool still_good(const struct json_page *page, GError **error)
{
    if (page->error != NULL)
        g_propagate_error(error, g_error_copy(page->error));
    return page->error == NULL;
}

bool json_page_feed(struct json_page *page, const void *bytes, size_t length, GError **error)
{
    size_t taken = MIN(length, page->max_bytes - page->bytes);

    reserve(page, taken);
    if (taken > 0)
        memcpy(page->body + page->bytes, bytes, taken);
    page->bytes += taken;
    page->body[page->bytes] = '\0';
    if (page->error == NULL && taken < length)
        page->error = g_error_new(JSON_ERROR, JSON_ERROR_TOO_LARGE, "The body is larger than the %zu bytes allowed",
                                  page->max_bytes);
    if (page->error == NULL)
        read_tokens(page, false);
    return still_good(page, error);
}

/* What keeps a whole JSON value from being a page; NULL when it is one. */
static const char *wrong_shape(const struct json_page *page)
{
    if (page->error_member)
        return "The body tells of an error instead of being a page of records";
    if (page->array)
        return page->arrays == 1 ? NULL : "The body is JSON, but not the array of records that was expected";
    if (!page->object)
        return "The body is JSON, but not the object with a member \"value\" that was expected";
    if (page->others > 0)
        return "The body's member \"value\" is not an array of records";
    if (page->arrays == 0)
        return "The body has no member \"value\", where the records were expected";
    if (page->arrays > 1)
        return "The body has more than one member \"value\", and nothing says which holds the records";
    if (page->bad_link)
        return "The body's link to what follows is not a string, or given twice";
    return NULL;
}

bool json_page_finish(struct json_page *page, GError **error)
{
    const char *wrong;

    if (page->error == NULL && read_tokens(page, true)) {
        wrong = wrong_shape(page);
        if (wrong != NULL)
            page->error = g_error_new_literal(JSON_ERROR, JSON_ERROR_SHAPE, wrong);
    }
    fit(page);
    return still_good(page, error);
}

size_t json_page_bytes(const struct json_page *page)
{
    return page->bytes;
}

const char *json_page_body(const struct json_page *page)
{
    return page->body != NULL ? page->body : "";
}

size_t json_page_count(const struct json_page *page)
{
    return page->records->len;
}

struct json_slice json_page_record(const struct json_page *page, size_t index)
{
    g_assert(index < page->records->len);
    const struct record *record = &g_array_index(page->records, struct record, index);
    return (struct json_slice){.bytes = page->body + record->start, .length = record->length, .fault = record->fault};
}

const char *json_page_member(const struct json_page *page, const char *name)
{
    return g_hash_table_lookup(page->members, name);
}
