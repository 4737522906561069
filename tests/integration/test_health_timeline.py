"""Scans of service health over days, every five minutes, some of them missed or failed: what is kept of them is the simulator's true
timeline at the moments of the good scans, in unbroken runs, and the gaps are the true ones. M365KEEP_SCALE_DAYS sets the days."""

import datetime
import json
import os
import random
import urllib.parse

import pytest

import database
from conftest import NOON
from simulator import TENANT, exchange

DAYS = int(os.environ.get("M365KEEP_SCALE_DAYS", "2"))
EVERY_S, MAX_GAP_S, DAY_S = 300, 1800, 86400
ANNOUNCEMENTS = ["--sign-ins", "0", "--directory-audits", "0", "--users", "1", "--issues", "20", "--messages", "20"]


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def timeline(simulator, begin, end):
    """The simulator's own account: {service: [(status, from, to)]}, exact."""
    query = urllib.parse.urlencode({"tenant": TENANT, "from": begin, "to": end})
    answer = exchange(f"{simulator.url}/control/health?{query}")
    assert answer.status == 200, answer.body
    found = {}
    for line in answer.body.splitlines():
        row = json.loads(line)
        found.setdefault(row["service"], []).append((row["status"], row["from"], row["to"]))
    return found


def status_at(stretches, moment):
    return next(status for status, begin, end in stretches if begin <= moment < end)


def expected_runs(truth, good):
    """What scans at the moments `good` must have come to: {(service, status, first, last, samples)}, statuses in small letters."""
    runs = set()
    for service, stretches in truth.items():
        current = None
        for before, moment in zip([None, *good], good):
            status = status_at(stretches, moment).lower()
            if current and current[1] == status and moment - before <= MAX_GAP_S:
                current = (service, status, current[2], moment, current[4] + 1)
            else:
                runs |= {current} if current else set()
                current = (service, status, moment, moment, 1)
        runs |= {current}
    return {(service, status, iso(first), iso(last), samples) for service, status, first, last, samples in runs}


def plan(days, dice):
    """(moment, what) of each scan: every five minutes for so many days, some of them late or left out, a stretch of an hour without
    any, one of 40 minutes in which each fails, and from the third quarter on a day (or a sixth of the time) in which nobody asked."""
    away = (NOON + days * DAY_S * 3 // 4, NOON + days * DAY_S * 3 // 4 + min(DAY_S, days * DAY_S // 6))
    still = (NOON + 7 * 3600, NOON + 8 * 3600)
    failing = (NOON + 11 * 3600, NOON + 11 * 3600 + 2400)
    for moment in range(NOON, NOON + days * DAY_S, EVERY_S):
        moment += dice.choice([0, 0, 0, 1, 2, 17])
        if away[0] <= moment < away[1] or still[0] <= moment < still[1] or dice.random() < 0.03:
            continue
        yield moment, "fails" if failing[0] <= moment < failing[1] or dice.random() < 0.02 else "good"


@pytest.mark.slow
def test_the_kept_states_are_the_true_timeline_at_the_moments_of_the_scans(sim, keep, tmp_path):
    simulator = sim(ANNOUNCEMENTS)
    path = tmp_path / "health.db"
    good, failed = [], []
    for moment, what in plan(DAYS, random.Random(5)):
        clock = f"{moment}@0@{moment}"
        simulator.clock(clock)
        simulator.faults([{"match": {"endpoint": "healthOverviews"}, "action": {"status": 503}}] if what == "fails" else [])
        result = keep(["scan", "--db", path, "--quiet"], sim=simulator, env={"M365KEEP_CLOCK": clock})
        assert (result.returncode != 0) == (what == "fails"), result.stderr
        (failed if what == "fails" else good).append(moment)
    truth = timeline(simulator, NOON - DAY_S, NOON + (DAYS + 1) * DAY_S)
    with database.connect(path) as connection:
        runs = {(service, status.lower(), first, last, samples) for service, status, first, last, samples in
                connection.execute("SELECT service, status, first_seen, last_seen, samples FROM service_states")}
        scans = dict(connection.execute("SELECT at, ok FROM health_scans"))
    assert scans == {iso(moment): 1 for moment in good} | {iso(moment): 0 for moment in failed}
    expected = expected_runs(truth, good)
    assert runs == expected
    assert len({status for _, status, *_ in runs}) > 1, "nothing ever happened: the test proves nothing"
    clock = f"{good[-1]}@0@{good[-1]}"
    result = keep(["status", "--db", path, "--json"], sim=simulator, env={"M365KEEP_CLOCK": clock})
    assert result.returncode == 0, result.stderr
    holes = {(hole["from"], hole["to"]) for customer in json.loads(result.stdout)["customers"]
             for row in customer["sources"] if row["source"] == "health" for hole in row["holes"]}
    gaps = {(iso(before), iso(after)) for before, after in zip(good, good[1:]) if after - before > MAX_GAP_S}
    assert holes == gaps and len(gaps) >= 3
    print(f"{len(good)} good scans, {len(failed)} failed, {len(runs)} runs of {len(truth)} services, gaps: {sorted(gaps)}")
