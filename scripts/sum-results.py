"""Adds up the tests that check ran (JUnit files and the file of single checks) and prints the closing line."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    passed = failed = skipped = 0
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(file).getroot().iter("testcase"):
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"} or case.get("status") == "fail":
                failed += 1
                print(f"failed: {file.stem}: {case.get('classname', '')} {case.get('name')}")
            elif "skipped" in kinds or case.get("status") in ("notrun", "disabled"):
                skipped += 1
                reason = next((child.get("message", "") for child in case if child.tag == "skipped"), "")
                print(f"skipped: {file.stem}: {case.get('name')}: {reason}")
            else:
                passed += 1
    single = folder / "single"
    for line in single.read_text().splitlines() if single.exists() else []:
        if line.endswith(" pass"):
            passed += 1
        else:
            failed += 1
            print(f"failed: {line.split()[0]}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
