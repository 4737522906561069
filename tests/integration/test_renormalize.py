"""m365keep maintain renormalize, from outside: whatever becomes of what is derived, it comes back from the records' bytes; also when the
program is killed in between."""

import hashlib
import shutil
import signal
import struct

import pytest

import conftest
import database
from test_maintain import House

SIMULATION = ["--seed", "21", "--sign-ins", "300", "--directory-audits", "120", "--intune-audits", "60", "--days", "6", "--users", "25",
              "--issues", "12", "--messages", "12"]

# What is spoilt: each of these is derived from a record's bytes.
SPOILT = {
    "event": """timestamp = '2001-02-03T04:05:06.0000000Z', service = 'x', operation = 'y', result = NULL, actor_display = '?',
                target_displays = '[]', display_summary = 'nobody did nothing' WHERE event_id % 3 = 0""",
    "event_fts": "text = 'lost', facets = 'lost' WHERE rowid % 4 = 0",
    "user": """user_principal_name = 'x', display_name = NULL, mail = 'x', account_enabled = NULL, user_type = 'x', created = NULL,
               last_sign_in = 'x' WHERE user_id % 2 = 0""",
    "user_fts": "text = 'lost' WHERE rowid % 3 = 0",
    "service_overview": "service = NULL, status = 'x'",
    "service_issue": """service = 'x', title = 'x', classification = NULL, status = 'x', is_resolved = NULL, start = 'x', "end" = 'x',
                        last_modified = 'x' WHERE issue_id % 2 = 0""",
    "issue_fts": "facets = '' WHERE rowid % 3 = 0",
    "service_message": """title = 'x', services = '[]', category = 'x', severity = 'x', is_major_change = NULL, start = 'x', "end" = 'x',
                          last_modified = 'x', action_required_by = 'x' WHERE message_id % 2 = 0""",
    "message_fts": "text = 'lost' WHERE rowid % 3 = 0",
}
OLD_KEYS = 50
MOVED = 40
AN_HOUR = 3600 << 20  # in ids of events


def key_of(*parts):
    """The first 128 bits of SHA-256 over the parts, each after its length."""
    return hashlib.sha256(b"".join(struct.pack(">Q", len(part.encode())) + part.encode() for part in parts)).digest()[:16]


def whole(path):
    """Every column of every view but the number of an event within its second, and when what was last maintained."""
    found = {}
    with database.connect(path) as connection:
        for view in database.views(connection):
            wanted = ", ".join(f'"{name}"' for name in database.columns(connection, view) if name != "event_id")
            if view != "maintenance_tasks":
                found[view] = sorted(connection.execute(f"SELECT {wanted} FROM {view}"), key=repr)
        found["facets"] = sorted(connection.execute("SELECT text, facets FROM event_fts"))
        found["seconds"] = sorted(connection.execute("SELECT source, id, event_id >> 20 FROM event"))
    return found


def spoil_keys(house):
    """As if an older program had known the records by other names."""
    for event_id, tenant, source, name in house.query(f"""SELECT event_id, tenant_id, source, coalesce(e.dedupe_key, e.id) FROM event AS e
                                                          JOIN customer USING (customer_id) ORDER BY event_id DESC LIMIT {OLD_KEYS}"""):
        house.execute("UPDATE event SET dedupe_key = ? WHERE event_id = ?", f"old {name}", event_id)
        house.execute("UPDATE event_key SET key = ? WHERE key = ?", key_of(tenant, source, f"old {name}"), key_of(tenant, source, name))


def spoil_times(house):
    """As if it had taken them for an hour later."""
    for (event_id,) in house.query(f"SELECT event_id FROM event ORDER BY event_id DESC LIMIT {MOVED}"):
        house.execute("UPDATE event SET event_id = event_id + ? WHERE event_id = ?", AN_HOUR, event_id)
        house.execute("UPDATE event_key SET event_id = event_id + ? WHERE event_id = ?", AN_HOUR, event_id)
        house.execute("INSERT INTO event_fts (rowid, text, facets) SELECT rowid + ?, text, facets FROM event_fts WHERE rowid = ?",
                      AN_HOUR, event_id)
        house.execute("DELETE FROM event_fts WHERE rowid = ?", event_id)


def spoil(house):
    spoil_keys(house)
    spoil_times(house)
    for table, change in SPOILT.items():
        house.execute(f"UPDATE {table} SET {change}")


@pytest.fixture(scope="module", name="stocks")
def fixture_stocks(build, tmp_path_factory):
    """(what every view showed, a folder with that database, spoilt)."""
    folder = tmp_path_factory.mktemp("spoilt")
    simulator = conftest.start_simulator(SIMULATION)
    try:
        house = House(build, folder, simulator)
        house.configure()
        house.collect()
    finally:
        simulator.stop()
    before = whole(house.path)
    assert all(before[view] for view in ("events", "users", "service_overviews", "service_issues", "service_messages"))
    spoil(house)
    assert database.differences(before, whole(house.path))
    return before, folder


@pytest.fixture(name="house")
def fixture_house(build, stocks, tmp_path):
    for name in ("keep.db", "m365keep.yaml"):
        shutil.copy(stocks[1] / name, tmp_path / name)
    return House(build, tmp_path)


def assert_restored(house, before):
    found = database.differences(before, whole(house.path))
    assert not found, "\n".join(found)
    house.check()


def test_what_was_derived_comes_back_from_the_bytes(house, stocks):
    result = house.told("renormalize")["result"]
    assert result["complete"] and result["looked_at"] == result["of"]
    assert result["rekeyed"] == OLD_KEYS and result["moved"] == MOVED
    assert result["undecodable"] == result["kept_apart"] == result["recovered"] == result["unreadable"] == 0
    assert_restored(house, stocks[0])
    assert house.told("renormalize")["result"]["changed"] == 0


def test_in_pieces_it_is_the_same(house, stocks):
    results = [house.told("renormalize", "--limit", "100")["result"]]
    while not results[-1]["complete"]:
        results.append(house.told("renormalize", "--limit", "100")["result"])
    assert all(result["looked_at"] <= 100 for result in results)
    assert sum(result["looked_at"] for result in results) == results[0]["of"]
    assert sum(result["moved"] for result in results) == MOVED
    assert_restored(house, stocks[0])


@pytest.mark.plain_only
def test_killed_in_between_the_next_run_goes_on(house, stocks, build, tmp_path):
    spoilt = tmp_path / "spoilt.db"
    count = tmp_path / "count"
    shutil.copy(house.path, spoilt)

    def renormalize(kill_at):
        for file in tmp_path.glob("keep.db*"):
            file.unlink()
        shutil.copy(spoilt, house.path)
        count.unlink(missing_ok=True)
        environment = {"LD_PRELOAD": str(build / "kill_at.so"), "KILL_AT": str(kill_at), "KILL_AT_PATH": house.path.name,
                       "KILL_AT_COUNT": str(count)}
        result = house.keep(["maintain", "renormalize"], env={**house.variables, **environment})
        assert result.returncode in ((0, -signal.SIGKILL) if kill_at else (0,)), result.stderr
        return result.returncode

    renormalize(0)
    calls, inside = int(count.read_text()), 0
    assert calls > 20
    for part in range(1, 6):
        kill_at = calls * part // 7
        # How many calls a run makes depends on how many rows fit its transactions: one that ends before its call tries an earlier one.
        while renormalize(kill_at) != -signal.SIGKILL:
            kill_at = kill_at * 2 // 3
        inside += database.uncommitted_frames(house.path) > 0
        database.check_integrity(house.path)
        house.told("renormalize")
        assert_restored(house, stocks[0])
    print(f"{inside} of 5 kills fell inside an open transaction, of {calls} calls")
    assert inside > 0
