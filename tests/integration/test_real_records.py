"""Records that Microsoft's services really sent, where the machine has some: stored byte for byte, and found by all that is in them.

They lie outside of the repository, since nobody gave leave to publish them; nothing of theirs is printed here but ids of files and
lines. M365KEEP_SHARED_DATA names their folder (default: ../shared/data beside the repository)."""

import datetime
import html.parser
import ipaddress
import json
import os
import pathlib
import re
import types

import pytest

import announcements
import database
from conftest import NOON, REPOSITORY, runner, start_simulator

DATA = pathlib.Path(os.environ.get("M365KEEP_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
FILES = {"sign-ins": ["signIns.ndjson", "extra.panther.signIns.ndjson"],
         "directory-audits": ["directoryAudits.ndjson", "extra.panther.directoryAudits.ndjson"],
         "intune-audits": ["intuneAuditEvents.ndjson"]}
TIME_FIELD = {"sign-ins": "createdDateTime", "directory-audits": "activityDateTime", "intune-audits": "activityDateTime"}
HEALTH_FILES = {"overview": "healthOverviews.ndjson", "issue": "issues.ndjson", "message": "messages.ndjson"}
DAY = 86400

MISSING = [name for names in [*FILES.values(), HEALTH_FILES.values()] for name in names if not (DATA / name).is_file()]
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
    simulator = start_simulator([*loads, "--retention-days", "0", "--sign-ins", "0", "--directory-audits", "0", "--page-size", "10",
                                 "--secret-expires", "36500"],
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
        told = next(filter(None, map(json.loads(raw).get, ("status", "result", "activityResult"))), None)
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


# --- service health -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="real_health")
def fixture_real_health(build, tmp_path_factory):
    """What the announcements' files hold, by kind, and a database filled from a service that lists all of it."""
    folder = tmp_path_factory.mktemp("real-health")
    records = {kind: [line for line in (DATA / name).read_bytes().split(b"\n") if line] for kind, name in HEALTH_FILES.items()}
    simulator = start_simulator(["--users", "1", "--sign-ins", "0", "--directory-audits", "0"], clock=f"{NOON}@0@{NOON}")
    keep = runner(build, folder)
    try:
        announcements.serve(simulator, records["overview"], records["issue"], records["message"])
        result = keep(["scan", "--db", "real.db", "-q"], sim=simulator)
        assert result.returncode == 0, result.stderr
    finally:
        simulator.stop()
    return types.SimpleNamespace(records=records, path=folder / "real.db", keep=keep)


def health_bodies(path, kind):
    """Every body that is or was one of that kind."""
    with database.connect(path) as connection:
        return {raw.encode() for view in (f"service_{kind}s", f"{kind}_versions") for raw, in connection.execute(f"SELECT raw FROM {view}")}


@pytest.mark.parametrize("kind", HEALTH_FILES)
def test_every_real_announcement_is_stored_byte_for_byte_and_nothing_else_is(real_health, kind):
    assert health_bodies(real_health.path, kind) == set(real_health.records[kind])
    with database.connect(real_health.path) as connection:
        assert connection.execute("SELECT count(*) FROM unreadable").fetchone() == (0,)
        rows = connection.execute(f"SELECT id FROM service_{kind}s").fetchall()
    assert sorted(rows) == sorted({(json.loads(record)["id"],) for record in real_health.records[kind]})
    database.check_integrity(real_health.path)


def test_real_states_are_those_of_the_overviews_told_last(real_health):
    last = {overview["id"]: overview["status"] for overview in map(json.loads, real_health.records["overview"])}
    with database.connect(real_health.path) as connection:
        assert dict(connection.execute("SELECT service, status FROM service_states")) == last


def test_real_issues_and_messages_have_their_columns_however_enums_are_spelled_q59(real_health):
    with database.connect(real_health.path) as connection:
        issues = connection.execute("SELECT raw, title, service, status, classification, is_resolved, start, last_modified"
                                    " FROM service_issues").fetchall()
        messages = connection.execute("SELECT raw, title, category, severity, services, is_major_change, start, last_modified"
                                      " FROM service_messages").fetchall()
    for raw, title, service, status, classification, resolved, start, modified in issues:
        told = json.loads(raw)
        assert (title, service, status, classification, bool(resolved)) == tuple(
            told[key] for key in ("title", "service", "status", "classification", "isResolved"))
        assert len(start) == len(modified) == 28
    for raw, title, category, severity, services, major, start, modified in messages:
        told = json.loads(raw)
        assert (title, category, severity) == (told["title"], told["category"], told["severity"])
        assert json.loads(services) == told["services"] and (None if major is None else bool(major)) == told.get("isMajorChange")
        assert len(start) == len(modified) == 28


def health_search(real_health, kind, words):
    result = real_health.keep(["search", "--db", "real.db", "--json", "--in", f"{kind}s", "--limit", "1000", "--", words])
    assert result.returncode == 0, result.stderr
    return {row["id"] for row in json.loads(result.stdout)}


class Seen(html.parser.HTMLParser):
    """What a browser shows of an HTML text: the runs of words between its tags, by another parser than ours."""

    def __init__(self, text):
        super().__init__()
        self.runs = []
        self.feed(text)
        self.close()

    def handle_data(self, data):
        self.runs.append(data)


def body_runs(record):
    """The texts of a record's body or posts."""
    bodies = [record["body"]] if "body" in record else [post["description"] for post in record["posts"]]
    for body in bodies:
        yield from Seen(body["content"]).runs if body["contentType"].lower() == "html" else [body["content"]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["issue", "message"])
def test_every_run_of_words_in_a_real_body_is_indexed_as_it_is_read(real_health, kind):
    with database.connect(real_health.path) as connection:
        texts = dict(connection.execute(f"SELECT id, raw_text FROM service_{kind}s"))
        raws = dict(connection.execute(f"SELECT id, raw FROM service_{kind}s"))
    lost, runs = [], 0
    for number, raw in raws.items():
        indexed = re.findall(r"\w+", texts[number].replace("\xad", "").lower())
        joined = f" {' '.join(indexed)} "
        for run in body_runs(json.loads(raw)):
            words = re.findall(r"\w+", run.replace("\xad", "").lower())
            # A run may begin or end inside a word that a tag marks up in part.
            runs += 1
            if words[1:-1] and f" {' '.join(words[1:-1])} " not in joined:
                lost.append((number, words[:4]))
    assert runs > 5 and not lost, lost[:5]


@pytest.mark.parametrize("kind", ["issue", "message"])
def test_real_announcements_are_found_by_title_and_by_a_phrase_of_their_body(real_health, kind):
    with database.connect(real_health.path) as connection:
        rows = [(number, json.loads(raw)) for number, raw in connection.execute(f"SELECT id, raw FROM service_{kind}s ORDER BY id")]
    for number, record in rows[::max(1, len(rows) // 12)]:
        title = re.sub(r'"', " ", record["title"])
        assert number in health_search(real_health, kind, f'"{title}"'), number
        assert number in health_search(real_health, kind, number)
        longest = max((run for run in body_runs(record)), key=len)
        words = re.findall(r"\w+", longest)[1:-1][:8]
        assert number in health_search(real_health, kind, '"{}"'.format(" ".join(words))), (number, words)
