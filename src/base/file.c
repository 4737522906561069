#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

char *file_read(const char *path, size_t most, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NULL;
    char *text = g_malloc0(most + 2); /* one byte to notice that there is more, one for the NUL */
    size_t got = 0;
    ssize_t n = 0;
    do {
        n = read(fd, text + got, most + 1 - got);
        got += n > 0 ? (size_t)n : 0;
    } while (got <= most && (n > 0 || (n < 0 && errno == EINTR)));
    int reason = n < 0 ? errno : got > most ? EFBIG : 0;
    close(fd);
    *length = got;
    if (reason == 0)
        return text;
    explicit_bzero(text, most + 2);
    g_free(text);
    errno = reason;
    return NULL;
}
