"""The table of known quirks in tests/README.md agrees with the tests."""

import re

import pytest

QUIRKS = 139
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)


def quirks_of(name):
    """The numbers that a test's name carries: ..._q24_q25, ..._q44_to_q61, quirk_24_..., quirks_28_to_30_..., quirks_57_and_58_..."""
    begins = re.match(r"quirks?_(\d+(?:_(?:to|and)_\d+)*)", name)
    numbers = [begins[1]] if begins else [part.replace("q", "") for part in re.findall(r"(?<=_)q\d+(?:_to_q\d+)?(?=_|$)", name)]
    found = set()
    for part in numbers:
        found |= {int(number) for number in re.findall(r"\d+", part)}
        for first, last in re.findall(r"(\d+)_to_(\d+)", part):
            found |= set(range(int(first), int(last) + 1))
    return found


@pytest.fixture(name="tests", scope="module")
def fixture_tests(repository):
    """The names of all tests there are."""
    names = set()
    for path in (repository / "tests" / "unit").rglob("test_*.c"):
        names |= set(re.findall(r"^static void (\w+)\(void \*\*", path.read_text(encoding="utf-8"), re.MULTILINE))
    for path in (repository / "tests" / "integration").glob("test_*.py"):
        names |= set(re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    return names


@pytest.fixture(name="table", scope="module")
def fixture_table(repository):
    """(number, case, proof) of each row."""
    text = (repository / "tests" / "README.md").read_text(encoding="utf-8")
    return [(int(number), case, proof) for number, case, proof in ROW.findall(text)]


def named_in(proof):
    """The tests that a proof names; other code in it is no test."""
    return [name for name in re.findall(r"`([^`]+)`", proof) if re.fullmatch(r"\w+_\w+_\w+\w*", name)]


@pytest.mark.parametrize("name, numbers", [
    ("test_a_thing_q24", {24}), ("a_thing_q6_q17", {6, 17}), ("test_a_range_q44_to_q47", {44, 45, 46, 47}), ("test_plain", set()),
    ("quirk_25_a_changed_body", {25}), ("quirks_28_to_30_windows", {28, 29, 30}), ("quirks_57_and_58_values_of_3_forms", {57, 58}),
    ("test_of_q_and_a", set())])
def test_the_numbers_of_a_name_are_read(name, numbers):
    assert quirks_of(name) == numbers


def test_every_quirk_has_one_row_in_order(table):
    assert [number for number, _, _ in table] == list(range(1, QUIRKS + 1))
    titles = [case for _, case, _ in table]
    assert len(set(titles)) == len(titles)


def test_every_row_names_a_test_or_says_what_it_waits_for(table):
    empty = [number for number, _, proof in table if not named_in(proof) and not re.match(r"Not yet: \w", proof)]
    assert not empty


def test_every_test_that_the_table_names_exists(table, tests):
    missing = [f"{number}: {name}" for number, _, proof in table for name in named_in(proof) if name not in tests]
    assert not missing, "\n".join(missing)


def test_every_numbered_test_is_named_in_the_table(table, tests):
    named = {name for _, _, proof in table for name in named_in(proof)}
    missing = sorted(name for name in tests if quirks_of(name) and name not in named)
    assert not missing, "\n".join(missing)


def test_a_number_in_a_name_is_that_of_its_row(table):
    """Unless the table says "in" before it: there the case is one of several."""
    wrong = [f"{number}: {name}" for number, _, proof in table for name in named_in(proof)
             if quirks_of(name) and number not in quirks_of(name) and f"in `{name}`" not in proof]
    assert not wrong, "\n".join(wrong)
