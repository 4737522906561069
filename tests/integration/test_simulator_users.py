"""The simulator's directory: users, users/delta and signInActivity, seen as a client sees them."""

import collections
import itertools
import json
import subprocess
import urllib.parse

import pytest

from simulator import TENANT, Simulator, binary, elements, exchange

NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
STILL = f"{NOON}@0@{NOON}"
HOUR, DAY = 3600, 86400
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
DOCUMENTED = (
    "id,userPrincipalName,displayName,givenName,surname,mail,mailNickname,otherMails,proxyAddresses,accountEnabled,userType,"
    "creationType,externalUserState,externalUserStateChangeDateTime,createdDateTime,deletedDateTime,lastPasswordChangeDateTime,"
    "signInSessionsValidFromDateTime,passwordPolicies,assignedLicenses,licenseAssignmentStates,usageLocation,department,companyName,"
    "jobTitle,employeeId,employeeType,employeeHireDate,employeeLeaveDateTime,employeeOrgData,officeLocation,city,state,country,"
    "preferredLanguage,mobilePhone,businessPhones,onPremisesSyncEnabled,onPremisesLastSyncDateTime,onPremisesSamAccountName,"
    "onPremisesDomainName,onPremisesDistinguishedName,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesUserPrincipalName,"
    "securityIdentifier,identities,isResourceAccount,showInAddressList,preferredDataLocation")
USUAL = {"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage", "surname",
         "userPrincipalName", "id"}
LISTS = {"businessPhones", "otherMails", "proxyAddresses", "assignedLicenses", "licenseAssignmentStates", "identities"}
NOT_IN_A_LIST = ["aboutMe", "birthday", "hireDate", "interests", "mySite", "pastProjects", "preferredName", "responsibilities", "schools",
                 "skills", "mailboxSettings"]
PLAIN = ["--repeat-percent", 0, "--empty-pages", 0, "--user-repeats", 0, "--user-replays", 0]
STEADY = [*PLAIN, "--user-changes", 0, "--user-turnover", 0]


def at(seconds):
    """The SPEC of a clock that stands this long after noon."""
    return f"{NOON + seconds}@0@{NOON}"


def by_id(users):
    return {user["id"]: user for user in users}


@pytest.fixture(name="small")
def fixture_small(sim):
    """Some users, of which none changes by itself and nothing is irregular."""
    return sim(["--users", 60, *STEADY], clock=STILL)


@pytest.fixture(name="lively")
def fixture_lively(sim):
    """Users of which many change and go."""
    return sim(["--users", 400, "--user-changes", 20, "--user-turnover", 5, *PLAIN], clock=STILL)


class Copy:
    """What a client holds that keeps users in step."""

    def __init__(self, simulator, select=DOCUMENTED, headers=None):
        self.simulator, self.select, self.headers = simulator, select, headers or {}
        self.users, self.removed, self.link = {}, {}, None

    def begin(self, between_pages=lambda: None):
        """A token for what comes, then the listing."""
        token = self.simulator.token()
        link = self.simulator.users_link("users/delta", select=self.select, deltatoken="latest")
        items, self.link = self.simulator.delta_round(link, token)
        assert items == []
        for answer in self.simulator.walk(self.simulator.users_link(select=self.select, top=999)):
            self.fold(answer.json()["value"])
            between_pages()

    def fold(self, items):
        for item in items:
            if "@removed" in item:
                assert set(item) == {"id", "@removed"}
                if self.users.pop(item["id"], None) or item["id"] in self.removed:
                    self.removed[item["id"]] = item["@removed"]["reason"]
                continue
            before = self.users.get(item["id"], {}) if self.headers else {}
            self.users[item["id"]] = {**before, **item}
            self.removed.pop(item["id"], None)

    def step(self):
        items, self.link = self.simulator.delta_round(self.link, headers=self.headers)
        self.fold(items)
        return items

    def differences(self, moment=None):
        """What differs from the directory itself."""
        truth = self.simulator.users_at(moment, select=self.select)
        there = {user for user, (removed, _) in truth.items() if removed is None}
        found = [("only here", user) for user in self.users.keys() - there]
        found += [("only there", user) for user in there - self.users.keys()]
        for user in there & self.users.keys():
            have, want = self.users[user], truth[user][1]
            found += [(user, name, have.get(name), want[name]) for name in want if (have.get(name) or None) != (want[name] or None)
                      or (have.get(name) is False) != (want[name] is False)]
        found += [(user, reason, truth.get(user)) for user, reason in self.removed.items() if truth.get(user, (None,))[0] != reason]
        return found


# the command line


@pytest.mark.parametrize("arguments", [
    ["--users", "-1"], ["--users", "many"], ["--user-changes", "101"], ["--user-turnover", "-1"], ["--user-repeats", "nan"],
    ["--user-replays", "200"], ["--delta-page-size", "0"], ["--delta-token-days", "-1"], ["--link-length", "100000"],
])
def test_a_wrong_option_for_users_is_refused(arguments):
    result = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2 and result.stderr.startswith("m365keep-sim: ") and result.stdout == ""


def test_the_man_page_tells_every_option(repository):
    text = subprocess.run([binary(), "--help"], capture_output=True, text=True, check=True).stdout
    page = (repository / "docs" / "m365keep-sim.1").read_text(encoding="utf-8")
    told = {line.split("Fl Fl ")[1].split()[0] for line in page.splitlines() if line.startswith(".It ") and "Fl Fl " in line}
    listed = {line.split("--")[1].split("=")[0].split()[0] for line in text.splitlines() if line.startswith("  -") and "--" in line}
    assert listed - {"help"} == told


# the listing


def test_the_usual_properties_come_when_none_are_selected(small):
    users = small.walk_users()
    assert len(users) == 60 and all(set(user) == USUAL for user in users)
    assert small.get(small.users_link()).json()["@odata.context"] == f"{small.url}/v1.0/$metadata#users"


def test_every_documented_property_can_be_selected_and_none_is_left_out(small):
    users = small.walk_users(select=DOCUMENTED, top=999)
    assert all(set(user) == set(DOCUMENTED.split(",")) for user in users)
    assert all(isinstance(user[name], list) for user in users for name in LISTS)
    assert {user["id"]: (None, user) for user in users} == small.users_at()


def test_only_what_is_selected_comes_in_the_order_asked_for(small):
    answer = small.get(small.users_link(select=" mail, id ,displayName", top=2))
    assert [list(user) for user in answer.json()["value"]] == [["mail", "displayName", "id"]] * 2
    assert answer.json()["@odata.context"].endswith("#users(mail,id,displayName)")
    assert list(small.get(small.users_link(select="mail", top=1)).json()["value"][0]) == ["mail"]


@pytest.mark.parametrize("path", ["users", "users/delta"])
def test_an_unknown_property_is_refused_by_name(small, path):
    for name in ("nickName", "displayname", "", "manager"):
        answer = small.get(small.users_link(path, select=f"id,{name}"))
        assert answer.status == 400 and answer.json()["error"]["code"] == "BadRequest"
        assert f"Could not find a property named '{name}' on type 'microsoft.graph.user'." in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", NOT_IN_A_LIST)
def test_a_property_that_lists_do_not_have_is_not_implemented(small, name):
    answer = small.get(small.users_link(select=f"id,{name}"))
    assert answer.status == 501 and answer.json()["error"]["code"] == "NotImplemented"
    assert answer.json()["error"]["message"] == "This operation target is not yet supported."


@pytest.mark.parametrize("top,size", [(None, 100), (1, 1), (7, 7), (999, 999)])
def test_a_page_holds_a_hundred_or_what_top_says(sim, top, size):
    simulator = sim(["--users", 1200, *STEADY], clock=STILL)
    first = simulator.get(simulator.users_link(**({"top": top} if top else {}))).json()
    assert len(first["value"]) == size and "@odata.nextLink" in first


@pytest.mark.parametrize("top", ["0", "1000", "-1", "many", ""])
def test_a_top_out_of_range_is_refused(small, top):
    answer = small.get(small.users_link(top=top))
    assert answer.status == 400 and "Must be between 1 and 999 inclusive" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["$skip=10", "$orderby=displayName", "$search=x", "$expand=manager", "$deltatoken=latest"])
def test_a_query_option_that_the_listing_does_not_take_is_refused(small, query):
    answer = small.get(f"{small.users_link()}?{query}")
    assert answer.status == 400 and answer.json()["error"]["code"] == "Request_UnsupportedQuery"
    assert query.split("=")[0] in answer.json()["error"]["message"]


def test_the_count_comes_on_the_first_page_of_an_advanced_query(small):
    eventual = {"ConsistencyLevel": "eventual"}
    pages = [answer.json() for answer in small.walk(small.users_link(count="true", top=25), headers=eventual)]
    assert [page.get("@odata.count") for page in pages] == [60, None, None]
    assert "@odata.count" not in small.get(small.users_link(count="true")).json()


def test_users_can_be_picked_by_a_filter(small):
    users = small.walk_users(select=DOCUMENTED)
    some = [user["id"] for user in users[3:6]]
    found = small.walk_users(filter=" or ".join(f"id eq '{user}'" for user in some))
    assert {user["id"] for user in found} == set(some)
    disabled = {user["id"] for user in small.walk_users(filter="accountEnabled eq false")}
    assert disabled == {user["id"] for user in users if user["accountEnabled"] is False} and disabled
    small.edit_user(some[0], patch={"displayName": "D'Arcy", "department": "Ops"})
    assert [user["id"] for user in small.walk_users(filter="displayName eq 'd''arcy' and department eq 'Ops'")] == some[:1]
    nowhere = small.walk_users(filter="department eq null")
    assert {user["id"] for user in nowhere} == {u["id"] for u in users if u["department"] is None} - {some[0]}


@pytest.mark.parametrize("text", ["", "id", "id eq", "id eq 'x", "id ne 'x'", "nope eq 'x'", "startswith(displayName,'a')",
                                  "id eq 'a' or id eq 'b' and id eq 'c'", "id eq 'a' xor id eq 'b'"])
def test_a_filter_that_is_not_taken_is_refused(small, text):
    assert small.get(small.users_link(filter=text)).status == 400


def test_beta_serves_users_too(small):
    page = small.get(small.users_link(version="beta", select="id", top=10)).json()
    assert page["@odata.context"].endswith("/beta/$metadata#users(id)") and "/beta/users?" in page["@odata.nextLink"]
    link = small.users_link("users/delta", "beta", deltatoken="latest")
    assert small.delta_round(link)[1].startswith(f"{small.url}/beta/users/")


# its pages


def test_pages_together_are_everybody_once(sim):
    simulator = sim(["--users", 3000, *PLAIN], clock=STILL)
    users = simulator.walk_users(select="id", top=70)
    assert len(users) == len(by_id(users)) > 2500
    assert by_id(users).keys() == {user for user, (removed, _) in simulator.users_at(select="id").items() if removed is None}


def test_next_links_are_opaque_and_of_both_kinds(small):
    links = [a.json().get("@odata.nextLink") for a in small.walk(small.users_link(select="id,mail", top=10))][:-1]
    tokens = [link.split("$skiptoken=")[1] for link in links]
    assert all(link.startswith(f"{small.url}/v1.0/users?$select=id%2cmail&$top=10&$skiptoken=") for link in links)
    assert any(token.startswith("X%27") and token.endswith("%27") for token in tokens)
    assert any(not token.startswith("X%27") for token in tokens) and all(len(token) >= 390 for token in tokens)


def test_a_link_may_be_longer_than_any_buffer(sim):
    simulator = sim(["--users", 30, "--link-length", 20000, *STEADY], clock=STILL)
    links = [a.json().get("@odata.nextLink") for a in simulator.walk(simulator.users_link(top=10))][:-1]
    assert all(len(link) > 20000 for link in links) and len(links) == 2
    items, link = simulator.delta_round(simulator.users_link("users/delta"))
    assert len(items) >= 30 and len(link) > 20000 and simulator.delta_round(link)[0] == []


@pytest.mark.parametrize("change", [
    urllib.parse.unquote, lambda link: link[:-1], lambda link: link + "&x=1", lambda link: link.replace("%27", "'"),
    lambda link: link.replace("$skiptoken", "%24skiptoken"), lambda link: link.replace("$top=10&", ""),
    lambda link: link.replace("v1.0", "beta"), lambda link: link[:-7] + chr(ord(link[-7]) ^ 1) + link[-6:],
])
def test_a_link_that_does_not_come_back_byte_for_byte_is_refused(small, change):
    links = [a.json().get("@odata.nextLink") for a in small.walk(small.users_link(top=10))][:-1]
    for link in links:
        changed = change(link)
        if changed == link:
            continue
        answer = small.get(changed)
        assert answer.status == 400 and "token" in answer.json()["error"]["message"].lower() or "%24skiptoken" in changed
    assert any(change(link) != link for link in links)


def test_a_page_may_be_empty_or_repeat_a_user_and_still_all_come(sim):
    simulator = sim(["--users", 200, "--empty-pages", 40, "--repeat-percent", 100], clock=STILL)
    pages = [answer.json() for answer in simulator.walk(simulator.users_link(select="id,displayName", top=20))]
    assert any(page["value"] == [] and "@odata.nextLink" in page for page in pages)
    users = [user for page in pages for user in page["value"]]
    assert len(users) > len(by_id(users)) and len(by_id(users)) == sum(r is None for r, _ in simulator.users_at().values())


def test_an_old_next_link_has_expired(small):
    link = small.get(small.users_link(top=10)).json()["@odata.nextLink"]
    small.clock(at(7 * DAY))
    assert small.get(link).status == 200
    small.clock(at(7 * DAY + 1))
    answer = small.get(link)
    assert answer.status == 400 and answer.json()["error"]["code"] == "Directory_ExpiredPageToken"


# what users are like


def test_odd_values_of_many_kinds_occur(sim):
    users = sim(["--users", 3000], clock=STILL).walk_users(select=DOCUMENTED, top=999)
    values = collections.defaultdict(list)
    for user, name in itertools.product(users, DOCUMENTED.split(",")):
        values[name].append(user[name])
    always = {"id", "userPrincipalName", "displayName", "mailNickname", "accountEnabled", "signInSessionsValidFromDateTime",
              "securityIdentifier", "identities", "businessPhones", "proxyAddresses", "otherMails", "assignedLicenses",
              "licenseAssignmentStates", "deletedDateTime"}
    for name, found in values.items():
        assert name in always or None in found, f"{name} is never null"
        assert name == "deletedDateTime" or any(v not in (None, []) for v in found), f"{name} never has a value"
    assert all([] in values[name] for name in LISTS - {"identities"})
    assert any("#EXT#" in name for name in values["userPrincipalName"]) and True in values["isResourceAccount"]
    assert any("'" in (name or "") for name in values["mail"]) and {True, False} == set(values["accountEnabled"])
    names = values["displayName"]
    assert len(set(names)) < len(names) and any(ord(c) > 0xffff for name in names for c in name)
    assert any("<script>" in name for name in names) and any("\u202e" in name for name in names)
    assert len(set(values["userPrincipalName"])) == len(users) and len(set(values["id"])) == len(users)
    guests = [user for user in users if user["creationType"] == "Invitation"]
    assert guests and all(g["externalUserState"] in ("Accepted", "PendingAcceptance") for g in guests)


def test_the_people_of_the_sign_ins_are_users(sim):
    simulator = sim(["--users", 300, "--user-turnover", 0, "--sign-ins", 400], clock=STILL)
    users = by_id(simulator.walk_users(select="id,userPrincipalName,mail"))
    same = 0
    for answer in simulator.walk(simulator.link("signIns")):
        for record in answer.json()["value"]:
            assert record["userId"] in users or record["userId"].startswith("00000000-")
            user = users.get(record["userId"], {})
            same += record["userPrincipalName"] in (user.get("userPrincipalName"), user.get("mail"))
    assert same > 200


def test_the_same_options_give_the_same_bytes_and_another_seed_gives_others():
    bodies = []
    for seed in (7, 7, 8):
        with Simulator() as simulator:
            simulator.start(["--seed", seed, "--users", 100], clock=STILL)
            bodies.append(b"\n".join(elements(simulator.get(simulator.users_link(select=DOCUMENTED, top=999)).body)))
    assert bodies[0] == bodies[1] != bodies[2]


def test_the_past_can_be_told_later_and_the_future_before(lively):
    now = lively.users_at()
    coming = lively.users_at(NOON + 5 * DAY)
    lively.clock(at(5 * DAY))
    assert lively.users_at(NOON) == now and lively.users_at() == coming != now


def test_tenants_have_directories_of_their_own(sim):
    simulator = sim(["--users", 50, "--tenant", TENANT, "--tenant", OTHER_TENANT], clock=STILL)
    mine, theirs = simulator.users_at(), simulator.users_at(tenant=OTHER_TENANT)
    assert mine.keys().isdisjoint(theirs)
    token = simulator.token(OTHER_TENANT)
    assert by_id(simulator.walk_users(token)).keys() == {user for user, (removed, _) in theirs.items() if removed is None}


@pytest.mark.parametrize("count", [0, 1, 3, 20, 1000])
def test_there_are_about_as_many_users_as_asked_for_and_stay_so(sim, count):
    simulator = sim(["--users", count, *PLAIN], clock=STILL)
    for day in (0, 100, 1000):
        there = [user for removed, user in simulator.users_at(NOON + day * DAY, select="id").values() if removed is None]
        assert abs(len(there) - count) <= 2 + count / 5
    assert simulator.delta_round(simulator.users_link("users/delta"))[1]


def test_about_as_many_change_and_leave_a_day_as_asked_for(sim):
    simulator = sim(["--users", 2000, "--user-changes", 10, "--user-turnover", 1, *PLAIN], clock=STILL)
    changed = gone = made = 0
    days = [simulator.users_at(NOON + day * DAY) for day in range(6)]
    for before, after in zip(days, days[1:]):
        there = {user for user, (removed, _) in before.items() if removed is None}
        changed += sum(after[user][0] is None and after[user][1] != before[user][1] for user in there)
        gone += sum(after[user][0] is not None for user in there)
        made += sum(user not in before for user, (removed, _) in after.items() if removed is None)
    assert 600 < changed < 1200 and 70 < gone < 170 and 60 < made < 140


# delta rounds


def test_latest_gives_no_items_but_a_link(lively):
    answer = lively.get(lively.users_link("users/delta", select="id,mail", deltatoken="latest")).json()
    assert answer["value"] == [] and "$deltatoken=" in answer["@odata.deltaLink"] and "@odata.nextLink" not in answer


def test_a_first_round_tells_everybody_and_who_was_removed(lively):
    items, link = lively.delta_round(lively.users_link("users/delta", select=DOCUMENTED))
    truth = lively.users_at()
    there = {item["id"]: item for item in items if "@removed" not in item}
    removed = {item["id"]: item["@removed"]["reason"] for item in items if "@removed" in item}
    assert there.keys() == {user for user, (why, _) in truth.items() if why is None}
    assert {user for user, (why, _) in truth.items() if why == "changed"} == {u for u, why in removed.items() if why == "changed"}
    assert "deleted" in removed.values() and all(truth[user][0] == why for user, why in removed.items())
    assert [item["id"] for item in items] != sorted(truth) and lively.delta_round(link)[0] == []


def test_what_was_never_set_is_absent_and_what_was_taken_away_is_null(small):
    user = small.edit_user(set={"displayName": "New", "userPrincipalName": "new@contoso.example", "department": "Ops"})
    [item] = small.delta_round(small.users_link("users/delta", select=DOCUMENTED, filter=f"id eq '{user}'"))[0]
    assert item == {"id": user, "displayName": "New", "userPrincipalName": "new@contoso.example", "department": "Ops"}
    small.edit_user(user, patch={"department": None, "city": "Brno"})
    [item] = small.delta_round(small.users_link("users/delta", select=DOCUMENTED, filter=f"id eq '{user}'"))[0]
    assert item["department"] is None and item["city"] == "Brno" and "mail" not in item and "otherMails" not in item
    listed = by_id(small.walk_users(select=DOCUMENTED))[user]
    assert listed["department"] is None and listed["mail"] is None and listed["otherMails"] == []


def test_a_replaced_user_keeps_what_is_missing_as_taken_away(small):
    link = small.delta_round(small.users_link("users/delta", select="id,mail,otherMails,city", deltatoken="latest"))[1]
    user = small.edit_user(set={"mail": "a@contoso.example", "otherMails": ["b@contoso.example"]})
    items, link = small.delta_round(link)
    assert items == [{"mail": "a@contoso.example", "otherMails": ["b@contoso.example"], "id": user}]
    small.edit_user(user, set={"city": "Brno"})
    assert small.delta_round(link)[0] == [{"mail": None, "otherMails": [], "city": "Brno", "id": user}]


def test_minimal_answers_hold_only_what_changed(small):
    minimal = {"Prefer": "return=minimal"}
    user = next(iter(small.users_at()))
    link = small.delta_round(small.users_link("users/delta", select="id,displayName,department,city", deltatoken="latest"))[1]
    small.edit_user(user, patch={"department": "Ops", "displayName": "One"})
    small.edit_user(user, patch={"department": None})
    answer = small.get(link, headers=minimal)
    assert answer.json()["value"] == [{"displayName": "One", "department": None, "id": user}]
    assert answer.headers["Preference-Applied"] == "return=minimal"
    whole = small.get(link)
    assert set(whole.json()["value"][0]) >= {"id", "displayName", "department"} and "Preference-Applied" not in whole.headers


def test_the_selected_list_is_kept_by_the_token_and_nothing_else_shows(small):
    link = small.delta_round(small.users_link("users/delta", select="displayName,jobTitle", deltatoken="latest"))[1]
    assert "displayName" not in link
    first, second = list(small.users_at())[:2]
    small.edit_user(first, patch={"mail": "elsewhere@contoso.example", "department": "Ops"})
    small.edit_user(second, patch={"jobTitle": "Boss"})
    items, link = small.delta_round(link)
    assert [item["id"] for item in items] == [second] and set(items[0]) <= {"id", "displayName", "jobTitle"}
    small.edit_user(first, patch={"displayName": "X"})
    assert [item["displayName"] for item in small.delta_round(link)[0]] == ["X"]
    answer = small.get(link + "&$select=mail")
    assert answer.status == 400


def test_an_empty_round_has_no_value_and_a_new_link(small):
    link = small.delta_round(small.users_link("users/delta", deltatoken="latest"))[1]
    small.clock(at(HOUR))
    answer = small.get(link).json()
    assert answer["value"] == [] and "@odata.nextLink" not in answer and answer["@odata.deltaLink"] != link


def test_a_removed_user_comes_back_whole(small):
    user = next(iter(small.users_at()))
    copy = Copy(small)
    copy.begin()
    small.edit_user(user, remove="changed")
    assert copy.step() == [{"id": user, "@removed": {"reason": "changed"}}] and copy.differences() == []
    small.edit_user(user, restore=True)
    [item] = copy.step()
    assert item["id"] == user and item["displayName"] and copy.differences() == []
    small.edit_user(user, remove="deleted")
    assert copy.step() == [{"id": user, "@removed": {"reason": "deleted"}}] and copy.differences() == []


def test_the_recycle_bin_is_emptied_after_thirty_days(small):
    user = next(iter(small.users_at()))
    copy = Copy(small)
    copy.begin()
    small.edit_user(user, remove="changed")
    reasons = []
    for day in range(0, 36, 6):
        small.clock(at(day * DAY))
        reasons += [item["@removed"]["reason"] for item in copy.step()]
        assert copy.differences() == []
    assert reasons == ["changed", "deleted"] and small.users_at()[user] == ("deleted", None)


def test_a_user_made_and_deleted_between_two_rounds_is_told_though_nobody_knew_it(small):
    link = small.delta_round(small.users_link("users/delta", deltatoken="latest"))[1]
    user = small.edit_user(set={"displayName": "Short"})
    small.edit_user(user, remove="deleted")
    assert small.delta_round(link)[0] == [{"id": user, "@removed": {"reason": "deleted"}}]


def test_removals_and_restores_happen_by_themselves_for_every_reason(sim):
    simulator = sim(["--users", 300, "--user-turnover", 4, *PLAIN], clock=STILL)
    copy, seen = Copy(simulator, "id,displayName"), collections.Counter()
    copy.begin()
    for day in range(1, 60, 3):
        simulator.clock(at(day * DAY))
        known, removed = set(copy.users), dict(copy.removed)
        for item in copy.step():
            if "@removed" in item:
                reason = item["@removed"]["reason"]
                seen[reason, item["id"] in known, removed.get(item["id"])] += 1
            else:
                seen["restored" if removed.get(item["id"]) else "there" if item["id"] in known else "new"] += 1
    for kind in ("restored", "new", ("changed", True, None), ("deleted", True, None), ("deleted", False, "changed"), ("deleted", False, None)):
        assert seen[kind] > 0, (kind, seen)
    assert copy.differences() == []


def test_a_round_may_tell_a_user_twice_on_different_pages(sim):
    simulator = sim(["--users", 200, "--user-changes", 50, "--user-repeats", 100, "--user-replays", 0, "--delta-page-size", 20,
                     "--empty-pages", 0], clock=STILL)
    copy = Copy(simulator)
    copy.begin()
    simulator.clock(at(DAY))
    pages = [answer.json()["value"] for answer in simulator.walk(copy.link)]
    where = collections.defaultdict(list)
    for number, page in enumerate(pages):
        for item in page:
            where[item["id"]].append(number)
    assert all(len(found) == 2 for found in where.values()) and len(where) > 50
    assert sum(first != second for first, second in where.values()) > len(where) / 2
    copy.step()
    assert copy.differences() == []


def test_a_later_round_may_tell_older_changes_again(sim):
    simulator = sim(["--users", 400, "--user-changes", 50, "--user-replays", 100, "--user-repeats", 0, "--empty-pages", 0], clock=STILL)
    copy = Copy(simulator)
    copy.begin()
    simulator.clock(at(6 * HOUR))
    first = {item["id"]: item for item in copy.step()}
    again = {item["id"]: item for item in copy.step()}
    assert len(again) > 20 and again == {user: first[user] for user in again}
    simulator.clock(at(6 * HOUR + 3 * DAY))
    copy.step()
    simulator.clock(at(6 * HOUR + 3 * DAY + 1))
    assert copy.differences() == [] or copy.step() and copy.differences() == []


def test_users_come_in_another_order_in_each_round(lively):
    orders = []
    for hour in range(2):
        lively.clock(at(hour * HOUR))
        orders.append([item["id"] for item in lively.delta_round(lively.users_link("users/delta", select="id"))[0]])
    common = set(orders[0]) & set(orders[1])
    first, second = ([user for user in order if user in common] for order in orders)
    assert first != second and sorted(first) == sorted(second)


def test_pages_of_a_round_have_their_size_and_may_be_empty(sim):
    simulator = sim(["--users", 300, "--delta-page-size", 40, "--empty-pages", 40, "--user-repeats", 0], clock=STILL)
    pages = [answer.json() for answer in simulator.walk(simulator.users_link("users/delta", select="id"))]
    assert max(len(page["value"]) for page in pages) == 40 and any(page["value"] == [] for page in pages[:-1])
    assert all("@odata.nextLink" in page and "@odata.deltaLink" not in page for page in pages[:-1])
    assert "@odata.deltaLink" in pages[-1] and "@odata.nextLink" not in pages[-1]
    assert {list(page)[1] for page in pages} >= {"value", "@odata.nextLink"}  # links before and behind the items


def test_all_names_of_the_function_are_the_same(small):
    for path in ("users/delta", "users/delta()", "users/microsoft.graph.delta", "users/microsoft.graph.delta()", "Users/Delta/",
                 "users/microsoft.graph.delta%28%29"):
        assert small.get(small.users_link(path, deltatoken="latest")).status == 200
    assert small.get(small.users_link("users/other")).status == 400


def test_links_name_the_function_in_several_ways_and_all_lead_on(sim):
    simulator = sim(["--users", 300, "--delta-page-size", 20], clock=STILL)
    links = [a.json().get("@odata.nextLink") or a.json()["@odata.deltaLink"] for a in simulator.walk(simulator.users_link("users/delta"))]
    assert {link.split("/users/")[1].split("?")[0] for link in links} == {
        "delta", "microsoft.graph.delta", "delta()", "microsoft.graph.delta()"}


@pytest.mark.parametrize("query", ["$top=5", "$orderby=displayName", "$search=x", "$expand=manager", "$skip=5", "$count=true"])
def test_a_query_option_that_delta_does_not_take_is_refused(small, query):
    answer = small.get(f"{small.users_link('users/delta')}?{query}")
    assert answer.status == 400 and answer.json()["error"]["code"] == "Request_UnsupportedQuery"


def test_delta_takes_up_to_fifty_ids_and_nothing_else(small):
    users = list(small.users_at())
    link = small.users_link("users/delta", select="id", filter=" or ".join(f"id eq '{user}'" for user in users[:50]))
    items, later = small.delta_round(link)
    assert {item["id"] for item in items} == set(users[:50])
    small.edit_user(users[0], patch={"id": users[0], "city": "X"})
    small.edit_user(users[55], remove="changed")
    assert small.delta_round(later)[0] == []
    for text in (" or ".join(f"id eq '{user}'" for user in users[:51]), "displayName eq 'x'", "id eq 'a' and id eq 'b'"):
        assert small.get(small.users_link("users/delta", filter=text)).status == 400


def test_an_old_token_is_gone_and_the_answer_tells_where_to_begin_again(small):
    codes = set()
    for second in range(2):
        small.clock(at(second))
        link = small.delta_round(small.users_link("users/delta", select="id,displayName", deltatoken="latest"))[1]
        small.clock(at(second + 7 * DAY + 1))
        answer = small.get(link)
        assert answer.status == 410
        codes.add(answer.json()["error"]["code"])
        assert answer.headers["Location"] == f"{small.url}/v1.0/users/delta?$select=id%2cdisplayName&$deltatoken="
        items = small.delta_round(answer.headers["Location"])[0]
        assert len(items) == 60 and all(set(item) == {"id", "displayName"} for item in items)
    assert codes == {"resyncRequired", "syncStateNotFound"}


def test_each_round_gives_a_token_that_lives_as_long_again(sim):
    simulator = sim(["--users", 40, "--delta-token-days", 2], clock=STILL)
    copy = Copy(simulator)
    copy.begin()
    for day in range(1, 8):
        simulator.clock(at(day * 2 * DAY))
        copy.step()
    simulator.clock(at(17 * DAY))
    assert simulator.get(copy.link).status == 410


@pytest.mark.parametrize("change", [lambda link: link[:-1], lambda link: link + "A", lambda link: link.replace("users/", "users//"),
                                    lambda link: link.replace("token=", "token=x"), lambda link: link + "&$select=id"])
def test_a_delta_link_that_was_altered_is_refused(small, change):
    link = small.delta_round(small.users_link("users/delta", deltatoken="latest"))[1]
    assert small.get(link).status == 200 and small.get(change(link)).status == 400


def test_tokens_stay_good_when_the_simulator_is_started_again():
    with Simulator() as first, Simulator() as second:
        first.start(["--users", 200, "--user-changes", 20, *PLAIN], clock=STILL)
        link = first.delta_round(first.users_link("users/delta", select=DOCUMENTED, deltatoken="latest"))[1]
        second.start(["--users", 200, "--user-changes", 20, *PLAIN], clock=at(2 * DAY))
        first.clock(at(2 * DAY))
        items = first.delta_round(link)[0]
        again = second.delta_round(link.replace(first.url, second.url))[0]
        assert again == items and items


# the copy that a client keeps


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("options", [
    [], ["--user-repeats", 50, "--user-replays", 50, "--empty-pages", 30, "--delta-page-size", 13],
    ["--user-changes", 100, "--user-turnover", 30], ["--user-changes", 0, "--user-turnover", 10, "--users", 37],
])
def test_a_listing_and_the_rounds_after_it_are_the_directory(sim, seed, options):
    simulator = sim(["--users", 250, "--seed", seed, *options], clock=STILL)
    copies = [Copy(simulator), Copy(simulator, headers={"Prefer": "return=minimal"}), Copy(simulator, "id,accountEnabled,mail")]
    for copy in copies:
        copy.begin()
        assert copy.differences() == []
    for hours in (1, 5, 24, 25, 60, 61, 160, 300, 301, 460, 600, 760):
        simulator.clock(at(hours * HOUR))
        for copy in copies:
            copy.step()
            assert copy.differences() == []
    assert len(copies[0].removed) > 5


@pytest.mark.parametrize("seed", [4, 5])
def test_changes_while_the_listing_is_read_are_not_lost(sim, seed):
    simulator = sim(["--users", 600, "--seed", seed, "--user-changes", 100, "--user-turnover", 20, "--page-size", 50,
                     "--token-lifetime", 1000000], clock=STILL)
    hours = itertools.count(1)
    copy = Copy(simulator)
    copy.begin(lambda: simulator.clock(at(next(hours) * 3 * HOUR)))
    assert next(hours) > 10
    copy.step()
    assert copy.differences() == []


def test_changes_while_a_round_is_read_belong_to_the_next_one(sim):
    simulator = sim(["--users", 400, "--user-changes", 100, "--user-turnover", 20, "--delta-page-size", 20,
                     "--token-lifetime", 1000000], clock=STILL)
    copy = Copy(simulator)
    copy.begin()
    simulator.clock(at(DAY))
    for number, answer in enumerate(simulator.walk(copy.link)):
        copy.fold(answer.json()["value"])
        copy.link = answer.json().get("@odata.deltaLink")
        simulator.clock(at(DAY + (number + 1) * HOUR))
    assert number > 5 and copy.differences(NOON + DAY) == [] and copy.differences() != []
    copy.step()
    assert copy.differences() == []


@pytest.mark.slow
@pytest.mark.plain_only
def test_fifty_thousand_users_and_thirty_days_of_changes_are_followed(sim):
    simulator = sim(["--users", 50000, "--delta-page-size", 2000], clock=STILL)
    copy = Copy(simulator)
    copy.begin()
    told = 0
    for day in range(3, 31, 3):
        simulator.clock(at(day * DAY))
        told += len(copy.step())
    assert copy.differences() == [] and len(copy.users) > 45000 and told > 25000


# edits by hand


def test_a_user_can_be_made_changed_removed_and_restored_by_hand(small):
    user = small.edit_user(set={"displayName": "Žofie 🚀", "assignedLicenses": [{"skuId": "x", "disabledPlans": []}], "customX": {"a": 1}})
    removed, record = small.users_at()[user]
    assert removed is None and record["displayName"] == "Žofie 🚀" and record["customX"] == {"a": 1} and record["mail"] is None
    assert small.edit_user("by-hand", set={"displayName": "Named"}) == "by-hand"
    small.edit_user(user, patch={"mail": "z@contoso.example"})
    assert small.users_at()[user][1] == {**record, "mail": "z@contoso.example"}
    small.edit_user(user, remove="changed")
    assert small.users_at()[user] == ("changed", None) and user not in by_id(small.walk_users())
    small.edit_user(user, restore=True)
    assert small.users_at()[user][1]["mail"] == "z@contoso.example" and len(small.walk_users()) == 62


def test_a_user_edited_by_hand_changes_no_more_by_itself(lively):
    user = next(user for user, (removed, _) in lively.users_at().items() if removed is None)
    lively.edit_user(user, patch={"displayName": "Mine"})
    mine = lively.users_at()[user]
    assert mine[1]["displayName"] == "Mine"
    assert lively.users_at(NOON + 400 * DAY)[user] == mine and lively.users_at(NOON - HOUR)[user][1]["displayName"] != "Mine"


def test_a_user_edited_by_hand_outlives_its_time_in_listing_and_rounds(lively):
    later = lively.users_at(NOON + 150 * DAY, gone_days=300)
    user = next(user for user, (removed, _) in lively.users_at().items() if removed is None and later[user][0] == "deleted")
    lively.edit_user(user, patch={"city": "Wien"})
    lively.clock(at(150 * DAY))
    assert user in by_id(lively.walk_users(select="id")) and lively.users_at()[user][0] is None
    items, link = lively.delta_round(lively.users_link("users/delta", select="id,city"))
    assert by_id(items)[user]["city"] == "Wien"
    lively.edit_user(user, patch={"city": "Graz"})
    assert [item["city"] for item in lively.delta_round(link)[0]] == ["Graz"]


def test_edits_are_kept_in_order_while_the_clock_stands(small):
    user = next(iter(small.users_at()))
    link, seen = small.delta_round(small.users_link("users/delta", select="id,city", deltatoken="latest"))[1], []
    for city in ("A", "B", None, "C"):
        small.edit_user(user, patch={"city": city})
        items, link = small.delta_round(link)
        seen += [item["city"] for item in items]
    assert seen == ["A", "B", None, "C"] and small.delta_round(link)[0] == []


def test_values_given_as_bytes_are_served_as_these_bytes(small):
    user = small.edit_user(set=b'{"displayName": "\\u0041\\ud83d\\ude80\\u0000", "employeeId" : "x\\/y", "big": 12345678901234567890.10}')
    body = small.get(small.users_link(select="displayName,employeeId", filter=f"id eq '{user}'")).body
    assert b'"displayName":"\\u0041\\ud83d\\ude80\\u0000"' in body and b'"employeeId":"x\\/y"' in body
    assert b'"big":12345678901234567890.10' in body


def test_many_edits_may_come_at_once(small):
    ids = small.edit_users([{"set": {"displayName": f"U{k}"}} for k in range(200)])
    assert len(set(ids)) == 200 and len(small.walk_users()) == 260


@pytest.mark.parametrize("edit", [
    {}, {"set": 1}, {"set": {}, "patch": {}}, {"id": "nobody", "patch": {}}, {"id": "nobody", "remove": "changed"},
    {"id": "nobody", "restore": True}, {"set": {}, "explode": 1}, {"set_base64": "bm90IGpzb24="}, {"set": {}, "tenant": "x"}, [1], 5,
    {"patch": {}}, {"restore": False},
])
def test_an_edit_that_is_not_understood_is_refused(small, edit):
    with pytest.raises(ValueError):
        small.control("users", edit)
    assert len(small.walk_users()) == 60


def test_who_went_to_the_recycle_bin_by_itself_comes_back_by_hand_as_long_as_it_is_there(lively):
    later = lively.users_at(NOON + 31 * DAY)
    kept, purged = [user for user, (removed, _) in lively.users_at().items() if removed == "changed" and later[user][0] == "deleted"][:2]
    for user in (kept, purged):
        with pytest.raises(ValueError, match="not there"):
            lively.edit_user(user, patch={"city": "Wien"})
    lively.edit_user(kept, restore=True)
    lively.clock(at(31 * DAY))
    with pytest.raises(ValueError, match="not there"):
        lively.edit_user(purged, restore=True)
    assert lively.users_at()[kept][0] is None and lively.users_at()[purged][0] == "deleted"
    assert kept in by_id(lively.walk_users(select="id"))


def test_an_id_of_any_characters_is_told_as_it_was_given(small):
    user = 'a"b\\c\nd é'
    small.edit_user(user, set={"displayName": "Odd"})
    assert small.users_at()[user][0] is None and user in by_id(small.walk_users(select="id"))
    link = small.delta_round(small.users_link("users/delta", select="id"))[1]
    small.edit_user(user, remove="changed")
    assert small.delta_round(link)[0] == [{"id": user, "@removed": {"reason": "changed"}}]


def test_an_account_cannot_be_removed_or_restored_twice(small):
    user = next(iter(small.users_at()))
    with pytest.raises(ValueError):
        small.edit_user(user, restore="yes")
    small.edit_user(user, remove="changed")
    with pytest.raises(ValueError):
        small.edit_user(user, patch={})
    small.edit_user(user, remove="deleted")
    for edit in ({"remove": "deleted"}, {"restore": True}, {"remove": "vanished"}):
        with pytest.raises(ValueError):
            small.edit_user(user, **edit)


@pytest.mark.parametrize("query", ["at=yesterday", "at=1e300", "gone_days=x", "select=nope", "tenant=nobody"])
def test_a_question_about_users_that_is_not_understood_is_refused(small, query):
    answer = exchange(f"{small.url}/control/users?{query}")
    assert answer.status == 400 and answer.json()["error"]


def test_users_can_be_asked_for_by_iso_moment_and_by_property(small):
    answer = exchange(f"{small.url}/control/users?at=2025-11-20T12:00:00Z&select=mail,id&gone_days=0")
    rows = [json.loads(line) for line in answer.body.splitlines()]
    assert len(rows) == 60 and all(set(row["user"]) == {"mail", "id"} for row in rows)


# signInActivity


def test_sign_in_activity_comes_only_when_selected_and_never_in_a_delta(small):
    users = small.walk_users(select="id,signInActivity", top=500)
    told = [user["signInActivity"] for user in users if "signInActivity" in user]
    assert 30 < len(told) < 60
    assert all(set(a) == {f"last{k}SignIn{p}" for k in ("", "NonInteractive", "Successful") for p in ("DateTime", "RequestId")} for a in told)
    assert any(a["lastNonInteractiveSignInDateTime"] is None for a in told)
    assert any(a["lastSuccessfulSignInDateTime"] is None for a in told) and all(a["lastSignInDateTime"] < "2025-11-20T12:00:00Z" for a in told)
    assert "signInActivity" not in small.walk_users(select=DOCUMENTED)[0]
    small.clock(at(60 * DAY))
    assert small.walk_users(select="id,signInActivity") != users
    link = small.delta_round(small.users_link("users/delta", select=DOCUMENTED, deltatoken="latest"))[1]
    small.clock(at(63 * DAY))
    assert small.delta_round(link)[0] == []


def test_pages_with_sign_in_activity_hold_five_hundred_at_most(sim):
    simulator = sim(["--users", 1200, *STEADY], clock=STILL)
    first = simulator.get(simulator.users_link(select="id,signInActivity", top=999)).json()
    assert len(first["value"]) == 500
    assert len(simulator.get(first["@odata.nextLink"]).json()["value"]) == 500


def test_without_a_premium_licence_sign_in_activity_and_sign_ins_are_refused(sim):
    simulator = sim(["--users", 20, "--no-premium"], clock=STILL)
    for link in (simulator.users_link(select="id,signInActivity"), simulator.link("signIns")):
        answer = simulator.get(link)
        assert answer.status == 403 and answer.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    assert len(simulator.walk_users(select=DOCUMENTED)) > 10 and simulator.get(simulator.link("directoryAudits")).status == 200


# budgets


@pytest.mark.parametrize("users,limit", [(40, 3500), (300, 5000), (600, 8000)])
def test_the_directory_has_resource_units_by_the_size_of_the_tenant(sim, users, limit):
    simulator = sim(["--users", users, "--budgets", "documented", *STEADY], clock=STILL)
    token, link = simulator.token(), simulator.users_link(top=20)
    simulator.fault({"status": 200}, "nowhere")
    spent = 0
    while (answer := simulator.get(link, token)).status == 200:
        spent += int(answer.headers["x-ms-resource-unit"])
        told = answer.headers["x-ms-throttle-limit-percentage"]
        assert (told is not None) == (spent / limit > 0.8), spent
    assert spent == limit and answer.status == 429 and answer.headers["Retry-After"] == "10"
    assert answer.headers["x-ms-throttle-scope"].startswith("Tenant_Application/ReadWrite/")
    assert answer.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert simulator.get(simulator.link("directoryAudits"), token).status == 200
    simulator.clock(at(10))
    assert simulator.get(link, token).status == 200 and simulator.stats()["budget_violations"] == 1


@pytest.mark.parametrize("path,query,cost", [
    ("users", "", 2), ("users", "$select=id", 1), ("users", "$top=19", 1), ("users", "$top=19&$select=id", 1), ("users", "$top=20", 2),
    ("users/delta", "", 2), ("users/delta", "$select=id", 1), ("users/delta", "$deltatoken=latest", 1),
])
def test_a_request_tells_its_cost(small, path, query, cost):
    assert small.get(f"{small.users_link(path)}?{query}").headers["x-ms-resource-unit"] == str(cost)


def test_sign_in_activity_has_ten_requests_a_minute(sim):
    simulator = sim(["--users", 30, "--budgets", "documented"], clock=STILL)
    token, link = simulator.token(), simulator.users_link(select="id,signInActivity", top=3)
    for second in range(10):
        simulator.clock(at(second))
        assert simulator.get(link, token).status == 200
    answer = simulator.get(link, token)
    assert answer.status == 429 and answer.headers["Retry-After"] == "51"
    assert simulator.get(simulator.users_link(), token).status == 200
    simulator.clock(at(60))
    assert simulator.get(link, token).status == 200


def test_a_wait_for_users_is_no_wait_for_sign_ins(small):
    token = small.token()
    small.fault({"status": 429, "headers": {"Retry-After": "30"}}, endpoint="users", times=1)
    assert small.get(small.users_link(), token).status == 429
    assert small.get(small.link("signIns"), token).status == 200 and small.stats()["retry_after_broken"] == 0
    assert small.get(small.users_link("users/delta"), token).status == 200 and small.stats()["retry_after_broken"] == 1


# faults


def test_faults_know_the_endpoints_and_pages_of_users(sim):
    simulator = sim(["--users", 60, "--delta-page-size", 25, *STEADY], clock=STILL)
    token = simulator.token()
    for endpoint, link in (("users", simulator.users_link(top=25)), ("usersDelta", simulator.users_link("users/delta"))):
        simulator.fault({"status": 503}, endpoint=endpoint, page=2, times=1)
        other = simulator.users_link("users/delta" if endpoint == "users" else "users")
        assert simulator.get(other, token).status == 200
        first = simulator.get(link, token)
        following = first.json()["@odata.nextLink"]
        assert first.status == 200 and simulator.get(following, token).status == 503 and simulator.get(following, token).status == 200
    told = simulator.requests()
    assert [(r["endpoint"], r["page"]) for r in told if r["status"] == 503] == [("users", 2), ("usersDelta", 2)]
    assert simulator.stats()["requests"]["users"] == 4 and simulator.stats()["requests"]["usersDelta"] == 4


def test_a_delta_page_can_lack_both_links(small):
    small.fault({"drop_links": True}, endpoint="usersDelta")
    answer = small.get(small.users_link("users/delta")).json()
    assert not [key for key in answer if "Link" in key] and answer["value"]


def test_links_can_be_put_in_place_of_the_real_ones(small):
    small.fault({"delta_link": "https://evil.example/d", "next_link": "{same}"}, "users/delta")
    link = small.users_link("users/delta", deltatoken="latest")
    answer = small.get(link).json()
    assert answer["@odata.deltaLink"] == "https://evil.example/d" and answer["@odata.nextLink"] == link
    small.fault({"next_link": "{base}/v1.0/users?$skiptoken="}, endpoint="users")
    assert small.get(small.users_link()).json()["@odata.nextLink"] == f"{small.url}/v1.0/users?$skiptoken="
    assert small.get(f"{small.url}/v1.0/users?$skiptoken=").status == 400


def test_a_listing_can_be_empty_although_users_exist(small):
    small.fault({"no_records": True}, endpoint="users")
    answer = small.get(small.users_link()).json()
    assert answer["value"] == [] and "@odata.nextLink" not in answer
    small.fault({"no_records": True}, endpoint="usersDelta")
    answer = small.get(small.users_link("users/delta")).json()
    assert answer["value"] == [] and "@odata.deltaLink" in answer


def test_a_page_of_users_can_lack_its_value_or_hold_a_strange_record(small):
    small.fault({"drop_value": True}, endpoint="users")
    assert "value" not in small.get(small.users_link()).json()
    small.fault({"insert_record_base64": "eyJpZCI6Mn0="}, endpoint="users")
    assert len(small.get(small.users_link(top=10)).json()["value"]) == 11
    small.fault({"insert_record_base64": "eyJpZCI6Mn0="}, endpoint="usersDelta")
    assert small.get(small.users_link("users/delta", deltatoken="latest")).json()["value"] == [{"id": 2}]


@pytest.mark.parametrize("status,code,words", [
    (410, "resyncRequired", "Resync required"), (410, "syncStateNotFound", "full synchronization"), (400, "SyncStateNotFound", "full"),
    (400, "Directory_ExpiredPageToken", "has expired"), (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "premium license"),
    (501, "NotImplemented", "not yet supported"), (418, "SomethingNew", "refused"),
])
def test_an_error_code_comes_with_its_words(small, status, code, words):
    small.fault({"status": status, "code": code}, "users")
    answer = small.get(small.users_link())
    assert answer.status == status and answer.json()["error"]["code"] == code and words in answer.json()["error"]["message"]


def test_a_fault_can_ask_for_a_part_of_the_query_and_fire_only_sometimes(small):
    token = small.token()
    small.fault({"status": 501}, query="employeeOrgData")
    assert small.get(small.users_link(select="id,employeeOrgData"), token).status == 501
    assert small.get(small.users_link(select="id"), token).status == 200
    statuses = []
    for _ in range(2):
        small.fault({"status": 403, "code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant"}, query="signInActivity", percent=90)
        statuses.append([small.get(small.users_link(select="signInActivity"), token).status for _ in range(60)])
    assert statuses[0] == statuses[1] and 0 < statuses[0].count(200) < 20


def test_records_of_users_are_counted(small):
    small.get(small.users_link(top=10))
    small.get(small.users_link("users/delta"))
    assert small.stats()["records_sent"] == 70 and [r["records"] for r in small.requests() if "users" in r["endpoint"]] == [10, 60]
