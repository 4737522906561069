"""m365keep doctor: each thing that can be wrong with an installation is one line with its mend, and no secret is ever in it.

What people read of a healthy and of a broken installation is in golden/doctor, word for word."""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import socketserver
import sqlite3
import subprocess
import threading
import time

import pytest

import certificates
import conftest
from conftest import NOON, clean_environment, simulated_environment
from desk import GOLDEN, GUID, KNOWN_GUIDS, UPDATE_GOLDEN, golden_name
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT

DAY = 86400
STEADY = ["--sign-ins", "30", "--directory-audits", "20", "--users", "5", "--days", "2", "--intune-audits", "5", "--issues", "2",
          "--messages", "2"]
SOURCES = ["users", "sign-ins", "directory-audits", "intune-audits", "health"]
OTHER = {name: f"{number:08d}-2222-4333-8444-555555555555" for number, name in enumerate(
    ["wrong-secret", "nowhere", "poor", "unlicensed", "busy", "stale"], 1)}
MEMBERS = ["severity", "check", "customer", "source", "message", "mend", "code", "request_id"]

# Whatever is done, none of these is ever shown.
SECRETS = ["Zq9~Wrong.Secret", "Zq9~Mongo.Password", "Zq9~Mail.Password", "Zq9~Proxy.Password", CLIENT_SECRET]


class Examination:
    """One run of doctor: exit status, words, and the findings that --json told."""

    def __init__(self, result):
        self.status, self.out, self.words = result.returncode, result.stdout, result.stderr
        for secret in SECRETS:
            assert secret not in self.out + self.words
        assert "eyJ" not in self.out + self.words
        self.report = json.loads(self.out) if self.out.startswith("{") else None
        self.findings = self.report["findings"] if self.report else None

    def of(self, check, source=None, customer=None):
        """The findings of a check, as (severity, message)."""
        return [(one["severity"], one["message"]) for one in self.findings
                if one["check"] == check and one["source"] == source and customer in (None, one["customer"])]

    def one(self, severity, check, words, source=None):
        """The one finding of this severity and check; its mend."""
        found, = [one for one in self.findings if (one["severity"], one["check"], one["source"]) == (severity, check, source)]
        assert words in found["message"], found
        assert (found["mend"] is not None) == (severity in ("warn", "fail"))
        return found

    def bad(self):
        return {(one["check"], one["source"]) for one in self.findings if one["severity"] in ("warn", "fail")}


class Practice:
    """A folder with an installation, the simulator that it asks, and doctor at work there."""

    def __init__(self, keep, simulator, folder):
        self.keep, self.simulator, self.folder = keep, simulator, folder
        self.db = folder / "m365keep.db"

    def collect(self, **env):
        result = self.keep(["collect", "--db", self.db, "--only", "sign-ins,directory-audits"], sim=self.simulator, env=env)
        assert result.returncode == 0, result.stderr

    def look(self, *arguments, json_wanted=True, env=None, **options):
        if "--db" not in arguments:
            arguments = (*arguments, "--db", self.db)
        found = Examination(self.keep(["doctor", *(["--json"] if json_wanted else []), *arguments], sim=self.simulator, env=env, **options))
        assert found.findings is None or all(list(one) == MEMBERS for one in found.findings)
        return found


@pytest.fixture(name="practice")
def fixture_practice(keep, sim, tmp_path):
    """practice(OPTIONS, clock=None): with a simulator of these options."""
    def start(options=(), clock=None, authority=None):
        return Practice(keep, sim([*STEADY, *options], clock=clock, authority=authority), tmp_path)
    return start


def check_golden(name, text, stand_ins):
    """The lines that people read, without what differs from run to run."""
    for found, stand_in in stand_ins.items():
        text = text.replace(str(found), stand_in)
    text = re.sub(r"[\d.]+ (?:[KMGT]i)?B\b", "<size>", text)
    text = re.sub(r", which lasts \d+ days at the present growth", "", text)
    text = re.sub(r" at attempt \d+:", " at attempt <n>:", text)
    text = re.sub(r"(is not sound: |is damaged )[^\n]*? ->", r"\1<fault> ->", text)
    text = GUID.sub(lambda found: found[0] if found[0] in KNOWN_GUIDS or found[0] in OTHER.values() else "<guid>", text)
    path = GOLDEN / "doctor" / f"{golden_name(name)}.txt"
    if UPDATE_GOLDEN:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing; M365KEEP_UPDATE_GOLDEN=1 writes it:\n{text}"
    assert text == path.read_text(encoding="utf-8")


@contextlib.contextmanager
def closed_port():
    """A port on which nobody listens, and which nobody else gets meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.contextmanager
def open_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class MailServer(socketserver.ThreadingTCPServer):
    """Says `greeting`, answers EHLO with `offer`, and remembers what it was told. None: it says nothing."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, greeting="220 mail.example ESMTP\r\n", offer="250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"):
        super().__init__(("127.0.0.1", 0), MailTalk)
        self.greeting, self.offer, self.told = greeting, offer, []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class MailTalk(socketserver.StreamRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            if self.server.greeting is None:
                self.rfile.read()
                return
            self.wfile.write(self.server.greeting.encode("latin-1"))
            for line in self.rfile:
                self.server.told.append(line.decode().strip())
                if line.startswith(b"QUIT"):
                    break
                if self.server.offer is None:
                    break
                self.wfile.write(self.server.offer.encode("latin-1"))


def mail(server, **more):
    return {"SMTP_SERVER": "127.0.0.1", "SMTP_PORT": str(server if isinstance(server, int) else server.port),
            "MAIL_FROM": "desk@example.org", **more}


# --- the whole --------------------------------------------------------------------------------------------------------


def test_a_healthy_installation_has_nothing_to_mend(practice, tmp_path, request):
    here = practice()
    here.collect()
    with open_port() as mongo, MailServer() as server:
        env = mail(server, MONGO_URI=f"mongodb://keeper:Zq9~Mongo.Password@127.0.0.1:{mongo}/")
        run = here.look(json_wanted=False, env=env)
        assert run.status == 0 and run.words == "", run.out + run.words
        check_golden(request.node.name, run.out, {tmp_path: "<folder>", mongo: "<mongo port>", server.port: "<mail port>"})
        assert not any(line.startswith(("MAIL", "RCPT", "DATA", "AUTH")) for line in server.told)
        told = here.look(env=env)
    assert told.status == 0 and told.report["ok"] is True and told.report["worst"] == "note"
    assert list(told.report) == ["started", "finished", "interrupted", "ok", "worst", "findings"] and told.report["interrupted"] is False
    assert {one["source"] for one in told.findings if one["check"] == "source"} == set(SOURCES)
    assert len(told.findings) == len(run.out.splitlines()) - 1
    assert {one["mend"] for one in told.findings} == {None}


BROKEN = """
database: m365keep.db
smtp: {{ server: 127.0.0.1, port: {mail} }}
customers:
  - {{ name: contoso, variable: CONTOSO, sources: [users, sign-ins, directory-audits, intune-audits, unified-audit, health] }}
  - {{ name: wrong-secret, variable: WRONG_SECRET, sources: [health] }}
  - {{ name: nowhere, variable: NOWHERE, sources: [health] }}
  - {{ name: poor, variable: POOR, sources: [sign-ins, directory-audits, health] }}
  - {{ name: unlicensed, variable: UNLICENSED, sources: [sign-ins, intune-audits] }}
  - {{ name: busy, variable: BUSY, sources: [sign-ins, users] }}
  - {{ name: stale, variable: STALE, sources: [health] }}
"""


def break_everything(here, tmp_path, mail_port):
    """An installation in which most things that can be wrong are wrong at once; its environment."""
    here.collect()
    damage(here.db)
    here.db.chmod(0o644)
    (tmp_path / "m365keep.yaml").write_text(BROKEN.format(mail=mail_port), encoding="utf-8")
    (tmp_path / "m365keep.yaml").chmod(0o666)
    (tmp_path / "empty.pem").write_text("nothing\n", encoding="utf-8")
    variables = {name.upper().replace("-", "_"): tenant for name, tenant in OTHER.items() if name != "nowhere"}
    secrets = {name: f"{tenant};{CLIENT_ID};{CLIENT_SECRET}" for name, tenant in variables.items()}
    secrets["WRONG_SECRET"] = f"{OTHER['wrong-secret']};{CLIENT_ID};Zq9~Wrong.Secret"
    secrets["NOWHERE"] = f"99999999-2222-4333-8444-555555555555;{CLIENT_ID};{CLIENT_SECRET}"
    lines = [f"{key}='{value}'" for key, value in {"CONTOSO": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", **secrets}.items()]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / ".env").chmod(0o644)
    here.simulator.control("tenants", {"tenant": OTHER["poor"], "withheld_roles": ["AuditLog.Read.All", "ServiceMessage.Read.All"]})
    here.simulator.control("tenants", {"tenant": OTHER["unlicensed"], "premium": False, "intune": False, "registration": False})
    here.simulator.control("tenants", {"tenant": OTHER["stale"], "secret_expires": 10})
    here.simulator.faults([{"match": {"tenant": OTHER["busy"], "path": "signIns"},
                            "action": {"status": 429, "headers": {"Retry-After": "600"}}},
                           {"match": {"tenant": OTHER["busy"], "path": "users"}, "action": {"status": 503}}])
    credentials = dict.fromkeys(("GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET"))
    return {**credentials, "SSL_CERT_FILE": str(tmp_path / "empty.pem"), "M365KEEP_CLOCK": f"{NOON - 400}@0@{NOON}"}


def test_a_broken_installation_has_a_line_with_its_mend_for_each_fault(practice, tmp_path, request):
    here = practice([argument for name in ["", *OTHER] if name != "nowhere"
                     for argument in ("--tenant", OTHER[name] if name else TENANT)])
    with MailServer(offer="250-mail.example\r\n250 SIZE 1000\r\n") as server, closed_port() as mongo:
        env = {**break_everything(here, tmp_path, server.port),
               "MONGO_URI": f"mongodb://keeper:Zq9~Mongo.Password@127.0.0.1:{mongo},127.0.0.1:1/?replicaSet=rs0"}
        run = here.look(json_wanted=False, env=env)
        assert run.status == 4, run.words
        check_golden(request.node.name, run.out, {tmp_path: "<folder>", here.simulator.url: "<url>", mongo: "<mongo port>",
                                                  server.port: "<mail port>"})
        told = here.look(env=env)
    assert told.status == 4 and told.report["ok"] is False and told.report["worst"] == "fail"
    assert {"configuration", "secrets", "database", "network", "sign-in", "secret", "permissions", "source", "clock", "mongodb",
            "smtp"} <= {one["check"] for one in told.findings}
    for one in told.findings:
        assert (one["mend"] is not None) == (one["severity"] in ("warn", "fail")), one
        assert "\n" not in one["message"] and (one["mend"] or "").count("\n") == 0
    # In the order of the configuration, whoever answered first.
    order = list(dict.fromkeys(one["customer"] for one in told.findings if one["check"] == "sign-in"))
    assert order == ["contoso", *OTHER]
    # What the service refused can be quoted to its support.
    asked = {request["request_id"] for request in here.simulator.requests()}
    refused = [one for one in told.findings if one["check"] in ("sign-in", "source") and one["severity"] == "fail"]
    assert refused and all(one["request_id"] in asked and one["code"] for one in refused)


# --- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, words", [
    (["surplus"], "surplus"), (["--bogus"], "--bogus"), (["--db", ""], "--db"), (["--config", ""], "--config"),
    (["--customer", "nobody"], 'no customer "nobody"'), (["--customer", "defaul"], 'did you mean "default"?')])
def test_only_a_wrong_command_line_exits_2(practice, arguments, words):
    here = practice()
    result = here.keep(["doctor", *arguments], sim=here.simulator)
    assert result.returncode == 2 and result.stdout == "" and words in result.stderr
    assert here.simulator.requests() == []


def test_one_customer_may_be_asked_alone(practice, tmp_path):
    here = practice(["--tenant", TENANT, "--tenant", OTHER["poor"]])
    (tmp_path / "m365keep.yaml").write_text("customers:\n  - {name: contoso, variable: A, sources: [health]}\n"
                                            "  - {name: fabrikam, variable: B, sources: [health]}\n", encoding="utf-8")
    env = {"GRAPH_TENANT_ID": None, "GRAPH_CLIENT_ID": None, "GRAPH_CLIENT_SECRET": None,
           "A": f"{TENANT};{CLIENT_ID};Zq9~Wrong.Secret", "B": f"{OTHER['poor']};{CLIENT_ID};{CLIENT_SECRET}"}
    alone = here.look("--customer", "fabrikam", env=env)
    assert alone.status == 0 and {one["customer"] for one in alone.findings} == {None, "fabrikam"}
    for arguments in (["--customer", "all"], []):
        both = here.look(*arguments, env=env)
        assert both.status == 4 and {one["customer"] for one in both.findings} == {None, "contoso", "fabrikam"}


def test_quiet_lines_are_those_to_be_mended(practice):
    here = practice(["--withhold-role", "ServiceMessage.Read.All"])
    run = here.look("--quiet", json_wanted=False)
    assert run.status == 4 and [line[:4] for line in run.out.splitlines()] == ["FAIL", "FAIL"]


def test_a_request_id_is_shown_to_those_who_want_to_know_more(practice):
    here = practice()
    here.simulator.fault({"status": 403}, "signIns")
    silent, verbose = here.look(json_wanted=False), here.look("-v", json_wanted=False)
    assert "request id" not in silent.out and re.search(r"FAIL .*\(request id [0-9a-f-]{36}\)$", verbose.out, re.MULTILINE)


def test_the_lines_are_safe_for_a_terminal(practice):
    here = practice()
    here.simulator.fault({"status": 400, "body": json.dumps({"error": {"code": "BadRequest", "message": "\x1b[31mred\u202e"}})}, "signIns")
    run = here.look(json_wanted=False)
    assert run.status == 4 and "\x1b" not in run.out and "\u202e" not in run.out


def test_the_table_of_permissions_needs_no_configuration_and_is_what_the_documentation_holds(keep, tmp_path, repository):
    (tmp_path / "m365keep.yaml").write_text("broken: [", encoding="utf-8")
    result = keep(["doctor", "--permissions"])
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith("| source | application permission |") and len(result.stdout.splitlines()) > 10
    assert f"\n\n{result.stdout}\n" in (repository / "docs" / "permissions.md").read_text(encoding="utf-8")


# --- configuration ----------------------------------------------------------------------------------------------------


def test_a_broken_configuration_is_a_finding_and_the_database_is_looked_at_all_the_same(practice, tmp_path):
    here = practice()
    here.collect()
    before = len(here.simulator.requests())
    (tmp_path / "m365keep.yaml").write_text("databse: x.db\n", encoding="utf-8")
    run = here.look()
    assert run.status == 4 and "databse" in run.one("fail", "configuration", "m365keep.yaml")["message"]
    assert run.of("database")[0][0] == "ok" and run.of("disk")[0][0] == "ok"
    assert len(here.simulator.requests()) == before
    # Named by the environment, it is found too; named nowhere, there is none to look at.
    assert here.look("--db", here.db, env={"M365KEEP_DB": None}).of("database") == run.of("database")
    named = Examination(here.keep(["doctor", "--json"], sim=here.simulator, env={"M365KEEP_DB": str(here.db)}))
    assert named.of("database") == run.of("database")
    assert Examination(here.keep(["doctor", "--json"], sim=here.simulator)).of("database") == []


def test_missing_credentials_leave_the_rest_to_be_looked_at(practice, tmp_path):
    here = practice()
    here.collect()
    (tmp_path / ".env").write_text("# nothing yet\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o604)
    with MailServer() as server:
        run = here.look(env=mail(server, GRAPH_CLIENT_SECRET=None))
    assert run.status == 4
    run.one("fail", "configuration", "GRAPH_CLIENT_SECRET")
    run.one("warn", "secrets", ".env")
    run.one("ok", "smtp", "STARTTLS")
    assert run.of("database")[0][0] == "ok" and run.of("sign-in") == []


def test_a_customer_of_a_broken_configuration_is_no_wrong_usage(practice, tmp_path):
    here = practice()
    (tmp_path / "m365keep.yaml").write_text("customers:\n  - {name: contoso, variable: A}\n", encoding="utf-8")
    run = here.look("--customer", "contoso")
    assert run.status == 4 and "A, which is not set" in run.one("fail", "configuration", "customers[0]")["message"]


def test_a_source_that_is_not_collected_yet_is_said(practice, tmp_path):
    here = practice()
    (tmp_path / "m365keep.yaml").write_text("customers:\n  - {name: contoso, variable: A, sources: [unified-audit]}\n", encoding="utf-8")
    run = here.look(env={"A": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", "GRAPH_TENANT_ID": None, "GRAPH_CLIENT_ID": None,
                         "GRAPH_CLIENT_SECRET": None})
    assert ("note", "This version does not collect unified-audit yet.") in run.of("configuration", customer="contoso")
    run.one("warn", "source", "Nothing of this customer is collected")


@pytest.mark.parametrize("mode, words", [(0o600, None), (0o640, None), (0o644, "read"), (0o604, "read"), (0o602, "change")])
def test_files_with_secrets_that_everybody_may_open_are_warned_of(practice, tmp_path, mode, words):
    here = practice()
    paths = [tmp_path / ".env", tmp_path / "secret.txt"]
    paths[0].write_text("GRAPH_CLIENT_SECRET_FILE=secret.txt\n", encoding="utf-8")
    paths[1].write_text(f"{CLIENT_SECRET}\n", encoding="utf-8")
    for path in paths:
        path.chmod(mode)
    run = here.look(env={"GRAPH_CLIENT_SECRET": None})
    found = [one for one in run.findings if one["check"] == "secrets"]
    assert len(found) == (2 if words else 0) and run.status == (4 if words else 0)
    for one, name in zip(found, (".env", "secret.txt")):
        assert one["severity"] == "warn" and f"may {words} it" in one["message"] and one["mend"] == f"chmod o-rwx {name}"


def test_a_certificate_that_everybody_may_read_is_warned_of(practice, tmp_path):
    here = practice()
    paper = certificates.AppCertificate(tmp_path)
    paper.both.chmod(0o644)
    run = here.look(env={"GRAPH_CLIENT_SECRET": None, "GRAPH_CLIENT_CERTIFICATE": str(paper.both)})
    run.one("warn", "secrets", str(paper.both))


def test_a_configuration_that_everybody_may_change_is_warned_of(practice, tmp_path):
    here = practice()
    path = tmp_path / "m365keep.yaml"
    path.write_text("mongo: {}\n", encoding="utf-8")
    path.chmod(0o644)
    assert here.look().status == 0
    path.chmod(0o646)
    assert here.look().one("warn", "secrets", "may change it")["mend"] == "chmod o-w m365keep.yaml"


# --- database ---------------------------------------------------------------------------------------------------------


def damage(path):
    """Overwrites the beginning of each page behind the schema's own: SQLite still opens the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = path.stat().st_size // 16384
    with open(path, "r+b") as file:
        for page in range(pages // 2, pages):
            file.seek(page * 16384)
            file.write(b"\x00" * 64)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_database_that_is_not_there_yet_is_no_fault_and_is_not_made(practice, tmp_path):
    here = practice()
    run = here.look()
    assert run.status == 0 and "the first collect makes it" in run.of("database")[0][1] and run.of("disk")[0][0] == "ok"
    assert contents(tmp_path) == {}


def test_a_database_for_which_there_is_no_folder_is_told(practice, tmp_path):
    here = practice()
    run = here.look("--db", tmp_path / "none" / "audit.db")
    assert run.status == 4 and "There is no folder" in run.one("fail", "database", "none")["message"] and run.of("disk") == []
    assert contents(tmp_path) == {}


def foreign_file(path):
    path.write_bytes(b"hello, world\n" * 100)


def foreign_database(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t(a)")


def a_folder(path):
    path.mkdir()


def newer_version(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 0x4d333635")
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE t(a)")


@pytest.mark.parametrize("prepare, words", [(foreign_file, "is not an SQLite database"), (foreign_database, "of another program"),
                                            (a_folder, "is a folder"), (newer_version, "newer m365keep")])
def test_a_file_that_is_no_database_of_ours_is_told_and_left_alone(practice, tmp_path, prepare, words):
    here = practice()
    prepare(here.db)
    if here.db.is_file():
        here.db.chmod(0o600)
    before = contents(tmp_path)
    run = here.look()
    assert run.status == 4 and run.one("fail", "database", words)["mend"]
    assert contents(tmp_path) == before


def test_an_empty_file_becomes_a_database_and_so_is_no_fault(practice, tmp_path):
    here = practice()
    here.db.touch(0o600)
    run = here.look()
    assert run.status == 0 and run.of("database") == [("note", f"{here.db} is an empty file: the first collect makes a database of it.")]
    assert run.of("disk")[0][0] == "ok" and contents(tmp_path) == {here.db.name: b""}


def test_an_older_database_is_brought_up_to_date_by_collect_and_so_no_fault(practice, tmp_path, repository):
    here = practice()
    with contextlib.closing(sqlite3.connect(here.db)) as connection:
        connection.executescript((repository / "migrations" / "0001_initial.sql").read_text(encoding="utf-8"))
        connection.execute("PRAGMA user_version = 1")
    here.db.chmod(0o600)
    run = here.look()
    assert run.status == 0 and any(severity == "note" and "older m365keep" in message for severity, message in run.of("database"))


def test_a_damaged_database_is_told(practice):
    here = practice()
    here.collect()
    damage(here.db)
    run = here.look()
    assert run.status == 4 and "backup" in run.one("fail", "database", "m365keep.db")["mend"]


def test_a_database_that_others_may_read_is_warned_of(practice):
    here = practice()
    here.collect()
    here.db.chmod(0o640)
    run = here.look()
    assert run.status == 4 and run.one("warn", "database", "mode 0640")["mend"] == f"chmod 600 {here.db}"
    assert "ok" in [row[0] for row in run.of("database")]


def test_a_customer_that_was_forgotten_in_part_is_warned_of(practice):
    here = practice()
    here.collect()
    with contextlib.closing(sqlite3.connect(here.db)) as connection, connection:
        connection.execute("INSERT INTO maintenance (task, started_at) VALUES ('scrub', 1)")
    run = here.look()
    assert run.status == 4 and "m365keep maintain optimize" in run.one("warn", "database", "A customer was forgotten")["mend"]


def without_privileges():
    """The superuser may write everywhere; this child may not."""
    library = ctypes.CDLL(None, use_errno=True)
    override, read_search, pr_capbset_drop = 1, 2, 24

    def drop():
        if os.geteuid() == 0:
            for capability in (override, read_search):
                if library.prctl(pr_capbset_drop, capability, 0, 0, 0) != 0:
                    os._exit(99)

    return drop


@pytest.mark.parametrize("what", ["file", "folder", "empty_folder"])
def test_a_database_that_cannot_be_written_is_told(practice, tmp_path, what):
    here, folder = practice(), tmp_path / "there"
    folder.mkdir()
    here.db = folder / "m365keep.db"
    if what != "empty_folder":
        here.collect()
    if what == "file":
        here.db.chmod(0o400)
    else:
        folder.chmod(0o500)
    try:
        run = here.look(preexec_fn=without_privileges())
    finally:
        folder.chmod(0o700)
    assert run.status == 4
    found = [one for one in run.findings if one["check"] == "database" and one["severity"] == "fail"]
    assert found and str(here.db if what == "file" else folder) in found[0]["message"] and "Permission denied" in found[0]["message"]


@pytest.mark.parametrize("suffix, doing", [(".lock", "collecting"), (".health.lock", "scanning service health")])
def test_whoever_works_on_the_database_is_named_and_not_disturbed(practice, suffix, doing):
    import fcntl  # pylint: disable=import-outside-toplevel
    here = practice()
    here.collect()
    with open(f"{here.db}{suffix}", "w", encoding="ascii") as lock:
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        assert not any("Now" in message for _, message in here.look().of("database"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = here.look()
        assert run.status == 0 and ("note", f"Now process {os.getpid()} is {doing} into it.") in run.of("database")


# --- network ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content, words", [(None, "cannot be read"), ("", "holds no certificate"), ("-----BEGIN PRIVATE KEY-----\n", "holds no")])
def test_a_file_of_trusted_certificates_that_holds_none_is_told(practice, tmp_path, content, words):
    here, path = practice(), tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="ascii")
    run = here.look(env={"SSL_CERT_FILE": str(path)})
    assert run.status == 4 and "SSL_CERT_FILE" in run.one("fail", "network", words)["mend"]


def test_a_file_of_trusted_certificates_is_said_to_take_the_place_of_the_systems(practice, ca):
    here = practice(authority=ca)
    run = here.look()
    assert run.status == 0, run.findings
    run.one("ok", "network", "holds 1 certificate")


def test_a_proxy_is_named_without_its_password(practice, ca):
    here = practice(authority=ca)
    with closed_port() as port:
        run = here.look(env={"HTTPS_PROXY": f"http://keeper:Zq9~Proxy.Password@127.0.0.1:{port}"})
        assert run.status == 4 and run.of("network")[0] == ("note", f"Requests go through the proxy http://127.0.0.1:{port}.")
        assert "HTTPS_PROXY" in run.one("fail", "sign-in", "")["mend"]
        direct = here.look(env={"HTTPS_PROXY": f"http://127.0.0.1:{port}", "NO_PROXY": "localhost"})
        assert direct.status == 0 and not any("proxy" in message for _, message in direct.of("network"))


# --- sign-in ----------------------------------------------------------------------------------------------------------

REFUSALS = {
    "wrong_secret": ({"GRAPH_CLIENT_SECRET": "Zq9~Wrong.Secret"}, None, "AADSTS7000215", "secret"),
    "expired_secret": ({}, {"aadsts": 7000222}, "AADSTS7000222", "expired"),
    "unknown_tenant": ({"GRAPH_TENANT_ID": "99999999-2222-4333-8444-555555555555"}, None, "AADSTS90002", "tenant ID"),
    "unknown_app": ({"GRAPH_CLIENT_ID": "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee"}, None, "AADSTS700016", "application ID"),
    "no_service": ({}, {"status": 503}, "ServiceUnavailable", ""),
    "lost": ({}, {"reset": True}, "connection_lost", "network"),
}

# What comforts whoever reads the log of a collect is no mend.
COMFORT = "Nothing is lost"


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_sign_in_is_told_with_what_to_do(practice, case):
    env, fault, code, mend = REFUSALS[case]
    here = practice()
    if fault:
        here.simulator.fault(fault, "/oauth2/")
    run = here.look(env=env)
    found = run.one("fail", "sign-in", "")
    assert run.status == 4 and found["code"] == code and mend in found["mend"] and COMFORT not in found["mend"] and found["customer"] == "default"
    assert run.of("permissions") == [] and {request["endpoint"] for request in here.simulator.requests()} == {"token"}


def test_a_service_that_does_not_answer_is_not_waited_for_long(practice):
    here = practice()
    here.simulator.fault({"stall_after": 0}, "/oauth2/")
    run = here.look(env={"REQUEST_TIMEOUT_SECONDS": "1"})
    found = run.one("fail", "sign-in", "")
    assert run.status == 4 and found["code"] == "timeout" and "HTTPS_PROXY" in found["mend"] and COMFORT not in found["mend"]


def test_a_host_that_refuses_connections_is_told(practice):
    here = practice()
    with closed_port() as port:
        run = here.look(env={"LOGIN_URL": f"http://127.0.0.1:{port}"})
    assert run.status == 4 and run.one("fail", "sign-in", str(port))["code"] == "connect"
    assert run.of("clock") == [("note", "M365KEEP_CLOCK is set: time is simulated, and not this machine's.")]


@pytest.mark.parametrize("seconds, severity", [(0, "ok"), (60, "ok"), (61, "warn"), (-300, "warn"), (301, "fail"), (-86400, "fail")])
def test_a_clock_that_differs_from_the_services_is_told(practice, seconds, severity):
    here = practice()
    run = here.look(env={"M365KEEP_CLOCK": f"{NOON + seconds}@0@{NOON}"})
    way = f"is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'}" if severity != "ok" else "agrees"
    run.one(severity, "clock", way)
    assert run.status == (0 if severity == "ok" else 4)


@pytest.mark.parametrize("days, severity", [(180, "ok"), (31, "ok"), (29, "warn"), (0, "warn"), (-1, "fail")])
def test_a_secret_that_expires_is_told_in_time(practice, days, severity):
    here = practice(["--secret-expires", "400"])
    if days < 0:  # the service would refuse it: only its registration says so
        body = {"value": [{"passwordCredentials": [{"hint": CLIENT_SECRET[:3], "endDateTime": "2025-11-19T12:00:00Z"}]}]}
        here.simulator.fault({"body": json.dumps(body)}, "/applications")
    elif days == 0:
        body = {"value": [{"passwordCredentials": [{"hint": CLIENT_SECRET[:3], "endDateTime": "2025-11-20T18:00:00Z"}]}]}
        here.simulator.fault({"body": json.dumps(body)}, "/applications")
    else:
        here.simulator.control("tenants", {"tenant": TENANT, "secret_expires": days})
    run = here.look()
    found = run.one(severity, "secret", "The client secret")
    assert run.status == (0 if severity == "ok" else 4)
    assert not re.search(rf"\b{re.escape(CLIENT_SECRET[:3])}\b", found["message"] + (found["mend"] or ""))


def test_without_the_right_to_look_the_expiry_is_not_told_but_how_to_let_it_be(practice):
    here = practice(["--withhold-role", "Directory.Read.All", "--withhold-role", "Application.Read.All"])
    run = here.look()
    assert "Application.Read.All" in run.of("secret")[0][1] and run.of("secret")[0][0] == "note"
    assert not any("applications" in request["uri"] for request in here.simulator.requests())


def test_a_registration_that_may_not_be_read_after_all_is_no_fault(practice):
    here = practice()
    here.simulator.fault({"status": 403}, "/applications")
    run = here.look()
    assert run.status == 0 and run.of("secret") == [
        ("note", "When the client secret expires cannot be told: the permission Application.Read.All would let the app look it up.")]


UNREADABLE = {"out_of_order": ({"status": 503}, "HTTP 503"), "no_json": ({"html": True}, "/applications"), "lost": ({"reset": True}, "/applications")}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_registration_that_cannot_be_read_just_now_is_told_in_the_failures_own_words(practice, case):
    fault, words = UNREADABLE[case]
    here = practice()
    here.simulator.fault(fault, "/applications")
    run = here.look()
    found = run.one("note", "secret", "When the client secret expires cannot be told: GET ")
    assert run.status == 0 and words in found["message"] and "permission" not in found["message"] and found["code"]


def test_an_app_that_is_registered_elsewhere_is_said(practice):
    here = practice()
    here.simulator.control("tenants", {"tenant": TENANT, "registration": False})
    run = here.look()
    assert run.status == 0 and "not in this tenant" in run.of("secret")[0][1]


@pytest.mark.parametrize("span, severity", [((-90, 400), "ok"), ((-90, 10), "warn"), ((-90, -1), "fail")])
def test_a_certificate_that_expires_is_told_in_time(practice, tmp_path, span, severity):
    paper = certificates.AppCertificate(tmp_path, span=tuple(NOON + days * DAY for days in span))
    here = practice(["--client-certificate", paper.public])
    run = here.look(env={"GRAPH_CLIENT_SECRET": None, "GRAPH_CLIENT_CERTIFICATE": str(paper.both)})
    run.one(severity, "certificate", "The app's certificate")
    assert run.of("secret") == [] and run.of("sign-in")[0][0] == ("fail" if severity == "fail" else "ok")
    assert "PRIVATE KEY" not in run.out + run.words


# --- permissions and sources ------------------------------------------------------------------------------------------


def test_missing_permissions_are_one_line_that_says_for_what(practice):
    here = practice(["--withhold-role", "AuditLog.Read.All", "--withhold-role", "ServiceHealth.Read.All"])
    run = here.look()
    assert run.one("fail", "permissions", "")["message"] == \
        "Not granted: AuditLog.Read.All (for sign-ins, directory-audits), ServiceHealth.Read.All (for health)."
    assert run.bad() == {("permissions", None), *(("source", source) for source in ("sign-ins", "directory-audits", "health"))}
    for source in ("sign-ins", "directory-audits"):
        assert "AuditLog.Read.All" in run.one("fail", "source", "403", source=source)["mend"]
    assert "permissions AuditLog.Read.All and Directory.Read.All" in run.one("fail", "source", "", source="directory-audits")["mend"]
    # Needed by one source, it is not called unneeded for the sake of another.
    assert not any("not needed" in message and "AuditLog.Read.All" in message for _, message in run.of("permissions"))


@pytest.mark.parametrize("withheld, listing", [("ServiceMessage.Read.All", "messages"), ("ServiceHealth.Read.All", "healthOverviews")])
@pytest.mark.parametrize("tokens", ["clear", "opaque"])
def test_each_listing_with_a_permission_of_its_own_is_asked(practice, withheld, listing, tokens):
    here = practice(["--withhold-role", withheld, *(["--opaque-tokens"] if tokens == "opaque" else [])])
    run = here.look()
    assert run.status == 4 and run.bad() == {("source", "health"), *([("permissions", None)] if tokens == "clear" else [])}
    found = run.one("fail", "source", f"/v1.0/admin/serviceAnnouncement/{listing} answered HTTP 403", source="health")
    assert withheld in found["mend"] and len(run.of("source", source="health")) == 1
    if tokens == "clear":
        run.one("fail", "permissions", f"Not granted: {withheld} (for health).")


def test_a_permission_that_the_service_does_without_is_only_warned_of(practice):
    here = practice(["--withhold-role", "ServiceMessage.Read.All"])
    here.simulator.fault({"status": 200, "body": json.dumps({"value": []})}, "messages")
    run = here.look()
    assert run.status == 4 and run.bad() == {("permissions", None)}
    run.one("warn", "permissions", "ServiceMessage.Read.All (for health). The service answers all the same.")


def name_services(folder, services):
    (folder / "m365keep.yaml").write_text(f"customers:\n  - {{name: contoso, variable: A, sources: [health], services: [{services}]}}\n",
                                          encoding="utf-8")
    return {"GRAPH_TENANT_ID": None, "GRAPH_CLIENT_ID": None, "GRAPH_CLIENT_SECRET": None, "A": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}"}


def test_a_service_that_no_overview_bears_is_warned_of_with_the_names_there_are(practice, tmp_path):
    here = practice()
    run = here.look(env=name_services(tmp_path, "exchange, MICROSOFT INTUNE, Sharepont"))
    found = run.one("warn", "source", 'The tenant has no service "Sharepont"', source="health")
    assert run.status == 4 and run.bad() == {("source", "health")}
    assert "Exchange (Exchange Online)" in found["message"] and "services" in found["mend"]
    assert run.of("source", source="health")[0] == ("ok", "The service answers.")


@pytest.mark.parametrize("fault", [{"status": 503}, {"body": json.dumps({"value": []})}], ids=["no_answer", "no_service"])
def test_names_of_services_are_not_judged_without_their_list(practice, tmp_path, fault):
    here = practice()
    here.simulator.fault(fault, "healthOverviews")
    run = here.look(env=name_services(tmp_path, "Sharepont"))
    assert not any("Sharepont" in one["message"] for one in run.findings)


def test_tokens_that_cannot_be_looked_into_leave_the_sources_answers(practice):
    here = practice(["--opaque-tokens", "--withhold-role", "AuditLog.Read.All"])
    run = here.look()
    assert run.of("permissions")[0][0] == "note" and len(run.of("permissions")) == 1
    assert run.bad() == {("source", "sign-ins"), ("source", "directory-audits")}
    assert run.of("secret")[0][0] == "ok"


ANSWERS = {
    "no_premium": ({"premium": False}, None, "warn", "sign-ins", "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
    "no_intune": ({"intune": False}, None, "warn", "intune-audits", None),
    "unknown_api": (None, {"status": 400, "body": json.dumps({"error": {
        "code": "BadRequest", "message": "Resource not found for the segment 'signIns'."}})}, "warn", "sign-ins", "BadRequest"),
    "forbidden": (None, {"status": 403}, "fail", "sign-ins", None),
    "out_of_order": (None, {"status": 500}, "fail", "sign-ins", None),
    "throttled": (None, {"status": 429, "headers": {"Retry-After": "300"}}, "warn", "sign-ins", None),
    "no_json": (None, {"html": True}, "fail", "sign-ins", None),
    "elsewhere": (None, {"redirect": "http://192.0.2.1/"}, "fail", "sign-ins", None),
    "stalls": (None, {"stall_after": 10}, "fail", "sign-ins", "timeout"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_a_source_is_answered_is_told_of_that_source_alone(practice, case):
    tenant, fault, severity, source, code = ANSWERS[case]
    here = practice()
    if tenant:
        here.simulator.control("tenants", {"tenant": TENANT, **tenant})
    if fault:
        here.simulator.fault(fault, "signIns")
    run = here.look(env={"REQUEST_TIMEOUT_SECONDS": "1"})
    found = run.one(severity, "source", "", source=source)
    assert run.status == 4 and run.bad() == {("source", source)} and found["mend"].endswith((".", ")"))
    assert code in (None, found["code"])
    for other in set(SOURCES) - {source}:
        assert run.of("source", source=other) == [("ok", "The service answers.")]


def test_each_source_is_asked_once_and_for_little(practice):
    here = practice()
    assert here.look().status == 0
    asked = [request for request in here.simulator.requests() if request["endpoint"] != "token"]
    # Of health two listings, each with a permission of its own; and the app's registration.
    assert len(asked) == len(SOURCES) + 2 and len({request["uri"].split("?")[0] for request in asked}) == len(asked)
    messages, = [request for request in asked if request["uri"].endswith("/messages")]
    assert "odata.maxpagesize=1" in messages["prefer"] and not any("top" in request["uri"] for request in asked
                                                                              if "serviceAnnouncement" in request["uri"])


# --- MongoDB and mail -------------------------------------------------------------------------------------------------


def test_mongodb_is_reached_when_one_of_its_hosts_is(practice):
    here = practice()
    with open_port() as alive, closed_port() as dead:
        run = here.look(env={"MONGO_URI": f"mongodb://keeper:Zq9~Mongo.Password@127.0.0.1:{dead},127.0.0.1:{alive}/?w=majority"})
    assert run.status == 0 and run.of("mongodb")[0] == ("ok", f"127.0.0.1:{alive} can be reached.")
    assert run.of("mongodb")[1][0] == "note" and f"127.0.0.1:{dead}" in run.of("mongodb")[1][1]


@pytest.mark.parametrize("uri", ["mongodb://keeper:Zq9~Mongo.Password@127.0.0.1:{port}", "mongodb://keeper:Zq9~Mongo.Password@{folder}%2Fno.sock",
                                 "mongodb://keeper:Zq9~Mongo.Password/x@127.0.0.1:{port}"], ids=["refused", "socket", "encoding"])
def test_mongodb_that_cannot_be_reached_is_told_without_credentials(practice, tmp_path, uri):
    here = practice()
    with closed_port() as port:
        run = here.look(env={"MONGO_URI": uri.format(port=port, folder=str(tmp_path).replace("/", "%2F"))})
    assert run.status == 4 and run.bad() == {("mongodb", None)} and "keeper" not in run.out


def test_mongodb_on_a_socket_of_this_machine_is_reached(practice, tmp_path):
    here = practice()
    path = tmp_path / "m.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        run = here.look(env={"MONGO_URI": f"mongodb://{str(path).replace('/', '%2F')}"})
    assert run.status == 0
    run.one("ok", "mongodb", "m.sock")


OFFERS = {
    "starttls": ("220 mail\r\n", "250-mail\r\n250 STARTTLS\r\n", {}, "ok", "offers STARTTLS."),
    "no_starttls": ("220 mail\r\n", "250 mail\r\n", {}, "fail", "offers no STARTTLS"),
    "not_wanted": ("220 mail\r\n", "250 mail\r\n", {"SMTP_SECURITY": "none"}, "ok", "answers."),
    "auth": ("220-mail\r\n220 is here\r\n", "250-mail\r\n250 AUTH PLAIN LOGIN\r\n", {"SMTP_SECURITY": "none", "SMTP_USER": "keeper"}, "ok",
             "offers AUTH"),
    "no_auth": ("220 mail\r\n", "250 mail\r\n", {"SMTP_SECURITY": "none", "SMTP_USER": "keeper"}, "fail", "offers no AUTH"),
    "auth_inside_tls": ("220 mail\r\n", "250-mail\r\n250 STARTTLS\r\n", {"SMTP_USER": "keeper"}, "ok", "offers STARTTLS."),
    "refuses": ("554 5.7.1 go\x1b[31m away\r\n", "", {}, "fail", "554 5.7.1 go\\x1b[31m away"),
    "refuses_ehlo": ("220 mail\r\n", "502 what?\r\n", {}, "fail", "502 what?"),
    "hangs_up": ("220 mail\r\n", None, {}, "fail", "EHLO"),
    "no_smtp": ("HTTP/1.1 400 Bad Request\r\n\r\n", "", {}, "fail", "with \"HTTP/1.1 400 Bad Request\": that is no mail server."),
    "no_smtp_later": ("220 mail\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", {}, "fail", "that is no mail server."),
    "endless": ("220-" + "x" * 100000, "", {}, "fail", "without end"),
    "no_utf8": ("554 \xff\xfe\r\n", "", {}, "fail", "554 \ufffd\ufffd"),
}


@pytest.mark.parametrize("case", OFFERS)
def test_the_mail_server_is_judged_by_what_it_says(practice, case):
    greeting, offer, env, severity, words = OFFERS[case]
    here = practice()
    with MailServer(greeting, offer) as server:
        if "SMTP_USER" in env:
            env = {**env, "SMTP_PASSWORD": "Zq9~Mail.Password"}
        run = here.look(env=mail(server, **env))
        run.one(severity, "smtp", words)
        assert run.status == (0 if severity == "ok" else 4)
        assert {line.split()[0] for line in server.told} <= {"EHLO", "QUIT"}


def test_a_mail_server_that_cannot_be_reached_is_told(practice):
    here = practice()
    with closed_port() as port:
        run = here.look(env=mail(port))
    assert run.status == 4 and "587" in run.one("fail", "smtp", str(port))["mend"]


@pytest.mark.slow
def test_servers_that_say_nothing_are_left_after_their_time(practice):
    here = practice()
    begun = time.monotonic()
    with MailServer(None) as server:
        run = here.look(env=mail(server))
    assert run.status == 4 and time.monotonic() - begun < 60
    run.one("fail", "smtp", "no answer within 10 s")


def test_mail_needs_a_server_and_a_sender(practice):
    here = practice()
    with MailServer() as server:
        unsigned, well = here.look(env=mail(server, MAIL_FROM=None)), here.look(env=mail(server, MAIL_TO="ada@contoso.example"))
    assert unsigned.bad() == {("mail", None)} and unsigned.one("warn", "mail", "no sender")["mend"].startswith("Set smtp.from (or MAIL_FROM)")
    assert not well.bad() and well.of("mail") == []
    nowhere = here.look(env={"MAIL_TO": "ada@contoso.example", "MAIL_FROM": "desk@example.org"})
    assert nowhere.bad() == {("mail", None)}
    assert "smtp.server" in nowhere.one("warn", "mail", "Reports of 1 customer have recipients, but no mail server")["mend"]
    assert here.look(env={"MAIL_FROM": "desk@example.org"}).of("mail") == []


def test_mail_by_graph_needs_its_permission_and_no_mail_server(practice, tmp_path):
    here = practice(["--tenant", TENANT, "--tenant", OTHER["poor"]])
    (tmp_path / "m365keep.yaml").write_text(
        "smtp: {transport: graph, server: 127.0.0.1, port: 9}\ncustomers:\n"
        "  - {name: contoso, variable: A, sources: [health], mail_to: [desk@contoso.example]}\n"
        "  - {name: fabrikam, variable: B, sources: [health]}\n", encoding="utf-8")
    run = here.look(env={"A": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", "B": f"{OTHER['poor']};{CLIENT_ID};{CLIENT_SECRET}",
                         "GRAPH_TENANT_ID": None, "GRAPH_CLIENT_ID": None, "GRAPH_CLIENT_SECRET": None})
    assert run.status == 4 and run.bad() == {("permissions", None), ("mail", None)} and run.of("smtp") == []
    assert run.one("fail", "permissions", "Mail.Send (for mail)")["customer"] == "contoso"
    assert run.one("fail", "mail", "no mailbox is named")["mend"].startswith("Set smtp.from")


def by_graph(folder, smtp):
    """An installation whose mail goes by Graph, and the variables of its two customers."""
    (folder / "m365keep.yaml").write_text(
        f"smtp: {{transport: graph, {smtp}}}\ncustomers:\n"
        "  - {name: contoso, variable: A, sources: [health], mail_to: [ada@contoso.example]}\n"
        "  - {name: fabrikam, variable: B, sources: [health], mail_to: [bea@fabrikam.example]}\n", encoding="utf-8")
    return {"A": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", "B": f"{OTHER['poor']};{CLIENT_ID};{CLIENT_SECRET}",
            "GRAPH_TENANT_ID": None, "GRAPH_CLIENT_ID": None, "GRAPH_CLIENT_SECRET": None}


def test_only_the_application_that_sends_for_all_needs_the_permission_to_q130(practice, tmp_path):
    here = practice(["--tenant", TENANT, "--tenant", OTHER["poor"]])
    env = by_graph(tmp_path, "customer: fabrikam, from: desk@fabrikam.example")
    run = here.look(env=env)
    assert run.status == 4 and run.bad() == {("permissions", None)}
    assert run.one("fail", "permissions", "Mail.Send (for mail)")["customer"] == "fabrikam"
    here.simulator.control("tenants", {"tenant": OTHER["poor"], "granted_roles": ["Mail.Send"]})
    run = here.look(env=env)
    assert run.status == 0 and not run.bad(), run.out
    told, = run.of("mail")
    assert told[0] == "note" and "from desk@fabrikam.example, by the application of fabrikam. Nothing was sent" in told[1]
    assert not here.simulator.mails() and here.simulator.stats()["requests"]["sendMail"] == 0


def test_who_sends_but_is_not_asked_is_said(practice, tmp_path):
    here = practice(["--tenant", TENANT, "--tenant", OTHER["poor"]])
    run = here.look("--customer", "contoso", env=by_graph(tmp_path, "customer: fabrikam, from: desk@fabrikam.example"))
    assert run.status == 0 and "doctor --customer fabrikam tells" in run.of("mail")[1][1]


def test_one_mailbox_cannot_be_in_the_tenants_of_two_customers(practice, tmp_path):
    here = practice(["--tenant", TENANT, "--tenant", OTHER["poor"], "--grant-role", "Mail.Send"])
    run = here.look(env=by_graph(tmp_path, "from: desk@fabrikam.example"))
    assert run.status == 4 and run.bad() == {("mail", None)}
    assert "smtp.customer" in run.one("warn", "mail", "by the applications of 2 customers")["mend"]


def test_the_permission_to_send_is_too_much_where_mail_goes_elsewhere(practice):
    run = practice(["--grant-role", "Mail.Send"]).look()
    assert run.status == 0 and any("more than m365keep needs: Mail.Send" in message for _, message in run.of("permissions"))


def test_what_people_read_of_mail_by_graph_without_and_with_its_permission(practice, request):
    here = practice()
    here.collect()
    (here.folder / "m365keep.yaml").write_text(
        'smtp: {transport: graph, from: "Health desk <desk@contoso.example>"}\ncustomers:\n'
        "  - {name: contoso, variable: A, sources: [health], mail_to: [ada@contoso.example]}\n", encoding="utf-8")
    env = {"A": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", "GRAPH_TENANT_ID": None, "GRAPH_CLIENT_ID": None, "GRAPH_CLIENT_SECRET": None}
    without = here.look(json_wanted=False, env=env)
    here.simulator.control("tenants", {"granted_roles": ["Mail.Send"]})
    with_it = here.look(json_wanted=False, env=env)
    assert (without.status, with_it.status) == (4, 0)
    check_golden(request.node.name, without.out + "\n" + with_it.out,
                 {here.simulator.url: "<url>", here.folder: "<folder>"})


# --- signals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wanted", ["people", "json"])
def test_a_signal_ends_it_at_once(practice, build, tmp_path, number, wanted):
    here = practice()
    here.simulator.fault({"stall_after": 0}, "/oauth2/")
    with MailServer(None) as server:
        environment = clean_environment(tmp_path, {**simulated_environment(here.simulator), **mail(server)})
        with subprocess.Popen([build / "m365keep", "doctor", "--db", here.db, *(["--json"] if wanted == "json" else [])], cwd=tmp_path,
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not here.simulator.requests():
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.01)
            begun = time.monotonic()
            process.send_signal(number)
            out, words = process.communicate(timeout=60)
    assert process.returncode == 128 + number and words == f"Interrupted by {number.name}: not everything was looked at.\n"
    assert time.monotonic() - begun < 5
    if wanted == "json":
        assert json.loads(out)["ok"] is False and json.loads(out)["interrupted"] is True
    else:
        assert "in order" not in out


def test_a_reader_that_goes_away_is_no_failure(practice, build, tmp_path):
    here = practice()
    environment = clean_environment(tmp_path, simulated_environment(here.simulator))
    with subprocess.Popen([build / "m365keep", "doctor", "--db", here.db], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        words = process.stderr.read()
        assert process.wait(60) == 0 and words == ""


def test_every_golden_of_doctor_belongs_to_a_test():
    text = pathlib.Path(__file__).read_text(encoding="utf-8")
    names = {golden_name(name) for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    assert {path.stem for path in (GOLDEN / "doctor").glob("*.txt")} <= names


def test_the_table_of_permissions_is_no_json_and_says_so(keep):
    result = keep(["doctor", "--json", "--permissions"])
    assert result.returncode == 2 and result.stdout == ""
    assert "exclude each other" in result.stderr
