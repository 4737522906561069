"""m365keep signs in with a certificate, over https with a private authority: what it sends, what it says when it is refused, and that
nothing of the key gets out. Golden words are in golden/certificate."""

import re
import subprocess
import sys

import pytest

import certificates
import conftest
from desk import GOLDEN, Desk, golden_name
from simulator import CLIENT_ID

DAY, HOUR = 86400, 3600
NOON = conftest.NOON
STEADY = ["--sign-ins", "60", "--directory-audits", "30", "--days", "2", "--page-size", "20", "--empty-pages", "0", "--repeat-percent", "0",
          "--late-percent", "0", "--changed-percent", "0", "--refuse-repeated-assertions"]
REGISTERED = ("good", "expired", "soon")


@pytest.fixture(scope="module", name="papers")
def fixture_papers(tmp_path_factory):
    """Certificates by what is special about them."""
    folder = tmp_path_factory.mktemp("papers")
    kinds = {"good": {}, "stranger": {}, "expired": {"span": (NOON - 90 * DAY, NOON - DAY)},
             "soon": {"span": (NOON - 90 * DAY, NOON + 10 * DAY)}, "small": {"bits": 1024}}
    return {name: certificates.AppCertificate(folder, name, **more) for name, more in kinds.items()}


class Office(Desk):
    """A desk whose simulator serves https and knows some certificates, and that has no secret."""

    def sign_in(self, certificate, clock=None, **env):
        """A run with what GRAPH_CLIENT_CERTIFICATE says (None: nothing of the kind); nothing secret may be in its words."""
        run = self.run(env={"GRAPH_CLIENT_SECRET": None, "GRAPH_CLIENT_CERTIFICATE": certificate and str(certificate), **env}, clock=clock)
        assert "eyJ" not in run.words and not re.search(r"[A-Za-z0-9+/]{64}", run.words)
        return run

    def check_words(self, run, **more):
        """Against the golden file, whatever keys and places are this time."""
        prints = {found: "<thumbprint>" for found in re.findall(r"\b[0-9A-F]{14,64}(?![\w-])", run.words)}
        self.check_golden(run, {**prints, **more})


def proofs(run):
    """(how the assertion was signed, the status) of each request for a token."""
    return [(request["assertion"], request["status"]) for request in run.asked("token")]


@pytest.fixture(name="office")
def fixture_office(keep, sim, ca, papers, tmp_path, request):
    golden = f"certificate/{golden_name(request.node.name)}"

    def make(*options):
        known = [part for name in REGISTERED for part in ("--client-certificate", papers[name].public)]
        return Office(keep, sim([*STEADY, *known, *options], authority=ca), tmp_path, golden)

    return make


def test_a_certificate_signs_in_over_https_with_a_private_authority(office, papers):
    here = office()
    run = here.sign_in(papers["good"].both)
    run.check_quiet()
    assert here.rows() == here.truth() and proofs(run) == [("PS256", 200)]
    assert here.simulator.url.startswith("https://localhost:")
    here.check_words(run)


@pytest.mark.parametrize("way", ["text", "one_line", "file", "env_file", "credentials", "chain"])
def test_the_certificate_may_come_in_every_way_a_secret_may(office, ca, papers, tmp_path, way):
    here, good, path = office(), papers["good"], tmp_path / "given.pem"
    env, certificate = {}, None
    if way == "text":
        certificate = good.text
    elif way == "one_line":
        certificate = good.text.replace("\n", "\\n")
    elif way == "file":
        env = {"GRAPH_CLIENT_CERTIFICATE_FILE": str(good.both)}
    elif way == "env_file":
        (tmp_path / ".env").write_text(f"GRAPH_CLIENT_CERTIFICATE={good.both}\n", encoding="utf-8")
    elif way == "credentials":
        (tmp_path / "GRAPH_CLIENT_CERTIFICATE").write_text(good.text, encoding="ascii")
        env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    else:
        path.write_text(f"about this\r\n{ca.file.read_text(encoding='ascii')}{good.text}".replace("\n", "\r\n"), encoding="ascii")
        certificate = path
    run = here.sign_in(certificate, **env)
    run.check_quiet()
    assert here.rows() == here.truth() and proofs(run) == [("PS256", 200)]


def test_without_the_private_authority_nothing_is_sent_q117(office, papers):
    here = office()
    run = here.sign_in(papers["good"].both, SSL_CERT_FILE=None)
    assert run.status == 1 and run.requests == [] and here.rows() == set()
    assert "SSL_CERT_FILE" in run.check_error("certificate")["hint"]
    here.check_words(run)
    here.check_completes()


def test_a_login_of_before_is_asked_in_the_old_form_and_that_is_remembered(office, papers):
    here = office("--assertion-algorithms", "RS256")
    here.simulator.fault({"expire_token": True}, "signIns", page=2, times=1)
    run = here.sign_in(papers["good"].both)
    assert run.status == 0 and here.rows() == here.truth(), run.words
    assert proofs(run) == [("PS256", 401), ("RS256", 200), ("RS256", 200)]


def test_every_token_has_an_assertion_of_its_own(office, papers):
    here = office()
    here.simulator.fault({"expire_token": True}, "signIns", page=2, times=1)
    run = here.sign_in(papers["good"].both)
    run.check_quiet()
    assert proofs(run) == [("PS256", 200), ("PS256", 200)] and here.simulator.stats()["repeated_assertions"] == 0


@pytest.mark.parametrize("kind", ["stranger", "expired"])
def test_a_certificate_that_the_service_refuses_is_told_with_its_mend(office, papers, kind):
    here, paper = office(), papers[kind]
    run = here.sign_in(paper.both)
    assert run.status == 1 and here.rows() == set()
    assert proofs(run) == [("PS256", 401), ("RS256", 401)]
    error = run.check_error("AADSTS700027", http=401)
    if kind == "stranger":
        assert paper.sha1.hex().upper() in error["hint"]
    else:
        assert "expired on 2025-11-19" in error["message"]
    here.check_words(run)
    here.check_completes()


def test_a_certificate_that_will_expire_soon_is_told_in_time(office, papers):
    here = office()
    run = here.sign_in(papers["soon"].both)
    assert run.status == 0 and here.rows() == here.truth()
    warning, = run.level("warn")
    assert "2025-11-30" in warning["msg"] and warning["customer"] == "default"
    here.check_words(run)


def unusable(papers, ca, folder, kind):
    """A file with a certificate that cannot be signed with."""
    good, path = papers["good"], folder / "unusable.pem"
    key = good.text[good.text.index("-----BEGIN PRIVATE KEY-----"):]
    texts = {"key_of_another": papers["stranger"].public.read_text(encoding="ascii") + key, "no_key": good.public.read_text(encoding="ascii"),
             "no_certificate": key, "small": papers["small"].text, "elliptic": ca.server.read_text(encoding="ascii"),
             "broken": good.text.replace("\n", "!\n", 5), "empty": "", "encrypted": None}
    encrypted = good.key.private_bytes(certificates.serialization.Encoding.PEM, certificates.serialization.PrivateFormat.PKCS8,
                                       certificates.serialization.BestAvailableEncryption(b"word"))
    path.write_text(texts[kind] if texts[kind] is not None else good.public.read_text(encoding="ascii") + encrypted.decode(), encoding="ascii")
    return path


@pytest.mark.parametrize("kind", ["key_of_another", "small", "elliptic", "broken"])
def test_a_certificate_that_cannot_sign_is_told_before_anything_is_asked(office, papers, ca, tmp_path, kind):
    here = office()
    run = here.sign_in(unusable(papers, ca, tmp_path, kind))
    assert run.status == 1 and run.requests == [] and here.rows() == set()
    assert "GRAPH_CLIENT_CERTIFICATE" in run.check_error("client_certificate")["hint"]
    here.check_words(run)
    here.check_completes()


@pytest.mark.parametrize("kind", ["no_key", "no_certificate", "encrypted", "empty", "missing"])
def test_a_file_that_lacks_what_is_needed_is_a_matter_of_configuration(office, papers, ca, tmp_path, kind):
    here = office()
    path = tmp_path / "missing.pem" if kind == "missing" else unusable(papers, ca, tmp_path, kind)
    run = here.sign_in(path)
    assert run.status == 2 and run.requests == [] and "GRAPH_CLIENT_CERTIFICATE" in run.words
    here.check_words(run, **{str(tmp_path): "<folder>"})


@pytest.mark.parametrize("way", ["behind", "ahead"])
def test_a_clock_that_is_hours_wrong_is_told_and_the_services_time_taken_q36_q125(office, papers, way):
    here = office()
    wrong = NOON + {"behind": -5, "ahead": 5}[way] * HOUR
    run = here.sign_in(papers["good"].both, clock=f"{wrong}@0@{wrong}")
    assert run.status == 0 and here.rows() == here.truth()
    assert proofs(run) == [("PS256", 401), ("PS256", 200)]
    assert any(f"5 h 0 min {way}" in line["msg"] for line in run.level("warn"))
    here.check_words(run)


def test_a_clock_that_is_minutes_wrong_does_no_harm_q125(office, papers):
    here = office()
    for seconds in (-120, 120):
        wrong = NOON + seconds
        run = here.sign_in(papers["good"].both, clock=f"{wrong}@0@{wrong}")
        assert run.status == 0 and proofs(run) == [("PS256", 200)]
    assert here.rows() == here.truth()


def test_a_time_that_is_refused_whatever_it_is_ends_the_run_and_says_so_q125(office, papers):
    here = office()
    here.simulator.fault({"aadsts": 700024}, "token")
    run = here.sign_in(papers["good"].both)
    assert run.status == 1 and here.rows() == set() and len(run.asked("token")) == 2
    run.check_error("AADSTS700024", http=run.asked("token")[0]["status"])
    here.check_words(run)
    here.check_completes()


def test_an_app_that_the_tenant_does_not_know_is_no_matter_of_the_certificate(office, papers):
    here = office()
    run = here.sign_in(papers["good"].both, GRAPH_CLIENT_ID="00000000-0000-4000-8000-000000000001")
    assert run.status == 1 and len(run.asked("token")) == 1 and CLIENT_ID not in run.words
    run.check_error("AADSTS700016", http=400)


def test_every_golden_of_a_certificate_belongs_to_a_test(repository):
    listed = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", __file__],
                            cwd=repository, capture_output=True, text=True, check=True).stdout
    names = {golden_name(line.split("::", 1)[1]) for line in listed.splitlines() if "::" in line}
    assert {path.stem for path in (GOLDEN / "certificate").glob("*.txt")} <= names
