#include "health_print.h"

#include <string.h>

#include "base/base.h"
#include "base/json.h"

static const char *time_color(const char *cell)
{
    (void)cell;
    return "\x1b[2m";
}

/* What is still going on stands out. */
static const char *kind_color(const char *cell)
{
    if (strcmp(cell, "open incident") == 0)
        return "\x1b[31m";
    return g_str_has_prefix(cell, "open") ? "\x1b[33m" : "";
}

static const char *severity_color(const char *cell)
{
    if (g_ascii_strcasecmp(cell, "critical") == 0)
        return "\x1b[31m";
    return g_ascii_strcasecmp(cell, "high") == 0 ? "\x1b[33m" : "";
}

static const char *act_by_color(const char *cell)
{
    return strcmp(cell, "-") == 0 ? "" : "\x1b[33m";
}

static const struct print_column issue_columns[] = {
    {.title = "LAST MODIFIED", .most = 16, .most_wide = 16, .color = time_color},
    {.title = "CUSTOMER", .most = 14, .most_wide = 20, .least = 6, .from = 70, .when = PRINT_WHEN_SEVERAL},
    {.title = "SERVICE", .most = 20, .most_wide = 20, .least = 6, .from = 80},
    {.title = "KIND", .most = 13, .most_wide = 13, .least = 9, .color = kind_color},
    {.title = "STATUS", .most = 18, .most_wide = 22, .least = 10, .from = 110},
    {.title = "ID", .most = 9, .most_wide = 9},
    {.title = "TITLE"},
    {.title = NULL},
};

static const struct print_column message_columns[] = {
    {.title = "LAST MODIFIED", .most = 16, .most_wide = 16, .color = time_color},
    {.title = "CUSTOMER", .most = 14, .most_wide = 20, .least = 6, .from = 70, .when = PRINT_WHEN_SEVERAL},
    {.title = "SERVICES", .most = 18, .most_wide = 18, .least = 6, .from = PRINT_WIDE},
    {.title = "CATEGORY", .most = 17, .most_wide = 17, .least = 9},
    {.title = "SEVERITY", .most = 8, .most_wide = 8, .from = 120, .when = PRINT_WHEN_TOLD, .color = severity_color},
    {.title = "ACT BY", .most = 10, .most_wide = 10, .from = 80, .when = PRINT_WHEN_TOLD, .color = act_by_color},
    {.title = "ID", .most = 9, .most_wide = 9},
    {.title = "TITLE"},
    {.title = NULL},
};

const struct print_kind issue_print_kind = {
    .columns = issue_columns,
    .csv_titles = "issue_id,customer,tenant_id,id,service,title,classification,status,is_resolved,start,end,"
                  "last_modified,first_seen,changed_at",
};

const struct print_kind message_print_kind = {
    .columns = message_columns,
    .csv_titles = "message_id,customer,tenant_id,id,title,services,category,severity,is_major_change,start,end,"
                  "last_modified,action_required_by,first_seen,changed_at",
};

/* --- table -------------------------------------------------------------------------------------------------------- */

char **health_print_services(const char *services)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root = services != NULL ? json_tree_parse(tree, services, strlen(services), NULL) : NULL;

    for (const struct json_node *name = root != NULL ? root->child : NULL; name != NULL; name = name->next)
        if (name->type == JSON_STRING)
            g_ptr_array_add(names, g_strdup(name->text));
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

/* "open incident", or "incident" once it is over. Microsoft spells the names of its enums in more than one way. */
static char *kind_of(const struct store_health_row *issue)
{
    g_autofree char *kind = issue->classification != NULL ? g_ascii_strdown(issue->classification, -1) : NULL;

    if (issue->is_resolved != 0)
        return g_steal_pointer(&kind);
    return kind != NULL ? g_strconcat("open ", kind, NULL) : g_strdup("open");
}

static bool add_issue_cells(struct printer *printer, const struct store_health_row *issue)
{
    g_autofree char *modified = print_minute(issue->last_modified);
    g_autofree char *kind = kind_of(issue);
    const char *const cells[] = {modified,      issue->customer, issue->service, kind,
                                 issue->status, issue->id,       issue->title};

    return printer_add_cells(printer, cells);
}

static bool add_message_cells(struct printer *printer, const struct store_health_row *message)
{
    g_autofree char *modified = print_minute(message->last_modified);
    g_autofree char *act_by = print_day(message->action_required_by);
    g_auto(GStrv) names = health_print_services(message->services);
    g_autofree char *services = *names != NULL ? g_strjoinv(", ", names) : NULL;
    const char *const cells[] = {modified, message->customer, services,      message->category, message->severity,
                                 act_by,   message->id,       message->title};

    return printer_add_cells(printer, cells);
}

/* --- the other formats -------------------------------------------------------------------------------------------- */

static bool add_json(struct printer *printer, const struct store_health_row *row)
{
    g_autoptr(GString) document = g_string_new(NULL);

    store_health_append_json(document, row);
    return printer_add_json(printer, document->str, document->len);
}

/* As the views have it; not told is empty. */
static const char *flag(int value)
{
    return value < 0 ? NULL : value == 0 ? "0" : "1";
}

static bool add_issue_csv(struct printer *printer, const struct store_health_row *issue)
{
    g_autofree char *issue_id = g_strdup_printf("%" G_GINT64_FORMAT, issue->row_id);
    const char *const fields[] = {issue_id,
                                  issue->customer,
                                  issue->tenant_id,
                                  issue->id,
                                  issue->service,
                                  issue->title,
                                  issue->classification,
                                  issue->status,
                                  flag(issue->is_resolved),
                                  issue->start,
                                  issue->end,
                                  issue->last_modified,
                                  issue->first_seen,
                                  issue->changed_at};

    return printer_add_csv(printer, fields, G_N_ELEMENTS(fields));
}

static bool add_message_csv(struct printer *printer, const struct store_health_row *message)
{
    g_autofree char *message_id = g_strdup_printf("%" G_GINT64_FORMAT, message->row_id);
    const char *const fields[] = {message_id,
                                  message->customer,
                                  message->tenant_id,
                                  message->id,
                                  message->title,
                                  message->services,
                                  message->category,
                                  message->severity,
                                  flag(message->is_major_change),
                                  message->start,
                                  message->end,
                                  message->last_modified,
                                  message->action_required_by,
                                  message->first_seen,
                                  message->changed_at};

    return printer_add_csv(printer, fields, G_N_ELEMENTS(fields));
}

bool health_print(struct printer *printer, const struct store_health_row *row)
{
    bool issue = row->kind == STORE_HEALTH_ISSUES;

    switch (printer_format(printer)) {
    case PRINT_FORMAT_TABLE:
        return (issue ? add_issue_cells : add_message_cells)(printer, row);
    case PRINT_FORMAT_JSON:
        return add_json(printer, row);
    case PRINT_FORMAT_CSV:
        return (issue ? add_issue_csv : add_message_csv)(printer, row);
    case PRINT_FORMAT_RAW:
        return printer_add_raw(printer, row->raw, row->raw_length);
    }
    g_return_val_if_reached(false);
}
