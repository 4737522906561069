#include "sim.h"

#include <string.h>

#include "budget.h"
#include "certificates.h"
#include "decoy.h"
#include "faults.h"
#include "ledger.h"
#include "mail.h"
#include "park.h"
#include "signing.h"
#include "ticks.h"
#include "tls.h"
#include "token.h"

static const int64_t default_counts[SOURCE_COUNT] = {
    [SOURCE_SIGN_INS] = 10000, [SOURCE_DIRECTORY_AUDITS] = 2000, [SOURCE_INTUNE_AUDITS] = 500};

static void tenant_free(gpointer data)
{
    struct tenant *t = data;

    for (int s = 0; s < SOURCE_COUNT; s++)
        loaded_free(t->loaded[s]);
    directory_free(t->directory);
    health_free(t->health);
    company_free(t->company);
    g_strfreev(t->withheld);
    g_strfreev(t->granted);
    g_strfreev(t->mailboxes);
    g_strfreev(t->mail_policy);
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
        [SOURCE_INTUNE_AUDITS] = o->intune_audits,
    };
    int64_t given = counts[source];

    if (given >= 0)
        return given;
    return loaded ? 0 : default_counts[source];
}

static struct tenant *tenant_new(const struct sim *sim, const char *id)
{
    const struct options *o = sim->options;
    struct tenant *t = g_new0(struct tenant, 1);

    t->id = g_strdup(id);
    t->no_premium = o->no_premium;
    t->no_intune = o->no_intune;
    t->withheld = g_strdupv(o->withheld_roles);
    t->granted = g_strdupv(o->granted_roles);
    t->mailboxes = g_strdupv(o->mailboxes);
    t->secret_ends = sim->start + (int64_t)(o->secret_expires * (double)TICKS_PER_DAY);
    return t;
}

/* Hires the people and rolls the records: a simulator may have very many tenants of which few are asked about. */
static struct tenant *prepare(const struct sim *sim, struct tenant *t)
{
    const struct options *o = sim->options;
    uint64_t seed = (uint64_t)o->seed;

    if (t->company)
        return t;
    t->company = company_new(t->id, seed);
    t->directory =
        directory_new(t->company, seed, &(struct directory_habits){o->users, o->user_changes, o->user_turnover});
    t->health = health_new(t->id, seed,
                           &(struct health_habits){o->services, o->issues, o->messages, o->days, o->retention_days},
                           sim->start, o->clock != NULL);
    for (int s = 0; s < SOURCE_COUNT; s++) {
        enum source source = (enum source)s;
        stream_init(&t->streams[s], source, t->company, seed, count_of(o, source, sim->files[s] != NULL), o->days,
                    sim->start, o->clock != NULL);
        t->streams[s].late_percent = o->late_percent;
        t->streams[s].changed_percent = o->changed_percent;
        t->loaded[s] = loaded_new(source);
        if (sim->files[s])
            loaded_add_all(t->loaded[s], sim->files[s]);
    }
    return t;
}

static GPtrArray *files_of(struct sim *sim, enum source source)
{
    if (!sim->files[source])
        sim->files[source] = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return sim->files[source];
}

/* Reads one SOURCE=FILE into the array of its source; sign-ins into those of their classes. */
static bool load_file(struct sim *sim, const char *argument, GError **error)
{
    const char *equals = strchr(argument, '=');
    g_autofree char *name = equals ? g_strndup(argument, (gsize)(equals - argument)) : g_strdup("");
    enum source source = SOURCE_SIGN_INS;

    if (!source_by_name(name, &source)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--load \"%s\": expected sign-ins=FILE, directory-audits=FILE or intune-audits=FILE", argument);
        return false;
    }
    g_autoptr(GPtrArray) records = loaded_read_file(equals + 1, error);
    if (!records)
        return false;
    files_of(sim, source);
    for (guint k = 0; k < records->len; k++) {
        GBytes *record = g_ptr_array_index(records, k);
        g_ptr_array_add(files_of(sim, loaded_source(source, record)), g_bytes_ref(record));
    }
    return true;
}

static void add_tenant(struct sim *sim, const char *id)
{
    struct tenant *t = tenant_new(sim, id);

    g_ptr_array_add(sim->tenants, t);
    g_hash_table_insert(sim->tenants_by_id, t->id, t);
}

struct sim *sim_new(const struct options *o, GError **error)
{
    struct sim *sim = g_new0(struct sim, 1);
    bool good = true;

    sim->options = o;
    sim_clock_init(&sim->clock);
    sim->tenants = g_ptr_array_new_with_free_func(tenant_free);
    sim->tenants_by_id = g_hash_table_new(g_str_hash, g_str_equal);
    sim->assertion_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sim->tokens = tokens_new();
    sim->budgets = budgets_new();
    sim->faults = faults_new();
    sim->ledger = ledger_new();
    sim->park = park_new();
    sim->mails = mails_new();
    if (o->clock)
        good = sim_clock_set(&sim->clock, o->clock, error);
    if (good && o->tls)
        good = (sim->tls_pem = tls_read(o->tls, error)) != NULL;
    if (good)
        good = (sim->certificates = certificates_read(o->client_certificates, error)) != NULL;
    for (char **l = o->load; good && l && *l; l++)
        good = load_file(sim, *l, error);
    sim->start = o->clock ? sim->clock.simulated_ticks : sim_clock_now(&sim->clock);
    for (char **id = o->tenants; good && *id; id++)
        add_tenant(sim, *id);
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
    mails_free(sim->mails);
    ledger_free(sim->ledger);
    faults_free(sim->faults);
    tokens_free(sim->tokens);
    budgets_free(sim->budgets);
    signing_free(sim->signing);
    g_hash_table_unref(sim->assertion_ids);
    g_clear_pointer(&sim->certificates, g_ptr_array_unref);
    g_hash_table_unref(sim->tenants_by_id);
    g_ptr_array_unref(sim->tenants);
    for (int s = 0; s < SOURCE_COUNT; s++)
        g_clear_pointer(&sim->files[s], g_ptr_array_unref);
    g_free(sim->tls_pem);
    g_free(sim->base_url);
    g_free(sim);
}

struct tenant *sim_tenant(const struct sim *sim, const char *id)
{
    g_autofree char *lower = g_ascii_strdown(id, -1);
    struct tenant *t = g_hash_table_lookup(sim->tenants_by_id, lower);

    return t ? prepare(sim, t) : NULL;
}

struct tenant *sim_tenant_at(const struct sim *sim, guint number)
{
    return prepare(sim, g_ptr_array_index(sim->tenants, number));
}

int64_t sim_oldest(const struct sim *sim, enum source source, int64_t now)
{
    const struct options *o = sim->options;
    double days = source == SOURCE_INTUNE_AUDITS ? o->intune_retention_days : o->retention_days;

    return days > 0 ? now - (int64_t)(days * (double)TICKS_PER_DAY) : INT64_MIN / 4;
}

char *sim_guid(struct sim *sim)
{
    struct dice d = {dice_mix((uint64_t)sim->options->seed ^ UINT64_C(0x7e9e57), ++sim->guids)};
    GString *out = g_string_sized_new(40);

    text_append_guid(out, &d);
    return g_string_free(out, FALSE);
}
