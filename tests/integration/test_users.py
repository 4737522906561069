"""m365keep collect and the source `users`: a listing, then rounds of what changed, then signInActivity.

What is held is compared with the simulator's directory as sets: every account with every property, and every change of a
property between one run and the next, worked out from the directory's states at the moments of the runs."""

import base64
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

import conftest
import database
from conftest import NOON
from desk import GOLDEN, Desk, golden_name, moving_clock, refused
from simulator import TENANT
from terminal import Terminal

HOUR, DAY = 3600, 86400
DEADLINE_S = 120
NEVER_MS = 3_600_000

NO_EVENTS = ["--sign-ins", "0", "--directory-audits", "0"]
REGULAR = ["--empty-pages", "0", "--repeat-percent", "0", "--user-repeats", "0", "--user-replays", "0"]
STEADY = [*NO_EVENTS, *REGULAR, "--users", "60", "--user-changes", "0", "--user-turnover", "0", "--page-size", "25",
          "--delta-page-size", "10"]
LIVELY = [*NO_EVENTS, *REGULAR, "--users", "250", "--user-changes", "30", "--user-turnover", "8", "--page-size", "100",
          "--delta-page-size", "40"]

USERS, DELTA, ACTIVITY = {"endpoint": "users", "query": "displayName"}, {"endpoint": "usersDelta"}, {"query": "signInActivity"}
MARK = {"endpoint": "usersDelta", "query": "deltatoken=latest"}


def iso(epoch):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def move(simulator, epoch):
    """Time stands at `epoch` now, for the simulator and for the program."""
    simulator.keep_clock = f"{epoch}@0@{NOON}"
    simulator.clock(simulator.keep_clock)


def wait_until(condition, process):
    """Asks until it is so. The answers come from the simulator, so this waits for what the program does."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "it never came to that"


# --- what is held, and what it should be --------------------------------------------------------------------------------


def plain(user):
    """An account as a set of facts: what is null, absent or an empty list says the same."""
    return {field: value for field, value in user.items() if value not in (None, []) and field != "signInActivity"}


def canonical(value):
    return None if value in (None, []) else json.dumps(value, sort_keys=True)


def held(path):
    """{id: (removed_reason, facts)} of every account that is held; each once."""
    with database.connect(path) as connection:
        rows = connection.execute("SELECT tenant_id, id, removed_reason, (removed_at IS NULL), raw FROM users").fetchall()
    assert len(rows) == len({row[:2] for row in rows}) and all((row[2] is None) == bool(row[3]) for row in rows)
    return {row[1]: (row[2], plain(json.loads(row[4]))) for row in rows}


def changes(path):
    """Every row of user_changes: (id, field, old, new, seen_at)."""
    with database.connect(path) as connection:
        rows = connection.execute("SELECT id, field, old_value, new_value, seen_at FROM user_changes").fetchall()

    def value(text):
        return canonical(None if text is None else json.loads(text))

    found = {(user, field, value(old), value(new), seen_at) for user, field, old, new, seen_at in rows}
    assert len(found) == len(rows), "a change is told twice"
    return found


def reason(text):
    return canonical(None if text is None else {"reason": text})


class Model:
    """What a collector must hold that looks at the directory at the moments at which runs were made.

    After a listing in place of rounds that were lost, who is not in it has gone missing; of those who had gone before, it
    says nothing, and a later round may tell of their going once more: `unsure` holds the ids whose removals are only
    checked for making sense."""

    def __init__(self):
        self.users, self.removed, self.changes, self.unsure = {}, {}, set(), set()

    def _differences(self, user, now, seen_at):
        before = self.users[user]
        for field in set(before) | set(now):
            old, new = canonical(before.get(field)), canonical(now.get(field))
            if old != new:
                self.changes.add((user, field, old, new, seen_at))

    def _see(self, user, now, seen_at):
        if user in self.users:
            self._differences(user, now, seen_at)
            if self.removed.get(user):
                self.changes.add((user, "@removed", reason(self.removed[user]), None, seen_at))
        self.users[user], self.removed[user] = now, None

    def _lose(self, user, why, seen_at):
        if self.removed[user] != why:
            self.changes.add((user, "@removed", reason(self.removed[user]), reason(why), seen_at))
            self.removed[user] = why

    def listing(self, states, seen_at):
        for user, (gone, now) in states.items():
            if gone is None:
                self._see(user, plain(now), iso(seen_at))
        for user in self.users:
            if user not in states or states[user][0] is not None:
                self.unsure.add(user)
                if self.removed[user] is None:
                    self._lose(user, "missing", iso(seen_at))

    def round(self, before, states, seen_at):
        for user, (gone, now) in states.items():
            if gone is None:
                self._see(user, plain(now), iso(seen_at))
            elif user in self.users and (user not in before or before[user][0] != gone):
                self._lose(user, gone, iso(seen_at))

    def check(self, path):
        """The database holds exactly this."""
        found = held(path)
        assert set(found) == set(self.users)
        wrong = {user: (facts, self.users[user]) for user, (_, facts) in found.items()
                 if facts != self.users[user] and self.removed[user] is None}
        assert not wrong, next(iter(wrong.items()))
        assert present(found) == {user for user, gone in self.removed.items() if gone is None}
        sure = {user: gone for user, (gone, _) in found.items() if user not in self.unsure}
        assert sure == {user: gone for user, gone in self.removed.items() if user not in self.unsure}
        told = changes(path)
        self._check_unsure({row for row in told if row[0] in self.unsure and row[1] == "@removed"}, found)

        def certain(rows):
            return {row for row in rows if row[0] not in self.unsure or row[1] != "@removed"}

        assert certain(told) - certain(self.changes) == set() and certain(self.changes) - certain(told) == set()

    def _check_unsure(self, rows, found):
        """Each account's removals and returns are one chain, which ends where the account is now."""
        for user in self.unsure:
            at = None
            for _, _, old, new, _ in sorted((row for row in rows if row[0] == user), key=lambda row: row[4]):
                assert old == reason(at), user
                at = None if new is None else json.loads(new)["reason"]
            assert at == found[user][0], user


class Follower:
    """Runs collect at one moment after another, and knows what must be held then."""

    def __init__(self, desk):
        self.desk, self.model, self.states, self.at = desk, Model(), None, None

    def step(self, at, resync=False, status=0):
        simulator = self.desk.simulator
        move(simulator, at)
        before = changes(self.desk.path) if self.desk.path.exists() else set()
        run = self.desk.run()
        assert run.status == status, run.words
        listed = any(request["endpoint"] == "users" and "displayName" in request["uri"] for request in run.requests)
        assert listed == (resync or self.states is None)
        states = simulator.users_at()
        if listed:
            self.model.listing(states, at)
        else:
            self.model.round(self.states, states, at)
        self.states, self.at = states, at
        self.check_counts(run, changes(self.desk.path) - before)
        return run

    @staticmethod
    def check_counts(run, told):
        """What the report says is what happened. Who is missing in a listing was removed, but not fetched."""
        users = run.source("users")
        missing = sum(row[1] == "@removed" and row[3] == reason("missing") for row in told)
        counted = sum(users[name] for name in ("inserted", "updated", "duplicates", "removed", "unreadable"))
        assert users["fetched"] == counted - missing
        assert (users["updated"] + users["removed"] > 0) == bool(told)

    def check(self):
        self.model.check(self.desk.path)
        database.check_integrity(self.desk.path)


@pytest.fixture(name="desk")
def fixture_desk(keep, sim, tmp_path, request):
    """desk(OPTIONS, clock=None): a desk with a simulator of these options, where users are collected."""
    golden = f"users/{golden_name(request.node.name)}"

    def make(options=STEADY, clock=None):
        return Desk(keep, sim(options, clock=clock), tmp_path, golden, only="users")

    return make


@pytest.fixture(name="follower")
def fixture_follower(desk):
    """follower(OPTIONS): one whose first run is over."""

    def make(options=STEADY):
        one = Follower(desk(options))
        one.step(NOON)
        one.check()
        return one

    return make


def present(states):
    """Those who are there."""
    return {user for user, (removed, _) in states.items() if removed is None}


def rounds(path):
    """part -> (kind, complete, records) of the rounds as they stand."""
    with database.connect(path) as connection:
        return {row[0]: row[1:] for row in connection.execute("SELECT part, kind, complete, records FROM user_rounds")}


def asked(run, endpoint, part=""):
    return [request["uri"] for request in run.requests if request["endpoint"] == endpoint and part in request["uri"]]


def listings(run):
    """First pages of listings."""
    return [request["uri"] for request in run.requests
            if request["endpoint"] == "users" and "displayName" in request["uri"] and request["page"] == 1]


# --- the truth ------------------------------------------------------------------------------------------------------------


@pytest.mark.threads
@pytest.mark.parametrize("options", [
    LIVELY,
    [*LIVELY, "--user-repeats", "40", "--user-replays", "40", "--empty-pages", "40", "--repeat-percent", "60"],
    [*NO_EVENTS, "--users", "40", "--user-changes", "100", "--user-turnover", "25", "--page-size", "1", "--delta-page-size", "1"],
], ids=["plain", "repeated", "single"])
def test_every_account_and_every_change_is_held_at_any_run_q86_q87_q88(follower, options):
    one = follower(options)
    for hours in (1, 2, 5, 26, 27, 60, 100, 160):
        one.step(NOON + hours * HOUR)
        one.check()
    told = one.model.changes
    assert len({row[1] for row in told}) > 10 and any(row[1] == "@removed" for row in told)


@pytest.mark.slow
@pytest.mark.plain_only  # each of its programs runs under sanitizers elsewhere
def test_after_a_month_of_small_steps_nothing_is_missing_and_nothing_too_much_q87_q88_q89(follower):
    one = follower([*NO_EVENTS, "--users", "120", "--user-changes", "20", "--user-turnover", "6", "--delta-page-size", "20"])
    for step in range(1, 31 * 6):
        one.step(NOON + step * 4 * HOUR)
    one.check()
    removals = [row for row in one.model.changes if row[1] == "@removed"]
    assert any(row[3] is None for row in removals), "nobody came back"
    assert any(row[2] == reason("changed") and row[3] == reason("deleted") for row in removals), "nobody's time in the bin was over"


SCALE = int(os.environ.get("M365KEEP_SCALE_USERS", "2000"))


@pytest.mark.slow
def test_thirty_days_of_changes_with_resyncs_and_replays_are_followed_q86_q87_q88_q90(follower):
    """M365KEEP_SCALE_USERS accounts; every day but two absences of more than a week, after which the service has forgotten."""
    one = follower([*NO_EVENTS, "--users", SCALE, "--user-changes", "10", "--user-turnover", "3", "--user-repeats", "20",
                    "--user-replays", "20"])
    days = [*range(1, 5), 13, *range(14, 18), 26, *range(27, 31)]
    for before, day in zip([0, *days], days):
        one.step(NOON + day * DAY, resync=day - before > 7)
    one.check()
    removals = [row for row in one.model.changes if row[1] == "@removed"]
    assert {row[3] for row in removals} >= {None, reason("changed"), reason("missing")}
    assert len(one.model.users) > SCALE and len(one.model.changes) > SCALE
    with database.connect(one.desk.path) as connection:
        print(f"{len(one.model.users)} accounts, {len(one.model.changes)} changes, {len(removals)} of them removals and returns; "
              f"{connection.execute('SELECT count(*) FROM users WHERE removed_at IS NULL').fetchone()[0]} there at the end")


def test_a_second_run_asks_one_question_and_stores_nothing_q26(follower):
    one = follower()
    before = database.snapshot(one.desk.path)
    run = one.desk.run()
    assert run.source("users")["fetched"] == 0 and run.source("users")["requests"] == 1
    assert not database.differences(before, database.snapshot(one.desk.path))
    assert rounds(one.desk.path)[""] == ("delta", 1, 0)


def test_what_changes_while_the_listing_is_read_is_told_by_the_next_round(desk, build):
    """The round begins before the listing does: between the two is no gap."""
    here = desk(LIVELY)
    here.simulator.faults([{"match": USERS | {"page": 2}, "times": 1, "action": {"delay_ms": 1500}}])
    environment = conftest.clean_environment(here.path.parent, conftest.simulated_environment(here.simulator))
    with subprocess.Popen([build / "m365keep", "collect", "--db", here.path, "--only", "users"], env=environment,
                          stderr=subprocess.PIPE, cwd=here.path.parent, text=True) as process:
        wait_until(here.simulator.fired, process)
        gone, late = sorted(user for user, (removed, _) in here.simulator.users_at().items() if removed is None)[:2]
        here.simulator.edit_user(gone, remove="changed")
        here.simulator.edit_user(late, patch={"department": "Moved meanwhile"})
        assert process.wait(DEADLINE_S) == 0, process.stderr.read()
    assert here.run().status == 0
    states = here.simulator.users_at()
    found = held(here.path)
    assert present(found) == present(states)
    assert found[gone][0] == "changed" and found[late][1]["department"] == "Moved meanwhile"


# --- one account ----------------------------------------------------------------------------------------------------------


def edited(one, minutes, user=None, **edit):
    """Edits an account, and lets a run follow: the rows that user_changes got, without id and time."""
    before = changes(one.desk.path)
    simulator = one.desk.simulator
    at = NOON + minutes * 60
    move(simulator, at)
    user = simulator.edit_user(user, **edit)
    one.step(at)
    one.check()
    return user, {row[1:4] for row in changes(one.desk.path) - before}


def test_the_life_of_an_account_is_told_q88_q89(follower):
    one = follower()
    some = sorted(one.states)[0]
    before = canonical(one.states[some][1].get("department"))
    assert edited(one, 1, some, patch={"department": "Zoo"})[1] == {("department", before, '"Zoo"')}
    assert edited(one, 2, some, patch={"department": None})[1] == {("department", '"Zoo"', None)}
    assert edited(one, 3, some, remove="changed")[1] == {("@removed", None, reason("changed"))}
    assert edited(one, 4, some, restore=True)[1] == {("@removed", reason("changed"), None)}
    assert edited(one, 5, some, remove="changed")[1] == {("@removed", None, reason("changed"))}
    assert edited(one, 6, some, remove="deleted")[1] == {("@removed", reason("changed"), reason("deleted"))}
    new, rows = edited(one, 7, set={"displayName": "New one", "userPrincipalName": "new@example.org"})
    assert rows == set() and held(one.desk.path)[new][1]["displayName"] == "New one"


def test_an_account_that_comes_back_changed_tells_both(follower):
    one = follower()
    some = sorted(one.states)[0]
    edited(one, 1, some, remove="changed")
    simulator = one.desk.simulator
    move(simulator, NOON + 120)
    simulator.edit_user(some, restore=True)
    _, rows = edited(one, 2, some, patch={"department": "Elsewhere"})
    assert {row[0] for row in rows} == {"@removed", "department"}
    with database.connect(one.desk.path) as connection:
        assert connection.execute("SELECT removed_at, removed_reason FROM users WHERE id = ?", (some,)).fetchone() == (None, None)


def test_the_removal_of_someone_nobody_knew_leaves_no_trace_q86(follower):
    one = follower()
    simulator = one.desk.simulator
    move(simulator, NOON + 60)
    guest = simulator.edit_user(set={"displayName": "Passing by"})
    simulator.edit_user(guest, remove="deleted")
    run = one.step(NOON + 60)
    one.check()
    assert run.source("users")["fetched"] == run.source("users")["duplicates"] == 1 and guest not in held(one.desk.path)


def test_numbers_and_escapes_of_an_account_are_kept_byte_for_byte(follower):
    one = follower()
    some = sorted(one.states)[0]
    simulator = one.desk.simulator
    move(simulator, NOON + 60)
    simulator.edit_user(some, patch=b'{"employeeId":"\\u0041\\/ \\ud83d\\ude80 caf\xc3\xa9"}')
    one.step(NOON + 60)
    with database.connect(one.desk.path) as connection:
        [raw] = connection.execute("SELECT raw FROM users WHERE id = ?", (some,)).fetchone()
        [new] = connection.execute("SELECT new_value FROM user_changes WHERE id = ? AND field = 'employeeId'", (some,)).fetchone()
    assert new == '"\\u0041\\/ \\ud83d\\ude80 café"' and f'"employeeId":{new}' in raw


def test_a_guest_is_found_under_both_names_q75(desk, keep):
    here = desk()
    name = "bob_fabrikam.example#EXT#@contoso.example"
    guest = here.simulator.edit_user(set={"displayName": "Bob", "userPrincipalName": name, "mail": "bob@fabrikam.example",
                                          "userType": "Guest", "proxyAddresses": ["SMTP:robert@fabrikam.example"]})
    assert here.run().status == 0
    for words in (name, "bob@fabrikam.example", "robert@fabrikam.example", guest, "Bob"):
        found = keep(["search", "--db", here.path, "--in", "users", "--json", words])
        assert found.returncode == 0 and guest in found.stdout, words


# --- the service forgets ----------------------------------------------------------------------------------------------------


def test_after_a_week_away_all_are_listed_again_and_the_missing_are_marked_q90(follower):
    one = follower(LIVELY)
    run = one.step(NOON + 8 * DAY, resync=True)
    one.check()
    assert run.status == 0 and run.source("users")["removed"] > 0
    lost, missing = run.source("users")["warnings"]
    assert "listed again" in lost and "marked as missing" in missing
    assert {row[3] for row in one.model.changes if row[1] == "@removed"} == {reason("missing")}
    one.step(NOON + 9 * DAY)
    one.check()


FORGOTTEN = [(410, "resyncRequired"), (410, "syncStateNotFound"), (410, "SomethingNew"), (400, "SyncStateNotFound"),
             (400, "resyncRequired"), (404, "syncStateNotFound"), (400, "Directory_ExpiredPageToken"), (400, "Request_BadRequest"),
             (404, "itemNotFound")]


@pytest.mark.parametrize("status, code", FORGOTTEN, ids=[f"{status}-{code}" for status, code in FORGOTTEN])
def test_whatever_says_that_the_link_is_no_good_leads_to_a_listing_q16_q90(follower, status, code):
    one = follower()
    some, gone = sorted(one.states)[:2]
    simulator = one.desk.simulator
    move(simulator, NOON + 60)
    simulator.edit_user(some, patch={"department": "Zoo"})
    simulator.edit_user(gone, remove="changed")
    faults_spare_the_mark(simulator, status, code)
    run = one.step(NOON + 60, resync=True)
    one.check()
    assert run.status == 0 and held(one.desk.path)[gone][0] == "missing" and len(listings(run)) == 1
    lost, missing = run.source("users")["warnings"]
    assert "listed again" in lost and missing.startswith("1 known account is not in the listing")


def faults_spare_the_mark(simulator, status, code):
    """Links of the service's fail; the question where changes begin from now on does not."""
    simulator.faults([{"match": MARK, "action": {}}, {"match": DELTA, "action": {"status": status, "code": code}}])


def test_nobody_is_removed_before_the_new_listing_is_complete_q90(follower):
    one = follower(LIVELY)
    simulator = one.desk.simulator
    before = held(one.desk.path)
    simulator.faults([{"match": USERS | {"page": 2}, "action": {"status": 503}}])
    at = NOON + 8 * DAY
    move(simulator, at)
    run = one.desk.run()
    assert run.status == 3 and run.source("users")["status"] == "partial" and run.source("users")["removed"] == 0
    assert {user for user, (gone, _) in held(one.desk.path).items() if gone} == {user for user, (gone, _) in before.items() if gone}
    simulator.faults([])
    run = one.desk.run()
    assert run.status == 0 and run.source("users")["removed"] > 0
    one.model.listing(simulator.users_at(), at)
    one.check()
    assert listings(run) == [], "it began the listing again"


@pytest.mark.parametrize("phase", ["listing", "changes"])
def test_a_listing_whose_links_never_work_is_begun_again_once_and_then_told_q16_q90(follower, desk, phase):
    if phase == "changes":
        here = follower().desk
        here.simulator.faults([{"match": MARK, "action": {}}, {"match": DELTA, "action": {"status": 410, "code": "resyncRequired"}},
                               {"match": USERS | {"page": 2}, "action": {"status": 400, "code": "Directory_ExpiredPageToken"}}])
    else:
        here = desk()
        here.simulator.faults([{"match": USERS | {"page": 2}, "action": {"status": 400, "code": "Directory_ExpiredPageToken"}}])
    run = here.run()
    assert run.status in (1, 3)
    run.check_error("Directory_ExpiredPageToken", source="users", http=400, status=run.source("users")["status"])
    assert len(listings(run)) == (1 if phase == "changes" else 2)
    here.check_golden(run)
    check_completes(here)


def check_completes(here):
    """Without the fault the next run ends with everything."""
    here.simulator.faults([])
    run = here.run()
    assert run.status == 0, run.words
    states = here.simulator.users_at()
    assert {user: facts for user, (gone, facts) in held(here.path).items() if gone is None} == \
           {user: plain(now) for user, (gone, now) in states.items() if gone is None}
    assert rounds(here.path)[""][1] == 1
    database.check_integrity(here.path)
    return run


def test_a_page_token_that_dies_in_mid_listing_makes_it_begin_again_with_nothing_doubled_q16(desk):
    here = desk()
    here.simulator.fault({"status": 400, "code": "Directory_ExpiredPageToken"}, **USERS, page=2, times=3)
    run = here.run()
    run.check_quiet()
    assert len(listings(run)) == 2 and changes(here.path) == set()
    check_completes(here)


def test_a_page_token_that_dies_in_mid_round_makes_the_round_begin_again_q16(follower):
    one = follower(LIVELY)
    one.desk.simulator.fault({"status": 400, "code": "Directory_ExpiredPageToken"}, **DELTA, page=2, times=3)
    run = one.step(NOON + DAY)
    one.check()
    run.check_quiet()
    assert len({uri for uri in asked(run, "usersDelta", "deltatoken")}) == 1 and len(asked(run, "usersDelta", "deltatoken")) == 2


BROKEN_LINKS = {"own page": "{same}", "empty token": "{base}/v1.0/users/delta?$skiptoken=", "relative": "/v1.0/users/delta?$skiptoken=x"}


@pytest.mark.parametrize("kind", BROKEN_LINKS)
def test_a_round_whose_links_stay_broken_is_replaced_by_a_listing_q10_q11_q14(follower, kind):
    one = follower(LIVELY)
    one.desk.simulator.faults([{"match": MARK, "action": {}}, {"match": DELTA | {"page": 2}, "action": {"next_link": BROKEN_LINKS[kind]}}])
    run = one.step(NOON + DAY, resync=True)
    one.check()
    assert run.status == 0 and "listed again" in run.source("users")["warnings"][0]
    assert len(asked(run, "usersDelta", "deltatoken=latest")) == 1 and len(listings(run)) == 1


@pytest.mark.parametrize("kind", BROKEN_LINKS)
def test_a_listing_whose_links_stay_broken_is_told_and_its_records_are_kept_q10_q11_q14(desk, kind):
    here = desk()
    here.simulator.fault({"next_link": BROKEN_LINKS[kind].replace("/delta", "")}, **USERS, page=1)
    run = here.run()
    assert run.status == 3
    run.check_error(run.source("users")["error"]["code"], source="users", status="partial")
    # A link to the own page is followed once: only then is it a circle.
    assert len(listings(run)) == (4 if kind == "own page" else 2)
    assert run.source("users")["inserted"] == 25 and rounds(here.path)[""][1] == 0
    here.check_golden(run)
    check_completes(here)


ELSEWHERE = {"listing": (USERS | {"page": 1}, "next_link"), "round": (DELTA, "next_link"), "next round": (DELTA, "delta_link"),
             "mark": (MARK, "delta_link"), "activity": (ACTIVITY, "next_link")}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_link_to_another_place_gets_no_token_and_is_not_kept_q6(follower, desk, where):
    match, key = ELSEWHERE[where]
    if where in ("round", "next round"):
        here = follower(LIVELY).desk
        move(here.simulator, NOON + DAY)
    else:
        here = desk([*STEADY, "--decoy"])
    here.simulator.faults([{"match": match, "action": {key: "https://elsewhere.example/v1.0/users?$skiptoken=6666"}}])
    run = here.run()
    assert run.status in (1, 3) and not [request for request in run.requests if "6666" in request["uri"]]
    run.check_error("foreign_link", source="users", status=run.source("users")["status"])
    with database.connect(here.path) as connection:
        kept = connection.execute("SELECT link, delta_link FROM collect_round").fetchall()
    assert "elsewhere" not in str(kept)
    here.check_golden(run)
    check_completes(here)


def test_a_round_that_ends_without_a_link_keeps_its_records_and_its_place_q2(follower):
    one = follower(LIVELY)
    one.desk.simulator.fault({"drop_links": True}, **DELTA, page=2)
    at = NOON + DAY
    move(one.desk.simulator, at)
    run = one.desk.run()
    assert run.status == 3
    run.check_error("no_link", source="users", status="partial")
    assert run.source("users")["fetched"] == 80 and listings(run) == []
    one.desk.check_golden(run)
    one.desk.simulator.faults([])
    again = one.desk.run()
    assert again.status == 0 and asked(again, "usersDelta")[0] == asked(run, "usersDelta")[-1], "not the same page again"
    one.model.round(one.states, one.desk.simulator.users_at(), at)
    one.check()


def test_a_mark_without_a_link_is_told_and_nothing_is_begun_q2(desk):
    here = desk()
    here.simulator.fault({"drop_links": True}, **MARK)
    run = here.run()
    assert run.status == 1 and listings(run) == []
    run.check_error("no_link", source="users")
    here.check_golden(run)
    check_completes(here)


@pytest.mark.parametrize("known", [False, True], ids=["at first", "when some are known"])
def test_nobody_left_is_not_believed_q96(follower, desk, known):
    here = follower().desk if known else desk()
    faults = [{"match": USERS, "action": {"no_records": True}}]
    if known:
        faults += [{"match": MARK, "action": {}}, {"match": DELTA, "action": {"status": 410, "code": "resyncRequired"}}]
    here.simulator.faults(faults)
    for _ in range(2):
        run = here.run()
        assert run.status == 1 and run.source("users")["removed"] == 0
        error = run.check_error("no_accounts", source="users")
        assert ("60 are known" in error["message"] or "known: nobody" in error["message"]) == known
        assert all(gone is None for gone, _ in held(here.path).values()) and len(listings(run)) == 1
    here.check_golden(run)
    check_completes(here)


# --- what is asked for --------------------------------------------------------------------------------------------------------


def test_a_stored_link_of_another_selection_is_not_followed_q91(follower):
    one = follower()
    with sqlite3.connect(one.desk.path) as connection:
        connection.execute("UPDATE collect_round SET query = 'id,displayName' WHERE part = ''")
    run = one.step(NOON + 60, resync=True)
    one.check()
    assert [line for line in run.level("info") if "Other properties" in line["msg"]] and not asked(run, "usersDelta", "deltatoken=Y")


def test_a_stored_link_of_a_service_that_moved_is_not_followed_q6_q17(follower):
    one = follower()
    for column in ("link", "delta_link"):
        with sqlite3.connect(one.desk.path) as connection:
            connection.execute(f"UPDATE collect_round SET {column} = 'https://old.example/v1.0/users/delta?$deltatoken=x'")
    run = one.step(NOON + 60, resync=True)
    one.check()
    assert [line for line in run.level("info") if "another address" in line["msg"]]


@pytest.mark.parametrize("known", [False, True], ids=["at first", "in a round"])
def test_a_property_that_the_service_names_as_unknown_is_left_out_and_said_q95(follower, desk, known):
    here = follower().desk if known else desk()
    words = "Could not find a property named 'preferredDataLocation' on type 'microsoft.graph.user'."
    match = {"query": "preferredDataLocation"}
    here.simulator.faults([{"match": match, "action": refused(400, "BadRequest", words)},
                           *([{"match": DELTA | {"query": "deltatoken=latest"}, "action": {}},
                              {"match": DELTA, "action": {"status": 410, "code": "resyncRequired"}}] if known else [])])
    run = here.run()
    assert run.status == 0 and run.source("users")["status"] == "ok"
    *lost, warning = run.source("users")["warnings"]
    assert "preferredDataLocation" in warning and len(lost) == known
    found = held(here.path)
    assert {user: facts for user, (_, facts) in found.items()} == \
           {user: {field: value for field, value in plain(now).items() if known or field != "preferredDataLocation"}
            for user, (_, now) in here.simulator.users_at().items()}
    here.check_golden(run)
    here.simulator.faults([])
    quiet = here.run()
    quiet.check_quiet()
    assert listings(quiet) == [], "what the service did not give is asked for again in a day"


@pytest.mark.parametrize("properties", [["employeeOrgData"], ["userPrincipalName", "city", "preferredDataLocation"]], ids=len)
def test_properties_refused_without_a_name_are_found_and_left_out_q95(desk, properties):
    here = desk()
    here.simulator.faults([{"match": {"query": name}, "action": {"status": 501}} for name in properties])
    run = here.run()
    # The fault goes by text, and "userPrincipalName" is part of another property's name.
    left_out = {field for field in DOCUMENTED if any(name.lower() in field.lower() for name in properties)}
    assert run.status == 0 and len(run.source("users")["warnings"]) == len(left_out)
    assert all(any(f"property {field} " in warning for warning in run.source("users")["warnings"]) for field in left_out)
    assert len(run.requests) < 60
    assert {user: facts for user, (_, facts) in held(here.path).items()} == \
           {user: {field: value for field, value in plain(now).items() if field not in left_out}
            for user, (_, now) in here.simulator.users_at().items()}


def test_what_the_service_did_not_give_is_asked_for_once_a_day_and_comes_back_q95(desk):
    here = desk()
    here.simulator.fault({"status": 501}, query="employeeOrgData")
    assert here.run().status == 0
    for at, asked_again in ((NOON + 3600, False), (NOON + DAY, True), (NOON + DAY + 3600, False)):
        move(here.simulator, at)
        run = here.run()
        assert run.status == 0 and len(asked(run, "users", "employeeOrgData")) == asked_again
        assert not asked(run, "users", "$top=999"), "they were listed again"
        assert all("employeeOrgData" not in facts for _, facts in held(here.path).values())
    here.simulator.faults([])
    move(here.simulator, NOON + 2 * DAY)
    run = here.run()
    assert run.status == 0 and listings(run) and any("employeeOrgData" in facts for _, facts in held(here.path).values())
    assert listings(here.run()) == []


def test_a_refusal_that_passes_is_no_property_s_fault_q95(desk):
    here = desk()
    here.simulator.fault({"status": 501}, endpoint="users", times=1)
    run = here.run()
    assert run.status == 0 and run.source("users")["warnings"] == []
    check_completes(here)


def test_a_service_that_implements_nothing_is_told_as_such_q95(desk):
    here = desk()
    here.simulator.fault({"status": 501}, endpoint="users")
    run = here.run()
    assert run.status == 1
    run.check_error("NotImplemented", source="users", http=501)
    assert run.source("users")["warnings"] == [] and len(run.requests) < 5
    here.check_golden(run)
    check_completes(here)


def test_a_property_with_a_permission_of_its_own_keeps_nobody_from_the_rest_q107(desk):
    here = desk()
    here.simulator.fault({"status": 403}, query="employeeLeaveDateTime")
    run = here.run()
    assert run.status == 0
    [warning] = run.source("users")["warnings"]
    assert "employeeLeaveDateTime" in warning and "User-LifeCycleInfo.Read.All" in warning
    assert all("employeeLeaveDateTime" not in facts for _, facts in held(here.path).values())
    here.check_golden(run)


def test_a_missing_permission_is_named_q107(desk):
    here = desk()
    here.simulator.fault({"status": 403}, "/users")
    run = here.run()
    assert run.status == 1 and run.source("users")["warnings"] == []
    error = run.check_error("Authorization_RequestDenied", source="users", http=403)
    assert "User.Read.All" in error["hint"] and len(run.requests) <= 3
    here.check_golden(run)
    check_completes(here)


# --- the last sign-in ----------------------------------------------------------------------------------------------------------


def activity(path):
    """{id: signInActivity as held} and {id: last_sign_in} of those that have any."""
    with database.connect(path) as connection:
        rows = connection.execute("SELECT id, raw, last_sign_in FROM users").fetchall()
    return ({user: json.loads(raw)["signInActivity"] for user, raw, _ in rows if json.loads(raw).get("signInActivity")},
            {user: last for user, _, last in rows if last})


def shown_activity(simulator):
    token = simulator.token()
    users = simulator.walk_users(token, select="id,signInActivity", top=500)
    return {user["id"]: user["signInActivity"] for user in users if user.get("signInActivity")}


def test_the_last_sign_in_is_merged_and_is_no_change_q94(follower):
    one = follower([*STEADY, "--page-size", "20"])
    held_activity, last = activity(one.desk.path)
    assert held_activity == shown_activity(one.desk.simulator) and len(held_activity) > 20 and last
    assert {user for user in last} <= set(held_activity)
    with database.connect(one.desk.path) as connection:
        assert connection.execute("SELECT count(*) FROM user_changes").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM users WHERE changed_at IS NOT NULL").fetchone() == (0,)


def test_it_is_asked_for_once_a_day_at_most_q94(follower):
    one = follower()
    for hours, due in ((1, False), (12, False), (23, False), (25, True), (26, False), (50, True)):
        run = one.step(NOON + hours * HOUR)
        assert bool(asked(run, "users", "signInActivity")) == due, hours
        assert run.source("users")["fetched"] == 0
    one.check()
    assert activity(one.desk.path)[0] == shown_activity(one.desk.simulator)


def test_of_very_many_accounts_a_run_asks_for_thirty_pages_and_the_next_goes_on_q94(desk):
    here = desk([*STEADY, "--page-size", "1"])
    first = here.run()
    pages = [request["page"] for request in first.requests if "ignInActivity" in request["uri"]]
    assert pages == list(range(1, 31)) and rounds(here.path)["sign-in-activity"][:2] == ("activity", 0)
    second = here.run()
    pages = [request["page"] for request in second.requests if "ignInActivity" in request["uri"]]
    assert pages[0] == 31 and len(pages) == 30 and listings(second) == []
    here.run()
    assert activity(here.path)[0] == shown_activity(here.simulator)
    assert rounds(here.path)["sign-in-activity"][1] == 1


def test_a_stored_link_of_it_that_died_is_replaced_by_a_new_beginning_q16_q94(desk):
    here = desk([*STEADY, "--page-size", "1"])
    here.run()
    move(here.simulator, NOON + 9 * DAY)
    run = here.run()
    assert run.status == 0 and all("listed again" in warning for warning in run.source("users")["warnings"])
    assert [request["page"] for request in run.requests if "ignInActivity" in request["uri"]][0] == 31
    assert 1 in [request["page"] for request in run.requests if "ignInActivity" in request["uri"]]


@pytest.mark.parametrize("kind", ["licence", "permission", "property", "nameless property"])
def test_without_a_licence_or_permission_for_it_one_warning_a_day_says_so_q93_q108(desk, kind):
    words = "Could not find a property named 'signInActivity' on type 'microsoft.graph.user'."
    fault = {"licence": {"status": 403, "code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant"}, "permission": {"status": 403},
             "property": refused(400, "BadRequest", words), "nameless property": {"status": 501}}[kind]
    here = desk()
    here.simulator.fault(fault, **ACTIVITY)
    for hours, warned in ((0, True), (1, False), (23, False), (25, True)):
        move(here.simulator, NOON + hours * HOUR)
        run = here.run()
        assert run.status == 0 and run.source("users")["status"] == "ok" and run.source("users")["error"] is None
        assert len(run.source("users")["warnings"]) == len(run.level("warn")) == (1 if warned else 0), hours
        assert bool([request for request in run.requests if "ignInActivity" in request["uri"]]) == warned
        if hours == 0:
            here.check_golden(run)
    assert len(held(here.path)) == 60 and activity(here.path)[0] == {}
    here.simulator.faults([])
    move(here.simulator, NOON + 50 * HOUR)
    here.run().check_quiet()
    assert activity(here.path)[0] == shown_activity(here.simulator)


def test_a_tenant_without_premium_has_users_all_the_same_q93_q109(desk):
    here = desk([*STEADY, "--no-premium"])
    run = here.run()
    assert run.status == 0 and run.source("users")["inserted"] == 60 and len(run.level("warn")) == 1
    assert here.run().level("warn") == []


def test_trouble_with_the_last_sign_in_keeps_nobody_from_the_accounts_q94_q101(desk):
    here = desk()
    here.simulator.fault({"status": 503}, **ACTIVITY)
    run = here.run()
    assert run.status == 3 and run.source("users")["inserted"] == 60
    run.check_error("ServiceUnavailable", source="users", status="partial", http=503)
    here.check_golden(run)
    here.simulator.faults([])
    assert here.run().status == 0 and activity(here.path)[0] == shown_activity(here.simulator)


def test_the_budgets_of_users_are_kept_q94_q99(desk):
    here = desk([*STEADY, "--page-size", "2", "--budgets", "documented"], clock=moving_clock(60))
    run = here.run(env={"REQUEST_BUDGETS": "documented"}, clock=here.simulator.keep_clock)
    assert run.status == 0, run.words
    stats = here.simulator.stats()
    assert stats["budget_violations"] == 0 and run.source("users")["throttled"] == 0
    assert len([request for request in run.requests if "ignInActivity" in request["uri"]]) == 30


# --- faults ---------------------------------------------------------------------------------------------------------------------


PHASES = {"mark": MARK, "listing": USERS | {"page": 2}, "round": DELTA, "activity": ACTIVITY}
STORMS = {"503": {"status": 503}, "429": {"status": 429, "headers": {"Retry-After": "3"}}, "504": {"status": 504}, "reset": {"reset": True},
          "cut": {"truncate": "half"}, "empty": {"empty_body": True}, "html": {"html": True}, "error in 200": {"error_in_200": True},
          "no value": {"drop_value": True}, "500": {"status": 500}}


@pytest.mark.parametrize("storm", STORMS)
@pytest.mark.parametrize("phase", PHASES)
def test_a_storm_that_passes_is_ridden_out_q3_q49_q50_q101(follower, desk, phase, storm):
    one = follower(LIVELY) if phase == "round" else Follower(desk(LIVELY))
    one.desk.simulator.faults([{"match": PHASES[phase], "times": 2, "action": STORMS[storm]}])
    run = one.step(NOON + DAY)
    one.check()
    run.check_quiet()
    # A kept connection that turns out dead is opened again by the transport.
    assert one.desk.simulator.fired() == 2 and run.source("users")["retried"] in ((1, 2) if storm == "reset" else (2,))


@pytest.mark.parametrize("storm", ["503", "cut", "html", "no value", "504"])
@pytest.mark.parametrize("phase", ["mark", "listing", "round"])
def test_a_storm_that_does_not_pass_leaves_the_state_and_the_next_run_completes_q3_q49_q50_q101(follower, desk, phase, storm):
    one = follower(LIVELY) if phase == "round" else Follower(desk(LIVELY))
    simulator, at = one.desk.simulator, NOON + DAY
    move(simulator, at)
    simulator.faults([{"match": PHASES[phase] | ({"page": 2} if phase == "round" else {}), "action": STORMS[storm]}])
    run = one.desk.run()
    assert run.status in (1, 3)
    error = run.check_error(run.source("users")["error"]["code"], source="users", status=run.source("users")["status"],
                            http=run.level("error")[0].get("http"))
    assert error["hint"]
    one.desk.check_golden(run)
    simulator.faults([])
    again = one.desk.run()
    assert again.status == 0, again.words
    states = simulator.users_at()
    if phase == "round":
        one.model.round(one.states, states, at)
    else:
        one.model.listing(states, at)
    one.check()
    if phase != "mark":
        assert [request["page"] for request in again.requests if request["endpoint"] in ("users", "usersDelta")][0] == 2


STRANGE = {"no id": b'{"displayName":"Nobody"}', "number as id": b'{"id":7}', "no object": b'"a"', "bad text": b'{"id":"\xff"}',
           "too deep": b'{"id":"deep","a":' + b"[" * 200 + b"]" * 200 + b"}"}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_record_that_is_no_account_is_kept_aside_and_the_rest_is_read_q47_q55_q57(desk, kind):
    here = desk()
    here.simulator.fault({"insert_record_base64": base64.b64encode(STRANGE[kind]).decode()}, **USERS, page=2, times=1)
    run = here.run()
    users = run.source("users")
    assert run.status == 0 and (users["inserted"], users["unreadable"]) == (60, 1) and len(users["warnings"]) == 1
    with database.connect(here.path) as connection:
        [(source, body)] = connection.execute("SELECT source, body FROM unreadable").fetchall()
    assert source == "users" and bytes(body) == STRANGE[kind]
    here.check_golden(run)


def test_after_a_listing_with_a_record_that_is_no_account_nobody_is_missing_q96(follower):
    """It may have been anybody's."""
    one = follower()
    gone = sorted(one.states)[0]
    simulator = one.desk.simulator
    move(simulator, NOON + 60)
    simulator.edit_user(gone, remove="changed")
    simulator.faults([{"match": MARK, "action": {}}, {"match": DELTA, "action": {"status": 410, "code": "resyncRequired"}},
                      {"match": USERS | {"page": 1}, "action": {"insert_record_base64": base64.b64encode(b'{"id":7}').decode()}}])
    run = one.desk.run()
    assert run.status == 0 and run.source("users")["removed"] == 0 and held(one.desk.path)[gone][0] is None
    assert any("nobody was marked as removed" in warning for warning in run.source("users")["warnings"])


# --- interrupted ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(name="begin")
def fixture_begin(build, tmp_path):
    """begin(DESK) starts a run of users and does not wait for it; it ends with the test."""
    started = []

    def run(desk, *arguments):
        environment = conftest.clean_environment(tmp_path, conftest.simulated_environment(desk.simulator))
        command = [build / "m365keep", "collect", "--db", desk.path, "--json", "--only", "users", *arguments]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def held_at(one, begin, match):
    """A run that waits for ever for the page that matches, what came before it stored."""
    simulator = one.desk.simulator
    simulator.faults([{"match": match, "action": {"delay_ms": NEVER_MS}}])
    process = begin(one.desk)

    def stands():
        if not (simulator.fired() and one.desk.path.exists()):
            return False
        with database.connect(one.desk.path) as connection:
            return connection.execute("SELECT count(*) FROM collect_round WHERE part = '' AND complete = 0").fetchone() == (1,)

    wait_until(stands, process)
    return process


@pytest.mark.threads
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("phase", ["listing", "round"])
def test_ended_in_the_middle_it_goes_on_at_its_page_q33_q34_q92(follower, desk, begin, phase, number):
    one = follower(LIVELY) if phase == "round" else Follower(desk(LIVELY))
    simulator, at = one.desk.simulator, NOON + DAY
    move(simulator, at)
    process = held_at(one, begin, PHASES[phase] | {"page": 2})
    process.send_signal(number)
    output, words = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    if number == signal.SIGINT:
        assert json.loads(output)["customers"][0]["sources"][0]["error"]["code"] == "interrupted" and "goes on from here" in words
    database.check_integrity(one.desk.path)
    simulator.faults([])
    run = one.desk.run()
    assert run.status == 0, run.words
    first = next(request for request in run.requests if request["endpoint"] in ("users", "usersDelta"))
    assert first["page"] == 2
    states = simulator.users_at()
    if phase == "round":
        one.model.round(one.states, states, at)
    else:
        one.model.listing(states, at)
    one.check()


@pytest.mark.parametrize("phase", ["listing", "round"])
def test_hours_later_it_begins_at_the_start_of_what_was_interrupted_q17(follower, desk, begin, phase):
    one = follower(LIVELY) if phase == "round" else Follower(desk(LIVELY))
    simulator, at = one.desk.simulator, NOON + DAY
    move(simulator, at)
    process = held_at(one, begin, PHASES[phase] | {"page": 2})
    process.kill()
    process.wait()
    simulator.faults([])
    move(simulator, at + 2 * HOUR)
    run = one.desk.run()
    assert run.status == 0, run.words
    first = next(request for request in run.requests if request["endpoint"] in ("users", "usersDelta"))
    assert first["page"] == 1 and "skiptoken" not in first["uri"]
    assert len(listings(run)) == (0 if phase == "round" else 1)
    states = simulator.users_at()
    assert {user: facts for user, (gone, facts) in held(one.desk.path).items() if gone is None} == \
           {user: plain(now) for user, (gone, now) in states.items() if gone is None}
    database.check_integrity(one.desk.path)


KILL_ROUNDS = int(os.environ.get("M365KEEP_KILL_ROUNDS", "12"))


@pytest.mark.slow
@pytest.mark.plain_only
@pytest.mark.parametrize("days", [0, 1, 9], ids=["listing", "round", "resync"])
def test_killed_at_any_call_the_next_run_ends_with_the_same_database_q92(desk, build, tmp_path, days):
    """As of a run that nobody killed: accounts, changes, and where the rounds stand."""
    here = desk([*LIVELY, "--user-repeats", "20", "--user-replays", "20"])
    base = tmp_path / "base.db"
    if days:
        here.path = base
        assert here.run().status == 0
        move(here.simulator, NOON + days * DAY)

    def run(path, kill_at):
        count = tmp_path / "count"
        count.unlink(missing_ok=True)
        here.path = path
        result = here.run(env={"LD_PRELOAD": str(build / "kill_at.so"), "KILL_AT": str(kill_at), "KILL_AT_PATH": path.name,
                               "KILL_AT_COUNT": str(count)})
        return result.status, int(count.read_text()) if count.exists() else 0

    def fresh(name):
        path = tmp_path / name
        for old in tmp_path.glob(f"{name}*"):
            old.unlink()
        if days:
            shutil.copy(base, path)
        return path

    # The round after that may tell older removals of the missing again: all have had it in the end.
    whole = fresh("whole.db")
    status, calls = run(whole, 0)
    assert status == 0 and calls > 5 and run(whole, 0)[0] == 0
    wanted = database.snapshot(whole)
    assert wanted["users"]
    seed = int(os.environ.get("M365KEEP_KILL_SEED", str(random.randrange(2**32))))
    dice, killed = random.Random(seed), 0
    for number in range(KILL_ROUNDS):
        path = fresh("killed.db")
        kill_at = dice.randint(1, calls)
        killed += run(path, kill_at)[0] == -signal.SIGKILL
        assert run(path, 0)[0] == 0 and run(path, 0)[0] == 0
        found = database.differences(wanted, database.snapshot(path))
        assert not found, f"seed {seed}, round {number}, killed at call {kill_at} of {calls}:\n" + "\n".join(found)
        database.check_integrity(path)
    assert killed > KILL_ROUNDS / 2


# --- beside others -----------------------------------------------------------------------------------------------------------------


def test_users_are_read_while_sign_ins_wait_q102(desk):
    """Families have budgets of their own: a throttled one delays no other."""
    here = desk(["--sign-ins", "50", "--directory-audits", "0", *REGULAR, "--users", "60", "--user-turnover", "0", "--days", "2"],
                clock=moving_clock(500))
    here.only = "users,sign-ins"
    here.simulator.fault({"status": 429, "headers": {"Retry-After": "300"}}, "signIns", times=1)
    run = here.run(clock=here.simulator.keep_clock)
    assert run.status == 0 and run.source("users")["inserted"] == 60
    refused_at = next(number for number, request in enumerate(run.requests) if request["status"] == 429)
    next_one = next(number for number, request in enumerate(run.requests) if number > refused_at and request["endpoint"] == "signIns")
    assert [request for request in run.requests[refused_at:next_one] if request["endpoint"] == "users"]


def test_hours_and_since_do_not_concern_users(follower):
    one = follower()
    for arguments in (["--hours", "5"], ["--since", "2d"]):
        run = one.desk.run(*arguments)
        assert run.status == 0 and run.source("users")["requests"] == 1
        assert (run.source("users")["from"], run.source("users")["to"]) == (None, None)


def test_another_customer_has_users_of_its_own(sim, keep, tmp_path):
    other = "22222222-3333-4444-8555-666666666666"
    simulator = sim([*STEADY, "--tenant", TENANT, "--tenant", other])
    for name, tenant in (("contoso", TENANT), ("fabrikam", other)):
        result = keep(["collect", "--db", "two.db", "--only", "users"], sim=simulator,
                      env={"M365KEEP_CUSTOMER": name, "GRAPH_TENANT_ID": tenant})
        assert result.returncode == 0, result.stderr
    with database.connect(tmp_path / "two.db") as connection:
        for name, tenant in (("contoso", TENANT), ("fabrikam", other)):
            found = {row[0] for row in connection.execute("SELECT id FROM users WHERE customer = ?", (name,))}
            assert found == set(simulator.users_at(tenant=tenant))


def test_progress_tells_what_is_read(sim, build, tmp_path):
    simulator = sim([*STEADY])
    simulator.faults([{"match": USERS | {"page": 2}, "times": 1, "action": {"delay_ms": 700}},
                      {"match": ACTIVITY, "times": 1, "action": {"delay_ms": 700}}])
    environment = conftest.clean_environment(tmp_path, conftest.simulated_environment(simulator) | {"TERM": "xterm-256color"})
    with Terminal([build / "m365keep", "collect", "--db", "a.db", "--only", "users"], cwd=tmp_path, env=environment) as screen:
        assert screen.finish() == 0
        assert "default users: 25 records, " in screen.text and ", listing" in screen.text and ", sign-in activity" in screen.text


DOCUMENTED = (
    "id,userPrincipalName,displayName,givenName,surname,mail,mailNickname,otherMails,proxyAddresses,accountEnabled,userType,"
    "creationType,externalUserState,externalUserStateChangeDateTime,createdDateTime,deletedDateTime,lastPasswordChangeDateTime,"
    "signInSessionsValidFromDateTime,passwordPolicies,assignedLicenses,licenseAssignmentStates,usageLocation,department,companyName,"
    "jobTitle,employeeId,employeeType,employeeHireDate,employeeLeaveDateTime,employeeOrgData,officeLocation,city,state,country,"
    "preferredLanguage,mobilePhone,businessPhones,onPremisesSyncEnabled,onPremisesLastSyncDateTime,onPremisesSamAccountName,"
    "onPremisesDomainName,onPremisesDistinguishedName,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesUserPrincipalName,"
    "securityIdentifier,identities,isResourceAccount,showInAddressList,preferredDataLocation").split(",")


def test_every_documented_property_is_asked_for(desk):
    here = desk()
    run = here.run()
    select = listings(run)[0].split("$select=")[1].split("&")[0]
    assert select.replace("%2c", ",").split(",") == DOCUMENTED


# --- the goldens ------------------------------------------------------------------------------------------------------------------


def test_every_golden_of_users_belongs_to_a_test(repository):
    listed = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", __file__],
                            cwd=repository, capture_output=True, text=True, check=True).stdout
    names = {golden_name(line.split("::", 1)[1]) for line in listed.splitlines() if "::" in line}
    assert {path.stem for path in (GOLDEN / "users").glob("*.txt")} <= names
