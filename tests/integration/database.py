"""Looking into a database of m365keep: what a run left, as sets that can be compared."""

import hashlib
import pathlib
import sqlite3
import struct

# What may differ between two runs that collected the same: identity, order of arrival, moments of our own.
OWN_COLUMNS = {
    "event_id", "seq", "first_seq", "first_seen", "changed_at", "last_seen", "read_at", "stored_at", "received_at", "request_id",
    "updated_at", "unreadable_id", "reads", "late_records", "records", "last_run", "last_success", "customer_id",
    "user_id", "kind", "started_at", "completed_at", "saved_at",
}


def connect(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.execute("PRAGMA query_only=1")
    return connection


def views(connection):
    return [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='view' ORDER BY name")]


def columns(connection, view):
    return [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]


def rows(connection, view):
    """The view's rows as a sorted list of tuples, without our own columns: doubles stay visible."""
    wanted = [name for name in columns(connection, view) if name not in OWN_COLUMNS]
    quoted = ", ".join(f'"{name}"' for name in wanted)
    return sorted(connection.execute(f"SELECT {quoted} FROM {view}"), key=repr)


def merged_coverage(connection):
    """Coverage as intervals per customer, source and state, adjoining ones merged."""
    merged = []
    query = 'SELECT customer, source, "from", "to", state FROM coverage ORDER BY customer, source, "from"'
    for customer, source, begin, end, state in connection.execute(query):
        if merged and merged[-1][:2] == [customer, source] and merged[-1][3] == begin and merged[-1][4] == state:
            merged[-1][3] = end
        else:
            merged.append([customer, source, begin, end, state])
    return merged


def snapshot(path):
    """Everything that must be equal after an interrupted and an uninterrupted run."""
    with connect(path) as connection:
        result = {view: rows(connection, view) for view in views(connection) if view != "coverage"}
        result["coverage"] = merged_coverage(connection)
    return result


def differences(one, other):
    """Words for each view in which two snapshots differ; empty when they are the same."""
    found = []
    for view in sorted(set(one) | set(other)):
        left, right = one.get(view, []), other.get(view, [])
        if left != right:
            missing = [row for row in left if row not in right][:2]
            added = [row for row in right if row not in left][:2]
            found.append(f"{view}: {len(left)} against {len(right)} rows; only left: {missing!r:.600}; only right: {added!r:.600}")
    return found


def truth(path):
    """(tenant, source, id, SHA-256 of raw) of every event, as the simulator tells it."""
    with connect(path) as connection:
        query = "SELECT tenant_id, source, id, raw FROM events"
        return {(tenant, source, record, hashlib.sha256(raw.encode()).hexdigest())
                for tenant, source, record, raw in connection.execute(query)}


def check_integrity(path):
    """SQLite's own check, the full-text tables', and that rows and their full-text rows are the same ids."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        tables = [row[0] for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND sql LIKE 'CREATE VIRTUAL TABLE%fts5%'")]
        assert tables
        for table in tables:
            connection.execute(f"INSERT INTO {table}({table}, rank) VALUES('integrity-check', 1)")
        for column, view, table in (("event_id", "events", "event_fts"), ("user_id", "users", "user_fts")):
            left = {row[0] for row in connection.execute(f"SELECT {column} FROM {view}")}
            right = {row[0] for row in connection.execute(f"SELECT rowid FROM {table}")}
            assert left == right
    finally:
        connection.rollback()
        connection.close()


def uncommitted_frames(path):
    """Frames of the write-ahead log behind its last commit: above 0 only when a transaction was open when the program died."""
    log = pathlib.Path(f"{path}-wal")
    if not log.exists() or log.stat().st_size < 32:
        return 0
    data = log.read_bytes()
    page_size, salts = struct.unpack(">I", data[8:12])[0], data[16:24]
    behind, at = 0, 32
    while at + 24 <= len(data):
        header = data[at:at + 24]
        if header[8:16] != salts:
            break
        behind = 0 if struct.unpack(">I", header[4:8])[0] else behind + 1
        at += 24 + page_size
    return behind
