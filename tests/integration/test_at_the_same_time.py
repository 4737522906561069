"""Several of us at once on one database: whoever cannot begin says who is at it, with what exit status, and nothing is done twice.

Two that collect: also test_collect.py; scans: test_health.py; two that maintain, and maintaining beside a collect: test_maintain.py."""

import collections
import contextlib
import fcntl
import json
import os
import sqlite3
import subprocess

import pytest

import database
from conftest import NOON, clean_environment, simulated_environment
from test_collect import wait_until

RETENTION = "retention: {days: 10}\n"
LOCKS = {".maintain.lock": "maintaining", ".lock": "collecting into", ".health.lock": "scanning service health into"}


class Place:
    """A folder with a database and its configuration, and programs that are started in it and not waited for."""

    def __init__(self, build, folder, simulator):
        self.build, self.folder, self.simulator, self.path = build, folder, simulator, folder / "keep.db"
        (folder / "m365keep.yaml").write_text(f"database: keep.db\n{RETENTION}", encoding="utf-8")
        self.started = []

    def start(self, *arguments):
        environment = clean_environment(self.folder, simulated_environment(self.simulator))
        process = subprocess.Popen([self.build / "m365keep", *arguments], cwd=self.folder, env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        return process

    @staticmethod
    def end(process):
        """(exit status, standard output, standard error)"""
        out, words = process.communicate(timeout=120)
        return process.returncode, out, words

    def run(self, *arguments):
        return self.end(self.start(*arguments))

    def kept(self, truth):
        """What of the truth retention keeps: the events that the database would not hold are those before its line."""
        with database.connect(self.path) as connection:
            [line] = connection.execute("SELECT strftime('%Y-%m-%dT%H:%M:%S.0000000Z', ?, 'unixepoch')", (NOON - 10 * 86400,)).fetchone()
            assert connection.execute("SELECT count(*) FROM events WHERE timestamp < ?", (line,)).fetchone() == (0,)
        return database.truth(self.path) <= truth


@pytest.fixture(name="place")
def fixture_place(build, sim, tmp_path):
    here = Place(build, tmp_path, sim(["--sign-ins", "600", "--directory-audits", "200", "--days", "9", "--page-size", "100",
                                       "--issues", "10", "--messages", "10"]))
    yield here
    for process in here.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def doubles(path):
    """Of each kind of record, what is there more than once."""
    found = []
    with database.connect(path) as connection:
        for view, columns in (("events", "tenant_id, source, id"), ("users", "customer, id"), ("service_issues", "customer, id"),
                              ("service_messages", "customer, id"), ("user_changes", "customer, id, field, new_value, seen_at")):
            query = f"SELECT {columns}, count(*) FROM {view} GROUP BY {columns} HAVING count(*) > 1"
            found += [(view, *row) for row in connection.execute(query)]
    return found


@contextlib.contextmanager
def holding(path, suffixes):
    """This process holds these locks, as a program of ours does."""
    with contextlib.ExitStack() as stack:
        for suffix in suffixes:
            file = stack.enter_context(open(f"{path}{suffix}", "w", encoding="ascii"))
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(f"{os.getpid()}\n")
            file.flush()
        yield


# --- those that collect


def test_of_many_first_collects_at_once_one_makes_the_database_and_nothing_is_doubled_q119(place):
    ended = [place.end(process) for process in [place.start("collect", "--json") for _ in range(4)]]
    done = [out for status, out, _ in ended if status == 0]
    assert done and all(status in (0, 1) for status, _, _ in ended)
    for status, out, words in ended:
        if status == 1:
            assert out == "" and "is already collecting into this database" in words and "run again when it has ended" in words
    assert database.truth(place.path) == place.simulator.truth() and doubles(place.path) == []
    inserted = collections.Counter()
    for out in done:
        for source in json.loads(out)["customers"][0]["sources"]:
            inserted[source["source"]] += source["inserted"]
    with database.connect(place.path) as connection:
        records = dict(connection.execute("SELECT source, records FROM collections WHERE source <> 'health'"))  # overviews are none
    assert records == {source: inserted[source] for source in records}
    database.check_integrity(place.path)
    # No new database that another was quicker to make is left behind.
    assert [path.name for path in place.folder.iterdir() if ".new-" in path.name] == []


def test_everything_at_once_does_no_harm(place):
    """Whoever may not begin says so; the others do their work side by side."""
    assert place.run("collect")[0] == 0
    place.simulator.clock(f"{NOON + 86400}@0@{NOON}")
    place.simulator.keep_clock = f"{NOON + 86400}@0@{NOON}"
    commands = [("collect", "--json"), ("scan", "--json"), ("maintain", "prune"), ("maintain", "verify"), ("maintain", "backup", "copy.db"),
                ("status", "--json"), ("search", "--limit", "5"), ("collect", "--json"), ("maintain", "optimize")]
    for command, process in [(command, place.start(*command)) for command in commands]:
        status, _, words = place.end(process)
        if command[0] in ("status", "search"):
            assert status == 0, words
        else:
            assert status == 0 or (status == 1 and "is already" in words and "process" in words), (command, status, words)
    assert place.run("collect")[0] == 0
    assert place.run("maintain", "prune")[0] == 0
    assert place.run("maintain", "verify")[0] == 0
    assert database.truth(place.path) <= place.simulator.truth() and doubles(place.path) == [] and place.kept(place.simulator.truth())
    database.check_integrity(place.path)


# --- beside somebody who holds the locks


@pytest.mark.parametrize("command, suffixes, doing", [
    (["collect"], [".lock"], "collecting into"),
    (["scan"], [".health.lock"], "scanning service health into"),
    (["collect", "--only", "health"], [".health.lock"], "scanning service health into"),
    # Restoring and forgetting hold all of them.
    (["collect"], list(LOCKS), "maintaining"),
    (["scan"], list(LOCKS), "maintaining"),
    (["maintain", "prune"], [".maintain.lock"], "maintaining"),
    (["maintain", "forget", "default", "--yes"], [".lock"], "collecting into"),
    (["maintain", "forget", "default", "--yes"], [".health.lock"], "scanning service health into"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else value)
def test_whoever_may_not_begin_names_who_is_at_it(place, command, suffixes, doing):
    assert place.run("collect")[0] == 0
    before = place.simulator.stats()["requests"]["total"]
    with holding(place.path, suffixes):
        status, out, words = place.run(*command)
    assert (status, out) == (1, "")
    [line] = [line for line in words.splitlines() if "level=info" not in line]
    assert f"process {os.getpid()} is already {doing} this database" in line and line.rstrip('"').endswith("run again when it has ended"), line
    assert place.simulator.stats()["requests"]["total"] == before, "it asked the service though it could not store anything"
    assert place.run(*command)[0] == 0


def test_a_collect_beside_long_maintenance_goes_on_when_the_lock_is_free(place):
    """Verifying holds the write lock, and it may take long: the collector waits for it, and loses nothing."""
    assert place.run("scan")[0] == 0
    with holding(place.path, [".maintain.lock"]):
        writer = sqlite3.connect(place.path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        process, asked = place.start("collect", "--json"), place.simulator.stats()["requests"]["total"]
        wait_until(lambda: place.simulator.stats()["requests"]["total"] > asked + 3, process)  # there are pages to be stored
        assert database.truth(place.path) == set()
        writer.execute("ROLLBACK")
        writer.close()
        status, _, words = place.end(process)
    assert status == 0, words
    assert database.truth(place.path) == place.simulator.truth()


def test_status_search_and_doctor_ask_nobody_for_a_lock(place):
    assert place.run("collect")[0] == 0
    with holding(place.path, list(LOCKS)):
        assert [place.run(*command)[0] for command in (["status", "--strict"], ["search"], ["doctor"])] == [0, 0, 0]
        told = json.loads(place.run("doctor", "--json")[1])
    notes = [finding["message"] for finding in told["findings"] if finding["severity"] == "note"]
    assert f"Now process {os.getpid()} is maintaining it." in notes
