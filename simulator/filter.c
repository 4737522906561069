#include "filter.h"

#include <stdlib.h>
#include <string.h>

#include "ticks.h"

enum op { OP_EQ = 1, OP_NE = 2, OP_GE = 4, OP_LE = 8, OP_GT = 16, OP_LT = 32, OP_STARTS = 64 };

static const struct {
    const char *word;
    enum op op;
} op_words[] = {{"eq", OP_EQ}, {"ne", OP_NE}, {"ge", OP_GE}, {"le", OP_LE}, {"gt", OP_GT}, {"lt", OP_LT}};

enum kind { KIND_TEXT, KIND_NUMBER, KIND_TIME };

struct field {
    const char *path;
    enum kind kind;
    unsigned ops;
};

/* Microsoft's reference, "List signIns" and "signIn resource type"; gt and lt work on the time without being written
 * there. */
static const struct field signin_fields[] = {
    {"createdDateTime", KIND_TIME, OP_EQ | OP_GE | OP_LE | OP_GT | OP_LT},
    {"id", KIND_TEXT, OP_EQ},
    {"userId", KIND_TEXT, OP_EQ},
    {"userPrincipalName", KIND_TEXT, OP_EQ | OP_STARTS},
    {"userDisplayName", KIND_TEXT, OP_EQ | OP_STARTS},
    {"appId", KIND_TEXT, OP_EQ},
    {"appDisplayName", KIND_TEXT, OP_EQ | OP_STARTS},
    {"ipAddress", KIND_TEXT, OP_EQ | OP_STARTS},
    {"correlationId", KIND_TEXT, OP_EQ},
    {"status/errorCode", KIND_NUMBER, OP_EQ},
    {"conditionalAccessStatus", KIND_TEXT, OP_EQ},
    {"clientAppUsed", KIND_TEXT, OP_EQ},
    {"location/city", KIND_TEXT, OP_EQ | OP_STARTS},
    {"location/state", KIND_TEXT, OP_EQ | OP_STARTS},
    {"location/countryOrRegion", KIND_TEXT, OP_EQ | OP_STARTS},
    {"resourceId", KIND_TEXT, OP_EQ},
    {"riskDetail", KIND_TEXT, OP_EQ},
    {"riskLevelAggregated", KIND_TEXT, OP_EQ},
    {"riskLevelDuringSignIn", KIND_TEXT, OP_EQ},
    {"riskState", KIND_TEXT, OP_EQ},
    {"servicePrincipalId", KIND_TEXT, OP_EQ | OP_STARTS},
    {"servicePrincipalName", KIND_TEXT, OP_EQ | OP_STARTS},
};

/* "List directoryAudits": the time takes no gt and lt, and is not called createdDateTime. */
static const struct field audit_fields[] = {
    {"activityDateTime", KIND_TIME, OP_EQ | OP_GE | OP_LE},
    {"id", KIND_TEXT, OP_EQ},
    {"category", KIND_TEXT, OP_EQ},
    {"activityDisplayName", KIND_TEXT, OP_EQ | OP_STARTS},
    {"correlationId", KIND_TEXT, OP_EQ},
    {"loggedByService", KIND_TEXT, OP_EQ},
    {"result", KIND_TEXT, OP_EQ},
    {"initiatedBy/user/id", KIND_TEXT, OP_EQ},
    {"initiatedBy/user/displayName", KIND_TEXT, OP_EQ},
    {"initiatedBy/user/userPrincipalName", KIND_TEXT, OP_EQ | OP_STARTS},
    {"initiatedBy/app/appId", KIND_TEXT, OP_EQ},
    {"initiatedBy/app/displayName", KIND_TEXT, OP_EQ},
};

/* Of Intune's audits only the time is known to be filtered by, under this name alone. */
static const struct field intune_fields[] = {{"activityDateTime", KIND_TIME, OP_GE | OP_LE | OP_GT | OP_LT}};

struct type {
    const char *name;
    const struct field *fields;
    gsize count;
};

static const struct type *type_of(enum source source)
{
    static const struct type sign_in = {"signIn", signin_fields, G_N_ELEMENTS(signin_fields)},
                             audit = {"directoryAudit", audit_fields, G_N_ELEMENTS(audit_fields)},
                             intune = {"auditEvent", intune_fields, G_N_ELEMENTS(intune_fields)};

    if (source_classes[source])
        return &sign_in;
    return source == SOURCE_INTUNE_AUDITS ? &intune : &audit;
}

enum node_type { NODE_COMPARE, NODE_CLASS, NODE_AND, NODE_OR, NODE_NOT };

struct filter {
    enum node_type type;
    struct filter *left, *right;
    const struct field *field;
    enum op op;
    char *text;
    int64_t number;   /* or ticks */
    unsigned classes; /* of NODE_CLASS: 1 << source for each that fits */
};

struct parser {
    const char *p;
    enum source source;
    bool beta;
    int depth;
    char *message;
};

enum { MOST_DEPTH = 64 };

static struct filter *parse_or(struct parser *ps);

static G_GNUC_PRINTF(2, 3) struct filter *refuse(struct parser *ps, const char *format, ...)
{
    va_list args;

    if (ps->message)
        return NULL;
    va_start(args, format);
    g_autofree char *detail = g_strdup_vprintf(format, args);
    va_end(args);
    ps->message = g_strdup_printf("Invalid filter clause: %s", detail);
    return NULL;
}

static void skip_space(struct parser *ps)
{
    while (*ps->p == ' ')
        ps->p++;
}

static bool take(struct parser *ps, char c)
{
    skip_space(ps);
    if (*ps->p != c)
        return false;
    ps->p++;
    return true;
}

/* A run of the characters that make up names, paths and bare literals. */
static char *take_word(struct parser *ps)
{
    skip_space(ps);
    gsize len = strcspn(ps->p, " (),'");
    char *word = g_strndup(ps->p, len);

    ps->p += len;
    return word;
}

static bool peek_word(struct parser *ps, const char *word)
{
    skip_space(ps);
    gsize len = strlen(word);

    return g_ascii_strncasecmp(ps->p, word, len) == 0 && (ps->p[len] == ' ' || ps->p[len] == '(');
}

/* A quoted literal, a doubled quote standing for one; NULL when the quote is not closed. */
static char *take_quoted(struct parser *ps)
{
    GString *text = g_string_new(NULL);

    for (ps->p++; *ps->p; ps->p++) {
        if (*ps->p == '\'' && *++ps->p != '\'')
            return g_string_free(text, FALSE);
        g_string_append_c(text, *ps->p);
    }
    g_string_free(text, TRUE);
    return NULL;
}

static struct filter *node_new(enum node_type type, struct filter *left, struct filter *right)
{
    struct filter *f = g_new0(struct filter, 1);

    f->type = type;
    f->left = left;
    f->right = right;
    return f;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    filter_free(f->left);
    filter_free(f->right);
    g_free(f->text);
    g_free(f);
}

static const struct field *find_field(enum source source, const char *path)
{
    const struct type *type = type_of(source);

    for (gsize k = 0; k < type->count; k++)
        if (strcmp(type->fields[k].path, path) == 0)
            return &type->fields[k];
    return NULL;
}

static bool read_literal(struct parser *ps, struct filter *f)
{
    bool zoned = false;

    skip_space(ps);
    if (*ps->p == '\'') {
        if (f->field->kind != KIND_TEXT)
            return refuse(ps, "A binary operator with incompatible types was detected at '%s'.", f->field->path) !=
                   NULL;
        f->text = take_quoted(ps);
        return f->text || refuse(ps, "There is an unterminated string literal.");
    }
    g_autofree char *word = take_word(ps);
    switch (f->field->kind) {
    case KIND_TIME:
        if (ticks_parse(word, strlen(word), &f->number, &zoned) && zoned)
            return true;
        break;
    case KIND_NUMBER: {
        char *end = NULL;
        f->number = g_ascii_strtoll(word, &end, 10);
        if (end != word && *end == '\0')
            return true;
        break;
    }
    case KIND_TEXT:
        break;
    }
    refuse(ps, "Unrecognized literal '%s' for '%s'.", word, f->field->path);
    return false;
}

static struct filter *parse_startswith(struct parser *ps)
{
    g_autofree char *path = NULL;

    ps->p += strlen("startswith");
    if (!take(ps, '('))
        return refuse(ps, "'(' expected after startswith.");
    path = take_word(ps);
    const struct field *field = find_field(ps->source, path);
    if (!field || !(field->ops & OP_STARTS))
        return refuse(ps, "startswith is not supported for property '%s'.", path);
    struct filter *f = node_new(NODE_COMPARE, NULL, NULL);
    f->field = field;
    f->op = OP_STARTS;
    if (take(ps, ',') && read_literal(ps, f) && take(ps, ')'))
        return f;
    filter_free(f);
    return refuse(ps, "Syntax error in startswith.");
}

/* The classes of which name is one: none, where no class is called so. */
static unsigned classes_named(const char *name)
{
    unsigned classes = 0;

    for (int s = 0; s < SOURCE_COUNT; s++)
        if (source_classes[s] && g_ascii_strcasecmp(source_classes[s], name) == 0)
            classes |= 1U << s;
    return classes;
}

static unsigned all_classes(void)
{
    unsigned classes = 0;

    for (int s = 0; s < SOURCE_COUNT; s++)
        if (source_classes[s])
            classes |= 1U << s;
    return classes;
}

/* One comparison inside of any(): t eq 'nonInteractiveUser'. False when it is none. */
static bool parse_class(struct parser *ps, const char *variable, unsigned *classes)
{
    g_autofree char *name = take_word(ps), *op = take_word(ps), *value = NULL;

    skip_space(ps);
    if (strcmp(name, variable) != 0 || *ps->p != '\'' || (strcmp(op, "eq") != 0 && strcmp(op, "ne") != 0))
        return false;
    value = take_quoted(ps);
    if (value)
        *classes = strcmp(op, "eq") == 0 ? classes_named(value) : all_classes() & ~classes_named(value);
    return value != NULL;
}

/* signInEventTypes/any(t: t eq 'nonInteractiveUser'), or several such joined by or. A record is of one class. */
static struct filter *parse_any(struct parser *ps)
{
    gsize len = 0;
    unsigned classes = 0, more = 0;

    if (!take(ps, '('))
        return refuse(ps, "'(' expected after any.");
    skip_space(ps);
    len = strcspn(ps->p, " :()'");
    g_autofree char *variable = g_strndup(ps->p, len);
    ps->p += len;
    if (len == 0 || !take(ps, ':') || !parse_class(ps, variable, &classes))
        return refuse(ps, "Syntax error in any().");
    while (peek_word(ps, "or")) {
        ps->p += 2;
        if (!parse_class(ps, variable, &more))
            return refuse(ps, "Syntax error in any().");
        classes |= more;
    }
    if (!take(ps, ')'))
        return refuse(ps, "')' expected after any.");
    struct filter *f = node_new(NODE_CLASS, NULL, NULL);
    f->classes = classes;
    return f;
}

static bool read_op(struct parser *ps, struct filter *f)
{
    g_autofree char *word = take_word(ps);

    for (gsize k = 0; k < G_N_ELEMENTS(op_words); k++) {
        if (strcmp(op_words[k].word, word) != 0)
            continue;
        f->op = op_words[k].op;
        if (f->field->ops & f->op)
            return true;
        refuse(ps, "Operator '%s' is not supported for property '%s'.", word, f->field->path);
        return false;
    }
    refuse(ps, "Syntax error: '%s' is not an operator.", word);
    return false;
}

static struct filter *refuse_property(struct parser *ps, const char *name)
{
    return refuse(ps, "Could not find a property named '%s' on type 'microsoft.graph.%s'.", name,
                  type_of(ps->source)->name);
}

static struct filter *parse_comparison(struct parser *ps)
{
    if (peek_word(ps, "startswith"))
        return parse_startswith(ps);
    g_autofree char *path = take_word(ps);
    if (g_str_has_suffix(path, "/any") || g_str_has_suffix(path, "/all")) {
        if (ps->beta && strcmp(path, "signInEventTypes/any") == 0)
            return parse_any(ps);
        *strchr(path, '/') = '\0';
        return refuse_property(ps, path);
    }
    const struct field *field = find_field(ps->source, path);
    if (!field)
        return refuse_property(ps, path);
    struct filter *f = node_new(NODE_COMPARE, NULL, NULL);
    f->field = field;
    if (read_op(ps, f) && read_literal(ps, f))
        return f;
    filter_free(f);
    return NULL;
}

static struct filter *parse_operand(struct parser *ps)
{
    struct filter *f = NULL;

    if (ps->depth >= MOST_DEPTH)
        return refuse(ps, "The node count limit has been exceeded.");
    ps->depth++;
    if (peek_word(ps, "not")) {
        ps->p += 3;
        f = parse_operand(ps);
        f = f ? node_new(NODE_NOT, f, NULL) : NULL;
    } else if (take(ps, '(')) {
        f = parse_or(ps);
        if (f && !take(ps, ')')) {
            filter_free(f);
            f = refuse(ps, "')' expected.");
        }
    } else {
        f = parse_comparison(ps);
    }
    ps->depth--;
    return f;
}

static struct filter *parse_joined(struct parser *ps, const char *word, enum node_type type,
                                   struct filter *(*next)(struct parser *))
{
    struct filter *f = next(ps);

    while (f && peek_word(ps, word)) {
        ps->p += strlen(word);
        struct filter *right = next(ps);
        if (!right) {
            filter_free(f);
            return NULL;
        }
        f = node_new(type, f, right);
    }
    return f;
}

static struct filter *parse_and(struct parser *ps)
{
    return parse_joined(ps, "and", NODE_AND, parse_operand);
}

static struct filter *parse_or(struct parser *ps)
{
    return parse_joined(ps, "or", NODE_OR, parse_and);
}

struct filter *filter_new(const char *text, enum source source, bool beta, char **message)
{
    struct parser ps = {text, source, beta, 0, NULL};
    struct filter *f = parse_or(&ps);

    skip_space(&ps);
    if (f && *ps.p) {
        filter_free(f);
        f = refuse(&ps, "Syntax error at '%.40s'.", ps.p);
    }
    *message = ps.message;
    return f;
}

void filter_window(const struct filter *f, int64_t *from, int64_t *to)
{
    if (!f)
        return;
    if (f->type == NODE_AND) {
        filter_window(f->left, from, to);
        filter_window(f->right, from, to);
    } else if (f->type == NODE_COMPARE && f->field->kind == KIND_TIME) {
        if (f->op & (OP_EQ | OP_GE | OP_GT))
            *from = MAX(*from, f->number);
        if (f->op & (OP_EQ | OP_LE | OP_LT))
            *to = MIN(*to, f->number);
    }
}

static bool speaks_of_classes(const struct filter *f)
{
    return f && (f->type == NODE_CLASS || speaks_of_classes(f->left) || speaks_of_classes(f->right));
}

/* The classes that can match. */
static unsigned possible_classes(const struct filter *f)
{
    switch (f->type) {
    case NODE_CLASS:
        return f->classes;
    case NODE_AND:
        return possible_classes(f->left) & possible_classes(f->right);
    case NODE_OR:
        return possible_classes(f->left) | possible_classes(f->right);
    case NODE_NOT:
    case NODE_COMPARE:
        break;
    }
    return all_classes();
}

bool filter_covers(const struct filter *f, enum source source, enum source of)
{
    return speaks_of_classes(f) ? (possible_classes(f) >> of & 1) != 0 : of == source;
}

bool filter_needs_body(const struct filter *f)
{
    if (!f)
        return false;
    if (f->type == NODE_COMPARE)
        return f->field->kind != KIND_TIME;
    return filter_needs_body(f->left) || filter_needs_body(f->right);
}

static bool compare_numbers(enum op op, int64_t a, int64_t b)
{
    switch (op) {
    case OP_EQ:
        return a == b;
    case OP_NE:
        return a != b;
    case OP_GE:
        return a >= b;
    case OP_LE:
        return a <= b;
    case OP_GT:
        return a > b;
    case OP_LT:
        return a < b;
    case OP_STARTS:
        break;
    }
    return false;
}

/* Graph compares these texts without regard to case. */
static bool compare_body(const struct filter *f, const char *body, gsize len)
{
    const char *value = NULL;
    gsize value_len = 0;

    if (!text_find_member(body, len, f->field->path, &value, &value_len))
        return false;
    g_autofree char *text = text_decode(value, value_len);
    if (f->field->kind == KIND_NUMBER)
        return compare_numbers(f->op, g_ascii_strtoll(text, NULL, 10), f->number);
    if (value_len == 0 || *value != '"')
        return false;
    g_autofree char *valid = g_utf8_make_valid(text, -1), *valid_want = g_utf8_make_valid(f->text, -1);
    g_autofree char *have = g_utf8_casefold(valid, -1), *want = g_utf8_casefold(valid_want, -1);
    return f->op == OP_STARTS ? g_str_has_prefix(have, want) : strcmp(have, want) == 0;
}

bool filter_match(const struct filter *f, enum source of, int64_t time, const char *body, gsize len)
{
    if (!f)
        return true;
    switch (f->type) {
    case NODE_AND:
        return filter_match(f->left, of, time, body, len) && filter_match(f->right, of, time, body, len);
    case NODE_OR:
        return filter_match(f->left, of, time, body, len) || filter_match(f->right, of, time, body, len);
    case NODE_NOT:
        return !filter_match(f->left, of, time, body, len);
    case NODE_CLASS:
        return (f->classes >> of & 1) != 0;
    case NODE_COMPARE:
        break;
    }
    if (f->field->kind == KIND_TIME)
        return time == INT64_MIN || compare_numbers(f->op, time, f->number);
    return compare_body(f, body, len);
}
