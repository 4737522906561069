#include "mail.h"

#include <string.h>

#include "mail_header.h"
#include "ticks.h"

enum {
    MOST_BYTES = 4 << 20, /* of a request */
    MOST_UNDER_WAY = 4,   /* of an app and a mailbox */
    ACCEPTED = 202,
};

struct mail {
    int64_t time;
    char *tenant, *app, *mailbox, *request_id;
    GBytes *message;
};

struct mails {
    GPtrArray *kept;       /* struct mail, oldest first */
    GHashTable *under_way; /* app, tenant and mailbox -> how many */
};

static void mail_free(gpointer data)
{
    struct mail *m = data;

    g_free(m->tenant);
    g_free(m->app);
    g_free(m->mailbox);
    g_free(m->request_id);
    g_bytes_unref(m->message);
    g_free(m);
}

struct mails *mails_new(void)
{
    struct mails *mails = g_new0(struct mails, 1);

    mails->kept = g_ptr_array_new_with_free_func(mail_free);
    mails->under_way = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return mails;
}

void mails_free(struct mails *mails)
{
    if (!mails)
        return;
    g_ptr_array_unref(mails->kept);
    g_hash_table_unref(mails->under_way);
    g_free(mails);
}

char *mail_path_mailbox(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", 0); /* "", version, users, mailbox, sendMail */

    if (g_strv_length(parts) != 5 || g_ascii_strcasecmp(parts[2], "users") != 0 ||
        (g_ascii_strcasecmp(parts[1], "v1.0") != 0 && g_ascii_strcasecmp(parts[1], "beta") != 0) ||
        (g_ascii_strcasecmp(parts[4], "sendMail") != 0 &&
         g_ascii_strcasecmp(parts[4], "microsoft.graph.sendMail") != 0))
        return NULL;
    g_autofree char *mailbox = g_uri_unescape_string(parts[3], NULL);
    return mailbox && *mailbox ? g_ascii_strdown(mailbox, -1) : NULL;
}

/* mailboxes */

/* Whether the account's property is that text, case aside. */
static bool is_value(const struct view *view, const char *property, const char *text)
{
    g_autoptr(GString) json = g_string_new(NULL);

    if (view_append(view, (guint)property_find(property), json) != VALUE_SET)
        return false;
    g_autofree char *value = text_decode(json->str, json->len);
    return g_ascii_strcasecmp(value, text) == 0;
}

static bool bears_name(const struct view *view, const char *mailbox)
{
    return is_value(view, "userPrincipalName", mailbox) || is_value(view, "id", mailbox) ||
           is_value(view, "mail", mailbox);
}

/* The account of that name that is there now; false when there is none. */
static bool find_account(const struct directory *d, int64_t now, const char *mailbox, struct account *a,
                         struct view *view)
{
    struct moment moment = directory_moment(d, now);

    for (uint32_t place = 0; place < directory_places(d); place++) {
        int64_t lo = 0, hi = 0;
        directory_generations(d, place, now, now, &lo, &hi);
        for (int64_t g = lo; g <= hi; g++) {
            directory_account(d, place, g, a);
            if (directory_presence(d, a, moment) != PRESENCE_LIVE)
                continue;
            directory_view(d, a, moment, view);
            if (bears_name(view, mailbox))
                return true;
        }
    }
    return false;
}

static bool names(char *const *list, const char *mailbox)
{
    for (; list && *list; list++)
        if (g_ascii_strcasecmp(*list, mailbox) == 0)
            return true;
    return false;
}

/* NULL when the app may send from the mailbox. */
static struct answer *refuse_mailbox(const struct request *rq)
{
    const struct tenant *t = rq->tenant;
    struct account a;
    struct view view;

    if (t->mail_policy && !names(t->mail_policy, rq->mailbox))
        return answer_graph_error(rq, 403, "ErrorAccessDenied", "Access to OData is disabled.");
    if (names(t->mailboxes, rq->mailbox))
        return NULL;
    if (!find_account(t->directory, rq->now, rq->mailbox, &a, &view)) {
        g_autofree char *message = g_strdup_printf("The requested user '%s' is invalid.", rq->mailbox);
        return answer_graph_error(rq, 404, "ErrorInvalidUser", message);
    }
    if (is_value(&view, "userType", "Guest"))
        return answer_graph_error(rq, 404, "MailboxNotEnabledForRESTAPI",
                                  "The mailbox is either inactive, soft-deleted, or is hosted on-premise.");
    return NULL;
}

/* messages */

static bool is_plain_text(const char *type)
{
    static const char plain[] = "text/plain";

    return type && g_ascii_strncasecmp(type, plain, strlen(plain)) == 0 && strchr("; ", type[strlen(plain)]);
}

/* Base64 to the letter, in one line or in many. NULL when it is none. Returned. */
static GBytes *decode(const GString *body)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    g_autoptr(GString) text = g_string_sized_new(body->len);
    gsize len = 0;

    for (gsize k = 0; k < body->len; k++)
        if (body->str[k] != '\r' && body->str[k] != '\n')
            g_string_append_c(text, body->str[k]);
    gsize padding = 0;
    while (padding < 2 && padding < text->len && text->str[text->len - 1 - padding] == '=')
        padding++;
    if (text->len == 0 || text->len % 4 != 0 || strspn(text->str, letters) != text->len - padding)
        return NULL;
    guchar *bytes = g_base64_decode(text->str, &len);
    return g_bytes_new_take(bytes, len);
}

static bool has_recipients(GBytes *message)
{
    gsize len = 0;
    const char *bytes = g_bytes_get_data(message, &len);
    g_autofree char *to = mail_header_find(bytes, len, "To"), *cc = mail_header_find(bytes, len, "Cc"),
                    *bcc = mail_header_find(bytes, len, "Bcc");

    return (to && *to) || (cc && *cc) || (bcc && *bcc);
}

/* NULL when the body is a message, which *message (returned) is then. */
static struct answer *refuse_message(const struct request *rq, GBytes **message)
{
    if (rq->body->len > MOST_BYTES)
        return answer_graph_error(rq, 413, "ErrorMessageSizeExceeded",
                                  "The message exceeds the maximum supported size.");
    if (!is_plain_text(rq->content_type))
        return answer_graph_error(rq, 415, "UnsupportedMediaType",
                                  "Here a message comes in MIME format, as text/plain.");
    *message = decode(rq->body);
    if (!*message)
        return answer_graph_error(rq, 400, "ErrorMimeContentInvalidBase64String",
                                  "Invalid base64 string for MIME content.");
    if (has_recipients(*message))
        return NULL;
    return answer_graph_error(rq, 400, "ErrorInvalidRecipients", "At least one recipient isn't valid.");
}

/* requests */

/* How many of the request's app and mailbox are under way, changed by `by`. */
static guint count_under_way(const struct request *rq, int by)
{
    GHashTable *under_way = rq->sim->mails->under_way;
    g_autofree char *key = g_strjoin(" ", rq->app, rq->tenant->id, rq->mailbox, NULL);
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(under_way, key)) + (guint)by;

    g_hash_table_insert(under_way, g_steal_pointer(&key), GUINT_TO_POINTER(count));
    return count;
}

struct answer *mail_answer(struct request *rq)
{
    rq->mailing = true;
    if (count_under_way(rq, +1) > MOST_UNDER_WAY && rq->sim->options->enforce_budgets)
        return answer_graph_error(rq, 429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.");
    struct answer *refusal = refuse_mailbox(rq);
    if (!refusal)
        refusal = refuse_message(rq, &rq->message);
    return refusal ? refusal : answer_new(ACCEPTED);
}

void mail_leave(struct request *rq)
{
    if (rq->mailing)
        count_under_way(rq, -1);
    rq->mailing = false;
}

void mail_settle(const struct request *rq, const struct answer *answer)
{
    if (!rq->message || answer->status != ACCEPTED)
        return;
    struct mail *m = g_new0(struct mail, 1);
    *m = (struct mail){.time = rq->now,
                       .tenant = g_strdup(rq->tenant->id),
                       .app = g_strdup(rq->app),
                       .mailbox = g_strdup(rq->mailbox),
                       .request_id = g_strdup(rq->request_id),
                       .message = g_bytes_ref(rq->message)};
    g_ptr_array_add(rq->sim->mails->kept, m);
}

/* what tests see */

static void add_field(cJSON *json, const char *key, GBytes *message, const char *name)
{
    gsize len = 0;
    const char *bytes = g_bytes_get_data(message, &len);
    g_autofree char *value = mail_header_find(bytes, len, name);

    cJSON_AddItemToObject(json, key, value ? cJSON_CreateString(value) : cJSON_CreateNull());
}

static void add_addresses(cJSON *json, const char *key, GBytes *message, const char *name)
{
    gsize len = 0;
    const char *bytes = g_bytes_get_data(message, &len);
    g_autofree char *value = mail_header_find(bytes, len, name);
    g_auto(GStrv) addresses = mail_header_addresses(value);
    cJSON *list = cJSON_AddArrayToObject(json, key);

    for (char **address = addresses; *address; address++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*address));
}

static cJSON *mail_json(const struct mail *m)
{
    cJSON *json = cJSON_CreateObject();
    g_autoptr(GString) time = g_string_new(NULL);
    gsize len = 0;
    const guchar *bytes = g_bytes_get_data(m->message, &len);
    g_autofree char *encoded = g_base64_encode(bytes, len);

    ticks_append_iso(time, m->time, 7);
    g_string_append_c(time, 'Z');
    cJSON_AddStringToObject(json, "time", time->str);
    cJSON_AddStringToObject(json, "tenant", m->tenant);
    cJSON_AddStringToObject(json, "app", m->app);
    cJSON_AddStringToObject(json, "mailbox", m->mailbox);
    cJSON_AddStringToObject(json, "request_id", m->request_id);
    add_addresses(json, "from", m->message, "From");
    add_addresses(json, "to", m->message, "To");
    add_addresses(json, "cc", m->message, "Cc");
    add_field(json, "subject", m->message, "Subject");
    add_field(json, "message_id", m->message, "Message-ID");
    cJSON_AddNumberToObject(json, "bytes", (double)len);
    cJSON_AddStringToObject(json, "message_base64", encoded);
    return json;
}

cJSON *mails_list(const struct mails *mails)
{
    cJSON *list = cJSON_CreateArray();

    for (guint k = 0; k < mails->kept->len; k++)
        cJSON_AddItemToArray(list, mail_json(g_ptr_array_index(mails->kept, k)));
    return list;
}
