"""Bytes that break the page they are in: they cost what lies beside them, and no more."""

import datetime

import conftest
import database


def moment(hours_ago, minutes=0):
    at = datetime.datetime.fromtimestamp(conftest.NOON - hours_ago * 3600 - minutes * 60, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def poison(hours_ago):
    """No JSON: a page that holds it has no end that could be found."""
    return b'{"id":"poison-%d","createdDateTime":"%s","status":{]}' % (hours_ago, moment(hours_ago, 30).encode())


def stored(path):
    return {row for row in database.truth(path)}


def served(simulator):
    """The truth without the poison, which nobody can store."""
    return {row for row in simulator.truth() if not (row[2] or "").startswith("poison")}


def test_hours_that_cannot_be_read_keep_nobody_from_the_rest_q3_q50(sim, keep, tmp_path):
    simulator = sim(["--sign-ins", "1200", "--directory-audits", "50", "--days", "10", "--page-size", "100"])
    path = tmp_path / "audit.db"
    hours = [100, 101, 102, 103, 104, 150]
    for hour in hours:
        simulator.add_record("sign-ins", poison(hour))
    results = [keep(["collect", "--db", path, "--json"], sim=simulator) for _ in range(2)]
    assert [result.returncode for result in results] == [3, 3], results[0].stderr
    missing = served(simulator) - stored(path)
    assert stored(path) <= served(simulator) and len(missing) <= 2 * len(hours)
    with database.connect(path) as connection:
        newest, = connection.execute("""SELECT max("to") FROM coverage WHERE source = 'sign-ins' AND state = 'read'""").fetchone()
        left_open, = connection.execute("""SELECT sum(strftime('%s', "to") - strftime('%s', "from")) FROM coverage
                                           WHERE state = 'open'""").fetchone()
    assert newest == moment(0), "what is new was not kept waiting"
    assert left_open <= len(hours) * 600, "what stays open was narrowed down to minutes"
    database.check_integrity(path)


def test_records_before_a_break_are_kept_q50(sim, keep, tmp_path):
    simulator = sim(["--sign-ins", "0", "--directory-audits", "0"])
    path = tmp_path / "audit.db"
    # Newest first, as the service answers: these come before the poison in the one page there is.
    for minute in (1, 2, 3):
        simulator.add_record("sign-ins", {"id": f"whole-{minute}", "createdDateTime": moment(10, 30 - minute)})
    simulator.add_record("sign-ins", poison(10))
    result = keep(["collect", "--db", path, "--only", "sign-ins"], sim=simulator)
    assert result.returncode == 3, result.stderr
    assert {row[2] for row in stored(path)} == {"whole-1", "whole-2", "whole-3"}
    # The next run does not begin with it again: it waits its turn, and is narrowed down.
    assert keep(["collect", "--db", path, "--only", "sign-ins"], sim=simulator).returncode == 3
    with database.connect(path) as connection:
        left_open, = connection.execute("""SELECT sum(strftime('%s', "to") - strftime('%s', "from")) FROM coverage
                                           WHERE state = 'open'""").fetchone()
    assert left_open <= 600
