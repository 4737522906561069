/* words - what people type into a search box, as an FTS5 expression that cannot go wrong. */
#ifndef M365KEEP_STORE_WORDS_H
#define M365KEEP_STORE_WORDS_H

#include <glib.h>
#include <stdbool.h>

enum { WORDS_MOST = 64, WORDS_PREFIX_LETTERS = 3, WORDS_PREFIX_FOREIGN = 2, WORDS_BYTES_MOST = 4096 };

/* True when there is nothing but white space. NULL is blank. */
bool words_blank(const char *words);

/* Appends an expression that asks for every word and "phrase" of `words`; word* and "phrase"* match what begins so. A
 * word with punctuation (an address, a GUID, an IP address, a path) is the phrase of its parts; AND, OR, NOT and NEAR
 * are words like any other; an unbalanced quote opens a phrase to the end. False with STORE_ERROR_QUERY when nothing
 * can be searched for, when there are too many words, or when a prefix is too short to be answered in time: it takes
 * WORDS_PREFIX_LETTERS letters or digits, or WORDS_PREFIX_FOREIGN where none of them is ASCII or Latin (two characters
 * of Chinese are a name). */
bool words_append_fts(GString *expression, const char *words, GError **error);

#endif
