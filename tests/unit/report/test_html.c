/* Posts of outsiders, made safe and made plain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "report/html.h"
#include "safe_html.h"

/* The safe HTML without what is ours: styles and the line breaks between blocks. */
static char *bare(const char *html)
{
    g_autoptr(GRegex) ours = g_regex_new(" (style|cellpadding|cellspacing|border|scope)=\"[^\"]*\"|\n", 0, 0, NULL);

    return g_regex_replace_literal(ours, html, -1, 0, "", 0, NULL);
}

struct example {
    const char *content, *safe, *plain;
};

static void check(const struct example *examples, size_t n, bool html)
{
    for (size_t i = 0; i < n; i++) {
        bool shortened = true;
        g_autofree char *safe = html_safe(examples[i].content, html, 0, &shortened);
        g_autofree char *plain = html_plain(examples[i].content, html, 0, NULL);
        g_autofree char *without_ours = bare(safe);
        assert_false(shortened);
        safe_html_check(safe);
        if (strcmp(without_ours, examples[i].safe) != 0 || (examples[i].plain && strcmp(plain, examples[i].plain) != 0))
            fail_msg("\"%s\" gave\n\"%s\" and\n\"%s\", where\n\"%s\" and\n\"%s\" were expected", examples[i].content,
                     without_ours, plain, examples[i].safe, examples[i].plain ? examples[i].plain : plain);
    }
}

static void paragraphs_lists_and_emphasis_are_kept(void **state)
{
    static const struct example examples[] = {
        {"", "", ""},
        {"<p></p><p>&nbsp;</p><br><ul><li></li></ul>", "", ""},
        {"words", "<p>words</p>", "words"},
        {"<p>One.</p><p>Two.</p>", "<p>One.</p><p>Two.</p>", "One.\n\nTwo."},
        {"<p>a<br>b<br/><br>c</p>", "<p>a<br>b</p><p>c</p>", "a\nb\n\nc"},
        {"<div>a<div>b</div>c</div><hr><p>d</p>", "<p>a</p><p>b</p><p>c</p><p>d</p>", "a\n\nb\n\nc\n\nd"},
        {"  a \n\t b&nbsp;&nbsp;c <p>d<br>e", "<p>a b c</p><p>d<br>e</p>", "a b c\n\nd\ne"},
        {"<p><b>Title:</b> Users <i>may</i> see it</p><p>x", "<p><b>Title:</b> Users <i>may</i> see it</p><p>x</p>",
         "Title: Users may see it\n\nx"},
        {"<p><strong><em>both</em></strong>, <B>o</b>ne word</p>", "<p><b><i>both</i></b>, <b>o</b>ne word</p>",
         "both, one word"},
        {"<b>a<br>b</b>", "<p><b>a</b><br><b>b</b></p>", "a\nb"},
        {"<h2>Head</h2>text", "<p><b>Head</b></p><p>text</p>", "Head\n\ntext"},
        {"<p>a</p><ul><li>b</li><li>c</li></ul><p>d</p>", "<p>a</p><ul><li>b</li><li>c</li></ul><p>d</p>",
         "a\n\n- b\n- c\n\nd"},
        {"<ol><li>a<li>b</ol>", "<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"},
        {"<ul><li>a<ul><li>b</ul>c<li>d</ul>", "<ul><li>a<ul><li>b</li></ul>c</li><li>d</li></ul>",
         "- a\n  - b\n  c\n- d"},
        {"<ul><li><p>a</p><p>b</p></li></ul>", "<ul><li>a<br>b</li></ul>", "- a\n  b"},
        {"<ul>a<li>b</ul>c", "<p>a</p><ul><li>b</li></ul><p>c</p>", NULL},
        {"<li>alone", "<ul><li>alone</li></ul>", "- alone"},
        {"<pre>one\n  two\n\nthree</pre><p>a\nb", "<p>one<br>two</p><p>three</p><p>a b</p>", NULL},
        {"it&rsquo;s &#8220;it&#8221; &#146; &#x2014; AT&T &nosuch; &amp;lt;",
         "<p>it’s “it” ’ — AT&amp;T &amp;nosuch; &amp;lt;</p>", "it’s “it” ’ — AT&T &nosuch; &lt;"},
        {"hy&shy;phen<wbr>ated", "<p>hyphenated</p>", "hyphenated"},
        {"<img src=\"https://example.org/x.png\" alt=\"A chart\">", "<p>[A chart]</p>", "[A chart]"},
        {"<o:p>office</o:p> <font color=red>red</font>", "<p>office red</p>", "office red"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples), true);
}

static void line_ends_count_where_nothing_else_parts_lines(void **state)
{
    static const struct example posts[] = {
        {"Title: a\r\n\r\nUser impact: b\nMore: c", "<p>Title: a</p><p>User impact: b<br>More: c</p>",
         "Title: a\n\nUser impact: b\nMore: c"},
        {"<p>Title: a\n\nb\nc</p>", "<p>Title: a</p><p>b<br>c</p>", "Title: a\n\nb\nc"},
        {"See <a href=\"https://example.org/\">this</a>\n<b>and</b> that",
         "<p>See <a href=\"https://example.org/\">this</a><br><b>and</b> that</p>",
         "See this (https://example.org/)\nand that"},
        {"<p>a\nb<br>c</p>", "<p>a b<br>c</p>", "a b\nc"},
        {"<p>a</p>\n\n<p>b\nc</p>", "<p>a</p><p>b c</p>", "a\n\nb c"},
        {"<p>a\n\nb</p><p>c</p>", "<p>a</p><p>b</p><p>c</p>", "a\n\nb\n\nc"},
    };
    static const struct example plain[] = {
        {"a < b\nc & <b>d</b>\n\n\n\ne", "<p>a &lt; b<br>c &amp; &lt;b&gt;d&lt;/b&gt;</p><p>e</p>",
         "a < b\nc & <b>d</b>\n\ne"},
        {"one\rtwo", "<p>one<br>two</p>", "one\ntwo"},
    };

    (void)state;
    check(posts, G_N_ELEMENTS(posts), true);
    check(plain, G_N_ELEMENTS(plain), false);
}

static void what_only_looks_like_markup_is_text(void **state)
{
    static const char *const texts[] = {"a < b and c > d",
                                        "a <b",
                                        "1<2",
                                        "<",
                                        "</>",
                                        "< p>",
                                        "<p unfinished",
                                        "Set-Mailbox -Identity <UserName> -Type <shared|regular>",
                                        "<https://example.org/a>",
                                        "<ada@example.org>",
                                        "<b@example.org>",
                                        "<a-b>",
                                        "<!important",
                                        "<!-- unfinished",
                                        "<a <b"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *plain = html_plain(texts[i], true, 0, NULL);
        g_autofree char *safe = html_safe(texts[i], true, 0, NULL);
        g_autofree char *escaped = html_escape(texts[i]), *inside = g_strdup_printf("<p>%s</p>", escaped);
        g_autofree char *without_ours = bare(safe);
        assert_string_equal(plain, texts[i]);
        assert_string_equal(without_ours, inside);
    }
}

static void small_tables_stay_tables_and_others_become_lines(void **state)
{
    static const struct example examples[] = {
        {"<table border=9><thead><tr><th>A</th><th>B</th></tr></thead><tr><td "
         "bgcolor=red>1</td><td></td></tr></table>c",
         "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td></td></tr></table><p>c</p>", "A | B\n1 | \n\nc"},
        {"<table><tr><td><p>a</p><p>b<br>c</p></td><td><ul><li>d<li>e</ul></td></tr></table>",
         "<table><tr><td>a<br>b<br>c</td><td>• d<br>• e</td></tr></table>", NULL},
        {"<table><tr><td>1<td>2<td>3<td>4<td>5</table>", "<p>1 · 2 · 3 · 4 · 5</p>", "1 · 2 · 3 · 4 · 5"},
        {"<table><tr><td>one cell</td></tr><tr><td>and one</td></tr></table>", "<p>one cell</p><p>and one</p>",
         "one cell\n\nand one"},
        {"<table><caption>Words</caption><tr><td>1</td><td>2</td></tr></table>", "<p>Words</p><p>1 · 2</p>",
         "Words\n\n1 · 2"},
        {"<table><tr><td>1</td><td><table><tr><td>2</td><td>3</td></tr></table></td></tr></table>", NULL, NULL},
        {"<ul><li>a<table><tr><td>1</td><td>2</td></tr></table>b</li></ul>",
         "<ul><li>a</li></ul><table><tr><td>1</td><td>2</td></tr></table><p>b</p>", NULL},
        {"<td>stray</td> <tr>cells", "<p>stray</p><p>cells</p>", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_autofree char *safe = html_safe(examples[i].content, true, 0, NULL);
        safe_html_check(safe);
        if (examples[i].safe)
            check(&examples[i], 1, true);
    }
}

static void links_go_to_web_and_mail_only(void **state)
{
    static const char *const good[] = {
        "https://example.org",    "HTTP://example.org:8080/a?b=c&copy=2#d", "https://aka.ms/a_b~c!*'();",
        "mailto:ada@example.org", "mailto:ada@example.org?subject=a%20b",
    };
    static const char *const bad[] = {
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "ftp://example.org/",
        "//example.org/",
        "/relative",
        "example.org",
        "#place",
        "https:example.org",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://microsoft.com:x@example.org/",
        "https://exa mple.org/",
        "https://ex\nample.org/",
        "https://-/",
        "https://\xd0\xb0.example.org/",
        "https://example.org\\@example.com/",
        "https://example.org/\">x",
        "mailto:",
        "mailto:ada",
        "mailto:@example.org",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *address = html_escape(good[i]);
        g_autofree char *content = g_strdup_printf("<a href=\"  %s \" onclick=\"x()\" style=\"x\">w</a>", address);
        g_autofree char *expected = g_strdup_printf("<p><a href=\"%s\">w</a></p>", address);
        const struct example example = {content, expected, NULL};
        check(&example, 1, true);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *address = html_escape(bad[i]);
        g_autofree char *content = g_strdup_printf("<p><A HREF=\"%s\">w</A></p>", address);
        const struct example example = {content, "<p>w</p>", "w"};
        check(&example, 1, true);
    }
}

static void addresses_are_written_behind_words_that_do_not_say_them(void **state)
{
    static const struct example examples[] = {
        {"<a href=\"https://example.org/a\">https://example.org/a</a>",
         "<p><a href=\"https://example.org/a\">https://example.org/a</a></p>", "https://example.org/a"},
        {"<a href=\"mailto:ada@example.org\">ada@example.org</a>",
         "<p><a href=\"mailto:ada@example.org\">ada@example.org</a></p>", "ada@example.org"},
        {"at <a href='https://example.org/\xc3\xbc'>this place</a> now",
         "<p>at <a href=\"https://example.org/%C3%BC\">this place</a> now</p>",
         "at this place (https://example.org/%C3%BC) now"},
        {"<a href=\"https://a.example\">a</a> <a href=\"https://b.example\">b</a>",
         "<p><a href=\"https://a.example\">a</a> <a href=\"https://b.example\">b</a></p>",
         "a (https://a.example) b (https://b.example)"},
        {"<a href=\"https://a.example\">a <b>b</b></a>",
         "<p><a href=\"https://a.example\">a</a> <b><a href=\"https://a.example\">b</a></b></p>", NULL},
        {"<a href=\"https://a.example\"></a>", "", ""},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples), true);
}

static void nothing_hostile_comes_through(void **state)
{
    static const char *const hostile[] = {
        "<script>alert(1)</script>",
        "<SCRIPT SRC=https://example.org/x.js></SCRIPT>",
        "<script>\"</script>\"<img src=x onerror=alert(1)>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<style>@import url(https://example.org/x.css)</style>",
        "<p style=\"background:url(https://example.org/x)\" onmouseover=alert(1)>p</p>",
        "<img src=https://example.org/pixel.png width=1>",
        "<iframe src=https://example.org></iframe>",
        "<form action=https://example.org><input name=password><button>Go</button></form>",
        "<svg onload=alert(1)><a xlink:href=\"javascript:alert(1)\">x</a></svg>",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        "<!--[if mso]><script>alert(1)</script><![endif]-->",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php echo 1 ?>",
        "<!DOCTYPE x [<!ENTITY a \"&b;&b;\"><!ENTITY b \"<script>\">]>&a;",
        "<meta http-equiv=refresh content=\"0;url=https://example.org\">",
        "<meta charset=utf-7>+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
        "<base href=https://example.org><link rel=stylesheet href=x.css>",
        "<a href=\"https://example.org/&quot; onclick=&quot;alert(1)\">x</a>",
        "<a href=\"https://example.org/'><script>\">x</a>",
        "<a href='https://example.org/' class='\"><script>alert(1)</script>'>x</a>",
        "<p class=\"a>b\" title='<script>'>x</p>",
        "</td></tr></table></div></body></html><p>outside",
        "<table><td><table><tr><td><script>x",
        "<plaintext><b>x",
        "<textarea><script>alert(1)</script></textarea>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<b onclick=alert(1)//<x>y",
        "\xff\xfe<b>\xc3(</b>\xed\xa0\x80",
        "<a\x01href=javascript:alert(1)>x</a>",
        "<div\x0bstyle=x>\x1b[2J\x7f</div>",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++)
        for (size_t max = 0; max < 12; max++) {
            g_autofree char *safe = html_safe(hostile[i], true, max, NULL);
            g_autofree char *plain = html_plain(hostile[i], true, max, NULL);
            g_autofree char *as_text = html_safe(hostile[i], false, max, NULL);
            safe_html_check(safe);
            safe_html_check(as_text);
            safe_html_check_text(plain);
        }
}

static void long_texts_end_at_a_word_with_an_ellipsis(void **state)
{
    static const struct {
        const char *content;
        size_t max;
        const char *safe, *plain;
        bool shortened;
    } cases[] = {
        {"one two three", 13, "<p>one two three</p>", "one two three", false},
        {"one two three", 12, "<p>one two…</p>", "one two…", true},
        {"one two three", 7, "<p>one two…</p>", "one two…", true},
        {"one two three", 6, "<p>one…</p>", "one…", true},
        {"<p>one</p><p>two</p><p>x", 4, "<p>one…</p>", "one…", true},
        {"<ul><li><b>one</b> two<li>three</ul>", 8, "<ul><li><b>one</b> two…</li></ul>", "- one two…", true},
        {"<table><tr><td>one<td>two<tr><td>three<td>four</table>", 6,
         "<table><tr><td>one</td><td>two…</td></tr><tr><td></td></tr></table>", NULL, true},
        {"abcdefghij", 4, "<p>abcd…</p>", "abcd…", true},
        {"a 0123456789012345678901234567890123456789", 35, "<p>a 012345678901234567890123456789012…</p>", NULL, true},
        {"日本語の", 3, "<p>日本語…</p>", "日本語…", true},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bool shortened;
        g_autofree char *safe = html_safe(cases[i].content, true, cases[i].max, &shortened);
        g_autofree char *plain = html_plain(cases[i].content, true, cases[i].max, NULL);
        g_autofree char *without_ours = bare(safe);
        safe_html_check(safe);
        assert_string_equal(without_ours, cases[i].safe);
        assert_true(!cases[i].plain || strcmp(plain, cases[i].plain) == 0);
        assert_int_equal(shortened, cases[i].shortened);
    }
}

/* A text made of one piece again and again. */
static char *repeated(const char *piece, size_t bytes)
{
    g_autoptr(GString) text = g_string_sized_new(bytes);

    while (text->len < bytes)
        g_string_append(text, piece);
    return g_strdup(text->str);
}

/* What makes parsers slow or their stacks deep; all of it takes a moment, and under valgrind there is less of it. */
static void huge_and_deep_texts_are_bounded(void **state)
{
    static const char *const pieces[] = {
        "<b>",      "<div>", "<ul><li>", "<table><tr><td>",  "<a href=\"x", "<!--",    "<script>", "<style>x", "&",
        "<a a='\"", "</b>",  "<p a=b ",  "\xf0\x9f\x98\x80", " \n",         "<b></i>", "<table>",  "word ",    "]]>",
        "<?",       "<![if"};
    const bool slow = g_getenv("M365KEEP_SHORT") != NULL;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autofree char *content = repeated(pieces[i], slow ? 60 << 10 : 300 << 10);
        bool shortened;
        g_autofree char *safe = html_safe(content, true, 0, &shortened);
        g_autofree char *plain = html_plain(content, true, 0, NULL);
        assert_true(shortened || slow);
        safe_html_check(safe);
        safe_html_check_text(plain);
    }
}

static void deep_texts_keep_what_comes_first_and_say_so(void **state)
{
    g_autofree char *deep = repeated("<div>", 2000), *content = g_strdup_printf("<p>first</p>%slast", deep);
    bool shortened;
    g_autofree char *plain = html_plain(content, true, 0, &shortened);

    (void)state;
    assert_true(shortened);
    assert_string_equal(plain, "first…");
}

static void text_is_escaped_for_html(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"<a href=\"x\">'&'</a>", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"},
        {"tab\tline\nend", "tab\tline\nend"},
        {"\x01\x08\x0b\x1b\x7f\xc2\x85x\xef\xbf\xbf", "x"},
        {"\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"日本 العربية", "日本 العربية"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *escaped = html_escape(cases[i][0]);
        assert_string_equal(escaped, cases[i][1]);
    }
}

/* Overrides, embeddings and isolates; marks, joiners and letters of such writing are none. */
static void what_turns_the_direction_of_writing_around_is_left_out(void **state)
{
    static const struct {
        const char *content;
        bool html;
        const char *plain, *safe;
    } cases[] = {
        {"a\u202eb\u202cc", false, "abc", ">abc</p>"},
        {"<p>a&#x202e;b&#8296;<b>\u2067c</b></p>", true, "abc", ">ab<b>c</b></p>"},
        {"\u202a\u202b\u202d\u2066\u2068\u2069x", true, "x", ">x</p>"},
        {"\u200f\u0646\u200c\u0645", false, "\u200f\u0646\u200c\u0645", ">\u200f\u0646\u200c\u0645</p>"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *plain = html_plain(cases[i].content, cases[i].html, 0, NULL);
        g_autofree char *safe = html_safe(cases[i].content, cases[i].html, 0, NULL);
        assert_string_equal(plain, cases[i].plain);
        assert_non_null(strstr(safe, cases[i].safe));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_turns_the_direction_of_writing_around_is_left_out),
        cmocka_unit_test(paragraphs_lists_and_emphasis_are_kept),
        cmocka_unit_test(line_ends_count_where_nothing_else_parts_lines),
        cmocka_unit_test(what_only_looks_like_markup_is_text),
        cmocka_unit_test(small_tables_stay_tables_and_others_become_lines),
        cmocka_unit_test(links_go_to_web_and_mail_only),
        cmocka_unit_test(addresses_are_written_behind_words_that_do_not_say_them),
        cmocka_unit_test(nothing_hostile_comes_through),
        cmocka_unit_test(long_texts_end_at_a_word_with_an_ellipsis),
        cmocka_unit_test(huge_and_deep_texts_are_bounded),
        cmocka_unit_test(deep_texts_keep_what_comes_first_and_say_so),
        cmocka_unit_test(text_is_escaped_for_html),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
