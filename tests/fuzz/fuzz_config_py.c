/* The reader of Python's plain values, and the import of a config.py, over any bytes. What is checked beyond the
 * sanitizers:
 *
 * - what is refused is said in a sentence with file and line;
 * - values are what their types promise: strings in UTF-8, dictionaries of pairs, lines inside the file, a bounded
 * depth;
 * - every value, written as Python and read again, is itself;
 * - what is imported is a m365keep.yaml that is taken whole, with the customers in it, and a .env with their secrets.
 */
#include "fuzz.h"

#include "base/base.h"
#include "config/customers.h"
#include "config/dotenv.h"
#include "config/import.h"
#include "config/lists.h"
#include "config/python.h"
#include "config/settings.h"
#include "config/status_map.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct environment *environment;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT, NULL);
    environment = environment_new("/dev/null", NULL);
    g_assert(environment != NULL);
    return 0;
}

/* --- the import --------------------------------------------------------------------------------------------------- */

static const char *find_file(GPtrArray *files, const char *name)
{
    for (guint i = 0; i < files->len; i++) {
        const struct config_file *file = g_ptr_array_index(files, i);
        if (strcmp(file->name, name) == 0)
            return file->text;
    }
    g_assert_not_reached();
}

static void check_env(GPtrArray *files)
{
    g_autoptr(GHashTable) values = dotenv_table_new();
    const char *text = find_file(files, ".env");

    g_assert(dotenv_parse(".env", text, strlen(text), values, NULL));
}

static void check_yaml(GPtrArray *files, const struct python_value *customers)
{
    const char *text = find_file(files, "m365keep.yaml");
    g_autoptr(GError) error = NULL;
    g_autoptr(YamlFile) file = yaml_file_parse("m365keep.yaml", text, strlen(text), &error);
    g_autoptr(Config) config = g_new0(struct config, 1);
    const struct settings settings = {.environment = environment, .file = file};

    g_assert_no_error(error);
    config->customers = g_ptr_array_new_with_free_func(customers_free);
    settings_read(&settings, false, config, &error);
    g_assert_no_error(error);
    lists_alerts(&settings, config, &error);
    g_assert_no_error(error);
    customers_read(&settings, false, config, &error);
    g_assert_no_error(error);
    g_assert(file->root->n_customers == customers->items->len / 2);
    for (uint32_t i = 0; i < file->root->n_customers; i++) {
        const struct python_value *name = g_ptr_array_index(customers->items, 2 * i);
        g_assert(strcmp(file->root->customers[i].name, name->text) == 0);
    }
}

/* The last file, where there is one, is a map that is taken whole. */
static void check_status_map(GPtrArray *files)
{
    const struct config_file *file = g_ptr_array_index(files, files->len - 1);
    g_autoptr(GError) error = NULL;

    if (strcmp(file->name, "status_map.yaml") != 0)
        return;
    config_status_map_free(status_map_parse(file->name, file->text, strlen(file->text), &error));
    g_assert_no_error(error);
}

static void check_import(const char *text, size_t size, const struct python_module *module)
{
    g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) files = import_python("fuzz.py", text, size, remarks, &error);

    g_assert((files != NULL) == (error == NULL));
    for (guint i = 0; i < remarks->len; i++)
        g_assert(g_utf8_validate(g_ptr_array_index(remarks, i), -1, NULL));
    if (files == NULL) {
        fuzz_check_message(error);
        return;
    }
    check_env(files);
    check_yaml(files, python_find(module, "CUSTOMERS")->value);
    check_status_map(files);
}

/* --- the reader --------------------------------------------------------------------------------------------------- */

static void check_value(const struct python_value *value, unsigned lines, unsigned depth, GString *out);

static void check_items(const struct python_value *value, unsigned lines, unsigned depth, GString *out)
{
    bool dict = value->type == PYTHON_DICT;

    g_assert(!dict || value->items->len % 2 == 0);
    g_string_append_c(out, dict ? '{' : '[');
    for (guint i = 0; i < value->items->len; i++) {
        check_value(g_ptr_array_index(value->items, i), lines, depth + 1, out);
        g_string_append(out, dict && i % 2 == 0 ? " :" : " ,");
    }
    g_string_append_c(out, dict ? '}' : ']');
}

static void write_string(const char *text, GString *out)
{
    g_string_append_c(out, '"');
    for (; *text != '\0'; text++) {
        if (strchr("\"\\\r\n", *text) != NULL)
            g_string_append_printf(out, "\\x%02x", (unsigned)*text);
        else
            g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

/* Appends the value as Python, checked. */
static void check_value(const struct python_value *value, unsigned lines, unsigned depth, GString *out)
{
    g_assert(value->line >= 1 && value->line <= lines && depth <= PYTHON_DEPTH_MAX);
    g_assert((value->text != NULL) == (value->type == PYTHON_STRING || value->type == PYTHON_NUMBER));
    g_assert((value->items != NULL) == (value->type == PYTHON_LIST || value->type == PYTHON_DICT));
    if (value->items != NULL) {
        check_items(value, lines, depth, out);
    } else if (value->type == PYTHON_STRING) {
        g_assert(g_utf8_validate(value->text, -1, NULL));
        write_string(value->text, out);
    } else if (value->type == PYTHON_NUMBER) {
        g_string_append(out, value->text);
    } else {
        g_string_append(out, value->type == PYTHON_NONE ? "None" : value->truth ? "True" : "False");
    }
}

/* The module's plain assignments as Python. */
static GString *write_module(const struct python_module *module, unsigned lines)
{
    GString *out = g_string_new("#\n"); /* a name's first character may be U+FEFF, which begins no file */

    for (guint i = 0; i < module->assignments->len; i++) {
        const struct python_assignment *assignment = g_ptr_array_index(module->assignments, i);
        g_assert(python_find(module, assignment->name) == assignment);
        g_assert((assignment->value == NULL) == (assignment->fault != NULL) && assignment->line <= lines);
        if (assignment->value == NULL)
            continue;
        g_string_append_printf(out, "%s = ", assignment->name);
        check_value(assignment->value, lines, 0, out);
        g_string_append_c(out, '\n');
    }
    return out;
}

static unsigned count_lines(const uint8_t *data, size_t size)
{
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r';
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_exact(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(PythonModule) module = python_read("fuzz.py", text, size, &error);

    g_assert((module != NULL) == (error == NULL));
    if (module == NULL) {
        fuzz_check_message(error);
        g_assert(error->domain == CONFIG_ERROR && g_str_has_prefix(error->message, "fuzz.py, line "));
        return 0;
    }
    g_autoptr(GString) once = write_module(module, count_lines(data, size));
    g_autoptr(PythonModule) again = python_read("again.py", once->str, once->len, NULL);
    g_assert(again != NULL);
    g_autoptr(GString) twice = write_module(again, count_lines((const uint8_t *)once->str, once->len));
    g_assert(g_string_equal(once, twice));
    check_import(text, size, module);
    return 0;
}
