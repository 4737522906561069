#include "store/account_merge.h"

#include <string.h>

static bool is_null(const struct json_member *member)
{
    return !member || (member->length == strlen("null") && memcmp(member->bytes, "null", member->length) == 0);
}

/* A list that never had an entry is [] in a listing and absent in a delta round: that is no change. */
static bool is_nothing(const struct json_member *member)
{
    if (is_null(member))
        return true;
    size_t end = 1;
    while (end < member->length && g_ascii_isspace(member->bytes[end]))
        end++;
    return member->bytes[0] == '[' && member->bytes[end] == ']'; /* a value is whole: the bracket has a partner */
}

static bool same_value(const struct json_member *a, const struct json_member *b)
{
    if (is_nothing(a) || is_nothing(b))
        return is_nothing(a) && is_nothing(b);
    return json_same(a->bytes, a->length, b->bytes, b->length);
}

/* What OData says about the answer rather than the service about the account: "@removed", "@odata.type" ... */
static bool is_annotation(const struct json_member *member)
{
    return member->key[0] == '@';
}

/* Moves by itself several times a day: it has a column, but no history here, as every sign-in is a record of its own.
 */
static bool has_history(const struct json_member *member)
{
    return strcmp(member->key, "signInActivity") != 0;
}

static const struct json_member *find(const struct json_members *members, const char *key)
{
    return members ? json_members_find(members, key) : NULL;
}

static size_t count(const struct json_members *members)
{
    return members ? json_members_count(members) : 0;
}

static void add_change(struct account_merge *merge, const struct json_member *old, const struct json_member *new)
{
    struct account_change change = {.field = new->key};
    if (!is_null(old)) {
        change.old_value = old->bytes;
        change.old_length = old->length;
    }
    if (!is_null(new)) {
        change.new_value = new->bytes;
        change.new_length = new->length;
    }
    g_array_append_val(merge->changes, change);
}

/* Collects the changes; true when the record says anything new. */
static bool compare(struct account_merge *merge)
{
    bool anything = false;
    for (size_t i = 0; i < count(merge->record); i++) {
        const struct json_member *new = json_members_at(merge->record, i), *old = find(merge->known, new->key);
        if (is_annotation(new) || same_value(old, new))
            continue;
        anything = true;
        if (has_history(new))
            add_change(merge, old, new);
    }
    return anything;
}

/* The record can stand for the account as it is: it names every known member and has nothing that does not belong. */
static bool is_whole(const struct account_merge *merge)
{
    for (size_t i = 0; i < count(merge->record); i++)
        if (is_annotation(json_members_at(merge->record, i)))
            return false;
    for (size_t i = 0; i < count(merge->known); i++)
        if (!find(merge->record, json_members_at(merge->known, i)->key))
            return false;
    return true;
}

static void append_member(GString *out, const struct json_member *name, const struct json_member *value)
{
    if (is_annotation(name))
        return;
    if (out->len > 1)
        g_string_append_c(out, ',');
    g_string_append_len(out, name->name, (gssize)name->name_length);
    g_string_append_c(out, ':');
    g_string_append_len(out, value->bytes, (gssize)value->length);
}

static GString *build(const struct account_merge *merge)
{
    GString *out = g_string_new("{");
    for (size_t i = 0; i < count(merge->known); i++) {
        const struct json_member *old = json_members_at(merge->known, i), *new = find(merge->record, old->key);
        append_member(out, old, new ? new : old);
    }
    for (size_t i = 0; i < count(merge->record); i++) {
        const struct json_member *new = json_members_at(merge->record, i);
        if (!find(merge->known, new->key))
            append_member(out, new, new);
    }
    g_string_append_c(out, '}');
    return out;
}

bool account_merge(struct account_merge *merge, const char *known, size_t known_length, const char *record,
                   size_t length, GError **error)
{
    *merge = (struct account_merge){.changes = g_array_new(FALSE, FALSE, sizeof(struct account_change))};
    merge->record = json_members_parse(record, length, error);
    if (!merge->record)
        return false;
    merge->known = known ? json_members_parse(known, known_length, NULL) : NULL;
    if (known && !compare(merge))
        return true;
    if (is_whole(merge)) {
        merge->raw = record;
        merge->length = length;
    } else {
        merge->built = build(merge);
        merge->raw = merge->built->str;
        merge->length = merge->built->len;
    }
    return true;
}

void account_merge_clear(struct account_merge *merge)
{
    json_members_free(merge->known);
    json_members_free(merge->record);
    if (merge->changes)
        g_array_unref(merge->changes);
    if (merge->built)
        g_string_free(merge->built, TRUE);
    *merge = (struct account_merge){0};
}
