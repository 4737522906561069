"""A page whose link to the next cannot be trusted is no page: the window it belongs to must not count as read."""

import json

import pytest

import database
from simulator import elements

STEADY = ["--sign-ins", "200", "--directory-audits", "60", "--days", "2", "--page-size", "25", "--empty-pages", "0",
          "--repeat-percent", "0", "--late-percent", "0", "--changed-percent", "0"]

# What stands where a string or null should; RECORD is a record of the collection, LINK a page after it.
BAD_LINKS = {
    "number": '{"value":[RECORD],"@odata.nextLink":123}',
    "object": '{"value":[RECORD],"@odata.nextLink":{"a":1}}',
    "true": '{"@odata.nextLink":true,"value":[RECORD]}',
    "doubled_null_last": '{"@odata.nextLink":"LINK","value":[RECORD],"@odata.nextLink":null}',
    "doubled_null_first": '{"@odata.nextLink":null,"value":[RECORD],"@odata.nextLink":"LINK"}',
    "delta": '{"value":[RECORD],"@odata.deltaLink":7}',
}


def page_with(template, simulator):
    """An answer of the collection's own shape: one true record, and the template's link."""
    answer = simulator.get(simulator.link("signIns", top=1))
    return template.replace("RECORD", elements(answer.body)[0].decode()).replace("LINK", answer.json()["@odata.nextLink"])


@pytest.mark.parametrize("case", BAD_LINKS)
def test_a_window_does_not_end_at_a_link_that_is_no_link(keep, sim, tmp_path, case):
    simulator, path = sim(STEADY), tmp_path / "m365keep.db"
    simulator.fault({"body": page_with(BAD_LINKS[case], simulator)}, "signIns", skip=2)
    first = keep(["collect", "--json", "--db", path], sim=simulator)
    assert simulator.fired() > 0 and first.returncode in (1, 3), first.stderr
    sources = {source["source"]: source for source in json.loads(first.stdout)["customers"][0]["sources"]}
    assert sources["sign-ins"]["status"] in ("failed", "partial") and sources["sign-ins"]["error"]["message"]
    assert sources["directory-audits"]["status"] == "ok"
    assert database.truth(path) < simulator.truth()

    simulator.faults([])
    second = keep(["collect", "--json", "--db", path], sim=simulator)
    assert second.returncode == 0, second.stderr
    assert database.truth(path) == simulator.truth()
    database.check_integrity(path)


@pytest.mark.parametrize("case", BAD_LINKS)
def test_a_link_that_is_wrong_once_is_asked_for_again(keep, sim, tmp_path, case):
    simulator, path = sim(STEADY), tmp_path / "m365keep.db"
    simulator.fault({"body": page_with(BAD_LINKS[case], simulator)}, "signIns", page=2, times=1)
    result = keep(["collect", "--db", path], sim=simulator)
    assert simulator.fired() == 1 and result.returncode == 0, result.stderr
    assert database.truth(path) == simulator.truth()
