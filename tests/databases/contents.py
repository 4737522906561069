"""What a database holds, as lines of text that can be compared whatever version its schema is of.

Usage: contents.py DATABASE"""

import hashlib
import pathlib
import sqlite3
import sys

# Kind of line: the first version of the schema that has such, and the question. Columns that hold bytes are told as their SHA-256.
QUESTIONS = {
    "customer": (1, "SELECT name, tenant_id FROM customer"),
    "event": (1, "SELECT customer, source, coalesce(id, '-'), timestamp, CAST(raw AS BLOB) FROM events"),
    "event version": (1, """SELECT customer, source, coalesce(id, '-'), CAST(v.raw AS BLOB)
                            FROM event_versions AS v JOIN events USING (event_id)"""),
    "unreadable": (1, "SELECT customer, source, reason, CAST(body AS BLOB) FROM unreadable"),
    "coverage": (1, """SELECT customer, source, "from", "to", state, records FROM coverage"""),
    "cursor": (1, "SELECT name, source, part, from_s, to_s, records FROM collect_cursor JOIN customer USING (customer_id)"),
    "counter": (1, "SELECT name, value FROM counter WHERE name = 'seq'"),
    "user": (2, "SELECT customer, id, coalesce(removed_at, 'there'), CAST(raw AS BLOB) FROM users"),
    "user change": (2, """SELECT customer, id, field, CAST(coalesce(old_value, '-') AS BLOB), CAST(coalesce(new_value, '-') AS BLOB)
                          FROM user_changes"""),
    "overview": (3, "SELECT customer, id, status, CAST(raw AS BLOB) FROM service_overviews"),
    "overview version": (3, """SELECT customer, id, CAST(v.raw AS BLOB)
                               FROM overview_versions AS v JOIN service_overviews USING (overview_id)"""),
    "issue": (3, "SELECT customer, id, CAST(raw AS BLOB) FROM service_issues"),
    "issue version": (3, "SELECT customer, id, CAST(v.raw AS BLOB) FROM issue_versions AS v JOIN service_issues USING (issue_id)"),
    "message": (3, "SELECT customer, id, CAST(raw AS BLOB) FROM service_messages"),
    "message version": (3, """SELECT customer, id, CAST(v.raw AS BLOB)
                              FROM message_versions AS v JOIN service_messages USING (message_id)"""),
    "scan": (3, "SELECT customer, at, ok, coalesce(error, '-') FROM health_scans"),
    "state": (3, "SELECT customer, service, status, first_seen, last_seen, samples FROM service_states"),
    "mail": (4, "SELECT name, subject, state, message FROM mail JOIN customer USING (customer_id)"),
    "recipient": (4, "SELECT customer, address, state FROM mail_recipients"),
}


def told(value):
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else str(value)


def contents(path, version=None):
    """Sorted lines, "kind | column | column ...", and for each kind that the schema knows "count | kind | n". version: as a database
    of that version tells it; None: as this one does."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    lines = []
    try:
        version = version or connection.execute("PRAGMA user_version").fetchone()[0]
        for kind, (since, question) in QUESTIONS.items():
            if since <= version:
                rows = connection.execute(question).fetchall()
                lines += [" | ".join([kind, *map(told, row)]) for row in rows] + [f"count | {kind} | {len(rows)}"]
    finally:
        connection.close()
    return sorted(lines)


if __name__ == "__main__":
    print("\n".join(contents(pathlib.Path(sys.argv[1]))))
