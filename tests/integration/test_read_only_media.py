"""A database where nothing can be written: on a read-only medium, with and without the log that SQLite keeps beside it, in a folder of
somebody else's, and of an older version. It tells there all that it holds, or says what to do; and nothing is left behind."""

import json
import lzma
import shutil
import sqlite3
import subprocess

import pytest

from conftest import NOON, REPOSITORY, clean_environment
from test_doctor import without_privileges

QUERIES = sorted((REPOSITORY / "schema" / "queries").glob("*.sql"))
DATABASES = REPOSITORY / "tests" / "databases"
VERSIONS = [path.name for path in sorted(DATABASES.glob("version-*.db.xz"))]
CLOCK = f"{NOON}@0@{NOON}"

# Mounts the folder on itself, unwritable, and runs the rest there.
MOUNT = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
         'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd / && cd "$0" && exec "$@"']
URIS = {"plain": "file:keep.db?immutable=1", "log_and_index": "keep.db", "log_alone": "file:keep.db?mode=ro&vfs=unix-none"}


@pytest.fixture(scope="session", name="mounts")
def fixture_mounts(tmp_path_factory):
    """Whether the kernel lets us make a read-only mount of our own."""
    folder = tmp_path_factory.mktemp("probe")
    tried = subprocess.run([*MOUNT, folder, "sh", "-c", "! touch here 2>/dev/null"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no read-only mount can be made here ({tried.stderr.strip()}): READING FROM READ-ONLY MEDIA WAS NOT TRIED")


def with_log(source, folder, index):
    """The database with a change that is in its log alone."""
    writer = sqlite3.connect(folder / "before.db", isolation_level=None)
    with sqlite3.connect(source) as connection:
        connection.backup(writer)
    connection.close()
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.execute("UPDATE customer SET name = 'from the log'")
    for suffix in ("", "-wal", "-shm") if index else ("", "-wal"):
        shutil.copy(folder / f"before.db{suffix}", folder / f"keep.db{suffix}")
    writer.close()
    for path in folder.glob("before.db*"):
        path.unlink()


class Medium:
    """A folder that nobody can write, with a database in it."""

    def __init__(self, build, folder):
        self.build, self.folder, self.path = build, folder, folder / "keep.db"
        self.before = None

    def run(self, *command, **options):
        """A command on it: a CompletedProcess."""
        self.before = self.before or self.files()
        environment = clean_environment(self.folder, {"M365KEEP_CLOCK": CLOCK, "TMPDIR": str(self.folder.parent)})
        result = subprocess.run([*MOUNT, self.folder, *command], env=environment, capture_output=True, check=False, timeout=120,
                                encoding="utf-8", errors="surrogateescape", stdin=subprocess.DEVNULL, **options)
        assert self.files() == self.before, "something was written"
        return result

    def keep(self, *arguments):
        return self.run(self.build / "m365keep", *arguments, "--db", "keep.db")

    def files(self):
        return {path.name: path.read_bytes() for path in self.folder.parent.rglob("*") if path.is_file() and path.parent.name != "copy"}


@pytest.fixture(name="medium")
def fixture_medium(mounts, build, tmp_path):
    folder = tmp_path / "here" / "medium"
    folder.mkdir(parents=True)
    return Medium(build, folder)


@pytest.fixture(name="filled", params=list(URIS))
def fixture_filled(request, medium, filled_db):
    """The medium with some thousand records, and how the database was left."""
    if request.param == "plain":
        shutil.copy(filled_db, medium.path)
    else:
        with_log(filled_db, medium.folder, request.param == "log_and_index")
    medium.how = request.param
    return medium


def on_disk(medium, keep, tmp_path):
    """The same database where it can be written; runs a command on it."""
    folder = tmp_path / "copy"
    if not folder.exists():
        shutil.copytree(medium.folder, folder)
    return lambda *arguments: keep([*arguments, "--db", "keep.db"], cwd=folder, env={"M365KEEP_CLOCK": CLOCK})


# --- the program ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("search", "--limit", "100", "--json"), ("search", "Portal", "--csv"),
                                       ("search", "--in", "users", "--json"), ("status", "--since", "365d")], ids=" ".join)
def test_it_tells_what_it_holds_the_log_included(filled, keep, tmp_path, arguments):
    there, here = filled.keep(*arguments), on_disk(filled, keep, tmp_path)(*arguments)
    assert (there.returncode, here.returncode) == (0, 0), there.stderr + here.stderr
    # Who may write sees a log that is new, and takes it away.
    lines = [[line for line in result.stdout.splitlines() if not line.startswith("Database ")] for result in (there, here)]
    assert lines[0] == lines[1] and len(lines[0]) > 0
    assert arguments[-1] != "--json" or ("from the log" in there.stdout) == (filled.how != "plain")


def test_every_body_can_be_verified_there(filled):
    result = filled.keep("maintain", "verify")
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_copy_can_be_made_from_there(filled, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    result = filled.keep("maintain", "backup", folder / "copied.db")
    assert result.returncode == 0, result.stdout + result.stderr
    with sqlite3.connect(folder / "copied.db") as connection:
        names = connection.execute("SELECT name FROM customer").fetchall()
    connection.close()
    assert (names == [("from the log",)]) == (filled.how != "plain")


def test_who_would_write_is_refused_in_words(filled):
    for arguments in (["maintain", "prune"], ["maintain", "optimize"], ["maintain", "renormalize"]):
        (filled.folder / "m365keep.yaml").write_text("retention: {days: 30}\n", encoding="utf-8")
        result = filled.keep(*arguments)
        assert result.returncode == 1 and result.stdout == "", arguments
        assert "Read-only file system" in result.stderr and "keep.db" in result.stderr, result.stderr


def test_doctor_tells_that_it_is_one(filled):
    result = filled.keep("doctor", "--json")
    findings = [(one["severity"], one["check"], one["message"]) for one in json.loads(result.stdout)["findings"]]
    assert result.returncode == 4 and any(one[:2] == ("fail", "disk") and "mounted read-only" in one[2] for one in findings)
    assert any(one[:2] == ("ok", "database") and "is sound" in one[2] for one in findings)


# --- the shell ------------------------------------------------------------------------------------------------------------


def ask_shell(uri, prepare):
    return [shutil.which("sqlite3"), "-batch", "-bail", "-readonly", *prepare, uri]


def test_the_shell_reads_it_and_every_recipe_runs(filled, tmp_path):
    alone = ["-cmd", "PRAGMA locking_mode = EXCLUSIVE"] if filled.how == "log_alone" else []
    reads = [f".read {path}" for path in QUERIES]
    there = filled.run(*ask_shell(URIS[filled.how], alone), *reads)
    assert there.returncode == 0 and there.stderr == ""
    folder = tmp_path / "copy"
    shutil.copytree(filled.folder, folder)
    here = subprocess.run([*ask_shell("keep.db", []), *reads], cwd=folder, capture_output=True, check=True, timeout=120,
                          encoding="utf-8", errors="surrogateescape")
    assert there.stdout.removeprefix("exclusive\n") == here.stdout and len(here.stdout) > 1000


def test_the_ways_of_the_shell_are_those_that_people_are_told():
    words = (REPOSITORY / "docs" / "queries.md").read_text(encoding="utf-8")
    for uri in ("file:m365keep.db?immutable=1", "file:m365keep.db?mode=ro&vfs=unix-none", "PRAGMA locking_mode = EXCLUSIVE"):
        assert uri in words


# --- a folder of somebody else's --------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_read_while_somebody_has_the_database_open(keep, filled_db, tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    shutil.copy(filled_db, folder / "keep.db")
    writer = sqlite3.connect(folder / "keep.db", isolation_level=None)
    writer.execute("UPDATE customer SET name = 'from the log'")
    folder.chmod(0o500)
    try:
        result = keep(["search", "--limit", "1", "--json", "--db", folder / "keep.db"], preexec_fn=without_privileges())
    finally:
        folder.chmod(0o700)
        writer.close()
    assert result.returncode == 0 and json.loads(result.stdout)[0]["customer"] == "from the log", result.stderr


def test_a_folder_that_cannot_be_written_and_nobody_reads_says_what_to_do(keep, filled_db, tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    shutil.copy(filled_db, folder / "keep.db")
    folder.chmod(0o500)
    try:
        result = keep(["status", "--db", folder / "keep.db"], preexec_fn=without_privileges())
    finally:
        folder.chmod(0o700)
    assert result.returncode == 1 and "the folder cannot be written; run as the owner of the folder, or copy the database" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["keep.db"]


# --- an older version -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", VERSIONS)
def test_an_older_database_is_read_as_if_it_were_of_today(medium, keep, tmp_path, packed):
    medium.path.write_bytes(lzma.decompress((DATABASES / packed).read_bytes()))
    there = [medium.keep("search", "--limit", "100", "--json"), medium.keep("search", "--in", "users", "--json"), medium.keep("status", "--json")]
    here = on_disk(medium, keep, tmp_path)
    refused = here("search")
    assert refused.returncode == 1 and "older m365keep" in refused.stderr and "collect brings it up to date" in refused.stderr
    assert here("maintain", "verify").returncode == 0  # brings it up to date
    same = [here("search", "--limit", "100", "--json"), here("search", "--in", "users", "--json"), here("status", "--json")]
    for old, new in zip(there, same):
        assert (old.returncode, new.returncode) == (0, 0), old.stderr
    assert [old.stdout for old in there[:2]] == [new.stdout for new in same[:2]] and len(there[0].stdout) > 1000
    assert json.loads(there[2].stdout)["customers"] == json.loads(same[2].stdout)["customers"]


def test_an_older_database_that_is_too_large_to_be_copied_each_time_says_what_to_do(medium):
    medium.path.write_bytes(lzma.decompress((DATABASES / VERSIONS[-1]).read_bytes()))
    connection = sqlite3.connect(medium.path)
    connection.execute("""INSERT INTO unreadable_record (customer_id, source, received_at, reason, body_hash, body)
                          VALUES (1, 'sign-ins', 1, 'large', zeroblob(16), zeroblob(260 * 1024 * 1024))""")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    medium.before = {}
    medium.files = lambda: {}  # they are large
    result = medium.keep("search")
    assert result.returncode == 1 and result.stdout == ""
    assert "cannot be written where it is" in result.stderr and "m365keep maintain verify --db" in result.stderr
