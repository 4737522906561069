/* text_private - what log needs of text beyond its header. Private to base. */
#ifndef M365KEEP_TEXT_PRIVATE_H
#define M365KEEP_TEXT_PRIVATE_H

#include "base/text.h"

/* text_append_json; with `escape_invisible` also bidirectional and invisible format characters become escapes. */
void text_append_json_escaped(GString *out, const char *text, bool escape_invisible);

#endif
