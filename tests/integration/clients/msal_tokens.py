"""MSAL for Python as a client of the simulator. Run by test_real_clients.py with the interpreter of build/venv, never by pytest.

argv[1] is JSON: a list of {"authority", "client_id", "credential", "scopes", "discovery"}; one list of MSAL's answers, one for each
scope, is printed for each. A file named instead of the private key or certificate is read."""

import json
import pathlib
import sys

import msal
import requests


def read_credential(credential):
    if isinstance(credential, str):
        return credential
    return {name: pathlib.Path(value).read_text(encoding="ascii") if name != "thumbprint" else value
            for name, value in credential.items()}


def answers(case):
    try:
        app = msal.ConfidentialClientApplication(case["client_id"], authority=case["authority"], instance_discovery=case["discovery"],
                                                 client_credential=read_credential(case["credential"]))
        return [app.acquire_token_for_client([scope]) for scope in case["scopes"]]
    except requests.exceptions.SSLError:
        return "untrusted"
    except ValueError as error:
        return str(error)


print(json.dumps([answers(case) for case in json.loads(sys.argv[1])]))
