/* json_private - what the page and the tree share with the reader. Private to base. */
#ifndef M365KEEP_JSON_PRIVATE_H
#define M365KEEP_JSON_PRIVATE_H

#include "base/json.h"

/* Begins again with the same settings, keeping the memory of the stack. */
void json_reader_restart(struct json_reader *reader);

/* json_decode_string into `out`, which has room for three times `length` (for `length` itself when the string held
 * nothing that JSON forbids). No NUL is written. Returns the bytes written. */
size_t json_decode(const char *bytes, size_t length, char *out);

#endif
