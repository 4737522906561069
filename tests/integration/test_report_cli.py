"""m365keep report, from outside: its options, words, JSON and exit status, and each figure's SQL in the real sqlite3 shell. How mails
fare on their way is test_report_smtp.py's and test_report_graph.py's; here a mail meets a server that is there or not.

What people read is in golden/report/NAME.txt, after the test's name, written anew by M365KEEP_UPDATE_GOLDEN=1."""

import ctypes
import email
import email.policy
import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess

import pytest

import announcements
import timelines
from conftest import clean_environment
from desk import GOLDEN, UPDATE_GOLDEN, golden_name
from smtp_server import CLOSE, ScriptedServer, free_port
from terminal import Terminal
from timelines import DAY_S, Timeline

ZONE, DAY = "Europe/Warsaw", "2025-11-19"
BEGIN = timelines.day(ZONE, DAY)
END = BEGIN + DAY_S
NOW = END + 7 * 3600
HOUR = 3600
NAMES = {"Exchange": "Exchange Online", "Intune": "Microsoft Intune", "SharePoint": "SharePoint Online"}
TENANTS = {"contoso": "11111111-2222-4333-8444-555555555555", "fabrikam": "22222222-3333-4444-8555-666666666666"}
CREDENTIALS = {name.upper(): f"{tenant};aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee;not used" for name, tenant in TENANTS.items()}
NOBODY = "nobody@contoso.example"
MAILING = {"SMTP_SERVER": "127.0.0.1", "MAIL_FROM": "desk@example.org"}

ISSUES = [
    announcements.issue("EX100001", "Exchange Online", "Mail is <b>late</b>", "2025-11-19T09:00:00Z",
                        announcements.post("2025-11-19T08:30:00Z", "<p>We are looking into it.</p>"),
                        announcements.post("2025-11-19T09:00:00Z", "<p>A <b>fix</b> is on its way.<script>alert(1)</script></p>"),
                        startDateTime="2025-11-19T07:55:00Z"),
    announcements.issue("IT100002", "Microsoft Intune", "Long over", "2025-11-01T09:00:00Z", startDateTime="2025-11-01T07:00:00Z",
                        endDateTime="2025-11-02T07:00:00Z", isResolved=True, status="serviceRestored"),
]
MESSAGES = [
    announcements.message("MC100001", ["Exchange Online"], "Old ways to sign in end", "2025-11-10T08:00:00Z", "<p>Act.</p>",
                          category="planForChange", act_by="2025-12-01T00:00:00Z"),
    announcements.message("MC100002", ["Microsoft Intune"], "A new page", "2025-11-19T10:00:00Z", "<p>Look.</p>"),
    announcements.message("MC100003", ["SharePoint Online"], "Of long ago", "2025-10-01T10:00:00Z", "<p>Past.</p>"),
]


def contoso():
    """A day with trouble of Exchange, an hour in which nobody scanned, and one in which every scan failed."""
    statuses = {"Exchange": [("serviceOperational", BEGIN - DAY_S), ("serviceDegradation", BEGIN + 8 * HOUR),
                             ("restoringService", BEGIN + 10 * HOUR), ("serviceOperational", BEGIN + 11 * HOUR)],
                "Intune": [("serviceOperational", BEGIN - DAY_S)], "SharePoint": [("serviceOperational", BEGIN - DAY_S)]}
    scans = timelines.scans(BEGIN - DAY_S, END + HOUR, statuses, away=[(BEGIN + 14 * HOUR, BEGIN + 15 * HOUR)],
                            failing=[(BEGIN + 20 * HOUR, BEGIN + 21 * HOUR)])
    return Timeline("contoso", TENANTS["contoso"], scans, NAMES)


def fabrikam():
    """A day on which all was well."""
    statuses = {"Intune": [("serviceOperational", BEGIN - DAY_S)]}
    return Timeline("fabrikam", TENANTS["fabrikam"], timelines.scans(BEGIN - DAY_S, END + HOUR, statuses), NAMES)


@pytest.fixture(scope="session", name="kept")
def fixture_kept(tmp_path_factory):
    """A database with both customers. Read only."""
    path = tmp_path_factory.mktemp("report") / "kept.db"
    connection = timelines.create(path)
    contoso().store(connection, ISSUES, MESSAGES)
    fabrikam().store(connection)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return path


def without_privileges():
    """The superuser may write everywhere; this child may not."""
    library = ctypes.CDLL(None, use_errno=True)
    override, pr_capbset_drop = 1, 24

    def drop():
        if os.geteuid() == 0 and library.prctl(pr_capbset_drop, override, 0, 0, 0) != 0:
            os._exit(99)

    return drop


class Desk:
    """A folder with a copy of the database and an m365keep.yaml, where reports are asked for."""

    def __init__(self, keep, folder, kept, golden):
        self.keep, self.folder, self.golden = keep, folder, golden
        self.path = folder / "keep.db"
        shutil.copy(kept, self.path)
        self.smtp, self.customers, self.more = [], {"contoso": ["desk@contoso.example"], "fabrikam": ["desk@fabrikam.example"]}, []
        self.configure()

    def configure(self, *more):
        self.more = list(more) or self.more
        lines = ["database: keep.db", *self.more, *(["smtp:"] + [f"  {line}" for line in self.smtp] if self.smtp else []), "customers:"]
        for name, mail_to in self.customers.items():
            lines += [f"  - name: {name}", f"    variable: {name.upper()}", f"    timezone: {ZONE}", f"    mail_to: {json.dumps(mail_to)}"]
        (self.folder / "m365keep.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def mail_by(self, port):
        self.smtp = ["server: 127.0.0.1", f"port: {port}", "security: none", "from: Health desk <desk@example.org>"]
        self.configure()

    def report(self, *arguments, exits=0, now=NOW, env=None, **options):
        result = self.keep(["report", *arguments], env={"M365KEEP_CLOCK": f"{now}@0@{now}", **CREDENTIALS, **(env or {})}, **options)
        assert result.returncode == exits, result.stdout + result.stderr
        return result

    def write(self, *arguments, **options):
        """Files only, told as JSON; without credentials."""
        return self.told("--no-send", "--output", "out", *arguments, env=dict.fromkeys(CREDENTIALS), **options)

    def told(self, *arguments, **options):
        result = self.report("--json", *arguments, **options)
        assert result.stdout.count("\n") == 1 and result.stdout.endswith("}\n")
        return json.loads(result.stdout)

    def check_golden(self, result, stand_ins=None):
        words = f"exit {result.returncode}\n--- stdout\n{result.stdout}--- stderr\n{result.stderr}"
        for text, stand_in in (stand_ins or {}).items():
            words = words.replace(text, stand_in)
        path = GOLDEN / "report" / f"{self.golden}.txt"
        if UPDATE_GOLDEN:
            path.parent.mkdir(exist_ok=True)
            path.write_text(words, encoding="utf-8")
        assert path.exists(), f"{path} is missing; M365KEEP_UPDATE_GOLDEN=1 writes it:\n{words}"
        assert words == path.read_text(encoding="utf-8")

    def rows(self, text):
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(text).fetchall()
        finally:
            connection.close()


@pytest.fixture(name="desk")
def fixture_desk(keep, tmp_path, kept, request):
    return Desk(keep, tmp_path, kept, golden_name(request.node.name))


@pytest.fixture(name="server")
def fixture_server():
    """A mail server that takes everything but mail for NOBODY."""

    def recipient(session):
        return "550 5.1.1 no such user here" if NOBODY in session.lines[-1] else "250 2.1.5 recipient ok"

    server = ScriptedServer({"rcpt": recipient})
    yield server
    server.stop()


# --- what is told


def test_a_report_is_written_and_told_in_a_line_for_each_customer(desk):
    result = desk.report("--customer", "all", "--no-send", "--output", "out", env=dict.fromkeys(CREDENTIALS))
    desk.check_golden(result)
    names = {path.name for path in (desk.folder / "out").iterdir()}
    assert {f"contoso-{DAY}.html", f"fabrikam-{DAY}.html"} <= names
    assert {name for name in names if name.startswith("fabrikam") and name.endswith(".png")} == {
        f"fabrikam-{DAY}-overview.png", f"fabrikam-{DAY}-history.png"}
    assert f"contoso-{DAY}-exchange.png" in names


def test_json_has_every_figure(desk):
    told = desk.write("--customer", "contoso")
    assert list(told) == ["started", "finished", "reports", "delivered"] and told["delivered"] == []
    [report] = told["reports"]
    assert list(report) == ["customer", "tenant_id", "from", "to", "timezone", "services", "announcements", "other_issues", "scans", "gaps",
                            "files", "mail", "warnings", "error"]
    assert report["from"] == "2025-11-19T00:00:00+01:00" and report["to"] == "2025-11-20T00:00:00+01:00" and report["timezone"] == ZONE
    assert report["scans"] == {"good": 24 * 12 - 24, "failed": 12}
    assert report["gaps"] == [{"from": "2025-11-19T13:55:00+01:00", "to": "2025-11-19T15:00:00+01:00"},
                              {"from": "2025-11-19T19:55:00+01:00", "to": "2025-11-19T21:00:00+01:00"}]
    assert report["mail"] is None and report["warnings"] == [] and report["error"] is None
    exchange = report["services"][0]
    assert [service["name"] for service in report["services"]] == ["Exchange Online", "Microsoft Intune", "SharePoint Online"]
    assert exchange["overall"] == {"status": "serviceDegradation", "priority": 3, "impact": "degraded"}
    assert exchange["observed_seconds"] == DAY_S - 2 * 3900 and exchange["operational_seconds"] == DAY_S - 2 * 3900 - 3 * HOUR
    assert exchange["availability"] == 86.25
    assert exchange["gaps"] == report["gaps"]
    assert exchange["occurrences"] == [
        {"status": "serviceDegradation", "impact": "degraded", "from": "2025-11-19T08:00:00+01:00", "to": "2025-11-19T10:00:00+01:00",
         "seconds": 2 * HOUR, "scans": 24, "began_before": False, "goes_on": False},
        {"status": "restoringService", "impact": "affected", "from": "2025-11-19T10:00:00+01:00", "to": "2025-11-19T11:00:00+01:00",
         "seconds": HOUR, "scans": 12, "began_before": False, "goes_on": False}]
    intune = report["services"][1]
    assert intune["overall"]["impact"] == "operational" and intune["availability"] == 100 and intune["occurrences"] == []


def test_json_has_issues_with_their_last_post_and_announcements_with_their_dates(desk):
    [report] = desk.write("--customer", "contoso")["reports"]
    [issue] = report["services"][0]["issues"]
    assert (issue["id"], issue["title"], issue["resolved"]) == ("EX100001", "Mail is <b>late</b>", False)
    assert issue["last_post"] == {"at": "2025-11-19T10:00:00+01:00", "content": "A fix is on its way."}
    assert [(row["id"], row["action_by"], row["services"]) for row in report["announcements"]] == [
        ("MC100001", "2025-12-01T01:00:00+01:00", ["Exchange Online"]), ("MC100002", None, ["Microsoft Intune"])]


def test_a_customer_that_nobody_scanned_gets_a_report_that_says_so(desk):
    [report] = desk.write("--customer", "contoso", "--from", "2025-11-01", "--to", "2025-11-02")["reports"]
    assert report["scans"] == {"good": 0, "failed": 0}
    assert report["gaps"] == [{"from": "2025-11-01T00:00:00+01:00", "to": "2025-11-03T00:00:00+01:00"}]
    assert {service["overall"]["impact"] for service in report["services"]} == {"no-data"}
    assert {service["availability"] for service in report["services"]} == {None}
    assert len(report["warnings"]) == 1 and report["error"] is None
    page = next(path for path in report["files"] if path.endswith(".html"))
    assert "no data" in (desk.folder / page).read_text(encoding="utf-8").lower()


def test_a_customer_that_the_database_does_not_know_is_no_error(desk):
    desk.customers["new"] = ["desk@new.example"]
    desk.configure()
    result = desk.report("--customer", "new", "--no-send", "--output", "out", env=dict.fromkeys(CREDENTIALS))
    desk.check_golden(result)


def test_the_days_of_the_configuration_are_those_of_the_report(desk):
    desk.configure("report: {days_from: 3, days_to: 1}")
    [report] = desk.write("--customer", "contoso")["reports"]
    assert (report["from"], report["to"]) == ("2025-11-17T00:00:00+01:00", "2025-11-20T00:00:00+01:00")
    assert any(path.endswith(f"contoso-2025-11-17_{DAY}.html") for path in report["files"])
    assert [desk.write("--customer", "contoso", option, DAY)["reports"][0]["from"] for option in ("--from", "--to")] == [
        "2025-11-19T00:00:00+01:00"] * 2


def test_the_mail_is_among_the_files_where_sender_and_recipients_are_known(desk):
    assert not [path for path in desk.write("--customer", "contoso")["reports"][0]["files"] if path.endswith(".eml")]
    desk.mail_by(1)
    [path] = [path for path in desk.write("--customer", "contoso")["reports"][0]["files"] if path.endswith(".eml")]
    message = email.message_from_bytes((desk.folder / path).read_bytes(), policy=email.policy.default)
    assert message["To"] == "desk@contoso.example" and message["From"] == "Health desk <desk@example.org>"


def test_the_same_data_give_the_same_files(desk):
    first = {path: (desk.folder / path).read_bytes() for path in desk.write("--customer", "all")["reports"][0]["files"]}
    for path in first:
        (desk.folder / path).unlink()
    assert {path: (desk.folder / path).read_bytes() for path in desk.write("--customer", "all")["reports"][0]["files"]} == first


def test_the_folder_of_the_configuration_gets_the_files(desk):
    desk.configure("directories: {images: pictures}")
    desk.report("--customer", "contoso", "--no-send")
    assert (desk.folder / "pictures" / f"contoso-{DAY}.html").exists()


def test_help_fits_a_terminal(desk):
    own = [line for line in desk.report("--help").stdout.splitlines() if not re.match(r"  --(config|env-file)=", line)]
    assert max(map(len, own)) <= 80, max(own, key=len)


def test_one_day_is_told_as_one_by_explain(desk):
    script = desk.report("--customer", "contoso", "--explain", env=dict.fromkeys(CREDENTIALS)).stdout
    assert script.startswith("-- contoso: Wed 19 Nov 2025, Europe/Warsaw (from 2025-11-19T00:00:00+01:00 to before ")


# --- what is refused


REFUSED = {
    "an argument": ["contoso"],
    "an unknown customer": ["--customer", "contosso", "--no-send", "--output", "out"],
    "no customer of several": ["--no-send", "--output", "out"],
    "files nowhere": ["--customer", "all", "--no-send"],
    "no date": ["--customer", "all", "--no-send", "--output", "out", "--from", "yesterday"],
    "an impossible date": ["--customer", "all", "--no-send", "--output", "out", "--from", "2025-02-30"],
    "dates in the wrong order": ["--customer", "all", "--no-send", "--output", "out", "--from", DAY, "--to", "2025-11-01"],
    "days to come": ["--customer", "all", "--no-send", "--output", "out", "--from", "2025-12-01"],
    "days far away": ["--customer", "all", "--no-send", "--output", "out", "--from", "9999-12-31"],
    "too many days": ["--customer", "all", "--no-send", "--output", "out", "--from", "2020-01-01", "--to", DAY],
    "explain and json": ["--customer", "all", "--explain", "--json"],
    "explain and output": ["--customer", "all", "--explain", "--output", "out"],
    "no-send and resend": ["--customer", "all", "--no-send", "--resend", "--output", "out"],
    "no-send and wait": ["--customer", "all", "--no-send", "--wait", "1m", "--output", "out"],
    "a wait without a unit": ["--customer", "all", "--wait", "30"],
    "a wait of days": ["--customer", "all", "--wait", "25h"],
    "nowhere to send": ["--customer", "all"],
}


def test_what_cannot_be_done_is_refused_before_anything_is(desk):
    before = desk.path.read_bytes()
    words = "".join(f"### {what}: {' '.join(arguments)}\n{desk.report(*arguments, exits=2).stderr}" for what, arguments in REFUSED.items())
    desk.check_golden(subprocess.CompletedProcess([], 2, "", words))
    assert desk.path.read_bytes() == before and not (desk.folder / "out").exists()


def test_each_missing_key_of_sending_is_named(desk):
    for smtp, missing in (([], "smtp.server and smtp.from"), (["server: mail.example.org"], "smtp.from"),
                          (["from: desk@example.org"], "smtp.server"), (["transport: graph"], "smtp.from")):
        desk.smtp = smtp
        desk.configure()
        assert f"{missing} (or " in desk.report("--customer", "all", exits=2).stderr


def test_one_customer_need_not_be_named(desk):
    del desk.customers["fabrikam"]
    desk.configure()
    assert [report["customer"] for report in desk.write()["reports"]] == ["contoso"]


def test_the_customer_of_the_environment_needs_no_credentials_for_files(desk):
    (desk.folder / "m365keep.yaml").unlink()
    result = desk.report("--no-send", "--output", "out", "--json", env={
        **dict.fromkeys(CREDENTIALS), "GRAPH_TENANT_ID": TENANTS["contoso"], "M365KEEP_CUSTOMER": "contoso", "M365KEEP_DB": "keep.db",
        "TZ": ZONE, "MAIL_FROM": "desk@example.org", "MAIL_TO": "a@contoso.example"})
    [report] = json.loads(result.stdout)["reports"]
    assert report["timezone"] == ZONE and report["services"][0]["name"] == "Exchange Online"
    assert any(path.endswith(".eml") for path in report["files"])


def test_without_a_database_or_a_customer_it_says_what_to_do(desk):
    desk.path.unlink()
    result = desk.report("--customer", "all", "--no-send", "--output", "out", exits=1)
    assert "m365keep scan" in result.stderr and not desk.path.exists() and not (desk.folder / "out").exists()
    (desk.folder / "m365keep.yaml").unlink()
    assert "no customer" in desk.report("--no-send", "--output", "out", exits=2, env={"M365KEEP_DB": "keep.db"}).stderr


def test_a_file_that_cannot_be_written_is_an_error_of_its_customer_and_leaves_none(desk):
    page = desk.folder / "out" / f"contoso-{DAY}.html"
    page.mkdir(parents=True)
    told = desk.told("--customer", "all", "--no-send", "--output", "out", exits=3)
    contoso, fabrikam = told["reports"]
    assert page.name in contoso["error"]["message"] and "--output" in contoso["error"]["hint"] and contoso["files"] == []
    assert fabrikam["error"] is None and fabrikam["files"]
    assert [path for path in (desk.folder / "out").iterdir() if path.name.startswith("contoso")] == [page]
    result = desk.report("--customer", "contoso", "--no-send", "--output", "out", exits=1)
    assert "not written" in result.stdout and "mailed" not in result.stdout and "next=" in result.stderr


def test_what_is_at_fault_for_all_is_told_once_before_anything_is_made(desk):
    (desk.folder / "own").mkdir()
    (desk.folder / "own" / "report.txt.mustache").write_text("Hello\n{{#services}}\n")
    (desk.folder / "file").write_text("a file")
    for key, output, words in (("templates: own", "out", r"report\.templates .*report\.txt\.mustache\b.*\b2\b"),
                               ("templates: file", "out", r"report\.templates .*no folder"),
                               ("signature: none.html", "out", r"report\.signature .*none\.html.*take the key out"),
                               ("days_to: 1", "file", r"into file: file is no folder.*--output"),
                               ("days_to: 1", "file/out", r"into file/out: file is no folder"),
                               ("days_to: 1", "", r"--output needs the name of a folder")):
        desk.configure(f"report: {{{key}}}")
        result = desk.report("--customer", "all", "--no-send", "--output", output, exits=2)
        assert re.search(words, result.stderr) and result.stderr.count("m365keep report: ") == 1 and result.stdout == "", result.stderr
    assert not (desk.folder / "out").exists()


def test_a_tenant_is_known_by_its_variable_also_where_nothing_is_sent(desk):
    desk.customers = {"fabrikam": ["desk@contoso.example"], "renamed": ["desk@fabrikam.example"]}
    desk.configure()
    exchanged = {"FABRIKAM": CREDENTIALS["CONTOSO"], "RENAMED": CREDENTIALS["FABRIKAM"], "CONTOSO": None}
    first, second = desk.told("--customer", "all", "--no-send", "--output", "out", env=exchanged)["reports"]
    assert first["tenant_id"] == TENANTS["contoso"] and first["services"][0]["name"] == "Exchange Online"
    [warning] = first["warnings"]
    assert TENANTS["contoso"] in warning and TENANTS["fabrikam"] in warning
    assert second["tenant_id"] == TENANTS["fabrikam"] and len(second["services"]) == 1 and second["warnings"] == []
    assert desk.write("--customer", "fabrikam")["reports"][0]["tenant_id"] == TENANTS["fabrikam"]
    assert desk.write("--customer", "renamed")["reports"][0]["tenant_id"] is None


def test_a_service_that_nobody_has_seen_is_told(desk):
    yaml = desk.folder / "m365keep.yaml"
    yaml.write_text(f"database: keep.db\ncustomers:\n  - {{name: contoso, variable: A, timezone: {ZONE}, services: [Nonesuch, exchange]}}\n")
    result = desk.report("--no-send", "--output", "out", "--json")
    [warning] = json.loads(result.stdout)["reports"][0]["warnings"]
    assert '"Nonesuch"' in warning and "level=warn" in result.stderr and "Nonesuch" in result.stderr


def test_a_letter_that_no_font_has_is_told_once(desk):
    connection = sqlite3.connect(desk.path)
    connection.execute("UPDATE service_overview SET service = 'Exchange \U0010fffd'  WHERE id = 'Exchange'")
    connection.commit()
    connection.close()
    [report] = desk.write("--customer", "contoso")["reports"]
    [warning] = report["warnings"]
    assert "font" in warning and len([path for path in report["files"] if path.endswith(".png")]) == 3


def test_scans_too_far_apart_are_not_called_missing(desk):
    connection = sqlite3.connect(desk.path)
    connection.execute("DELETE FROM health_scan")
    connection.executemany("INSERT INTO health_scan (customer_id, at, ok) SELECT customer_id, ?, 1 FROM customer WHERE name = 'contoso'",
                           [(at,) for at in range(BEGIN, END, HOUR)])
    connection.execute("UPDATE service_state SET last_seen = first_seen")
    connection.commit()
    connection.close()
    [report] = desk.write("--customer", "contoso")["reports"]
    [warning] = report["warnings"]
    assert warning.startswith("24 scans ") and "none within 30 min" in warning and "schedule.health" in warning


def test_files_need_no_right_to_write_the_database(desk):
    desk.path.chmod(0o400)
    before = desk.path.read_bytes()
    told = desk.write("--customer", "contoso", preexec_fn=without_privileges())
    assert told["reports"][0]["services"] and desk.path.read_bytes() == before
    assert "cannot be written" in desk.report("--customer", "contoso", exits=1, env=MAILING,
                                                  preexec_fn=without_privileges()).stderr


# --- mail


def test_a_report_is_mailed_once_and_again_when_that_is_asked_for(desk, server):
    desk.mail_by(server.port)
    first = desk.told("--customer", "contoso")["reports"][0]["mail"]
    assert (first["state"], first["attempts"], first["sent_before"]) == ("sent", 1, False)
    assert first["recipients"][0]["address"] == "desk@contoso.example" and first["recipients"][0]["state"] == "sent"
    again = desk.told("--customer", "contoso")["reports"][0]["mail"]
    assert again == {**first, "sent_before": True} and len(server.sessions) == 1
    third = desk.told("--customer", "contoso", "--resend")["reports"][0]["mail"]
    assert third["state"] == "sent" and third["message_id"] != first["message_id"] and len(server.sessions) == 2
    assert desk.rows("SELECT state, resend FROM mail_outbox ORDER BY mail_id") == [("sent", 0), ("sent", 1)]


def test_one_customers_refused_recipient_does_not_stop_the_others(desk, server):
    desk.customers["contoso"] += [NOBODY]
    desk.mail_by(server.port)
    desk.check_golden(desk.report("--customer", "all", exits=3), {str(server.port): "<port>"})
    assert [session.recipients for session in server.sessions] == [["desk@contoso.example"], ["desk@fabrikam.example"]]


def test_a_customer_without_recipients_does_not_stop_the_others(desk, server):
    desk.customers["contoso"] = []
    desk.mail_by(server.port)
    told = desk.told("--customer", "all", exits=3)
    assert "customers[].mail_to" in told["reports"][0]["error"]["message"]
    assert told["reports"][1]["mail"]["state"] == "sent"


def test_a_mail_that_waits_is_tried_whatever_ails_the_next_report(desk, server):
    for fault, status in (("no recipients", 3), ("a template", 2)):
        desk.customers["contoso"], desk.more = ["desk@contoso.example"], []
        shutil.copy(desk.path, desk.folder / "before.db")
        desk.mail_by(free_port())
        desk.told("--customer", "contoso", exits=3)
        if fault == "no recipients":
            desk.customers["contoso"] = []
        else:
            desk.configure("report: {templates: nowhere}")
        desk.mail_by(server.port)
        desk.report("--customer", "contoso", exits=status, now=NOW + DAY_S)
        assert desk.rows(f"SELECT state FROM mail WHERE from_s = {BEGIN}") == [("sent",)], fault
        shutil.copy(desk.folder / "before.db", desk.path)


def test_a_server_that_is_away_leaves_the_mails_in_the_outbox_for_the_next_run(desk, server):
    port = free_port()
    desk.mail_by(port)
    desk.check_golden(desk.report("--customer", "all", exits=3), {str(port): "<port>"})
    assert desk.rows("SELECT customer, state, attempts FROM mail_outbox ORDER BY mail_id") == [
        ("contoso", "queued", 1), ("fabrikam", "queued", 0)]
    desk.mail_by(server.port)
    told = desk.told("--customer", "all", "--from", "2025-11-18", "--to", "2025-11-18", now=NOW + DAY_S)
    assert [report["mail"]["state"] for report in told["reports"]] == ["sent", "sent"]
    assert [(mail["customer"], mail["from"], mail["state"]) for mail in told["delivered"]] == [
        ("contoso", "2025-11-18T23:00:00Z", "sent"), ("fabrikam", "2025-11-18T23:00:00Z", "sent")]


def test_a_mail_that_everybody_refuses_is_composed_anew_by_the_next_run(desk, server):
    server.script["rcpt"] = "550 5.7.1 not from you"
    desk.mail_by(server.port)
    told = desk.told("--customer", "contoso", exits=1)["reports"][0]
    assert told["mail"]["state"] == "failed" and "not from you" in told["error"]["message"] and told["mail"]["next_attempt"] is None
    server.script["rcpt"] = None
    again = desk.told("--customer", "contoso")["reports"][0]
    assert again["mail"]["state"] == "sent" and again["mail"]["message_id"] != told["mail"]["message_id"] and again["error"] is None


def test_a_mail_that_nobody_knows_of_is_sent_again_only_by_hand_and_as_the_very_same(desk, server):
    server.script["message"] = CLOSE
    desk.mail_by(server.port)
    desk.check_golden(desk.report("--customer", "contoso", exits=3), {str(server.port): "<port>"})
    server.script["message"] = None
    mail = desk.told("--customer", "contoso", exits=3)["reports"][0]["mail"]
    assert (mail["state"], mail["attempts"], len(server.sessions)) == ("unknown", 1, 1)
    again = desk.told("--customer", "contoso", "--resend")["reports"][0]["mail"]
    assert (again["state"], again["attempts"], again["message_id"]) == ("sent", 2, mail["message_id"])
    first, second = (session.message for session in server.sessions)
    assert first == second and desk.rows("SELECT count(*) FROM mail") == [(1,)]


def test_a_mail_that_was_being_sent_when_its_program_ended_is_unknown(desk, server):
    desk.mail_by(server.port)
    desk.told("--customer", "contoso")
    connection = sqlite3.connect(desk.path)
    connection.execute("UPDATE mail SET state = 'sending', sent_at = NULL")
    connection.execute("UPDATE mail_recipient SET state = 'queued'")
    connection.commit()
    connection.close()
    mail = desk.told("--customer", "contoso", exits=3)["reports"][0]["mail"]
    assert mail["state"] == "unknown" and len(server.sessions) == 1


def test_waiting_for_a_server_ends_with_its_time(desk):
    """Time stands: waits take none, but count."""
    desk.mail_by(free_port())
    mail = desk.told("--customer", "contoso", "--wait", "10m", exits=3)["reports"][0]["mail"]
    assert mail["state"] == "queued" and mail["attempts"] in (4, 5)


def test_while_another_process_sends_mails_are_stored(desk, server):
    desk.mail_by(server.port)
    with open(f"{desk.path}.mail.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = desk.report("--customer", "contoso", exits=3)
    assert "Another process" in result.stdout and not server.sessions
    assert desk.rows("SELECT state FROM mail_outbox") == [("queued",)]
    assert desk.told("--customer", "contoso")["reports"][0]["mail"]["state"] == "sent"


def test_a_signal_ends_a_wait_and_says_what_remains(desk, build):
    desk.mail_by(free_port())
    process = subprocess.Popen([build / "m365keep", "report", "--customer", "all", "--wait", "1h"], cwd=desk.folder, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(desk.folder, CREDENTIALS))
    for line in process.stderr:
        if "mail=queued" in line:
            break
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 143 and "2 mails wait in the outbox" in words or "1 mail waits in the outbox" in words


def test_on_a_terminal_progress_is_shown_and_gone_at_the_end(desk, build):
    desk.mail_by(free_port())
    environment = clean_environment(desk.folder, {**CREDENTIALS, "TERM": "xterm-256color"})
    with Terminal([build / "m365keep", "report", "--customer", "all", "--wait", "1h"], cwd=desk.folder, env=environment) as screen:
        screen.wait_for(r"waiting until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ to try again")
        screen.process.send_signal(signal.SIGINT)
        assert screen.finish() == 130
        assert "contoso (1 of 2): drawing" in screen.text
        assert not any("waiting until" in line or "drawing" in line for line in screen.screen())


# --- where figures come from


def statements(script):
    """[(what is told of a figure, its SQL)] of what --explain prints."""
    found = []
    for block in script.split("\n\n"):
        lines = block.splitlines()
        comments = [line for line in lines if line.startswith("--")]
        text = "\n".join(line for line in lines if not line.startswith("-- "))
        if text.strip():
            found.append(([line[3:] for line in comments], text))
    return found


def test_each_figure_comes_with_sql_that_gives_it_in_the_shell(desk):
    script = desk.report("--customer", "all", "--explain", env=dict.fromkeys(CREDENTIALS)).stdout
    assert "SAYS OTHERWISE" not in script
    told = statements(script)
    assert len(told) == 2 * 2 + 4 * 5  # gaps and announcements of each customer, five of each service
    for comments, sql in told:
        rows = subprocess.run(["sqlite3", "-separator", " | ", "-nullvalue", "", desk.path], input=sql, text=True, capture_output=True, check=True)
        assert rows.stderr == ""
        shown = [line[4:] for line in comments if line.startswith("    ")]
        assert [re.sub(r"\.0+Z", "Z", row) for row in rows.stdout.splitlines()] == [re.sub(r"\.0+Z", "Z", row) for row in shown], comments


@pytest.mark.parametrize("seed, zone, services", [(1, "Europe/Warsaw", None), (2, "Pacific/Auckland", ["Exchange", "Nothing"]),
                                                  (3, "America/Havana", ["exchange online"]), (4, "UTC", None)])
def test_the_database_agrees_with_every_figure_of_wild_days(keep, tmp_path, seed, zone, services):
    begin, end = timelines.day(zone, "2025-11-02"), timelines.day(zone, "2025-11-04")
    early = end - 30000
    connection = timelines.create(tmp_path / "keep.db")
    timelines.random_timeline(seed, "contoso", TENANTS["contoso"], ["Exchange", "Intune", "Teams"], begin - DAY_S, end + DAY_S // 2,
                              changes=14, edges=(begin, early, end)).store(connection, ISSUES, MESSAGES)
    connection.close()
    followed = f", services: {json.dumps(services)}" if services else ""
    (tmp_path / "m365keep.yaml").write_text(
        f"database: keep.db\ncustomers:\n  - {{name: contoso, variable: CONTOSO, timezone: {zone}{followed}}}\n", encoding="utf-8")
    for now in (end + DAY_S, early):
        result = keep(["report", "--explain", "--from", "2025-11-02", "--to", "2025-11-03"], env={"M365KEEP_CLOCK": f"{now}@0@{now}"})
        assert result.returncode == 0 and "SAYS OTHERWISE" not in result.stdout, result.stderr + result.stdout


def test_explain_is_a_script_as_a_whole_and_writes_nothing(desk):
    before = desk.path.read_bytes()
    script = desk.report("--customer", "contoso", "--explain", env=dict.fromkeys(CREDENTIALS)).stdout
    result = subprocess.run(["sqlite3", "-bail", desk.path], input=script, text=True, capture_output=True, check=False)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert "serviceDegradation|2025-11-19T07:00:00Z|2025-11-19T09:00:00Z|7200|24" in result.stdout
    assert desk.path.read_bytes() == before
    assert sorted(path.name for path in desk.folder.iterdir()) == ["keep.db", "m365keep.yaml"]


def test_hostile_names_break_no_line_of_the_script(desk):
    connection = sqlite3.connect(desk.path)
    connection.execute("UPDATE service_issue SET title = ?", ("a\n; DROP TABLE mail; --\x1b[31m",))
    connection.execute("UPDATE service_overview SET service = ? WHERE id = 'Intune'", ("In'tune\nSELECT 1;",))
    connection.commit()
    connection.close()
    script = desk.report("--customer", "contoso", "--explain", env=dict.fromkeys(CREDENTIALS)).stdout
    assert "\x1b" not in script
    result = subprocess.run(["sqlite3", "-bail", desk.path], input=script, text=True, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert desk.rows("SELECT count(*) FROM mail") == [(0,)]
