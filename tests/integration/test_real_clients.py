"""Clients that nobody here wrote believe the simulator: MSAL for Python gets tokens from it, the Microsoft Graph SDK for Python walks
its lists. Both over https with a private authority, in processes of their own (scripts/test-venv makes their interpreter)."""

import contextlib
import json
import pathlib
import subprocess
import time

import pytest

import certificates
import conftest
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT

CLIENTS = pathlib.Path(__file__).parent / "clients"
MANAGE = "https://manage.office.com/.default"
# The SDK needs a hundredth of a second and more for each record that it reads.
SMALL = ["--sign-ins", 70, "--directory-audits", 50, "--users", 60, "--delta-page-size", 25, "--days", 2, "--page-size", 25]


def still_now():
    """A clock that stands at this moment: the libraries sign with the real time."""
    now = int(time.time())
    return f"{now}@0@{now}"


def environment(folder, ca):
    return conftest.clean_environment(folder, {"SSL_CERT_FILE": str(ca.file), "REQUESTS_CA_BUNDLE": str(ca.file)} if ca else {})


@pytest.fixture(scope="module", name="app")
def fixture_app(tmp_path_factory):
    return certificates.AppCertificate(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module", name="stranger")
def fixture_stranger(tmp_path_factory):
    return certificates.AppCertificate(tmp_path_factory.mktemp("stranger"), "stranger")


# MSAL


@pytest.fixture(name="msal")
def fixture_msal(venv, ca, tmp_path):
    """msal(CASES) lets MSAL ask for tokens: its answers. trust=False: without the private authority."""

    def ask(cases, trust=True):
        result = subprocess.run([venv, CLIENTS / "msal_tokens.py", json.dumps(cases)], env=environment(tmp_path, ca if trust else None),
                                capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return ask


@pytest.fixture(name="login")
def fixture_login(sim, ca, app):
    """A simulator over https that knows the app's certificate."""
    return sim([*SMALL, "--client-certificate", app.public], clock=still_now(), authority=ca)


def case(simulator, credential, scopes=None, discovery=False, **more):
    return {"authority": f"{simulator.url}/{TENANT}", "client_id": CLIENT_ID, "credential": credential, "discovery": discovery,
            "scopes": scopes or [f"{simulator.url}/.default"], **more}


def by_certificate(paper):
    return {"private_key": str(paper.both), "public_certificate": str(paper.public)}


def by_thumbprint(paper):
    return {"private_key": str(paper.both), "thumbprint": paper.sha1.hex()}


def test_msal_gets_tokens_by_secret_and_by_certificate_in_the_new_way_and_the_old(msal, login, app):
    answers = msal([case(login, credential) for credential in (CLIENT_SECRET, by_certificate(app), by_thumbprint(app))])
    for (answer,) in answers:
        assert answer.get("token_type") == "Bearer" and 3600 <= int(answer["expires_in"]) <= 5400, answer
        assert login.get(login.link("signIns", top=1), answer["access_token"]).status == 200
    asked = [request["assertion"] for request in login.requests() if request["endpoint"] == "token"]
    assert asked == [None, "PS256", "RS256"]


def test_msal_finds_its_way_by_the_instance_and_the_tenants_configuration(msal, login):
    (answer,) = msal([case(login, CLIENT_SECRET, discovery=f"{login.url}/common/discovery/instance")])[0]
    assert answer["access_token"]
    assert [request["uri"].split("?")[0].replace(TENANT, "T") for request in login.requests()] == [
        "/common/discovery/instance", "/T/v2.0/.well-known/openid-configuration", "/T/oauth2/v2.0/token"]


def test_msal_sends_one_assertion_again_for_another_resource(msal, login, app):
    answers = msal([case(login, by_certificate(app), [f"{login.url}/.default", MANAGE])])[0]
    assert all("access_token" in answer for answer in answers) and answers[0]["access_token"] != answers[1]["access_token"]
    assert login.stats()["repeated_assertions"] == 1


def test_msal_tells_what_the_login_refuses(msal, login, app, stranger):
    lying = {"private_key": str(stranger.both), "public_certificate": str(app.public)}
    answers = msal([case(login, "Wrong~Secret"), case(login, by_certificate(stranger)), case(login, by_thumbprint(stranger)),
                    case(login, lying), case(login, CLIENT_SECRET, ["https://graph.example.org/.default"]),
                    case(login, CLIENT_SECRET, client_id="00000000-0000-4000-8000-000000000001")])
    told = [(answer["error"], answer["error_codes"]) for (answer,) in answers]
    assert told == [("invalid_client", [7000215])] + [("invalid_client", [700027])] * 3 + [
        ("invalid_scope", [70011]), ("unauthorized_client", [700016])]
    assert stranger.sha256.hex().upper() in answers[1][0]["error_description"]
    assert "failed signature validation" in answers[3][0]["error_description"]


def test_msal_does_not_find_a_tenant_that_is_none(msal, login):
    nobody = {**case(login, CLIENT_SECRET), "authority": f"{login.url}/00000000-0000-4000-8000-000000000002"}
    assert msal([nobody])[0].startswith("Unable to get authority configuration")


def test_msal_sends_nothing_to_a_server_it_does_not_trust(msal, login, app):
    assert msal([case(login, by_certificate(app))], trust=False) == ["untrusted"]
    assert login.requests() == []


# the Graph SDK


class Sdk:
    """A process in which the Graph SDK runs, and the simulator that it talks to."""

    def __init__(self, simulator, process):
        self.simulator, self.process = simulator, process

    def do(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def items(self, **command):
        result = self.do(**command)
        assert "items" in result, result
        return result["items"]


@contextlib.contextmanager
def started(venv, simulator, ca, folder, credential):
    settings = {"url": simulator.url, "tenant": TENANT, "client_id": CLIENT_ID, **credential}
    with subprocess.Popen([venv, CLIENTS / "graph_walk.py", json.dumps(settings)], env=environment(folder, ca), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield Sdk(simulator, process)
        process.stdin.close()
    assert process.returncode == 0


@pytest.fixture(scope="module", name="sdk")
def fixture_sdk(venv, ca, app, tmp_path_factory):
    """The SDK, signed in by certificate. Its page iterator takes an empty page for the last one, so there are none here."""
    simulator = conftest.start_simulator([*SMALL, "--client-certificate", app.public, "--empty-pages", 0], still_now(), ca)
    try:
        with started(venv, simulator, ca, tmp_path_factory.mktemp("sdk"), {"certificate": str(app.both)}) as sdk:
            yield sdk
    finally:
        simulator.stop()


def ids(items):
    return {item["id"] for item in items}


@pytest.mark.slow
@pytest.mark.parametrize("collection, source", [("signIns", "sign-ins"), ("directoryAudits", "directory-audits")])
def test_the_graph_sdk_walks_a_whole_list(sdk, collection, source):
    items = sdk.items(do="walk", collection=collection)
    assert ids(items) == {row[2] for row in sdk.simulator.truth() if row[1] == source} and len(ids(items)) >= 45
    assert all(item["moment"] for item in items)
    pages = [request for request in sdk.simulator.requests() if request["endpoint"] == collection]
    assert len(pages) > 1 and {request["status"] for request in pages} == {200}


@pytest.mark.slow
def test_the_graph_sdk_asks_for_a_window_as_it_likes_to(sdk):
    truth = sorted(item["moment"] for item in sdk.items(do="walk", collection="signIns"))
    middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(truth[len(truth) // 2]))
    items = sdk.items(do="walk", collection="signIns", filter=f"createdDateTime ge {middle}", orderby=["createdDateTime asc"], top=10)
    moments = [item["moment"] for item in items]
    assert moments == sorted(moments) and 0 < len(set(moments)) < len(truth)


@pytest.mark.slow
def test_the_graph_sdk_is_told_what_is_wrong_with_a_filter(sdk):
    assert sdk.do(do="walk", collection="signIns", filter="createdDateTime ge yesterday") == {"status": 400, "code": "BadRequest"}


@pytest.mark.slow
def test_the_graph_sdk_waits_and_asks_again_when_it_is_throttled(sdk):
    sdk.simulator.fault({"status": 429, "headers": {"Retry-After": "1"}}, "directoryAudits", times=1)
    try:
        items = sdk.items(do="walk", collection="directoryAudits", top=25)
    finally:
        sdk.simulator.faults([])
    assert ids(items) == {row[2] for row in sdk.simulator.truth() if row[1] == "directory-audits"}
    assert 429 in [request["status"] for request in sdk.simulator.requests()]


def present(simulator):
    """The accounts that are there, by id."""
    return {name: user for name, (removed, user) in simulator.users_at().items() if removed is None}


@pytest.mark.slow
def test_the_graph_sdk_lists_all_users(sdk):
    items = sdk.items(do="walk", collection="users", select=["id", "userPrincipalName"], top=20)
    there = present(sdk.simulator)
    assert ids(items) == set(there) and len(there) > 40
    assert all(item["name"] == there[item["id"]]["userPrincipalName"] for item in items)


def apply(known, items):
    """A round's items, in the order received, into the set of ids that are there."""
    for item in items:
        if item["removed"]:
            known.discard(item["id"])
        else:
            known.add(item["id"])


@pytest.mark.slow
def test_the_graph_sdk_follows_the_users_through_several_delta_rounds(sdk):
    simulator = sdk.simulator
    first = sdk.do(do="delta", select=["id", "userPrincipalName", "jobTitle"])
    known = set()
    apply(known, first["items"])
    assert known == set(present(simulator)) and first["pages"] > 1
    assert first["link"].startswith(f"{simulator.url}/v1.0/users/") and "$deltatoken=" in first["link"]
    some = sorted(known)
    edits = [lambda: simulator.edit_user(some[0], patch={"jobTitle": "Reader of logs"}),
             lambda: simulator.edit_user(some[1], remove="changed"), lambda: simulator.edit_user(some[2], remove="deleted"),
             lambda: simulator.edit_user(some[1], restore=True),
             lambda: simulator.edit_user(set={"userPrincipalName": "new@contoso.example", "displayName": "New"})]
    link, seen = first["link"], []
    for number, edit in enumerate(edits):
        edit()
        moment = float(simulator.keep_clock.split("@", maxsplit=1)[0]) + 60 * (number + 1)
        simulator.clock(f"{moment:.0f}@0@{moment:.0f}")
        result = sdk.do(do="delta", link=link)
        apply(known, result["items"])
        assert known == set(present(simulator)) and result["link"] != link, (number, result)
        seen.append({item["id"]: item["removed"] for item in result["items"]})
        link = result["link"]
    assert seen[0].get(some[0], "absent") is None and seen[1][some[1]] == "changed" and seen[2][some[2]] == "deleted"
    assert seen[3].get(some[1], "absent") is None and len(seen) == 5


@pytest.mark.slow
def test_the_graph_sdk_signs_in_by_secret_as_well(venv, sim, ca, tmp_path):
    simulator = sim([*SMALL, "--empty-pages", 0], clock=still_now(), authority=ca)
    with started(venv, simulator, ca, tmp_path, {"secret": CLIENT_SECRET}) as sdk:
        assert len(sdk.items(do="walk", collection="directoryAudits", top=5, filter="activityDateTime ge 2100-01-01T00:00:00Z")) == 0
    assert [request["endpoint"] for request in simulator.requests()] == ["metadata", "token", "directoryAudits"]
