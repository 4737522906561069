"""m365keep maintain, end to end: what a simulator shows is collected, pruned, verified, copied, put back and forgotten, and what is left
is compared, as sets, with what the simulator says is to be left."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess

import pytest

import conftest
import database
from conftest import NOON, clean_environment
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT, binary
from test_collect import wait_until

DAY = 86400
OTHER = "22222222-3333-4444-8555-666666666666"
EVENTS = ["--seed", "11", "--sign-ins", "500", "--directory-audits", "200", "--intune-audits", "120", "--days", "20", "--users", "30",
          "--late-percent", "0"]
CLOCK = f"{NOON}@0@{NOON}"


def shown(options, clock=CLOCK, **days):
    """What the simulator shows with these options: (tenant, source, id, hash); retention_days=7 leaves older records out."""
    more = [word for name, value in days.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    environment = {name: value for name, value in os.environ.items() if name != "M365KEEP_CLOCK"}
    lines = subprocess.run([binary(), "--truth", "--issues", "0", "--messages", "0", *options, "--clock", clock, *more], check=True,
                           capture_output=True, text=True, env=environment).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    return {(row["tenant"], row["source"], row["id"], row["sha256"]) for row in rows if row["source"] != "health"}


def of_source(rows, *sources):
    return {row for row in rows if row[1] in sources}


class House:
    """A folder with a database, and what m365keep does with it at a moment that stands still."""

    def __init__(self, build, folder, simulator=None):
        self.build, self.folder, self.simulator = build, folder, simulator
        self.path = folder / "keep.db"
        self.keep = conftest.runner(build, folder)
        self.variables = {"M365KEEP_CLOCK": CLOCK, "M365KEEP_DB": str(self.path)}
        if simulator:
            hosts = conftest.simulated_environment(simulator)
            self.variables.update({name: value for name, value in hosts.items() if not name.startswith("GRAPH_") or name == "GRAPH_URL"})
            self.variables.update({"CONTOSO": f"{TENANT};{CLIENT_ID};{CLIENT_SECRET}", "ZEPHYRWORKS": f"{OTHER};{CLIENT_ID};{CLIENT_SECRET}"})

    def configure(self, retention="", customers=("contoso",), more=""):
        rows = "".join(f"  - {{name: {name}, variable: {name.upper()}, sources: [users, sign-ins, directory-audits, intune-audits, health]}}\n"
                       for name in customers)
        (self.folder / "m365keep.yaml").write_text((f"retention: {{{retention}}}\n" if retention else "") + more + f"customers:\n{rows}",
                                                   encoding="utf-8")

    def run(self, *arguments, exits=0, env=None, **options):
        result = self.keep([str(argument) for argument in arguments], env={**self.variables, **(env or {})}, **options)
        assert result.returncode == exits, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def start(self, *arguments, env=None):
        """The program, left running."""
        environment = clean_environment(self.folder, {**self.variables, **(env or {})})
        return subprocess.Popen([self.build / "m365keep", *map(str, arguments)], cwd=self.folder, env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def told(self, *arguments, exits=0, env=None):
        """The one JSON value of maintain ARGUMENTS."""
        result = self.run("maintain", *arguments, "--json", exits=exits, env=env)
        assert result.stdout.endswith("}\n") and result.stdout.count("\n") == 1
        value = json.loads(result.stdout)
        assert list(value) == ["task", "started", "finished", "outcome", "message", "result"] and value["task"] == arguments[0]
        return value

    def collect(self, *arguments, env=None):
        self.run("collect", "--quiet", *arguments, env=env)

    def rows(self, path=None):
        """(tenant, source, id, hash) of every event. Nothing is left open."""
        return {(tenant, source, identifier, hashlib.sha256(raw.encode()).hexdigest())
                for tenant, source, identifier, raw in self.query("SELECT tenant_id, source, id, raw FROM events", path=path)}

    def query(self, text, *values, path=None):
        with contextlib.closing(database.connect(path or self.path)) as connection:
            return connection.execute(text, values).fetchall()

    def execute(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(text, values)

    def check(self):
        """Sound to SQLite, to FTS5 and to verify."""
        database.check_integrity(self.path)
        assert self.told("verify")["result"]["ok"]


@pytest.fixture(scope="session", name="stock")
def fixture_stock(build, tmp_path_factory):
    """A folder with all that the simulator of EVENTS shows, collected; to be copied."""
    folder = tmp_path_factory.mktemp("stock")
    simulator = conftest.start_simulator(EVENTS)
    try:
        house = House(build, folder, simulator)
        house.configure()
        house.collect()
        assert house.rows() == shown(EVENTS)
    finally:
        simulator.stop()
    return folder


@pytest.fixture(name="house")
def fixture_house(build, stock, tmp_path):
    shutil.copy(stock / "keep.db", tmp_path / "keep.db")
    house = House(build, tmp_path)
    house.configure()
    return house


# --- retention


def test_what_is_older_goes_and_nothing_else(house):
    house.configure("days: 7")
    house.run("maintain", "prune")
    assert house.rows() == shown(EVENTS, retention_days=7, intune_retention_days=7)
    house.check()
    left = {source: count for source, count in house.query("SELECT source, count(*) FROM events GROUP BY 1")}
    counted = dict(house.query("SELECT source, records FROM collections WHERE source IN ('sign-ins', 'directory-audits', 'intune-audits')"))
    assert left == counted
    assert house.told("prune")["result"]["records"] == 0


def test_each_source_has_a_line_of_its_own(house):
    house.configure("days: 10, per_source: {sign_ins: 3, intune_audits: 0}")
    house.run("maintain", "prune")
    assert house.rows() == (of_source(shown(EVENTS, retention_days=3), "sign-ins") |
                            of_source(shown(EVENTS, retention_days=10), "directory-audits") |
                            of_source(shown(EVENTS), "intune-audits"))
    house.check()
    lines = dict(house.query("SELECT source, unixepoch(before) FROM retention WHERE source IN ('sign-ins', 'directory-audits')"))
    assert lines == {"sign-ins": NOON - 3 * DAY, "directory-audits": NOON - 10 * DAY}


def test_no_word_of_what_was_pruned_is_found(house):
    before = dict(house.query("SELECT id, event_id FROM events"))
    house.configure("days: 7")
    house.run("maintain", "prune")
    kept = dict(house.query("SELECT id, event_id FROM events"))
    assert kept and set(before) - set(kept)
    with contextlib.closing(database.connect(house.path)) as connection:
        for identifier, number in before.items():
            found = connection.execute("SELECT rowid FROM event_fts WHERE event_fts MATCH ?", (f'"{identifier}"',)).fetchall()
            assert ((number,) in found) == (identifier in kept)
    gone, there = sorted(set(before) - set(kept))[0], sorted(kept)[0]
    assert json.loads(house.run("search", "--json", gone).stdout) == []
    assert [event["id"] for event in json.loads(house.run("search", "--json", there).stdout)] == [there]


def test_a_dry_run_changes_nothing_and_tells_what_then_happens(house):
    house.configure("days: 5, per_source: {directory_audits: 2}")
    before = database.snapshot(house.path)
    would = house.told("prune", "--dry-run")["result"]
    assert database.differences(before, database.snapshot(house.path)) == []
    went = house.told("prune")["result"]
    assert went["records"] > 0
    for key in ("records", "others", "held", "sources", "over_size"):
        assert would[key] == went[key], key
    assert sum(source["records"] for source in went["sources"]) == went["records"]
    assert all(source["customer"] == "contoso" and source["tenant_id"] == TENANT for source in went["sources"])


def test_the_table_tells_oldest_and_newest_of_what_went(house):
    house.configure("days: 7")
    times = {source: house.query("SELECT min(timestamp), max(timestamp) FROM events WHERE source = ? AND event_id < ? << 20",
                                 source, NOON - 7 * DAY)[0] for source in ("sign-ins", "directory-audits")}
    told = {source["source"]: source for source in house.told("prune")["result"]["sources"]}
    for source, (oldest, newest) in times.items():
        assert (told[source]["oldest"], told[source]["newest"]) == (f"{oldest[:19]}Z", f"{newest[:19]}Z")


def test_the_disk_gets_its_space_back(house):
    house.configure("days: 1")
    before = house.path.stat().st_size
    told = house.told("prune")["result"]
    assert told["bytes_before"] >= before and told["bytes_after"] < before / 2
    assert house.path.stat().st_size == told["bytes_after"]
    assert house.query("SELECT freelist_count FROM pragma_freelist_count") == [(0,)]


def test_the_recipe_tells_what_was_pruned(house, repository):
    house.configure("days: 7")
    told = {source["source"]: source["records"] for source in house.told("prune")["result"]["sources"]}
    with contextlib.closing(database.connect(house.path)) as connection:
        sql = (repository / "schema" / "queries" / "what-was-pruned.sql").read_text(encoding="utf-8")
        rows = {row[1]: row for row in connection.execute(sql, {"customer": None})}
    assert rows["sign-ins"][2:5] == ("2025-11-13T12:00:00Z", "2025-11-20T12:00:00Z", told["sign-ins"])
    assert rows["sign-ins"][5] == len(of_source(house.rows(), "sign-ins"))


def test_collecting_again_does_not_bring_back_what_was_pruned(build, sim, stock, tmp_path):
    shutil.copy(stock / "keep.db", tmp_path / "keep.db")
    house = House(build, tmp_path, sim(EVENTS))
    house.configure("days: 7")
    house.run("maintain", "prune")
    house.collect()
    assert house.rows() == shown(EVENTS, retention_days=7, intune_retention_days=7)
    assert house.told("prune", "--dry-run")["result"]["records"] == 0


def test_a_size_that_no_deletion_reaches_costs_no_event_and_is_said(house):
    """A table of somebody else's takes more than is allowed: all events together would not make up for it."""
    house.configure("max_size: 256MiB")
    house.run("maintain", "prune")
    assert house.rows() == shown(EVENTS)
    with contextlib.closing(sqlite3.connect(house.path, isolation_level=None)) as stranger:
        stranger.execute("PRAGMA journal_mode = OFF")
        stranger.execute("PRAGMA synchronous = OFF")
        stranger.execute("CREATE TABLE ballast (bytes BLOB)")
        stranger.execute("INSERT INTO ballast VALUES (zeroblob(280 << 20))")
    result = house.run("maintain", "prune", "--quiet", exits=3)
    assert result.stdout == ""
    assert re.search(r"still larger than retention\.max_size: 28\d\.\d MiB of it are in use, 256\.0 MiB are allowed", result.stderr)
    assert "would not be enough, so that none was deleted for it. Raise max_size" in result.stderr
    assert house.rows() == shown(EVENTS)


def test_a_clock_that_has_run_ahead_deletes_nothing(house):
    """By it everything would be too old. Who means it says so."""
    house.configure("days: 7")
    ahead = {"M365KEEP_CLOCK": f"{NOON + 10 * 365 * 86400}@0@{NOON}"}
    for arguments in ([], ["--dry-run"]):
        result = house.run("maintain", "prune", *arguments, exits=1, env=ahead)
        assert "all events would go" in result.stderr and "set the clock" in result.stderr and "--force" in result.stderr
    assert house.rows() == shown(EVENTS)
    house.run("maintain", "prune", "--force", env=ahead)
    assert house.rows() == set()


# --- the mirror


def test_what_the_mirror_has_not_got_is_held(house):
    house.configure("days: 7")
    uri = {"MONGO_URI": "mongodb://user:TOPSECRET@db.example"}
    result = house.run("maintain", "prune", exits=3, env=uri)
    assert "m365keep replicate" in result.stderr and "--force" in result.stderr and "TOPSECRET" not in result.stderr + result.stdout
    assert house.rows() == shown(EVENTS)
    half = house.query("SELECT max(seq) / 2 FROM event")[0][0]
    house.execute("INSERT INTO mirror_position (target, seq, acknowledged_at) VALUES ('db.example/micro_soc', ?, ?)", half, NOON)
    old = shown(EVENTS) - shown(EVENTS, retention_days=7, intune_retention_days=7)
    behind = {(TENANT, source, identifier) for source, identifier in house.query("SELECT source, id FROM event WHERE seq > ?", half)}
    told = house.told("prune", exits=3, env=uri)
    assert told["outcome"] == "part" and told["result"]["held"] > 0
    assert house.rows() == {row for row in shown(EVENTS) if row not in old or row[:3] in behind}
    house.check()
    house.run("maintain", "prune", "--force", env=uri)
    assert house.rows() == shown(EVENTS) - old


def test_a_mirror_is_known_though_its_secret_cannot_be_read(house, tmp_path):
    house.configure("days: 7")
    house.run("maintain", "prune", exits=3, env={"MONGO_URI_FILE": str(tmp_path / "nowhere")})
    assert house.rows() == shown(EVENTS)


def test_deletes_are_left_for_the_mirror_where_it_is_to_delete_too(house):
    house.configure("days: 7", more="mongo: {deletes: mirror}\n")
    before = house.query("SELECT value FROM counter WHERE name = 'seq'")[0][0]
    gone = shown(EVENTS) - shown(EVENTS, retention_days=7, intune_retention_days=7)
    house.run("maintain", "prune")
    stones = house.query("SELECT seq, collection, doc_id FROM tombstone WHERE collection = 'events'")
    assert {stone[2] for stone in stones} == {f"{tenant}:{source}:{identifier}" for tenant, source, identifier, _ in gone}
    assert min(stone[0] for stone in stones) > before


# --- beside a running collect


@pytest.fixture(name="halfway")
def fixture_halfway(build, sim, stock, tmp_path):
    """A house a day later, whose collect has come halfway: the service holds an answer back until let_go()."""
    shutil.copy(stock / "keep.db", tmp_path / "keep.db")
    simulator = sim(EVENTS)
    later = f"{NOON + DAY}@0@{NOON}"
    simulator.clock(later)
    house = House(build, tmp_path, simulator)
    house.variables["M365KEEP_CLOCK"] = later
    house.configure()
    simulator.fault({"stall_after": "half"}, "directoryAudits", times=1)
    process = house.start("collect", "--json", "--only", "directory-audits")  # others would write on meanwhile
    wait_until(simulator.fired, process)

    def let_go():
        """Ends the collect, and collects what it had to leave."""
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
        simulator.faults([])
        house.collect()

    house.let_go, house.process = let_go, process
    yield house
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_pruning_beside_a_running_collect_leaves_exactly_what_is_to_be_left(halfway, sim):
    younger = sim([*EVENTS, "--retention-days", "7", "--intune-retention-days", "7"])
    younger.clock(halfway.variables["M365KEEP_CLOCK"])
    left = younger.truth()
    halfway.run("maintain", "prune", env={"DB_DAYS_SCOPE": "7"})
    assert halfway.process.poll() is None
    assert halfway.rows() <= left
    halfway.configure("days: 7")
    halfway.let_go()
    assert halfway.rows() == left
    halfway.check()


def test_a_backup_beside_a_running_collect_gives_the_same_elsewhere(halfway, tmp_path):
    copy = tmp_path / "copy.db"
    told = halfway.told("backup", copy)["result"]
    assert halfway.process.poll() is None
    there = halfway.rows()
    assert told["records"] == len(there) and told["bytes"] == copy.stat().st_size and copy.stat().st_mode & 0o777 == 0o600
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    halfway.run("maintain", "restore", copy, "--db", elsewhere / "back.db")
    assert halfway.rows(elsewhere / "back.db") == there
    for words in (["example.org"], ["--source", "sign-ins", "--limit", "500"], ["--in", "users"]):
        one, other = (halfway.run("search", "--json", *words, "--db", path).stdout for path in (halfway.path, elsewhere / "back.db"))
        assert one == other and json.loads(one)
    assert halfway.told("verify", "--db", elsewhere / "back.db")["result"]["ok"]
    halfway.let_go()


def test_restore_and_forget_wait_for_no_collect_and_name_it(halfway, tmp_path):
    copy = tmp_path / "copy.db"
    halfway.run("maintain", "backup", copy)
    before = halfway.rows()
    for arguments in (["restore", copy, "--force"], ["forget", "contoso", "--yes"]):
        result = halfway.run("maintain", *arguments, exits=1)
        assert f"process {halfway.process.pid}" in result.stderr and "collecting" in result.stderr
    assert halfway.rows() == before
    halfway.let_go()


# --- copies


def test_restore_does_not_overwrite_unless_told_to(house, tmp_path):
    copy = tmp_path / "copy.db"
    house.run("maintain", "backup", copy)
    house.configure("days: 7")
    house.run("maintain", "prune")
    pruned = house.rows()
    result = house.run("maintain", "restore", copy, exits=1)
    assert "--force" in result.stderr or "exists" in result.stderr or "there is" in result.stderr
    assert house.rows() == pruned
    told = house.told("restore", copy, "--force")["result"]
    assert house.rows() == shown(EVENTS) and told["records"] == len(house.rows())
    house.check()


def test_restore_names_who_has_the_database_open(house, tmp_path):
    copy = tmp_path / "copy.db"
    house.run("maintain", "backup", copy)
    before = house.path.read_bytes()
    with contextlib.closing(sqlite3.connect(house.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM customer").fetchall()
        result = house.run("maintain", "restore", copy, "--force", exits=1)
        assert str(os.getpid()) in result.stderr
    assert house.path.read_bytes() == before
    house.run("maintain", "restore", copy, "--force")


@pytest.mark.parametrize("fault", ["no database", "cut", "not there", "itself"])
def test_restore_refuses_what_is_no_copy(house, tmp_path, fault):
    copy = tmp_path / "copy.db"
    house.run("maintain", "backup", copy)
    if fault == "no database":
        copy.write_text("hello\n" * 1000, encoding="ascii")
    elif fault == "cut":
        copy.write_bytes(copy.read_bytes()[:copy.stat().st_size // 2])
    elif fault == "not there":
        copy.unlink()
    else:
        copy = house.path
    before = house.path.read_bytes()
    result = house.run("maintain", "restore", copy, "--force", exits=1)
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1
    assert house.path.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if ".new" in path.name or path.suffix == ".tmp"]
    house.check()


def test_a_backup_does_not_overwrite_unless_told_to_and_never_the_database(house, tmp_path):
    copy = tmp_path / "copy.db"
    copy.touch()
    house.run("maintain", "backup", copy, exits=1)
    assert copy.stat().st_size == 0
    house.run("maintain", "backup", copy, "--force")
    assert house.rows(copy) == shown(EVENTS)
    house.run("maintain", "backup", house.path, "--force", exits=1)
    house.run("maintain", "backup", tmp_path / "nowhere" / "copy.db", exits=1)
    assert house.rows() == shown(EVENTS)
    house.check()
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in tmp_path.iterdir()} == {
        "keep.db", "keep.db.maintain.lock", "copy.db", "m365keep.yaml"}


def test_a_backup_never_replaces_what_is_no_database_of_ours(house, tmp_path):
    yaml = (tmp_path / "m365keep.yaml").read_bytes()
    result = house.run("maintain", "backup", "--force", tmp_path / "m365keep.yaml", exits=1)
    assert "m365keep.yaml is no database of m365keep, and is not replaced" in result.stderr
    assert (tmp_path / "m365keep.yaml").read_bytes() == yaml


def test_where_only_the_log_of_a_database_is_left_it_can_be_restored(house, tmp_path):
    copy, bare = tmp_path / "copy.db", tmp_path / "bare"
    house.run("maintain", "backup", copy)
    bare.mkdir()
    (bare / "a.db-wal").write_bytes(b"frames")
    result = house.run("maintain", "restore", copy, "--db", bare / "a.db", exits=1)
    assert "a.db-wal of a database, but not the database" in result.stderr and "--force" in result.stderr
    house.run("maintain", "restore", copy, "--force", "--db", bare / "a.db")
    assert house.rows(bare / "a.db") == shown(EVENTS)


def test_what_a_killed_restore_left_is_named_until_it_is_removed(house, tmp_path):
    left = tmp_path / "keep.db.old-0badcafe"
    left.write_bytes(house.path.read_bytes())
    for arguments in (["verify"], ["optimize"]):
        assert str(left) in house.run("maintain", *arguments).stderr
    left.unlink()
    assert house.run("maintain", "verify").stderr == ""


# --- what is broken is named


def flip(path, marker, offset):
    """Changes one byte: the one `offset` behind the only place of `marker`."""
    data = bytearray(path.read_bytes())
    assert data.count(marker) == 1, f"{marker!r} is there {data.count(marker)} times"
    at = data.index(marker) + offset
    data[at] = ord("y") if data[at] != ord("y") else ord("z")
    path.write_bytes(data)


@pytest.fixture(name="marked")
def fixture_marked(build, sim, stock, tmp_path):
    """A house with one sign-in that was delivered twice, with other words the second time."""
    shutil.copy(stock / "keep.db", tmp_path / "keep.db")
    simulator = sim(EVENTS)
    house = House(build, tmp_path, simulator)
    house.configure()
    for word in ("firstmarker", "secondmarker"):
        simulator.add_record("sign-ins", {"id": "00000000-cccc-4ccc-8ccc-000000000001", "createdDateTime": "2025-11-20T11:00:00Z",
                                          "userPrincipalName": "ada@example.org", "appDisplayName": "Portal", "note": word}, replace=True)
        house.collect("--only", "sign-ins")
    assert house.query("SELECT count(*) FROM event_versions WHERE raw LIKE '%firstmarker%'") == [(1,)]
    house.run("maintain", "optimize")
    return house


@pytest.mark.parametrize("place, marker, offset, named", [
    ("raw", b'"note": "secondmarker"', 11, "event"), ("version", b'"note": "firstmarker"', 11, "earlier"),
    ("full text", b"\nsecondmarker", 3, "full")])
def test_one_flipped_byte_is_named(marked, place, marker, offset, named):
    flip(marked.path, marker, offset)
    result = marked.run("maintain", "verify", "--quiet", exits=4)
    assert result.stdout.startswith("FAIL  ") and result.stdout.count("\n") == 1 and result.stderr == ""
    assert named in result.stdout or (place == "full text" and "fts" in result.stdout.lower()), result.stdout
    if place != "full text":
        number = marked.query("SELECT event_id FROM events WHERE id = '00000000-cccc-4ccc-8ccc-000000000001'")[0][0]
        assert str(number) in result.stdout
    told = marked.told("verify", exits=4)
    assert told["outcome"] == "findings" and told["result"]["ok"] is False and told["message"] in result.stdout


@pytest.mark.parametrize("source", ["sign-ins", "directory-audits", "intune-audits"])
def test_coverage_that_is_gone_is_named(house, source):
    house.execute("DELETE FROM coverage_span WHERE source = ?", source)
    assert f"coverage of {source} is gone, where " in house.run("maintain", "verify", exits=4).stdout


def test_a_full_text_that_is_broken_is_built_anew(marked):
    flip(marked.path, b"\nsecondmarker", 3)
    marked.run("maintain", "verify", exits=4)
    before = marked.rows()
    marked.run("maintain", "optimize", "--rebuild")
    assert marked.rows() == before
    assert [event["id"] for event in json.loads(marked.run("search", "--json", "ada@example.org", "--start", "2025-11-20T10:59").stdout)]


# --- forgetting


def test_of_a_forgotten_customer_no_byte_is_left_and_the_other_stays(build, sim, tmp_path):
    options = ["--seed", "5", "--sign-ins", "150", "--directory-audits", "60", "--users", "20", "--days", "10", "--late-percent", "0",
               "--tenant", TENANT, "--tenant", OTHER]
    house = House(build, tmp_path, sim(options))
    house.configure(customers=("contoso", "zephyrworks"))
    house.collect()
    own, others = ({row for row in house.rows() if row[0] == tenant} for tenant in (OTHER, TENANT))
    assert own and others and own | others == house.rows()
    kept = "\n".join(text for view in ("events", "users", "service_issues", "service_messages", "user_changes")
                     for row in house.query(f"SELECT * FROM {view} WHERE customer = 'contoso'") for text in row if isinstance(text, str))
    people = {name for row in house.query("SELECT user_principal_name, id, mail FROM users WHERE tenant_id = ?", OTHER) for name in row if name}
    markers = {marker for marker in {OTHER, "zephyrworks"} | {row[2] for row in own} | people if marker not in kept}
    assert {OTHER, "zephyrworks"} < markers and len(markers) > len(own)
    data = house.path.read_bytes()
    assert all(marker.encode() in data for marker in (OTHER, "zephyrworks"))

    told = house.told("forget", "ZephyrWorks", "--yes")
    assert told["outcome"] == "done" and told["result"]["tenants"] == 1 and told["result"]["records"] >= len(own)
    log = pathlib.Path(f"{house.path}-wal")
    data = house.path.read_bytes() + (log.read_bytes() if log.exists() else b"")
    assert sorted(marker for marker in markers if marker.encode() in data) == []
    assert house.rows() == others
    assert house.query("SELECT name FROM customer") == [("contoso",)]
    house.check()
    again = house.run("maintain", "forget", "zephyrworks", "--yes", exits=2)
    assert 'there is no customer "zephyrworks"' in again.stderr and "contoso" in again.stderr


def test_forgetting_says_when_a_reader_keeps_the_log(build, house):
    with contextlib.closing(sqlite3.connect(house.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM customer").fetchall()
        result = house.run("maintain", "forget", "contoso", "--yes", exits=3)
        assert f"process {os.getpid()} (" in result.stderr and "m365keep maintain optimize" in result.stderr
    house.run("maintain", "optimize")
    log = pathlib.Path(f"{house.path}-wal")
    assert TENANT.encode() not in house.path.read_bytes() + (log.read_bytes() if log.exists() else b"")


def leave_a_trace(path, words):
    """Puts them where SQLite leaves the copy of a row that it moved to another page: between a page's cell pointers and its cells."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    for start in range(size, len(data), size):
        cells, content = (int.from_bytes(data[start + at:start + at + 2], "big") for at in (3, 5))
        unused = 8 + 2 * cells + 8
        if data[start] in (0x0A, 0x0D) and unused + len(words) < content <= size:  # a leaf
            data[start + unused:start + unused + len(words)] = words
            path.write_bytes(data)
            return
    pytest.fail("no page has room for it")


@pytest.fixture(name="cut_short")
def fixture_cut_short(house):
    """A house whose customer was being forgotten when the program was killed: its row is gone already.

    A reader makes it wait for the log at that moment, for a second. Where that is over before the signal comes, once more."""
    whole = house.path.read_bytes()
    assert TENANT.encode() in whole
    for _ in range(20):
        with contextlib.closing(sqlite3.connect(house.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM customer").fetchall()
            process = house.start("maintain", "forget", "contoso", "--yes")
            while process.poll() is None and not house.query("SELECT 1 FROM maintenance WHERE task = 'scrub' AND started_at IS NOT NULL"):
                pass
            process.kill()
            process.communicate()
        if process.returncode == -signal.SIGKILL:
            break
        house.path.write_bytes(whole)
    assert process.returncode == -signal.SIGKILL
    assert house.query("SELECT count(*) FROM customer") == [(0,)]
    leave_a_trace(house.path, TENANT.encode())
    database.check_integrity(house.path)
    assert not nothing_is_left(house)
    return house


def nothing_is_left(house):
    log = pathlib.Path(f"{house.path}-wal")
    return TENANT.encode() not in house.path.read_bytes() + (log.read_bytes() if log.exists() else b"")


def test_a_killed_forget_is_told_and_running_it_again_leaves_no_byte(cut_short):
    house = cut_short
    status = house.run("status", "--strict", exits=4)
    assert "database: a customer was forgotten, " in status.stdout and "run m365keep maintain optimize" in status.stdout
    doctor = house.keep(["doctor", "--json"], env=house.variables)
    assert [entry["mend"] for entry in json.loads(doctor.stdout)["findings"] if "was forgotten" in entry["message"]]

    again = house.run("maintain", "forget", "contoso")  # nothing is to be asked any more
    assert again.stdout.startswith("Of contoso no row is there: ") and "now it was: no byte of what was deleted is left" in again.stdout
    assert nothing_is_left(house)
    assert "was forgotten" not in house.run("status").stdout
    house.check()
    assert 'there is no customer "contoso"' in house.run("maintain", "forget", "contoso", "--yes", exits=2).stderr


@pytest.mark.parametrize("task", ["prune", "optimize"])
def test_a_killed_forget_is_finished_by_prune_and_by_optimize(cut_short, task):
    house = cut_short
    house.configure("days: 30")
    said = house.run("maintain", task, *(["--quiet"] if task == "optimize" else [])).stdout
    assert ("The file was written anew" in said) is (task == "prune")
    assert nothing_is_left(house)
    assert house.told(task)["result"].get("rewritten") is (False if task == "prune" else None)
    house.check()


def test_prune_leaves_what_was_forgotten_to_the_next_one_while_somebody_reads(cut_short):
    house = cut_short
    house.configure("days: 30")
    with contextlib.closing(sqlite3.connect(house.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM customer").fetchall()
        assert house.told("prune")["result"]["rewritten"] is False
        again = house.run("maintain", "forget", "contoso", "--yes", exits=3)
        assert f"process {os.getpid()} (" in again.stderr and "has still to be written anew" in again.stdout
    assert house.told("prune")["result"]["rewritten"] is True
    assert nothing_is_left(house)


# --- at the same time, and interrupted


class Waiting:
    """A subcommand that has its locks and waits for the database, which somebody writes to."""

    def __init__(self, house, *arguments, env=None):
        self.writer = sqlite3.connect(house.path, isolation_level=None)
        self.writer.execute("BEGIN IMMEDIATE")
        self.process = house.start("maintain", *arguments, env=env)
        lock = pathlib.Path(f"{house.path}.maintain.lock")
        wait_until(lambda: lock.exists() and lock.read_text(encoding="ascii").strip() == str(self.process.pid), self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def go(self):
        """Lets it go on; twice does no harm."""
        if self.writer:
            self.writer.execute("ROLLBACK")
            self.writer.close()
        self.writer = None

    def end(self):
        words = self.process.communicate(timeout=120)
        return self.process.returncode, *words


def test_of_two_at_once_the_second_says_who_is_at_it(house):
    house.configure("days: 7")
    with Waiting(house, "prune") as first:
        for arguments in (["verify"], ["optimize"], ["dedupe"], ["renormalize"], ["forget", "contoso", "--yes"]):
            result = house.run("maintain", *arguments, exits=1)
            assert f"process {first.process.pid} is already maintaining this database" in result.stderr
        for name in ("prune", "dedupe"):  # who only looks is in nobody's way
            house.run("maintain", name, "--dry-run")
        first.go()
        assert first.end()[0] == 0
    assert house.rows() == shown(EVENTS, retention_days=7, intune_retention_days=7)


@pytest.mark.parametrize("number, arguments", [
    (signal.SIGINT, ["prune"]), (signal.SIGTERM, ["prune"]), (signal.SIGINT, ["optimize"]), (signal.SIGINT, ["verify"]),
    (signal.SIGTERM, ["renormalize"]), (signal.SIGINT, ["dedupe"]), (signal.SIGTERM, ["forget", "contoso", "--yes"])])
def test_a_signal_ends_it_and_running_again_goes_on(house, arguments, number):
    house.configure("days: 7")
    with Waiting(house, *arguments, "--json") as waiting:
        waiting.process.send_signal(number)
        waiting.go()
        status, out, words = waiting.end()
    assert status == 128 + number
    assert f"Interrupted by {number.name}, stopped" in words
    assert ("Nothing was changed; running it again begins anew." if arguments == ["verify"] else "running it again goes on.") in words
    told = json.loads(out)
    assert told["outcome"] == "interrupted" and told["message"].startswith("stopped")
    database.check_integrity(house.path)
    house.run("maintain", *arguments)
    expected = {"prune": shown(EVENTS, retention_days=7, intune_retention_days=7), "forget": set()}
    assert house.rows() == expected.get(arguments[0], shown(EVENTS))
    house.check()


def test_an_interrupted_backup_leaves_nothing_behind(house, tmp_path):
    with Waiting(house, "backup", tmp_path / "copy.db") as waiting:
        waiting.process.send_signal(signal.SIGINT)
        waiting.go()
        status, _, words = waiting.end()
    assert status == 128 + signal.SIGINT and "running it again begins anew." in words
    assert not list(tmp_path.glob("copy.db*"))
    house.run("maintain", "backup", tmp_path / "copy.db")
    assert house.rows(tmp_path / "copy.db") == shown(EVENTS)


# --- what was done is noted


def test_what_was_done_and_when_is_in_the_database(house, tmp_path):
    house.configure("days: 7")
    for arguments in (["prune"], ["optimize"], ["verify"], ["backup", tmp_path / "copy.db"], ["dedupe"], ["renormalize"]):
        house.run("maintain", *arguments)
    noted = {task: (started, finished, outcome) for task, started, finished, outcome in house.query("SELECT * FROM maintenance_tasks")}
    assert set(noted) == {"prune", "optimize", "verify", "backup", "dedupe", "renormalize"}
    assert all(started is None and finished == "2025-11-20T12:00:00Z" and outcome for started, finished, outcome in noted.values())
    gone = len(shown(EVENTS)) - len(shown(EVENTS, retention_days=7, intune_retention_days=7))
    assert noted["prune"][2].startswith(f"{gone} records")
    house.run("maintain", "prune", "--dry-run", env={"M365KEEP_CLOCK": f"{NOON + DAY}@0@{NOON}"})
    assert house.query("SELECT finished_at FROM maintenance_tasks WHERE task = 'prune'") == [("2025-11-20T12:00:00Z",)]


# --- media that are read-only or full


@contextlib.contextmanager
def tmpfs(folder):
    """A small disk of its own at `folder`."""
    mounted = shutil.which("mount") and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "m365keep-test", folder], check=False,
                                                       capture_output=True).returncode == 0
    if not mounted:
        pytest.skip("a disk of our own can only be mounted by the superuser")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(name="medium")
def fixture_medium(build, stock, tmp_path):
    """A house on a disk that nobody can write, root aside."""
    disk = tmp_path / "medium"
    disk.mkdir()
    with tmpfs(disk):
        shutil.copy(stock / "keep.db", disk / "keep.db")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        house = House(build, tmp_path)
        house.path = disk / "keep.db"
        house.variables["M365KEEP_DB"] = str(house.path)
        yield house


def test_on_a_read_only_medium_verify_and_backup_do_what_can_be_done(medium, tmp_path):
    result = medium.run("maintain", "verify")
    assert "Nothing is wrong" in result.stdout and "Not checked" in result.stdout
    assert medium.told("verify")["result"]["text_checked"] is False
    medium.run("maintain", "backup", tmp_path / "copy.db")
    assert medium.rows(tmp_path / "copy.db") == shown(EVENTS)


def test_on_a_read_only_medium_a_dry_run_tells_the_same(medium, house):
    days = {"DB_DAYS_SCOPE": "7"}
    told = medium.run("maintain", "prune", "--dry-run", env=days).stdout
    assert "Would go: " in told and told == house.run("maintain", "prune", "--dry-run", env=days).stdout
    assert "none is there twice" in medium.run("maintain", "dedupe", "--dry-run").stdout


@pytest.mark.parametrize("arguments", [["prune"], ["optimize"], ["dedupe"], ["renormalize"], ["forget", "contoso", "--yes"]])
def test_on_a_read_only_medium_what_writes_is_refused(medium, arguments):
    result = medium.run("maintain", *arguments, exits=1, env={"DB_DAYS_SCOPE": "7"})
    assert str(medium.path) in result.stderr and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["verify"], ["backup", "copy.db"], ["optimize"]])
def test_on_a_full_disk_the_way_out_is_told(build, stock, tmp_path, arguments):
    disk = tmp_path / "small"
    disk.mkdir()
    house = House(build, tmp_path)
    house.path = disk / "keep.db"
    house.variables["M365KEEP_DB"] = str(house.path)
    with tmpfs(disk):
        shutil.copy(stock / "keep.db", house.path)
        with contextlib.suppress(OSError), open(disk / "ballast", "wb", buffering=0) as ballast:
            while ballast.write(bytes(4096)):
                pass
        result = house.run("maintain", *arguments, exits=1)
        assert "m365keep maintain prune makes room" in result.stderr and len(result.stderr.splitlines()) == 1
