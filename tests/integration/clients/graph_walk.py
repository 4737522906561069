"""The Microsoft Graph SDK for Python as a client of the simulator. Run by test_real_clients.py with the interpreter of build/venv,
never by pytest.

argv[1] is JSON: {"url", "tenant", "client_id"} and "secret" or "certificate" (a file). It prints "ready"; then each line of standard
input is a command as JSON, and its result is a line of output: the SDK takes seconds to load and should do so once."""

import asyncio
import json
import sys

from azure.identity import CertificateCredential, ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import PageIterator


def make_client(settings):
    where = {"authority": settings["url"], "disable_instance_discovery": True}
    if "certificate" in settings:
        credential = CertificateCredential(settings["tenant"], settings["client_id"], settings["certificate"], **where)
    else:
        credential = ClientSecretCredential(settings["tenant"], settings["client_id"], settings["secret"], **where)
    adapter = GraphRequestAdapter(AzureIdentityAuthenticationProvider(credential, scopes=[settings["url"] + "/.default"]))
    adapter.base_url = settings["url"] + "/v1.0"
    return GraphServiceClient(request_adapter=adapter)


def described(item):
    """What the tests compare: the id, the @removed of a delta item, and some typed values."""
    removed = item.additional_data.get("@removed")
    moment = getattr(item, "created_date_time", None) or getattr(item, "activity_date_time", None)
    return {"id": item.id, "removed": removed and removed.get("reason"), "name": getattr(item, "user_principal_name", None),
            "moment": moment and moment.timestamp()}


def list_builder(client, collection):
    return {"users": client.users, "signIns": client.audit_logs.sign_ins, "directoryAudits": client.audit_logs.directory_audits}[collection]


def configuration(builder, command):
    """The query's options, in the SDK's own class for this collection."""
    names = ("filter", "top", "select", "orderby")
    given = {name: command[name] for name in names if name in command}
    parameters = next(value for name, value in vars(type(builder)).items() if name.endswith("GetQueryParameters"))
    return RequestConfiguration(query_parameters=parameters(**given))


async def walk(client, command):
    """A whole list, by the SDK's page iterator."""
    builder, items = list_builder(client, command["collection"]), []

    def take(item):
        items.append(described(item))
        return True

    page = await builder.get(request_configuration=configuration(builder, command))
    await PageIterator(page, client.request_adapter).iterate(take)
    return {"items": items}


async def delta(client, command):
    """A whole delta round, from the start or from the link of the round before."""
    builder, items, pages = client.users.delta, [], 0
    page = await (builder.with_url(command["link"]).get() if command.get("link")
                  else builder.get(request_configuration=configuration(builder, command)))
    while True:
        pages += 1
        items += [described(item) for item in page.value]
        if not page.odata_next_link:
            return {"items": items, "link": page.odata_delta_link, "pages": pages}
        page = await builder.with_url(page.odata_next_link).get()


async def obey(client, command):
    try:
        return await {"walk": walk, "delta": delta}[command["do"]](client, command)
    except APIError as error:
        return {"status": error.response_status_code, "code": error.error and error.error.code}


async def main():
    client = make_client(json.loads(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(await obey(client, json.loads(line))), flush=True)


asyncio.run(main())
