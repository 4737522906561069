/* What the tests of findings share: a section's findings as text. */
#ifndef TOLD_H
#define TOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "doctor/finding.h"

static const char *const severity_names[] = {"ok", "note", "warn", "fail"};

/* "warn: words -> mend" a line; frees the section. Returned: g_free. */
static inline char *told(struct section *section)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < section->findings->len; i++) {
        const struct doctor_finding *finding = g_ptr_array_index(section->findings, i);
        assert_true((finding->mend != NULL) == (finding->severity >= DOCTOR_WARN));
        g_string_append_printf(text, "%s%s: %s", i ? "\n" : "", severity_names[finding->severity], finding->message);
    }
    section_free(section);
    return g_string_free(text, FALSE);
}

/* The same, compared. */
static inline void assert_told(struct section *section, const char *expected)
{
    g_autofree char *text = told(section);

    assert_string_equal(text, expected);
}

#endif
