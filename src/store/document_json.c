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

static const char *flag_word(int flag)
{
    return flag < 0 ? "null" : flag ? "true" : "false";
}

void store_user_append_json(GString *out, const struct store_user *row)
{
    g_string_append_c(out, '{');
    append_text(out, "id", row->id);
    append_text(out, "user_principal_name", row->user_principal_name);
    append_text(out, "display_name", row->display_name);
    append_text(out, "mail", row->mail);
    append_json(out, "account_enabled", flag_word(row->account_enabled));
    append_text(out, "user_type", row->user_type);
    append_text(out, "created", row->created);
    append_text(out, "last_sign_in", row->last_sign_in);
    append_text(out, "removed_at", row->removed_at);
    append_text(out, "removed_reason", row->removed_reason);
    append_verbatim(out, "raw", row->raw, row->raw_length);
    append_text(out, "raw_text", row->raw_text);
    append_text(out, "customer", row->customer);
    append_text(out, "tenant_id", row->tenant_id);
    append_text(out, "first_seen", row->first_seen);
    append_text(out, "changed_at", row->changed_at);
    append_key(out, "user_id");
    g_string_append_printf(out, "%" G_GINT64_FORMAT "}", row->user_id);
}

/* What only issues have. */
static void append_issue(GString *out, const struct store_health_row *row)
{
    append_text(out, "service", row->service);
    append_text(out, "classification", row->classification);
    append_text(out, "status", row->status);
    append_json(out, "is_resolved", flag_word(row->is_resolved));
    append_json(out, "posts", row->posts);
}

/* What only messages have. */
static void append_message(GString *out, const struct store_health_row *row)
{
    append_json(out, "services", row->services);
    append_text(out, "category", row->category);
    append_text(out, "severity", row->severity);
    append_json(out, "is_major_change", flag_word(row->is_major_change));
    append_text(out, "action_required_by", row->action_required_by);
}

void store_health_append_json(GString *out, const struct store_health_row *row)
{
    bool issue = row->kind == STORE_HEALTH_ISSUES;
    g_string_append_c(out, '{');
    append_text(out, "id", row->id);
    append_text(out, "title", row->title);
    append_text(out, "start", row->start);
    append_text(out, "end", row->end);
    append_text(out, "last_modified", row->last_modified);
    if (issue)
        append_issue(out, row);
    else
        append_message(out, row);
    append_verbatim(out, "raw", row->raw, row->raw_length);
    append_text(out, "raw_text", row->raw_text);
    append_text(out, "customer", row->customer);
    append_text(out, "tenant_id", row->tenant_id);
    append_text(out, "source", "health");
    append_text(out, "first_seen", row->first_seen);
    append_text(out, "changed_at", row->changed_at);
    append_key(out, issue ? "issue_id" : "message_id");
    g_string_append_printf(out, "%" G_GINT64_FORMAT "}", row->row_id);
}
