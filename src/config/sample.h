/* sample - m365keep.yaml and .env to start from: every key with its default, explained, most of them commented out. */
#ifndef M365KEEP_CONFIG_SAMPLE_H
#define M365KEEP_CONFIG_SAMPLE_H

#include <glib.h>

struct sample_customer {
    char *name, *variable;
    char **services, **mail_to, **mail_cc; /* NULL: left out */
};

/* What is known already, and so is no comment. */
typedef struct sample {
    GHashTable *values;   /* "smtp.port" (char *) -> its text (char *), quoted as it needs when written */
    GPtrArray *customers; /* struct sample_customer * */
    GString *secrets;     /* lines of .env; wiped */
} Sample;

/* One in which nothing is known. Returned: sample_free. */
struct sample *sample_new(void);
void sample_free(struct sample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sample, sample_free)

/* Both are filled by the caller and then belong to the sample. */
struct sample_customer *sample_add_customer(struct sample *sample);
void sample_set(struct sample *sample, const char *path, const char *value);

/* The files' texts. A line that begins with # and one blank is words; # and anything else is a setting, which counts
 * when the # is taken away. Returned: g_free, text_free_secret. */
char *sample_yaml(const struct sample *sample);
char *sample_env(const struct sample *sample);

/* Appends `text` as a YAML value of one line, in quotes unless it is a plain word. */
void sample_append_value(GString *out, const char *text);

#endif
