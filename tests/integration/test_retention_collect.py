"""Collecting beside retention, from outside: what is deleted does not come back, what is kept is not missing, and nobody asks for what
would be deleted at once. A twin that keeps everything is collected at the same moments: it tells what there was."""

import json
import sqlite3
import time
import types

import pytest

import database
from conftest import NOON, runner, simulated_environment
from desk import refused

HOUR, DAY = 3600, 86400
EVENTS = ("sign-ins", "directory-audits")
KEPT_DAYS = {"sign-ins": 2, "directory-audits": 4, "health": 3, "users": 1}
RETENTION = "retention: {days: 4, per_source: {sign_ins: 2, health: 3, users: 1}}\nschedule: {health: 1d}\n"


def iso(epoch):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def long_iso(epoch):
    """As the store writes timestamps."""
    return iso(epoch).replace("Z", ".0000000Z")


def rows(path, query, *parameters):
    with database.connect(path) as connection:
        return connection.execute(query, parameters).fetchall()


class Place:
    """A database that is collected at moments that a test chooses, and the configuration beside it."""

    def __init__(self, build, folder, simulator, yaml=""):
        folder.mkdir()
        self.keep, self.folder, self.simulator, self.path = runner(build, folder), folder, simulator, folder / "keep.db"
        self.configure(yaml)

    def configure(self, yaml):
        (self.folder / "m365keep.yaml").write_text(f"database: keep.db\n{yaml}", encoding="utf-8")

    def run(self, at, *arguments, status=0):
        clock = f"{at}@0@{NOON}"
        self.simulator.clock(clock)
        result = self.keep([*arguments], env={**simulated_environment(self.simulator), "M365KEEP_CLOCK": clock})
        assert result.returncode == status, result.stdout + result.stderr
        return result

    def collect(self, at, *arguments, status=0):
        """The report of a run: source -> its row."""
        [customer] = json.loads(self.run(at, "collect", "--json", *arguments, status=status).stdout)["customers"]
        return {source["source"]: source for source in customer["sources"]}

    def prune(self, at):
        return json.loads(self.run(at, "maintain", "prune", "--json").stdout)["result"]

    def told(self, at):
        """What status tells: source -> its row."""
        told = json.loads(self.run(at, "status", "--json").stdout)
        return types.SimpleNamespace(sources={source["source"]: source for source in told["customers"][0]["sources"]}, **told)

    def events(self, source, since=0):
        return set(rows(self.path, "SELECT id, raw FROM events WHERE source = ? AND timestamp >= ?", source, long_iso(since)))

    def execute(self, text):
        with sqlite3.connect(self.path) as connection:
            connection.execute(text)
        connection.close()


@pytest.fixture(name="place")
def fixture_place(build, tmp_path):
    """place(NAME, SIMULATOR, yaml=...) is a database with its configuration."""
    return lambda name, simulator, yaml="": Place(build, tmp_path / name, simulator, yaml)


def announcements(path, line):
    """Issues and messages that are kept where what is before the line goes, told from all there were."""
    line = long_iso(line)
    return (set(rows(path, "SELECT id, raw FROM service_issues WHERE NOT (is_resolved AND last_modified < ?)", line)),
            set(rows(path, 'SELECT id, raw FROM service_messages WHERE "end" IS NULL OR "end" >= ?1 OR last_modified >= ?1', line)))


def accounts(path, line):
    return {row[0] for row in rows(path, "SELECT id FROM users WHERE removed_at IS NULL OR removed_at >= ?", iso(line))}


def check_kept(pruned, twin, at):
    """All of what the twin has and retention keeps, and nothing else."""
    for source in EVENTS:
        assert pruned.events(source) == twin.events(source, at - KEPT_DAYS[source] * DAY), source
    assert announcements(pruned.path, 0) == announcements(twin.path, at - KEPT_DAYS["health"] * DAY)
    assert accounts(pruned.path, 0) == accounts(twin.path, at - KEPT_DAYS["users"] * DAY)


def test_nothing_that_was_pruned_comes_back_and_nothing_that_is_kept_is_missing(sim, place):
    """Some days of daily runs. The service tells records late, changes them, and lists issues and messages for longer than they are
    kept here."""
    simulator = sim(["--sign-ins", "900", "--directory-audits", "450", "--days", "30", "--issues", "60", "--messages", "60", "--users", "60",
                     "--user-turnover", "10", "--user-replays", "30", "--late-percent", "10", "--page-size", "50"])
    pruned, twin = place("pruned", simulator, RETENTION), place("twin", simulator)
    deleted = 0
    for day in range(5):
        at = NOON + day * DAY
        twin_ran, ran = twin.collect(at), pruned.collect(at)
        for source, row in ran.items():
            assert row["requests"] <= twin_ran[source]["requests"], f"{source}: more was asked for than without retention"
            assert row["warnings"] == []
        deleted += pruned.prune(at)["records"]
        check_kept(pruned, twin, at)
        again = pruned.collect(at)
        assert [row["inserted"] for row in again.values()] == [0] * len(again), f"on day {day} something came back"
        check_kept(pruned, twin, at)
        assert pruned.told(at).findings == 0
    assert deleted > 200
    database.check_integrity(pruned.path)
    # A whole listing and a first scan of everything that is still listed bring nothing back either.
    pruned.execute("DELETE FROM collect_round")
    assert {source: pruned.collect(at)[source]["inserted"] for source in ("users", "health")} == {"users": 0, "health": 0}


def test_a_first_run_asks_for_what_is_kept_and_for_no_more(sim, place):
    simulator = sim(["--sign-ins", "900", "--directory-audits", "450", "--days", "30", "--page-size", "20"])
    here, twin = place("pruned", simulator, RETENTION), place("twin", simulator)
    ran, twin_ran = here.collect(NOON), twin.collect(NOON)
    for source in EVENTS:
        line = NOON - KEPT_DAYS[source] * DAY
        assert ran[source]["from"] == iso(line) and ran[source]["requests"] * 3 < twin_ran[source]["requests"]
        assert here.events(source) == twin.events(source, line) != set()
        assert rows(here.path, 'SELECT min("from") FROM coverage WHERE source = ?', source) == [(iso(line),)]
    assert here.prune(NOON)["records"] == 0, "something was read to be deleted"
    told = here.told(NOON)
    assert told.findings == 0 and told.sources["sign-ins"]["holes"] == [] and told.sources["sign-ins"]["kept_from"] is None


def test_since_reads_what_is_not_kept_and_says_that_it_goes_again(sim, place):
    simulator = sim(["--sign-ins", "300", "--directory-audits", "10", "--days", "10"])
    here, twin = place("pruned", simulator, RETENTION), place("twin", simulator)
    twin.collect(NOON)
    here.collect(NOON)
    ran = here.collect(NOON, "--since", "6d", "--only", "sign-ins")["sign-ins"]
    [warning] = ran["warnings"]
    assert warning == (f"Retention keeps sign-ins from {iso(NOON - 2 * DAY)} on: what is read of earlier time now is deleted again by the "
                       "next prune.")
    assert here.events("sign-ins") == twin.events("sign-ins", NOON - 6 * DAY)
    assert here.collect(NOON, "--since", "47h", "--only", "sign-ins")["sign-ins"]["warnings"] == []
    here.prune(NOON)
    assert here.events("sign-ins") == twin.events("sign-ins", NOON - 2 * DAY)
    assert here.collect(NOON)["sign-ins"]["inserted"] == 0
    told = here.told(NOON).sources["sign-ins"]
    assert told["kept_from"] == iso(NOON - 2 * DAY) and told["holes"] == [] and told["pruned"] > 0


def draw_line(here, source, at):
    """As prune does where the database was too large."""
    here.execute(f"INSERT INTO retention_line SELECT customer_id, '{source}', {at}, {at}, 5 FROM customer")
    here.execute(f"DELETE FROM coverage_span WHERE source = '{source}'")


def test_what_was_deleted_because_of_its_size_is_not_read_again(sim, place):
    simulator = sim(["--sign-ins", "300", "--directory-audits", "10", "--days", "10"])
    here = place("pruned", simulator)
    here.collect(NOON, "--only", "users")  # the customer is there
    draw_line(here, "sign-ins", NOON - DAY)
    ran = here.collect(NOON)
    assert ran["sign-ins"]["from"] == iso(NOON - DAY) and ran["sign-ins"]["warnings"] == []
    assert ran["directory-audits"]["from"] < iso(NOON - 9 * DAY)
    [warning] = here.collect(NOON, "--since", "3d", "--only", "sign-ins")["sign-ins"]["warnings"]
    assert warning.startswith(f"Retention has deleted sign-ins of before {iso(NOON - DAY)}: ") and "max_size" in warning


def test_a_line_that_a_wrong_clock_drew_ahead_keeps_nobody_from_reading(sim, place):
    simulator = sim(["--sign-ins", "100", "--directory-audits", "10", "--days", "10"])
    here, twin = place("pruned", simulator), place("twin", simulator)
    twin.collect(NOON)
    here.collect(NOON, "--only", "users")
    draw_line(here, "sign-ins", NOON + 5 * DAY)
    here.collect(NOON)
    assert here.events("sign-ins") == twin.events("sign-ins") != set()


def test_time_that_could_not_be_read_is_given_up_when_it_would_be_deleted(sim, place):
    """It is neither asked for any more nor told as a hole, while what would still be kept of it is."""
    simulator = sim(["--sign-ins", "200", "--directory-audits", "10", "--days", "10"])
    here = place("pruned", simulator, "retention: {days: 3}\n")
    here.collect(NOON)
    simulator.fault({"truncate": 200}, "signIns")
    here.collect(NOON + 4 * HOUR, "--only", "sign-ins", status=3)
    simulator.faults([])
    spans = "SELECT state, \"from\", \"to\" FROM coverage WHERE source = 'sign-ins' AND state = 'open'"
    assert rows(here.path, spans) != []
    simulator.fault(refused(503, "ServiceUnavailable", "Later."), "signIns")
    here.collect(NOON + 70 * HOUR, "--only", "sign-ins", status=1)
    simulator.faults([])
    assert [hole["kind"] for hole in here.told(NOON + 70 * HOUR).sources["sign-ins"]["holes"]] == ["open"]
    assert here.told(NOON + 77 * HOUR).sources["sign-ins"]["holes"] == []
    ran = here.collect(NOON + 77 * HOUR, "--only", "sign-ins")["sign-ins"]
    assert ran["from"] == iso(NOON + 5 * HOUR) and ran["warnings"] == []
    assert rows(here.path, spans) == [] and here.told(NOON + 77 * HOUR).sources["sign-ins"]["holes"] == []


def test_who_was_away_for_longer_than_anything_is_kept_has_no_hole(sim, place):
    simulator = sim(["--sign-ins", "200", "--directory-audits", "10", "--days", "10"])
    here = place("pruned", simulator, "retention: {days: 3}\n")
    here.collect(NOON)
    ran = here.collect(NOON + 45 * DAY)["sign-ins"]
    assert ran["from"] == iso(NOON + 42 * DAY) and ran["warnings"] == []
    assert rows(here.path, "SELECT count(*) FROM coverage WHERE state = 'lost'") == [(0,)]
    assert here.told(NOON + 45 * DAY).sources["sign-ins"]["holes"] == []


def test_coverage_of_what_is_kept_shortly_does_not_grow(sim, place):
    """No sweep comes for it any more that would settle it."""
    simulator = sim(["--sign-ins", "50", "--directory-audits", "10", "--days", "10"])
    here = place("pruned", simulator, "retention: {days: 1}\n")
    for run in range(12):
        here.collect(NOON + run * 8 * HOUR, "--only", "sign-ins")
    assert rows(here.path, "SELECT count(*) FROM coverage WHERE source = 'sign-ins'")[0][0] <= 4


def test_a_run_leaves_the_reserve_that_prune_needs_on_a_full_disk(sim, place):
    here = place("large", sim(["--sign-ins", "10", "--directory-audits", "10"]))
    here.collect(NOON)
    reserve = here.folder / "keep.db.reserve"
    assert not reserve.exists(), "it would be most of what such a database takes"
    here.execute(f"""INSERT INTO unreadable_record (customer_id, source, received_at, reason, body_hash, body)
                     VALUES (1, 'sign-ins', {NOON}, 'large', zeroblob(16), zeroblob(33 * 1024 * 1024))""")
    here.collect(NOON)
    status = reserve.stat()
    assert (status.st_size, status.st_mode & 0o777) == (8 << 20, 0o600) and status.st_blocks * 512 >= status.st_size
    reserve.unlink()
    here.run(NOON, "scan")
    assert reserve.exists()
