#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "report/message.h"
#include "report/picture.h"
#include "report/report.h"

enum { FILE_MODE = 0640, FOLDER_MODE = 0750 };

/* --- the page ----------------------------------------------------------------------------------------------------- */

static char *data_address(const struct report_chart *chart, const void *user)
{
    gsize length;
    const guchar *bytes = g_bytes_get_data(chart->png, &length);
    g_autofree char *base64 = g_base64_encode(bytes, length);

    (void)user;
    return g_strconcat("data:image/png;base64,", base64, NULL);
}

/* Where `word`, in lower case, begins in the `length` bytes at `text`, whatever its case there. */
static const char *find_word(const char *text, size_t length, const char *word)
{
    size_t word_length = strlen(word);

    for (const char *p = text; p + word_length <= text + length; p++)
        if (g_ascii_strncasecmp(p, word, word_length) == 0)
            return p;
    return NULL;
}

/* What comes after the tag `open` ("<head", lower case), or NULL. */
static const char *after_tag(const char *html, const char *open)
{
    const char *p = html;

    while ((p = find_word(p, strlen(p), open)) != NULL) {
        p += strlen(open);
        if (strchr("> \t\r\n\f/", *p) != NULL) {
            const char *end = strchr(p, '>');
            return end != NULL ? end + 1 : NULL;
        }
    }
    return NULL;
}

static bool names_charset(const char *html)
{
    for (const char *p = html; (p = find_word(p, strlen(p), "<meta")) != NULL; p++)
        if (find_word(p, strcspn(p, ">"), "charset") != NULL)
            return true;
    return false;
}

/* A mail's header names the character set; a file has none. And what a template of the user refers to, or a signature,
 * must not be asked for on the network by who opens the file. */
char *message_page(const struct report_words *words, const GPtrArray *charts)
{
    static const char policy[] = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                                 "img-src data:; style-src 'unsafe-inline'\">";
    g_autofree char *valid = g_utf8_make_valid(words->html, -1);
    g_autofree char *html = picture_replace(valid, charts, data_address, NULL, NULL);
    const char *place = after_tag(html, "<head");

    if (place == NULL)
        place = after_tag(html, "<!doctype");
    if (place == NULL)
        place = html;
    GString *page = g_string_sized_new(strlen(html) + sizeof policy + 32);
    g_string_append_len(page, html, place - html);
    g_string_append(page, names_charset(html) ? "" : "<meta charset=\"utf-8\">");
    g_string_append(page, policy);
    g_string_append(page, place);
    return g_string_free(page, FALSE);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* "Müller & Söhne" as "muller-sohne"; of names in other scripts, nothing. Returned: g_free. */
static char *slug_of(const char *name)
{
    enum { SLUG_MAX = 60 };
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    g_autofree char *ascii = g_str_to_ascii(valid, "C");
    GString *slug = g_string_new(NULL);

    for (const char *p = ascii; *p != '\0' && slug->len < SLUG_MAX; p++)
        if (g_ascii_isalnum(*p))
            g_string_append_c(slug, g_ascii_tolower(*p));
        else if (slug->len > 0 && slug->str[slug->len - 1] != '-')
            g_string_append_c(slug, '-');
    if (slug->len > 0 && slug->str[slug->len - 1] == '-')
        g_string_truncate(slug, slug->len - 1);
    return g_string_free(slug, FALSE);
}

char *message_stem(const char *customer, const char *first_day, const char *last_day)
{
    enum { TOLD_APART_BYTES = 4 };
    g_autofree char *slug = slug_of(customer);
    GString *stem = g_string_new(*slug != '\0' ? slug : "customer");

    if (*slug == '\0' || strcmp(slug, customer) != 0) {
        uint8_t key[HASH_KEY_BYTES];
        char hex[2 * TOLD_APART_BYTES + 1];
        hash_key(&customer, 1, key);
        hash_hex(key, TOLD_APART_BYTES, hex);
        g_string_append_printf(stem, "-%s", hex);
    }
    g_string_append_printf(stem, "-%s", first_day);
    if (strcmp(first_day, last_day) != 0)
        g_string_append_printf(stem, "_%s", last_day);
    return g_string_free(stem, FALSE);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

/* Under another name first: nobody meets half a file, and one that is there stays until the new one is whole. */
static bool write_whole(const char *path, const char *bytes, size_t length)
{
    g_autofree char *made = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(made, O_WRONLY | O_CLOEXEC, FILE_MODE);

    if (fd < 0)
        return false;
    bool written = write_all(fd, bytes, length);
    int cause = errno;
    if (close(fd) != 0 && written) {
        written = false;
        cause = errno;
    }
    if (written && rename(made, path) == 0)
        return true;
    if (written)
        cause = errno;
    unlink(made);
    errno = cause;
    return false;
}

/* Writes `stem` and `rest` as one name, and adds the path to `files`. */
static bool write_file(const char *folder, const char *stem, const char *rest, GBytes *content, GPtrArray *files,
                       GError **error)
{
    g_autofree char *name = g_strconcat(stem, rest, NULL), *path = g_build_filename(folder, name, NULL);
    gsize length;
    const char *bytes = g_bytes_get_data(content, &length);

    g_assert(strchr(name, '/') == NULL);
    if (!write_whole(path, bytes, length)) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FILE, "cannot write %s: %s", path, g_strerror(errno));
        return false;
    }
    g_ptr_array_add(files, g_steal_pointer(&path));
    return true;
}

static bool make_folder(const char *folder, GError **error)
{
    if (g_mkdir_with_parents(folder, FOLDER_MODE) == 0)
        return true;
    int cause = errno;
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_FILE, "cannot make the folder %s for the report's files: %s", folder,
                g_strerror(cause));
    return false;
}

bool message_write_files(const char *folder, const char *stem, GBytes *message, const struct report_words *words,
                         const GPtrArray *charts, GPtrArray *files, GError **error)
{
    if (!make_folder(folder, error))
        return false;
    for (guint i = 0; charts != NULL && i < charts->len; i++) {
        const struct report_chart *chart = g_ptr_array_index(charts, i);
        g_autofree char *rest = g_strconcat("-", chart->name, NULL);
        if (!write_file(folder, stem, rest, chart->png, files, error))
            return false;
    }
    char *page = message_page(words, charts);
    g_autoptr(GBytes) content = g_bytes_new_take(page, strlen(page));
    return write_file(folder, stem, ".html", content, files, error) &&
           (message == NULL || write_file(folder, stem, ".eml", message, files, error));
}
