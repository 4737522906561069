/* text - making outsiders' text safe where it leaves the program. */
#ifndef M365KEEP_TEXT_H
#define M365KEEP_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* `text` for a terminal: control characters (C0, C1, DEL), escape sequences and bidirectional or invisible format
 * characters become visible escapes such as \x1b or \u202e; newlines and tabs become one space; invalid UTF-8 becomes
 * U+FFFD. Returned: free with g_free. */
char *text_for_terminal(const char *text);

/* The number of terminal cells `text` takes (wide East Asian characters two, combining ones none). */
size_t text_width(const char *text);

/* Cuts or pads `text` (already safe for a terminal) to exactly `cells` cells, with an ellipsis when cut. Returned:
 * g_free. */
char *text_fit(const char *text, size_t cells);

/* Appends one CSV field (RFC 4180): quoted when needed, and with a leading apostrophe where a spreadsheet would take it
 * for a formula (=, +, -, @, tab, CR first). NULL is an empty field. */
void text_append_csv(GString *out, const char *text);

/* Appends `text` as a JSON string with its quotes; valid UTF-8 passes, control characters are escaped, invalid bytes
 * become U+FFFD. NULL gives null. */
void text_append_json(GString *out, const char *text);

/* "1234567" as "1,234,567" and bytes as "12.3 MiB", for people. Returned: free with g_free. */
char *text_count(gint64 n);
char *text_bytes(gint64 bytes);

/* Frees `string` and returns its text without the room it had to grow. Returned: free with g_free. */
char *text_take(GString *string);

/* The candidate nearest to `word` when it is near enough to be meant ("did you mean"), case aside; else NULL.
 * `candidates` are ended by NULL. Borrowed. */
const char *text_nearest(const char *word, const char *const *candidates);

/* Frees a secret after wiping it. NULL is accepted. */
void text_free_secret(char *secret);

#endif
