"""The morning's report from end to end: three customers are scanned over a day, reported on, and get their mails through mail servers that
want STARTTLS and a password."""

import contextlib
import io
import json
import re
import shutil
import sqlite3
import time
import urllib.parse

import pytest
from PIL import Image

import database
import timelines
from simulator import CLIENT_ID, CLIENT_SECRET
from smtp_server import PASSWORD, USER, GoodServer, ScriptedServer, parsed, tls_context
from timelines import DAY_S, Timeline, check_report, status_at

FIRST = "2025-11-19"
EVERY_S, MAX_GAP_S = 1800, 5400  # with this schedule a gap is what is longer than an hour and a half
ZONES = {"contoso": "Europe/Warsaw", "fabrikam": "America/New_York", "Zażółć & Söhne 株式会社": "Asia/Kolkata"}
TENANTS = {name: f"{number}1111111-2222-4333-8444-555555555555" for number, name in enumerate(ZONES, 1)}
TO = {"contoso": ["ada@contoso.test", "bob@contoso.test"], "fabrikam": ["desk@fabrikam.test"],
      "Zażółć & Söhne 株式会社": ["jan@example.test"]}
CC = {"contoso": ["audit@contoso.test"], "fabrikam": [], "Zażółć & Söhne 株式会社": []}
NOW = timelines.day("America/New_York", "2025-11-20") + 7 * 3600
ANNOUNCEMENTS = ["--sign-ins", "0", "--directory-audits", "0", "--users", "1", "--issues", "30", "--messages", "30", "--days", "5"]


class Desk:
    """Three customers, a day of whose services' health was scanned."""

    def __init__(self, keep, simulator, folder):
        self.keep, self.simulator, self.folder = keep, simulator, folder
        self.secrets = {f"C{number}": f"{tenant};{CLIENT_ID};{CLIENT_SECRET}" for number, tenant in enumerate(TENANTS.values())}
        self.moments = []

    def configure(self, port, security="starttls"):
        user = f", user: {USER}" if security == "starttls" else ""
        lines = ["database: health.db", "schedule: { health: 30m }",
                 f"smtp: {{ server: localhost, port: {port}, security: {security}{user}, from: \"Zdrowie usług <desk@example.test>\" }}",
                 "report: { subject: \"Service health of {customer}, {from}\" }", "customers:"]
        for number, (name, zone) in enumerate(ZONES.items()):
            lines += [f"  - name: {name}", f"    variable: C{number}", f"    timezone: {zone}", f"    mail_to: {json.dumps(TO[name])}",
                      f"    mail_cc: {json.dumps(CC[name])}"]
        (self.folder / "m365keep.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def restore(self, scanned):
        """As it was before any mail."""
        for path in self.folder.glob("health.db*"):
            path.unlink()
        shutil.copy(scanned, self.folder / "health.db")

    def scan(self):
        begin = timelines.day("Asia/Kolkata", FIRST) - 2 * 3600
        for moment in range(begin, NOW, EVERY_S):
            if not begin + 9 * 3600 < moment < begin + 13 * 3600:  # nobody asked
                self.simulator.clock(f"{moment}@0@{moment}")
                result = self.keep(["scan", "--quiet"], sim=self.simulator, env={**self.secrets, "M365KEEP_CLOCK": f"{moment}@0@{moment}"})
                assert result.returncode == 0, result.stderr
                self.moments.append(moment)

    def report(self, ca, *arguments, env=None):
        result = self.keep(["report", "--customer", "all", "--from", FIRST, "--json", *arguments],
                           env={**self.secrets, "M365KEEP_CLOCK": f"{NOW}@0@{NOW}", "SMTP_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(ca.file),
                                **(env or {})})
        assert PASSWORD not in result.stdout + result.stderr
        return result

    def truth(self, name):
        """The simulator's own account of a tenant, at the moments of the scans."""
        found = {}
        query = urllib.parse.urlencode({"tenant": TENANTS[name], "from": self.moments[0] - DAY_S, "to": NOW + DAY_S})
        for row in self.simulator.lines(f"health?{query}"):
            found.setdefault(row["service"], []).append((row["status"], row["from"], row["to"]))
        scans = [(at, {service: status_at(rows, at) for service, rows in found.items()}) for at in self.moments]
        return Timeline(name, TENANTS[name], scans, max_gap=MAX_GAP_S)


def handed_on(server, mails):
    """The messages that OpenSMTPD relayed, one at least of each mail; it sends them on in a moment of its own choice."""
    until = time.monotonic() + 60
    while True:
        messages = [message for session in server.sessions for message in session.messages]
        if len({parsed(message)["Message-ID"] for message in messages}) == mails:
            return messages
        assert time.monotonic() < until
        time.sleep(0.02)


def check_mail(message, name, report):
    """A message that was received: what Python's email package makes of it."""
    mail = parsed(message)
    assert all(not part.defects for part in mail.walk())
    assert mail["From"].addresses[0].addr_spec == "desk@example.test" and mail["From"].addresses[0].display_name == "Zdrowie usług"
    assert [address.addr_spec for address in mail["To"].addresses] == TO[name]
    assert [address.addr_spec for address in (mail["Cc"].addresses if mail["Cc"] else ())] == CC[name]
    assert mail["Subject"] == f"Service health of {name}, {FIRST}" == report["mail"]["subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[^<>@\s]+@example\.test>", mail["Message-ID"]) and mail["Message-ID"].strip("<>") == report["mail"]["message_id"]
    assert int(mail["Date"].datetime.timestamp()) == NOW
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    pictures = {part["Content-ID"].strip("<>"): part.get_content() for part in mail.walk() if part.get_content_type() == "image/png"}
    assert set(re.findall(r'src="cid:([^"]+)"', html)) == set(pictures) and len(pictures) >= 2
    for data in pictures.values():
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            assert picture.width == 1200 and picture.mode == "P"
            assert len(data) < (15_000 if picture.height < 400 else 60_000)
    for service in report["services"]:
        assert service["name"] in " ".join(text.split()) or " ".join(service["name"].split()[:2]) in text, "long names are wrapped"
        assert service["name"].replace("&", "&amp;") in html
    assert name in text and ZONES[name] in text and ZONES[name] in html


@pytest.fixture(name="desk")
def fixture_desk(keep, sim, tmp_path):
    start = f"{NOW}@0@{NOW}"
    simulator = sim([*ANNOUNCEMENTS, *(a for tenant in TENANTS.values() for a in ("--tenant", tenant))], clock=start)
    desk = Desk(keep, simulator, tmp_path)
    desk.configure(1)
    desk.scan()
    return desk


def check_first_mails(desk, server, ca):
    """A server that does not know one of the recipients."""
    desk.configure(server.port)
    result = desk.report(ca, "--output", "out")
    assert result.returncode == 3, result.stderr
    reports = {report["customer"]: report for report in json.loads(result.stdout)["reports"]}
    assert [report["mail"]["state"] for report in reports.values()] == ["sent"] * 3
    states = {row["address"]: (row["state"], row["code"]) for report in reports.values() for row in report["mail"]["recipients"]}
    assert states == {"ada@contoso.test": ("sent", 250), "bob@contoso.test": ("failed", 550), "audit@contoso.test": ("sent", 250),
                      "desk@fabrikam.test": ("sent", 250), "jan@example.test": ("sent", 250)}
    assert "bob@contoso.test" in result.stderr and "nobody here" in result.stderr
    trouble = 0
    for session, (name, report) in zip(server.taken, reports.items(), strict=True):
        check_mail(session.message, name, report)
        check_report(report, desk.truth(name), ZONES[name], FIRST, FIRST, NOW)
        trouble += sum(len(service["occurrences"]) for service in report["services"])
    assert trouble, "nothing ever happened: the test proves nothing"
    print(f"mails of {[len(session.message) for session in server.taken]} bytes, {trouble} occurrences")


def check_real_server(desk, ca, messages, security="starttls"):
    """All goes well; messages() gives what the server got."""
    result = desk.report(ca)
    assert result.returncode == 0, result.stderr
    reports = {report["customer"]: report for report in json.loads(result.stdout)["reports"]}
    got = {parsed(message)["To"].addresses[0].addr_spec: message for message in messages()}
    for name, report in reports.items():
        check_mail(got[TO[name][0]], name, report)
    print(security, {address: len(message) for address, message in got.items()})


@pytest.mark.slow
def test_three_customers_get_their_mails_once_from_each_server_and_a_refused_recipient_keeps_nobody_from_theirs(desk, ca, opensmtpd):
    scanned = desk.folder / "scanned.db"
    with contextlib.closing(sqlite3.connect(desk.folder / "health.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(scanned),))
    refuse_bob = {"rcpt": lambda session: "550 5.1.1 nobody here" if "bob@" in session.lines[-1] else "250 2.1.5 ok"}
    with ScriptedServer(refuse_bob, tls=tls_context(ca.server), mechanisms="PLAIN LOGIN") as server:
        check_first_mails(desk, server, ca)
        again = desk.report(ca)
        assert len(server.sessions) == 3 and all(report["mail"]["sent_before"] for report in json.loads(again.stdout)["reports"])
    with database.connect(desk.folder / "health.db") as connection:
        stored = dict(connection.execute("SELECT c.name, m.message FROM mail m JOIN customer c USING (customer_id)"))
        assert stored == {name: session.message for name, session in zip(ZONES, server.taken, strict=True)}
        assert connection.execute("SELECT count(*), sum(attempts) FROM mail_outbox WHERE state = 'sent'").fetchone() == (3, 3)
    good = GoodServer(ca.server)
    good.start()
    try:
        desk.restore(scanned)
        desk.configure(good.port)
        check_real_server(desk, ca, lambda: [envelope.original_content for envelope in good.envelopes])
    finally:
        good.stop()
    server, onward = opensmtpd
    desk.restore(scanned)
    desk.configure(server.port, "none")
    check_real_server(desk, ca, lambda: handed_on(onward, len(ZONES)), "none")
