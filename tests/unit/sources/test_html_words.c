/* What a person reads of HTML, as words. */
#include "decode_one.h"

#include "sources/html_words.h"

/* `more` is what links and pictures say, with "|" between. */
static void check(const char *html, const char *words, const char *more)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *actual = html_words(html, strlen(html), list);
    g_autofree char *joined = NULL;

    g_ptr_array_add(list, NULL);
    joined = g_strjoinv("|", (char **)list->pdata);
    if (strcmp(actual, words) != 0 || strcmp(joined, more) != 0)
        fail_msg("%s: \"%s\" and \"%s\" where \"%s\" and \"%s\" were expected", html, actual, joined, words, more);
}

static void tags_are_taken_out_and_words_stay_whole(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"plain text", "plain text"},
        {"<p>One.</p><p>Two.</p>", "One. Two."},
        {"one<br>two<br/>three<BR />four", "one two three four"},
        {"<b>Micro</b>soft <i>3</i>65", "Microsoft 365"},
        {"CO<sub>2</sub>, 10<sup>3</sup>", "CO2, 103"},
        {"<ul><li>a</li><li>b</li></ul>", "a b"},
        {"<table><tr><td>1</td><td>2</td></tr></table>", "1 2"},
        {"<p style=\"margin:0;color:red\" class='x' hidden>seen</p >", "seen"},
        {"<p>a > b</p>", "a > b"},
        {"<p title=\"a > b\">c</p>", "c"},
        {"  many \r\n\t blanks&nbsp;&#160;here  ", "many blanks here"},
        {"<o:p>office</o:p>", "office"},
        {"hy&shy;phen\xc2\xad"
         "ated super<wbr>cali",
         "hyphenated supercali"},
        {"<!DOCTYPE html><html><head><title>t</title></head><body>b</body></html>", "t b"},
        {"<?xml version=\"1.0\"?><![if gte mso]>x<![endif]>", "x"},
        {"a<!-- not seen -->b", "ab"},
        {"<style>p { color: red }</style>a<script>if (a < b) c();</script>b", "a b"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *words = html_words(cases[i][0], strlen(cases[i][0]), list);
        assert_string_equal(words, cases[i][1]);
    }
}

static void what_only_looks_like_markup_is_text(void **state)
{
    static const char *const texts[] = {"a < b and c > d",
                                        "a <b",
                                        "1<2",
                                        "<",
                                        "&",
                                        "&;",
                                        "&#;",
                                        "&#x;",
                                        "&nosuchname; here",
                                        "AT&T; R&D",
                                        "?a=1&copy=2",
                                        "Set-Mailbox -Identity <UserName> -Type <shared|regular>",
                                        "<https://example.org/a>",
                                        "<ada@example.org>",
                                        "<mailto:ada@example.org>",
                                        "<p unfinished",
                                        "<p class=\"unfinished>words",
                                        "<!-- unfinished",
                                        "</>",
                                        "< p>",
                                        "<!important>word"};

    (void)state;
    for (size_t i = 0; i + 1 < G_N_ELEMENTS(texts); i++)
        check(texts[i], texts[i], "");
}

static void an_element_that_never_ends_hides_nothing(void **state)
{
    (void)state;
    check("<script>x = 1", "x = 1", "");
    check("<style>words", "words", "");
    check("<a href='x>more words", "<a href='x>more words", "");
}

static void references_are_decoded(void **state)
{
    (void)state;
    check("Q&amp;A &lt;b&gt; &quot;x&quot; &apos;y&apos;", "Q&A <b> \"x\" 'y'", "");
    check("it&rsquo;s &#8217; &#x2019; &#X2019;", "it\u2019s \u2019 \u2019 \u2019", "");
    check("caf&eacute; &Eacute; &euro; &hellip; &Omega; &diams;", "caf\u00e9 \u00c9 \u20ac \u2026 \u03a9 \u2666", "");
    check("&#146;&#x92;&#128512;", "\u2019\u2019\U0001f600", "");
    check("&#8217 without its end", "\u2019 without its end", "");
    check("a&#0;b&#xd800;c&#99999999999999999999;d", "a\ufffdb\ufffdc\ufffdd", "");
    check("&#10;a&#9;b", "a b", "");
    check("&amp;lt;", "&lt;", "");
}

static void links_and_pictures_are_kept_behind_the_words(void **state)
{
    (void)state;
    check("See <a href=\"https://example.org/?a=1&amp;b=2\">the plan</a>.", "See the plan.",
          "https://example.org/?a=1&b=2");
    check("<img src=https://example.org/x.png alt='A chart' width=10><a HREF = x>y</a>", "y",
          "https://example.org/x.png|A chart|x");
    check("<img src=\"data:image/png;base64,AAAA\"><a href=\"\">z</a><a href>q</a>", "zq", "");
    check("<a href=\"kept\">a</a> <a href=\"not>", "a <a href=\"not>", "kept");
}

static void bytes_that_are_no_characters_stay_what_they_are(void **state)
{
    (void)state;
    check("a\xff<b>\xc3</b>z", "a\xff\xc3z", "");
    check("\xe6\x97\xa5\xe6\x9c\xac<br>\xe8\xaa\x9e", "\xe6\x97\xa5\xe6\x9c\xac \xe8\xaa\x9e", "");
}

/* Each false tag costs a look at all that is left. */
static void a_text_full_of_false_tags_is_read_in_no_time_and_whole(void **state)
{
    enum { TIMES = 20000 };
    GString *html = g_string_new(NULL);
    g_autoptr(GPtrArray) more = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *words = NULL;

    (void)state;
    for (int i = 0; i < TIMES; i++)
        g_string_append(html, "<p x <!-- <a y='w ");
    words = html_words(html->str, html->len, more);
    size_t found = 0;
    for (const char *at = words; (at = strstr(at, "w ")) != NULL; at++)
        found++;
    assert_true(found >= TIMES - 1);
    g_string_free(html, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_taken_out_and_words_stay_whole),
        cmocka_unit_test(what_only_looks_like_markup_is_text),
        cmocka_unit_test(an_element_that_never_ends_hides_nothing),
        cmocka_unit_test(references_are_decoded),
        cmocka_unit_test(links_and_pictures_are_kept_behind_the_words),
        cmocka_unit_test(bytes_that_are_no_characters_stay_what_they_are),
        cmocka_unit_test(a_text_full_of_false_tags_is_read_in_no_time_and_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
