"""Records that Microsoft's services really sent, where the machine has some: stored byte for byte, and found by all that is in them.

They lie outside of the repository, since nobody gave leave to publish them; nothing of theirs is printed here but ids of files and
lines. M365KEEP_SHARED_DATA names their folder (default: ../shared/data beside the repository)."""

import datetime
import ipaddress
import json
import os
import pathlib
import re
import types

import pytest

import database
from conftest import REPOSITORY, runner, start_simulator

DATA = pathlib.Path(os.environ.get("M365KEEP_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
FILES = {"sign-ins": ["signIns.ndjson", "extra.panther.signIns.ndjson"],
         "directory-audits": ["directoryAudits.ndjson", "extra.panther.directoryAudits.ndjson"]}
TIME_FIELD = {"sign-ins": "createdDateTime", "directory-audits": "activityDateTime"}
DAY = 86400

MISSING = [name for names in FILES.values() for name in names if not (DATA / name).is_file()]
pytestmark = pytest.mark.skipif(MISSING != [], reason=f"no real records here: {DATA} lacks {', '.join(MISSING)}")


def read_records():
    """(source, "file:line", the line's bytes) of every record."""
    return [(source, f"{name}:{number}", line) for source, names in FILES.items() for name in names
            for number, line in enumerate((DATA / name).read_bytes().split(b"\n"), 1) if line]


def epoch_of(source, record):
    """When it happened; None when that cannot be read."""
    text = str(json.loads(record).get(TIME_FIELD[source]))
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    return match and int(datetime.datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00")).timestamp())


def moments(records):
    """The fewest moments at which to collect, so that each record is once within the time that the service keeps."""
    found = []
    for epoch in sorted(filter(None, (epoch_of(source, record) for source, _, record in records))):
        if not found or epoch > found[-1]:
            found.append(epoch + 29 * DAY)
    return found


@pytest.fixture(scope="module", name="real")
def fixture_real(build, tmp_path_factory):
    """The records, and a database that the program filled with them."""
    folder = tmp_path_factory.mktemp("real")
    records = read_records()
    loads = [argument for source, names in FILES.items() for name in names for argument in ("--load", f"{source}={DATA / name}")]
    now, *later = moments(records)
    simulator = start_simulator([*loads, "--retention-days", "0", "--sign-ins", "0", "--directory-audits", "0", "--page-size", "10"],
                                clock=f"{now}@0@{now}")
    keep = runner(build, folder)
    try:
        for moment in [now, *later]:
            simulator.keep_clock = f"{moment}@0@{moment}"
            simulator.clock(simulator.keep_clock)
            result = keep(["collect", "--db", "real.db", "-q"], sim=simulator)
            assert result.returncode == 0, result.stderr
    finally:
        simulator.stop()
    return types.SimpleNamespace(records=records, path=folder / "real.db", keep=keep)


def stored_bodies(path):
    """source -> every body that is or was an event's."""
    bodies = {source: set() for source in FILES}
    with database.connect(path) as connection:
        for source, raw in connection.execute("SELECT source, raw FROM events"):
            bodies[source].add(raw.encode())
        for source, raw in connection.execute("SELECT source, v.raw FROM event_versions AS v JOIN events USING (event_id)"):
            bodies[source].add(raw.encode())
    return bodies


def test_every_real_record_is_stored_byte_for_byte_and_nothing_else_is(real):
    bodies = stored_bodies(real.path)
    lost = [where for source, where, record in real.records if record not in bodies[source]]
    assert not lost
    for source in FILES:
        assert bodies[source] == {record for other, _, record in real.records if other == source}, source
    with database.connect(real.path) as connection:
        assert connection.execute("SELECT count(*) FROM unreadable").fetchone() == (0,)
        ids = {source: {row[0] for row in connection.execute("SELECT id FROM events WHERE source = ?", (source,))} for source in FILES}
    own_ids = {(source, json.loads(record).get("id")) for source, _, record in real.records}
    assert all(own is None or own in ids[source] for source, own in own_ids)
    database.check_integrity(real.path)


def test_every_real_record_has_a_time_an_operation_and_a_sentence(real):
    with database.connect(real.path) as connection:
        rows = connection.execute("SELECT raw, timestamp, service, operation, result, display_summary, raw_text, actor_display,"
                                  " target_displays FROM events").fetchall()
    where_by_body = {record: where for _, where, record in real.records}
    poor = []
    for raw, timestamp, service, operation, result, summary, text, actor, targets in rows:
        where = where_by_body[raw.encode()]
        told = json.loads(raw).get("status") or json.loads(raw).get("result")
        good = bool(timestamp and service and operation and summary and summary == summary.strip() and text.startswith(summary))
        good = good and bool(result) == bool(told) and isinstance(json.loads(targets), list) and actor != ""
        if not good:
            poor.append(where)
    assert not poor


# --- found again --------------------------------------------------------------------------------------------------------

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ADDRESS = re.compile(r"[^@\s\"]+@[^@\s\"]+\.[^@\s\"]+")
NAME_KEYS = re.compile(r"(displayName|DisplayName|userPrincipalName|UserPrincipalName|operatingSystem|browser|city|failureReason)$")
NO_VALUES = {"", "<null>", "Not Available"}  # words that stand for nothing are not indexed


def is_ip(text):
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False


def leaves(value, key=""):
    """(key, text) of every string inside."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member, key)
    elif isinstance(value, str):
        yield key, value


def wanted(record):
    """What somebody would search a record by: addresses, GUIDs, IP addresses and names."""
    for key, text in leaves(json.loads(record)):
        if text not in NO_VALUES and (GUID.fullmatch(text) or ADDRESS.fullmatch(text) or is_ip(text) or NAME_KEYS.search(key)) \
                and re.search(r"\w", text) and '"' not in text:
            yield text


def latest_ids(real):
    """record -> event_id, of the bodies that are in force."""
    with database.connect(real.path) as connection:
        rows = connection.execute("SELECT source, raw, event_id FROM events")
        return {(source, raw.encode()): event_id for source, raw, event_id in rows}


def search(real, *words):
    result = real.keep(["search", "--db", "real.db", "--json", "--limit", "10000", "--", *words])
    assert result.returncode == 0, result.stderr
    return {event["event_id"] for event in json.loads(result.stdout)}


def where_to_find(real):
    """text -> ids of the events that hold it."""
    events, found = latest_ids(real), {}
    for source, _, record in real.records:
        if (source, record) in events:
            for text in wanted(record):
                found.setdefault(text, set()).add(events[source, record])
    return found


def check_found(real, texts):
    places = where_to_find(real)
    ways = {text: [(text,), (f'"{text}"',)] for text in texts}  # as words, and as a phrase
    unfound = [sorted(places[text])[:3] for text, tries in ways.items() for words in tries if not places[text] <= search(real, *words)]
    assert not unfound, f"{len(unfound)} searches missed events, such as those with the ids {unfound[:5]}"


def test_a_sample_of_what_is_in_real_records_finds_them(real):
    texts = sorted(where_to_find(real))
    check_found(real, texts[::max(1, len(texts) // 20)])


@pytest.mark.slow
def test_every_name_address_guid_and_ip_address_in_real_records_finds_them(real):
    texts = where_to_find(real)
    assert len(texts) > 100
    check_found(real, texts)
