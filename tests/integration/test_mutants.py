"""Mistakes made on purpose, to see that the test which must notice them does. A mutant is a patch in tests/mutants."""

import shutil
import subprocess

import pytest

from conftest import REPOSITORY

FOLDER = REPOSITORY / "tests" / "mutants"
MUTANTS = sorted(path.stem for path in FOLDER.glob("*.patch"))


@pytest.fixture(name="run")
def fixture_run():
    for tool in ("git", "cmake", "ninja"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: no mutant was tried")
    return lambda *arguments, **options: subprocess.run([FOLDER / "run", *arguments], check=False, capture_output=True, text=True,
                                                        **options)


def test_an_unknown_mutant_is_refused(run):
    result = run("no-such-mutant")
    assert result.returncode == 1 and "no-such-mutant" in result.stderr
    assert run().returncode == 1


def test_every_mutant_still_applies(tmp_path):
    """Said here in a moment, and not only by the run that takes minutes."""
    assert MUTANTS
    shutil.copytree(REPOSITORY / "src", tmp_path / "src")
    for mutant in MUTANTS:
        result = subprocess.run(["git", "apply", "--check", FOLDER / f"{mutant}.patch"], cwd=tmp_path, check=False, capture_output=True,
                                text=True, env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
        assert result.returncode == 0, f"{mutant} does not apply any more; renew it: {result.stderr}"


@pytest.mark.slow
@pytest.mark.plain_only
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_crash_test_notices_q92(run, mutant):
    result = run(mutant, timeout=1200)
    assert result.returncode == 0, result.stderr
    assert "was noticed" in result.stdout
