/* Composes mails as the report does, for tests that read them with another program: each line of stdin is a JSON object
 * with from, to, cc, date, zone, identity, subject, html, text and charts ({name, png}, png in base64), and each
 * becomes a line of stdout with message and page (base64), message_id, address (of from) and stem (of subject), or
 * error. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "report/message.h"

static GPtrArray *strings(const struct json_node *array)
{
    GPtrArray *list = g_ptr_array_new();

    for (const struct json_node *node = array != NULL ? array->child : NULL; node != NULL; node = node->next)
        g_ptr_array_add(list, (gpointer)node->text);
    g_ptr_array_add(list, NULL);
    return list;
}

static void chart_free(void *data)
{
    struct report_chart *chart = data;

    g_bytes_unref(chart->png);
    g_free(chart);
}

static GPtrArray *charts_of(const struct json_node *array)
{
    GPtrArray *charts = g_ptr_array_new_with_free_func(chart_free);

    for (const struct json_node *node = array != NULL ? array->child : NULL; node != NULL; node = node->next) {
        struct report_chart *chart = g_new0(struct report_chart, 1);
        gsize length;
        guchar *png = g_base64_decode(json_get_string(node, "png"), &length);
        chart->name = (char *)json_get_string(node, "name");
        chart->png = g_bytes_new_take(png, length);
        g_ptr_array_add(charts, chart);
    }
    return charts;
}

static const char *text_of(const struct json_node *spec, const char *key)
{
    const struct json_node *node = json_get(spec, key);

    return node != NULL && node->text != NULL ? node->text : "";
}

static void append_member(GString *line, const char *key, const char *value)
{
    g_string_append_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
    text_append_json(line, value);
}

static void answer(const struct json_node *spec, GString *line)
{
    g_autoptr(GPtrArray) to = strings(json_get(spec, "to")), cc = strings(json_get(spec, "cc"));
    g_autoptr(GPtrArray) charts = charts_of(json_get(spec, "charts"));
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(text_of(spec, "zone"));
    g_autoptr(GError) error = NULL;
    g_autofree char *message_id = NULL, *address = message_address(text_of(spec, "from"));
    g_autofree char *stem = message_stem(text_of(spec, "subject"), "2026-11-21", "2026-11-22");
    const struct report_words words = {.subject = (char *)text_of(spec, "subject"),
                                       .html = (char *)text_of(spec, "html"),
                                       .text = (char *)text_of(spec, "text")};
    const struct report_envelope envelope = {.from = text_of(spec, "from"),
                                             .to = (const char *const *)to->pdata,
                                             .cc = (const char *const *)cc->pdata,
                                             .date = g_ascii_strtoll(text_of(spec, "date"), NULL, 10),
                                             .zone = zone,
                                             .identity = text_of(spec, "identity")};
    g_autoptr(GBytes) message = message_compose(&words, charts, &envelope, &message_id, &error);
    g_autofree char *page = message_page(&words, charts);
    g_autofree char *page64 = g_base64_encode((const guchar *)page, strlen(page));
    g_autofree char *message64 =
        message != NULL ? g_base64_encode(g_bytes_get_data(message, NULL), g_bytes_get_size(message)) : NULL;

    append_member(line, "message", message64);
    append_member(line, "page", page64);
    append_member(line, "message_id", message_id);
    append_member(line, "address", address);
    append_member(line, "stem", stem);
    append_member(line, "error", error != NULL ? error->message : NULL);
}

int main(void)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autofree char *input = NULL;
    size_t size = 0;

    setlocale(LC_ALL, "");
    for (ssize_t length; (length = getline(&input, &size, stdin)) > 0;) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) line = g_string_new("{");
        const struct json_node *spec = json_tree_parse(tree, input, (size_t)length, &error);
        if (spec == NULL) {
            g_printerr("compose_mail: %s\n", error->message);
            return 1;
        }
        answer(spec, line);
        puts(g_string_append_c(line, '}')->str);
    }
    return 0;
}
