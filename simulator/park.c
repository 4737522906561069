#include "park.h"

struct park {
    GMutex lock;
    GHashTable *held; /* ticket -> connection */
    guint next_ticket;
    bool closed;
};

struct wake {
    struct park *park;
    guint ticket;
};

struct park *park_new(void)
{
    struct park *p = g_new0(struct park, 1);

    g_mutex_init(&p->lock);
    p->held = g_hash_table_new(NULL, NULL);
    return p;
}

void park_free(struct park *p)
{
    if (!p)
        return;
    g_hash_table_unref(p->held);
    g_mutex_clear(&p->lock);
    g_free(p);
}

static gboolean wake_up(gpointer data)
{
    const struct wake *w = data;

    g_mutex_lock(&w->park->lock);
    struct MHD_Connection *connection = g_hash_table_lookup(w->park->held, GUINT_TO_POINTER(w->ticket));
    if (connection) {
        g_hash_table_remove(w->park->held, GUINT_TO_POINTER(w->ticket));
        MHD_resume_connection(connection);
    }
    g_mutex_unlock(&w->park->lock);
    return G_SOURCE_REMOVE;
}

bool park_hold(struct park *p, struct MHD_Connection *connection, guint wait_ms)
{
    struct wake *w = g_new0(struct wake, 1);

    g_mutex_lock(&p->lock);
    bool open = !p->closed;
    if (open) {
        *w = (struct wake){p, ++p->next_ticket};
        MHD_suspend_connection(connection);
        g_hash_table_insert(p->held, GUINT_TO_POINTER(w->ticket), connection);
    }
    g_mutex_unlock(&p->lock);
    if (!open) {
        g_free(w);
        return false;
    }
    GSource *timer = g_timeout_source_new(wait_ms);
    g_source_set_callback(timer, wake_up, w, g_free);
    g_source_attach(timer, NULL);
    g_source_unref(timer);
    return true;
}

void park_close(struct park *p)
{
    GHashTableIter iter;
    gpointer connection = NULL;

    g_mutex_lock(&p->lock);
    p->closed = true;
    g_hash_table_iter_init(&iter, p->held);
    while (g_hash_table_iter_next(&iter, NULL, &connection))
        MHD_resume_connection(connection);
    g_hash_table_remove_all(p->held);
    g_mutex_unlock(&p->lock);
}
