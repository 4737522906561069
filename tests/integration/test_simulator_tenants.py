"""Tenants of one simulator that differ: in what they grant, license and remember of the app, and in what goes wrong."""

import base64
import http.client
import json
import subprocess
import urllib.parse

import pytest

import certificates
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT, binary, exchange

NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
STILL = f"{NOON}@0@{NOON}"
DAY = 86400
OTHER_TENANT = "22222222-3333-4444-8555-666666666666"
OTHER_APP = "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH_ROLES = ["Application.Read.All", "AuditLog.Read.All", "DeviceManagementApps.Read.All", "Directory.Read.All",
               "ServiceHealth.Read.All", "ServiceMessage.Read.All", "User.Read.All"]
FEW = ["--sign-ins", 8, "--directory-audits", 5, "--intune-audits", 5, "--users", 5]
TWO = [*FEW, "--tenant", TENANT, "--tenant", OTHER_TENANT]


def at(seconds):
    """The SPEC of a clock that stands this long after noon."""
    return f"{NOON + seconds}@0@{NOON}"


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def claims(token):
    return decoded(token.split(".")[1])


def error(answer):
    return answer.status, answer.json()["error"]["code"]


def applications(simulator, **options):
    """The answer about the registrations of apps."""
    query = urllib.parse.urlencode({f"${name}": value for name, value in options.items()})
    return simulator.get(f"{simulator.url}/v1.0/applications" + (f"?{query}" if query else ""))


def tenants(count):
    return [f"{number:08x}-2222-4333-8444-555555555555" for number in range(1, count + 1)]


def named(ids):
    return [word for tenant in ids for word in ("--tenant", tenant)]


# what a token says


def test_a_token_is_a_jwt_that_names_the_roles(sim):
    simulator = sim(FEW, clock=STILL)
    token = simulator.token()
    told = claims(token)
    assert decoded(token.split(".")[0])["alg"] == "RS256" and token.count(".") == 2 and len(token) >= 1536
    assert told["roles"] == GRAPH_ROLES and told["aud"] == "https://graph.microsoft.com" and told["idtyp"] == "app"
    assert (told["tid"], told["appid"], told["iat"]) == (TENANT, CLIENT_ID, NOON) and told["exp"] - NOON >= 3600


def test_a_token_for_the_management_api_has_the_roles_of_that_api(sim):
    simulator = sim(FEW, clock=STILL)
    token = simulator.ask_token(scope="https://manage.office.com/.default").json()["access_token"]
    assert claims(token)["roles"] == ["ActivityFeed.Read", "ActivityFeed.ReadDlp"] and claims(token)["aud"] == "https://manage.office.com"


def test_a_token_may_be_one_that_nobody_can_look_into(sim):
    simulator = sim([*FEW, "--opaque-tokens"], clock=STILL)
    token = simulator.token()
    assert "." not in token and len(token) >= 1536
    assert simulator.get(simulator.link("signIns"), token).status == 200


@pytest.mark.parametrize("role, lists, code", [
    ("AuditLog.Read.All", ["auditLogs/signIns", "auditLogs/directoryAudits", "users?$select=id,signInActivity"],
     "Authentication_MSGraphPermissionMissing"),
    ("DeviceManagementApps.Read.All", ["deviceManagement/auditEvents"], "Forbidden"),
    ("ServiceHealth.Read.All", ["admin/serviceAnnouncement/healthOverviews", "admin/serviceAnnouncement/issues"], None),
    ("ServiceMessage.Read.All", ["admin/serviceAnnouncement/messages"], None),
])
def test_a_role_that_is_withheld_is_missing_in_the_token_and_closes_what_needs_it(sim, role, lists, code):
    every = ["auditLogs/signIns", "auditLogs/directoryAudits", "users?$select=id,signInActivity", "deviceManagement/auditEvents",
             "admin/serviceAnnouncement/healthOverviews", "admin/serviceAnnouncement/issues", "admin/serviceAnnouncement/messages",
             "users", "users/delta", "applications"]
    simulator = sim([*FEW, "--withhold-role", role], clock=STILL)
    token = simulator.token()
    assert claims(token)["roles"] == [name for name in GRAPH_ROLES if name != role]
    answers = {path: simulator.get(f"{simulator.url}/v1.0/{path}", token) for path in every}
    assert {path for path, answer in answers.items() if answer.status == 403} == set(lists)
    assert all(answer.status == 200 for path, answer in answers.items() if path not in lists)
    assert code is None or {answers[path].json()["error"]["code"] for path in lists} == {code}


@pytest.mark.parametrize("path, role", [("users", "User.Read.All"), ("users/delta", "User.Read.All"),
                                        ("applications", "Application.Read.All")])
def test_the_directory_opens_with_the_wider_role_too(sim, path, role):
    simulator = sim([*FEW, "--withhold-role", role], clock=STILL)
    link = f"{simulator.url}/v1.0/{path}"
    assert simulator.get(link).status == 200
    simulator.control("tenants", {"withheld_roles": [role, "Directory.Read.All"]})
    assert error(simulator.get(link)) == (403, "Authorization_RequestDenied")


def test_the_permission_that_is_missing_is_named(sim):
    simulator = sim([*FEW, "--withhold-role", "AuditLog.Read.All", "--withhold-role", "DeviceManagementApps.Read.All"], clock=STILL)
    assert "AuditLog.Read.All" in simulator.get(simulator.link("signIns")).json()["error"]["message"]
    inner = json.loads(simulator.get(simulator.link("auditEvents")).json()["error"]["message"])
    assert "DeviceManagementApps.Read.All" in inner["Message"] and inner["RetryAfter"] is None


def test_without_any_role_the_claim_is_missing(sim):
    simulator = sim(FEW, clock=STILL)
    simulator.control("tenants", {"withheld_roles": GRAPH_ROLES})
    token = simulator.token()
    assert "roles" not in claims(token) and simulator.get(simulator.users_link(), token).status == 403


def test_a_token_keeps_the_roles_that_it_was_issued_with(sim):
    simulator = sim(FEW, clock=STILL)
    old = simulator.token()
    simulator.control("tenants", {"withheld_roles": ["AuditLog.Read.All"]})
    assert simulator.get(simulator.link("signIns"), old).status == 200
    assert simulator.get(simulator.link("signIns")).status == 403
    simulator.control("tenants", {"withheld_roles": []})
    assert simulator.get(simulator.link("signIns")).status == 200


def test_tenants_grant_different_roles(sim):
    simulator = sim(TWO, clock=STILL)
    simulator.control("tenants", {"tenant": OTHER_TENANT.upper(), "withheld_roles": ["User.Read.All", "Directory.Read.All"]})
    assert simulator.get(simulator.users_link()).status == 200
    assert simulator.get(simulator.users_link(), simulator.token(OTHER_TENANT)).status == 403


# the registration of the app


def test_the_registration_tells_when_the_secret_expires(sim):
    simulator = sim(FEW, clock=STILL)
    answer = applications(simulator, filter=f"appId eq '{CLIENT_ID}'", select="appId,passwordCredentials,keyCredentials")
    application, = answer.json()["value"]
    secret, = application["passwordCredentials"]
    assert set(application) == {"appId", "passwordCredentials", "keyCredentials"} and application["keyCredentials"] == []
    assert secret["hint"] == CLIENT_SECRET[:3] and secret["secretText"] is None and secret["displayName"] and secret["keyId"]
    assert (secret["startDateTime"], secret["endDateTime"]) == ("2024-05-19T12:00:00Z", "2026-05-19T12:00:00Z")
    assert CLIENT_SECRET not in answer.body.decode()


def test_the_registration_is_the_same_each_time_and_another_in_each_tenant(sim):
    simulator = sim(TWO, clock=STILL)
    link = f"{simulator.url}/v1.0/applications"
    first, again, other = (simulator.get(link, simulator.token(tenant)).json()["value"][0] for tenant in (TENANT, TENANT, OTHER_TENANT))
    assert first == again and first["appId"] == other["appId"] and first["id"] != other["id"]


def test_certificates_of_the_app_are_told_with_their_thumbprints(sim, tmp_path):
    own = certificates.AppCertificate(tmp_path)
    simulator = sim([*FEW, "--client-certificate", own.public], clock=STILL)
    key, = applications(simulator).json()["value"][0]["keyCredentials"]
    assert key["type"] == "AsymmetricX509Cert" and key["usage"] == "Verify" and key["key"] is None
    assert base64.b64decode(key["customKeyIdentifier"]) == own.sha1 and key["startDateTime"] < key["endDateTime"]


def test_a_secret_past_its_end_is_refused(sim):
    simulator = sim([*FEW, "--secret-expires", 2], clock=STILL)
    simulator.clock(at(2 * DAY - 1))
    assert simulator.ask_token().status == 200
    simulator.clock(at(2 * DAY))
    answer = simulator.ask_token()
    assert answer.status == 401 and answer.json()["error_codes"] == [7000222]
    assert simulator.ask_token(client_secret="wrong").json()["error_codes"] == [7000215]
    simulator.control("tenants", {"secret_expires": 30})
    assert simulator.ask_token().status == 200


def test_a_tenant_may_not_hold_the_registration(sim):
    simulator = sim(TWO, clock=STILL)
    simulator.control("tenants", {"tenant": TENANT, "registration": False})
    assert applications(simulator, filter=f"appId eq '{CLIENT_ID}'").json()["value"] == []
    assert len(simulator.get(f"{simulator.url}/beta/applications", simulator.token(OTHER_TENANT)).json()["value"]) == 1


def test_an_app_that_is_not_there_is_an_empty_list(sim):
    assert applications(sim(FEW, clock=STILL), filter=f"appId eq '{OTHER_APP}'").json()["value"] == []


@pytest.mark.parametrize("options, code", [
    ({"filter": "displayName eq 'm365keep'"}, "Request_UnsupportedQuery"), ({"filter": f"appId eq '{CLIENT_ID}"}, "Request_UnsupportedQuery"),
    ({"filter": "appId eq ''"}, "Request_BadRequest"), ({"filter": "appId eq 'm365keep'"}, "Request_BadRequest"),
    ({"filter": "appId eq '"}, "Request_UnsupportedQuery"), ({"select": "appId,passwords"}, "BadRequest"),
])
def test_other_questions_about_applications_are_refused(sim, options, code):
    assert error(applications(sim(FEW, clock=STILL), **options)) == (400, code)


# several apps


def test_any_app_that_is_listed_may_sign_in(sim):
    simulator = sim([*FEW, "--client-id", CLIENT_ID, "--client-id", OTHER_APP.upper()], clock=STILL)
    for app in (CLIENT_ID, OTHER_APP):
        token = simulator.ask_token(client_id=app).json()["access_token"]
        assert claims(token)["appid"] == app and simulator.get(simulator.link("signIns"), token).status == 200
    assert simulator.ask_token(client_id="cccccccc-cccc-4ddd-8eee-ffffffffffff").json()["error_codes"] == [700016]
    assert [a["appId"] for a in applications(simulator).json()["value"]] == [CLIENT_ID, OTHER_APP]


def test_an_assertion_is_that_of_the_app_that_sends_it(sim, tmp_path):
    own = certificates.AppCertificate(tmp_path)
    simulator = sim([*FEW, "--client-id", CLIENT_ID, "--client-id", OTHER_APP, "--client-certificate", own.public], clock=STILL)
    proof = certificates.assertion(own, OTHER_APP, f"{simulator.url}/{TENANT}/oauth2/v2.0/token", NOON)
    fields = {"client_secret": None, "client_assertion_type": JWT_BEARER, "client_assertion": proof}
    assert simulator.ask_token(client_id=OTHER_APP, **fields).status == 200
    assert simulator.ask_token(client_id=CLIENT_ID, **fields).json()["error_codes"] == [700021]


@pytest.mark.parametrize("arguments", [["--client-id", "m365keep"], ["--withhold-role", "Everything"], ["--withhold-role", ""],
                                       ["--secret-expires", "soon"], ["--secret-expires", "99999"], ["--intune-audits", "-2"]])
def test_a_wrong_option_is_refused(arguments):
    result = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2 and result.stderr.count("\n") == 1


# tenants by hand


def test_tenants_are_listed_with_what_they_have(sim):
    simulator = sim([*TWO, "--no-intune", "--withhold-role", "User.Read.All", "--secret-expires", 1], clock=STILL)
    first, second = simulator.control("tenants")
    assert first == {"tenant": TENANT, "premium": True, "intune": False, "registration": True, "withheld_roles": ["User.Read.All"],
                     "granted_roles": [], "mailboxes": [], "mail_policy": None, "secret_ends": "2025-11-21T12:00:00Z"}
    assert second == {**first, "tenant": OTHER_TENANT}
    assert simulator.control("tenants", {"tenant": OTHER_TENANT, "premium": False})[1]["premium"] is False


def test_premium_is_a_matter_of_each_tenant(sim):
    simulator = sim(TWO, clock=STILL)
    simulator.control("tenants", {"tenant": OTHER_TENANT, "premium": False})
    other = simulator.token(OTHER_TENANT)
    for link in (simulator.link("signIns"), simulator.users_link(select="id,signInActivity")):
        assert simulator.get(link).status == 200
        assert error(simulator.get(link, other)) == (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")


@pytest.mark.parametrize("edit, words", [
    ({"premium": "no"}, '"premium" is true or false'), ({"licence": True}, 'unknown key "licence"'),
    ({"withheld_roles": ["Everything"]}, '"withheld_roles" is an array of permissions'), ({"withheld_roles": "User.Read.All"}, "array"),
    ({"secret_expires": 1e9}, "number of days"), ({"tenant": "nobody", "intune": True}, "no such tenant"),
    ({"tenant": 5}, "no such tenant"), ([{"intune": True}], "expected an object"),
])
def test_a_change_that_is_not_understood_changes_nothing(sim, edit, words):
    simulator = sim(TWO, clock=STILL)
    before = simulator.control("tenants")
    with pytest.raises(ValueError, match=words):
        simulator.control("tenants", edit)
    assert simulator.control("tenants") == before


# many tenants, each with its own fault


def hang(simulator, token):
    """Reads a list that stalls: whether part of it came and then nothing."""
    parts = urllib.parse.urlsplit(simulator.link("signIns"))
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=0.3)
    try:
        connection.request("GET", parts.path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        came = answer.read(60)
        with pytest.raises(TimeoutError):
            answer.read()
        return answer.status == 200 and len(came) == 60
    finally:
        connection.close()


def test_each_of_a_hundred_tenants_has_its_own_fault(sim):
    ids = tenants(100)
    simulator = sim([*FEW, *named(ids)], clock=STILL)
    wrong, busy, stalling, dead, deaf = ids[10], ids[20], ids[30], ids[40], ids[50]
    keys = {tenant: simulator.token(tenant) for tenant in ids}
    every = [{"match": {"tenant": tenant, "endpoint": "directoryAudits"}, "action": {"status": 500 + number % 5}}
             for number, tenant in enumerate(ids)]
    simulator.faults([
        {"match": {"tenant": wrong, "endpoint": "token"}, "action": {"aadsts": 7000215}},
        {"match": {"tenant": busy, "path": "/v1.0/"}, "action": {"status": 429, "headers": {"Retry-After": "120"}}},
        {"match": {"tenant": stalling, "endpoint": "signIns"}, "action": {"stall_after": 60}},
        {"match": {"tenant": dead}, "action": {"reset": True}},
        {"match": {"tenant": deaf, "endpoint": "token"}, "action": {"status": 429, "headers": {"Retry-After": "9"}}}, *every])

    assert simulator.ask_token(wrong).json()["error_codes"] == [7000215]
    assert simulator.get(simulator.link("signIns"), keys[busy]).headers["Retry-After"] == "120"
    assert hang(simulator, keys[stalling])
    with pytest.raises(http.client.RemoteDisconnected):
        simulator.ask_token(dead)
    with pytest.raises(http.client.RemoteDisconnected):
        simulator.get(simulator.link("signIns"), keys[dead])
    assert simulator.ask_token(deaf).headers["Retry-After"] == "9"
    for number, tenant in enumerate(ids):
        if tenant not in (busy, dead):
            assert simulator.get(simulator.link("directoryAudits"), keys[tenant]).status == 500 + number % 5
        if tenant not in (busy, stalling, dead):
            assert simulator.get(simulator.link("signIns"), keys[tenant]).status == 200

    told = simulator.stats()["tenants"]
    assert set(told) == set(ids) and told[wrong]["faults_fired"] == 2 and told[ids[0]]["faults_fired"] == 1
    assert told[busy]["statuses"] == {"200": 1, "429": 1} and told[dead]["requests"]["token"] == 2
    assert told[wrong]["statuses"] == {"200": 2, "401": 1, "500": 1}
    assert sum(tenant["requests"]["total"] for tenant in told.values()) == simulator.stats()["requests"]["total"]


@pytest.mark.plain_only
def test_a_tenant_that_nobody_asks_about_costs_nothing(sim):
    few, many = (sim([*FEW, *named(tenants(count))], clock=STILL) for count in (1, 5000))
    assert memory(many) - memory(few) < 20_000_000
    last = tenants(5000)[-1]
    assert exchange(f"{many.url}/{last}/v2.0/.well-known/openid-configuration").status == 200
    assert len(many.rows("sign-ins", last)) == 8


def memory(simulator):
    """Bytes that it holds."""
    with open(f"/proc/{simulator.ready['pid']}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))
