#include "budget.h"

#include <glib.h>

#include "ticks.h"

enum { SWEEP_AT = 4096 }; /* forgotten entries at the head of a list before it is moved up */

const char *const budget_names[BUDGET_FAMILIES] = {"reports", "directory", "signInActivity", "announcements",
                                                   "intune",  "mail",      "mailUpload"};

enum scope { SCOPE_APP_IN_TENANT, SCOPE_APP, SCOPE_TENANT, SCOPES };

static const struct rule {
    enum budget_family family;
    enum scope scope;
    int64_t window_s;
    int most; /* 0: by the size of the tenant */
} rules[] = {
    {BUDGET_REPORTS, SCOPE_APP_IN_TENANT, 10, 5},         {BUDGET_REPORTS, SCOPE_APP, 10, 122},
    {BUDGET_DIRECTORY, SCOPE_APP_IN_TENANT, 10, 0},       {BUDGET_DIRECTORY, SCOPE_APP, 20, 150000},
    {BUDGET_ACTIVITY, SCOPE_APP_IN_TENANT, 60, 10},       {BUDGET_ACTIVITY, SCOPE_APP, 60, 10},
    {BUDGET_ANNOUNCEMENTS, SCOPE_APP_IN_TENANT, 60, 240}, {BUDGET_ANNOUNCEMENTS, SCOPE_APP_IN_TENANT, 3600, 800},
    {BUDGET_INTUNE, SCOPE_APP_IN_TENANT, 20, 1000},       {BUDGET_INTUNE, SCOPE_TENANT, 20, 2000},
    {BUDGET_MAIL, SCOPE_APP_IN_TENANT, 600, 10000},       {BUDGET_MAIL_UPLOAD, SCOPE_APP_IN_TENANT, 300, 150000000},
};

enum { RULES = G_N_ELEMENTS(rules) };

struct taken {
    int64_t at;
    int cost;
};

/* What was taken of one rule's budget. */
struct purse {
    GArray *taken; /* struct taken, oldest first, from `first` on; NULL: nothing yet */
    guint first;
    int sum;
};

/* An app in a tenant (of mail: in a mailbox there), an app, or a tenant. */
struct holder {
    struct purse purses[RULES];
    int64_t wait_until[BUDGET_FAMILIES]; /* what an app in a tenant was told */
};

struct budgets {
    GHashTable *holders[SCOPES]; /* by id */
};

static void holder_free(gpointer data)
{
    struct holder *h = data;

    for (gsize r = 0; r < RULES; r++)
        g_clear_pointer(&h->purses[r].taken, g_array_unref);
    g_free(h);
}

struct budgets *budgets_new(void)
{
    struct budgets *b = g_new0(struct budgets, 1);

    for (int s = 0; s < SCOPES; s++)
        b->holders[s] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, holder_free);
    return b;
}

void budgets_free(struct budgets *b)
{
    if (!b)
        return;
    for (int s = 0; s < SCOPES; s++)
        g_hash_table_unref(b->holders[s]);
    g_free(b);
}

void budgets_reset(struct budgets *b)
{
    for (int s = 0; s < SCOPES; s++)
        g_hash_table_remove_all(b->holders[s]);
}

/* Made when it is first asked for: of thousands of tenants few may ever be seen. */
static struct holder *find_holder(struct budgets *b, enum scope scope, const struct charge *c)
{
    g_autofree char *id = g_strjoin(" ", scope == SCOPE_TENANT ? "" : c->app, scope == SCOPE_APP ? "" : c->tenant,
                                    scope == SCOPE_APP_IN_TENANT ? c->mailbox : NULL, NULL);
    struct holder *h = g_hash_table_lookup(b->holders[scope], id);

    if (h)
        return h;
    h = g_new0(struct holder, 1);
    for (int f = 0; f < BUDGET_FAMILIES; f++)
        h->wait_until[f] = INT64_MIN;
    g_hash_table_insert(b->holders[scope], g_steal_pointer(&id), h);
    return h;
}

static int most_of(const struct rule *rule, const struct charge *c)
{
    if (rule->most > 0)
        return rule->most;
    if (c->users < 50)
        return 3500;
    return c->users <= 500 ? 5000 : 8000;
}

/* Forgets what is older than the window. */
static void forget(struct purse *p, const struct rule *rule, int64_t now)
{
    int64_t window = rule->window_s * TICKS_PER_SECOND;

    if (!p->taken)
        p->taken = g_array_new(FALSE, FALSE, sizeof(struct taken));
    while (p->first < p->taken->len && g_array_index(p->taken, struct taken, p->first).at + window <= now)
        p->sum -= g_array_index(p->taken, struct taken, p->first++).cost;
    if (p->first > SWEEP_AT) {
        g_array_remove_range(p->taken, 0, p->first);
        p->first = 0;
    }
}

/* The moment from which there is room for the charge; INT64_MIN: there is now. */
static int64_t free_at(const struct purse *p, const struct rule *rule, const struct charge *c)
{
    int sum = p->sum, most = most_of(rule, c);
    guint k = p->first;

    while (k < p->taken->len && sum + c->cost > most)
        sum -= g_array_index(p->taken, struct taken, k++).cost;
    return k > p->first ? g_array_index(p->taken, struct taken, k - 1).at + rule->window_s * TICKS_PER_SECOND
                        : INT64_MIN;
}

static int64_t whole_seconds(int64_t ticks)
{
    return MAX((ticks + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND, 1);
}

/* When all of the family's budgets have room. */
static int64_t room_at(struct budgets *b, const struct charge *c, int64_t now)
{
    int64_t at = INT64_MIN;

    for (gsize r = 0; r < RULES; r++) {
        if (rules[r].family != c->family)
            continue;
        struct purse *p = &find_holder(b, rules[r].scope, c)->purses[r];
        forget(p, &rules[r], now);
        at = MAX(at, free_at(p, &rules[r], c));
    }
    return at;
}

static void take(struct budgets *b, const struct charge *c, int64_t now)
{
    struct taken taken = {now, c->cost};

    for (gsize r = 0; r < RULES; r++) {
        if (rules[r].family != c->family)
            continue;
        struct purse *p = &find_holder(b, rules[r].scope, c)->purses[r];
        g_array_append_val(p->taken, taken);
        p->sum += c->cost;
    }
}

struct verdict budgets_take(struct budgets *b, const struct charge *c, int64_t now, bool enforce)
{
    int64_t *wait_until = &find_holder(b, SCOPE_APP_IN_TENANT, c)->wait_until[c->family];
    struct verdict v = {.broken = now < *wait_until};
    int64_t at = room_at(b, c, now);

    if (enforce && v.broken) {
        v.wait_s = whole_seconds(*wait_until - now);
    } else if (enforce && at > now) {
        v.wait_s = whole_seconds(at - now);
        *wait_until = now + v.wait_s * TICKS_PER_SECOND;
    } else {
        take(b, c, now);
    }
    return v;
}

double budgets_used(struct budgets *b, const struct charge *c, int64_t now)
{
    struct holder *h = find_holder(b, SCOPE_APP_IN_TENANT, c);
    double most = 0;

    for (gsize r = 0; r < RULES; r++) {
        if (rules[r].family != c->family || rules[r].scope != SCOPE_APP_IN_TENANT)
            continue;
        forget(&h->purses[r], &rules[r], now);
        most = MAX(most, (double)h->purses[r].sum / most_of(&rules[r], c));
    }
    return most;
}

void budgets_wait_until(struct budgets *b, const struct charge *c, int64_t until)
{
    int64_t *wait_until = &find_holder(b, SCOPE_APP_IN_TENANT, c)->wait_until[c->family];

    *wait_until = MAX(*wait_until, until);
}
