"""The simulator's login as Entra's: https, the documents in which it describes itself, client assertions; and the classes of
sign-ins that only beta shows."""

import base64
import collections
import contextlib
import hashlib
import http.client
import json
import socket
import ssl
import subprocess
import threading
import urllib.parse

import pytest
from cryptography import x509

import certificates
from certificates import assertion, encoded
from conftest import CLOCK, NOON
from simulator import CLIENT_ID, TENANT, binary, elements, exchange

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
HOUR, DAY = 3600, 86400
FEW = ["--sign-ins", 120, "--directory-audits", 40, "--days", 2, "--page-size", 25]


def at(seconds):
    """The SPEC of a clock that stands this long after noon."""
    return f"{NOON + seconds}@0@{NOON}"


def refused_start(*arguments):
    """The one line with which it refuses to start."""
    result = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2 and result.stdout == "" and result.stderr.count("\n") == 1
    return result.stderr


# https


def test_over_https_every_url_names_https_and_localhost(sim, ca):
    simulator = sim(FEW, authority=ca)
    port = urllib.parse.urlsplit(simulator.url).port
    assert simulator.url == f"https://localhost:{port}"
    answers = list(simulator.walk(simulator.link("signIns")))
    links = [answer.json()["@odata.nextLink"] for answer in answers[:-1]]
    assert len(links) > 3 and all(link.startswith(f"{simulator.url}/v1.0/auditLogs/signins?") for link in links)
    assert answers[0].json()["@odata.context"].startswith(f"{simulator.url}/v1.0/$metadata")
    assert simulator.rows("sign-ins") | simulator.rows("directory-audits") == simulator.truth()


def test_who_does_not_trust_the_authority_gets_nothing(sim, ca):
    simulator = sim(FEW, authority=ca)
    with pytest.raises(ssl.SSLCertVerificationError):
        exchange(f"{simulator.url}/control/stats")
    with pytest.raises(ssl.SSLCertVerificationError):
        exchange(simulator.url.replace("localhost", "127.0.0.1") + "/control/stats", ca=ca.file)
    assert simulator.stats()["requests"]["total"] == 0


def test_plain_http_to_https_gets_nothing(sim, ca):
    simulator = sim(FEW, authority=ca)
    with pytest.raises((http.client.HTTPException, OSError)):
        exchange(simulator.url.replace("https", "http") + "/control/stats")
    assert simulator.stats()["requests"]["total"] == 0


def test_the_host_in_urls_may_be_named_without_https_too(sim):
    simulator = sim([*FEW, "--host-name", "localhost"])
    assert simulator.url.startswith("http://localhost:")
    assert simulator.get(simulator.link("signIns", top=1)).json()["@odata.nextLink"].startswith(simulator.url)


def test_compressed_pages_come_over_https(sim, ca):
    simulator = sim([*FEW, "--gzip"], authority=ca)
    answer = simulator.get(simulator.link("signIns"), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip" and answer.body[:2] == b"\x1f\x8b"


BROKEN = {"reset": {"reset": True}, "cut_hard": {"truncate_hard": "half"}, "refused": {"status": 503}, "late": {"delay_ms": 50},
          "cut_softly": {"truncate": 100}}


@pytest.mark.parametrize("kind", BROKEN)
def test_faults_hold_over_https(sim, ca, kind):
    simulator = sim(FEW, authority=ca)
    token, link = simulator.token(), simulator.link("signIns")
    whole = simulator.get(link, token).body
    simulator.fault(BROKEN[kind], "signIns", times=1)
    if kind in ("reset", "cut_hard"):
        with pytest.raises((http.client.HTTPException, OSError)):
            simulator.get(link, token)
    else:
        answer = simulator.get(link, token)
        assert {"refused": answer.status == 503, "late": answer.body == whole, "cut_softly": answer.body == whole[:100]}[kind]
    assert simulator.fired() == 1 and simulator.get(link, token).body == whole


def test_a_stalled_body_over_https_is_silent_and_ends_with_the_client(sim, ca):
    simulator = sim(FEW, authority=ca)
    token = simulator.token()
    simulator.fault({"stall_after": 50}, "signIns", times=1)
    with pytest.raises(TimeoutError):
        simulator.get(simulator.link("signIns"), token, timeout=1)
    assert simulator.get(simulator.link("signIns"), token).status == 200
    assert simulator.stop() == 0


def test_many_connections_at_once_are_served_over_https(sim, ca):
    simulator = sim(FEW, authority=ca)
    token, statuses = simulator.token(), []

    def ask():
        statuses.append(simulator.get(simulator.link("signIns"), token).status)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20


def test_a_client_that_goes_away_in_mid_handshake_does_no_harm(sim, ca):
    simulator = sim(FEW, authority=ca)
    port = urllib.parse.urlsplit(simulator.url).port
    for greeting in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 300):
        with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as connection:
            connection.sendall(greeting)
    assert simulator.token()


@pytest.mark.parametrize("kind", ["missing", "nothing", "no_key", "no_certificate", "key_of_another"])
def test_a_file_that_cannot_be_served_with_is_refused(ca, tmp_path, kind):
    certificate, key = (part.encode() for part in ca.server.read_text(encoding="ascii").split("-----BEGIN PRIVATE KEY-----"))
    key = b"-----BEGIN PRIVATE KEY-----" + key
    other = certificates.unencrypted(certificates.ec.generate_private_key(certificates.ec.SECP256R1()))
    path = tmp_path / "server.pem"
    if kind != "missing":
        path.write_bytes({"nothing": b"nothing\n", "no_key": certificate, "no_certificate": key,
                          "key_of_another": certificate + other}[kind])
    words = refused_start("--tls", path)
    assert str(path) in words and ("--tls" in words or kind == "missing")


# how the login describes itself


def document(simulator, path, **parameters):
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    return exchange(f"{simulator.url}{path}{query}", ca=simulator.ca)


def test_the_configuration_of_version_2_names_this_server(sim, ca):
    simulator = sim(authority=ca)
    answer = document(simulator, f"/{TENANT}/v2.0/.well-known/openid-configuration")
    told, root = answer.json(), f"{simulator.url}/{TENANT}"
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("application/json")
    assert told["issuer"] == f"{root}/v2.0" and told["token_endpoint"] == f"{root}/oauth2/v2.0/token"
    assert told["authorization_endpoint"] == f"{root}/oauth2/v2.0/authorize" and told["jwks_uri"] == f"{root}/discovery/v2.0/keys"
    assert told["device_authorization_endpoint"] == f"{root}/oauth2/v2.0/devicecode"
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert told["id_token_signing_alg_values_supported"] == ["RS256"] and told["subject_types_supported"] == ["pairwise"]
    assert told["msgraph_host"] == urllib.parse.urlsplit(simulator.url).netloc
    assert answer.headers["x-ms-request-id"]


def test_the_configuration_of_version_1_has_its_own_issuer_and_endpoints(sim):
    simulator = sim()
    told = document(simulator, f"/{TENANT}/.well-known/openid-configuration").json()
    root = f"{simulator.url}/{TENANT}"
    assert (told["issuer"], told["token_endpoint"], told["jwks_uri"]) == (f"{root}/", f"{root}/oauth2/token", f"{root}/discovery/keys")


@pytest.mark.parametrize("authority", ["common", "organizations", "Common"])
def test_where_any_tenant_is_meant_the_issuer_is_a_template(sim, authority):
    told = document(sim(), f"/{authority}/v2.0/.well-known/openid-configuration").json()
    assert told["issuer"].endswith("/{tenantid}/v2.0") and told["tenant_region_scope"] is None


def test_a_tenants_case_does_not_matter_and_an_unknown_one_is_told(sim):
    simulator = sim()
    assert document(simulator, f"/{TENANT.upper()}/v2.0/.well-known/openid-configuration").json()["issuer"].endswith(f"/{TENANT}/v2.0")
    for path in ("/contoso.example/v2.0/.well-known/openid-configuration", "/nobody/.well-known/openid-configuration",
                 "/nobody/discovery/v2.0/keys"):
        answer = document(simulator, path)
        assert answer.status == 400 and answer.json()["error"] == "invalid_tenant" and answer.json()["error_codes"] == [90002]


def test_the_documents_are_for_reading_only_and_are_counted(sim):
    simulator = sim()
    path = f"/{TENANT}/v2.0/.well-known/openid-configuration"
    assert document(simulator, path).status == 200
    assert exchange(simulator.url + path, "POST", body="").status == 400
    assert simulator.stats()["requests"]["metadata"] == 2
    assert [(request["endpoint"], request["tenant"]) for request in simulator.requests()] == [("metadata", TENANT)] * 2


def test_a_fault_hits_the_documents_too(sim):
    simulator = sim()
    simulator.fault({"status": 503}, "openid-configuration", times=1)
    path = f"/{TENANT}/v2.0/.well-known/openid-configuration"
    assert [document(simulator, path).status for _ in range(2)] == [503, 200]


def test_the_keys_are_those_of_their_certificates(sim):
    simulator = sim()
    keys = document(simulator, f"/{TENANT}/discovery/v2.0/keys").json()["keys"]
    assert len(keys) > 1 and len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        der = base64.b64decode(key["x5c"][0])
        numbers = x509.load_der_x509_certificate(der).public_key().public_numbers()
        assert key["kty"] == "RSA" and key["use"] == "sig" and key["issuer"] == f"{simulator.url}/{TENANT}/v2.0"
        assert key["kid"] == key["x5t"] == encoded(hashlib.sha1(der).digest())
        assert key["n"] == encoded(numbers.n.to_bytes(256, "big")) and key["e"] == "AQAB"
    assert document(simulator, "/common/discovery/v2.0/keys").json()["keys"][0]["issuer"].endswith("/{tenantid}/v2.0")
    assert [key["n"] for key in document(simulator, f"/{TENANT}/discovery/keys").json()["keys"]] == [key["n"] for key in keys]


@pytest.mark.parametrize("port", [True, False])
def test_the_instance_is_known_with_its_port_and_without(sim, ca, port):
    simulator = sim(authority=ca)
    url = simulator.url if port else "https://localhost"
    told = document(simulator, "/common/discovery/instance", **{
        "api-version": "1.1", "authorization_endpoint": f"{url}/{TENANT}/oauth2/v2.0/authorize"}).json()
    assert told["tenant_discovery_endpoint"] == f"{simulator.url}/{TENANT}/v2.0/.well-known/openid-configuration"
    host = urllib.parse.urlsplit(simulator.url).netloc
    assert told["metadata"] == [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]


@pytest.mark.parametrize("endpoint", ["https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
                                      "https://localhost.evil.example/x/y", "nonsense", "https://localhost"])
def test_any_other_instance_is_unknown(sim, ca, endpoint):
    answer = document(sim(authority=ca), "/common/discovery/instance", **{"api-version": "1.1", "authorization_endpoint": endpoint})
    assert answer.status == 400 and answer.json()["error"] == "invalid_instance" and answer.json()["error_codes"] == [50049]


# client assertions


@pytest.fixture(scope="module", name="papers")
def fixture_papers(tmp_path_factory):
    """Certificates by what is special about them."""
    folder = tmp_path_factory.mktemp("papers")
    spans = {"good": {}, "second": {}, "stranger": {}, "expired": {"span": (NOON - 90 * DAY, NOON - DAY)},
             "early": {"span": (NOON + DAY, NOON + 90 * DAY)}}
    return {name: certificates.AppCertificate(folder, name, **more) for name, more in spans.items()}


class Entrance:
    """A simulator that knows some certificates, and what a client sends to it."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.audience = f"{simulator.url}/{TENANT}/oauth2/v2.0/token"

    def sign(self, certificate, algorithm="PS256", now=NOON, audience=None, **more):
        return assertion(certificate, CLIENT_ID, audience or self.audience, now, algorithm, **more)

    def ask(self, text, **fields):
        return self.simulator.ask_token(client_secret=None, **{"client_assertion_type": JWT_BEARER, "client_assertion": text, **fields})

    def check_refused(self, text, number, *words, status=401, error="invalid_client", **fields):
        answer = self.ask(text, **fields)
        told = answer.json()
        assert (answer.status, told["error"], told["error_codes"]) == (status, error, [number]), told
        line = told["error_description"].split("\r\n", maxsplit=1)[0]
        assert line.startswith(f"AADSTS{number}: ") and all(word in line for word in words), line
        assert self.simulator.stats()["tokens_issued"] == 0
        return line


@pytest.fixture(name="entrance")
def fixture_entrance(sim, papers):
    """entrance(OPTIONS, clock=): an Entrance where the good, the expired and the early certificate are registered."""

    def make(*options, clock=CLOCK, known=("good", "expired", "early")):
        registered = [part for name in known for part in ("--client-certificate", papers[name].public)]
        return Entrance(sim(["--sign-ins", 5, *registered, *options], clock=clock))

    return make


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_an_assertion_signed_for_a_registered_certificate_gets_a_token_that_opens_graph(entrance, papers, algorithm):
    here = entrance()
    answer = here.ask(here.sign(papers["good"], algorithm))
    assert answer.status == 200, answer.body
    assert here.simulator.get(here.simulator.link("signIns"), answer.json()["access_token"]).status == 200
    assert [request["assertion"] for request in here.simulator.requests()] == [algorithm, None]


def padded(digest):
    return base64.urlsafe_b64encode(digest).decode()


def test_a_thumbprint_may_be_padded_and_rs256_may_come_with_the_longer_one(entrance, papers):
    here, good = entrance(), papers["good"]
    for algorithm, header in (("PS256", {"x5t#S256": padded(good.sha256)}), ("RS256", {"x5t": padded(good.sha1)}),
                              ("RS256", {"x5t": None, "x5t#S256": encoded(good.sha256)}),
                              ("PS256", {"x5t#S256": None, "x5t": encoded(good.sha1)})):
        assert here.ask(here.sign(good, algorithm, header=header)).status == 200


def test_the_audience_may_be_any_name_of_the_tenants_login(entrance, papers):
    here = entrance()
    root = f"{here.simulator.url}/{TENANT}"
    for audience in ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/", ""):
        assert here.ask(here.sign(papers["good"], audience=root + audience)).status == 200
    assert here.ask(here.sign(papers["good"], audience=f"{here.simulator.url}/{TENANT.upper()}/oauth2/v2.0/token")).status == 200


def test_several_certificates_may_be_registered_while_one_takes_over(entrance, papers):
    here = entrance(known=("good", "second"))
    assert [here.ask(here.sign(papers[name])).status for name in ("good", "second")] == [200, 200]


def test_moments_may_be_fractions_and_nbf_and_iat_may_be_left_out(entrance, papers):
    here = entrance()
    claims = {"exp": NOON + 600.25, "iat": NOON + 0.5, "nbf": None}
    assert here.ask(here.sign(papers["good"], claims=claims)).status == 200
    assert here.ask(here.sign(papers["good"], claims={"iat": None, "exp": NOON + 20 * 365 * DAY})).status == 200


def test_a_certificate_that_is_not_registered_is_refused_by_its_thumbprint(entrance, papers):
    here = entrance()
    line = here.check_refused(here.sign(papers["stranger"]), 700027, "not registered", "[Reason - The key was not found.")
    assert papers["stranger"].sha256.hex().upper() in line and CLIENT_ID in line
    line = here.check_refused(here.sign(papers["stranger"], "RS256"), 700027, "not registered")
    assert papers["stranger"].sha1.hex().upper() in line


def test_with_no_certificate_registered_no_assertion_is_good(entrance, papers):
    here = entrance(known=())
    here.check_refused(here.sign(papers["good"]), 700027, "not registered")


def test_without_a_thumbprint_no_key_is_found(entrance, papers):
    here = entrance()
    line = here.check_refused(here.sign(papers["good"], header={"x5t#S256": None}), 700027, "The key was not found.")
    assert "Thumbprint" not in line


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_the_key_of_another_certificate_does_not_open(entrance, papers, algorithm):
    here, good = entrance(), papers["good"]
    stolen = {"x5t#S256": encoded(good.sha256)} if algorithm == "PS256" else {"x5t": encoded(good.sha1)}
    here.check_refused(here.sign(papers["stranger"], algorithm, header=stolen), 700027, "failed signature validation",
                       "verify the signature failed", "Found key 'Start=01/01/2020 00:00:00, End=01/01/2050 00:00:00'")


def test_a_signature_of_the_other_kind_does_not_hold(entrance, papers):
    here, good = entrance(), papers["good"]
    here.check_refused(here.sign(good, "RS256", header={"alg": "PS256"}), 700027, "failed signature validation")
    here.check_refused(here.sign(good, "PS256", header={"alg": "RS256"}), 700027, "failed signature validation")


def test_what_was_changed_after_signing_does_not_hold(entrance, papers):
    here = entrance()
    head, body, signature = here.sign(papers["good"]).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = encoded({**claims, "exp": claims["exp"] + 1})
    here.check_refused(".".join((head, changed, signature)), 700027, "failed signature validation")
    here.check_refused(f"{head}.{body}.{signature[:-8]}", 700027, "failed signature validation")


@pytest.mark.parametrize("name", ["expired", "early"])
def test_a_certificate_out_of_its_time_is_refused_with_its_dates(entrance, papers, name):
    here = entrance()
    here.check_refused(here.sign(papers[name]), 700027, "is expired on application", "[Reason - The key used is expired.",
                       {"expired": "End=11/19/2025 12:00:00", "early": "Start=11/21/2025 12:00:00"}[name])
    later = {"expired": -2 * DAY, "early": 2 * DAY}[name]
    here.simulator.clock(at(later))
    assert here.ask(here.sign(papers[name], now=NOON + later)).status == 200


@pytest.mark.parametrize("claims, words", [
    ({"exp": NOON - HOUR, "nbf": NOON - 2 * HOUR}, ("assertion valid from 2025-11-20T10:00:00.0000000Z",
                                                     "expiry time of assertion 2025-11-20T11:00:00.0000000Z")),
    ({"nbf": NOON + HOUR, "exp": NOON + 2 * HOUR}, ("assertion valid from 2025-11-20T13:00:00.0000000Z",)),
    ({"exp": NOON - HOUR, "nbf": None}, ("assertion valid from 1970-01-01T00:00:00.0000000Z",)),
    ({"exp": None}, ("expiry time of assertion 1970-01-01T00:00:00.0000000Z",)),
    ({"exp": "tomorrow"}, ("expiry time of assertion 1970-01-01T00:00:00.0000000Z",)),
    ({"exp": 1e300}, ("expiry time of assertion 1970-01-01T00:00:00.0000000Z",)),
    ({"exp": NOON - 300}, ("expiry time of assertion 2025-11-20T11:55:00.0000000Z",)),
    ({"nbf": NOON + 301}, ()),
])
def test_an_assertion_out_of_its_time_is_refused_with_the_moments_q125(entrance, papers, claims, words):
    here = entrance()
    here.check_refused(here.sign(papers["good"], claims=claims), 700024, "is not within its valid time range",
                       "Current time: 2025-11-20T12:00:00.0000000Z", *words)


def test_clocks_may_differ_by_minutes_q125(entrance, papers):
    here = entrance()
    for claims in ({"exp": NOON - 299}, {"nbf": NOON + 300}):
        assert here.ask(here.sign(papers["good"], claims=claims)).status == 200


def test_an_assertion_lives_by_the_simulated_clock_q125(entrance, papers):
    here = entrance()
    text = here.sign(papers["good"])
    here.simulator.clock(at(2 * HOUR))
    here.check_refused(text, 700024, "Current time: 2025-11-20T14:00:00.0000000Z")


@pytest.mark.parametrize("claims", [{"iss": TENANT}, {"sub": TENANT}, {"iss": None}, {"sub": None}, {"sub": 7}])
def test_an_assertion_about_another_app_is_refused(entrance, papers, claims):
    here = entrance()
    here.check_refused(here.sign(papers["good"], claims=claims), 700021, "'client_id'")


@pytest.mark.parametrize("audience", ["https://login.microsoftonline.com/x/oauth2/v2.0/token", "{base}/common/oauth2/v2.0/token",
                                      "{base}", None, ["{base}"]])
def test_an_assertion_for_another_audience_is_refused(entrance, papers, audience):
    here = entrance()
    text = audience.replace("{base}", here.simulator.url) if isinstance(audience, str) else audience
    here.check_refused(here.sign(papers["good"], claims={"aud": text}), 700023, "audience")


MALFORMED = ["", "x", "a.b", "a.b.c", "....", "e30.e30.", "e30.e30.!", "W10.e30.AA", "e30.W10.AA", "e30.e30.AA.AA", "bnVsbA.bnVsbA.AA",
             "e30 .e30.AA", "A.e30.AA"]


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_jwt_is_called_malformed(entrance, text):
    here = entrance()
    number = 700021 if text == "e30.e30." else 50027
    here.check_refused(text, number)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS384", "ES256", "ps256", None, 7])
def test_any_other_algorithm_is_refused(entrance, papers, algorithm):
    here = entrance()
    here.check_refused(here.sign(papers["good"], header={"alg": algorithm}), 700027, "The key was not found.")


@pytest.mark.parametrize("taken, other", [("PS256", "RS256"), ("RS256", "PS256")])
def test_a_login_that_takes_one_algorithm_only_does_not_find_the_key_of_the_other(entrance, papers, taken, other):
    here = entrance("--assertion-algorithms", taken)
    line = here.check_refused(here.sign(papers["good"], other), 700027, "not registered")
    assert "Thumbprint" not in line
    assert here.ask(here.sign(papers["good"], taken)).status == 200
    assert [request["assertion"] for request in here.simulator.requests()] == [other, taken]


def test_the_same_assertion_again_is_counted_and_refused_where_that_is_asked_for(entrance, papers):
    lenient = entrance()
    text = lenient.sign(papers["good"])
    assert [lenient.ask(text).status for _ in range(3)] == [200] * 3
    assert lenient.simulator.stats()["repeated_assertions"] == 2
    strict = entrance("--refuse-repeated-assertions")
    text = strict.sign(papers["good"])
    answers = [strict.ask(text), strict.ask(text), strict.ask(strict.sign(papers["good"]))]
    assert [answer.status for answer in answers] == [200, 401, 200] and answers[1].json()["error_codes"] == [50012]
    assert strict.simulator.stats()["repeated_assertions"] == 1


def test_an_assertion_needs_its_type(entrance, papers):
    here = entrance()
    text = here.sign(papers["good"])
    here.check_refused(text, 900144, "client_assertion_type", status=400, error="invalid_request", client_assertion_type=None)
    here.check_refused(text, 9002313, status=400, error="invalid_request",
                       client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer")


def test_with_neither_secret_nor_assertion_both_are_named(entrance):
    here = entrance()
    here.check_refused(None, 7000218, "'client_assertion' or 'client_secret'", client_assertion_type=None)


def test_the_other_checks_come_first(entrance, papers):
    here = entrance()
    text = here.sign(papers["good"])
    here.check_refused(text, 700016, status=400, error="unauthorized_client", client_id="00000000-0000-4000-8000-000000000001")
    here.check_refused(text, 90002, status=400, error="invalid_request", tenant="00000000-0000-4000-8000-000000000002")


@pytest.mark.parametrize("kind", ["missing", "nothing", "elliptic"])
def test_a_file_that_holds_no_certificate_of_an_rsa_key_is_refused(ca, tmp_path, kind):
    path = {"missing": tmp_path / "missing.pem", "nothing": tmp_path / "nothing.pem", "elliptic": ca.file}[kind]
    if kind == "nothing":
        path.write_text("nothing\n", encoding="ascii")
    assert str(path) in refused_start("--client-certificate", path)


@pytest.mark.parametrize("algorithms", ["", "PS384", "PS256,", "ps256", "PS256 RS256"])
def test_an_unknown_algorithm_in_the_options_is_refused(algorithms):
    assert refused_start("--assertion-algorithms", algorithms).startswith("m365keep-sim: --assertion-algorithms: expected ")


# classes of sign-ins

CLASSES = {"interactiveUser": 300, "nonInteractiveUser": 220, "servicePrincipal": 140, "managedIdentity": 90}
COUNTS = ["--sign-ins", 300, "--non-interactive-sign-ins", 220, "--service-principal-sign-ins", 140, "--managed-identity-sign-ins", 90,
          "--directory-audits", 0, "--days", 5]
QUIET = ["--late-percent", 0, "--changed-percent", 0]


@pytest.fixture(name="classes")
def fixture_classes(sim):
    """A simulator with sign-ins of every class, repeated records and empty pages among them."""
    return sim([*COUNTS, "--page-size", 30, "--repeat-percent", 20, "--empty-pages", 10, *QUIET], clock=at(HOUR))


def kind_filter(kind, word="eq"):
    return f"signInEventTypes/any(t: t {word} '{kind}')"


def fetch(simulator, text=None, version="beta", **options):
    """The records of a whole chain, as bytes, in order."""
    link = simulator.link("signIns", version, **({"filter": text} if text else {}), **options)
    return [record for answer in simulator.walk(link) for record in elements(answer.body)]


def ids(records):
    return {json.loads(record)["id"] for record in records}


def kinds(records):
    return dict(collections.Counter(json.loads(record)["signInEventTypes"][0] for record in set(records)))


def test_each_class_of_sign_ins_is_asked_for_by_itself_q32(classes):
    truth = {row[2:] for row in classes.truth()}
    found, served = {}, 0
    for kind, count in CLASSES.items():
        records = fetch(classes, kind_filter(kind))
        assert kinds(records) == {kind: count}
        found[kind], served = ids(records), served + len(records)
        if kind != "interactiveUser":
            assert {(json.loads(record)["id"], hashlib.sha256(record).hexdigest()) for record in records} <= truth
    assert set().union(*found.values()) == {name for name, _ in truth} and sum(map(len, found.values())) == len(truth) == 750
    assert served > 750


def test_without_a_filter_both_versions_show_interactive_sign_ins_only_q32(classes):
    assert kinds(fetch(classes)) == {"interactiveUser": 300}
    plain = [json.loads(record) for record in fetch(classes, version="v1.0")]
    assert {record["id"] for record in plain} == ids(fetch(classes)) and all(record["isInteractive"] is True for record in plain)
    assert not any("signInEventTypes" in record for record in plain)


def test_version_1_does_not_know_the_classes_q32(classes):
    answer = classes.get(classes.link("signIns", filter=kind_filter("nonInteractiveUser")))
    assert answer.status == 400 and answer.json()["error"]["message"].startswith(
        "Invalid filter clause: Could not find a property named 'signInEventTypes'")


OTHERS = {"nonInteractiveUser": 220, "servicePrincipal": 140, "managedIdentity": 90}


@pytest.mark.parametrize("text, expected", [
    (kind_filter("interactiveUser", "ne"), OTHERS),
    ("signInEventTypes/any(x:x eq 'servicePrincipal')", {"servicePrincipal": 140}),
    ("signInEventTypes/any( t : t eq 'SERVICEPRINCIPAL' )", {"servicePrincipal": 140}),
    ("signInEventTypes/any(t: t eq 'servicePrincipal' or t eq 'managedIdentity')", {"servicePrincipal": 140, "managedIdentity": 90}),
    (f"{kind_filter('servicePrincipal')} or {kind_filter('managedIdentity')}", {"servicePrincipal": 140, "managedIdentity": 90}),
    (f"not {kind_filter('interactiveUser')}", OTHERS),
    (f"{kind_filter('interactiveUser', 'ne')} and {kind_filter('managedIdentity', 'ne')}",
     {"nonInteractiveUser": 220, "servicePrincipal": 140}),
    (f"{kind_filter('servicePrincipal')} and {kind_filter('managedIdentity')}", {}),
    (kind_filter("unknownFutureValue"), {}), (kind_filter("somethingElse"), {}),
    (kind_filter("somethingElse", "ne"), CLASSES),
])
def test_classes_are_joined_and_left_out_as_the_filter_says(classes, text, expected):
    records = fetch(classes, text)
    assert kinds(records) == expected
    times = [json.loads(record)["createdDateTime"] for record in dict.fromkeys(records)]
    assert in_order(times)


def in_order(times):
    """Whether texts of times, with fractions of any length, fall from first to last."""
    whole = [time.replace("+00:00", "").rstrip("Z") for time in times]
    padded_times = [(head if "." in head else head + ".").ljust(27, "0") for head in whole]
    return padded_times == sorted(padded_times, reverse=True)


@pytest.mark.parametrize("order", ["before", "behind"])
def test_class_and_time_are_joined_in_either_order(classes, order):
    time = "createdDateTime ge 2025-11-18T00:00:00Z and createdDateTime le 2025-11-19T11:59:59Z"
    kind = kind_filter("servicePrincipal")
    records = fetch(classes, f"{kind} and {time}" if order == "before" else f"{time} and {kind}")
    whole = [json.loads(record) for record in set(fetch(classes, kind))]
    expected = {record["id"] for record in whole if "2025-11-18T00:00:00" <= record["createdDateTime"][:19] <= "2025-11-19T11:59:59"}
    assert ids(records) == expected and 20 < len(expected) < 100


def test_classes_go_with_other_properties_and_with_an_order(classes):
    some = fetch(classes, f"{kind_filter('managedIdentity')} and servicePrincipalName eq 'contoso-backup'")
    assert some and {json.loads(record)["servicePrincipalName"] for record in some} == {"contoso-backup"}
    up = [json.loads(record)["createdDateTime"][:19] for record in fetch(classes, kind_filter("interactiveUser", "ne"),
                                                                         orderby="createdDateTime asc")]
    assert up == sorted(up) and len(up) > 450


@pytest.mark.parametrize("text", [
    "signInEventTypes/any(t: t eq 'interactiveUser'", "signInEventTypes/any(t: t eq interactiveUser)", "signInEventTypes/any(t t eq 'x')",
    "signInEventTypes/any(t: x eq 'servicePrincipal')", "signInEventTypes/any(t: t ge 'servicePrincipal')", "signInEventTypes/any()",
    "signInEventTypes/any", "signInEventTypes/any(t: t eq 'a' or)", "signInEventTypes/any(t: t eq 'a' and t eq 'b')",
    "signInEventTypes/all(t: t eq 'interactiveUser')", "signInEventTypes eq 'interactiveUser'", "riskEventTypes/any(t: t eq 'x')",
    "signInEventTypes/any(t: t eq 'a",
])
def test_a_filter_on_classes_that_graph_would_not_take_is_refused(classes, text):
    answer = classes.get(classes.link("signIns", "beta", filter=text))
    assert answer.status == 400 and answer.json()["error"]["message"].startswith("Invalid filter clause: ")


def test_sign_ins_of_beta_have_what_version_1_has_not(classes):
    beta = {"signInEventTypes", "authenticationDetails", "authenticationRequirement", "sessionId", "uniqueTokenIdentifier",
            "incomingTokenType", "clientCredentialType", "managedServiceIdentity", "servicePrincipalCredentialKeyId"}
    plain = json.loads(fetch(classes, version="v1.0")[0])
    assert not beta & plain.keys()
    for kind in CLASSES:
        for record in map(json.loads, fetch(classes, kind_filter(kind))):
            assert plain.keys() - record.keys() <= {"authenticationAppDeviceDetails"} and beta <= record.keys()


def test_apps_and_managed_identities_are_no_users(classes):
    for record in map(json.loads, fetch(classes, kind_filter("servicePrincipal"))):
        assert not record["userId"] and not record["userPrincipalName"] and record["servicePrincipalId"] and record["appId"]
        assert record["clientCredentialType"] != "managedIdentity" and record["managedServiceIdentity"] is None
    identities = [json.loads(record) for record in fetch(classes, kind_filter("managedIdentity"))]
    assert {record["managedServiceIdentity"]["msiType"] for record in identities} == {"systemAssigned", "userAssigned"}
    assert {record["ipAddress"] for record in identities} == {"", None}
    assert {record["isInteractive"] for record in identities} == {False, None}


def test_some_records_name_a_member_twice_as_the_reference_does_q53(classes):
    for kind in CLASSES:
        doubled = [record for record in fetch(classes, kind_filter(kind)) if record.count(b'"homeTenantId":') == 2]
        assert doubled
    users = fetch(classes, kind_filter("nonInteractiveUser"))
    assert [record for record in users if record.count(b'"uniqueTokenIdentifier":') == 2]


def test_records_of_every_class_come_late_and_change(sim):
    simulator = sim([*COUNTS, "--late-percent", 50, "--changed-percent", 70], clock=at(0))
    before = {kind: set(fetch(simulator, kind_filter(kind))) for kind in CLASSES}
    simulator.clock(at(DAY))
    for kind in CLASSES:
        after = set(fetch(simulator, kind_filter(kind), version="beta"))
        changed = before[kind] - after
        assert changed and ids(changed) <= ids(after)
        old = f"{kind_filter(kind)} and createdDateTime le 2025-11-20T06:00:00Z"
        assert ids(fetch(simulator, old)) - ids(before[kind])


def test_a_record_given_to_it_goes_where_its_class_says(classes):
    for kind in ("servicePrincipal", "interactiveUser", None):
        record = {"id": f"given-{kind}", "createdDateTime": "2025-11-20T11:00:00Z"}
        classes.add_record("sign-ins", {**record, **({"signInEventTypes": [kind]} if kind else {})})
    assert "given-servicePrincipal" in ids(fetch(classes, kind_filter("servicePrincipal")))
    assert {"given-interactiveUser", "given-None"} <= ids(fetch(classes, kind_filter("interactiveUser")))
    assert {name for name in ids(fetch(classes, version="v1.0")) if name.startswith("given")} == {"given-interactiveUser", "given-None"}
    assert len([row for row in classes.truth() if row[2].startswith("given")]) == 3


def test_records_of_a_file_go_where_their_class_says(sim, tmp_path):
    path = tmp_path / "sign-ins.ndjson"
    path.write_text("".join(json.dumps({"id": kind, "createdDateTime": "2025-11-20T11:00:00Z", "signInEventTypes": [kind]}) + "\n"
                            for kind in CLASSES), encoding="utf-8")
    simulator = sim(["--load", f"sign-ins={path}", "--directory-audits", 0])
    for kind in CLASSES:
        assert ids(fetch(simulator, kind_filter(kind))) == {kind}
    assert {row[2] for row in simulator.truth()} == set(CLASSES)


def test_records_added_while_a_merged_chain_is_walked_double_nothing(classes):
    text = kind_filter("interactiveUser", "ne")
    pages = classes.walk(classes.link("signIns", "beta", filter=text))
    found = elements(next(pages).body)
    for number in range(5):
        classes.add_record("sign-ins", {"id": f"new-{number}", "createdDateTime": f"2025-11-{16 + number}T01:00:00Z",
                                        "signInEventTypes": ["servicePrincipal" if number % 2 else "managedIdentity"]})
    found += [record for answer in pages for record in elements(answer.body)]
    assert len(ids(found) - {f"new-{number}" for number in range(5)}) == 450
    assert len({record for record in found if b'"new-' in record}) == len([record for record in found if b'"new-' in record])


def test_a_link_of_one_class_does_not_serve_for_another(classes):
    token = classes.token()
    link = classes.get(classes.link("signIns", "beta", filter=kind_filter("servicePrincipal")), token).json()["@odata.nextLink"]
    answer = classes.get(link.replace("servicePrincipal", "managedIdentity"), token)
    assert answer.status == 400 and "Skip Token" in answer.json()["error"]["message"]


def test_the_interactive_sign_ins_do_not_depend_on_the_other_classes(sim):
    with_all, alone = sim([*COUNTS, *QUIET]), sim(["--sign-ins", 300, "--directory-audits", 0, "--days", 5, *QUIET])
    assert set(fetch(with_all, version="v1.0")) == set(fetch(alone, version="v1.0"))
    assert kinds(fetch(alone, kind_filter("interactiveUser", "ne"))) == {}
