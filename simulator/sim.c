#include "sim.h"

#include <string.h>

#include "budget.h"
#include "certificates.h"
#include "decoy.h"
#include "faults.h"
#include "ledger.h"
#include "park.h"
#include "signing.h"
#include "ticks.h"
#include "tls.h"
#include "token.h"

static const int64_t default_counts[SOURCE_COUNT] = {10000, 2000};

static void tenant_free(gpointer data)
{
    struct tenant *t = data;

    for (int s = 0; s < SOURCE_COUNT; s++)
        loaded_free(t->loaded[s]);
    directory_free(t->directory);
    company_free(t->company);
    budget_free(t->budget);
    g_free(t->id);
    g_free(t);
}

/* Loaded records take the place of generated ones, unless a count was given as well. */
static int64_t count_of(const struct options *o, enum source source, bool loaded)
{
    const int64_t counts[SOURCE_COUNT] = {
        [SOURCE_SIGN_INS] = o->sign_ins,
        [SOURCE_DIRECTORY_AUDITS] = o->directory_audits,
        [SOURCE_NON_INTERACTIVE] = o->non_interactive_sign_ins,
        [SOURCE_SERVICE_PRINCIPAL] = o->service_principal_sign_ins,
        [SOURCE_MANAGED_IDENTITY] = o->managed_identity_sign_ins,
    };
    int64_t given = counts[source];

    if (given >= 0)
        return given;
    return loaded ? 0 : default_counts[source];
}

static struct tenant *tenant_new(const struct sim *sim, const char *id, GPtrArray *const files[SOURCE_COUNT])
{
    const struct options *o = sim->options;
    struct tenant *t = g_new0(struct tenant, 1);
    uint64_t seed = (uint64_t)o->seed;
    int64_t start = o->clock ? sim->clock.simulated_ticks : sim_clock_now(&sim->clock);

    t->id = g_strdup(id);
    t->company = company_new(id, seed);
    t->directory =
        directory_new(t->company, seed, &(struct directory_habits){o->users, o->user_changes, o->user_turnover});
    t->budget = budget_new(o->users);
    for (int s = 0; s < SOURCE_COUNT; s++) {
        enum source source = (enum source)s;
        stream_init(&t->streams[s], source, t->company, seed, count_of(o, source, files[s] != NULL), o->days, start,
                    o->clock != NULL);
        t->streams[s].late_percent = o->late_percent;
        t->streams[s].changed_percent = o->changed_percent;
        t->loaded[s] = loaded_new(source);
        if (files[s])
            loaded_add_all(t->loaded[s], files[s]);
    }
    return t;
}

static GPtrArray *files_of(GPtrArray *files[SOURCE_COUNT], enum source source)
{
    if (!files[source])
        files[source] = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return files[source];
}

/* Reads one SOURCE=FILE into the array of its source; sign-ins into those of their classes. */
static bool load_file(const char *argument, GPtrArray *files[SOURCE_COUNT], GError **error)
{
    const char *equals = strchr(argument, '=');
    g_autofree char *name = equals ? g_strndup(argument, (gsize)(equals - argument)) : g_strdup("");
    enum source source = SOURCE_SIGN_INS;

    if (!source_by_name(name, &source)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--load \"%s\": expected sign-ins=FILE or directory-audits=FILE", argument);
        return false;
    }
    g_autoptr(GPtrArray) records = loaded_read_file(equals + 1, error);
    if (!records)
        return false;
    files_of(files, source);
    for (guint k = 0; k < records->len; k++) {
        GBytes *record = g_ptr_array_index(records, k);
        g_ptr_array_add(files_of(files, loaded_source(source, record)), g_bytes_ref(record));
    }
    return true;
}

struct sim *sim_new(const struct options *o, GError **error)
{
    struct sim *sim = g_new0(struct sim, 1);
    GPtrArray *files[SOURCE_COUNT] = {NULL};
    bool good = true;

    sim->options = o;
    sim_clock_init(&sim->clock);
    sim->tenants = g_ptr_array_new_with_free_func(tenant_free);
    sim->assertion_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sim->tokens = tokens_new();
    sim->faults = faults_new();
    sim->ledger = ledger_new();
    sim->park = park_new();
    if (o->clock)
        good = sim_clock_set(&sim->clock, o->clock, error);
    if (good && o->tls)
        good = (sim->tls_pem = tls_read(o->tls, error)) != NULL;
    if (good)
        good = (sim->certificates = certificates_read(o->client_certificates, error)) != NULL;
    for (char **l = o->load; good && l && *l; l++)
        good = load_file(*l, files, error);
    for (char **t = o->tenants; good && *t; t++)
        g_ptr_array_add(sim->tenants, tenant_new(sim, *t, files));
    for (int s = 0; s < SOURCE_COUNT; s++)
        if (files[s])
            g_ptr_array_unref(files[s]);
    if (good)
        return sim;
    sim_free(sim);
    return NULL;
}

void sim_free(struct sim *sim)
{
    if (!sim)
        return;
    decoy_free(sim->decoy);
    park_free(sim->park);
    ledger_free(sim->ledger);
    faults_free(sim->faults);
    tokens_free(sim->tokens);
    signing_free(sim->signing);
    g_hash_table_unref(sim->assertion_ids);
    g_clear_pointer(&sim->certificates, g_ptr_array_unref);
    g_ptr_array_unref(sim->tenants);
    g_free(sim->tls_pem);
    g_free(sim->base_url);
    g_free(sim);
}

struct tenant *sim_tenant(const struct sim *sim, const char *id)
{
    for (guint k = 0; k < sim->tenants->len; k++) {
        struct tenant *t = g_ptr_array_index(sim->tenants, k);
        if (g_ascii_strcasecmp(t->id, id) == 0)
            return t;
    }
    return NULL;
}

int64_t sim_oldest(const struct sim *sim, int64_t now)
{
    double days = sim->options->retention_days;

    return days > 0 ? now - (int64_t)(days * (double)TICKS_PER_DAY) : INT64_MIN / 4;
}

char *sim_guid(struct sim *sim)
{
    struct dice d = {dice_mix((uint64_t)sim->options->seed ^ UINT64_C(0x7e9e57), ++sim->guids)};
    GString *out = g_string_sized_new(40);

    text_append_guid(out, &d);
    return g_string_free(out, FALSE);
}
