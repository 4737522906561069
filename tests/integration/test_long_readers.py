"""Collecting beside others who keep the database: readers of one moment, writers, maintenance; and a signal meanwhile."""

import contextlib
import fcntl
import os
import signal
import sqlite3
import subprocess

import pytest

import database
from conftest import clean_environment, simulated_environment

DEADLINE_S = 60
COMPANY = ["--sign-ins", "400", "--directory-audits", "100", "--days", "5", "--page-size", "50"]


class Company:
    """A simulator, a database that has been made, and collecting into it."""

    def __init__(self, build, simulator, folder):
        self.program, self.simulator, self.folder = build / "m365keep", simulator, folder
        self.path = folder / "audit.db"
        self.run("collect", "--only", "users")

    def begin(self, *arguments):
        environment = clean_environment(self.folder, simulated_environment(self.simulator))
        return subprocess.Popen([self.program, *arguments, "--db", self.path], cwd=self.folder, env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments):
        with self.begin(*arguments) as process:
            output, words = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, words
        return output, words

    def check_complete(self):
        """The next run completes what the last one left: all that the service has, once, and sound."""
        self.run("collect")
        assert database.truth(self.path) == self.simulator.truth()
        database.check_integrity(self.path)


@pytest.fixture(name="company")
def fixture_company(build, sim, tmp_path):
    return Company(build, sim(COMPANY), tmp_path)


@contextlib.contextmanager
def transaction(path, begin):
    """A connection of this process that is in a transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(begin)
    connection.execute("SELECT count(*) FROM event").fetchall()
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def maintenance(path):
    """This process maintains the database, as far as others can see."""
    with open(f"{path}.maintain.lock", "w+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def wait_for_line(process, words):
    """The first line on stderr that has these words."""
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"'{words}' was never said; exit {process.wait()}")


def test_a_reader_who_holds_on_to_one_moment_keeps_nobody_from_collecting(company):
    with transaction(company.path, "BEGIN") as reader:
        company.run("collect")
        assert reader.execute("SELECT count(*) FROM event").fetchone() == (0,)  # still that moment
    company.check_complete()


def test_it_waits_for_a_writer_says_so_once_and_goes_on(company):
    with transaction(company.path, "BEGIN IMMEDIATE") as writer:
        process = company.begin("collect", "--only", "sign-ins")
        line = wait_for_line(process, "Waiting for another program to unlock the database.")
        assert f"process {os.getpid()} " in line
        writer.execute("ROLLBACK")
        _, rest = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, rest
    assert rest.count("free again") >= 1
    company.check_complete()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_for_a_writer_and_nothing_is_lost(company, number):
    with transaction(company.path, "BEGIN IMMEDIATE"):
        process = company.begin("collect")
        wait_for_line(process, "Waiting for another program to unlock the database.")
        process.send_signal(number)
        process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 128 + number
    company.check_complete()


def test_a_signal_ends_the_wait_for_maintenance_which_is_named(company):
    with maintenance(company.path), transaction(company.path, "BEGIN IMMEDIATE"):
        process = company.begin("collect")
        line = wait_for_line(process, "Waiting for the maintenance of the database to end.")
        assert f"process {os.getpid()}" in line
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 128 + signal.SIGTERM
    company.check_complete()


def test_a_signal_while_pages_wait_for_a_lock_leaves_their_cursors_where_they_stood(company):
    company.simulator.faults([{"match": {"path": "signIns", "page": 3}, "action": {"delay_ms": 500}}])
    process = company.begin("collect", "--only", "sign-ins")
    with sqlite3.connect(company.path, isolation_level=None, timeout=DEADLINE_S) as writer:
        while not writer.execute("SELECT count(*) FROM event").fetchone()[0]:  # in the middle of the pages
            assert process.poll() is None
        writer.execute("BEGIN IMMEDIATE")
        stored = writer.execute("SELECT count(*) FROM event").fetchone()
        wait_for_line(process, "Waiting for another program to unlock the database.")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 128 + signal.SIGTERM
        writer.execute("ROLLBACK")
        assert writer.execute("SELECT count(*) FROM event").fetchone() == stored
    writer.close()
    company.check_complete()
