/* The indexed text: everything that somebody may look for is a line of it, and nothing else is. */
#include "decode_one.h"

static struct document *with_value(const char *value)
{
    g_autofree char *record = g_strdup_printf("{\"id\":\"x\",\"value\":%s}", value);

    return decode_one("sign-ins", record);
}

/* The lines that the value adds to those of the record around it. */
static void check_lines(const char *value, const char *expected)
{
    struct document *document = with_value(value);
    const char *prefix = "An unknown user tried to sign in\nx";

    assert_true(g_str_has_prefix(document->text, prefix));
    if (strcmp(document->text + strlen(prefix), expected) != 0)
        fail_msg("%s gives \"%s\", not \"%s\"", value, document->text + strlen(prefix), expected);
    document_free(document);
}

static void the_text_begins_with_the_summary(void **state)
{
    struct document *document =
        decode_one("sign-ins", "{\"userPrincipalName\":\"ada@example.org\",\"appDisplayName\":\"Azure Portal\"}");

    (void)state;
    assert_text(document->text, "ada@example.org tried to sign in to Azure Portal\nada@example.org\nAzure Portal");
    document_free(document);
}

static void what_nobody_looks_for_is_left_out(void **state)
{
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "1",
        "-0",
        "0.5",
        "-0.58050000667",
        "1e400",
        "1E3",
        "\"\"",
        "\"  \"",
        "\"<null>\"",
        "\"Not Available\"",
        "\"2026-11-20T07:01:02Z\"",
        "\"2026-11-20T07:01:02.12345678+00:00\"",
        "\"2026-11-20 07:01:02\"",
        "\"0001-01-01T00:00:00Z\"",
        "{}",
        "[]",
        "[null,true,[{}]]",
        "\"[]\"",
        "\"{}\"",
        "\"[true]\"",
        "\"\\\"\\\"\"",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        check_lines(values[i], "");
}

static void what_somebody_may_look_for_is_kept(void **state)
{
    static const struct {
        const char *value, *lines;
    } forms[] = {
        {"\"None\"", "\nNone"},
        {"\"Unknown\"", "\nUnknown"},
        {"\"True\"", "\nTrue"},
        {"\"0\"", "\n0"},
        {"\"<NULL>\"", "\n<NULL>"},
        {"50126", "\n50126"},
        {"-1", "\n-1"},
        {"2", "\n2"},
        {"9007199254740993", "\n9007199254740993"},
        {"123456789012345678901234567890", "\n123456789012345678901234567890"},
        {"\"2026-11-20\"", "\n2026-11-20"},
        {"\"seen 2026-11-20T07:01:02Z\"", "\nseen 2026-11-20T07:01:02Z"},
        {"\"9/99/9999 9:99:99 AM\"", "\n9/99/9999 9:99:99 AM"},
        {"\"2001:db8::7\"", "\n2001:db8::7"},
        {"[\"b\",{\"k\":\"c\"},\"a\"]", "\nb\nc\na"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        check_lines(forms[i].value, forms[i].lines);
}

static void a_line_is_written_once(void **state)
{
    (void)state;
    check_lines("[\"a\",\"a\",\"ab\",\"x\",\"An unknown user tried to sign in\",\"A\",\"a \"]", "\na\nab\nA\na ");
    check_lines("[7,\"7\",\"\\\"7\\\"\",\"a\\nb\",\"a b\",\"a\\rb\"]", "\n7\na b");
}

static void line_breaks_in_values_become_blanks(void **state)
{
    (void)state;
    check_lines("\"DM5PR\\r\\n\"", "\nDM5PR  ");
    check_lines("\"one\\ntwo\"", "\none two");
}

static void quirks_44_to_46_odd_text_is_kept_findable(void **state)
{
    (void)state;
    check_lines("\"a\\u0000b\"", "\na\xef\xbf\xbd"
                                 "b");
    check_lines("\"\\ud83d\\ude80\"", "\n🚀");
    check_lines("\"cut \\ud83d\"", "\ncut \xef\xbf\xbd");
    check_lines("\"Ji\\u0159\\u00ed\"", "\nJiří");
}

static void quirk_58_json_in_strings_gives_its_leaves(void **state)
{
    static const struct {
        const char *value, *lines;
    } forms[] = {
        {"\"\\\"Global Reader\\\"\"", "\nGlobal Reader"},
        {"\"[\\\"x1\\\",\\\"x2\\\"]\"", "\nx1\nx2"},
        {"\"[\\r\\n  \\\"x1\\\"\\r\\n]\"", "\nx1"},
        {"\"{\\\"name\\\":\\\"Ji\\\\u0159\\\\u00ed\\\",\\\"n\\\":50126,\\\"t\\\":\\\"2026-11-20T00:00:00Z\\\"}\"",
         "\nJiří\n50126"},
        {"\"[\\\"{\\\\\\\"state\\\\\\\":\\\\\\\"enabled\\\\\\\"}\\\"]\"", "\nenabled"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        check_lines(forms[i].value, forms[i].lines);
}

static void quirk_58_what_only_looks_like_json_stays_as_it_is(void **state)
{
    static const char *const texts[] = {
        "[2001:db8::1]:443",
        "[2001:db8::1]",
        "{5b8e2c1f-7a4d-4e96-b03c-d1f9a6e8c274}",
        "[Draft] minutes",
        "[[Id: 1, Scope: User.Read]];",
        "[x]",
        "{x}",
        "[",
        "{",
        "[]]",
        "[1] and [2]",
        "[a, b]",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *value = g_strdup_printf("\"%s\"", texts[i]);
        g_autofree char *lines = g_strdup_printf("\n%s", texts[i]);
        check_lines(value, lines);
    }
    check_lines("\"\\\"unclosed\"", "\n\"unclosed");
    check_lines("\"\\\"a\\\" or \\\"b\\\"\"", "\n\"a\" or \"b\"");
}

static char *quoted(const char *text)
{
    GString *out = g_string_new("\"");

    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *at);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

static void json_in_strings_is_followed_four_levels_down(void **state)
{
    char *value = g_strdup("needle");
    char *before = NULL;

    (void)state;
    for (int level = 0; level <= 4; level++) { /* the record's own string, and four of JSON inside */
        char *next = quoted(value);
        g_free(value);
        value = next;
        check_lines(value, "\nneedle");
    }
    before = g_strdup(value);
    char *deeper = quoted(value);
    check_lines(deeper, "\n\"needle\""); /* the fifth stays as it is, and is found all the same */
    g_free(deeper);
    g_free(before);
    g_free(value);
}

static void deep_nesting_in_a_string_is_harmless(void **state)
{
    GString *value = g_string_new("\"");

    (void)state;
    for (int i = 0; i < 5000; i++)
        g_string_append_c(value, '[');
    for (int i = 0; i < 5000; i++)
        g_string_append_c(value, ']');
    g_string_append_c(value, '"');
    struct document *document = with_value(value->str);
    assert_true(strlen(document->text) > 10000);
    document_free(document);
    g_string_free(value, TRUE);
}

static void quirk_56_long_strings_and_many_lines_go_in_whole(void **state)
{
    GString *value = g_string_new("[\"");

    (void)state;
    for (int i = 0; i < 200000; i++)
        g_string_append(value, "0123456789");
    g_string_append(value, " the end\"");
    for (int i = 0; i < 50000; i++)
        g_string_append_printf(value, ",\"line %d\"", i % 40000);
    g_string_append_c(value, ']');
    struct document *document = with_value(value->str);
    assert_non_null(strstr(document->text, "0123456789 the end\n"));
    assert_true(g_str_has_suffix(document->text, "line 39998\nline 39999"));
    document_free(document);
    g_string_free(value, TRUE);
    check_lines("[\"small\",\"again\"]", "\nsmall\nagain");
}

/* --- the property: whatever a record holds can be found
 * ------------------------------------------------------------------ */

struct random_record {
    GRand *random;
    GString *json;
    GPtrArray *leaves; /* what must be lines */
};

static const char *const words[] = {
    "ada@example.org",
    "Global Reader",
    "2001:db8::7",
    "5b8e2c1f-7a4d-4e96-b03c-d1f9a6e8c274",
    "Žluťoučký kůň",
    "🚀",
    "C:\\\\temp\\\\x.txt",
    "[2001:db8::1]:443",
    "a \\\"quoted\\\" word",
    "{not json}",
    "line\\nbreak",
    "\\u0159",
    "<script>",
    "%20",
};
static const char *const decoded[] = {
    "ada@example.org",   "Global Reader",
    "2001:db8::7",       "5b8e2c1f-7a4d-4e96-b03c-d1f9a6e8c274",
    "Žluťoučký kůň",     "🚀",
    "C:\\temp\\x.txt",   "[2001:db8::1]:443",
    "a \"quoted\" word", "{not json}",
    "line break",        "ř",
    "<script>",          "%20",
};
static const char *const excluded[] = {"\"\"", "\"<null>\"", "null", "true",
                                       "0",    "1",          "0.25", "\"2026-11-20T07:01:02.5Z\""};

static void append_leaf(struct random_record *record)
{
    unsigned kind = (unsigned)g_rand_int_range(record->random, 0, 10);

    if (kind < 7) {
        gint32 word = g_rand_int_range(record->random, 0, G_N_ELEMENTS(words));
        gint32 number = g_rand_int_range(record->random, 0, 50);
        g_string_append_printf(record->json, "\"%s %d\"", words[word], number);
        g_ptr_array_add(record->leaves, g_strdup_printf("%s %d", decoded[word], number));
    } else if (kind < 8) {
        gint32 number = g_rand_int_range(record->random, 2, G_MAXINT32);
        g_string_append_printf(record->json, "%d", number);
        g_ptr_array_add(record->leaves, g_strdup_printf("%d", number));
    } else {
        g_string_append(record->json, excluded[g_rand_int_range(record->random, 0, G_N_ELEMENTS(excluded))]);
    }
}

static void append_value(struct random_record *record, int depth)
{
    gint32 kind = depth == 0 ? 0 : g_rand_int_range(record->random, 0, 8);
    gint32 members = g_rand_int_range(record->random, 0, 6);

    if (depth >= 5 || (kind < 4 && depth > 0)) {
        append_leaf(record);
    } else if (kind == 4 && depth < 4) { /* JSON in a string */
        GString *outer = record->json;
        record->json = g_string_new("[");
        append_value(record, depth + 1);
        g_string_append_c(record->json, ']');
        g_autofree char *inner = quoted(record->json->str);
        g_string_free(record->json, TRUE);
        record->json = outer;
        g_string_append(record->json, inner);
    } else {
        bool object = depth == 0 || kind % 2 == 0;
        g_string_append_c(record->json, object ? '{' : '[');
        for (gint32 i = 0; i < members; i++) {
            g_string_append(record->json, i > 0 ? "," : "");
            if (object)
                g_string_append_printf(record->json, "\"k%d\":", i);
            append_value(record, depth + 1);
        }
        g_string_append_c(record->json, object ? '}' : ']');
    }
}

static void assert_lines_differ(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (char **line = lines; *line != NULL; line++) {
        assert_true(g_hash_table_add(seen, *line));
        assert_true(**line != '\0');
        assert_false(g_str_has_prefix(*line, "2026-11-20T"));
    }
}

static void every_leaf_of_random_records_is_a_line(void **state)
{
    (void)state;
    for (guint32 seed = 0; seed < 3000; seed++) {
        struct random_record record = {
            .random = g_rand_new_with_seed(seed),
            .json = g_string_new(NULL),
            .leaves = g_ptr_array_new_with_free_func(g_free),
        };
        append_value(&record, 0);
        struct document *document = decode_one(seed % 2 == 0 ? "sign-ins" : "directory-audits", record.json->str);
        for (guint i = 0; i < record.leaves->len; i++)
            if (!has_line(document, g_ptr_array_index(record.leaves, i)))
                fail_msg("seed %u: \"%s\" of %s is not found", seed, (char *)g_ptr_array_index(record.leaves, i),
                         record.json->str);
        assert_lines_differ(document->text);
        document_free(document);
        g_ptr_array_unref(record.leaves);
        g_string_free(record.json, TRUE);
        g_rand_free(record.random);
    }
}

/* --- threads
 * ----------------------------------------------------------------------------------------------------------------- */

/* How often the text came out wrong; asserts belong to the main thread. */
static void *decode_many(void *data)
{
    struct json_tree *tree = json_tree_new();
    guint wrong = 0;

    (void)data;
    for (int i = 0; i < 200; i++) {
        struct document *document = source_decode(
            source_find("sign-ins"), tree, slice_of("{\"id\":[\"a\",\"[\\\"b\\\"]\",\"a\"]}"), RECEIVED_AT, NULL);
        if (document == NULL || strcmp(document->text, "An unknown user tried to sign in\na\nb") != 0)
            wrong++;
        document_free(document);
    }
    json_tree_free(tree);
    return GUINT_TO_POINTER(wrong);
}

static void threads_do_not_share_what_they_write_into(void **state)
{
    GThread *threads[4];

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("decode", decode_many, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        assert_int_equal(GPOINTER_TO_UINT(g_thread_join(threads[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_begins_with_the_summary),
        cmocka_unit_test(what_nobody_looks_for_is_left_out),
        cmocka_unit_test(what_somebody_may_look_for_is_kept),
        cmocka_unit_test(a_line_is_written_once),
        cmocka_unit_test(line_breaks_in_values_become_blanks),
        cmocka_unit_test(quirks_44_to_46_odd_text_is_kept_findable),
        cmocka_unit_test(quirk_58_json_in_strings_gives_its_leaves),
        cmocka_unit_test(quirk_58_what_only_looks_like_json_stays_as_it_is),
        cmocka_unit_test(json_in_strings_is_followed_four_levels_down),
        cmocka_unit_test(deep_nesting_in_a_string_is_harmless),
        cmocka_unit_test(quirk_56_long_strings_and_many_lines_go_in_whole),
        cmocka_unit_test(every_leaf_of_random_records_is_a_line),
        cmocka_unit_test(threads_do_not_share_what_they_write_into),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
