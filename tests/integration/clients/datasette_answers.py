"""Datasette as a reader of a database of m365keep. Run by test_recipes.py with the interpreter of build/venv, never by pytest.

Standard input is JSON: {"database": a file, "immutable": true or false, "queries": {name: SQL}, "paths": [path, ...]}. For each path it
prints [status, body], the body parsed where it is JSON."""

import asyncio
import json
import pathlib
import sys

from datasette.app import Datasette


async def answer(datasette, path):
    response = await datasette.client.get(path)
    is_json = response.headers["content-type"].startswith("application/json")
    return [response.status_code, response.json() if is_json else response.text]


async def main(order):
    name = pathlib.Path(order["database"]).stem
    where = {"immutables" if order["immutable"] else "files": [order["database"]]}
    datasette = Datasette(**where, settings={"sql_time_limit_ms": 60000},
                          metadata={"databases": {name: {"queries": {query: {"sql": sql} for query, sql in order["queries"].items()}}}})
    print(json.dumps([await answer(datasette, path) for path in order["paths"]]))


asyncio.run(main(json.load(sys.stdin)))
