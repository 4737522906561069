#include "config/import.h"

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "config/check.h"
#include "config/dotenv.h"
#include "config/environment.h"
#include "config/python.h"
#include "config/sample.h"
#include "config/status_map.h"
#include "config/values.h"

#define SAMPLE_NAME     "mycompany"
#define SAMPLE_VARIABLE "MYCOMPANY_APP"

struct import {
    const char *file;
    struct python_module *module;
    struct sample *sample;
    GPtrArray *remarks;
    GHashTable *names;         /* of customers, folded */
    GHashTable *variables;     /* written to .env or left to the environment already */
    char **mail_to, **mail_cc; /* of those who have none of their own */
    GString *signature, *status_map;
};

/* --- words -------------------------------------------------------------------------------------------------------- */

static void remark(struct import *import, unsigned line, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void remark(struct import *import, unsigned line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(import->remarks, g_strdup_printf("%s, line %u: %s", import->file, line, what));
}

static bool fail(const struct import *import, unsigned line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
static bool fail(const struct import *import, unsigned line, GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s, line %u: %s", import->file, line, what);
    return false;
}

/* Only names are shown: anything else may be a secret in the wrong place. */
static const char *shown(const char *name)
{
    return check_variable(name) == NULL ? name : "(no name)";
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static struct python_value *member(const struct python_value *dict, const char *key)
{
    struct python_value *found = NULL;

    for (guint i = 0; i < dict->items->len; i += 2) {
        const struct python_value *name = g_ptr_array_index(dict->items, i);
        if (name->type == PYTHON_STRING && strcmp(name->text, key) == 0)
            found = g_ptr_array_index(dict->items, i + 1); /* of doubled keys Python takes the last */
    }
    return found;
}

/* The texts of a list, or of one string with commas or semicolons; those that `check` has nothing against, none of them
 * twice. NULL when none is left. Returned: g_strfreev. */
static char **read_texts(struct import *import, const struct python_value *value, const char *what,
                         const char *(*check)(const char *))
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);

    if (value == NULL || value->type == PYTHON_NONE)
        return NULL;
    if (value->type != PYTHON_LIST && value->type != PYTHON_STRING) {
        remark(import, value->line, "%s is neither text nor a list, and was left out", what);
        return NULL;
    }
    for (guint i = 0; i < (value->type == PYTHON_LIST ? value->items->len : 1); i++) {
        const struct python_value *entry = value->type == PYTHON_LIST ? g_ptr_array_index(value->items, i) : value;
        g_auto(GStrv) parts = entry->type == PYTHON_STRING ? value_list(entry->text) : NULL;
        if (entry->type != PYTHON_STRING)
            remark(import, entry->line, "an entry of %s is no text, and was left out", what);
        for (char **part = parts; part != NULL && *part != NULL; part++) {
            if (check(*part) != NULL)
                remark(import, entry->line, "an entry of %s was left out: it %s", what, check(*part));
            else if (g_hash_table_add(seen, g_utf8_casefold(*part, -1)))
                g_ptr_array_add(texts, g_strdup(*part));
        }
    }
    if (texts->len == 0)
        return NULL;
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_steal(texts, NULL);
}

/* --- customers ---------------------------------------------------------------------------------------------------- */

/* The line of .env that holds the customer's credential, unless the environment has it or there is none. */
static void add_secret(struct import *import, const char *variable, const struct python_value *fallback, unsigned line)
{
    const char *real = g_getenv(variable);
    bool given = fallback != NULL && fallback->type == PYTHON_STRING && *fallback->text != '\0';

    if (!g_hash_table_add(import->variables, g_strdup(variable))) {
        remark(
            import, line,
            "%s is the variable of another customer already. A tenant is kept once: make one customer of the two, or "
            "m365keep will refuse the file",
            variable);
    } else if (real != NULL && *real != '\0') {
        remark(import, line, "%s is set in the environment, so it was not written to .env", variable);
    } else if (given) {
        dotenv_append(import->sample->secrets, variable, fallback->text);
        if (strchr(fallback->text, ';') == NULL)
            remark(import, fallback->line, "what went to .env as %s is not of the form tenant_id;client_id;secret",
                   variable);
    } else {
        g_string_append_printf(import->sample->secrets, "#%s='tenant_id;client_id;secret'\n", variable);
        remark(import, line, "%s has no fallback: set it in the environment or in .env", variable);
    }
}

static void remark_unknown_keys(struct import *import, const struct python_value *customer, const char *const *known)
{
    for (guint i = 0; i < customer->items->len; i += 2) {
        const struct python_value *key = g_ptr_array_index(customer->items, i);
        if (key->type != PYTHON_STRING || !g_strv_contains(known, key->text))
            remark(import, key->line, "the key %s of a customer has no counterpart, and was left out",
                   key->type == PYTHON_STRING ? shown(key->text) : "(no text)");
    }
}

static bool check_name(struct import *import, const struct python_value *name, GError **error)
{
    const char *fault =
        name->type == PYTHON_STRING && *name->text != '\0' ? check_customer(name->text) : "must be text";

    if (fault != NULL)
        return fail(import, name->line, error, "the name of a customer %s", fault);
    return g_hash_table_add(import->names, g_utf8_casefold(name->text, -1)) ||
           fail(import, name->line, error, "a customer of this name came before");
}

static bool read_customer(struct import *import, const struct python_value *name, const struct python_value *value,
                          GError **error)
{
    static const char *const known[] = {"variable", "services", "fallback", "mail_to", "mail_cc", NULL};

    if (!check_name(import, name, error))
        return false;
    if (value->type != PYTHON_DICT)
        return fail(import, value->line, error,
                    "a customer must be a dictionary: {'variable': ..., 'services': [...]}");
    const struct python_value *variable = member(value, "variable");
    if (variable == NULL || variable->type != PYTHON_STRING)
        return fail(import, value->line, error, "a customer must have a 'variable', which names its credentials");
    if (check_variable(variable->text) != NULL)
        return fail(import, variable->line, error, "'variable' %s", check_variable(variable->text));

    struct sample_customer *customer = sample_add_customer(import->sample);
    customer->name = g_strdup(name->text);
    customer->variable = g_strdup(variable->text);
    customer->services = read_texts(import, member(value, "services"), "'services'", check_line);
    customer->mail_to = read_texts(import, member(value, "mail_to"), "'mail_to'", check_address);
    customer->mail_cc = read_texts(import, member(value, "mail_cc"), "'mail_cc'", check_address);
    if (customer->mail_to == NULL)
        customer->mail_to = g_strdupv(import->mail_to);
    if (customer->mail_cc == NULL)
        customer->mail_cc = g_strdupv(import->mail_cc);
    if (customer->services == NULL)
        remark(import, name->line, "no services are named for this customer, which stands for all of them now");
    add_secret(import, variable->text, member(value, "fallback"), variable->line);
    remark_unknown_keys(import, value, known);
    return true;
}

static bool read_customers(struct import *import, GError **error)
{
    const struct python_assignment *customers = python_find(import->module, "CUSTOMERS");

    if (customers == NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "%s has no CUSTOMERS = {...} in its first column: is it the config.py of MS-service-api-monitor?",
                    import->file);
        return false;
    }
    if (customers->fault != NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "%s, %s. In CUSTOMERS everything must be plain values, because nothing is executed.", import->file,
                    customers->fault);
        return false;
    }
    if (customers->changed_line > 0)
        return fail(
            import, customers->changed_line, error,
            "CUSTOMERS is changed after it was assigned: write it as one dictionary, because nothing is executed");
    if (customers->value->type != PYTHON_DICT || customers->value->items->len == 0)
        return fail(import, customers->line, error, "CUSTOMERS must be a dictionary with at least one customer");
    for (guint i = 0; i < customers->value->items->len; i += 2)
        if (!read_customer(import, g_ptr_array_index(customers->value->items, i),
                           g_ptr_array_index(customers->value->items, i + 1), error))
            return false;
    return true;
}

/* --- the other settings ------------------------------------------------------------------------------------------- */

/* The plain value of `name`; NULL, perhaps after a remark. */
static const struct python_value *find_value(struct import *import, const char *name)
{
    const struct python_assignment *assignment = python_find(import->module, name);

    if (assignment == NULL)
        return NULL;
    if (assignment->value == NULL)
        remark(import, assignment->line, "%s is no plain value, and was left out (%s)", name, assignment->fault);
    return assignment->value != NULL && assignment->value->type != PYTHON_NONE ? assignment->value : NULL;
}

/* A setting whose value is one line of text. */
static void take_text(struct import *import, const char *name, const char *path, const char *(*check)(const char *))
{
    const struct python_value *value = find_value(import, name);

    if (value == NULL || (value->type == PYTHON_STRING && *value->text == '\0'))
        return;
    const char *fault = value->type == PYTHON_STRING ? check(value->text) : "must be text";
    if (fault == NULL)
        sample_set(import->sample, path, value->text);
    else
        remark(import, value->line, "%s was left out: it %s", name, fault);
}

/* True when `name` is a whole number in the range; as a text it is taken too. */
static bool read_number(struct import *import, const char *name, int64_t least, int64_t most, int64_t *number)
{
    const struct python_value *value = find_value(import, name);

    if (value == NULL)
        return false;
    if (value->text != NULL && value_number(value->text, least, most, number))
        return true;
    remark(import, value->line,
           "%s was left out: it must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, name, least,
           most);
    return false;
}

static void set_number(struct import *import, const char *path, int64_t number)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);
    sample_set(import->sample, path, text);
}

static void take_numbers(struct import *import)
{
    int64_t number, from = 1, to = 1;

    if (read_number(import, "SMTP_PORT", 1, 65535, &number))
        set_number(import, "smtp.port", number);
    if (read_number(import, "DB_DAYS_SCOPE", 0, 36500, &number))
        set_number(import, "retention.days", number);
    bool has_from = read_number(import, "DB_DAYS_PREV_FROM", 0, 36500, &from);
    bool has_to = read_number(import, "DB_DAYS_PREV_TO", 0, 36500, &to);
    if (has_from || has_to) { /* the earlier day is the larger number, whichever way round they were */
        set_number(import, "report.days_from", MAX(from, to));
        set_number(import, "report.days_to", MIN(from, to));
    }
}

/* DIR_LOGS and the like: what the name says tells which folder it is. */
static void take_folders(struct import *import)
{
    for (guint i = 0; i < import->module->assignments->len; i++) {
        const struct python_assignment *assignment = g_ptr_array_index(import->module->assignments, i);
        const char *name = assignment->name;
        if (!g_str_has_prefix(name, "DIR_"))
            continue;
        if (strstr(name, "LOG") != NULL)
            take_text(import, name, "directories.logs", check_line);
        else if (strstr(name, "IM") != NULL || strstr(name, "PNG") != NULL || strstr(name, "CHART") != NULL)
            take_text(import, name, "directories.images", check_line);
        else
            remark(import, assignment->line, "%s has no counterpart, and was left out", shown(name));
    }
}

static void take_signature(struct import *import)
{
    const struct python_value *value = find_value(import, "MAIL_SIGNATURE");

    if (value == NULL || (value->type == PYTHON_STRING && *value->text == '\0'))
        return;
    if (value->type != PYTHON_STRING) {
        remark(import, value->line, "MAIL_SIGNATURE was left out: it must be text");
        return;
    }
    import->signature = g_string_new(value->text);
    if (!g_str_has_suffix(value->text, "\n"))
        g_string_append_c(import->signature, '\n');
    sample_set(import->sample, "report.signature", "signature.html");
}

static bool is_status_map(const struct python_value *value)
{
    int64_t priority;

    for (guint i = 0; value->type == PYTHON_DICT && i < value->items->len; i += 2) {
        const struct python_value *status = g_ptr_array_index(value->items, i);
        const struct python_value *number = g_ptr_array_index(value->items, i + 1);
        if (status->type != PYTHON_STRING || check_status(status->text) != NULL || number->type != PYTHON_NUMBER ||
            !value_number(number->text, 0, STATUS_PRIORITY_MAX, &priority))
            return false;
    }
    return value->type == PYTHON_DICT && value->items->len > 0;
}

/* Where each status stands for the last time, as Python takes the last of doubled keys: names in lower case (char *) ->
 * struct python_value *. Returned: g_hash_table_unref. */
static GHashTable *last_of_each(const struct python_value *dict)
{
    GHashTable *last = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < dict->items->len; i += 2) {
        struct python_value *status = g_ptr_array_index(dict->items, i);
        g_hash_table_replace(last, g_ascii_strdown(status->text, -1), status);
    }
    return last;
}

/* Statuses and their priorities, or the path of a file that has them. */
static void take_status_map(struct import *import)
{
    const struct python_value *value = find_value(import, "STATUS_MAP");
    GHashTable *last;

    if (value == NULL)
        return;
    if (value->type == PYTHON_STRING) {
        take_text(import, "STATUS_MAP", "status_map", check_line);
        return;
    }
    if (!is_status_map(value)) {
        remark(import, value->line,
               "STATUS_MAP was left out: it must be a dictionary of statuses and their priorities, whole numbers from "
               "0 (the worst) to 10 (operational, as is 9)");
        return;
    }
    import->status_map =
        g_string_new("# How bad each status is, where that differs from what is built in: 0 is the worst; 9 and 10 are "
                     "operational.\n");
    last = last_of_each(value);
    for (guint i = 0; i < value->items->len; i += 2) {
        const struct python_value *status = g_ptr_array_index(value->items, i);
        const struct python_value *priority = g_ptr_array_index(value->items, i + 1);
        g_autofree char *name = g_ascii_strdown(status->text, -1);
        if (g_hash_table_lookup(last, name) != status)
            continue;
        sample_append_value(import->status_map, status->text);
        g_string_append_printf(import->status_map, ": %s\n", priority->text);
    }
    g_hash_table_unref(last);
    sample_set(import->sample, "status_map", "status_map.yaml");
}

/* What else stands in the file. */
static void remark_rest(struct import *import)
{
    static const char *const known[] = {
        "CUSTOMERS",    "STATUS_MAP",     "SMTP_SERVER",   "SMTP_PORT",         "MAIL_FROM",       "MAIL_TO", "MAIL_CC",
        "MAIL_SUBJECT", "MAIL_SIGNATURE", "DB_DAYS_SCOPE", "DB_DAYS_PREV_FROM", "DB_DAYS_PREV_TO", NULL};
    g_autoptr(GString) lines = g_string_new(NULL);
    enum { SHOWN_MAX = 20 };

    for (guint i = 0; i < import->module->assignments->len; i++) {
        const struct python_assignment *assignment = g_ptr_array_index(import->module->assignments, i);
        if (!g_strv_contains(known, assignment->name) && !g_str_has_prefix(assignment->name, "DIR_"))
            remark(import, assignment->line, "%s has no counterpart, and was left out", shown(assignment->name));
        else if (assignment->changed_line > 0)
            remark(import, assignment->changed_line, "%s is changed here, which was not followed", assignment->name);
    }
    const GArray *skipped = import->module->skipped;
    for (guint i = 0; i < MIN(skipped->len, SHOWN_MAX); i++)
        g_string_append_printf(lines, "%s%u", i > 0 ? ", " : "", g_array_index(skipped, unsigned, i));
    if (skipped->len > 0)
        g_ptr_array_add(import->remarks,
                        g_strdup_printf("%s: statements that assign no plain value were passed over, in line%s %s%s",
                                        import->file, skipped->len == 1 ? "" : "s", lines->str,
                                        skipped->len > SHOWN_MAX ? " ..." : ""));
}

/* --- the files ---------------------------------------------------------------------------------------------------- */

static void file_free(gpointer data)
{
    struct config_file *file = data;

    text_free_secret(file->text);
    g_free(file);
}

/* Takes `text`. */
static void add_file(GPtrArray *files, const char *name, char *text)
{
    struct config_file *file = g_new0(struct config_file, 1);

    file->name = name;
    file->text = text;
    g_ptr_array_add(files, file);
}

static GPtrArray *sample_files(const struct sample *sample)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(file_free);

    add_file(files, "m365keep.yaml", sample_yaml(sample));
    add_file(files, ".env", sample_env(sample));
    return files;
}

GPtrArray *config_sample(void)
{
    g_autoptr(Sample) sample = sample_new();
    struct sample_customer *customer = sample_add_customer(sample);

    customer->name = g_strdup(SAMPLE_NAME);
    customer->variable = g_strdup(SAMPLE_VARIABLE);
    dotenv_append(sample->secrets, SAMPLE_VARIABLE,
                  "<Directory (tenant) ID>;<Application (client) ID>;<Value of the client secret>");
    return sample_files(sample);
}

static GPtrArray *import_module(struct import *import, GError **error)
{
    import->mail_to = read_texts(import, find_value(import, "MAIL_TO"), "MAIL_TO", check_address);
    import->mail_cc = read_texts(import, find_value(import, "MAIL_CC"), "MAIL_CC", check_address);
    if (!read_customers(import, error))
        return NULL;
    take_text(import, "SMTP_SERVER", "smtp.server", check_host);
    take_text(import, "MAIL_FROM", "smtp.from", check_address);
    take_text(import, "MAIL_SUBJECT", "report.subject", check_subject);
    take_numbers(import);
    take_folders(import);
    take_signature(import);
    take_status_map(import);
    remark_rest(import);
    GPtrArray *files = sample_files(import->sample);
    if (import->signature != NULL)
        add_file(files, "signature.html", g_strdup(import->signature->str));
    if (import->status_map != NULL)
        add_file(files, "status_map.yaml", g_strdup(import->status_map->str));
    return files;
}

GPtrArray *import_python(const char *file, const char *text, size_t length, GPtrArray *remarks, GError **error)
{
    struct import import = {.file = file, .remarks = remarks};
    GPtrArray *files = NULL;

    import.module = python_read(file, text, length, error);
    if (import.module == NULL)
        return NULL;
    import.sample = sample_new();
    import.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    import.variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    files = import_module(&import, error);
    g_strfreev(import.mail_to);
    g_strfreev(import.mail_cc);
    if (import.signature != NULL)
        g_string_free(import.signature, TRUE);
    if (import.status_map != NULL)
        g_string_free(import.status_map, TRUE);
    g_hash_table_unref(import.names);
    g_hash_table_unref(import.variables);
    sample_free(import.sample);
    python_module_free(import.module);
    return files;
}

GPtrArray *config_import_python(const char *path, GPtrArray *remarks, GError **error)
{
    size_t length = 0;
    char *text = file_read(path, PYTHON_FILE_MAX, &length);

    if (text == NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "cannot read %s: %s", path,
                    errno == EFBIG ? "it is larger than 1 MiB" : g_strerror(errno));
        return NULL;
    }
    GPtrArray *files = import_python(path, text, length, remarks, error);
    explicit_bzero(text, length);
    g_free(text);
    return files;
}
