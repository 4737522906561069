"""The command line and the configuration, from outside."""

import json
import os
import re
import stat

import pytest

from simulator import CLIENT_ID as CLIENT
from simulator import CLIENT_SECRET as SECRET
from simulator import TENANT

GOOD = {"GRAPH_TENANT_ID": TENANT, "GRAPH_CLIENT_ID": CLIENT, "GRAPH_CLIENT_SECRET": SECRET}

# Nothing listens there: for runs that must fail before or at the first request.
NOWHERE = {"LOGIN_URL": "http://127.0.0.1:9", "GRAPH_URL": "http://127.0.0.1:9", "MANAGE_URL": "http://127.0.0.1:9"}


# --- commands ---------------------------------------------------------------------------------------------------------


def test_alone_it_teaches_and_fails(keep):
    result = keep([])
    assert result.returncode == 2 and result.stdout == ""
    assert "Commands:" in result.stderr and "collect" in result.stderr and "search" in result.stderr


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["-h"], ["help", "help"]])
def test_help_lists_the_commands(keep, arguments):
    result = keep(arguments)
    assert result.returncode == 0 and result.stderr == ""
    assert "collect" in result.stdout and "search" in result.stdout and "GRAPH_CLIENT_SECRET" in result.stdout


def test_every_command_that_is_listed_explains_itself(keep):
    listed = re.findall(r"^  ([a-z]+) +\S", keep(["help"]).stdout, re.MULTILINE)
    assert {"collect", "search"} <= set(listed)
    for command in listed:
        told = [keep(arguments) for arguments in (["help", command], [command, "--help"], [command, "-h"])]
        assert all(result.returncode == 0 and result.stderr == "" for result in told)
        assert len({result.stdout for result in told}) == 1
        assert f"m365keep {command}" in told[0].stdout and "--db" in told[0].stdout


@pytest.mark.parametrize("arguments", [["--version"], ["collect", "--version"], ["search", "--version"]])
def test_the_version_is_told(keep, arguments):
    result = keep(arguments)
    assert result.returncode == 0 and re.fullmatch(r"m365keep \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("word, meant", [("serch", "search"), ("SEARCH", "search"), ("colect", "collect"), ("coll", "collect"),
                                         ("hlep", "help")])
def test_a_mistyped_command_gets_a_suggestion(keep, word, meant):
    for arguments in ([word], ["help", word] if meant != "help" else [word]):
        result = keep(arguments)
        assert result.returncode == 2 and result.stdout == ""
        assert f'did you mean "{meant}"?' in result.stderr


def test_a_word_far_from_any_command_gets_none(keep):
    result = keep(["frobnicate\x1b[31m"])
    assert result.returncode == 2 and "did you mean" not in result.stderr and "\x1b" not in result.stderr


@pytest.mark.parametrize("arguments, part", [
    (["--db", "x.db", "search"], "options follow the command"),
    (["help", "search", "collect"], "one command"),
    (["search", "--bogus"], "--bogus"),
    (["collect", "--bogus=1"], "--bogus"),
    (["search", "--db"], "--db"),
    (["collect", "--quiet", "--verbose"], "contradict"),
    (["collect", "--log-format", "xml"], "logfmt or json"),
    (["collect", "--db", ""], "--db is empty"),
    (["collect", "surplus"], "surplus"),
    (["search", "--env-file", "nowhere.env"], "nowhere.env"),
])
def test_wrong_usage_exits_2_and_says_what_is_wrong(keep, arguments, part):
    result = keep(arguments, env=GOOD | NOWHERE)
    assert result.returncode == 2 and result.stdout == ""
    assert part in result.stderr


def test_errors_are_json_lines_when_asked_for(keep):
    result = keep(["collect", "--log-format", "json"])
    assert result.returncode == 2
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert lines and lines[-1]["level"] == "error" and "GRAPH_TENANT_ID" in lines[-1]["message"]


# --- credentials and settings -----------------------------------------------------------------------------------------


def test_without_credentials_it_says_what_to_set(keep):
    result = keep(["collect"])
    assert result.returncode == 2 and result.stdout == ""
    for key in GOOD:
        assert key in result.stderr
    assert ".env" in result.stderr


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_credentials_in_part_name_what_is_missing(keep, missing):
    result = keep(["collect"], env={key: value for key, value in GOOD.items() if key != missing})
    assert result.returncode == 2
    assert f"{missing} is missing" in result.stderr
    empty = keep(["collect"], env=GOOD | {missing: ""})
    assert empty.returncode == 2 and f"{missing} (set, but empty)" in empty.stderr


@pytest.mark.parametrize("key, value", [
    ("GRAPH_TENANT_ID", "ZQXSECRET"), ("GRAPH_TENANT_ID", "common"), ("GRAPH_TENANT_ID", "ZQXSECRET.example"),
    ("GRAPH_CLIENT_ID", "ZQXSECRET"), ("GRAPH_CLIENT_SECRET", "ZQXSECRET "), ("GRAPH_CLIENT_SECRET", '"ZQXSECRET"'), ("M365_CLOUD", "ZQXSECRET"),
    ("LOGIN_URL", "http://login.example/ZQXSECRET"), ("GRAPH_URL", "https://graph.example/?ZQXSECRET"),
    ("MANAGE_URL", "https://ZQXSECRET@manage.example"), ("M365KEEP_CUSTOMER", "all"), ("REQUEST_BUDGETS", "ZQXSECRET"),
    ("REQUEST_TIMEOUT_SECONDS", "ZQXSECRET"), ("REQUEST_TIMEOUT_SECONDS", "0"), ("M365KEEP_CLOCK", "ZQXSECRET"), ("TZ", "Nowhere/ZQXSECRET"),
])
def test_a_wrong_value_is_named_by_its_key_and_not_shown(keep, tmp_path, key, value):
    result = keep(["collect", "--db", "x.db"], env=GOOD | {key: value})
    assert result.returncode == 2 and result.stdout == ""
    assert f"{key} (from the environment)" in result.stderr
    if key != "M365KEEP_CLOCK":
        assert "ZQXSECRET" not in result.stderr
    assert not (tmp_path / "x.db").exists()


def test_a_domain_is_not_taken_for_a_tenant_and_the_message_says_where_the_id_is(keep):
    result = keep(["collect", "--db", "x.db"], env=GOOD | {"GRAPH_TENANT_ID": "contoso.onmicrosoft.com"})
    assert result.returncode == 2 and "is not a GUID" in result.stderr
    assert "Entra portal, Overview, Tenant ID" in result.stderr


def test_a_fault_of_the_env_file_names_its_line(keep, tmp_path):
    (tmp_path / ".env").write_text(f"# comment\nGRAPH_TENANT_ID={TENANT}\n\nGRAPH_CLIENT_SECRET='ZQXSECRET\n")
    result = keep(["collect"])
    assert result.returncode == 2
    assert ".env, line 4: GRAPH_CLIENT_SECRET" in result.stderr and "ZQXSECRET" not in result.stderr


def test_the_secrets_id_in_place_of_its_value_is_warned_of(keep):
    result = keep(["collect", "--db", "x.db"], env=GOOD | NOWHERE | {"GRAPH_CLIENT_SECRET": CLIENT, "M365KEEP_CLOCK": "1@0@1"})
    assert "the secret's ID" in result.stderr and CLIENT not in result.stderr


# --- the whole way, from .env to Microsoft's part ---------------------------------------------------------------------

DIALECT = {
    "plain": "{key}={value}\n",
    "export, blanks and a comment": "  export {key} = {value} # {key} of the app\n",
    "single quotes": "{key}='{value}'\n",
    "double quotes": '{key}="{value}"\n',
    "colon": "{key}: {value}\n",
    "windows": "{key}={value}\r\n",
    "reference": "X_{key}={value}\n{key}=${{X_{key}}}\n",
    "default": '{key}="${{NOT_SET_ANYWHERE:-{value}}}"\n',
}


def env_file(settings, form):
    return "".join(DIALECT[form].format(key=key, value=value) for key, value in settings.items())


def settings_for(simulator):
    return GOOD | {"LOGIN_URL": simulator.url + "/", "GRAPH_URL": simulator.url, "MANAGE_URL": simulator.url,
                   "M365KEEP_CLOCK": simulator.keep_clock, "REQUEST_BUDGETS": "none", "M365KEEP_CUSTOMER": "Kancelaria Żółw",
                   "M365KEEP_DB": "from-file.db"}


def test_every_form_of_the_env_file_collects(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "20", "--directory-audits", "5", "--days", "1"])
    for form in DIALECT:
        text = env_file(settings_for(simulator), form)
        (tmp_path / ".env").write_bytes(("\ufeff" if form == "windows" else "").encode() + text.encode())
        result = keep(["collect", "--json"])
        assert result.returncode == 0, f"{form}: {result.stderr}"
        [customer] = json.loads(result.stdout)["customers"]
        assert (customer["customer"], customer["tenant_id"]) == ("Kancelaria Żółw", TENANT), form
        assert SECRET not in result.stdout + result.stderr
    assert stat.S_IMODE((tmp_path / "from-file.db").stat().st_mode) == 0o600


def test_a_secret_with_every_odd_character_arrives_whole(keep, sim, tmp_path):
    secret = 'a"b\'c$d\\e#f &=%+g~'
    simulator = sim(["--sign-ins", "5", "--directory-audits", "0", "--days", "1", "--client-secret", secret])
    settings = settings_for(simulator)
    del settings["GRAPH_CLIENT_SECRET"]
    forms = {
        "double": 'GRAPH_CLIENT_SECRET="a\\"b\'c\\$d\\\\e#f &=%+g~"\n',
        "unquoted": "GRAPH_CLIENT_SECRET=a\"b'c$$d\\e#f &=%+g~\n",
        "file": "GRAPH_CLIENT_SECRET_FILE=secret\n",
    }
    (tmp_path / "secret").write_text(secret + "\n")
    for form, line in forms.items():
        (tmp_path / ".env").write_text(env_file(settings, "single quotes") + line)
        result = keep(["collect"])
        assert result.returncode == 0, f"{form}: {result.stderr}"


def test_the_real_environment_wins_over_the_env_file(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "0", "--days", "1"])
    (tmp_path / ".env").write_text(env_file(settings_for(simulator) | {"GRAPH_CLIENT_SECRET": "wrong"}, "plain"))
    assert keep(["collect"]).returncode == 1
    result = keep(["collect", "--json", "--db", "option.db"], env={"GRAPH_CLIENT_SECRET": SECRET, "M365KEEP_CUSTOMER": "real"})
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["customers"][0]["customer"] == "real"
    assert (tmp_path / "option.db").exists()


def test_another_env_file_can_be_named(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "0", "--days", "1"])
    (tmp_path / ".env").write_text("this is no environment file\n")
    (tmp_path / "other").write_text(env_file(settings_for(simulator), "double quotes"))
    result = keep(["collect", "--env-file", "other"])
    assert result.returncode == 0, result.stderr


def test_a_secret_may_come_from_systemd_or_a_pipe(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "0", "--days", "1"])
    environment = {"GRAPH_CLIENT_SECRET": "", "M365KEEP_DB": "x.db"}
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "GRAPH_CLIENT_SECRET").write_text(SECRET + "\n")
    result = keep(["collect"], sim=simulator, env=environment | {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
    assert result.returncode == 0, result.stderr
    reading, writing = os.pipe()
    os.write(writing, SECRET.encode())
    os.close(writing)
    result = keep(["collect"], sim=simulator, env=environment | {"GRAPH_CLIENT_SECRET_FILE": f"/dev/fd/{reading}"},
                  pass_fds=[reading])
    os.close(reading)
    assert result.returncode == 0, result.stderr


def test_the_secret_is_nowhere_to_be_seen(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "30", "--directory-audits", "10", "--days", "1"])
    for secret, status in ((SECRET, 0), ("ZQXSECRET~wrong+/=", 1)):
        for arguments in (["collect", "-v"], ["collect", "--json", "--log-format", "json", "-v"]):
            result = keep([*arguments, "--db", "seen.db"], sim=simulator, env={"GRAPH_CLIENT_SECRET": secret})
            assert result.returncode == status, result.stderr
            assert secret not in result.stdout + result.stderr
    assert "AADSTS7000215" in result.stderr + result.stdout
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert SECRET.encode() not in data and b"ZQXSECRET" not in data, path
