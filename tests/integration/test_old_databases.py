"""Databases that earlier versions of the program left: today's brings them up to date with every byte they held, and goes on with them."""

import hashlib
import lzma
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

import database
from conftest import REPOSITORY, clean_environment

FOLDER = REPOSITORY / "tests" / "databases"
sys.path.insert(0, str(FOLDER))
import contents  # pylint: disable=wrong-import-position

VERSIONS = sorted(int(re.search(r"\d+", path.name)[0]) for path in FOLDER.glob("version-*.db.xz"))
TODAY = max(int(path.name[:4]) for path in (REPOSITORY / "migrations").glob("*.sql"))
CUSTOMERS = {"contoso": "11111111-2222-4333-8444-555555555555", "fabrikam": "22222222-3333-4444-8555-666666666666"}
LATER = 1_763_640_000 + 3 * 86400  # 2025-11-23T12:00:00Z: after the last of what they hold
KILLS = 10


def version_of(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Old:
    """A copy of the database of a version, and what it is known to hold."""

    def __init__(self, version, path, build):
        self.version, self.path, self.build = version, path, build
        self.packed = lzma.decompress((FOLDER / f"version-{version}.db.xz").read_bytes())
        self.lines = (FOLDER / f"version-{version}.txt").read_text(encoding="utf-8").splitlines()
        self.restore()

    def restore(self):
        for file in self.path.parent.glob(f"{self.path.name}*"):
            file.unlink()
        self.path.write_bytes(self.packed)
        self.path.chmod(0o600)

    def open(self, environment=None, **options):
        """Opens it for writing, and verifies it: a CompletedProcess."""
        return subprocess.run([self.build / "open_database", self.path], env=clean_environment(self.path.parent, environment), check=False,
                              capture_output=True, text=True, timeout=120, **options)

    def held(self):
        return contents.contents(self.path, self.version)

    def check_today(self):
        """It is of today's version, sound, and holds what it held."""
        result = self.open()
        assert (result.returncode, result.stdout) == (0, "sound\n"), result.stdout + result.stderr
        assert version_of(self.path) == TODAY
        assert self.held() == self.lines
        database.check_integrity(self.path)


@pytest.fixture(name="old", params=VERSIONS)
def fixture_old(request, tmp_path, build):
    return Old(request.param, tmp_path / "keep.db", build)


def test_there_is_a_database_of_every_earlier_version():
    assert VERSIONS == list(range(1, TODAY)), "tests/databases/README.md says how the missing one is made"


def test_an_old_database_is_what_its_list_says(old):
    assert version_of(old.path) == old.version
    assert old.held() == old.lines


def test_an_old_database_is_brought_up_to_date_with_every_byte_it_held(old):
    old.check_today()
    old.check_today()  # once more: nothing is left to do


def test_who_only_reads_leaves_an_old_database_alone_and_says_who_brings_it_up_to_date(old, keep):
    before = digest(old.path)
    for arguments in (["search", "payroll"], ["status"]):
        result = keep([*arguments, "--db", old.path])
        assert result.returncode == 1 and result.stdout == "", result.stdout
        words = f"was written by an older m365keep (schema {old.version}, this program needs {TODAY}): collect brings it up to date"
        assert words in result.stderr, result.stderr
    assert digest(old.path) == before


def test_a_database_of_a_newer_version_is_refused_untouched(old, keep):
    with sqlite3.connect(old.path) as connection:
        connection.execute(f"PRAGMA user_version = {TODAY + 1}")
    connection.close()
    before = digest(old.path)
    words = f"was written by a newer m365keep (schema {TODAY + 1}, this program knows {TODAY}): use that program"
    assert words in old.open().stdout
    for arguments in (["search", "payroll"], ["collect"]):
        result = keep([*arguments, "--db", old.path], env={name: "11111111-2222-4333-8444-555555555555" for name in (
            "GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET")})
        assert result.returncode == 1 and words in result.stderr, result.stderr
    assert digest(old.path) == before


def collect(old, keep, simulator, customer, *arguments):
    return keep(["collect", "--db", old.path, *arguments], sim=simulator,
                env={"M365KEEP_CUSTOMER": customer, "GRAPH_TENANT_ID": CUSTOMERS[customer]})


def test_collecting_searching_and_reporting_go_on_with_an_old_database(old, keep, sim, tmp_path):
    simulator = sim(["--sign-ins", 40, "--directory-audits", 10, "--users", 5, "--services", 2, "--days", 2,
                     *(argument for tenant in CUSTOMERS.values() for argument in ("--tenant", tenant))], clock=f"{LATER}@0@{LATER}")
    kept = {line for line in old.lines if line.startswith(("event version |", "unreadable |", "mail |", "user change |"))}
    for customer in CUSTOMERS:
        result = collect(old, keep, simulator, customer, "--only", "users,sign-ins,directory-audits,health")
        assert result.returncode == 0, result.stderr
    assert kept <= set(old.held())
    with database.connect(old.path) as connection:
        assert connection.execute("SELECT count(*) FROM collect_cursor").fetchone() == (0,), "what was left half way was read to its end"
    raws = {(tenant, source, record) for tenant, source, record, _ in database.truth(old.path)}
    events = [line.split(" | ") for line in old.lines if line.startswith("event | ")]
    assert {(CUSTOMERS[customer], source, record) for _, customer, source, record, _, _ in events} <= raws
    assert simulator.truth() <= database.truth(old.path)

    result = keep(["search", "payroll", "--customer", "contoso", "--json", "--db", old.path])
    assert result.returncode == 0 and "odd-contoso" in result.stdout, result.stderr
    result = keep(["status", "--db", old.path])
    assert result.returncode == 0 and "contoso" in result.stdout, result.stderr
    for command in (["report", "--customer", "contoso", "--from", "2025-11-21", "--to", "2025-11-21", "--no-send", "--output", "out"],):
        result = keep([*command, "--db", old.path], env={"M365KEEP_CUSTOMER": "contoso", "GRAPH_TENANT_ID": CUSTOMERS["contoso"]})
        assert result.returncode == 0, result.stderr
    assert list((tmp_path / "out").glob("*.html"))
    old.version = TODAY
    assert old.open().stdout == "sound\n"


@pytest.mark.plain_only
def test_killed_while_it_is_brought_up_to_date_an_old_database_is_of_one_version_or_the_other(old, tmp_path):
    count = tmp_path / "count"
    preload = {"LD_PRELOAD": str(old.build / "kill_at.so"), "KILL_AT_PATH": old.path.name, "KILL_AT_COUNT": str(count)}
    assert old.open(preload).returncode == 0
    calls = int(count.read_text(encoding="ascii"))
    assert calls > KILLS
    met = set()
    for number in range(KILLS):
        old.restore()
        result = old.open({**preload, "KILL_AT": str(1 + number * calls // KILLS)})
        assert result.returncode == -signal.SIGKILL, result.stdout
        met.add(version_of(old.path))
        assert old.held() == old.lines
        old.check_today()
    assert met <= set(range(old.version, TODAY + 1)) and len(met) > 1


def test_a_folder_that_fills_up_leaves_an_old_database_whole(old):
    """The file may not grow: the program is told so as by a disk that is full."""
    grows = subprocess.run(["bash", "-c", 'trap "" XFSZ; ulimit -f $1; exec "$2" "$3"', "-", "64", old.build / "open_database",
                            old.path], env=clean_environment(old.path.parent), check=False, capture_output=True, text=True, timeout=120)
    assert grows.returncode == 1, grows.stdout
    assert version_of(old.path) in range(old.version, TODAY) and old.held() == old.lines
    old.check_today()


def test_a_backup_of_an_older_database_is_of_its_version_and_leaves_it_so(old, tmp_path, build):
    """Who backs up before he brings up to date wants what he had."""
    copy, restored = tmp_path / "copy.db", tmp_path / "restored.db"
    environment = clean_environment(tmp_path) | {"M365KEEP_CONFIG": "/dev/null"}
    for arguments in (["backup", copy, "--db", old.path], ["restore", copy, "--db", restored]):
        result = subprocess.run([build / "m365keep", "maintain", *arguments], env=environment, check=False, capture_output=True, text=True,
                                timeout=120)
        assert result.returncode == 0, result.stderr
    assert version_of(copy) == version_of(old.path) == old.version
    assert version_of(restored) == TODAY
    assert contents.contents(copy, old.version) == contents.contents(restored, old.version) == old.lines
