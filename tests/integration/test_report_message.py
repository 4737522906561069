"""Mails as composed by src/report/message.c, read by another program: Python's email package."""

import base64
import datetime
import email
import email.header
import email.policy
import email.utils
import html.parser
import json
import random
import re
import subprocess
import unicodedata
import zoneinfo

import pytest

from conftest import clean_environment

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
HEADERS = ["Date", "From", "To", "Cc", "Subject", "Message-Id", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version",
           "Content-Type"]

PLAIN = {"from": "Health desk <desk@example.org>", "to": ["ada@contoso.example"], "cc": [], "date": "1763640000",
         "zone": "Europe/Warsaw", "identity": "contoso report 2026-11-22", "subject": "Service health",
         "text": "All is well.\n",
         "html": "<!doctype html><html><head><title>x</title></head><body><p>All is well.</p></body></html>",
         "charts": []}


def spec(**changes):
    return {**PLAIN, **changes}


def chart(name, content=PNG):
    return {"name": name, "png": base64.b64encode(content).decode()}


@pytest.fixture(name="compose")
def fixture_compose(build, tmp_path):
    """compose(SPECS, env=None): what the program answers to each, the message and page as bytes."""

    def compose(specs, env=None):
        lines = "".join(json.dumps(one) + "\n" for one in specs)
        result = subprocess.run([build / "compose_mail"], input=lines.encode(), capture_output=True, timeout=120, check=False,
                                cwd=tmp_path, env={**clean_environment(tmp_path), **(env or {})})
        assert result.returncode == 0, result.stderr.decode()
        answers = [json.loads(line) for line in result.stdout.split(b"\n")[:-1]]
        assert len(answers) == len(specs)
        for answer in answers:
            answer["page"] = base64.b64decode(answer["page"])
            answer["message"] = base64.b64decode(answer["message"]) if answer["message"] is not None else None
            assert (answer["message"] is None) == (answer["error"] is not None) == (answer["message_id"] is None)
        return answers

    return compose


# --- what must come out ----------------------------------------------------------------------------------------------


def one_line(text):
    """A header's text as it must arrive: each run of control characters is one blank. (A NUL is U+FFFD since the JSON was read.)"""
    return re.sub("[\1-\x1f\x7f-\x9f\u2028\u2029]+", " ", text.replace("\0", "\ufffd")).strip(" ")


def expected_mailbox(text):
    """(name, address) of a mailbox whose address is in ASCII."""
    name, bracket, address = text.rpartition("<")
    if not bracket:
        return "", text.strip()
    name = name.strip(" \t\n\v\f\r")
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1], flags=re.DOTALL)
    return one_line(name), address.rstrip(">")


def decoded(value):
    """Encoded words decoded, those beside each other joined. (Version 3.11 leaves blanks between those of a name.)"""
    return str(email.header.make_header(email.header.decode_header(value))) if value else ""


def mailboxes(message, name):
    """(name, address) of each, as the header says."""
    unfolded = [re.sub(r"\r?\n(?=[ \t])", "", value) for value in message.get_all(name, [])]
    return [(decoded(shown), address) for shown, address in email.utils.getaddresses(unfolded)]


class Addresses(html.parser.HTMLParser):
    """The src and background of each tag."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "background", "href")]


def check_wire(message):
    """What SMTP and RFC 5322 want of the bytes."""
    assert message.isascii()
    lines = message.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines), "a CR or LF alone"
    assert max(map(len, lines)) <= 998
    assert lines[-1] == b"", "the last line is not ended"
    head = message.split(b"\r\n\r\n")[0].decode()
    assert all(len(line) <= 998 and line.strip() for line in head.split("\r\n"))
    assert all(len(word) <= 75 for word in re.findall(r"=\?[^ \t\r\n]*\?=", head))
    names = [line.split(":")[0] for line in head.split("\r\n") if line[0] not in " \t"]
    return names


def check(one, answer):
    """Compares every header and part with the spec; the parsed message."""
    assert answer["error"] is None
    names = check_wire(answer["message"])
    assert names == [name for name in HEADERS if name != "Cc" or one["cc"]]
    message = email.message_from_bytes(answer["message"], policy=email.policy.default)
    plain = email.message_from_bytes(answer["message"])
    assert [part.defects for part in message.walk() if part.defects] == []
    assert [header for header in message if message[header].defects] == []
    assert message["subject"] == one_line(one["subject"])
    assert mailboxes(plain, "from") == [expected_mailbox(one["from"])]
    assert mailboxes(plain, "to") == list(map(expected_mailbox, one["to"]))
    assert mailboxes(plain, "cc") == list(map(expected_mailbox, one["cc"]))
    assert [box.addr_spec for box in message["to"].addresses] == [expected_mailbox(text)[1] for text in one["to"]]
    moment = datetime.datetime.fromtimestamp(int(one["date"]), zoneinfo.ZoneInfo(one["zone"]))
    assert message["date"].datetime.timestamp() == moment.timestamp() and message["date"].datetime.utcoffset() == moment.utcoffset()
    domain = expected_mailbox(one["from"])[1].rpartition("@")[2]
    assert message["message-id"] == f"<{answer['message_id']}>"
    assert re.fullmatch(r"[0-9a-f]{32}@" + re.escape(domain), answer["message_id"])
    assert message["auto-submitted"] == "auto-generated" and message["x-auto-response-suppress"] == "All"
    assert message["mime-version"] == "1.0"
    check_body(one, message)
    return message


def text_lines(part):
    assert part.get_content_charset() == "utf-8" and part["content-transfer-encoding"] in ("quoted-printable", "base64")
    return part.get_content().replace("\r\n", "\n")


def check_body(one, message):
    assert message.get_content_type() == "multipart/alternative"
    text, rich = message.iter_parts()
    assert text.get_content_type() == "text/plain" and text_lines(text) == re.sub("\r\n?", "\n", one["text"])
    pictures = []
    if rich.get_content_type() == "multipart/related":
        assert rich.get_param("type") == "text/html"
        rich, *pictures = rich.iter_parts()
    assert rich.get_content_type() == "text/html"
    charts = {entry["name"]: base64.b64decode(entry["png"]) for entry in one["charts"]}
    shown = {f"cid:{part['content-id'][1:-1]}": part for part in pictures}
    content = text_lines(rich)
    for address, part in shown.items():
        name = part.get_filename()
        assert part.get_content_type() == "image/png" and part["content-transfer-encoding"] == "base64"
        assert part.get_content_disposition() == "inline" and part.get_content() == charts[name]
        assert re.fullmatch(r"cid:" + re.escape(name) + r"@[0-9a-f]{32}", address)
        content = content.replace(address, f"cid:{name}")
    assert content.lower() == re.sub("\r\n?", "\n", one["html"]).lower()
    named = [address for address in Addresses(text_lines(rich)).found if address.startswith("cid:") and address[4:] not in charts]
    assert set(named) == set(shown), "a picture without a place, or a place without a picture"


# --- headers ---------------------------------------------------------------------------------------------------------

HOSTILE = [
    "Service health of contoso, 2026-11-22", "", " ", "x", "Zażółć gęślą jaźń", "健全性", "健" * 300, "😀 👩‍👩‍👧‍👦 🇵🇱",
    "e\u0301" * 200, "שלום עולם", "مرحبا \u202e evil",
    "a\r\nBcc: eve@evil.example", "a\nBcc: eve@evil.example", "a\rBcc: eve@evil.example", "a\r\n\r\n<html>", "a\r\n Bcc: folded",
    "\r\nBcc: eve@evil.example", "a\r\n", "a\u2028Bcc: eve@evil.example", "a\u2029b", "a\u0085Bcc: x", "a\x0bb\x0cc\x1cd\x1ee",
    "\x00a\x00",
    "a\tb", "\x01\x02\x1b[31m\x7f", "=?utf-8?q?evil?=", "x =?utf-8?b?YQ==?= y", "=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "=?", "?=",
    "a=?b", "=?x?=",
    "=?utf-8?Q?=0D=0ABcc:_eve@evil.example?=", "two  blanks   three", " outer blanks ", "a" * 60, "a" * 61, "a" * 76,
    "a" * 998, "a" * 3000,
    "word " * 400, "Müller " * 200, "a, b; c: d", "(comment)", "<angle@evil.example>", "\"quoted\"", "back\\slash\\", "\\\"",
    "a\"b", "'",
    "a@b.example", "Smith, John", "Dr. Who", "a.b.c", "&lt;b&gt;", "%0d%0aBcc: x", "\\r\\nBcc: x", "x" * 59 + " é", "é" + "x" * 100,
    "\ufeffbom", "\u00a0nbsp\u00a0", "\U0010ffff", "ﬁ ½ ™", "𝕋𝕠", "a" * 30 + " " + "b" * 59 + " " + "c" * 61, ";", ",", ":",
    "[x]", "=", "_",
    "To: eve@evil.example", "Subject", "-", "--=_1_00", "."]


def test_no_subject_begins_another_header_and_each_arrives_as_it_is_q131(compose):
    specs = [spec(subject=value) for value in HOSTILE]
    for one, answer in zip(specs, compose(specs)):
        check(one, answer)


# Names are the user's own: blanks around them and quotes around the whole are not part of them.
def mailbox_of(name, address="desk@example.org"):
    return f"{name} <{address}>"


def test_no_name_begins_another_header_or_recipient_and_each_arrives_as_it_is_q131(compose):
    specs = [spec(to=[mailbox_of(value), "ada@contoso.example"], cc=[mailbox_of(value, "cc@contoso.example")]) for value in HOSTILE]
    specs += [{**spec(), "from": mailbox_of(value)} for value in HOSTILE]
    for one, answer in zip(specs, compose(specs)):
        check(one, answer)


def test_quotes_around_a_name_are_taken_as_headers_have_them(compose):
    rows = {'"Desk, Health" <a@b.example>': "Desk, Health", '"a \\"b\\" \\\\c" <a@b.example>': 'a "b" \\c', '"" <a@b.example>': "",
            '" <a@b.example>': '"', '<a@b.example>': "", 'a@b.example': "", 'x <y> z <a@b.example>': "x <y> z"}
    for (text, name), answer in zip(rows.items(), compose([spec(to=[text]) for text in rows])):
        message = email.message_from_bytes(answer["message"])
        assert mailboxes(message, "to") == [(name, "a@b.example")], text


def test_many_recipients_of_each_kind_arrive_in_their_order(compose):
    one = spec(to=[f"Empfänger Nummer {i} <to{i}@contoso.example>" for i in range(60)],
               cc=[f"\"Copy, {i}\" <cc{i}@contoso.example>" for i in range(60)])
    message = check(one, compose([one])[0])
    assert message["bcc"] is None


def random_text(dice):
    pieces = ["\r\n", "\n", "\r", "\0", "\x1b", "\u2028", "\x85", " ", "  ", "\t", "Bcc: ", ":", ",", ";", "<", ">", "\"",
              "\\", "(", ")", "@", "=?utf-8?q?",
              "?=", "=0D=0A", "é", "ż", "健", "😀", "e\u0301", "\u202e", "\u200d", "word", "a" * 70, ".", "=", "_", "?", "--",
              "0", "[", "]", "'"]
    return "".join(dice.choice(pieces) if dice.random() < 0.7 else chr(dice.randrange(0x20,
                                                                                      0x3000)) for _ in range(dice.randrange(40)))


def usable_name(name):
    """Without what would end the name or be its quotes: those have a test of their own."""
    name = name.strip(" \t\n\v\f\r")
    return name if len(name) < 2 or not name[0] == name[-1] == '"' else "x" + name


def test_hundreds_of_random_headers_arrive_as_they_are_q131(compose):
    dice = random.Random(131)
    specs = [{**spec(subject=random_text(dice), to=[mailbox_of(usable_name(random_text(dice))) for _ in range(dice.randrange(1,
                                                                                                                             4))],
                     identity=str(i)), "from": mailbox_of(usable_name(random_text(dice)))} for i in range(400)]
    for one, answer in zip(specs, compose(specs)):
        try:
            check(one, answer)
        except AssertionError as error:
            raise AssertionError(json.dumps({key: one[key] for key in ("subject", "from", "to")})) from error


# --- addresses -------------------------------------------------------------------------------------------------------


def test_what_config_takes_as_an_address_is_written_as_any_server_takes_it(compose):
    rows = {"desk@example.org": "desk@example.org", "Desk@Example.ORG": "Desk@Example.ORG",
            "desk@müller.example": "desk@xn--mller-kva.example",
            "desk@例え.jp": "desk@xn--r8jz45g.jp", "desk@faß.example": "desk@xn--fa-hia.example", "desk@xn--mller-kva.example": "desk@xn--mller-kva.example",
            "desk@😀.example": "desk@xn--e28h.example", "desk@m¼ller.example": "desk@xn--m14ller-2d7c.example",
            "desk@XN--mller-kva.example": "desk@XN--mller-kva.example", "desk@xn--zz.example": "desk@xn--zz.example",
            "xn--a@b.example": "xn--a@b.example", "xn--a@xn--e28h.example": "xn--a@xn--e28h.example",
            "a..b@example.org": '"a..b"@example.org',
            ".a@example.org": '".a"@example.org', "a.@example.org": '"a."@example.org',
            "a+b=c!d#e$f%g&h'i*j/k?l^m_n`o{p|q}r~s@example.org":
            "a+b=c!d#e$f%g&h'i*j/k?l^m_n`o{p|q}r~s@example.org", "root@localhost": "root@localhost",
            "a@b_c.example": "a@b_c.example",
            "desk@[192.0.2.1]": "desk@[192.0.2.1]", "desk@[IPv6:2001:db8::1]": "desk@[IPv6:2001:db8::1]",
            '"a..b"@example.org': '"a..b"@example.org',
            "a" * 64 + "@example.org": "a" * 64 + "@example.org"}
    specs = [{**spec(to=[f"Ö <{address}>"]), "from": address} for address in rows]
    for (written, wanted), answer in zip(rows.items(), compose(specs)):
        assert (answer["error"], answer["address"]) == (None, wanted), written
        message = email.message_from_bytes(answer["message"], policy=email.policy.default)
        plain = email.message_from_bytes(answer["message"])
        assert check_wire(answer["message"]) and not message["from"].defects and not message["to"].defects
        local, _, domain = wanted.rpartition("@")
        for parsed, text in ((message["from"].addresses[0], plain["from"]), (message["to"].addresses[0], plain["to"])):
            assert (parsed.username, parsed.domain.lower()) == (local.strip('"'), domain.lower())
            assert f"{local}@" in text  # with its quotes
        assert answer["message_id"].endswith(f"@{domain}") and message["message-id"] == f"<{answer['message_id']}>"


def test_an_address_that_cannot_be_written_to_is_named_with_its_fault_q131(compose):
    no_domain = "is no mail address: what stands after the @ is no domain"
    no_such = "is no mail address: before the @ stands a character that none has there"
    utf8 = ("has letters beyond ASCII before the @, which only servers with SMTPUTF8 take: write another address of that mailbox")
    length = "is no mail address: before the @ stand 1 to 64 characters"
    rows = {"jürgen@example.org": utf8, "健@example.org": utf8, "desk": "is no mail address: it has no @",
            "": "is no mail address: it has no @",
            "@example.org": length, "a" * 65 + "@example.org": length, "desk@": no_domain, "a@b..c": no_domain,
            "a@.b": no_domain, "a@b.": no_domain,
            "a@-b.example": no_domain, "a@b-.example": no_domain, "a@" + "b" * 64 + ".example": no_domain,
            "a@b c.example": no_domain,
            "a@b\r\nBcc: eve@evil.example": no_such, "a@b.example\r\nBcc: x": no_domain, "a\r\nb@example.org": no_such,
            "a b@example.org": no_such,
            "a@b\0.example": no_domain, "a@b@example.org": no_such, "a,b@example.org": no_such, "a<b@example.org": no_such,
            "a@b,c.example": no_domain,
            "a@[192.0.2.1": no_domain, "a@[192.0.2.256]": no_domain, "a@[]": no_domain, "a@[IPv6:x]": no_domain,
            "a@[192.0.2.1]\r\nBcc: x": no_domain,
            "a@क्\u200dष.example": no_domain, "a@b\u200c.example": no_domain, "a@ex\u2028ample.org": no_domain,
            "a@ａ＠ｂ.example": no_domain,
            "a@" + ".".join(["b" * 60] * 5): "is no mail address: it is longer than 254 characters", "a@exa%mple.org": no_domain,
            "\"a\"b\"@example.org": no_such, "\\a@example.org": no_such}
    places = [lambda text: {**spec(), "from": text}, lambda text: spec(to=["ada@contoso.example", f"Eve <{text}>"]),
              lambda text: spec(cc=[f"Eve <{text}>"])]
    wanted = [(text, place) for text in rows for place in places if not ("<" in text and place is not places[0])]
    for (text, _), answer in zip(wanted, compose([place(text) for text, place in wanted])):
        shown = text.replace("\0", "\ufffd")
        assert answer["error"] == f'"{shown}" {rows[text]}', text


# --- the parts -------------------------------------------------------------------------------------------------------


def page(body):
    return f"<!doctype html><html><head><title>x</title></head><body>{body}</body></html>"


BODIES = ["", "\n", "a", "a\n", "a\r\nb\rc\n", "trailing blank \ntab\t\n", ".\n..\n.a\n", "From here\n", "-- \n--=_1_\n--\n",
          "=\n==\n=20\n",
          "x" * 5000, "健" * 3000, "ż" * 40 + "a" * 400, "\x01\x1b\x7f", "Grüße 😀\n", ("lorem ipsum " * 30 + "\n") * 20,
          "\ufeffbom", "=_1_=_2_"]


def test_texts_of_any_kind_arrive_as_they_are(compose):
    specs = [spec(text=body, html=page(f"<pre>{body}</pre>")) for body in BODIES]
    specs += [spec(text=body, html=page(f"<pre>{body}</pre><img src=\"cid:overview.png\">"),
                   charts=[chart("overview.png")]) for body in BODIES]
    for one, answer in zip(specs, compose(specs)):
        check(one, answer)


def test_each_picture_that_the_html_shows_is_in_the_mail_once(compose):
    charts = [chart(f"service-{i}.png", PNG + bytes([i]) * i * 37) for i in range(40)]
    one = spec(charts=charts, html=page("".join(f"<p><img alt=\"a > b\" src=\"cid:service-{i}.png\"></p>" for i in range(40)) +
                                        "<IMG SRC='CID:service-3.png'><td background = \"cid:service-4.png\">x</td>"))
    message = check(one, compose([one])[0])
    assert sum(part.get_content_type() == "image/png" for part in message.walk()) == 40


def test_a_picture_that_the_html_does_not_show_is_left_out(compose):
    one = spec(charts=[chart("overview.png"), chart("history.png")], html=page("<img src=\"cid:history.png\">"))
    message = check(one, compose([one])[0])
    assert [part.get_filename() for part in message.walk() if part.get_filename()] == ["history.png"]
    alone = spec(charts=[chart("overview.png")])
    assert [part.get_content_type() for part in check(alone, compose([alone])[0]).walk()] == [
        "multipart/alternative", "text/plain", "text/html"]


def test_only_what_shows_a_picture_is_given_its_address(compose):
    kept = ["src=\"cid:overview.png\"", "cid:overview.png", "<a href=\"cid:overview.png\">x</a>",
            "&lt;img src=\"cid:overview.png\"&gt;",
            "<p title='<img src=\"cid:overview.png\">'>x</p>", "<img src=\"cid:other.png\">", "<img src=\"cid:overview.png.exe\">",
            "<img src=\"overview.png\">", "<img alt=\"src='cid:overview.png'\">", "< img src=\"cid:overview.png\">",
            "<img data-src=\"cid:overview.png\">"]
    one = spec(charts=[chart("overview.png")], html=page("".join(f"<p>{part}</p>" for part in kept)))
    [answer] = compose([one])
    message = email.message_from_bytes(answer["message"], policy=email.policy.default)
    assert list(message.iter_parts())[1].get_content().replace("\r\n", "\n") == one["html"]
    assert b"data:image" not in answer["page"]


def test_the_page_holds_its_pictures_and_needs_nothing_else(compose):
    shown = page("<p>Grüße, src=\"cid:overview.png\"</p><img alt=\"\" src=\"cid:overview.png\"><img src=cid:overview.png>"
                 "<!--[if mso]><v:fill src='cid:overview.png'/><![endif]-->")
    answers = compose([spec(html=text, charts=[chart("overview.png")]) for text in
                       (shown, shown.replace("<head>", "<HEAD lang=en><meta charset=utf-8>"), shown.replace("<head>",
                                                                                                            "").replace("</head>", ""),
                        "<img src=\"cid:overview.png\">")])
    data = "data:image/png;base64," + base64.b64encode(PNG).decode()
    for answer in answers:
        text = answer["page"].decode()
        assert text.lower().count("charset=") == 1 and text.count("Content-Security-Policy") == 1
        assert "default-src 'none'; img-src data:" in text
        assert set(Addresses(text).found) == {data}
        assert text.index("Content-Security-Policy") < text.index(data)
    first = answers[0]["page"].decode()
    assert first.startswith("<!doctype html><html><head><meta charset=\"utf-8\">") and first.count(data) == 3
    assert "<p>Grüße, src=\"cid:overview.png\"</p>" in first
    assert answers[2]["page"].startswith(b"<!doctype html><meta charset")
    assert answers[3]["page"].startswith(b"<meta charset")


# --- the whole -------------------------------------------------------------------------------------------------------

FULL = spec(to=["Müller, GmbH <a@müller.example>"], subject="Zdrowie usług 健全 😀", text="Grüße\n" * 50,
            html=page("<p>Grüße</p><img src=\"cid:overview.png\">"), charts=[chart("overview.png")])


def test_the_same_report_is_the_same_bytes_in_any_locale_and_zone(compose):
    first, again = compose([FULL, FULL])
    assert first == again
    for env in ({"LC_ALL": "C", "TZ": "Asia/Kolkata"}, {"LC_ALL": "C.UTF-8", "TZ": "America/St_Johns"}, {"LC_ALL": "POSIX",
                                                                                                         "LANG": "pl_PL.ISO-8859-2"},
                {"HOSTNAME": "other", "CHARSET": "ISO-8859-1", "LANG": "de_DE.UTF-8"}):
        assert compose([FULL], env) == [first]


def test_another_report_has_another_message_id_other_boundaries_and_other_pictures_addresses(compose):
    answers = compose([{**FULL, "identity": identity} for identity in ("contoso 1", "contoso 2", "")])
    messages = [email.message_from_bytes(answer["message"], policy=email.policy.default) for answer in answers]
    assert len({answer["message_id"] for answer in answers}) == 3
    assert len({part.get_boundary() for message in messages for part in message.walk() if part.is_multipart()}) == 6
    assert len({part["content-id"] for message in messages for part in message.walk() if part["content-id"]}) == 3


def test_the_date_has_the_offset_that_the_customers_zone_has_at_that_moment(compose):
    moments = [("1761438600", "Europe/Warsaw"), ("1761442200", "Europe/Warsaw"), ("1763640000", "Asia/Kathmandu"),
               ("1763640000", "America/St_Johns"),
               ("1763640000", "UTC"), ("1767225599", "Pacific/Kiritimati"), ("1767225600", "Pacific/Marquesas"), ("0",
                                                                                                                  "Asia/Tokyo"),
               ("4102444800", "Australia/Lord_Howe")]
    specs = [spec(date=date, zone=zone) for date, zone in moments]
    texts = [check(one, answer)["date"] for one, answer in zip(specs, compose(specs))]
    assert texts[0].startswith("Sun, 26 Oct 2025 02:30:00 +0200") and texts[1].startswith("Sun, 26 Oct 2025 02:30:00 +0100")


def test_a_moment_that_no_calendar_has_is_refused(compose):
    for answer in compose([spec(date="9000000000000000000"), spec(date="-9000000000000000000")]):
        assert answer["error"].startswith("the mail cannot be dated: ") and "set the clock" in answer["error"]


# --- names of files --------------------------------------------------------------------------------------------------


def test_any_customers_name_becomes_a_safe_file_name_of_its_own(compose):
    names = [name for name in [*HOSTILE, "contoso", "Contoso", "CONTOSO", "contoso ", "con", "../../etc/passwd", "/", "..",
                               "Müller & Söhne/x", "Muller Sohne x",
                               "健全", "健康", "a" * 100, "a" * 99 + "b", "a-b", "a--b", "-a", "a-", "a_b", "a.b", "~", "$(x)",
                               "*", "ἀ", "Ǆ"] if "\0" not in name]
    stems = [answer["stem"] for answer in compose([spec(subject=name) for name in names])]
    for name, stem in zip(names, stems):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*-2026-11-21_2026-11-22", stem), (name, stem)
        assert len(stem) < 120
    assert len(set(stems)) == len(set(names))
    told = dict(zip(names, stems))
    assert told["contoso"] == "contoso-2026-11-21_2026-11-22"
    assert re.fullmatch(r"muller-sohne-x-[0-9a-f]{8}-2026-11-21_2026-11-22", told["Müller & Söhne/x"])
    assert unicodedata.normalize("NFKD", told["健全"]) == told["健全"] and told["健全"].startswith("customer-")
