"""The limits that the simulator holds clients to: Microsoft's documented ones, each counted for what it is about."""

import time

import pytest

from simulator import CLIENT_ID, TENANT, exchange

NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
STILL = f"{NOON}@0@{NOON}"
OTHER_APP = "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"
SMALL = ["--sign-ins", 3, "--directory-audits", 3, "--users", 6, "--budgets", "documented"]


def at(seconds):
    """The SPEC of a clock that stands this long after noon."""
    return f"{NOON + seconds}@0@{NOON}"


def tenants(count):
    return [f"{number:08x}-2222-4333-8444-555555555555" for number in range(1, count + 1)]


def options(ids, apps=()):
    return [*(word for tenant in ids for word in ("--tenant", tenant)), *(word for app in apps for word in ("--client-id", app))]


def link(simulator, family):
    """A list that belongs to the family."""
    return {"reports": simulator.link("directoryAudits", top=1), "intune": simulator.link("auditEvents", top=1),
            "announcements": f"{simulator.url}/v1.0/admin/serviceAnnouncement/issues",
            "directory": simulator.users_link(select="id"),
            "signInActivity": simulator.users_link(select="id,signInActivity")}[family]


def token(simulator, tenant=TENANT, app=CLIENT_ID):
    answer = simulator.ask_token(tenant, client_id=app)
    assert answer.status == 200, answer.body
    return answer.json()["access_token"]


def ask(simulator, family, key):
    """The seconds of Retry-After; 0: served."""
    answer = exchange(link(simulator, family), headers={"Authorization": f"Bearer {key}"})
    assert answer.status in (200, 429), answer.body
    assert (answer.status == 429) == ("Retry-After" in answer.headers)
    return int(answer.headers.get("Retry-After", 0))


def counts(family):
    """Of a family's statistics all but its moments."""
    return {name: family[name] for name in ("requests", "violations", "retry_after_broken")}


def count(simulator, family, key, most):
    """How many are served until one is not."""
    for served in range(most + 1):
        if ask(simulator, family, key):
            return served
    return most + 1


@pytest.mark.parametrize("family, window, most", [("reports", 10, 5), ("signInActivity", 60, 10), ("announcements", 60, 240),
                                                  ("intune", 20, 1000)])
def test_an_app_in_a_tenant_has_so_many_requests(sim, family, window, most):
    simulator = sim(SMALL, clock=STILL)
    key = token(simulator)
    assert count(simulator, family, key, most) == most
    simulator.clock(at(window - 1))
    assert ask(simulator, family, key) == 1
    simulator.clock(at(window))
    assert ask(simulator, family, key) == 0
    told = simulator.stats()["families"][family]
    assert counts(told) == {"requests": most + 3, "violations": 2, "retry_after_broken": 1}


def test_service_communications_have_an_hour_besides_the_minute(sim):
    simulator = sim(SMALL, clock=STILL)
    served, key = 0, token(simulator)
    for minute in range(4):
        simulator.clock(at(60 * minute))
        served += count(simulator, "announcements", key, 239) if minute < 3 else count(simulator, "announcements", key, 240)
    # 240 in each of three minutes, then what the hour has left; the oldest ones come back after an hour.
    assert served == 800
    simulator.clock(at(181))
    assert ask(simulator, "announcements", key) == 3600 - 181
    simulator.clock(at(3600))
    assert ask(simulator, "announcements", key) == 0


def test_reports_of_all_tenants_together_are_limited_for_an_app(sim):
    ids = tenants(30)
    simulator = sim([*SMALL, *options(ids, [CLIENT_ID, OTHER_APP])], clock=STILL)
    keys = [token(simulator, tenant) for tenant in ids]
    waits = [ask(simulator, "reports", key) for key in keys for _ in range(5)]
    assert waits == [0] * 122 + [10] * 28
    assert ask(simulator, "reports", token(simulator, ids[0], OTHER_APP)) == 0
    stats = simulator.stats()
    # The first to be refused had not been told to wait; its next requests were sent while it should have waited.
    assert stats["budget_violations"] == 28 and stats["tenants"][ids[0]]["budget_violations"] == 0
    assert counts(stats["tenants"][ids[24]]["families"]["reports"]) == {"requests": 5, "violations": 3, "retry_after_broken": 2}
    simulator.clock(at(10))
    assert ask(simulator, "reports", keys[-1]) == 0


def test_sign_in_activity_is_limited_over_all_tenants_as_it_is_in_each(sim):
    ids = tenants(4)
    simulator = sim([*SMALL, *options(ids)], clock=STILL)
    keys = [token(simulator, tenant) for tenant in ids]
    assert [ask(simulator, "signInActivity", key) for key in keys for _ in range(3)] == [0] * 10 + [60, 60]
    assert ask(simulator, "directory", keys[3]) == 0


def test_a_tenant_of_intune_is_limited_with_all_its_apps(sim):
    apps = [CLIENT_ID, OTHER_APP, "cccccccc-dddd-4eee-8fff-000000000000"]
    simulator = sim([*SMALL, *options([TENANT], apps)], clock=STILL)
    keys = [token(simulator, TENANT, app) for app in apps]
    assert [count(simulator, "intune", key, 999) for key in keys[:2]] == [1000, 1000]
    assert ask(simulator, "intune", keys[2]) == 20
    assert simulator.stats()["families"]["intune"]["violations"] == 1


def test_service_communications_of_one_tenant_are_no_matter_to_another(sim):
    ids = tenants(2)
    simulator = sim([*SMALL, *options(ids)], clock=STILL)
    assert [count(simulator, "announcements", token(simulator, tenant), 240) for tenant in ids] == [240, 240]


def test_families_are_counted_apart(sim):
    simulator = sim(SMALL, clock=STILL)
    key = token(simulator)
    assert count(simulator, "reports", key, 5) == 5
    assert [ask(simulator, family, key) for family in ("directory", "signInActivity", "announcements", "intune")] == [0, 0, 0, 0]
    told = simulator.stats()["families"]
    assert {name: family["requests"] for name, family in told.items()} == {
        "reports": 6, "directory": 1, "signInActivity": 1, "announcements": 1, "intune": 1, "mail": 0, "mailUpload": 0}


def test_what_is_refused_takes_nothing_of_the_budget(sim):
    simulator = sim(SMALL, clock=STILL)
    key = token(simulator)
    assert count(simulator, "reports", key, 5) == 5 and [ask(simulator, "reports", key) for _ in range(20)] == [10] * 20
    simulator.clock(at(10))
    assert count(simulator, "reports", key, 5) == 5


def test_a_wait_is_that_of_the_app_in_the_tenant_that_was_told(sim):
    ids = tenants(2)
    simulator = sim([*SMALL, *options(ids, [CLIENT_ID, OTHER_APP])], clock=STILL)
    first, second, other = token(simulator, ids[0]), token(simulator, ids[1]), token(simulator, ids[0], OTHER_APP)
    simulator.fault({"status": 429, "headers": {"Retry-After": "30"}}, tenant=ids[0], endpoint="directoryAudits", times=1)
    assert [ask(simulator, "reports", key) for key in (first, second, other, first)] == [30, 0, 0, 30]
    assert {tenant: told["retry_after_broken"] for tenant, told in simulator.stats()["tenants"].items()} == {ids[0]: 1, ids[1]: 0}


def test_a_clock_set_back_forgets_what_was_taken(sim):
    simulator = sim(SMALL, clock=STILL)
    key = token(simulator)
    assert count(simulator, "reports", key, 5) == 5
    simulator.clock(at(-5))
    assert ask(simulator, "reports", key) == 0


def test_budgets_are_judged_by_the_simulated_clock(sim):
    # A day and more of the service's time passes in one of our seconds: no client is fast enough to be too fast.
    simulator = sim([*SMALL, "--token-lifetime", 1000000], clock=f"{NOON}@100000@{time.time()}")
    key = token(simulator)
    assert [ask(simulator, "reports", key) for _ in range(12)] == [0] * 12


def test_resetting_the_counts_keeps_the_budgets(sim):
    simulator = sim(SMALL, clock=STILL)
    key = token(simulator)
    assert count(simulator, "reports", key, 5) == 5
    simulator.reset_stats()
    assert ask(simulator, "reports", key) == 10
    stats = simulator.stats()
    assert counts(stats["families"]["reports"]) == {"requests": 1, "violations": 1, "retry_after_broken": 1}
    assert stats["tenants"][TENANT]["requests"]["total"] == 1


def test_without_budgets_requests_are_counted_and_none_is_refused(sim):
    simulator = sim([*SMALL, "--budgets", "none"], clock=STILL)
    key = token(simulator)
    assert [ask(simulator, family, key) for family in ("reports", "signInActivity") for _ in range(15)] == [0] * 30
    assert counts(simulator.stats()["families"]["reports"]) == {"requests": 15, "violations": 0, "retry_after_broken": 0}
