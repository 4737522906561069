"""kill -9 at any write or sync call: the next run ends with the same database as one that was never interrupted."""

import os
import random
import signal

import pytest

import database

ROUNDS = int(os.environ.get("M365KEEP_KILL_ROUNDS", "50"))
SEED = int(os.environ.get("M365KEEP_KILL_SEED", str(random.randrange(2**32))))
CLOCK = "1800000000@0@1800000000"
SIMULATION = ["--seed", "7", "--sign-ins", "1500", "--directory-audits", "700", "--intune-audits", "300", "--page-size", "100", "--days", "10", "--clock", CLOCK]


def remove(path):
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


@pytest.fixture(name="collect")
def fixture_collect(keep, sim, tmp_path, build):
    """collect(database, kill_at) runs the program; kill_at 0 lets it live and returns the number of calls it made."""
    simulator = sim(SIMULATION)
    preload = build / "kill_at.so"

    def run(path, kill_at=0):
        count = tmp_path / "count"
        count.unlink(missing_ok=True)
        environment = {"LD_PRELOAD": str(preload), "KILL_AT": str(kill_at), "KILL_AT_PATH": path.name, "KILL_AT_COUNT": str(count),
                       "M365KEEP_CLOCK": CLOCK, "REQUEST_BUDGETS": "none", "M365KEEP_DB": str(path)}
        result = keep(["collect", "--only", "users,sign-ins,directory-audits,intune-audits"], sim=simulator, env=environment)
        if kill_at:
            assert result.returncode in (0, -signal.SIGKILL), result.stderr
            return result.returncode
        assert result.returncode == 0, result.stderr
        return int(count.read_text())

    return run


@pytest.mark.slow
@pytest.mark.plain_only
def test_killed_anywhere_the_next_run_ends_with_the_same_database(collect, tmp_path):
    whole = tmp_path / "whole.db"
    calls = collect(whole)
    wanted = database.snapshot(whole)
    assert wanted["events"] and calls > ROUNDS
    dice = random.Random(SEED)
    inside = 0
    print(f"seed {SEED}: {calls} write and sync calls, {ROUNDS} rounds")
    for number in range(ROUNDS):
        path = tmp_path / f"killed{number}.db"
        kill_at = dice.randint(1, calls)
        # How many calls a run makes depends on how pages fall into transactions: one that ends before its call is drawn again.
        while collect(path, kill_at) != -signal.SIGKILL:
            remove(path)
            kill_at = dice.randint(1, kill_at)
        inside += database.uncommitted_frames(path) > 0
        collect(path)
        found = database.differences(wanted, database.snapshot(path))
        assert not found, f"seed {SEED}, round {number}, killed at call {kill_at} of {calls}:\n" + "\n".join(found)
        database.check_integrity(path)
        remove(path)
    print(f"{inside} of {ROUNDS} kills fell inside an open transaction")
    assert inside >= ROUNDS / 4, f"seed {SEED}: only {inside} of {ROUNDS} kills fell inside an open transaction"
