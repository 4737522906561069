/* The .env reader over any bytes. What is checked beyond the sanitizers:
 *
 * - what is refused is said in a sentence with file and line;
 * - what is taken are C strings under names, with lines inside the file and values that are not too long;
 * - every value, written by dotenv_append, is read back as it is, whatever it holds. */
#include "fuzz.h"

#include "base/base.h"
#include "config/config.h"
#include "config/dotenv.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT, NULL); /* references to what is not set are warned of */
    return 0;
}

static unsigned count_lines(const char *text, size_t length)
{
    unsigned lines = 1;

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

static void check_values(GHashTable *values, unsigned lines, GString *again)
{
    GHashTableIter each;
    gpointer key, value;

    g_hash_table_iter_init(&each, values);
    while (g_hash_table_iter_next(&each, &key, &value)) {
        const struct dotenv_value *one = value;
        g_assert(*(const char *)key != '\0' && one->line >= 1 && one->line <= lines);
        g_assert(strlen(one->text) <= 2 * (size_t)DOTENV_VALUE_MAX);
        dotenv_append(again, key, one->text);
    }
}

static void check_again(GHashTable *values, const GString *written)
{
    g_autoptr(GHashTable) copy = dotenv_table_new();
    GHashTableIter each;
    gpointer key, value;

    g_assert(dotenv_parse("again", written->str, written->len, copy, NULL));
    g_assert(g_hash_table_size(copy) == g_hash_table_size(values));
    g_hash_table_iter_init(&each, values);
    while (g_hash_table_iter_next(&each, &key, &value)) {
        const struct dotenv_value *one = value, *other = g_hash_table_lookup(copy, key);
        g_assert(other != NULL && strcmp(other->text, one->text) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_exact(data, size);
    g_autoptr(GHashTable) values = dotenv_table_new();
    g_autoptr(GString) again = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (!dotenv_parse("fuzz.env", text, size, values, &error)) {
        fuzz_check_message(error);
        g_assert(error->domain == CONFIG_ERROR && g_str_has_prefix(error->message, "fuzz.env, line "));
        return 0;
    }
    g_assert(error == NULL);
    check_values(values, count_lines((const char *)data, size), again);
    check_again(values, again);
    return 0;
}
