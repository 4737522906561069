"""Service health of known timelines, written into a database as scans would have left it, and what a report must say of it: computed
here scan by scan, and not from the runs of states that the program reads."""

import datetime
import hashlib
import json
import pathlib
import random
import sqlite3
import zoneinfo

MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "migrations"
MAX_GAP_S = 1800
EVERY_S = 300
DAY_S = 86400

# The built-in priorities, in words that a customer reads.
IMPACTS = {
    "serviceoperational": "operational", "servicerestored": "operational", "falsepositive": "operational",
    "postincidentreviewpublished": "operational", "resolved": "operational", "resolvedexternal": "operational",
    "mitigated": "operational", "mitigatedexternal": "operational", "verifyingservice": "minor", "investigationsuspended": "minor",
    "investigating": "affected", "restoringservice": "affected", "reported": "affected", "unknownfuturevalue": "affected",
    "confirmed": "degraded", "servicedegradation": "degraded", "extendedrecovery": "degraded", "serviceinterruption": "interrupted",
}
SEVERITIES = ["interrupted", "degraded", "affected", "minor", "operational", "no-data"]
STATUSES = ["serviceOperational", "investigating", "restoringService", "verifyingService", "serviceRestored",
            "postIncidentReviewPublished", "serviceDegradation", "serviceInterruption", "extendedRecovery", "falsePositive",
            "investigationSuspended", "resolved", "mitigatedExternal", "mitigated", "resolvedExternal", "confirmed", "reported"]


def impact(status):
    """The word for how bad a status is; of one that nobody has heard of, as of one that is looked into."""
    return IMPACTS.get(status.lower(), "affected")


def day(zone, text):
    """The first moment of a day, seconds UTC: its first second that exists."""
    begin = datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    at = int(begin.timestamp())
    while datetime.datetime.fromtimestamp(at, begin.tzinfo).date() < begin.date():  # midnight was skipped
        at += 60
    return at


def create(path):
    """An empty database of the present schema."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size = 16384")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    for file in sorted(MIGRATIONS.glob("*.sql")):
        connection.executescript(f"BEGIN; {file.read_text(encoding='utf-8')}; COMMIT;")
        connection.execute(f"PRAGMA user_version = {int(file.name[:4])}")
    return connection


class Timeline:
    """The scans of one customer: `scans` is [(moment, {service: status} or None where the scan failed)], in order."""

    def __init__(self, name, tenant, scans, names=None, max_gap=MAX_GAP_S):
        self.name, self.tenant, self.scans, self.names, self.max_gap = name, tenant, scans, names or {}, max_gap

    def services(self):
        return sorted({service for _, statuses in self.scans for service in statuses or ()})

    def good(self):
        return [(at, statuses) for at, statuses in self.scans if statuses is not None]

    def runs(self):
        """[(service, status, first, last, samples)] as the store keeps them."""
        rows, current, before = [], {}, None
        for at, statuses in self.good():
            for service, status in statuses.items():
                run = current.get(service)
                if run and run[1].lower() == status.lower() and run[3] == before and at - before <= self.max_gap:
                    run[3], run[4] = at, run[4] + 1
                else:
                    current[service] = run = [service, status, at, at, 1]
                    rows.append(run)
            before = at
        return rows

    def store(self, connection, issues=(), messages=()):
        connection.execute("BEGIN")
        customer = connection.execute("INSERT INTO customer (name, tenant_id) VALUES (?, ?)", (self.name, self.tenant)).lastrowid
        connection.executemany("INSERT INTO health_scan VALUES (?, ?, ?, ?)",
                               [(customer, at, int(statuses is not None), None if statuses is not None else "no answer: timed out")
                                for at, statuses in self.scans])
        connection.executemany("INSERT INTO service_state (customer_id, service, status, first_seen, last_seen, samples, first_seq, seq) "
                               "VALUES (?, ?, ?, ?, ?, ?, 1, 1)", [(customer, *run) for run in self.runs()])
        for service in self.services():
            record = json.dumps({"id": service, "service": self.names.get(service, service), "status": "serviceOperational"})
            connection.execute("INSERT INTO service_overview (customer_id, id, service, status, content_hash, first_seen, first_seq, seq, "
                               "raw) VALUES (?, ?, ?, ?, ?, ?, 1, 1, ?)", (customer, service, self.names.get(service, service),
                                                                           "serviceOperational", digest(record), self.scans[0][0], record))
        for record in issues:
            self.store_issue(connection, customer, record)
        for record in messages:
            self.store_message(connection, customer, record)
        connection.execute("COMMIT")
        return customer

    def store_issue(self, connection, customer, record):
        raw = json.dumps(record, ensure_ascii=False)
        connection.execute("INSERT INTO service_issue (customer_id, id, service, title, classification, status, is_resolved, start, \"end\", "
                           "last_modified, content_hash, first_seen, first_seq, seq, raw) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,1,1,?)",
                           (customer, record["id"], record["service"], record["title"], record["classification"], record["status"],
                            int(record["isResolved"]), moment(record["startDateTime"]), moment(record["endDateTime"]),
                            moment(record["lastModifiedDateTime"]), digest(raw), self.scans[0][0], raw))

    def store_message(self, connection, customer, record):
        raw = json.dumps(record, ensure_ascii=False)
        connection.execute("INSERT INTO service_message (customer_id, id, title, services, category, severity, is_major_change, start, "
                           "\"end\", last_modified, action_required_by, content_hash, first_seen, first_seq, seq, raw) "
                           "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,1,1,?)",
                           (customer, record["id"], record["title"], json.dumps(record["services"], ensure_ascii=False),
                            record["category"], record["severity"], int(record["isMajorChange"]), moment(record["startDateTime"]),
                            moment(record["endDateTime"]), moment(record["lastModifiedDateTime"]),
                            moment(record["actionRequiredByDateTime"]), digest(raw), self.scans[0][0], raw))

    def stretches(self, service, begin, end, now):
        """[(from, to, status or None)] that cover [begin, min(end, now)), neighbours of one status joined. What a scan saw that none
        followed in time is there from its moment to the same."""
        last, good, found = min(end, now), self.good(), []
        if not good or good[0][0] > begin:
            found.append((begin, good[0][0] if good else last, None))
        for (at, statuses), following in zip(good, [*good[1:], None]):
            status = statuses.get(service)
            until = following[0] if following else max(now, at)
            near = until - at <= self.max_gap and (following is None or service in following[1])
            found += [(at, until, status)] if near else [(at, at, status), (at, until, None)]
        joined = []
        for start, stop, status in found:
            sighting = status and start == stop and begin <= start < end and start <= now
            start, stop = max(start, begin), min(stop, last)
            if start >= stop and not sighting:
                continue
            if joined and (joined[-1][2] or "").lower() == (status or "").lower():
                joined[-1] = (joined[-1][0], stop, joined[-1][2])
            else:
                joined.append((start, stop, status))
        return joined

    def sightings(self, service, stretch, end):
        """How many good scans before `end` saw the status of such a stretch, in it or last where it ends."""
        start, stop, status = stretch
        return sum(start <= at <= stop and at < end and statuses.get(service, "").lower() == status.lower() for at, statuses in self.good())


def digest(text):
    return hashlib.sha256(text.encode()).digest()[:16]


def moment(text):
    """A timestamp as the store writes it."""
    return text and text.replace("Z", ".0000000Z")


def scans(begin, end, statuses, every=EVERY_S, away=(), failing=()):
    """Scans in [begin, end): `statuses` is {service: [(status, from), ...]} by time; none in the stretches `away`, failed ones in those
    `failing`."""
    rows = []
    for at in range(begin, end, every):
        if any(start <= at < stop for start, stop in away):
            continue
        if any(start <= at < stop for start, stop in failing):
            rows.append((at, None))
            continue
        rows.append((at, {service: [status for status, since in row if since <= at][-1] for service, row in statuses.items()
                          if row[0][1] <= at}))
    return rows


def random_statuses(dice, services, begin, end, changes):
    """So many changes of each service, at any second."""
    found = {}
    for service in services:
        moments = sorted(dice.randrange(begin, end) for _ in range(changes))
        found[service] = [("serviceOperational", begin)]
        for at in moments:
            choices = [status for status in STATUSES if status != found[service][-1][0]]
            found[service].append((dice.choice(choices), at))
    return found


def random_timeline(seed, name, tenant, services, begin, end, changes=4, edges=()):
    """Scans about every five minutes with holes, failures, late ones, services that come and go, and spellings that vary; and, in the
    midst of holes of their own, a few that are alone, some of them just at those moments `edges` where windows begin and end."""
    dice = random.Random(seed)
    statuses = random_statuses(dice, services, begin, end, changes)
    away = [(at, at + dice.choice([600, 1500, 1801, 2400, 9000])) for at in (dice.randrange(begin, end) for _ in range(3))]
    failing = [(at, at + dice.choice([300, 1200, 4000])) for at in (dice.randrange(begin, end) for _ in range(2))]
    lonely = [at for at in (*edges, *(dice.randrange(begin, end) for _ in range(3))) if dice.random() < 0.6]
    away += [(at - dice.randrange(1700, 6000), at + dice.randrange(1700, 6000)) for at in lonely]
    rows = [(at, {service: dice.choice(STATUSES) for service in services if dice.random() < 0.9}) for at in sorted(set(lonely))]
    for at, seen in scans(begin, end, statuses, dice.choice([300, 420, 900]), away, failing):
        if seen and dice.random() < 0.01:
            seen.pop(dice.choice(sorted(seen)))
        if seen and dice.random() < 0.2:
            seen = {service: status[0].upper() + status[1:] for service, status in seen.items()}
        rows.append((at + dice.choice([0, 0, 0, 1, 17]), seen))
    return Timeline(name, tenant, sorted(rows, key=lambda row: row[0]))


def status_at(stretches, at):
    """The status at a moment, of [(status, from, to)]."""
    return next(status for status, begin, end in stretches if begin <= at < end)


# --- what a report says


def seconds(text):
    """Seconds UTC of an ISO time, which has an offset."""
    at = datetime.datetime.fromisoformat(text)
    assert at.tzinfo, text
    return int(at.timestamp())


def ends(date):
    """The day after."""
    return (datetime.date.fromisoformat(date) + datetime.timedelta(days=1)).isoformat()


def check_service(service, timeline, window, now):
    """What is said of one service against its stretches."""
    stretches = timeline.stretches(service["service"], *window, now)
    seen = [row for row in stretches if row[2]]
    said = [(row["status"].lower(), row["impact"], seconds(row["from"]), seconds(row["to"]), row["seconds"], row["scans"])
            for row in service["occurrences"]]
    trouble = [(row[2].lower(), impact(row[2]), row[0], row[1], row[1] - row[0], timeline.sightings(service["service"], row, window[1]))
               for row in seen if impact(row[2]) != "operational"]
    assert sorted(said) == sorted(trouble)
    assert [(seconds(row["from"]), seconds(row["to"])) for row in service["gaps"]] == [row[:2] for row in stretches if not row[2]]
    worst = min((SEVERITIES.index(impact(status)) for _, _, status in seen), default=len(SEVERITIES) - 1)
    assert service["overall"]["impact"] == SEVERITIES[worst]
    assert service["observed_seconds"] == sum(stop - start for start, stop, _ in seen)
    assert service["operational_seconds"] == sum(stop - start for start, stop, status in seen if impact(status) == "operational")


def check_report(report, timeline, zone, first, last, now):
    """A report of a window, `first` to `last` included, against its timeline."""
    begin, end = day(zone, first), day(zone, ends(last))
    assert (seconds(report["from"]), seconds(report["to"]), report["timezone"]) == (begin, end, zone)
    local = datetime.datetime.fromtimestamp(begin, zoneinfo.ZoneInfo(zone))
    assert report["from"] == local.isoformat(), "in the zone's own time"
    good = [at for at, _ in timeline.good()]
    assert report["scans"] == {"good": sum(begin <= at < end for at in good),
                               "failed": sum(begin <= at < end for at, seen in timeline.scans if seen is None)}
    always = Timeline("", "", [(at, seen and {"any": "x"}) for at, seen in timeline.scans], max_gap=timeline.max_gap)
    assert [(seconds(row["from"]), seconds(row["to"])) for row in report["gaps"]] == \
        [row[:2] for row in always.stretches("any", begin, end, now) if not row[2]]
    assert sorted(service["service"] for service in report["services"]) == timeline.services()
    for service in report["services"]:
        check_service(service, timeline, (begin, end), now)
