"""m365keep report and its outbox against mail servers that fail: what is told, what is noted, and that no mail is doubled or lost."""

import fcntl
import json
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

import timelines
from conftest import clean_environment
from smtp_server import CLOSE, PASSWORD, SILENT, USER, free_port, parsed, tls_context
from timelines import DAY_S, Timeline

DAY = "2026-11-21"
NOW = timelines.day("UTC", "2026-11-22") + 7 * 3600
TENANT = "11111111-2222-4333-8444-555555555555"
TO = ["desk@contoso.example", "ops@contoso.example"]
BACK_OFF_S = [60, 120, 300, 900, 1800, 3600]


@pytest.fixture(scope="session", name="kept_day")
def fixture_kept_day(tmp_path_factory):
    """A database with a day of one service. Read only."""
    path = tmp_path_factory.mktemp("outbox") / "kept.db"
    connection = timelines.create(path)
    begin = timelines.day("UTC", DAY)
    scans = timelines.scans(begin, begin + DAY_S, {"Exchange": [("serviceOperational", begin)]})
    Timeline("contoso", TENANT, scans, {"Exchange": "Exchange Online"}).store(connection)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return path.read_bytes()


class Desk:
    """Reports of one customer from a database of its own."""

    def __init__(self, build, folder, kept):
        self.program, self.folder, self.path = build / "m365keep", folder, folder / "keep.db"
        self.path.write_bytes(kept)

    def environment(self, server, clock, more):
        environment = {"GRAPH_TENANT_ID": TENANT, "GRAPH_CLIENT_ID": TENANT, "GRAPH_CLIENT_SECRET": "not used",
                       "M365KEEP_CUSTOMER": "contoso", "M365KEEP_DB": str(self.path), "TZ": "UTC",
                       "M365KEEP_CLOCK": clock or f"{NOW}@0@{NOW}", "SMTP_SERVER": "localhost",
                       "SMTP_PORT": str(server if isinstance(server, int) else server.port), "SMTP_SECURITY": "none",
                       "MAIL_FROM": "Health desk <desk@example.org>", "MAIL_TO": ",".join(TO), "REQUEST_TIMEOUT_SECONDS": "10", **more}
        return clean_environment(self.folder, {name: value for name, value in environment.items() if value is not None})

    def start(self, server, *arguments, clock=None, **more):
        return subprocess.Popen([self.program, "report", *arguments], env=self.environment(server, clock, more), cwd=self.folder,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def told(self, server, *arguments, exits=0, **options):
        """What it prints; its log is left in .words. The password is nowhere."""
        with self.start(server, *arguments, **options) as process:
            out, self.words = process.communicate(timeout=120)
        assert process.returncode == exits, out + self.words
        assert PASSWORD not in out + self.words
        assert not [path for path in self.folder.iterdir() if path.is_file() and PASSWORD.encode() in path.read_bytes()]
        return out

    def report(self, server, *arguments, **options):
        """What it tells of the customer's report as JSON."""
        report, = json.loads(self.told(server, "--json", *arguments, **options))["reports"]
        return report

    def outbox(self):
        """The mails: {state, attempts, ...}, the recipients as {address: state}."""
        connection = sqlite3.connect(self.path)
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM mail_outbox ORDER BY mail_id")]
        connection.close()
        for row in rows:
            row["recipients"] = {recipient["address"]: recipient["state"] for recipient in json.loads(row["recipients"])}
        return rows

    @property
    def mail(self):
        row, = self.outbox()
        return row


@pytest.fixture(name="desk")
def fixture_desk(build, tmp_path, kept_day):
    return Desk(build, tmp_path, kept_day)


def all_are(state):
    return dict.fromkeys(TO, state)


# --- a good server


def test_a_mail_is_sent_once_and_again_only_when_asked_for(desk, scripted, ca):
    server = scripted(tls=tls_context(ca.server), mechanisms="PLAIN")
    login = {"SMTP_SECURITY": "starttls", "SSL_CERT_FILE": str(ca.file), "SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD}
    desk.report(server, **login)
    assert desk.mail["state"] == "sent" and desk.mail["recipients"] == all_are("sent") and desk.mail["attempts"] == 1
    desk.report(server, **login)
    session, = server.taken
    message = parsed(session.message)
    assert session.signed_in == ("PLAIN", USER) and session.recipients == TO
    assert message["message-id"] == f"<{desk.mail['message_id']}>" and message["auto-submitted"] == "auto-generated"
    desk.report(server, "--resend", **login)
    first, second = server.taken
    assert parsed(first.message)["message-id"] != parsed(second.message)["message-id"]
    assert [mail["state"] for mail in desk.outbox()] == ["sent", "sent"]


# --- nobody knows


def test_killed_between_the_servers_answer_and_its_own_mark_it_says_unknown_and_does_not_send_again(desk, scripted):
    process = []

    def kill(_session):
        process[0].send_signal(signal.SIGKILL)
        process[0].wait(30)
        return "250 2.0.0 queued"

    server = scripted({"message": [kill]})
    process.append(desk.start(server))
    process[0].communicate(timeout=60)
    assert process[0].returncode == -signal.SIGKILL
    assert desk.mail["state"] == "sending" and len(server.taken) == 1
    report = desk.report(server, exits=3)
    assert desk.mail["state"] == "unknown" and desk.mail["recipients"] == all_are("unknown") and report["mail"]["state"] == "unknown"
    assert "nobody knows" in desk.told(server, exits=3) and "--resend" in desk.told(server, exits=3)
    assert len(server.taken) == 1
    desk.report(server, "--resend")
    first, second = server.taken
    assert desk.mail["state"] == "sent" and first.message == second.message


def test_a_connection_cut_after_the_message_leaves_it_unknown(desk, scripted):
    server = scripted({"message": [CLOSE]})
    desk.report(server, exits=3)
    assert desk.mail["state"] == "unknown" and desk.mail["recipients"] == all_are("unknown")
    assert "nobody knows" in desk.words and "--resend" in desk.words
    desk.report(server, exits=3)
    assert len(server.sessions) == 1
    desk.report(server, "--resend")
    first, second = server.taken
    assert first.message == second.message and desk.mail["state"] == "sent"


# --- later


def test_a_server_that_is_down_for_an_hour_gets_the_mail_when_it_is_back(desk, scripted):
    """Back-off of 1, 2, 5, 15 and 30 minutes and an hour, which take no real time."""
    server = scripted({"greeting": ["421 4.3.2 down"] * 6})
    desk.report(server, "--wait", "3h")
    assert desk.mail["state"] == "sent" and desk.mail["attempts"] == 7 and len(server.sessions) == 7 and len(server.taken) == 1


def test_an_hour_without_anybody_there_is_waited_by_a_clock_that_runs(desk):
    """Not before its time is up is any attempt made, which this clock's own seconds tell; each wait may be a tenth shorter."""
    rate, began = 2000, time.monotonic()
    report = desk.report(free_port(), "--wait", "1h", exits=3, clock=f"{NOW}@{rate}@{time.time():.0f}")
    lived_s, attempts = rate * (time.monotonic() - began), desk.mail["attempts"]
    assert report["mail"]["state"] == "queued" and desk.mail["state"] == "queued" and 2 <= attempts <= 6
    assert lived_s >= sum(BACK_OFF_S[:attempts - 1]) * 0.9 - attempts, f"{attempts} attempts in {lived_s:.0f} s"
    assert "cannot be reached" in desk.mail["answer"]


def test_a_full_queue_waits_in_the_outbox_and_the_next_run_sends_it(desk, scripted):
    server = scripted({"mail": ["452 4.3.1 insufficient system storage"]})
    report = desk.report(server, exits=3)
    assert desk.mail["state"] == "queued" and desk.mail["next_attempt_at"] and "452 4.3.1" in desk.mail["answer"]
    assert report["mail"]["state"] == "queued" and "452 4.3.1" in desk.words
    desk.report(server)
    assert desk.mail["state"] == "sent" and desk.mail["attempts"] == 2


def test_a_recipient_who_is_put_off_is_tried_again_alone(desk, scripted):
    server = scripted({"rcpt": [None, "451 4.7.1 greylisted"]})
    desk.report(server, exits=3)
    assert desk.mail["state"] == "queued" and desk.mail["recipients"] == {TO[0]: "sent", TO[1]: "queued"}
    desk.report(server)
    assert [session.recipients for session in server.taken] == [[TO[0]], [TO[1]]]
    assert desk.mail["state"] == "sent" and desk.mail["recipients"] == all_are("sent")
    assert server.taken[0].message == server.taken[1].message


# --- refused


def test_a_refused_recipient_is_named_and_does_not_keep_from_the_other(desk, scripted):
    server = scripted({"rcpt": [None, "550 5.1.1 no such user"]})
    desk.report(server, exits=3)
    assert desk.mail["state"] == "sent" and desk.mail["recipients"] == {TO[0]: "sent", TO[1]: "failed"}
    assert TO[1] in desk.words and "5.1.1 no such user" in desk.words


def test_an_expired_password_fails_the_mail_and_a_new_one_sends_it_anew(desk, scripted, ca):
    server = scripted({"auth": ["535 5.7.8 the password has expired"]}, tls=tls_context(ca.server), mechanisms="PLAIN LOGIN")
    login = {"SMTP_SECURITY": "starttls", "SSL_CERT_FILE": str(ca.file), "SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD}
    desk.report(server, exits=1, **login)
    assert desk.mail["state"] == "failed" and desk.mail["recipients"] == all_are("failed") and desk.mail["sent_at"] is None
    assert "535 5.7.8 the password has expired" in desk.words and "SMTP_PASSWORD" in desk.words
    desk.report(server, **login)
    assert [mail["state"] for mail in desk.outbox()] == ["failed", "sent"] and len(server.taken) == 1


def test_with_a_wrong_certificate_nothing_counts_as_sent(desk, scripted, ca):
    server = scripted(tls=tls_context(ca.issue("other", "mail.example.test", host="mail.example.test")), mechanisms="PLAIN")
    desk.report(server, exits=1, SMTP_SECURITY="starttls", SSL_CERT_FILE=str(ca.file), SMTP_USER=USER, SMTP_PASSWORD=PASSWORD)
    assert desk.mail["state"] == "failed" and desk.mail["sent_at"] is None and desk.mail["recipients"] == all_are("failed")
    assert "hostname mismatch" in desk.words and server.taken == [] and server.tried == []


def test_tokens_only_is_refused_with_the_other_transport_named(desk, scripted, ca):
    server = scripted(tls=tls_context(ca.server), mechanisms="XOAUTH2")
    desk.report(server, exits=1, SMTP_SECURITY="starttls", SSL_CERT_FILE=str(ca.file), SMTP_USER=USER, SMTP_PASSWORD=PASSWORD)
    assert desk.mail["state"] == "failed" and "transport: graph" in desk.words and server.taken == []


# --- other days


def days(*names):
    return [argument for name in names for argument in ("--from", name, "--to", name)]


def test_a_report_of_a_day_that_is_not_over_leaves_the_days_own_report_to_come(desk, scripted):
    server = scripted()
    noon = NOW - DAY_S + 5 * 3600
    desk.report(server, *days(DAY), clock=f"{noon}@0@{noon}")
    desk.report(server)
    assert [(mail["to"], mail["state"]) for mail in desk.outbox()] == [("2026-11-21T12:00:00Z", "sent"), ("2026-11-22T00:00:00Z", "sent")]
    assert len(server.taken) == 2


def test_a_password_that_is_refused_is_tried_with_no_other_mail_of_the_run(desk, scripted, ca):
    server = scripted({"mail": ["452 4.3.1 full"], "auth": [None, "535 5.7.8 expired"]}, tls=tls_context(ca.server), mechanisms="PLAIN")
    login = {"SMTP_SECURITY": "starttls", "SSL_CERT_FILE": str(ca.file), "SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD}
    desk.report(server, exits=3, **login)
    desk.report(server, *days("2026-11-20"), "--wait", "2h", exits=1, clock=f"{NOW + 3600}@0@{NOW + 3600}", **login)
    assert [mail["state"] for mail in desk.outbox()] == ["queued", "failed"] and len(server.tried) == 2
    assert "was refused" not in desk.told(server, *days("2026-11-19"), SMTP_USER=USER, SMTP_PASSWORD=PASSWORD, SMTP_SECURITY="starttls",
                                          SSL_CERT_FILE=str(desk.folder / "none"), exits=1)


def test_what_nobody_knows_and_what_failed_is_told_by_the_runs_of_other_days_too(desk, scripted):
    server = scripted({"message": [CLOSE]})
    desk.report(server, exits=3)
    tomorrow = f"{NOW + DAY_S}@0@{NOW + DAY_S}"
    told = json.loads(desk.told(server, "--json", clock=tomorrow, exits=3))
    assert [mail["state"] for mail in told["delivered"]] == ["unknown"] and told["reports"][0]["mail"]["state"] == "sent"
    assert f"--from {DAY} --to {DAY} --resend" in desk.words
    desk.report(server, "--resend")
    server.script["rcpt"] = ["550 5.1.1 no", "550 5.1.1 no"]
    desk.report(server, *days("2026-11-20"), exits=1)
    desk.report(server, *days("2026-11-19"))
    assert "--customer 'contoso' --from 2026-11-20 --to 2026-11-20" in desk.words and "no other one took its place" in desk.words
    late = NOW + 15 * DAY_S
    desk.report(server, clock=f"{late}@0@{late}")
    assert "no other one" not in desk.words


def test_a_mail_of_an_earlier_day_that_is_refused_by_one_is_told_and_is_no_success(desk, scripted):
    server = scripted({"mail": ["452 4.3.1 full"], "rcpt": [None, None, None, "550 5.1.1 no such user"]})
    desk.report(server, exits=3)
    desk.report(server, exits=3, clock=f"{NOW + DAY_S}@0@{NOW + DAY_S}")
    assert [mail["state"] for mail in desk.outbox()] == ["sent", "sent"]
    assert desk.outbox()[0]["recipients"] == {TO[0]: "sent", TO[1]: "failed"} and TO[1] in desk.words


def test_what_waits_for_five_days_is_given_up_and_told(desk, scripted):
    server = scripted({"mail": ["452 4.3.1 full"]})
    desk.report(server, exits=3)
    late = NOW + 6 * DAY_S
    told = json.loads(desk.told(server, "--json", clock=f"{late}@0@{late}", exits=3))
    assert [mail["state"] for mail in told["delivered"]] == ["failed"] and len(server.taken) == 1
    assert "given up after five days" in desk.words and "452 4.3.1" in desk.words


# --- what has changed


def test_a_mail_that_waits_is_made_anew_for_other_recipients_and_from_another_sender(desk, scripted):
    server = scripted({"mail": ["452 4.3.1 full"] * 2})
    desk.report(server, exits=3)
    desk.report(server, MAIL_TO="new@contoso.example", exits=3)
    desk.report(server, MAIL_TO="New@contoso.example", MAIL_FROM="other@example.org")
    mails = desk.outbox()
    assert [mail["state"] for mail in mails] == ["failed", "failed", "sent"] and "have changed" in mails[0]["answer"]
    assert mails[2]["sender"] == "other@example.org" and server.taken[0].recipients == ["New@contoso.example"]


def test_a_mail_that_some_have_is_not_made_anew_for_other_recipients(desk, scripted):
    server = scripted({"rcpt": [None, "451 4.7.1 greylisted"]})
    desk.report(server, exits=3)
    desk.report(server, MAIL_TO="new@contoso.example")
    assert desk.mail["state"] == "sent" and server.taken[1].recipients == [TO[1]]


# --- two at once, and a store that does not write


def test_of_several_runs_at_once_one_mails_and_none_asks_to_send_again(desk, scripted):
    server = scripted()
    processes = [desk.start(server, "--quiet") for _ in range(4)]
    ends = [process.communicate(timeout=60) for process in processes]
    assert {process.returncode for process in processes} <= {0, 3}, ends
    assert not any("sent again" in words for end in ends for words in end)
    desk.report(server)
    assert desk.mail["state"] == "sent" and len(server.taken) == 1


def test_while_another_process_sends_nothing_is_sent_again(desk, scripted):
    server = scripted()
    desk.report(server)
    with open(f"{desk.path}.mail.lock", "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        desk.report(server, "--resend", exits=1)
        assert "another process is sending mail" in desk.words
    assert desk.mail["state"] == "sent" and len(server.taken) == 1


def test_quiet_tells_of_each_mail_that_is_not_sent(desk, scripted):
    server = scripted({"message": [CLOSE]})
    desk.told(server, "--quiet", exits=3)
    assert desk.told(server, "--quiet", exits=3) == "" and "Nobody knows whether the mail was sent" in desk.words
    with open(f"{desk.path}.mail.lock", "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        desk.told(server, "--quiet", *days("2026-11-20"), exits=3)
    assert "waits in the outbox. Another process was sending mail" in desk.words


def test_what_could_not_be_written_down_is_written_down_at_the_end_of_the_run(desk, scripted):
    """The store refuses a second mail that is sent, until the next mail is under way."""
    server = scripted({"mail": [None, "452 4.3.1 full"]})

    def change(words):
        connection = sqlite3.connect(desk.path)
        connection.execute(words)
        connection.commit()
        connection.close()

    def mend(_session):
        change("DROP INDEX one_sent")
        return "354 go on"

    desk.report(server, *days("2026-11-19"))
    desk.report(server, exits=3)
    change("CREATE UNIQUE INDEX one_sent ON mail (customer_id) WHERE state = 'sent'")
    server.script["data"] = [None, mend]
    report = desk.report(server, *days("2026-11-20"), exits=3, clock=f"{NOW + 3600}@0@{NOW + 3600}")
    assert report["mail"]["state"] == "sent" and "THE MAIL WAS SENT" in report["error"]["message"]
    assert [mail["state"] for mail in desk.outbox()] == ["sent"] * 3 and len(server.taken) == 3
    assert "has been written down by now" in desk.words


# --- signals


def test_a_signal_before_the_message_leaves_the_mail_queued(desk, scripted):
    server = scripted({"rcpt": [SILENT]})
    with desk.start(server, REQUEST_TIMEOUT_SECONDS="600") as process:
        assert server.silent.wait(30)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert desk.mail["state"] == "queued" and desk.mail["attempts"] == 0
    desk.report(server)
    assert desk.mail["state"] == "sent" and len(server.taken) == 1


def test_a_signal_while_the_answer_is_awaited_does_not_lose_it(desk, scripted):
    process = []

    def late(_session):
        process[0].send_signal(signal.SIGINT)
        return "250 2.0.0 taken"

    ready = threading.Event()
    server = scripted({"message": late, "data": lambda _session: "354 go on" if ready.wait(30) else CLOSE})
    with desk.start(server) as running:
        process.append(running)
        ready.set()
        running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
    assert desk.mail["state"] == "sent" and desk.mail["recipients"] == all_are("sent")
