#include "config/yaml_file.h"

#include <cyaml/cyaml.h>
#include <string.h>

#include "base/base.h"
#include "config/config.h"
#include "config/yaml_places.h"

/* --- the schema --------------------------------------------------------------------------------------------------- */

/* Values are read as texts, and checked with their path and line at hand. A block or list that is there but empty (all
 * of it commented out) is as good as none. */
#define TEXT_KEY(key, type, member)                                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct type, member, 0, CYAML_UNLIMITED)
#define TEXT(type, member)          TEXT_KEY(#member, type, member)
#define BLOCK(type, member, fields) CYAML_FIELD_MAPPING_PTR(#member, ABSENT, struct type, member, fields)
#define LIST(key, type, items, n)                                                                                      \
    CYAML_FIELD_SEQUENCE_COUNT(key, ABSENT, struct type, items, n, &text_entry, 0, CYAML_UNLIMITED)
#define BLOCKS(type, member, entry)                                                                                    \
    CYAML_FIELD_SEQUENCE_COUNT(#member, ABSENT, struct type, member, n_##member, &(entry), 0, CYAML_UNLIMITED)

enum { ABSENT = CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL };

static const cyaml_schema_value_t text_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t directories_fields[] = {TEXT(yaml_directories, logs), TEXT(yaml_directories, images),
                                                          CYAML_FIELD_END};

static const cyaml_schema_field_t per_source_fields[] = {
    TEXT(yaml_per_source, users),
    TEXT(yaml_per_source, sign_ins),
    TEXT(yaml_per_source, directory_audits),
    TEXT(yaml_per_source, intune_audits),
    TEXT(yaml_per_source, unified_audit),
    TEXT(yaml_per_source, health),
    TEXT(yaml_per_source, mails),
    TEXT_KEY("sign-ins", yaml_per_source, sign_ins_),
    TEXT_KEY("directory-audits", yaml_per_source, directory_audits_),
    TEXT_KEY("intune-audits", yaml_per_source, intune_audits_),
    TEXT_KEY("unified-audit", yaml_per_source, unified_audit_),
    CYAML_FIELD_END};

static const cyaml_schema_field_t retention_fields[] = {TEXT(yaml_retention, days), TEXT(yaml_retention, max_size),
                                                        BLOCK(yaml_retention, per_source, per_source_fields),
                                                        CYAML_FIELD_END};

static const cyaml_schema_field_t mongo_fields[] = {TEXT(yaml_mongo, uri_env), TEXT(yaml_mongo, database),
                                                    TEXT(yaml_mongo, deletes), CYAML_FIELD_END};

static const cyaml_schema_field_t smtp_fields[] = {
    TEXT(yaml_smtp, server), TEXT(yaml_smtp, port),      TEXT(yaml_smtp, security), TEXT(yaml_smtp, user),
    TEXT(yaml_smtp, from),   TEXT(yaml_smtp, transport), TEXT(yaml_smtp, customer), CYAML_FIELD_END};

static const cyaml_schema_field_t report_fields[] = {TEXT(yaml_report, subject),   TEXT(yaml_report, signature),
                                                     TEXT(yaml_report, templates), TEXT(yaml_report, days_from),
                                                     TEXT(yaml_report, days_to),   CYAML_FIELD_END};

static const cyaml_schema_field_t schedule_fields[] = {TEXT(yaml_schedule, collect),   TEXT(yaml_schedule, health),
                                                       TEXT(yaml_schedule, replicate), TEXT(yaml_schedule, report),
                                                       TEXT(yaml_schedule, prune),     CYAML_FIELD_END};

static const cyaml_schema_field_t alert_fields[] = {TEXT(yaml_alert, name), TEXT(yaml_alert, search),
                                                    LIST("mail_to", yaml_alert, mail_to.items, mail_to.n),
                                                    TEXT(yaml_alert, every), CYAML_FIELD_END};

static const cyaml_schema_field_t customer_fields[] = {
    TEXT(yaml_customer, name),
    TEXT(yaml_customer, variable),
    TEXT(yaml_customer, certificate),
    TEXT(yaml_customer, cloud),
    TEXT(yaml_customer, login_url),
    TEXT(yaml_customer, graph_url),
    TEXT(yaml_customer, manage_url),
    LIST("sources", yaml_customer, sources.items, sources.n),
    LIST("sign_in_types", yaml_customer, sign_in_types.items, sign_in_types.n),
    LIST("services", yaml_customer, services.items, services.n),
    LIST("mail_to", yaml_customer, mail_to.items, mail_to.n),
    LIST("mail_cc", yaml_customer, mail_cc.items, mail_cc.n),
    TEXT(yaml_customer, timezone),
    CYAML_FIELD_END};

static const cyaml_schema_value_t alert_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_alert, alert_fields)};
static const cyaml_schema_value_t customer_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_customer, customer_fields)};

static const cyaml_schema_field_t root_fields[] = {TEXT(yaml_root, database),
                                                   BLOCK(yaml_root, directories, directories_fields),
                                                   BLOCK(yaml_root, retention, retention_fields),
                                                   BLOCK(yaml_root, mongo, mongo_fields),
                                                   BLOCK(yaml_root, smtp, smtp_fields),
                                                   BLOCK(yaml_root, report, report_fields),
                                                   TEXT(yaml_root, status_map),
                                                   BLOCK(yaml_root, schedule, schedule_fields),
                                                   BLOCKS(yaml_root, alerts, alert_entry),
                                                   BLOCKS(yaml_root, customers, customer_entry),
                                                   CYAML_FIELD_END};

static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields)};

static void list_keys(const cyaml_schema_field_t *fields, const char *above, void (*each)(const char *, void *),
                      void *user)
{
    for (; fields->key != NULL; fields++) {
        const cyaml_schema_value_t *value = &fields->value;
        bool list = value->type == CYAML_SEQUENCE;
        if (list)
            value = value->sequence.entry;
        g_autofree char *path = g_strconcat(above, *above != '\0' ? "." : "", fields->key, list ? "[]" : "", NULL);
        if (value->type == CYAML_MAPPING)
            list_keys(value->mapping.fields, path, each, user);
        else
            each(path, user);
    }
}

void yaml_file_keys(void (*each)(const char *path, void *user), void *user)
{
    list_keys(root_fields, "", each, user);
}

/* --- libcyaml's words --------------------------------------------------------------------------------------------- */

/* What libcyaml logged about a failure, picked apart. */
struct complaint {
    char *unknown_key;
    char *found;      /* the event that came instead: "SCALAR", "SEQUENCE_START", "MAPPING_START" */
    GPtrArray *steps; /* from the fault outwards: "customers", "[2]" */
};

/* The text between the first two quotes, or NULL. */
static char *quoted_part(const char *text)
{
    const char *from = strchr(text, '\''), *to = from != NULL ? strchr(from + 1, '\'') : NULL;

    return to != NULL ? g_strndup(from + 1, (size_t)(to - from) - 1) : NULL;
}

/* A cyaml_log_fn_t. A failure is one line that tells it ("Load: Unexpected key: colour") and a backtrace from the
 * inside out ("in mapping field 'cloud' (line: 3, column: 5)", "in sequence entry '3' ..."; entries count from 1). */
static void take_log(cyaml_log_t level, void *user, const char *format, va_list arguments)
{
    struct complaint *complaint = user;
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    const char *at;
    guint64 entry;

    (void)level;
    g_strchomp(line);
    if ((at = strstr(line, "Unexpected key: ")) != NULL) {
        g_free(complaint->unknown_key);
        complaint->unknown_key = g_strdup(at + strlen("Unexpected key: "));
    } else if ((at = strstr(line, "got event: ")) != NULL) {
        g_free(complaint->found);
        complaint->found = g_strdup(at + strlen("got event: "));
    } else if (strstr(line, "in mapping field '") != NULL) {
        g_ptr_array_add(complaint->steps, quoted_part(line));
    } else if (strstr(line, "in sequence entry '") != NULL) {
        g_autofree char *number = quoted_part(line);
        if (g_ascii_string_to_unsigned(number, 10, 1, G_MAXUINT32, &entry, NULL))
            g_ptr_array_add(complaint->steps, g_strdup_printf("[%u]", (unsigned)entry - 1));
    }
}

static char *path_of(const struct complaint *complaint)
{
    GString *path = g_string_new(NULL);

    for (guint i = complaint->steps->len; i-- > 0;) {
        const char *step = g_ptr_array_index(complaint->steps, i);
        g_string_append_printf(path, "%s%s", path->len > 0 && *step != '[' ? "." : "", step);
    }
    return g_string_free(path, FALSE);
}

/* The schema of the place where the complaint points. */
static const cyaml_schema_value_t *schema_of(const struct complaint *complaint)
{
    const cyaml_schema_value_t *value = &root_schema;

    for (guint i = complaint->steps->len; i-- > 0;) {
        const char *step = g_ptr_array_index(complaint->steps, i);
        if (*step == '[' && value->type == CYAML_SEQUENCE) {
            value = value->sequence.entry;
            continue;
        }
        const cyaml_schema_field_t *field = value->type == CYAML_MAPPING ? value->mapping.fields : NULL;
        while (field != NULL && field->key != NULL && strcmp(field->key, step) != 0)
            field++;
        if (field == NULL || field->key == NULL)
            return NULL;
        value = &field->value;
    }
    return value;
}

static const char *expected_of(const cyaml_schema_value_t *value)
{
    if (value == NULL)
        return "something else";
    if (value->type == CYAML_MAPPING)
        return "keys with their values (key: value)";
    if (value->type != CYAML_SEQUENCE)
        return "a single value";
    return value->sequence.entry->type == CYAML_MAPPING ? "a list of blocks, each beginning with a hyphen (- name: ...)"
                                                        : "a list, such as [one, two]";
}

static const char *found_of(const char *event)
{
    if (g_strcmp0(event, "SEQUENCE_START") == 0)
        return "a list";
    return g_strcmp0(event, "MAPPING_START") == 0 ? "keys with their values" : "a single value";
}

/* Keys under which people look for a place for their credentials. */
static bool is_credential(const char *key)
{
    static const char *const names[] = {"secret",    "client_secret", "password",          "passwd", "pass",
                                        "tenant_id", "client_id",     "client-secret",     "uri",    "token",
                                        "url",       "credentials",   "connection_string", NULL};
    g_autofree char *lower = g_ascii_strdown(key, -1);
    return g_strv_contains(names, lower);
}

static char *unknown_key(const struct complaint *complaint)
{
    const cyaml_schema_value_t *value = schema_of(complaint);
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    if (is_credential(complaint->unknown_key))
        return g_strdup_printf("has no key \"%s\": credentials are not kept in this file, but in environment variables "
                               "or .env (customers[].variable and mongo.uri_env name them; SMTP_USER and SMTP_PASSWORD "
                               "are for the mail server)",
                               complaint->unknown_key);
    for (const cyaml_schema_field_t *field = value != NULL && value->type == CYAML_MAPPING ? value->mapping.fields
                                                                                           : NULL;
         field != NULL && field->key != NULL; field++)
        g_ptr_array_add(known, (gpointer)field->key);
    g_ptr_array_add(known, NULL);
    const char *nearest = text_nearest(complaint->unknown_key, (const char *const *)known->pdata);
    g_autofree char *all = g_strjoinv(", ", (char **)known->pdata);
    g_autofree char *meant = nearest != NULL ? g_strdup_printf("; did you mean \"%s\"?", nearest) : g_strdup(".");
    return g_strdup_printf("has no key \"%s\"%s The keys here are: %s", complaint->unknown_key, meant, all);
}

/* Makes one sentence of a failure. */
static void explain(const struct yaml_file *file, cyaml_err_t code, const struct complaint *complaint, GError **error)
{
    g_autofree char *path = path_of(complaint);
    g_autofree char *key_path = complaint->unknown_key != NULL
                                    ? g_strconcat(path, *path != '\0' ? "." : "", complaint->unknown_key, NULL)
                                    : NULL;
    g_autofree char *where = yaml_file_where(file, key_path != NULL ? key_path : path);
    g_autofree char *what = NULL;

    if (code == CYAML_ERR_INVALID_KEY && key_path != NULL)
        what = unknown_key(complaint);
    else if (complaint->found != NULL)
        what = g_strdup_printf("expected %s, found %s", expected_of(schema_of(complaint)), found_of(complaint->found));
    else
        what = g_strdup_printf("cannot be read: %s", cyaml_strerror(code));
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s: %s%s%s", where, *path != '\0' ? path : "the file",
                complaint->unknown_key != NULL ? " " : ": ", what);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static void *give_memory(void *user, void *block, size_t size)
{
    (void)user;
    return g_realloc(block, size); /* size 0 frees */
}

static bool load(struct yaml_file *file, const char *text, size_t length, GError **error)
{
    if (!yaml_file_has(file, "")) { /* nothing but comments */
        file->root = g_new0(struct yaml_root, 1);
        return true;
    }
    struct complaint complaint = {.steps = g_ptr_array_new_with_free_func(g_free)};
    const cyaml_config_t config = {.log_fn = take_log,
                                   .log_ctx = &complaint,
                                   .mem_fn = give_memory,
                                   .log_level = CYAML_LOG_ERROR,
                                   .flags = CYAML_CFG_NO_ALIAS};
    cyaml_data_t *root = NULL;
    cyaml_err_t code = cyaml_load_data((const uint8_t *)text, length, &config, &root_schema, &root, NULL);

    if (code == CYAML_OK)
        file->root = root;
    else
        explain(file, code, &complaint, error);
    g_free(complaint.unknown_key);
    g_free(complaint.found);
    g_ptr_array_unref(complaint.steps);
    return code == CYAML_OK;
}

struct yaml_file *yaml_file_parse(const char *name, const char *text, size_t length, GError **error)
{
    struct yaml_file *file = g_new0(struct yaml_file, 1);

    file->name = g_strdup(name);
    file->places = yaml_places_new(name, text, length, error);
    if (file->places != NULL && load(file, text, length, error))
        return file;
    yaml_file_free(file);
    return NULL;
}

void yaml_file_free(struct yaml_file *file)
{
    const cyaml_config_t config = {.mem_fn = give_memory};

    if (file == NULL)
        return;
    if (file->root != NULL)
        cyaml_free(&config, &root_schema, file->root, 0);
    g_clear_pointer(&file->places, g_hash_table_unref);
    g_free(file->name);
    g_free(file);
}

bool yaml_file_has(const struct yaml_file *file, const char *path)
{
    const struct yaml_place *place = g_hash_table_lookup(file->places, path);
    return place != NULL && !place->null;
}

char *yaml_file_where(const struct yaml_file *file, const char *path)
{
    g_autofree char *at = g_strdup(path);

    for (size_t length = strlen(at);;) {
        const struct yaml_place *place = g_hash_table_lookup(file->places, at);
        if (place != NULL)
            return g_strdup_printf("%s, line %u", file->name, place->line);
        if (length == 0)
            return g_strdup(file->name);
        while (length > 0 && at[--length] != '.' && at[length] != '[')
            ;
        at[length] = '\0';
    }
}
