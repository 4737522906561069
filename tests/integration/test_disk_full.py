"""A disk that is full, at whatever the program is: the database opens and is sound afterwards, the words say what to do, and with space
on the disk the next run goes on with nothing missing.

The disk is a tmpfs of some megabytes, in namespaces of its own, which needs no privileges."""

import contextlib
import json
import lzma
import pathlib
import sqlite3
import subprocess

import pytest

import database
from conftest import CLOCK, NOON, REPOSITORY, clean_environment, simulated_environment, start_simulator

MIB = 1024 * 1024
DAY = 86400
RESERVE = 8 * MIB
MOST = 64 * MIB  # of a disk
EVENTS = ["--seed", "7", "--sign-ins", "1500", "--directory-audits", "500", "--days", "20", "--late-percent", "0", "--clock", CLOCK]
ONLY = ["--only", "sign-ins,directory-audits"]
LARGE = ["--seed", "7", "--sign-ins", "3200", "--directory-audits", "600", "--days", "20", "--late-percent", "0", "--clock", CLOCK]
OLD_DATABASE = REPOSITORY / "tests" / "databases" / "version-4.db.xz"


class Disk:
    """A tmpfs of so many bytes at `folder`, seen by what is run through it alone."""

    def __init__(self, folder, size):
        self.folder = folder
        mount = 'mount -t tmpfs -o size="$1",mode=0700 small "$0" && echo mounted && exec cat'
        self.holder = subprocess.Popen(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, folder, str(size)],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.mounted = self.holder.stdout.readline() == "mounted\n"

    def close(self):
        """Ends it; what went wrong, if it could not be mounted."""
        return self.holder.communicate()[1].strip()

    def run(self, *command, **options):
        """Runs a command that sees it, in its folder."""
        enter = ["nsenter", f"--target={self.holder.pid}", "--user", "--mount", "--preserve-credentials", f"--wdns={self.folder}"]
        options = {"text": True, "capture_output": True, "check": False, "timeout": 300, "stdin": subprocess.DEVNULL, **options}
        return subprocess.run([*enter, *command], **options)

    def tell(self, *command, **options):
        """What a command says that must not fail."""
        return self.run(*command, **{"check": True, **options}).stdout

    def resize(self, size):
        self.tell("mount", "-o", f"remount,size={size}", self.folder)

    def fill(self, leave=0):
        """Takes all of it, but for so many bytes."""
        assert self.tell("stat", "--file-system", "--format=%T", ".") == "tmpfs\n" and self.free() <= MOST  # no other disk
        self.run("dd", "if=/dev/zero", "of=ballast", "bs=4096", f"count={MOST // 4096}")
        assert self.free() == 0
        if leave:
            held = int(self.tell("stat", "--format=%s", "ballast"))
            self.tell("truncate", f"--size={held - leave}", "ballast")

    def empty(self):
        self.tell("rm", "ballast")

    def free(self):
        return int(self.tell("stat", "--file-system", "--format=%f", ".")) * int(self.tell("stat", "--file-system", "--format=%S", "."))

    def files(self):
        return {name: int(size) for size, name in (line.split() for line in self.tell("stat", "--format=%s %n", *self.names()).splitlines())}

    def names(self):
        return self.tell("ls").split()

    def put(self, name, content):
        self.tell("sh", "-c", 'cat > "$0" && chmod 600 "$0"', name, input=content, text=False, stdin=None)

    def fetch(self, name, to):
        to.write_bytes(self.tell("cat", name, text=False))
        return to


class Place:
    """The program and its database on such a disk."""

    def __init__(self, build, disk, folder, simulator=None):
        self.build, self.disk, self.folder = build, disk, folder
        more = simulated_environment(simulator) if simulator else {"M365KEEP_CLOCK": CLOCK}
        self.environment = clean_environment(folder, {"M365KEEP_DB": str(disk.folder / "keep.db"), **more})

    def keep(self, *arguments, days=0):
        """Runs the program, with so many days of retention."""
        environment = {**self.environment, "DB_DAYS_SCOPE": str(days)} if days else self.environment
        run = self.disk.run(self.build / "m365keep", *arguments, env=environment)
        assert run.returncode >= 0 and "Sanitizer" not in run.stderr, run.stderr
        return run

    def must(self, *arguments, **options):
        run = self.keep(*arguments, **options)
        assert run.returncode == 0, run.stdout + run.stderr
        return run

    def is_sound(self):
        self.must("maintain", "verify")

    def copy(self):
        """The database, where this process sees it."""
        to = self.folder / "seen.db"
        for suffix in ("", "-wal"):
            if f"keep.db{suffix}" in self.disk.names():
                self.disk.fetch(f"keep.db{suffix}", pathlib.Path(f"{to}{suffix}"))
            else:
                pathlib.Path(f"{to}{suffix}").unlink(missing_ok=True)
        return to

    def ask(self, query):
        with contextlib.closing(sqlite3.connect(self.copy())) as connection:
            return connection.execute(query).fetchone()[0]


@pytest.fixture(name="disk")
def fixture_disk(tmp_path):
    """disk(SIZE): a disk that ends with the test."""
    made = []

    def make(size):
        folder = tmp_path / f"disk{len(made)}"
        folder.mkdir()
        made.append(Disk(folder, size))
        if not made[-1].mounted:
            words = made.pop().close()
            pytest.skip(f"no disk of our own can be mounted here ({words}): A FULL DISK WAS NOT TRIED")
        return made[-1]

    yield make
    for disk in made:
        disk.close()


def says_what_to_do(run):
    return "free some space" in run.stdout + run.stderr


def test_collecting_goes_on_where_the_disk_became_full(build, disk, sim, tmp_path):
    simulator, small = sim(EVENTS), disk(5 * MIB)
    place = Place(build, small, tmp_path, simulator)
    run = place.keep("collect", *ONLY)
    assert run.returncode in (1, 3) and says_what_to_do(run), run.stdout + run.stderr
    assert database.truth(place.copy()) < simulator.truth()
    again = place.keep("collect", *ONLY)
    assert again.returncode in (1, 3) and says_what_to_do(again)
    small.resize(MOST)
    place.is_sound()
    place.must("collect", *ONLY)
    assert database.truth(place.copy()) == simulator.truth()
    place.is_sound()


@pytest.fixture(name="full")
def fixture_full(build, disk, sim, tmp_path):
    """A place with twenty days of events, and the simulator that they are from."""
    simulator = sim(EVENTS)
    place = Place(build, disk(MOST), tmp_path, simulator)
    place.must("collect", *ONLY)
    return place, simulator


@pytest.fixture(name="large_stock", scope="session")
def fixture_large_stock(build, tmp_path_factory):
    """A database that is several times as large as what the write-ahead log may take of a full disk."""
    folder = tmp_path_factory.mktemp("large")
    simulator = start_simulator(LARGE)
    try:
        environment = clean_environment(folder, {"M365KEEP_DB": str(folder / "keep.db"), **simulated_environment(simulator)})
        subprocess.run([build / "m365keep", "collect", *ONLY], env=environment, check=True, capture_output=True, timeout=300)
    finally:
        simulator.stop()
    return folder / "keep.db"


@pytest.mark.parametrize("leave", [0, 256 * 1024], ids=["no byte", "256 KiB"])
def test_prune_makes_room_for_a_large_database_whatever_is_left_of_the_disk(build, disk, tmp_path, large_stock, leave):
    place = Place(build, disk(MOST), tmp_path)
    place.disk.put("keep.db", large_stock.read_bytes())
    place.disk.put("keep.db.reserve", bytes(RESERVE))
    place.disk.fill(leave=leave)
    left = kept(place, 7)
    result = json.loads(place.must("maintain", "prune", "--json", days=7).stdout)["result"]
    assert result["records"] > 1500 and result["reserve_used"] and not result["log_held"]
    assert result["bytes_after"] < result["bytes_before"] * 2 / 3
    assert place.ask("SELECT count(*) FROM event") == left
    place.is_sound()


def kept(place, days):
    """How many events there are, of which retention is to leave those that are not older."""
    return place.ask(f"SELECT count(*) FROM event WHERE event_id >> 20 >= {NOON - days * DAY}")


def test_prune_makes_room_on_a_disk_that_has_little_left(full):
    place, _ = full
    left = kept(place, 10)
    place.disk.fill(leave=1 * MIB)
    run = place.must("maintain", "prune", "--json", days=10)
    result = json.loads(run.stdout)["result"]
    assert result["records"] > 500 and not result["reserve_used"] and result["bytes_after"] < result["bytes_before"]
    assert place.ask("SELECT count(*) FROM event") == left
    assert place.disk.free() > 1 * MIB
    place.is_sound()


def test_prune_makes_room_on_a_disk_without_a_byte_by_way_of_the_reserve(full):
    place, simulator = full
    left = kept(place, 10)
    place.disk.put("keep.db.reserve", bytes(RESERVE))
    place.disk.fill()
    run = place.must("maintain", "prune", "--json", days=10)
    result = json.loads(run.stdout)["result"]
    assert result["records"] > 500 and result["reserve_used"]
    assert "keep.db.reserve" not in place.disk.names() and place.disk.free() > RESERVE
    assert place.ask("SELECT count(*) FROM event") == left
    place.is_sound()
    place.disk.empty()
    place.must("collect", *ONLY, days=10)
    assert database.truth(place.copy()) <= simulator.truth() and place.ask("SELECT count(*) FROM event") == left


def test_without_a_byte_and_without_reserve_prune_says_what_to_do_and_goes_on_with_space(full):
    place, _ = full
    left, whole = kept(place, 10), place.ask("SELECT count(*) FROM event")
    place.disk.fill()
    run = place.keep("maintain", "prune", days=10)
    assert run.returncode == 1 and says_what_to_do(run), run.stdout + run.stderr
    assert place.ask("SELECT count(*) FROM event") == whole
    place.disk.empty()
    place.is_sound()
    place.must("maintain", "prune", days=10)
    assert place.ask("SELECT count(*) FROM event") == left
    place.is_sound()


def test_a_dry_run_takes_nothing_from_a_full_disk(full):
    place, _ = full
    place.disk.put("keep.db.reserve", bytes(RESERVE))
    place.disk.fill(leave=256 * 1024)
    run = place.must("maintain", "prune", "--dry-run", "--json", days=10)
    assert json.loads(run.stdout)["result"]["records"] > 500
    assert place.disk.files()["keep.db.reserve"] == RESERVE


def test_a_backup_that_has_no_room_leaves_nothing_behind(full):
    place, _ = full
    place.disk.fill(leave=1 * MIB)
    before = place.disk.files()
    run = place.keep("maintain", "backup", "copy.db")
    assert run.returncode == 1 and says_what_to_do(run), run.stdout + run.stderr
    after = place.disk.files()
    assert {name for name in after if "lock" not in name} == {name for name in before if "lock" not in name}
    place.disk.empty()
    place.is_sound()
    place.must("maintain", "backup", "copy.db")
    assert "copy.db" in place.disk.names()


def test_a_migration_that_has_no_room_leaves_the_older_database_as_it_was(build, disk, tmp_path):
    small = disk(16 * MIB)
    place = Place(build, small, tmp_path)
    content = lzma.decompress(OLD_DATABASE.read_bytes())
    small.put("keep.db", content)
    small.fill(leave=96 * 1024)
    run = place.keep("maintain", "verify")
    assert run.returncode == 1 and says_what_to_do(run), run.stdout + run.stderr
    assert place.ask("PRAGMA user_version") == 4
    small.empty()
    place.is_sound()
    assert place.ask("PRAGMA user_version") == max(int(path.name[:4]) for path in (REPOSITORY / "migrations").glob("*.sql"))
    assert place.ask("SELECT count(*) FROM events") > 0
