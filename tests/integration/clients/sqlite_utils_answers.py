"""sqlite-utils as a reader of a database of m365keep. Run by test_recipes.py with the interpreter of build/venv, never by pytest.

Standard input is JSON: {"database": a file, "queries": {name: [SQL, parameters]}}. It prints {"views": {view: rows}, "tables": {table:
rows}, "fts": [table, ...], "queries": {name: rows}}."""

import json
import sqlite3
import sys

import sqlite_utils


def main(order):
    connection = sqlite3.connect(f"file:{order['database']}?mode=ro", uri=True)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")  # as docs/queries.md has it
    database = sqlite_utils.Database(connection)
    print(json.dumps({
        "views": {view: len(list(database[view].rows)) for view in database.view_names()},
        "tables": {table: database[table].count for table in database.table_names()},
        "fts": database.table_names(fts5=True),
        "queries": {name: list(database.query(sql, parameters)) for name, (sql, parameters) in order["queries"].items()},
    }))


main(json.load(sys.stdin))
