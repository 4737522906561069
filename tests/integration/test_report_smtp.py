"""One session with a mail server, seen from both ends: what smtp_send says of it, and what the server got."""

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

import certificates
from conftest import clean_environment
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from smtp_server import CLOSE, PASSWORD, RESET, SILENT, USER, GoodServer, free_port, parsed, tls_context

MESSAGE = (b"From: Health desk <desk@example.test>\r\nTo: ada@example.test, bob@example.test\r\nSubject: =?utf-8?q?R=C3=A9sum=C3=A9?=\r\n"
           b"Date: Sun, 22 Nov 2026 07:00:00 +0100\r\nMessage-ID: <1.2@example.test>\r\nAuto-Submitted: auto-generated\r\n"
           b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8;\r\n\tformat=flowed\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
           b"Good morning,\r\n.\r\n..\r\n.dots at the beginning\r\n\r\n" + b"x" * 998 + b"\r\nno blank at the end")
RECIPIENTS = ("ada@example.test", "bob@example.test")

pytestmark = pytest.mark.threads


class Sender:
    """Runs send_mail against a server of this machine."""

    def __init__(self, build, folder):
        self.program, self.folder = build / "send_mail", folder

    def environment(self, server, more):
        environment = {"GRAPH_TENANT_ID": TENANT, "GRAPH_CLIENT_ID": CLIENT_ID, "GRAPH_CLIENT_SECRET": CLIENT_SECRET,
                       "SMTP_SERVER": "localhost", "SMTP_PORT": str(server if isinstance(server, int) else server.port),
                       "SMTP_SECURITY": "none", "REQUEST_TIMEOUT_SECONDS": "10", **more}
        return clean_environment(self.folder, {name: value for name, value in environment.items() if value is not None})

    def start(self, server, message=MESSAGE, recipients=RECIPIENTS, sender="desk@example.test", **more):
        path = self.folder / "message.eml"
        path.write_bytes(message)
        return subprocess.Popen([self.program, path, sender, *recipients], env=self.environment(server, more), cwd=self.folder,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, server, status=0, **options):
        with self.start(server, **options) as process:
            out, words = process.communicate(timeout=60)
        assert PASSWORD not in out + words
        assert process.returncode == status, words
        return json.loads(out)


@pytest.fixture(name="send")
def fixture_send(build, tmp_path):
    return Sender(build, tmp_path)


def signed_in(authority, **more):
    """The environment of who signs in over TLS."""
    return {"SMTP_SECURITY": "starttls", "SSL_CERT_FILE": str(authority.file), "SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD, **more}


def states(result):
    return [recipient["state"] for recipient in result["recipients"]]


# --- what goes well


def test_a_message_arrives_byte_for_byte(send, scripted):
    server = scripted()
    result = send(server)
    assert result["outcome"] == "sent" and states(result) == ["sent", "sent"] and result["begun"] == 1
    session = server.session
    assert session.message == MESSAGE + b"\r\n"  # the end of the last line was missing
    assert session.recipients == list(RECIPIENTS)
    assert session.sender.startswith(f"FROM:<desk@example.test> SIZE={len(MESSAGE)}")
    assert result["answer"].endswith(f':{server.port} took the mail with "250 2.0.0 queued as 4711".')
    assert result["recipients"][0] == {"address": "ada@example.test", "state": "sent", "code": 250, "answer": "2.0.0 queued as 4711"}


def test_a_large_message_with_many_dots_arrives_byte_for_byte(send, scripted, ca):
    body = b"".join(b"." * (i % 7) + b"line %d\r\n" % i for i in range(60_000))
    message = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    server = scripted(tls=tls_context(ca.server), offers=("PIPELINING", "8BITMIME", "SIZE 0"), mechanisms="PLAIN")
    assert send(server, message=message, **signed_in(ca))["outcome"] == "sent"
    assert server.session.message == message


@pytest.mark.parametrize("mechanisms, used", [("PLAIN LOGIN", "PLAIN"), ("LOGIN", "LOGIN"), ("CRAM-MD5", "CRAM-MD5"),
                                              ("XOAUTH2 GSSAPI LOGIN", "LOGIN"), ("NTLM PLAIN", "PLAIN")])
def test_each_mechanism_signs_in_inside_tls(send, scripted, ca, mechanisms, used):
    server = scripted(tls=tls_context(ca.server), mechanisms=mechanisms)
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "sent", result
    session = server.session
    assert session.signed_in == (used, USER) and session.encrypted and session.server_name == "localhost"
    assert [line for line in session.lines if line.startswith("AUTH") and not line.startswith(("AUTH " + used, "AUTH NTLM"))] == []


OFFERS_OF_TODAY = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN", "SMTPUTF8", "XUSR", "SIZE 30000000")


def test_a_server_with_the_offers_of_today_gets_one_command_at_a_time(send, scripted):
    server = scripted({"rcpt": ["550 5.1.1 unknown", None]}, offers=OFFERS_OF_TODAY)
    result = send(server)
    assert result["outcome"] == "sent" and states(result) == ["failed", "sent"]
    assert result["recipients"][0]["answer"] == "5.1.1 unknown" and result["recipients"][0]["code"] == 550
    assert 'it did not take ada@example.test ("550 5.1.1 unknown")' in result["answer"]


    assert [line.partition(" ")[0] for line in server.session.lines[:5]] == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA"]


def test_an_offer_that_comes_in_pieces_is_not_taken_up_either(send, scripted):
    """A packet each letter: wherever the words are cut."""

    def trickle(session):
        session.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for letter in "250-mail.example.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n":
            session.say(letter.encode())
        return ""

    server = scripted({"ehlo": trickle, "rcpt": [None, CLOSE]})
    assert send(server)["outcome"] == "later"
    assert [line.partition(" ")[0] for line in server.session.lines] == ["EHLO", "MAIL", "RCPT", "RCPT"]


BROKEN = [CLOSE, RESET, "garbage", "250-a\r\n550 b", "5", "421 4.3.2 going down"]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("step, turn", [("mail", 0), ("rcpt", 0), ("rcpt", 1), ("rcpt", 2), ("data", 0)])
def test_a_session_that_breaks_off_with_pipelining_offered_breaks_nothing_here(send, scripted, step, turn, what, count):
    def break_off(session):
        if what in (CLOSE, RESET):
            return what
        session.say(what)
        return CLOSE

    server = scripted({step: [None] * turn + [break_off]}, offers=OFFERS_OF_TODAY)
    result = send(server, recipients=("ada@example.test", "bob@example.test", "eve@example.test")[:count])
    if turn < count:
        assert result["outcome"] == "later" and set(states(result)) == {"queued"} and result["begun"] == 0, result
    else:
        assert result["outcome"] == "sent"


def test_commands_without_any_recipient_send_nothing(send, scripted):
    """Such a server may ask for the data all the same (RFC 2920, section 3.1), and even say 250 to none."""
    server = scripted({"rcpt": ["550 5.1.1 unknown", "553 5.1.3 not here"]}, offers=("PIPELINING",))
    result = send(server)
    assert result["outcome"] == "refused" and states(result) == ["failed", "failed"] and result["begun"] == 0
    assert server.session.raw in (b"", b".\r\n")


@pytest.mark.parametrize("step, answer", [("greeting", "220"), ("ehlo", "250"), ("mail", "250"), ("rcpt", "250"), ("data", "354"),
                                          ("rcpt", "250-2.1.5 fine\r\n250"), ("data", "354-go\r\n354"), ("quit", "221")])
def test_an_answer_without_words_is_one(send, scripted, step, answer):
    server = scripted({step: answer}, offers=OFFERS_OF_TODAY)
    result = send(server)
    assert result["outcome"] == "sent" and states(result) == ["sent", "sent"] and len(server.taken) == 1


@pytest.mark.parametrize("step, code, outcome", [("greeting", "554", "refused"), ("mail", "550", "refused"), ("data", "452", "later"),
                                                 ("message", "452", "later"), ("message", "550", "refused")])
def test_a_refusal_without_words_is_one(send, scripted, step, code, outcome):
    result = send(scripted({step: code}))
    assert result["outcome"] == outcome and f'"{code}"' in result["answer"]


@pytest.mark.parametrize("answer, state", [("550", "failed"), ("450", "queued"), ("999 what", "queued"), ("350 what", "queued"),
                                           ("150 what", "queued")])
def test_whoever_is_not_taken_by_an_answer_of_success_is_not_sent(send, scripted, answer, state):
    result = send(scripted({"rcpt": [None, answer]}))
    assert result["outcome"] == "sent" and states(result) == ["sent", state] and f'bob@example.test ("{answer}")' in result["answer"]
    assert result["recipients"][1]["code"] == int(answer[:3])


@pytest.mark.parametrize("script", [
    {"data": b"354 go on\r\n250 2.0.0 taken\r\n", "message": CLOSE},
    {"data": b"354 go on\r\n250 ", "message": CLOSE},
    {"rcpt": [None, b"250 ok\r\n354 go on\r\n250 2.0.0 taken\r\n"], "data": "", "message": CLOSE},
    {"mail": b"250 ok\r\n250 ok\r\n"},
])
def test_answers_to_what_was_not_asked_yet_are_no_answers(send, scripted, script):
    server = scripted(script)
    result = send(server)
    assert result["outcome"] == "refused" and result["server"] and result["begun"] == 0 and states(result) == ["failed", "failed"], result
    assert "answers what it was not asked yet" in result["answer"] and server.taken == []


@pytest.mark.parametrize("step, answer", [("mail", "250 ok"), ("rcpt", "250 ok"), ("data", "354 go on")])
def test_a_server_may_say_at_any_time_that_it_goes_down(send, scripted, step, answer):
    def go_down(session):
        session.say(answer + "\r\n421 4.3.2 going down")
        return CLOSE

    result = send(scripted({step: go_down}))
    assert result["outcome"] == "later" and result["begun"] == 0 and states(result) == ["queued", "queued"]


@pytest.mark.parametrize("half", [b"250 2.0.0 taken", b"250", b"250-a\r\n250 taken", b"550 no"])
def test_half_an_answer_to_the_message_is_none(send, scripted, half):
    result = send(scripted({"message": lambda session: (session.say(half), CLOSE)[1]}))
    assert result["outcome"] == "unknown" and "its answer did not come" in result["answer"]


@pytest.mark.parametrize("answer", ["200 odd", "220 odd", "999 odd"])
def test_an_odd_answer_to_the_message_is_quoted(send, scripted, answer):
    result = send(scripted({"message": answer}))
    assert result["outcome"] == "unknown" and f'answers it with "{answer}", which is neither yes nor no' in result["answer"]


@pytest.mark.parametrize("tls", [False, True])
def test_the_answer_to_the_message_is_told_before_the_good_byes(send, scripted, ca, tls):
    """A server that never answers QUIT, with ten minutes' patience: what it said of the message is known at once."""
    server = scripted({"quit": SILENT}, tls=tls_context(ca.server) if tls else None, mechanisms="PLAIN")
    more = signed_in(ca) if tls else {}
    with send.start(server, REQUEST_TIMEOUT_SECONDS="600", **more) as process:
        out, words = process.communicate(timeout=30)
    assert process.returncode == 0, words
    assert json.loads(out)["outcome"] == "sent" and states(json.loads(out)) == ["sent", "sent"]


def test_who_was_refused_stays_so_where_the_answer_to_the_message_never_comes(send, scripted):
    server = scripted({"rcpt": [None, "550 5.1.1 unknown"], "message": SILENT})
    result = send(server, REQUEST_TIMEOUT_SECONDS="1")
    assert result["outcome"] == "unknown" and states(result) == ["unknown", "failed"]


@pytest.mark.parametrize("answer", ["250", "250 ", "250-first\r\n250-second\r\n250 last", "251 odd, but of the mail system"])
def test_any_whole_answer_of_success_counts(send, scripted, answer):
    assert send(scripted({"message": answer}))["outcome"] == "sent"


def test_a_server_of_old_that_knows_no_ehlo_is_spoken_to(send, scripted):
    server = scripted({"ehlo": "502 what?"})
    assert send(server)["outcome"] == "sent"
    assert [line.partition(" ")[0] for line in server.session.lines][:2] == ["EHLO", "HELO"]


def test_a_domain_of_another_script_is_said_in_ascii(send, scripted):
    server = scripted()
    result = send(server, recipients=("desk@bücher.example",))
    assert result["outcome"] == "sent" and server.session.recipients == ["desk@xn--bcher-kva.example"]
    assert result["recipients"][0]["address"] == "desk@bücher.example"


@pytest.mark.parametrize("address", ["łucja@example.test", "a@b>\r\nRCPT TO:<c@d", "a b@example.test", "x" * 400 + "@example.test"])
def test_an_address_that_smtp_cannot_carry_fails_alone(send, scripted, address):
    server = scripted()
    result = send(server, recipients=(address, "bob@example.test"))
    assert result["outcome"] == "sent" and states(result) == ["failed", "sent"]
    assert server.session.recipients == ["bob@example.test"]
    assert result["recipients"][0]["answer"] == "not sent: SMTP cannot carry this address"


# --- whom it trusts


def certificate_of(ca, folder, kind):
    """A certificate that must not be trusted, and what is said of it."""
    if kind == "expired":
        span = (certificates.LONG_AGO, certificates.LONG_AGO + 86400)
        return ca.issue(kind, "localhost", span, host="localhost"), "certificate has expired"
    if kind == "of another name":
        return ca.issue(kind, "mail.example.test", host="mail.example.test"), "hostname mismatch"
    if kind == "of a wildcard too short":
        return ca.issue(kind, "*", host="*"), "hostname mismatch"
    stranger = folder / "stranger"
    stranger.mkdir()
    if kind == "self-signed":
        return certificates.AppCertificate(stranger, "localhost").both, "self-signed certificate"
    return certificates.Authority(stranger).server, "certificate signature failure"


@pytest.mark.parametrize("kind", ["expired", "of another name", "of a wildcard too short", "self-signed", "of an unknown authority"])
def test_with_a_certificate_that_is_not_to_be_trusted_nothing_is_sent(send, scripted, ca, tmp_path, kind):
    pem, words = certificate_of(ca, tmp_path, kind)
    server = scripted(tls=tls_context(pem), mechanisms="PLAIN")
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "refused" and result["begun"] == 0 and result["server"] and states(result) == ["failed", "failed"]
    assert f"shows a certificate that is not to be trusted: {words}" in result["answer"]
    assert "SSL_CERT_FILE" in result["hint"]
    session = server.session
    assert session.signed_in is None and session.sender is None and session.raw == b""


def test_the_systems_authorities_do_not_vouch_where_a_file_is_named(send, scripted, ca, tmp_path):
    server = scripted(tls=tls_context(ca.server))
    result = send(server, SMTP_SECURITY="starttls", SSL_CERT_FILE=str(tmp_path / "absent.pem"))
    assert result["outcome"] == "refused" and "absent.pem" in result["answer"] and server.sessions == []
    without = send(server, SMTP_SECURITY="starttls")
    assert without["outcome"] == "refused" and "certificate" in without["answer"]


def test_an_address_is_checked_against_the_addresses_of_the_certificate(send, scripted, ca):
    good = scripted(tls=tls_context(ca.issue("address", "mail", address="127.0.0.1")))
    assert send(good, SMTP_SERVER="127.0.0.1", SMTP_SECURITY="starttls", SSL_CERT_FILE=str(ca.file))["outcome"] == "sent"
    assert good.session.server_name is None  # RFC 6066: no addresses there
    bad = scripted(tls=tls_context(ca.server))
    result = send(bad, SMTP_SERVER="127.0.0.1", SMTP_SECURITY="starttls", SSL_CERT_FILE=str(ca.file))
    assert result["outcome"] == "refused" and "IP address mismatch" in result["answer"] and bad.session.sender is None


def test_a_server_without_starttls_gets_neither_message_nor_password(send, scripted, ca):
    server = scripted(mechanisms="PLAIN LOGIN")
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "refused" and result["server"]
    assert "offers no STARTTLS, which smtp: security: starttls wants" in result["answer"] and "587" in result["hint"]
    assert [line.partition(" ")[0] for line in server.session.lines] in (["EHLO", "QUIT"], ["EHLO"])


def test_a_server_that_knows_no_ehlo_gets_nothing_when_tls_is_wanted(send, scripted, ca):
    server = scripted({"ehlo": "502 what?"}, mechanisms="PLAIN LOGIN")
    assert send(server, **signed_in(ca))["outcome"] == "refused"
    assert server.session.sender is None and server.tried == []


def test_an_old_tls_is_refused(send, scripted, ca):
    context = tls_context(ca.server, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = scripted(tls=context)
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "refused" and "does not agree on TLS" in result["answer"] and server.session.sender is None


def test_words_slipped_in_before_tls_are_never_believed(send, scripted, ca):
    """Who sits on the line could answer everything that comes after STARTTLS in advance, and nothing would be sent."""
    words = "\r\n".join(["220 begin", "250 mail.example.test", "250 ok", "250 ok", "250 ok", "354 go on", "250 taken"])
    server = scripted({"starttls": words}, tls=tls_context(ca.server))
    result = send(server, SMTP_SECURITY="starttls", SSL_CERT_FILE=str(ca.file))
    assert result["outcome"] == "refused" and result["begun"] == 0
    assert "words were slipped in before the encryption began" in result["answer"]


def test_without_tls_a_password_is_shown_to_this_machine_only(send, scripted):
    """Another host's name that means this machine is as good as another machine here."""
    server = scripted(mechanisms="PLAIN LOGIN")
    login = {"SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD}
    assert send(server, **login)["outcome"] == "sent"
    other = scripted(mechanisms="PLAIN LOGIN")
    result = send(other, SMTP_SERVER=os.uname().nodename, **login)
    assert result["outcome"] == "refused" or other.sessions == []
    assert other.tried == [] and other.taken == []


# --- signing in


def test_an_expired_password_is_told_once_and_nothing_is_sent(send, scripted, ca):
    server = scripted({"auth": "535 5.7.8 the password has expired"}, tls=tls_context(ca.server), mechanisms="PLAIN LOGIN CRAM-MD5")
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "refused" and result["server"] and states(result) == ["failed", "failed"] and result["begun"] == 0
    assert 'answers the sign-in with "535 5.7.8 the password has expired"' in result["answer"]
    assert "SMTP_PASSWORD" in result["hint"]
    assert server.session.raw == b""
    shown = [line for line in server.session.lines if line.startswith("AUTH ") and line.count(" ") > 1]
    assert len(shown) == 1, "the wrong password was tried again: an account may be locked by that"


def test_a_sign_in_that_fails_for_now_is_tried_later(send, scripted, ca):
    server = scripted({"auth": "454 4.7.0 temporary failure"}, tls=tls_context(ca.server), mechanisms="PLAIN")
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"] and "454 4.7.0" in result["answer"]


def test_microsofts_refusal_of_passwords_names_the_other_transport(send, scripted, ca):
    server = scripted({"auth": "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."},
                      tls=tls_context(ca.server), mechanisms="LOGIN XOAUTH2")
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "refused" and "transport: graph" in result["hint"]


@pytest.mark.parametrize("mechanisms, words, hint", [
    ("XOAUTH2", "takes no passwords, only tokens (AUTH XOAUTH2)", "transport: graph"),
    ("OAUTHBEARER XOAUTH2", "takes no passwords, only tokens (AUTH OAUTHBEARER XOAUTH2)", "transport: graph"),
    ("GSSAPI", "offers no way to sign in that is known here (AUTH GSSAPI)", "CRAM-MD5"),
    (None, "offers no AUTH, though a user is set", "SMTP_USER"),
])
def test_a_server_without_a_mechanism_that_we_have_is_refused(send, scripted, ca, mechanisms, words, hint):
    server = scripted(tls=tls_context(ca.server), mechanisms=mechanisms)
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "refused" and result["begun"] == 0 and words in result["answer"] and hint in result["hint"]
    assert server.session.raw == b"" and states(result) == ["failed", "failed"]


def test_a_server_that_repeats_the_password_does_not_bring_it_into_the_answer(send, scripted, ca):
    server = scripted({"auth": f"535 5.7.8 {USER} and {PASSWORD} do not fit"}, tls=tls_context(ca.server), mechanisms="PLAIN")
    assert "desk and *** do not fit" in send(server, **signed_in(ca))["answer"]


# --- servers that go away, at each step


STEPS = ["greeting", "ehlo", "mail", "rcpt", "data"]


@pytest.mark.parametrize("what", [CLOSE, RESET])
@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_goes_away_before_the_message_is_tried_later(send, scripted, step, what):
    result = send(scripted({step: what}))
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"] and result["server"] and result["begun"] == 0
    assert {"greeting": "greet", "ehlo": "EHLO"}.get(step, step.upper()) in result["answer"]


@pytest.mark.parametrize("step", ["starttls", "handshake", "ehlo-tls", "auth"])
def test_a_server_that_goes_away_around_tls_is_tried_later(send, scripted, ca, step):
    result = send(scripted({step: CLOSE}, tls=tls_context(ca.server), mechanisms="PLAIN"), **signed_in(ca))
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"] and result["begun"] == 0, result


@pytest.mark.parametrize("step", ["greeting", "ehlo", "starttls", "handshake", "ehlo-tls", "auth", "mail", "rcpt", "data"])
def test_a_server_that_is_silent_is_left_after_its_time(send, scripted, ca, step):
    result = send(scripted({step: SILENT}, tls=tls_context(ca.server), mechanisms="PLAIN"), **signed_in(ca, REQUEST_TIMEOUT_SECONDS="1"))
    assert result["outcome"] == "later" and "silent for too long" in result["answer"] and result["begun"] == 0


@pytest.mark.slow
def test_a_server_that_never_comes_to_an_end_is_left_after_the_time_of_all_steps(send, scripted):
    """Each byte of it is in time."""

    def trickle(session):
        while not session.server.over.wait(0.3):
            session.say("220-wait for it")
        return CLOSE

    server = scripted({"greeting": trickle})
    server.over = threading.Event()
    result = send(server, REQUEST_TIMEOUT_SECONDS="1")
    server.over.set()
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"]


@pytest.mark.parametrize("what", [CLOSE, RESET, "garbage", "2", b"250-half an answer\r\n", "354 again", "999 what"])
def test_after_the_message_no_definite_answer_is_unknown(send, scripted, what):
    script = {"message": [what, CLOSE]} if isinstance(what, bytes) else {"message": what}
    if isinstance(what, bytes):
        script["message"] = lambda session: (session.connection.sendall(what), CLOSE)[1]
    server = scripted(script)
    result = send(server)
    assert result["outcome"] == "unknown" and states(result) == ["unknown", "unknown"] and result["begun"] == 1
    assert "--resend" in result["hint"] and server.session.complete


def test_a_connection_cut_in_the_middle_of_the_message_is_unknown(send, scripted):
    """What was on its way cannot be told from what had arrived."""
    message = MESSAGE + b"\r\n" + (b"y" * 76 + b"\r\n") * 100_000
    result = send(scripted({"before-message": lambda session: session.connection.close()}), message=message)
    assert result["outcome"] == "unknown" and result["begun"] == 1


@pytest.mark.slow
def test_a_server_that_never_answers_the_message_leaves_it_unknown(send, scripted):
    assert send(scripted({"message": SILENT}), REQUEST_TIMEOUT_SECONDS="1")["outcome"] == "unknown"


def test_a_server_that_stops_reading_gets_no_message_with_a_hole(send, scripted):
    """libesmtp goes on after bytes that could not be written in time. As the end was not said, no server keeps such a message."""
    over = threading.Event()
    message = MESSAGE + b"\r\n" + (b"z" * 76 + b"\r\n") * 200_000
    server = scripted({"before-message": lambda _session: over.wait(30)})
    result = send(server, message=message, REQUEST_TIMEOUT_SECONDS="1")
    over.set()
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"] and result["begun"] == 1
    assert "did not take the whole message in time" in result["answer"]
    assert server.taken == []


def test_nobody_there_is_tried_later(send):
    result = send(free_port())
    assert result["outcome"] == "later" and result["server"] and "cannot be reached: Connection refused" in result["answer"]


def test_a_name_that_does_not_exist_must_be_mended(send):
    result = send(25, SMTP_SERVER="mail.invalid")
    assert result["outcome"] in ("refused", "later") and "mail.invalid:25 cannot be reached" in result["answer"]


def test_an_ipv6_address_is_refused_in_words(send):
    result = send(25, SMTP_SERVER="::1")
    assert result["outcome"] == "refused" and "IPv6" in result["answer"]


def test_what_is_no_mail_server_is_named_so(send, scripted):
    result = send(scripted({"greeting": "SSH-2.0-OpenSSH_9.2"}))
    assert result["outcome"] == "refused" and "no answer of a mail server" in result["answer"] and "smtp.port" in result["hint"]


# --- servers that say no


@pytest.mark.parametrize("code, outcome, state", [("451", "later", "queued"), ("421", "later", "queued"), ("554", "refused", "failed")])
@pytest.mark.parametrize("step", ["greeting", "ehlo", "mail", "rcpt", "data", "message"])
def test_what_a_server_refuses_is_tried_later_or_never(send, scripted, step, code, outcome, state):
    answer = f"{code} {code[0]}.3.0 not now"
    server = scripted({step: [answer] * 4})
    result = send(server)
    assert result["outcome"] == outcome and set(states(result)) == {state}, result
    assert answer in result["answer"] and result["begun"] == (step == "message")
    assert server.session.complete == (step == "message")


@pytest.mark.parametrize("answer, state", [("550 5.1.1 unknown", "failed"), ("451 4.2.1 greylisted", "queued")])
def test_a_recipient_who_is_not_taken_does_not_keep_from_the_others(send, scripted, answer, state):
    server = scripted({"rcpt": [answer]})
    result = send(server)
    assert result["outcome"] == "sent" and states(result) == [state, "sent"] and server.session.recipients == ["bob@example.test"]
    assert result["recipients"][0]["answer"] == answer.partition(" ")[2] and answer in result["answer"]


def test_a_full_queue_is_tried_later(send, scripted):
    result = send(scripted({"mail": "452 4.3.1 insufficient system storage"}))
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"] and "452 4.3.1" in result["answer"]


def test_a_message_that_is_too_large_is_refused_before_it_goes(send, scripted):
    result = send(scripted({"mail": "552 5.3.4 too large"}))
    assert result["outcome"] == "refused" and result["begun"] == 0 and not result["server"] and "how large" in result["hint"]


def test_a_server_going_down_between_two_recipients_is_tried_later(send, scripted):
    server = scripted({"rcpt": [None, lambda session: (session.say("421 4.3.2 going down"), CLOSE)[1]]})
    result = send(server)
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"] and "421 4.3.2 going down" in result["answer"]


def test_hostile_words_are_made_safe_and_short(send, scripted):
    more = b"".join(b"550-%d more words\r\n" % i for i in range(60))
    words = b"550-\x1b[2J\x1b]0;owned\x07 \xff\xfe " + "\u202e".encode() + b"\r\n" + more + b"550 end\r\n"
    result = send(scripted({"rcpt": [words, words]}))
    assert result["outcome"] == "refused"
    for text in [result["answer"], *(recipient["answer"] for recipient in result["recipients"])]:
        assert not any(ord(character) < 32 for character in text) and "\u202e" not in text
        assert "\\x1b[2J" in text and len(text.encode()) < 1000
    assert all(len(recipient["answer"].encode()) <= 303 for recipient in result["recipients"])


def test_an_answer_without_end_is_left(send, scripted):
    endless = b"250-" + b"x" * 1000 + b"\r\n"

    def flood(session):
        for _ in range(3000):
            session.connection.sendall(endless)
        return CLOSE

    assert send(scripted({"ehlo": flood}))["outcome"] == "later"
    assert send(scripted({"message": flood}))["outcome"] == "unknown"


# --- what the caller says


def test_nothing_is_sent_when_begin_says_no(send, scripted):
    server = scripted()
    result = send(server, SEND_MAIL_BEGIN="no")
    assert result["outcome"] == "later" and states(result) == ["queued", "queued"] and result["begun"] == 1
    assert server.taken == [] and server.session.raw == b""


@pytest.mark.parametrize("step", ["greeting", "rcpt"])
def test_a_signal_before_the_message_ends_it_at_once(send, scripted, step):
    server = scripted({step: SILENT})
    with send.start(server, REQUEST_TIMEOUT_SECONDS="600") as process:
        assert server.silent.wait(30)
        process.send_signal(signal.SIGTERM)
        out, words = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM, words
    result = json.loads(out)
    assert result["outcome"] == "cancelled" and states(result) == ["queued", "queued"] and result["begun"] == 0


def test_a_signal_after_the_message_waits_for_the_answer(send, scripted):
    ready, process = threading.Event(), []

    def late(_session):
        assert ready.wait(30)
        process[0].send_signal(signal.SIGINT)
        return "250 2.0.0 taken in spite of it"

    server = scripted({"message": late})
    with send.start(server, REQUEST_TIMEOUT_SECONDS="600") as running:
        process.append(running)
        ready.set()
        out, words = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGINT, words
    assert json.loads(out)["outcome"] == "sent"


def test_a_second_signal_leaves_the_answer_unknown(send, scripted):
    server = scripted({"message": SILENT})
    with send.start(server, REQUEST_TIMEOUT_SECONDS="600") as process:
        assert server.silent.wait(30)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT
    result = json.loads(out)
    assert result["outcome"] == "unknown" and states(result) == ["unknown", "unknown"]


# --- servers that others wrote


def test_aiosmtpd_takes_a_mail_over_tls_with_a_password(send, ca):
    server = GoodServer(ca.server)
    server.start()
    try:
        result = send(server.port, **signed_in(ca))
        wrong = send(server.port, **signed_in(ca, SMTP_PASSWORD="not the one"))
        nobody = send(server.port, SMTP_SECURITY="starttls", SSL_CERT_FILE=str(ca.file))
    finally:
        server.stop()
    assert result["outcome"] == "sent", result
    envelope, = server.envelopes
    assert envelope.original_content == MESSAGE + b"\r\n" and envelope.rcpt_tos == list(RECIPIENTS)
    assert parsed(envelope.original_content)["subject"] == "Résumé"
    assert wrong["outcome"] == "refused" and "535" in wrong["answer"]
    assert nobody["outcome"] == "refused" and "530" in nobody["answer"] and "SMTP_USER" in nobody["hint"]


def test_opensmtpd_takes_a_mail_and_hands_it_on(send, opensmtpd):
    server, onward = opensmtpd
    result = send(server)
    assert result["outcome"] == "sent" and "250 2.0.0" in result["answer"], result
    until = time.monotonic() + 30
    while sum(len(session.recipients) for session in onward.taken) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    assert sorted(address for session in onward.taken for address in session.recipients) == list(RECIPIENTS)
    for session in onward.taken:
        assert session.message.endswith(MESSAGE.partition(b"\r\n\r\n")[2] + b"\r\n")
        assert parsed(session.message)["message-id"] == "<1.2@example.test>"


def test_opensmtpd_that_offers_no_tls_gets_nothing_when_it_is_wanted(send, ca, opensmtpd):
    server, onward = opensmtpd
    result = send(server, **signed_in(ca))
    assert result["outcome"] == "refused" and "offers no STARTTLS" in result["answer"] and onward.sessions == []
