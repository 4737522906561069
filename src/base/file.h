/* file - reading files of users. */
#ifndef M365KEEP_FILE_H
#define M365KEEP_FILE_H

#include <stddef.h>

/* Reads a whole file of at most `most` bytes, which need not be a regular one: /dev/zero does not fill the memory.
 * Returned: a text with a NUL after its *length bytes, g_free. NULL with errno set; EFBIG when it is larger. */
char *file_read(const char *path, size_t most, size_t *length);

#endif
