#include "base/text.h"
#include "store/store.h"

static void append_key(GString *out, const char *key)
{
    g_string_append_printf(out, "%s\"%s\":", out->str[out->len - 1] == '{' ? "" : ",", key);
}

static void append_text(GString *out, const char *key, const char *text)
{
    append_key(out, key);
    text_append_json(out, text);
}

/* JSON as the store holds it: the record's own bytes, or what SQLite derived from them. */
static void append_verbatim(GString *out, const char *key, const char *json, size_t length)
{
    append_key(out, key);
    if (json && length > 0)
        g_string_append_len(out, json, (gssize)length);
    else
        g_string_append(out, "null");
}

static void append_json(GString *out, const char *key, const char *json)
{
    append_verbatim(out, key, json, json ? strlen(json) : 0);
}

void store_event_append_json(GString *out, const struct store_event *event)
{
    g_string_append_c(out, '{');
    append_text(out, "id", event->id);
    append_text(out, "timestamp", event->timestamp);
    append_text(out, "service", event->service);
    append_text(out, "operation", event->operation);
    append_text(out, "result", event->result);
    append_text(out, "actor_display", event->actor_display);
    append_json(out, "target_displays", event->target_displays);
    append_text(out, "display_summary", event->display_summary);
    append_text(out, "dedupe_key", event->dedupe_key);
    append_json(out, "actor", event->actor);
    append_json(out, "targets", event->targets);
    append_verbatim(out, "raw", event->raw, event->raw_length);
    append_text(out, "raw_text", event->raw_text);
    append_text(out, "customer", event->customer);
    append_text(out, "tenant_id", event->tenant_id);
    append_text(out, "source", event->source);
    append_text(out, "first_seen", event->first_seen);
    append_text(out, "changed_at", event->changed_at);
    append_key(out, "event_id");
    g_string_append_printf(out, "%" G_GINT64_FORMAT "}", event->event_id);
}
