"""m365keep status, from outside: what it tells of a database that m365keep filled itself, at moments that stand still.

What people read is in golden/status/NAME.txt, after the test's name, written anew by M365KEEP_UPDATE_GOLDEN=1."""

import json
import re
import sqlite3
import subprocess
import time

import pytest

import conftest
from conftest import NOON, clean_environment
from desk import GOLDEN, UPDATE_GOLDEN, golden_name, refused
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from test_search_cli import COLOR, on_terminal, unsafe, width

MINUTE, HOUR, DAY = 60, 3600, 86400
OTHER = "22222222-3333-4444-8555-666666666666"
EVENTS = ["sign-ins", "directory-audits"]
FORBIDDEN = refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
NO_PREMIUM = refused(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C or tenant doesn't have premium license")


def iso(epoch):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def sign_in(number, epoch):
    """A sign-in of 400 bytes."""
    record = {"id": f"00000000-bbbb-4bbb-8bbb-{number:012d}", "createdDateTime": iso(epoch), "userPrincipalName": "ada@example.org",
              "appDisplayName": "Portal", "status": {"errorCode": 0}, "note": ""}
    record["note"] = "x" * (400 - len(json.dumps(record, separators=(",", ":"))))
    return json.dumps(record, separators=(",", ":")).encode()


def source_of(told, name, customer="contoso"):
    [found] = [source for entry in told["customers"] if entry["customer"] == customer for source in entry["sources"]
               if source["source"] == name]
    return found


def holes(told, name, customer="contoso"):
    return [(hole["kind"], hole["part"], hole["from"], hole["to"]) for hole in source_of(told, name, customer)["holes"]]


class Desk:
    """A database that is collected from a simulator at moments that a test chooses, and what status tells of it at others."""

    def __init__(self, keep, simulator, folder, golden):
        self.keep, self.simulator, self.folder, self.golden = keep, simulator, folder, golden
        self.path = folder / "keep.db"
        self.hosts = {name: value for name, value in conftest.simulated_environment(simulator).items() if not name.startswith("GRAPH_")
                      or name == "GRAPH_URL"}
        self.configure({"contoso": TENANT})

    def configure(self, customers, sources=EVENTS, more=""):
        """m365keep.yaml with these customers: name -> tenant."""
        rows = "".join(f"  - {{name: {name}, variable: {name.upper()}, sources: [{', '.join(sources)}]}}\n" for name in customers)
        (self.folder / "m365keep.yaml").write_text(f"database: keep.db\n{more}customers:\n{rows}", encoding="utf-8")
        for name, tenant in customers.items():
            self.hosts[name.upper()] = f"{tenant};{CLIENT_ID};{CLIENT_SECRET}"

    def collect(self, at, *arguments, status=0):
        clock = f"{at}@0@{NOON}"
        self.simulator.clock(clock)
        result = self.keep(["collect", *arguments], env={**self.hosts, "M365KEEP_CLOCK": clock})
        assert result.returncode == status, result.stderr

    def status(self, at, *arguments, exits=0, env=None):
        """Needs no credentials: there are none in its environment."""
        result = self.keep(["status", *arguments], env={"M365KEEP_CLOCK": f"{at}@0@{at}", **(env or {})})
        assert result.returncode == exits, result.stdout + result.stderr
        return result

    def told(self, at, *arguments, **options):
        result = self.status(at, "--json", *arguments, **options)
        assert result.stderr == "" and result.stdout.count("\n") == 1
        return json.loads(result.stdout)

    def check_golden(self, result):
        words = f"exit {result.returncode}\n--- stdout\n{result.stdout}--- stderr\n{result.stderr}"
        words = re.sub(r"^(Database \S+: ).*( changes)", r"\1<sizes>\2", words, flags=re.MULTILINE)
        words = words.replace(self.simulator.url, "<url>")
        path = GOLDEN / "status" / f"{self.golden}.txt"
        if UPDATE_GOLDEN:
            path.parent.mkdir(exist_ok=True)
            path.write_text(words, encoding="utf-8")
        assert path.exists(), f"{path} is missing; M365KEEP_UPDATE_GOLDEN=1 writes it:\n{words}"
        assert words == path.read_text(encoding="utf-8")

    def execute(self, text):
        with sqlite3.connect(self.path) as connection:
            connection.execute(text)
        connection.close()


@pytest.fixture(name="desk")
def fixture_desk(keep, sim, tmp_path, request):
    """desk(OPTIONS) is a desk whose service has three sign-ins of the last hour, and no audits."""
    (tmp_path / "sign-ins").write_bytes(b"".join(sign_in(n, NOON - n * 10 * MINUTE) + b"\n" for n in (1, 2, 3)))
    (tmp_path / "audits").write_bytes(b"")

    def start(*options):
        simulator = sim(["--load", f"sign-ins={tmp_path / 'sign-ins'}", "--load", f"directory-audits={tmp_path / 'audits'}",
                         "--retention-days", "0", "--users", "5", *options])
        return Desk(keep, simulator, tmp_path, golden_name(request.node.name))

    return start


# --- fresh and stale


def test_after_a_run_everything_is_fresh(desk):
    here = desk()
    here.collect(NOON)
    here.check_golden(here.status(NOON + 3 * MINUTE, "--strict"))
    told = here.told(NOON + 3 * MINUTE)
    assert told["findings"] == 0 and [source["state"] for source in told["customers"][0]["sources"]] == ["fresh", "fresh"]


def test_without_a_success_for_three_runs_a_source_is_stale(desk):
    here = desk()
    here.collect(NOON)
    here.status(NOON + 90 * MINUTE, "--strict")
    here.check_golden(here.status(NOON + 90 * MINUTE + 1, "--strict", exits=4))
    assert here.status(NOON + 90 * MINUTE + 1).returncode == 0
    here.configure({"contoso": TENANT}, more="schedule: {collect: 2h}\n")
    here.status(NOON + 6 * HOUR, "--strict")
    assert source_of(here.told(NOON + 6 * HOUR), "sign-ins")["stale_after_s"] == 6 * HOUR


def test_a_source_that_fails_is_told_at_once_and_is_stale_after_an_hour(desk):
    here = desk()
    here.collect(NOON)
    here.simulator.fault(FORBIDDEN, "signIns")
    here.collect(NOON + 15 * MINUTE, status=3)
    early = here.status(NOON + 20 * MINUTE, "--strict")
    assert "contoso sign-ins: the last run, 5 min ago, failed: " in early.stdout
    assert "sign-ins" not in here.status(NOON + 20 * MINUTE, "--strict", "--quiet").stdout
    here.collect(NOON + 2 * HOUR, status=3)
    here.check_golden(here.status(NOON + 2 * HOUR + 5 * MINUTE, "--strict", exits=4))
    source = source_of(here.told(NOON + 2 * HOUR), "sign-ins")
    assert source["outcome"] == "failed" and source["last_success"] == iso(NOON) and source["last_run"] == iso(NOON + 2 * HOUR)


def test_what_the_tenant_does_not_have_is_no_finding(desk):
    here = desk("--no-premium")
    here.collect(NOON)
    here.check_golden(here.status(NOON + MINUTE, "--strict"))
    source = source_of(here.told(NOON + 90 * MINUTE), "sign-ins")
    assert (source["state"], source["finding"], source["last_success"]) == ("unavailable", False, None)
    # Unless nobody asks any more whether it is there now.
    assert source_of(here.told(NOON + 90 * MINUTE + 1), "sign-ins")["state"] == "stale"
    assert ("contoso sign-ins: stale: no run for 2 h (1 h 30 min is allowed): is m365keep collect still started?\n"
            in here.status(NOON + 2 * HOUR, "--strict", exits=4).stdout)


def test_what_the_tenant_had_and_has_no_more_is_a_finding(desk):
    here = desk()
    here.collect(NOON)
    here.simulator.fault(NO_PREMIUM, "signIns")
    here.collect(NOON + HOUR)
    here.check_golden(here.status(NOON + HOUR + MINUTE, "--strict", exits=4))
    assert here.status(NOON + HOUR + MINUTE, "--strict", "--quiet", exits=4).stdout.startswith(
        "contoso sign-ins: could be read until 2025-11-20 12:00 UTC; the service says that the tenant does not have it any more: ")
    source = source_of(here.told(NOON + HOUR), "sign-ins")
    assert (source["state"], source["finding"], source["outcome"]) == ("unavailable", True, "unavailable")
    here.configure({"contoso": TENANT}, sources=["directory-audits"])
    here.status(NOON + HOUR + MINUTE, "--strict")


def test_what_is_configured_and_was_never_collected_is_a_finding(desk):
    here = desk()
    here.collect(NOON, "--only", "sign-ins")
    here.configure({"contoso": TENANT, "fabrikam": OTHER})
    here.check_golden(here.status(NOON + MINUTE, "--strict", exits=4))
    told = here.told(NOON + MINUTE)
    assert [entry["customer"] for entry in told["customers"]] == ["contoso", "fabrikam"]
    assert [(source["state"], source["outcome"]) for entry in told["customers"] for source in entry["sources"]] == [
        ("fresh", "ok"), ("never", None), ("never", None), ("never", None)]


def test_a_customer_taken_out_of_the_file_is_kept_and_no_finding(desk):
    here = desk("--tenant", TENANT, "--tenant", OTHER)
    here.configure({"contoso": TENANT, "fabrikam": OTHER})
    here.collect(NOON, "--hours", "2")
    here.collect(NOON + 5 * HOUR, "--hours", "2")
    here.configure({"fabrikam": OTHER}, sources=["sign-ins"])
    here.collect(NOON + 6 * HOUR)
    here.check_golden(here.status(NOON + 6 * HOUR + MINUTE, "--strict"))
    told = here.told(NOON + 6 * HOUR)
    assert [entry["customer"] for entry in told["customers"]] == ["fabrikam", "contoso"]
    assert [source["state"] for source in told["customers"][0]["sources"]] == ["fresh", "kept"]
    assert len(source_of(told, "sign-ins")["holes"]) == 1


def test_a_laptop_with_the_database_alone_is_told_how_old_everything_is(desk):
    here = desk()
    here.collect(NOON)
    (here.folder / "m365keep.yaml").unlink()
    told = here.told(NOON + MINUTE, "--db", "keep.db")
    assert [source["state"] for source in told["customers"][0]["sources"]] == ["fresh", "fresh"]
    told = here.told(NOON + 9 * DAY, "--db", "keep.db", "--strict", exits=4)
    assert [source["state"] for source in told["customers"][0]["sources"]] == ["stale", "stale"]


# --- holes


def test_time_lost_in_a_long_absence_is_a_hole_and_ends_being_told(desk):
    here = desk()
    here.collect(NOON)
    back = NOON + 40 * DAY
    here.collect(back)
    here.check_golden(here.status(back + MINUTE, "--strict", exits=4))
    [(kind, part, begin, end)] = holes(here.told(back), "sign-ins")
    assert (kind, part, begin) == ("lost", None, iso(NOON)) and iso(back - 30 * DAY) <= end <= iso(back - 30 * DAY + HOUR)
    # A month after it ended nobody need look any more; who wants to know asks.
    here.collect(back + DAY)
    here.status(back + DAY, "--strict")
    assert holes(here.told(back + DAY), "sign-ins") == []
    assert len(holes(here.told(back + DAY, "--since", "60d"), "sign-ins")) == 1
    here.status(back + DAY, "--strict", "--since", iso(NOON), exits=4)


def test_time_that_no_run_asked_for_is_a_hole_until_one_does(desk):
    here = desk()
    here.collect(NOON, "--hours", "2")
    here.collect(NOON + 5 * HOUR, "--hours", "2")
    here.check_golden(here.status(NOON + 5 * HOUR, "--strict", exits=4))
    assert holes(here.told(NOON + 5 * HOUR), "sign-ins") == [("unread", None, iso(NOON), iso(NOON + 3 * HOUR))]
    here.collect(NOON + 5 * HOUR + MINUTE)
    here.status(NOON + 5 * HOUR + MINUTE, "--strict")


def test_time_that_a_run_had_to_leave_is_a_hole_until_it_is_read(desk):
    here = desk()
    here.collect(NOON)
    poison = f'{{"id":"poison","createdDateTime":"{iso(NOON + 2 * HOUR + 900)}","x":tru}}'
    here.simulator.add_record("sign-ins", poison.encode())
    here.collect(NOON + 12 * HOUR, status=3)
    here.check_golden(here.status(NOON + 12 * HOUR + MINUTE, "--strict", exits=4))
    [(kind, part, begin, end)] = holes(here.told(NOON + 12 * HOUR), "sign-ins")
    assert (kind, part) == ("open", None) and begin <= iso(NOON + 2 * HOUR + 900) < end <= iso(NOON + 4 * HOUR)
    here.simulator.add_record("sign-ins", poison.replace("tru", "true").encode(), replace=True)
    here.collect(NOON + 12 * HOUR + 2 * MINUTE)
    here.status(NOON + 12 * HOUR + 2 * MINUTE, "--strict")


def test_time_behind_all_that_was_read_is_still_to_come(desk):
    here = desk()
    here.collect(NOON)
    here.simulator.fault({"status": 200, "body": "{}"}, "signIns")
    here.collect(NOON + 50 * MINUTE, status=3)
    here.status(NOON + 51 * MINUTE, "--strict")


def test_gaps_between_scans_of_service_health_are_holes(desk):
    here = desk("--services", "3", "--issues", "0", "--messages", "0")
    here.configure({"contoso": TENANT}, sources=["health"])
    for minutes in (0, 5, 10, 190):
        here.collect(NOON + minutes * MINUTE)
    # A scan of this very second ends the gap.
    assert "contoso health: no scan from 2025-11-20 12:10 to 2025-11-20 15:10 UTC (3 h)" in here.status(NOON + 190 * MINUTE).stdout
    here.collect(NOON + 195 * MINUTE)
    here.check_golden(here.status(NOON + 200 * MINUTE, "--strict", exits=4))
    assert holes(here.told(NOON + 200 * MINUTE), "health") == [("no-scan", None, iso(NOON + 10 * MINUTE), iso(NOON + 190 * MINUTE))]
    here.configure({"contoso": TENANT}, sources=["health"], more="schedule: {health: 1h}\n")
    here.status(NOON + 200 * MINUTE, "--strict")


def test_a_gap_between_scans_is_a_finding_for_a_day_and_told_for_longer(desk):
    here = desk("--services", "3", "--issues", "0", "--messages", "0")
    here.configure({"contoso": TENANT}, sources=["health"])
    for at in (0, 31 * MINUTE):
        here.collect(NOON + at)
    here.status(NOON + 32 * MINUTE, "--strict", exits=4)
    later = NOON + 31 * MINUTE + DAY
    here.collect(later - 5 * MINUTE)
    here.execute(f"""WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 286) INSERT INTO health_scan
                     SELECT 1, {NOON + 31 * MINUTE} + i * 300, 1, NULL FROM n""")
    here.status(later - 1, "--strict", exits=4)
    result = here.status(later, "--strict")
    assert "contoso health: no scan from 2025-11-20 12:00 to 2025-11-20 12:31 UTC (31 min)" in result.stdout
    assert result.stderr == "Nothing needs a look.\n" and here.status(later, "--strict", "--quiet").stdout == ""
    told = source_of(here.told(later), "health")
    assert not told["finding"] and len(told["holes"]) == 1


def test_no_scan_up_to_now_is_a_hole_but_not_of_a_customer_that_is_kept(desk):
    here = desk("--services", "3", "--issues", "0", "--messages", "0")
    here.configure({"contoso": TENANT}, sources=["health"])
    here.collect(NOON)
    assert holes(here.told(NOON + HOUR), "health") == [("no-scan", None, iso(NOON), iso(NOON + HOUR))]
    assert "no scan since 2025-11-20 12:00 UTC (1 h)" in here.status(NOON + HOUR, "--strict", exits=4).stdout
    here.configure({"contoso": TENANT}, sources=["sign-ins"])
    assert holes(here.told(NOON + HOUR), "health") == []


def test_of_very_many_holes_the_latest_are_told(desk):
    here = desk()
    here.collect(NOON)
    here.execute("DELETE FROM coverage_span")
    here.execute("""WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 30) INSERT INTO coverage_span
                    SELECT 1, 'sign-ins', '', unixepoch('2025-11-19') + i * 600, unixepoch('2025-11-19') + i * 600 + 300, 'read', 1, 1, 0, 0
                    FROM n""")
    words = here.status(NOON).stdout
    assert words.count("contoso sign-ins: not read: no run has asked for") == 20
    assert "contoso sign-ins: 10 earlier holes are not shown" in words
    assert "2025-11-19 04:55" in words and "2025-11-19 01:35" not in words
    assert len(holes(here.told(NOON), "sign-ins")) == 30


# --- facts


def test_lateness_is_how_long_after_they_happened_records_were_stored(desk):
    here = desk()
    here.collect(NOON)
    for n in range(1, 101):
        here.simulator.add_record("sign-ins", sign_in(1000 + n, NOON + HOUR - 10 * n))
    here.collect(NOON + HOUR)
    told = source_of(here.told(NOON + HOUR), "sign-ins")
    assert told["lateness"] == {"samples": 100, "p50_s": 500, "p95_s": 950, "p99_s": 990}
    assert "8 min, 15 min, 16 min" in here.status(NOON + HOUR).stdout
    assert told["records"] == 103 and told["raw_bytes"] == 103 * 400 and told["newest"] == "2025-11-20T12:59:50.0000000Z"
    assert told["covered_to"] == iso(NOON + HOUR)
    assert source_of(here.told(NOON + HOUR), "directory-audits")["lateness"] is None


@pytest.mark.parametrize("count, words", [
    (1, "1 record could not be read and is kept aside"), (1234, "1,234 records could not be read and are kept aside")])
def test_records_that_could_not_be_read_are_told_and_are_no_finding(desk, count, words):
    here = desk()
    here.collect(NOON)
    here.execute(f"""WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
                     INSERT INTO unreadable_record (customer_id, source, received_at, reason, body, body_hash)
                     SELECT 1, 'sign-ins', 1, 'is no object', CAST(i AS BLOB), CAST(i AS BLOB) FROM n""")
    result = here.status(NOON, "--strict")
    assert f"contoso sign-ins: {words}: see the view unreadable of the database.\n" in result.stdout
    assert result.stdout.count("view unreadable") == 1 and here.status(NOON, "--strict", "--quiet").stdout == ""
    assert source_of(here.told(NOON), "sign-ins")["unreadable"] == count


def test_json_is_one_value_with_every_fact(desk):
    here = desk()
    here.collect(NOON)
    here.execute("INSERT INTO mirror_position (target, seq, acknowledged_at) SELECT 'mongodb', value - 2, 1 FROM counter WHERE name = 'seq'")
    here.execute(f"""INSERT INTO content_blob (customer_id, content_id, content_type, content_uri, created_at, expires_at, listed_at)
                     VALUES (1, 'a', 'Audit.General', 'u', 1, {NOON + 5 * HOUR}, 1)""")
    told = here.told(NOON + MINUTE)
    assert told["now"] == iso(NOON + MINUTE) and told["since"] == iso(NOON + MINUTE - 30 * DAY)
    assert told["mirror"] == {"pending": 2} and told["blobs"] == {"pending": 1, "expires": iso(NOON + 5 * HOUR)}
    assert set(told["database"]) == {"path", "bytes", "free_bytes", "wal_bytes", "max_bytes", "over_size", "prune_overdue",
                                     "rewrite_due", "seq"}
    assert told["database"]["max_bytes"] is None and told["maintenance"] == {}
    assert told["database"]["bytes"] == here.path.stat().st_size and told["database"]["seq"] == 3
    assert set(source_of(told, "sign-ins")) == {
        "source", "state", "finding", "stale_after_s", "records", "unreadable", "raw_bytes", "newest", "covered_to", "last_run",
        "last_success", "last_error_at", "outcome", "last_error", "kept_from", "pruned_at", "pruned", "lateness", "holes"}
    words = here.status(NOON + MINUTE).stdout
    assert "MongoDB is 2 changes behind" in words
    assert "1 content blobs are listed and not fetched yet; the first expires at 2025-11-20 17:00 UTC, in 4 h 59 min" in words


def test_one_customer_is_told_alone_and_an_unknown_one_is_refused(desk):
    here = desk("--tenant", TENANT, "--tenant", OTHER)
    here.configure({"contoso": TENANT, "fabrikam": OTHER})
    here.collect(NOON, "--customer", "contoso")
    assert [entry["customer"] for entry in here.told(NOON, "--customer", "contoso")["customers"]] == ["contoso"]
    here.status(NOON, "--strict", "--customer", "contoso")
    here.status(NOON, "--strict", "--customer", "fabrikam", exits=4)
    assert len(here.told(NOON, "--customer", "all")["customers"]) == 2
    result = here.status(NOON, "--customer", "contso", exits=2)
    assert result.stdout == "" and 'did you mean "contoso"?' in result.stderr


def test_quiet_tells_findings_only(desk):
    here = desk()
    here.collect(NOON)
    assert (here.status(NOON, "--quiet", "--strict").stdout, here.status(NOON, "--quiet").stderr) == ("", "")
    result = here.status(NOON + 2 * HOUR, "--quiet", "--strict", exits=4)
    assert result.stderr == ""
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == ["contoso sign-ins", "contoso directory-audits"]


# --- retention


RETENTION = "retention: {days: 2}\n"


@pytest.fixture(name="old_desk")
def fixture_old_desk(desk):
    """A desk whose service has sign-ins of some days, too, of four to seven ago."""
    here = desk()
    for n in range(4, 8):
        here.simulator.add_record("sign-ins", sign_in(n, NOON - n * DAY))
    return here


def test_what_retention_deleted_is_told_and_is_no_hole(old_desk):
    here = old_desk
    here.collect(NOON)
    here.execute(f"UPDATE coverage_span SET state = 'lost' WHERE to_s < {NOON - 5 * DAY}")
    assert [hole[0] for hole in holes(here.told(NOON), "sign-ins")] == ["lost"]
    here.configure({"contoso": TENANT}, more=RETENTION)
    assert holes(here.told(NOON), "sign-ins") == []  # it is to go, and nobody misses it
    pruned = here.keep(["maintain", "prune"], env={**here.hosts, "M365KEEP_CLOCK": f"{NOON}@0@{NOON}"})
    assert pruned.returncode == 0, pruned.stderr
    here.check_golden(here.status(NOON + 3 * MINUTE, "--strict"))
    told = here.told(NOON + 3 * MINUTE)
    source = source_of(told, "sign-ins")
    assert (source["kept_from"], source["pruned_at"], source["pruned"], source["holes"]) == (iso(NOON - 2 * DAY), iso(NOON), 4, [])
    assert told["maintenance"]["prune"]["finished"] == iso(NOON) and told["maintenance"]["prune"]["started"] is None
    assert here.status(NOON + 3 * MINUTE, "--quiet").stdout == ""


def test_retention_that_does_not_take_place_is_a_finding(old_desk):
    here = old_desk
    here.collect(NOON)
    here.configure({"contoso": TENANT}, more=RETENTION)
    here.check_golden(here.status(NOON + MINUTE, "--strict", exits=4))
    told = here.told(NOON + MINUTE)
    assert told["findings"] == 1 and told["database"]["prune_overdue"] is True
    assert here.status(NOON + MINUTE, "--quiet").stdout.startswith("database: retention is configured, ")
    # Three times the schedule may pass.
    here.configure({"contoso": TENANT}, more=RETENTION + "schedule: {prune: 10d}\n")
    here.status(NOON + MINUTE, "--strict")
    here.configure({"contoso": TENANT}, more=RETENTION)
    here.execute(f"INSERT INTO maintenance (task, finished_at, outcome) VALUES ('prune', {NOON - 3 * DAY}, 'done')")
    here.status(NOON, "--strict")
    late = here.status(NOON + 1, "--strict", exits=4)
    assert "but prune was not done for 3 days (3 days is allowed): run m365keep maintain prune, daily." in late.stdout


def test_a_database_above_its_limit_is_a_finding(desk):
    here = desk()
    here.collect(NOON)
    here.configure({"contoso": TENANT}, more="retention: {max_size: 256MiB}\n")
    assert "(with its log 256.0 MiB at most)" in here.status(NOON, "--strict").stdout
    here.execute(f"""INSERT INTO unreadable_record (customer_id, source, received_at, reason, body_hash, body)
                     VALUES (1, 'sign-ins', {NOON}, 'large', zeroblob(16), zeroblob(300 * 1024 * 1024))""")
    result = here.status(NOON, "--strict", "--quiet", exits=4)
    assert re.fullmatch(r"database: 30\d\.\d MiB are in use, where max_size allows 256\.0 MiB: run m365keep maintain prune, which deletes "
                        r"the oldest records, or says what keeps it from that\.\n", result.stdout), result.stdout
    told = here.told(NOON)
    assert told["database"]["over_size"] is True and told["database"]["max_bytes"] == 256 << 20 and told["findings"] == 1
    assert "The database needs a look." in here.status(NOON).stderr


def test_what_is_left_of_a_forgotten_customer_is_a_finding(desk):
    here = desk()
    here.collect(NOON)
    here.execute(f"INSERT INTO maintenance (task, started_at) VALUES ('scrub', {NOON - MINUTE})")
    here.check_golden(here.status(NOON, "--strict", exits=4))
    assert here.status(NOON, "--strict", "--quiet", exits=4).stdout.startswith("database: a customer was forgotten, ")
    told = here.told(NOON)
    assert told["database"]["rewrite_due"] is True and told["findings"] == 1
    here.execute(f"UPDATE maintenance SET started_at = NULL, finished_at = {NOON}")
    here.status(NOON, "--strict")


def test_when_verify_and_backup_were_last_done_is_told(desk):
    here = desk()
    here.collect(NOON)
    assert "Last done: prune never; verify never; backup never.\n" in here.status(NOON).stdout
    here.execute(f"""INSERT INTO maintenance (task, started_at, finished_at, outcome)
                     VALUES ('verify', NULL, {NOON - 3 * DAY}, 'All is well.'), ('backup', {NOON - MINUTE}, {NOON - 2 * HOUR}, 'Copied.')""")
    assert "Last done: prune never; verify 3 days ago; backup 2 h ago, begun again 1 min ago.\n" in here.status(NOON).stdout
    assert here.told(NOON)["maintenance"]["backup"] == {"finished": iso(NOON - 2 * HOUR), "outcome": "Copied.", "started": iso(NOON - MINUTE)}


# --- where there is little or nothing


def test_an_empty_database_is_told_as_such(desk, keep):
    here = desk()
    here.collect(NOON)
    for table in ("event", "event_key", "event_fts", "collection", "coverage_span", "collect_cursor", "collect_round", "customer"):
        here.execute(f"DELETE FROM {table}")
    (here.folder / "m365keep.yaml").unlink()
    result = keep(["status", "--db", "keep.db", "--strict"], env={"M365KEEP_CLOCK": f"{NOON}@0@{NOON}"})
    assert result.returncode == 0
    here.check_golden(result)
    result = keep(["status", "--db", "keep.db", "--customer", "contoso"])
    assert result.returncode == 2 and 'there is no customer "contoso", nor any other' in result.stderr


def test_without_a_database_it_fails_and_says_what_to_do(keep, tmp_path):
    result = keep(["status", "--db", "nowhere.db", "--strict"])
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr == ("m365keep status: there is no database at nowhere.db yet: run m365keep collect first, or name another with "
                             "--db\n")
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_program_is_refused(keep, tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    result = keep(["status", "--db", "other.db"])
    assert result.returncode == 1 and "another program" in result.stderr


@pytest.mark.parametrize("arguments, words", [
    (["--since", "yesterday"], "--since"), (["--since", "2099-01-01"], "is not in the past"), (["nonsense"], "takes no argument"),
    (["--nonsense"], "--nonsense"), (["--since"], "--since"),
], ids=["no-time", "the-future", "argument", "option", "no-value"])
def test_what_makes_no_sense_is_refused(keep, arguments, words):
    result = keep(["status", *arguments])
    assert result.returncode == 2 and words in result.stderr and result.stdout == ""


def test_it_may_be_asked_while_somebody_writes(desk):
    here = desk()
    here.collect(NOON)
    with sqlite3.connect(here.path, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM collection")
        assert len(here.told(NOON)["customers"][0]["sources"]) == 2
        writer.execute("ROLLBACK")
    writer.close()


# --- on a terminal


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 132, 200])
def test_the_table_fits_the_terminal(desk, build, columns):
    here = desk("--tenant", TENANT, "--tenant", OTHER)
    here.configure({"contoso": TENANT, "fabrikam": OTHER})
    here.collect(NOON)
    here.execute("UPDATE customer SET name = 'fabrikam' || char(27) || '[31m of a name that is far too long' WHERE name = 'fabrikam'")
    environment = clean_environment(here.folder, {"TERM": "xterm-256color", "M365KEEP_CLOCK": f"{NOON + 2 * HOUR}@0@{NOON}"})
    shown = on_terminal([build / "m365keep", "status", "--db", here.path], here.folder, columns, environment)
    assert "\x1b[31mstale" in shown and not unsafe(COLOR.sub("", shown))
    table = COLOR.sub("", shown).split("\n\n")[0].splitlines()
    assert len(table) == 1 + 6 and max(width(line) for line in table) <= columns
    environment["NO_COLOR"] = "1"
    assert "\x1b" not in on_terminal([build / "m365keep", "status", "--db", here.path], here.folder, columns, environment)


def test_in_a_pipe_nothing_is_cut_and_nothing_coloured(desk):
    here = desk()
    here.collect(NOON)
    here.execute("UPDATE customer SET name = 'contoso' || char(27) || '[31m'")
    result = here.status(NOON)
    assert "contoso\\x1b[31m" in result.stdout and "\x1b" not in result.stdout


# --- this file's own


def test_every_golden_of_status_belongs_to_a_test(repository):
    listed = subprocess.run(["grep", "-o", "^def test_[a-z0-9_]*", __file__], capture_output=True, text=True, check=True).stdout
    names = {golden_name(line.removeprefix("def ")) for line in listed.splitlines()}
    assert {path.stem for path in (repository / "tests" / "integration" / "golden" / "status").iterdir()} <= names
