#include "edits.h"

#include <string.h>

#include "text.h"

static void member_free(gpointer data)
{
    struct member *m = data;

    g_free(m->name);
    g_free(m->value);
    g_free(m);
}

static void edit_free(gpointer data)
{
    struct edit *e = data;

    g_ptr_array_unref(e->members);
    g_free(e);
}

struct script *script_new(const char *id, uint32_t place, int64_t generation)
{
    struct script *s = g_new0(struct script, 1);

    s->id = g_strdup(id);
    s->place = place;
    s->generation = generation;
    s->edits = g_ptr_array_new_with_free_func(edit_free);
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    g_free(s->id);
    g_ptr_array_unref(s->edits);
    g_free(s);
}

void script_add(struct script *s, int64_t time, int64_t serial, enum presence presence, GPtrArray *members)
{
    struct edit *e = g_new0(struct edit, 1);

    *e = (struct edit){time, serial, presence, members};
    g_ptr_array_add(s->edits, e);
}

int script_at(const struct script *s, int64_t time, int64_t serial)
{
    int n = (int)s->edits->len - 1;

    while (n >= 0 && (script_edit(s, n)->serial > serial || script_edit(s, n)->time > time))
        n--;
    return n;
}

const struct edit *script_edit(const struct script *s, int number)
{
    return g_ptr_array_index(s->edits, (guint)number);
}

GPtrArray *members_new(void)
{
    return g_ptr_array_new_with_free_func(member_free);
}

static struct member *find(const GPtrArray *members, const char *name)
{
    for (guint k = 0; k < members->len; k++) {
        struct member *m = g_ptr_array_index(members, k);
        if (strcmp(m->name, name) == 0)
            return m;
    }
    return NULL;
}

void members_set(GPtrArray *members, const char *name, const char *value)
{
    struct member *m = find(members, name);

    if (!m) {
        m = g_new0(struct member, 1);
        m->name = g_strdup(name);
        g_ptr_array_add(members, m);
    }
    g_free(m->value);
    m->value = g_strdup(value);
}

const char *members_find(const GPtrArray *members, const char *name)
{
    const struct member *m = find(members, name);

    return m ? m->value : NULL;
}

GPtrArray *members_copy(const GPtrArray *members)
{
    GPtrArray *copy = members_new();

    for (guint k = 0; k < members->len; k++) {
        const struct member *m = g_ptr_array_index(members, k);
        members_set(copy, m->name, m->value);
    }
    return copy;
}

GPtrArray *members_read(const char *text, gsize len)
{
    g_autoptr(GPtrArray) members = members_new();
    struct text_member m;
    gsize at = 0;

    while (text_next_member(text, len, &at, &m)) {
        g_autofree char *quoted = g_strndup(m.name - 1, m.name_len + 2);
        g_autofree char *name = text_decode(quoted, m.name_len + 2);
        g_autofree char *value = g_strchomp(g_strndup(m.value, m.value_len));
        members_set(members, name, value);
    }
    bool whole = at > 0 || (len > 1 && memchr(text, '{', len) && memchr(text, '}', len));
    return whole ? g_steal_pointer(&members) : NULL;
}
