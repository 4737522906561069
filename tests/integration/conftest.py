"""Fixtures of the black-box tests: where the programs are, a clean way to run them, simulators that end with the test."""

import hashlib
import os
import pathlib
import subprocess

import pytest

import certificates
import hostile
from simulator import CLIENT_ID, CLIENT_SECRET, TENANT, Simulator
from smtp_server import OpenSmtpd, ScriptedServer

pytest.register_assert_rewrite("timelines")  # which checks reports

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Time stands still here, so that what is collected does not depend on the time of day.
NOON = 1_763_640_000  # 2025-11-20T12:00:00Z
CLOCK = f"{NOON}@0@{NOON}"

PASSED_ON = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")
RACES = f"suppressions='{REPOSITORY / 'tests' / 'tsan.supp'}':"
LEAKS = f"suppressions='{REPOSITORY / 'tests' / 'lsan.supp'}':print_suppressions=0:"  # the developer's own options come behind it


def clean_environment(home, more=None):
    """An environment with nothing of the developer's in it."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    # GLib's own allocator hands memory from thread to thread in ways that ThreadSanitizer does not see.
    environment.update({"HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", "G_SLICE": "always-malloc",
                        "LSAN_OPTIONS": LEAKS + os.environ.get("LSAN_OPTIONS", ""),
                        "TSAN_OPTIONS": RACES + os.environ.get("TSAN_OPTIONS", "")})
    environment.update(more or {})
    return environment


def simulated_environment(simulator):
    """The variables with which m365keep talks to a simulator instead of Microsoft."""
    return {"GRAPH_TENANT_ID": TENANT, "GRAPH_CLIENT_ID": CLIENT_ID, "GRAPH_CLIENT_SECRET": CLIENT_SECRET,
            "LOGIN_URL": simulator.url, "GRAPH_URL": simulator.url, "MANAGE_URL": simulator.url, "REQUEST_BUDGETS": "none",
            "M365KEEP_CLOCK": simulator.keep_clock, **({"SSL_CERT_FILE": str(simulator.ca)} if simulator.ca else {})}


def start_simulator(arguments, clock=None, authority=None):
    """A simulator whose clock is known here: `clock`, the one among the arguments, or CLOCK. authority: over https."""
    arguments = [str(argument) for argument in arguments]
    simulator = Simulator()
    if clock is None and "--clock" in arguments:
        simulator.start(*arguments, authority=authority)
        simulator.keep_clock = arguments[arguments.index("--clock") + 1]
    else:
        simulator.start(*arguments, clock=clock or CLOCK, authority=authority)
        simulator.keep_clock = clock or CLOCK
    return simulator


@pytest.fixture(scope="session", name="build")
def fixture_build():
    """The build under test: $M365KEEP_BUILD, else build/debug."""
    folder = pathlib.Path(os.environ.get("M365KEEP_BUILD", REPOSITORY / "build" / "debug")).resolve()
    assert (folder / "m365keep").exists(), f"{folder} holds no m365keep: build it first, or set M365KEEP_BUILD"
    return folder


@pytest.fixture(scope="session", name="repository")
def fixture_repository():
    return REPOSITORY


@pytest.fixture(scope="session", name="venv")
def fixture_venv():
    """The interpreter that has the packages of tests/requirements.txt. Run it as a process: they are not for this one."""
    folder = REPOSITORY / "build" / "venv"
    wanted = hashlib.sha256((REPOSITORY / "tests" / "requirements.txt").read_bytes()).hexdigest()
    stamp = folder / "requirements.sha256"
    if stamp.exists() and stamp.read_text(encoding="ascii").strip() == wanted:
        return folder / "bin" / "python3"
    words = "build/venv does not hold the packages of tests/requirements.txt: run scripts/test-venv; NO REAL CLIENT WAS TRIED"
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    return pytest.skip(words)


def runner(build, folder):
    """keep(ARGUMENTS, sim=, env=, ...) runs the program in `folder` to its end and returns a CompletedProcess of texts. In env, None
    takes a variable away."""

    def keep(arguments, sim=None, env=None, **options):
        environment = clean_environment(folder, simulated_environment(sim) if sim else None)
        environment.update(env or {})
        environment = {name: value for name, value in environment.items() if value is not None}
        options = {"cwd": folder, "timeout": 300, "text": True, "encoding": "utf-8", "stdin": subprocess.DEVNULL,
                   "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.run([build / "m365keep", *arguments], env=environment, check=False, **options)

    return keep


@pytest.fixture(scope="session", name="ca")
def fixture_ca(tmp_path_factory):
    """A private certificate authority, and the certificate that it gave to localhost."""
    return certificates.Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(name="keep")
def fixture_keep(build, tmp_path):
    return runner(build, tmp_path)


@pytest.fixture(name="sim")
def fixture_sim():
    """sim(ARGUMENTS, clock=None, authority=None) starts a simulator, with an authority over https; all end with the test."""
    started = []

    def start(arguments=(), clock=None, authority=None):
        started.append(start_simulator(arguments, clock, authority))
        return started[-1]

    yield start
    for simulator in started:
        simulator.stop()


@pytest.fixture(name="scripted")
def fixture_scripted():
    """scripted(SCRIPT, ...) starts a ScriptedServer that ends with the test."""
    started = []

    def start(*arguments, **options):
        started.append(ScriptedServer(*arguments, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(name="opensmtpd")
def fixture_opensmtpd(scripted, tmp_path):
    """(OpenSMTPD, the server that it hands its mails on to)."""
    missing = OpenSmtpd.missing()
    if missing:
        words = f"{missing}: NO MAIL WENT THROUGH A SERVER OF ANOTHER'S MAKING"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    onward = scripted()
    server = OpenSmtpd(tmp_path, onward.port)
    try:
        yield server.start(), onward
    finally:
        server.stop()


@pytest.fixture(scope="session", name="filled_db")
def fixture_filled_db(build, tmp_path_factory):
    """A database that the program itself filled from a simulator: some thousand records, and hostile ones. Read only."""
    folder = tmp_path_factory.mktemp("filled")
    simulator = start_simulator(["--seed", "3", "--sign-ins", "1200", "--directory-audits", "300", "--days", "5"])
    try:
        for source, record in hostile.records(NOON):
            simulator.add_record(source, record)
        result = runner(build, folder)(["collect", "--db", "filled.db"], sim=simulator)
        assert result.returncode == 0, result.stderr
    finally:
        simulator.stop()
    return folder / "filled.db"


@pytest.fixture(scope="session", name="two_db")
def fixture_two_db(build, tmp_path_factory):
    """A database with the records of two customers, contoso and fabrikam. Read only."""
    folder = tmp_path_factory.mktemp("two")
    other = "22222222-3333-4444-8555-666666666666"
    simulator = start_simulator(["--sign-ins", "40", "--directory-audits", "20", "--days", "3", "--tenant", TENANT, "--tenant", other])
    try:
        for name, tenant in (("contoso", TENANT), ("fabrikam", other)):
            result = runner(build, folder)(["collect", "--db", "two.db"], sim=simulator,
                                           env={"M365KEEP_CUSTOMER": name, "GRAPH_TENANT_ID": tenant})
            assert result.returncode == 0, result.stderr
    finally:
        simulator.stop()
    return folder / "two.db"
