"""init: the files to start from, blank or out of a config.py."""

import json
import os
import re
import resource
import sqlite3
import stat
import subprocess

import pytest

from conftest import simulated_environment
from simulator import CLIENT_ID, TENANT

OTHER = "22222222-3333-4444-8555-666666666666"


def simulated(simulator):
    return {key: value for key, value in simulated_environment(simulator).items()
            if key not in ("GRAPH_TENANT_ID", "GRAPH_CLIENT_ID", "GRAPH_CLIENT_SECRET")}


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- blank files ------------------------------------------------------------------------------------------------------


def test_the_files_are_for_their_owner_only(keep, tmp_path):
    result = keep(["init"], preexec_fn=lambda: os.umask(0))
    assert result.returncode == 0 and result.stdout == "", result.stderr
    assert set(tree(tmp_path)) == {"m365keep.yaml", ".env"}
    for name in ("m365keep.yaml", ".env"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert f"Wrote {name}\n" in result.stderr


@pytest.mark.parametrize("more", [[], ["--from-config-py", "config.py"]])
def test_what_is_to_be_done_next_names_the_database(keep, tmp_path, more):
    """Its default is a folder that only an installation makes."""
    (tmp_path / "config.py").write_text("CUSTOMERS = {'a': {'variable': 'A'}}\n")
    last = keep(["init", *more]).stderr.splitlines()[-1]
    assert "m365keep collect" in last and "database" in last and "/var/lib/m365keep" in last


def test_filled_in_they_collect(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "2", "--days", "1"])
    assert keep(["init"]).returncode == 0
    text = (tmp_path / ".env").read_text()
    filled = re.sub(r"<[^>]*tenant[^>]*>;<[^>]*client[^>]*>;<[^>]*>", f"{TENANT};{CLIENT_ID};simulated~Secret.1+/=", text)
    assert filled != text
    (tmp_path / ".env").write_text(filled)
    result = keep(["collect", "--json", "--db", "x.db", "--only", "sign-ins,directory-audits"], env=simulated(simulator))
    assert result.returncode == 0, result.stderr
    assert [customer["customer"] for customer in json.loads(result.stdout)["customers"]] == ["mycompany"]


def test_before_they_are_filled_in_the_message_says_where(keep):
    assert keep(["init"]).returncode == 0
    result = keep(["collect", "--db", "x.db"])
    assert result.returncode == 2
    assert re.search(r"the tenant_id in MYCOMPANY_APP \(from \.env, line \d+\) is not a GUID", result.stderr)


def test_every_setting_can_be_put_in_force(keep, tmp_path):
    assert keep(["init"]).returncode == 0
    text = (tmp_path / "m365keep.yaml").read_text()
    in_force = re.sub(r"^#(?! \S)", "", text, flags=re.MULTILINE)
    assert in_force.count("#") < text.count("#") / 2
    (tmp_path / "m365keep.yaml").write_text(in_force)
    (tmp_path / "templates").mkdir()
    (tmp_path / "status_map.yaml").write_text("resolved: 10\n")
    result = keep(["search", "x", "--db", "none.db"])
    assert "m365keep.yaml" not in result.stderr and "none.db" in result.stderr


def test_the_manual_explains_every_key_of_the_file(keep, repository, tmp_path):
    assert keep(["init"]).returncode == 0
    keys = set(re.findall(r"^#?(?! \S) *(?:- )?([a-z_]+):", (tmp_path / "m365keep.yaml").read_text(), re.MULTILINE))
    assert {"database", "per_source", "sign_ins", "every", "certificate", "timezone"} <= keys and len(keys) > 40
    page = (repository / "docs" / "m365keep.yaml.5").read_text(encoding="utf-8")
    assert not [key for key in keys if not re.search(rf"\b{key}\b", page)]


@pytest.mark.parametrize("there, named", [
    (["m365keep.yaml"], "m365keep.yaml is there already"),
    ([".env"], ".env is there already"),
    (["m365keep.yaml", ".env"], "m365keep.yaml, .env are there already"),
])
def test_nothing_is_overwritten(keep, tmp_path, there, named):
    for name in there:
        (tmp_path / name).write_text("mine\n")
    before = tree(tmp_path)
    result = keep(["init"])
    assert result.returncode == 1 and named in result.stderr
    assert tree(tmp_path) == before


def test_a_link_is_not_followed(keep, tmp_path):
    (tmp_path / ".env").symlink_to(tmp_path / "elsewhere")
    result = keep(["init"])
    assert result.returncode == 1 and ".env is there already" in result.stderr
    assert not (tmp_path / "elsewhere").exists() and not (tmp_path / "m365keep.yaml").exists()


def test_another_folder_is_made(keep, tmp_path):
    result = keep(["init", "--output", "a/b"])
    assert result.returncode == 0, result.stderr
    assert set(tree(tmp_path)) == {"a/b/m365keep.yaml", "a/b/.env"}
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "file").write_text("")
    result = keep(["init", "--output", "file/x"])
    assert result.returncode == 1 and "cannot make the folder file/x" in result.stderr


def test_when_one_file_cannot_be_written_none_is_left(keep, tmp_path):
    """The third of three files is larger than files may be here."""
    (tmp_path / "config.py").write_text(f"CUSTOMERS = {{'a': {{'variable': 'A'}}}}\nMAIL_SIGNATURE = '{'x' * 100000}'\n")
    result = keep(["init", "--from-config-py", "config.py"], restore_signals=False,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000)))
    assert result.returncode == 1 and "cannot write signature.html: File too large; nothing was written" in result.stderr
    assert set(tree(tmp_path)) == {"config.py"}


def test_json_says_what_was_written(keep):
    result = keep(["init", "--json", "--output", "x"])
    assert result.returncode == 0 and result.stderr == ""
    assert json.loads(result.stdout) == {"written": ["x/m365keep.yaml", "x/.env"], "remarks": []}


def test_wrong_usage_is_told(keep, tmp_path):
    for arguments, part in ((["init", "x"], "no argument 'x'"), (["init", "--from-config-py"], "--from-config-py"),
                            (["init", "--from-config-py", "none.py"], "cannot read none.py")):
        result = keep(arguments)
        assert result.returncode == 2 and part in result.stderr
    assert not tree(tmp_path)


# --- out of a config.py -----------------------------------------------------------------------------------------------

# Made up from end to end, in the shapes that such files have.
CONFIG = f'''# -*- coding: utf-8 -*-
"""Settings of the monitor."""
import os

CUSTOMERS = {{
    'Contoso Ltd': {{
        'variable': 'API_CHECK_CONTOSO',
        'services': ['Intune', 'Exchange', 'Microsoft365Defender'],  # health
        'fallback': '{TENANT};{CLIENT_ID};'
                    'simulated~Secret.1+/=',
        'mail_to': 'desk@contoso.example; soc@contoso.example',
        'mail_cc': '',
    }},
    "Kancelaria Żółw: 'Spółka'": {{
        "variable": "API_CHECK_ZOLW",
        "services": [],
        "fallback": "{OTHER};" + "{CLIENT_ID};" + "simulated~Secret.1+/=",
        "mail_to": ["zolw@example.org"],
        "mail_cc": None,
    }},
}}

STATUS_MAP = {{
    'serviceOperational': 10, 'serviceRestored': 9,
    'serviceDegradation': 5,
}}
SMTP_SERVER = 'mail.example.org'
SMTP_PORT = 587
MAIL_FROM = 'Health desk <desk@example.org>'
MAIL_TO = ''
MAIL_SUBJECT = 'Health of {{customer}}'
MAIL_SIGNATURE = """<p>Regards,<br>
the desk</p>"""
DB_DAYS_SCOPE = 365
DB_DAYS_PREV_FROM = 1
DB_DAYS_PREV_TO = 1
DIR_LOG = os.path.join('log')
DIR_IMG = 'img'
VERSION = '1.2'


def path(name):
    return os.path.join(DIR_IMG, name)
'''


def test_a_config_py_becomes_files_that_collect(keep, sim, tmp_path):
    simulator = sim(["--sign-ins", "5", "--directory-audits", "0", "--days", "1", "--tenant", TENANT, "--tenant", OTHER])
    (tmp_path / "config.py").write_text(CONFIG)
    result = keep(["init", "--from-config-py", "config.py"])
    assert result.returncode == 0, result.stderr
    assert set(tree(tmp_path)) == {"config.py", "m365keep.yaml", ".env", "signature.html", "status_map.yaml"}
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in tree(tmp_path) if name != "config.py")
    assert (tmp_path / "signature.html").read_text() == "<p>Regards,<br>\nthe desk</p>\n"
    result = keep(["collect", "--json", "--db", "x.db", "--only", "sign-ins"], env=simulated(simulator))
    assert result.returncode == 0, result.stderr
    assert [(customer["customer"], customer["tenant_id"]) for customer in json.loads(result.stdout)["customers"]] == [
        ("Contoso Ltd", TENANT), ("Kancelaria Żółw: 'Spółka'", OTHER)]
    with sqlite3.connect(tmp_path / "x.db") as database:
        assert database.execute("SELECT count(*) FROM events").fetchone() == (10,)


def test_what_was_left_out_is_told_and_no_secret_is(keep, tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    result = keep(["init", "--from-config-py", "config.py", "--json"])
    remarks = json.loads(result.stdout)["remarks"]
    assert [re.sub(r"config\.py(, line \d+)?: ", "", remark).split(" ")[0] for remark in remarks] == [
        "no", "DIR_LOG", "VERSION", "statements"]
    yaml = (tmp_path / "m365keep.yaml").read_text()
    for secret in ("simulated~Secret", TENANT, OTHER, CLIENT_ID):
        assert secret not in result.stdout + result.stderr + yaml
        assert secret in (tmp_path / ".env").read_text()


def test_credentials_of_the_environment_are_not_copied(keep, tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    result = keep(["init", "--from-config-py", "config.py"], env={"API_CHECK_CONTOSO": "a;b;c"})
    assert result.returncode == 0 and "API_CHECK_CONTOSO is set in the environment" in result.stderr
    assert "API_CHECK_CONTOSO" not in (tmp_path / ".env").read_text()
    assert OTHER in (tmp_path / ".env").read_text()


def test_nothing_in_the_file_is_executed(keep, tmp_path):
    (tmp_path / "config.py").write_text("import os\nos.system('touch executed')\nopen('executed', 'w')\n" + CONFIG)
    assert keep(["init", "--from-config-py", "config.py"]).returncode == 0
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("text, message", [
    ("CUSTOMERS = {\n 'a': {\n  'variable': os.environ['X']}}\n", "config.py, line 3: a name stands where a plain value"),
    ("CUSTOMERS = {\n 'a': {'variable': 'A', 'fallback': f'ZQXSECRET{x}'}}\n", "config.py, line 2: an f-string is computed"),
    ("CUSTOMERS = {'a': {'variable': 'A'}}\nCUSTOMERS['b'] = {}\n", "config.py, line 2: CUSTOMERS is changed"),
    ("CUSTOMERS = {'a': 'ZQXSECRET\n", "config.py, line 1: a string begins here that is never closed"),
    ("x = 1\n", "config.py has no CUSTOMERS"),
])
def test_customers_that_are_no_plain_values_are_refused_with_their_line(keep, tmp_path, text, message):
    (tmp_path / "config.py").write_text(text)
    result = keep(["init", "--from-config-py", "config.py"])
    assert result.returncode == 2 and message in result.stderr
    assert "ZQXSECRET" not in result.stderr and set(tree(tmp_path)) == {"config.py"}


SECRETS = ["plain", "a;b;;c", "'", '"', "a'b\"c", "\\", "a\\", "\\'", "$HOME ${X} $$", "#x", "a #b", " a ", "%s{}", "\\n", "tab\tx",
           "żółw", "\U0001F600", "~!@^&*()_+`-=[]|:<>?,./", "x" * 5000]


@pytest.mark.parametrize("quote", [repr, ascii, json.dumps, lambda text: "r'''" + text + "'''" if "'" not in text and "\\" not in text
                                   else repr(text)], ids=["repr", "ascii", "json", "raw"])
def test_secrets_written_as_python_are_read_as_python_reads_them(keep, tmp_path, quote):
    lines = [f"    'c{i}': {{'variable': 'V{i}', 'services': ['x'], 'fallback': {quote(f't;c;{secret}')}}},"
             for i, secret in enumerate(SECRETS) if not (quote is json.dumps and "\U0001F600" in secret)]  # a surrogate pair to Python
    (tmp_path / "config.py").write_text("CUSTOMERS = {\n" + "\n".join(lines) + "\n}\n")
    known = {}
    exec((tmp_path / "config.py").read_text(), known)  # pylint: disable=exec-used
    result = keep(["init", "--from-config-py", "config.py"])
    assert result.returncode == 0, result.stderr
    # The shell takes single quotes as .env does; double quotes are looked at one by one below.
    for name, customer in known["CUSTOMERS"].items():
        [line] = [line for line in re.findall(r"^V\d+=(?:'[^']*'|\"(?:\\.|[^\"\\])*\")$", (tmp_path / ".env").read_text(), re.MULTILINE)
                  if line.startswith(customer["variable"] + "=")]
        value = line.partition("=")[2]
        value = value[1:-1] if value[0] == "'" else re.sub(r"\\(.)", r"\1", value[1:-1])
        assert value == customer["fallback"], name


def test_the_example_of_the_help_works(keep, build, sim, tmp_path):
    simulator = sim(["--sign-ins", "2", "--directory-audits", "0", "--days", "1", "--tenant", TENANT, "--tenant", OTHER])
    (tmp_path / "config.py").write_text(CONFIG)
    assert keep(["init", "--from-config-py", "config.py", "--output", "conf"]).returncode == 0
    result = keep(["collect", "--config", "conf/m365keep.yaml", "--env-file", "conf/.env", "--db", "x.db", "--only", "sign-ins"],
                  env=simulated(simulator))
    assert result.returncode == 0, result.stderr
    told = subprocess.run([build / "m365keep", "init", "--help"], capture_output=True, text=True, check=True).stdout
    assert "--config conf/m365keep.yaml --env-file conf/.env" in told
