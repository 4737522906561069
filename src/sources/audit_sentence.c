#include <string.h>

#include "activities.h"
#include "audit.h"
#include "base/base.h"
#include "record.h"

enum {
    TARGETS_SHOWN = 4, /* before "and 3 more" */
    LIST_BYTES = 80,   /* of properties or permissions, before "and 3 more" */
};

/* What a sentence is made from. */
struct sentence {
    const struct json_node *record;
    const struct document *document;
    const char *reason; /* resultReason, NULL when empty */
    bool failed, timed_out;
};

/* --- targets
 * ------------------------------------------------------------------------------------------------------------- */

/* "User", "Group" ...; spelled `type`, in documentation also `Type`, or only in the OData annotation. NULL: not told.
 */
static const char *target_type(const struct json_node *target)
{
    const char *type = record_string(target, "type");
    const char *annotation;

    if (type == NULL)
        type = record_string(target, "Type");
    if (type != NULL)
        return type;
    annotation = record_string(target, "@odata.type");
    if (annotation != NULL && g_ascii_strncasecmp(annotation, "#microsoft.graph.targetResource", 31) == 0)
        return annotation + 31;
    if (record_string(target, "userPrincipalName") != NULL)
        return "User";
    return record_string(target, "groupType") != NULL ? "Group" : NULL;
}

static const struct json_node *first_target(const struct sentence *s, const char *type)
{
    for (const struct json_node *target = audit_targets(s->record); target != NULL; target = target->next)
        if (record_same(target_type(target), type) && audit_target_name(target) != NULL)
            return target;
    return NULL;
}

static const struct json_node *last_target(const struct sentence *s, const char *type)
{
    const struct json_node *last = NULL;

    for (const struct json_node *target = audit_targets(s->record); target != NULL; target = target->next)
        if (record_same(target_type(target), type) && audit_target_name(target) != NULL)
            last = target;
    return last;
}

static const struct json_node *nth_target(const struct sentence *s, gint64 n)
{
    const struct json_node *target = audit_targets(s->record);

    for (; target != NULL && n > 1; n--)
        target = target->next;
    return target;
}

/* --- modified properties
 * --------------------------------------------------------------------------------------------------- */

/* The first modified property of that name, of any target. */
static const struct json_node *property(const struct sentence *s, const char *name)
{
    for (const struct json_node *target = audit_targets(s->record); target != NULL; target = target->next) {
        const struct json_node *properties = json_get(target, "modifiedProperties");
        if (properties == NULL || properties->type != JSON_ARRAY)
            continue;
        for (const struct json_node *one = properties->child; one != NULL; one = one->next)
            if (record_same(record_string(one, "displayName"), name))
                return one;
    }
    return NULL;
}

static void append_listed(GString *out, const char *text)
{
    if (record_says_nothing(text, strlen(text)))
        return;
    if (out->len > 0)
        g_string_append(out, ", ");
    g_string_append(out, text);
}

/* The values of a modified property are strings that mostly hold JSON: "\"Global Reader\"", "[\"a\",\"b\"]", "[true]".
 * What is in them, one entry for each element; a value that is not JSON is its own entry. Returned: GPtrArray of char
 * *. */
static GPtrArray *entries_of(const char *value)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func(g_free);
    const struct json_node *inside = value != NULL ? record_json_inside(value, strlen(value), 0) : NULL;

    if (inside == NULL) {
        if (value != NULL)
            g_ptr_array_add(entries, g_strdup(value));
    } else if (inside->type == JSON_ARRAY) {
        for (const struct json_node *entry = inside->child; entry != NULL; entry = entry->next)
            g_ptr_array_add(entries,
                            entry->text != NULL ? g_strdup(entry->text) : g_strndup(entry->bytes, entry->length));
    } else {
        g_ptr_array_add(entries, g_strdup(inside->type == JSON_STRING ? inside->text : value));
    }
    return entries;
}

/* A value without its wrapping, entries joined by commas; NULL when nothing is left. */
static char *plain_value(const char *value)
{
    g_autoptr(GPtrArray) entries = entries_of(value);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < entries->len; i++)
        append_listed(out, g_ptr_array_index(entries, i));
    return g_string_free(out, out->len == 0);
}

/* What a property says: its new value, or the old one where it was taken away. */
static char *property_value(const struct sentence *s, const char *name)
{
    const struct json_node *found = property(s, name);
    char *value = plain_value(record_string(found, "newValue"));

    return value != NULL ? value : plain_value(record_string(found, "oldValue"));
}

static bool property_is(const struct sentence *s, const char *name, const char *expected)
{
    g_autofree char *value = property_value(s, name);

    return record_same(value, expected);
}

/* True when target and initiator are the same user: by address, or by id where one has no address (guests go by
 * several) and their display names do not speak against it. */
static bool is_actor(const struct sentence *s, const struct json_node *target)
{
    const struct json_node *user = json_get(json_get(s->record, "initiatedBy"), "user");
    const char *address = record_string(user, "userPrincipalName");
    const char *name = record_string(user, "displayName");
    const char *target_address = record_string(target, "userPrincipalName");
    const char *target_name = record_string(target, "displayName");

    if (target == NULL) {
        g_autofree char *assigned = property_value(s, "User.UPN");
        return record_same(address, assigned);
    }
    if (address != NULL && target_address != NULL)
        return record_same(address, target_address);
    if (name != NULL && target_name != NULL && !record_same(name, target_name))
        return false;
    return record_same(record_string(user, "id"), record_string(target, "id"));
}

/* --- what is worked out
 * ---------------------------------------------------------------------------------------------------- */

/* "A, B and 3 more": as many as fit a sentence. NULL when there are none. */
static char *list_words(const GPtrArray *names)
{
    GString *out = g_string_new(NULL);
    guint shown = 0;

    while (shown < names->len && (shown == 0 || out->len < LIST_BYTES))
        append_listed(out, g_ptr_array_index(names, shown++));
    if (shown < names->len)
        g_string_append_printf(out, " and %u more", names->len - shown);
    return g_string_free(out, out->len == 0);
}

/* Names in their order, each once. Nothing bounds how many a record holds: hence the set. */
struct names {
    GPtrArray *list;  /* char *, owned */
    GHashTable *seen; /* the same, borrowed */
};

static void names_init(struct names *names)
{
    names->list = g_ptr_array_new_with_free_func(g_free);
    names->seen = g_hash_table_new(g_str_hash, g_str_equal);
}

static void names_add(struct names *names, const char *name)
{
    if (g_hash_table_contains(names->seen, name))
        return;
    g_ptr_array_add(names->list, g_strdup(name));
    g_hash_table_add(names->seen, g_ptr_array_index(names->list, names->list->len - 1));
}

/* Frees the names and gives them in words; NULL when there are none. */
static char *names_take_words(struct names *names)
{
    char *words = list_words(names->list);

    g_hash_table_unref(names->seen);
    g_ptr_array_unref(names->list);
    return words;
}

/* Adds the parts of `text` between any of `separators`. */
static void add_parts(struct names *names, const char *text, const char *separators)
{
    g_auto(GStrv) parts = g_strsplit_set(text, separators, -1);

    for (char **part = parts; *part != NULL; part++)
        if (!record_says_nothing(*part, strlen(*part)))
            names_add(names, g_strstrip(*part));
}

/* Names with a dot tell about actor or target ("TargetId.UserType"), not about a change; so do these. */
static bool is_change(const char *name)
{
    return strchr(name, '.') == NULL && !record_same(name, "Included Updated Properties") &&
           !record_same(name, "Action Client Name") && !record_same(name, "SPN");
}

/* The names of the changed properties of the first target. */
static char *changes(const struct sentence *s)
{
    g_autofree char *included = property_value(s, "Included Updated Properties");
    const struct json_node *properties = json_get(audit_targets(s->record), "modifiedProperties");
    struct names names;

    names_init(&names);
    if (included != NULL) {
        add_parts(&names, included, ",");
        return names_take_words(&names);
    }
    if (properties != NULL && properties->type == JSON_ARRAY)
        for (const struct json_node *one = properties->child; one != NULL; one = one->next) {
            const char *name = record_string(one, "displayName");
            if (name != NULL && is_change(name))
                names_add(&names, name);
        }
    return names_take_words(&names);
}

/* Copies of the entries of `of` that are not among `others`. */
static GPtrArray *differing(const GPtrArray *of, const GPtrArray *others)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *differing = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < others->len; i++)
        g_hash_table_add(known, g_ptr_array_index(others, i));
    for (guint i = 0; i < of->len; i++)
        if (!g_hash_table_contains(known, g_ptr_array_index(of, i)))
            g_ptr_array_add(differing, g_strdup(g_ptr_array_index(of, i)));
    return differing;
}

/* Entries gained (or lost) by the property, as stored. */
static GPtrArray *difference(const struct sentence *s, const char *name, bool gained)
{
    const struct json_node *found = property(s, name);
    g_autoptr(GPtrArray) entries = entries_of(record_string(found, gained ? "newValue" : "oldValue"));
    g_autoptr(GPtrArray) others = entries_of(record_string(found, gained ? "oldValue" : "newValue"));

    return differing(entries, others);
}

/* The value of KEY=value inside "[KeyIdentifier=...,KeyType=Password,DisplayName=x]"; NULL when it is not there. */
static char *field_of(const char *entry, const char *key)
{
    const char *at = strstr(entry, key);

    if (at == NULL)
        return NULL;
    at += strlen(key);
    size_t length = strcspn(at, ",]");
    return length > 0 ? g_strndup(at, length) : NULL;
}

/* "a client secret (sync)", as KeyDescription has it:
 * [KeyIdentifier=..,KeyType=Password,KeyUsage=Verify,DisplayName=sync]. */
static char *credential_words(const char *entry)
{
    g_autofree char *type = field_of(entry, "KeyType=");
    g_autofree char *name = field_of(entry, "DisplayName=");
    const char *kind = "a credential";

    if (type != NULL && g_ascii_strcasecmp(type, "Password") == 0)
        kind = "a client secret";
    else if (type != NULL && g_str_has_prefix(type, "Asymmetric"))
        kind = "a certificate";
    return name != NULL ? g_strdup_printf("%s (%s)", kind, name) : g_strdup(kind);
}

/* "licence ENTERPRISEPACK", as AssignedLicense has it: [SkuName=ENTERPRISEPACK, AccountId=..]. NULL for other forms. */
static char *licence_words(const char *entry)
{
    g_autofree char *name = field_of(entry, "SkuName=");

    return name != NULL ? g_strconcat("licence ", name, NULL) : NULL;
}

/* What was added or removed, in words; NULL when the record does not tell. */
static char *difference_words(const struct sentence *s, bool gained)
{
    g_autoptr(GPtrArray) keys = difference(s, "KeyDescription", gained);
    g_autoptr(GPtrArray) licences = difference(s, "AssignedLicense", gained);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < keys->len; i++) {
        g_autofree char *words = credential_words(g_ptr_array_index(keys, i));
        append_listed(out, words);
    }
    for (guint i = 0; i < licences->len; i++) {
        g_autofree char *words = licence_words(g_ptr_array_index(licences, i));
        if (words != NULL)
            append_listed(out, words);
    }
    return g_string_free(out, out->len == 0);
}

/* For whom the permissions are. */
static char *consent(const struct sentence *s)
{
    g_autofree char *user = NULL;

    if (property_is(s, "ConsentContext.OnBehalfOfAll", "True") ||
        property_is(s, "DelegatedPermissionGrant.ConsentType", "AllPrincipals"))
        return g_strdup("for all users");
    if (property_is(s, "ConsentContext.IsAdminConsent", "True"))
        return g_strdup("as an administrator");
    if (property_is(s, "ConsentContext.OnBehalfOfAll", "False"))
        return g_strdup("for themselves");
    user = property_value(s, "User.UPN");
    return user != NULL ? g_strconcat("for ", user, NULL) : NULL;
}

/* Scopes are parted by blanks. */
static char *scope(const struct sentence *s)
{
    g_autofree char *value = property_value(s, "DelegatedPermissionGrant.Scope");
    struct names scopes;

    names_init(&scopes);
    if (value != NULL)
        add_parts(&scopes, value, " ");
    return names_take_words(&scopes);
}

/* The scopes after the consent, out of "[[Id: .., Scope: a b, ..]] => [[Id: .., Scope: a b c, ..], ..]". */
static char *permissions(const struct sentence *s)
{
    g_autofree char *value = property_value(s, "ConsentAction.Permissions");
    const char *at = value != NULL ? strstr(value, "=>") : NULL;
    struct names scopes;

    names_init(&scopes);
    while (at != NULL && (at = strstr(at, "Scope:")) != NULL) {
        at += strlen("Scope:");
        g_autofree char *some = g_strndup(at, strcspn(at, ",]"));
        add_parts(&scopes, some, " ");
    }
    return names_take_words(&scopes);
}

/* The state of a conditional access policy in its JSON: {"state":"enabled"}, older {"State":"Enabled"}. */
static char *state_in(const char *policy)
{
    g_autoptr(GPtrArray) entries = entries_of(policy);
    const char *text = entries->len > 0 ? g_ptr_array_index(entries, 0) : NULL;
    const struct json_node *object = text != NULL ? record_json_inside(text, strlen(text), 0) : NULL;
    const char *state = record_string(object, "state");

    if (state == NULL)
        state = record_string(object, "State");
    if (state == NULL)
        return NULL;
    if (g_ascii_strcasecmp(state, "enabledForReportingButNotEnforced") == 0 ||
        g_ascii_strcasecmp(state, "Reporting") == 0)
        return g_strdup("report-only");
    return g_ascii_strdown(state, -1);
}

/* The state that a policy is in now, where that is news. */
static char *state(const struct sentence *s)
{
    const struct json_node *policy = property(s, "ConditionalAccessPolicy");
    g_autofree char *before = NULL;
    g_autofree char *now = NULL;

    if (policy == NULL)
        policy = property(s, "PolicyDetail");
    before = state_in(record_string(policy, "oldValue"));
    now = state_in(record_string(policy, "newValue"));
    return record_same(before, now) ? NULL : g_steal_pointer(&now);
}

/* The security info in question, from "User registered Authenticator App with Code"; not when that repeats the
 * activity. */
static char *method(const struct sentence *s)
{
    const char *reason = s->failed ? NULL : s->reason;
    const char *rest = reason;

    if (reason == NULL || strstr(reason, "security info") != NULL)
        return NULL;
    if (g_str_has_prefix(rest, "User ") || g_str_has_prefix(rest, "Admin ")) {
        const char *verb = strchr(rest, ' ') + 1;
        const char *object = strchr(verb, ' ');
        if (object != NULL)
            rest = object + 1;
    }
    size_t length = strlen(rest);
    return g_strndup(rest, length > 0 && rest[length - 1] == '.' ? length - 1 : length);
}

/* The group that a role of PIM for groups belongs to; in other records the group itself is the member. */
static char *group(const struct sentence *s)
{
    if (first_target(s, "User") == NULL && first_target(s, "ServicePrincipal") == NULL)
        return NULL;
    return g_strdup(audit_target_name(first_target(s, "Group")));
}

static char *worked_out(const struct sentence *s, const char *what)
{
    if (strcmp(what, "changes") == 0)
        return changes(s);
    if (strcmp(what, "added") == 0)
        return difference_words(s, true);
    if (strcmp(what, "removed") == 0)
        return difference_words(s, false);
    if (strcmp(what, "consent") == 0)
        return consent(s);
    if (strcmp(what, "scope") == 0)
        return scope(s);
    if (strcmp(what, "permissions") == 0)
        return permissions(s);
    if (strcmp(what, "state") == 0)
        return state(s);
    if (strcmp(what, "method") == 0)
        return method(s);
    if (strcmp(what, "reason") == 0)
        return g_strdup(s->reason);
    if (strcmp(what, "group") == 0)
        return group(s);
    g_assert_not_reached();
}

/* --- templates
 * ------------------------------------------------------------------------------------------------------------- */

static char *detail(const struct sentence *s, const char *key)
{
    const struct json_node *details = json_get(s->record, "additionalDetails");

    if (details == NULL || details->type != JSON_ARRAY)
        return NULL;
    for (const struct json_node *one = details->child; one != NULL; one = one->next)
        if (record_same(record_string(one, "key"), key))
            return g_strdup(record_string(one, "value"));
    return NULL;
}

static char *alternative(const struct sentence *s, const char *what)
{
    switch (what[0]) {
    case '@':
        return g_strdup(audit_target_name(first_target(s, what + 1)));
    case '$':
        return g_strdup(audit_target_name(last_target(s, what + 1)));
    case '#':
        return g_strdup(audit_target_name(nth_target(s, what[1] - '0')));
    case '+':
        return detail(s, what + 1);
    case '!':
        return worked_out(s, what + 1);
    case '\'':
        return g_strdup(what + 1);
    default:
        return property_value(s, what);
    }
}

/* Appends the first of "a|b|c" that there is; false when there is none. */
static bool append_first(GString *out, const struct sentence *s, const char *alternatives, size_t length)
{
    g_autofree char *copy = g_strndup(alternatives, length);
    g_auto(GStrv) each = g_strsplit(copy, "|", -1);

    for (char **one = each; *one != NULL; one++) {
        g_autofree char *value = alternative(s, *one);
        if (value == NULL)
            continue;
        phrase_append(out, value);
        return true;
    }
    return false;
}

/* Appends the template up to `stop` and steps *at past it; false when something outside of brackets is missing. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool append_template(GString *out, const struct sentence *s, const char **at, char stop)
{
    bool whole = true;

    while (**at != '\0' && **at != stop) {
        if (**at == '{') {
            size_t length = strcspn(*at + 1, "}");
            whole = append_first(out, s, *at + 1, length) && whole;
            *at += length + 2;
        } else if (**at == '[') {
            gsize before = out->len;
            *at += 1;
            if (!append_template(out, s, at, ']'))
                g_string_truncate(out, before);
        } else {
            g_string_append_c(out, **at);
            *at += 1;
        }
    }
    if (**at != '\0')
        *at += 1;
    return whole;
}

/* --- the sentence
 * ------------------------------------------------------------------------------------------------------------ */

static void append_actor(GString *out, const char *actor)
{
    if (strcmp(actor, "unknown") == 0)
        g_string_append(out, "An unknown actor");
    else
        phrase_append(out, actor);
}

/* "ada added", "ada failed to add", "ada tried to add". */
static void append_verb(GString *out, const struct sentence *s, const char *past, const char *base)
{
    g_string_append_c(out, ' ');
    if (base == NULL || !(s->failed || s->timed_out)) {
        g_string_append(out, past);
    } else {
        g_string_append(out, s->failed ? "failed to " : "tried to ");
        g_string_append(out, base);
    }
    g_string_append_c(out, ' ');
}

static void append_outcome(GString *out, const struct sentence *s)
{
    if (s->timed_out)
        g_string_append(out, ", but it timed out");
    if (!(s->failed || s->timed_out) || s->reason == NULL)
        return;
    g_autofree char *reason = g_strdup(s->reason);
    size_t length = strlen(g_strchomp(reason));
    if (length > 1 && reason[length - 1] == '.')
        reason[length - 1] = '\0';
    g_string_append(out, ": ");
    phrase_append(out, reason);
}

/* Which of the rows that stand for one activity fits what the list gained or lost. */
static const struct activity *variant(const struct sentence *s, const struct activity *activity)
{
    if (activity->differs == NULL)
        return activity;
    g_autoptr(GPtrArray) gained = difference(s, activity->differs, true);
    g_autoptr(GPtrArray) lost = difference(s, activity->differs, false);
    if (gained->len > 0 && lost->len == 0)
        return activity + 1;
    if (lost->len > 0 && gained->len == 0)
        return activity + 2;
    return activity;
}

/* Who did it: the actor; for what only the user can have done, the user, though the service that logged it is named. */
static const char *subject(const struct sentence *s, const struct activity *activity)
{
    const struct json_node *initiator = json_get(s->record, "initiatedBy");
    const struct json_node *user = json_get(initiator, "user");
    const char *done_by = activity->by_user ? audit_target_name(first_target(s, "User")) : NULL;

    if (done_by == NULL || record_string(user, "userPrincipalName") != NULL ||
        record_string(user, "displayName") != NULL || record_string(user, "id") != NULL)
        return s->document->actor_display;
    return done_by;
}

/* The sentence of a known activity; false when the record lacks what it needs. */
static bool append_known(GString *out, const struct sentence *s, const struct activity *activity)
{
    const struct activity *words = variant(s, activity);
    bool own = words->own != NULL && is_actor(s, first_target(s, "User"));
    const char *at = own ? words->own : words->object;

    append_actor(out, subject(s, words));
    append_verb(out, s, words->past, words->base);
    if (!append_template(out, s, &at, '\0')) {
        g_string_truncate(out, 0);
        return false;
    }
    if (strstr(words->object, "!reason") == NULL)
        append_outcome(out, s);
    return true;
}

/* " (bob, carol and 3 more)" */
static void append_targets(GString *out, const struct sentence *s)
{
    unsigned named = 0;
    unsigned more = 0;

    for (const struct json_node *target = audit_targets(s->record); target != NULL; target = target->next) {
        const char *name = audit_target_name(target);
        if (name == NULL)
            continue;
        if (named == TARGETS_SHOWN) {
            more++;
            continue;
        }
        g_string_append(out, named == 0 ? " (" : ", ");
        phrase_append(out, name);
        named++;
    }
    if (more > 0)
        g_string_append_printf(out, " and %u more", more);
    if (named > 0)
        g_string_append_c(out, ')');
}

/* The sentence of any other activity: its verb conjugated where it begins with one, its name as it is where not. */
static void append_general(GString *out, const struct sentence *s)
{
    const char *activity = s->document->operation != NULL ? s->document->operation : "an activity without a name";
    size_t word = strcspn(activity, " ");
    const struct verb *verb = activity[word] == ' ' ? activity_verb(activity, word) : NULL;

    append_actor(out, s->document->actor_display);
    if (verb != NULL) {
        append_verb(out, s, verb->past, verb->base);
        phrase_append(out, activity + word);
    } else {
        g_string_append(out, ": ");
        phrase_append(out, activity);
    }
    append_targets(out, s);
    if (verb == NULL && s->failed)
        g_string_append(out, " failed");
    append_outcome(out, s);
}

char *audit_sentence(const struct json_node *record, const struct document *document)
{
    const char *result = document->result;
    struct sentence s = {
        .record = record,
        .document = document,
        .reason = record_string(record, "resultReason"),
        .failed = record_same(result, "failure") || record_same(result, "failed"),
        .timed_out = record_same(result, "timeout"),
    };
    const struct activity *activity = document->operation != NULL ? activity_find(document->operation) : NULL;
    GString *out = g_string_sized_new(192);

    if (activity == NULL || !append_known(out, &s, activity))
        append_general(out, &s);
    return text_take(out);
}
