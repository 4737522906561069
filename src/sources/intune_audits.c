/* intune_audits - deviceManagement/auditEvents of Microsoft Graph: what was changed in Intune, by whom. */
#include <string.h>

#include "activities.h"
#include "base/base.h"
#include "decode.h"
#include "record.h"

enum { TARGETS_SHOWN = 3 }; /* before "and 3 more" */

static const char nobody[] = "00000000-0000-0000-0000-000000000000";

/* --- who, what, with what result -------------------------------------------------------------------------------------
 */

static void add_names(GPtrArray *names, const struct json_node *actor, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        const char *name = record_string(actor, *keys);
        if (name != NULL && strcmp(name, nobody) != 0)
            record_add_name(names, name);
    }
}

/* The application is named beside a user, too: it is the portal that he sat at. It is the actor when it says so, or
 * when there is nobody else. */
static void decode_actor(const struct json_node *record, struct document *document)
{
    static const char *const user_keys[] = {"userPrincipalName", "userId", NULL};
    static const char *const app_keys[] = {"applicationDisplayName", "servicePrincipalName", "applicationId", NULL};
    const struct json_node *actor = json_get(record, "actor");
    const char *type = record_string(actor, "auditActorType");
    GPtrArray *names = document->actor_names;

    if (type == NULL)
        type = record_string(actor, "type");
    add_names(names, actor, record_same(type, "Application") ? app_keys : user_keys);
    if (names->len == 0)
        add_names(names, actor, record_same(type, "Application") ? user_keys : app_keys);
    if (names->len == 0)
        record_add_name(names, "unknown");
    document->actor_display = g_strdup(g_ptr_array_index(names, 0));
}

/* Names change from release to release of the product, and each of them may be missing. */
static const char *operation_of(const struct json_node *record)
{
    static const char *const keys[] = {"displayName", "activity", "activityType", "activityOperationType"};
    const char *name = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(keys) && name == NULL; i++)
        name = record_string(record, keys[i]);
    return name;
}

/* Known results in the words that other sources have for them; others as received. */
static char *result_of(const struct json_node *record)
{
    static const struct {
        const char *received, *result;
    } known[] = {{"success", "success"}, {"failure", "failure"},     {"fail", "failure"},
                 {"failed", "failure"},  {"clientError", "failure"}, {"timeout", "timeout"}};
    const char *result = record_string(record, "activityResult");

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (record_same(result, known[i].received))
            return g_strdup(known[i].result);
    return g_strdup(result);
}

/* --- to what ---------------------------------------------------------------------------------------------------------
 */

/* What the resources are called, by name or else id, each once. Borrowed from the record. */
static GPtrArray *targets_of(const struct json_node *record)
{
    const struct json_node *resources = json_get(record, "resources");
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *targets = g_ptr_array_new();

    if (resources == NULL || resources->type != JSON_ARRAY)
        return targets;
    for (const struct json_node *resource = resources->child; resource != NULL; resource = resource->next) {
        const char *name = record_string(resource, "displayName");

        if (name == NULL)
            name = record_string(resource, "resourceId");
        if (name != NULL && g_hash_table_add(seen, (gpointer)name))
            g_ptr_array_add(targets, (gpointer)name);
    }
    return targets;
}

static char *targets_json(const GPtrArray *targets)
{
    GString *out = g_string_new("[");

    for (guint i = 0; i < targets->len; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        text_append_json(out, g_ptr_array_index(targets, i));
    }
    g_string_append_c(out, ']');
    return text_take(out);
}

/* --- the sentence ----------------------------------------------------------------------------------------------------
 */

/* The length of a name at the start of `text` that has capitals of its own; 0 when there is none. */
static size_t brand_length(const char *text)
{
    static const char *const brands[] = {"BitLocker", "FileVault", "iOS", "iPadOS", "macOS"};

    for (size_t i = 0; i < G_N_ELEMENTS(brands); i++)
        if (g_str_has_prefix(text, brands[i]) && !g_ascii_islower(text[strlen(brands[i])]))
            return strlen(brands[i]);
    return 0;
}

/* The bytes of the first word of "DeviceEnrollmentConfiguration": "Device"; of "MDMAuthority": "MDM". */
static size_t hump_length(const char *name)
{
    size_t length = brand_length(name);

    if (length > 0)
        return length;
    length = 1;
    if (g_ascii_isupper(name[0]) && g_ascii_isupper(name[1])) {
        while (g_ascii_isupper(name[length]) && !g_ascii_islower(name[length + 1]))
            length++;
        return length;
    }
    while (name[length] != '\0' && name[length] != ' ' && !g_ascii_isupper(name[length]))
        length++;
    return length;
}

static bool is_plain_word(const char *hump, size_t length)
{
    return length > 1 && g_ascii_isupper(hump[0]) && g_ascii_islower(hump[1]) && brand_length(hump) == 0;
}

/* "DeviceEnrollmentConfiguration" as people write it: "device enrollment configuration". What is not English is none of
 * Intune's own names, and stays as it is. */
static void append_humps(GString *out, const char *name, size_t name_length)
{
    g_autoptr(GString) words = g_string_new_len(name, (gssize)name_length);

    if (!g_str_is_ascii(words->str)) {
        phrase_append(out, words->str);
        return;
    }
    g_string_truncate(words, 0);
    for (const char *end = name + name_length; name < end;) {
        size_t length = hump_length(name);

        if (words->len > 0 && g_ascii_isalpha(*name) && words->str[words->len - 1] != ' ')
            g_string_append_c(words, ' ');
        g_string_append_c(words, is_plain_word(name, length) ? g_ascii_tolower(*name) : *name);
        g_string_append_len(words, name + 1, (gssize)length - 1);
        name += length;
    }
    phrase_append(out, words->str);
}

/* What follows the verb: " ManagedDevice", or "Device ManagedDevice" of "syncDevice ManagedDevice", which needs no
 * object beside the type, or "BitLockerKeys ManagedDevice", which does. */
static void append_object(GString *out, const char *object)
{
    size_t length = strcspn(object, " ");
    const char *type = object + length + strspn(object + length, " ");
    size_t type_length = strlen(type);

    if (length > 0 && (type_length < length || g_ascii_strncasecmp(type + type_length - length, object, length) != 0)) {
        append_humps(out, object, length);
        g_string_append(out, type_length > 0 ? " of " : "");
    }
    append_humps(out, type, type_length);
}

/* "Baseline for laptops, Kiosk and 3 more", with a blank before it where there is none. */
static void append_targets(GString *out, const GPtrArray *targets)
{
    if (targets->len > 0 && out->str[out->len - 1] != ' ')
        g_string_append_c(out, ' ');
    for (guint i = 0; i < MIN(targets->len, (guint)TARGETS_SHOWN); i++) {
        g_string_append(out, i > 0 ? ", " : "");
        phrase_append(out, g_ptr_array_index(targets, i));
    }
    if (targets->len > TARGETS_SHOWN)
        g_string_append_printf(out, " and %u more", targets->len - TARGETS_SHOWN);
}

/* Intune's verbs that other audits do not have. */
static const struct verb *verb_of(const char *operation, size_t length)
{
    static const struct verb verbs[] = {{"patch", "changed", "change"},     {"sync", "synchronized", "synchronize"},
                                        {"wipe", "wiped", "wipe"},          {"retire", "retired", "retire"},
                                        {"reboot", "restarted", "restart"}, {"lock", "locked", "lock"},
                                        {"unlock", "unlocked", "unlock"},   {"locate", "located", "locate"}};

    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strlen(verbs[i].name) == length && g_ascii_strncasecmp(verbs[i].name, operation, length) == 0)
            return &verbs[i];
    return activity_verb(operation, length);
}

/* "ada@example.org created", "ada@example.org failed to create"; "ada@example.org:" before what is no verb we know. */
static void append_actor_and_verb(GString *out, const struct document *document, const struct verb *verb)
{
    bool failed = record_same(document->result, "failure"), timed_out = record_same(document->result, "timeout");

    if (strcmp(document->actor_display, "unknown") == 0)
        g_string_append(out, "An unknown actor");
    else
        phrase_append(out, document->actor_display);
    if (verb == NULL)
        g_string_append_c(out, ':');
    else if (failed || timed_out)
        g_string_append_printf(out, " %s to %s", failed ? "failed" : "tried", verb->base);
    else
        g_string_append_printf(out, " %s", verb->past);
    g_string_append_c(out, ' ');
}

static char *sentence(const struct document *document, const GPtrArray *targets)
{
    const char *operation = document->operation != NULL ? document->operation : "an activity without a name";
    size_t word = hump_length(operation);
    const struct verb *verb = verb_of(operation, word);
    GString *out = g_string_sized_new(128);

    append_actor_and_verb(out, document, verb);
    if (verb != NULL)
        append_object(out, operation + word);
    else
        append_humps(out, operation, strlen(operation));
    append_targets(out, targets);
    if (out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    if (verb == NULL && record_same(document->result, "failure"))
        g_string_append(out, " failed");
    if (record_same(document->result, "timeout"))
        g_string_append(out, ", but it timed out");
    return text_take(out);
}

void intune_audits_decode(const struct json_node *record, struct document *document)
{
    g_autoptr(GPtrArray) targets = targets_of(record);

    document->service = g_strdup("Intune");
    document->operation = g_strdup(operation_of(record));
    document->result = result_of(record);
    decode_actor(record, document);
    document->target_displays = targets_json(targets);
    document->display_summary = sentence(document, targets);
}
