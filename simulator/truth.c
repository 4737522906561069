#include "truth.h"

#include "health_control.h"
#include "users_control.h"
#include "walk.h"

struct truth {
    const struct sim *sim;
    int64_t now;
    guint tenant;
    int source;
    bool walking;
    struct walk walk;
    GString *scratch;
    struct users_dump *users; /* in place of all else; NULL: records */
    GHashTable *seen;         /* of loaded records: the same one may have been loaded twice */
};

struct truth *truth_new(const struct sim *sim)
{
    struct truth *t = g_new0(struct truth, 1);

    t->sim = sim;
    t->now = sim_clock_now(&sim->clock);
    t->scratch = g_string_new(NULL);
    t->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return t;
}

struct truth *truth_new_users(struct users_dump *dump)
{
    struct truth *t = g_new0(struct truth, 1);

    t->users = dump;
    return t;
}

void truth_free(struct truth *t)
{
    if (!t)
        return;
    users_dump_free(t->users);
    if (t->scratch)
        g_string_free(t->scratch, TRUE);
    g_clear_pointer(&t->seen, g_hash_table_unref);
    g_free(t);
}

static const struct tenant *begin_walk(struct truth *t)
{
    const struct tenant *tenant = sim_tenant_at(t->sim, t->tenant);

    if (!t->walking) {
        walk_init(&t->walk, NULL, t->now, sim_oldest(t->sim, (enum source)t->source, t->now), false, false);
        if (t->source != SOURCE_INTUNE_AUDITS || !tenant->no_intune)
            walk_add(&t->walk, &tenant->streams[t->source], tenant->loaded[t->source], NULL);
    }
    t->walking = true;
    return tenant;
}

static void append_line(struct truth *t, const struct tenant *tenant, GString *out)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, t->scratch->str, (gssize)t->scratch->len);
    const struct loaded_record *loaded = t->walk.record;
    g_autofree char *id = NULL;
    const char *value = NULL;
    gsize len = 0;

    if (!loaded && text_find_member(t->scratch->str, t->scratch->len, "id", &value, &len))
        id = text_decode(value, len);
    if (loaded && !g_hash_table_add(
                      t->seen, g_strdup_printf("%s %s %s %s", tenant->id, source_names[t->source], sum, loaded->id)))
        return;
    g_string_append_printf(out, "{\"tenant\":\"%s\",\"source\":\"%s\",\"id\":\"", tenant->id, source_names[t->source]);
    text_append_escaped(out, loaded ? loaded->id : id, -1, false);
    g_string_append_printf(out, "\",\"sha256\":\"%s\"}\n", sum);
}

bool truth_read(struct truth *t, GString *out, gsize enough)
{
    if (t->users)
        return users_dump_read(t->users, out, enough);
    while (out->len < enough && t->tenant < t->sim->tenants->len) {
        const struct tenant *tenant = begin_walk(t);
        g_string_truncate(t->scratch, 0);
        if (walk_next(&t->walk, t->scratch)) {
            append_line(t, tenant, out);
            continue;
        }
        t->walking = false;
        if (++t->source == SOURCE_COUNT) {
            health_append_truth(tenant, t->now, out);
            t->source = 0;
            t->tenant++;
        }
    }
    return out->len > 0;
}
