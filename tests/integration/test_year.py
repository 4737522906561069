"""Retention over weeks: with time going on and a week kept, the database holds that week, and grows no more."""

import json
import pathlib
import time

import pytest

import database
from conftest import NOON
from desk import Desk

DAY = 86400
DAYS, KEPT, FULL = 40, 7, 14  # FULL: days after which it has come to rest
SOURCES = {"sign-ins": "createdDateTime", "directory-audits": "activityDateTime", "intune-audits": "activityDateTime"}
MONTH = ["--days", "30", "--sign-ins", "900", "--directory-audits", "450", "--intune-audits", "150", "--users", "60", "--user-changes", "10",
         "--user-turnover", "3", "--services", "12", "--issues", "40", "--messages", "60", "--changed-percent", "5"]


def iso(epoch):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


class Weeks:
    """A desk at which a day is a step of the clock, a run of collect and one of prune."""

    def __init__(self, keep, simulator, folder):
        self.desk, self.at = Desk(keep, simulator, folder, golden=None), NOON
        (folder / "m365keep.yaml").write_text("schedule: {health: 1d}\n", encoding="utf-8")

    def run(self, *command):
        result = self.desk.keep([*command, "--db", self.desk.path], sim=self.desk.simulator, env={"DB_DAYS_SCOPE": str(KEPT)})
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def day(self):
        self.at += DAY
        self.desk.simulator.keep_clock = f"{self.at}@0@{NOON}"
        self.desk.simulator.clock(self.desk.simulator.keep_clock)
        self.run("collect")
        self.run("maintain", "prune")

    def size(self):
        """Of the file and what lies beside it."""
        return sum(path.stat().st_size for path in (self.desk.path, pathlib.Path(f"{self.desk.path}-wal")) if path.exists())

    def line(self):
        return self.at - KEPT * DAY


def check_events(weeks):
    """Held is what the service has of the last days, all of it and nothing else."""
    held = {row[:3] for row in weeks.desk.rows()}
    served = set()
    for source, field in SOURCES.items():
        served |= {row[:3] for row in weeks.desk.simulator.rows(source, filter=f"{field} ge {iso(weeks.line())}")}
    assert held == served
    assert {row[1] for row in held} == set(SOURCES)


def check_users(weeks):
    """Who is there, and who went in the last days."""
    there = {user for user, (gone, _) in weeks.desk.simulator.users_at().items() if gone is None}
    assert {user for [user] in weeks.desk.query("SELECT id FROM users WHERE removed_at IS NULL")} == there
    [[gone, changes]] = weeks.desk.query("SELECT (SELECT min(removed_at) FROM users), (SELECT min(seen_at) FROM user_changes)")
    assert gone >= iso(weeks.line()) and changes >= iso(weeks.line())


def is_over(kind, record, line):
    return record["lastModifiedDateTime"] < line and (record["isResolved"] if kind == "issues" else (record["endDateTime"] or "9") < line)


def check_health(weeks):
    """Scans of the last days, runs of states that reach into them, issues and messages that are not over."""
    scans = [at for [at] in weeks.desk.query("SELECT at FROM health_scans ORDER BY at")]
    assert scans == [iso(weeks.line() + day * DAY) for day in range(KEPT + 1)]
    [[ended]] = weeks.desk.query("SELECT min(last_seen) FROM service_states")
    assert ended >= iso(weeks.line())
    for kind in ("issues", "messages"):
        held = [json.loads(record) for [record] in weeks.desk.query(f"SELECT raw FROM service_{kind}")]
        served = [json.loads(record) for record in weeks.desk.simulator.announcements(kind)]
        assert not [record["id"] for record in held if is_over(kind, record, iso(weeks.line()))]
        assert {record["id"] for record in held} >= {record["id"] for record in served if not is_over(kind, record, iso(weeks.line()))}



@pytest.mark.slow
@pytest.mark.plain_only  # each of its programs runs under sanitizers elsewhere
def test_a_database_that_keeps_a_week_does_not_grow(keep, sim, tmp_path):
    weeks = Weeks(keep, sim(MONTH), tmp_path)
    for _ in range(FULL):
        weeks.day()
    full = weeks.size()
    for _ in range(DAYS - FULL):
        weeks.day()
    assert weeks.size() <= 1.2 * full
    check_events(weeks)
    check_users(weeks)
    check_health(weeks)
    pruned = dict(weeks.desk.query("SELECT source, records FROM retention"))
    assert set(pruned) == {*SOURCES, "users", "health"} and all(pruned.values())
    weeks.run("maintain", "verify")
    database.check_integrity(weeks.desk.path)
