"""What a report says of known timelines: windows, availability, occurrences and gaps, second by second, in zones and on days that are
hard; and its charts, pixel by pixel."""

import contextlib
import json
import pathlib
import re
import sqlite3

import pytest
from PIL import Image

import announcements
import timelines
from timelines import DAY_S, Timeline, check_report, ends, impact, seconds

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ["Exchange", "Intune", "Teams"]
NAMES = {"Exchange": "Exchange Online", "Intune": "Microsoft Intune", "Teams": "Microsoft Teams"}

# First and last day, and customers by their zones: what is hard about it.
WINDOWS = {
    "the-clock-goes-forward": ("2026-03-29", "2026-03-29", ["Europe/Warsaw", "UTC", "Asia/Kolkata", "America/New_York"]),
    "the-clock-goes-back": ("2025-10-26", "2025-10-26", ["Europe/Warsaw", "Europe/London", "Pacific/Auckland"]),
    "midnight-is-skipped": ("2026-04-24", "2026-04-24", ["Africa/Cairo", "Asia/Kathmandu"]),
    "midnight-comes-twice": ("2025-11-02", "2025-11-02", ["America/Havana", "America/New_York"]),
    "half-an-hour": ("2026-04-05", "2026-04-05", ["Australia/Lord_Howe", "Australia/Sydney", "Asia/Tokyo"]),
    "the-year-ends": ("2025-12-31", "2026-01-01", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Warsaw"]),
    "a-leap-day-in-a-month": ("2024-02-15", "2024-03-15", ["Europe/Warsaw", "America/Sao_Paulo"]),
}


def customer_name(zone):
    return zone.replace("/", "-").lower()


class Reports:
    """A folder with a database of timelines and a configuration of their customers; report(...) runs the program there."""

    def __init__(self, keep, folder):
        self.keep, self.folder, self.environment = keep, folder, {}
        self.lines = ["database: health.db", "customers:"]
        self.connection = timelines.create(folder / "health.db")

    def add(self, timeline, zone, *yaml, **records):
        self.environment[f"C{len(self.environment)}"] = f"{timeline.tenant};aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee;not used"
        self.lines += [f"  - name: {timeline.name}", f"    variable: C{len(self.environment) - 1}", f"    timezone: {zone}",
                       *(f"    {line}" for line in yaml)]
        timeline.store(self.connection, **records)

    def report(self, now, *arguments):
        self.connection.close()
        (self.folder / "m365keep.yaml").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        result = self.keep(["report", "--customer", "all", "--no-send", "--output", "out", "--json", *arguments],
                           env={**self.environment, "M365KEEP_CLOCK": f"{now}@0@{now}"})
        assert result.returncode == 0, result.stderr
        return {report["customer"]: report for report in json.loads(result.stdout)["reports"]}


def tenant(number):
    return f"{number:08d}-2222-4333-8444-555555555555"


@pytest.mark.parametrize("case", WINDOWS)
def test_figures_are_those_of_the_scans_in_every_zone_and_on_every_kind_of_day_q43(keep, tmp_path, case):
    first, last, zones = WINDOWS[case]
    reports, all_timelines = Reports(keep, tmp_path), {}
    for number, zone in enumerate(zones):
        begin, end = timelines.day(zone, first), timelines.day(zone, ends(last))
        all_timelines[zone] = timelines.random_timeline(f"{case} {zone}", customer_name(zone), tenant(number), SERVICES, begin - DAY_S,
                                                        end + DAY_S // 2, changes=12, edges=(begin, end))
        reports.add(all_timelines[zone], zone)
    now = timelines.day("UTC", ends(ends(last)))
    said = reports.report(now, "--from", first, "--to", last)
    for zone, timeline in all_timelines.items():
        check_report(said[customer_name(zone)], timeline, zone, first, last, now)
    hours = [(seconds(report["to"]) - seconds(report["from"])) / 3600 for report in said.values()]
    print(f"{case}: hours {hours}, occurrences {[sum(len(s['occurrences']) for s in r['services']) for r in said.values()]}, "
          f"sightings {[sum(o['from'] == o['to'] for s in r['services'] for o in s['occurrences']) for r in said.values()]}")


def test_without_dates_it_is_yesterday_of_each_customer(keep, tmp_path):
    now = timelines.day("UTC", "2025-11-20") + 12 * 3600 + 1234
    yesterday = {"Europe/Warsaw": "2025-11-19", "Pacific/Kiritimati": "2025-11-20", "Pacific/Pago_Pago": "2025-11-19"}
    reports, all_timelines = Reports(keep, tmp_path), {}
    for number, zone in enumerate(yesterday):
        edges = [timelines.day(zone, yesterday[zone]), timelines.day(zone, ends(yesterday[zone]))]
        all_timelines[zone] = timelines.random_timeline(number, customer_name(zone), tenant(number), SERVICES, now - 3 * DAY_S, now,
                                                        edges=edges)
        reports.add(all_timelines[zone], zone)
    said = reports.report(now)
    for zone, day in yesterday.items():
        check_report(said[customer_name(zone)], all_timelines[zone], zone, day, day, now)


def test_a_day_that_is_not_over_is_told_up_to_now(keep, tmp_path):
    now = timelines.day("UTC", "2025-11-20") + 12 * 3600 + 77
    timeline = timelines.random_timeline(8, "utc", tenant(1), SERVICES, now - 2 * DAY_S, now)
    reports = Reports(keep, tmp_path)
    reports.add(timeline, "UTC")
    check_report(reports.report(now, "--from", "2025-11-20")["utc"], timeline, "UTC", "2025-11-20", "2025-11-20", now)


def test_an_interruption_that_only_the_last_scan_before_we_were_away_saw_is_told(keep, tmp_path):
    begin = timelines.day("UTC", "2025-11-20")
    rows = timelines.scans(begin - DAY_S, begin + DAY_S, {"Exchange": [("serviceOperational", begin - DAY_S),
                                                                       ("serviceInterruption", begin + 36000),
                                                                       ("serviceOperational", begin + 36060)]},
                           away=[(begin + 36001, begin + 43200)])
    reports = Reports(keep, tmp_path)
    reports.add(Timeline("utc", tenant(1), rows), "UTC")
    report = reports.report(begin + 2 * DAY_S, "--from", "2025-11-20")["utc"]
    (service,) = report["services"]
    assert service["overall"] == {"status": "serviceInterruption", "priority": 1, "impact": "interrupted"}
    assert service["availability"] == 100 and service["observed_seconds"] == service["operational_seconds"] == 36000 + DAY_S - 43200 - 300
    (occurrence,) = service["occurrences"]
    assert occurrence["from"] == occurrence["to"] == "2025-11-20T10:00:00+00:00"
    assert (occurrence["seconds"], occurrence["scans"], occurrence["began_before"], occurrence["goes_on"]) == (0, 1, False, False)
    assert [row["from"] for row in service["gaps"]] == [row["from"] for row in report["gaps"]]


def test_what_comes_days_late_is_in_the_figures_of_its_day_as_they_are_computed_each_time_q42(keep, tmp_path):
    begin = timelines.day("UTC", "2025-11-20")
    rows = timelines.scans(begin - DAY_S, begin + DAY_S, {"Exchange": [("serviceOperational", begin - DAY_S)]})
    trouble = timelines.scans(begin - DAY_S, begin + DAY_S, {"Exchange": [("serviceOperational", begin - DAY_S),
                                                                          ("serviceInterruption", begin + 36000)]})
    record = announcements.issue("EX900001", "Exchange Online", "Told days later", "2025-11-23T08:00:00Z",
                                 startDateTime="2025-11-20T10:00:00Z")
    reports, late = Reports(keep, tmp_path), Timeline("utc", tenant(1), trouble, NAMES)
    reports.add(Timeline("utc", tenant(1), rows, NAMES), "UTC")
    now = begin + 4 * DAY_S
    (before,) = reports.report(now, "--from", "2025-11-20")["utc"]["services"]
    with contextlib.closing(sqlite3.connect(tmp_path / "health.db")) as connection:
        connection.execute("DELETE FROM service_state")
        connection.executemany("INSERT INTO service_state (customer_id, service, status, first_seen, last_seen, samples, first_seq, seq) "
                               "VALUES (1, ?, ?, ?, ?, ?, 2, 2)", late.runs())
        late.store_issue(connection, 1, record)
        connection.commit()
    report = reports.report(now, "--from", "2025-11-20")["utc"]
    check_report(report, late, "UTC", "2025-11-20", "2025-11-20", now)
    (after,) = report["services"]
    assert before["occurrences"] == before["issues"] == [] and before["availability"] == 100
    assert len(after["occurrences"]) == 1 and [issue["id"] for issue in after["issues"]] == ["EX900001"] and after["availability"] < 50


# --- charts -------------------------------------------------------------------------------------------------------------------------


def palette():
    """Colour of each impact, as src/report/chart.h promises them; their order is that of enum report_impact."""
    words = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "src" / "report").glob("chart*.c"))
    table = re.search(r"report_chart_colors\[REPORT_IMPACTS\] = \{(.*?)\};", words, re.DOTALL)[1]
    found = {name.lower(): int(value, 16) for name, value in re.findall(r"\[REPORT_([A-Z_]+)\] = 0x([0-9a-fA-F]{6})", table)}
    return {(value >> 16, value >> 8 & 255, value & 255): name for name, value in found.items() if name != "no_data"}


def best_row(picture, colors):
    """The row of pixels that shows most of bands: where each of them stands on its ground."""
    rows = [[picture.getpixel((column, line)) for column in range(picture.width)] for line in range(picture.height)]
    return max(rows, key=lambda row: sum(pixel in colors for pixel in row))


def picture_of(report, service):
    """The chart of a service, by its id; None: it has none."""
    wanted = re.sub(r"[^a-z0-9]+", "-", service.lower())
    return next((path for path in report["files"] if re.search(rf"-{wanted}\.png$", path)), None)


def test_at_each_known_change_the_chart_has_the_colours_of_both_sides_and_gaps_are_never_healthy(keep, tmp_path):
    zone, first = "Europe/Warsaw", "2026-03-29"
    begin, end = timelines.day(zone, first), timelines.day(zone, ends(first))
    hour, colors = 3600, palette()
    statuses = {"Exchange": [("serviceOperational", begin - DAY_S), ("serviceInterruption", begin + 3 * hour),
                             ("restoringService", begin + 5 * hour), ("serviceOperational", begin + 7 * hour)],
                "Intune": [("serviceDegradation", begin - hour), ("verifyingService", begin + 6 * hour),
                           ("serviceOperational", begin + 16 * hour), ("somethingNew", begin + 20 * hour)],
                "Teams": [("serviceOperational", begin - DAY_S), ("falsePositive", begin + 2 * hour)]}
    away = [(begin + 10 * hour, begin + 12 * hour), (begin + 21 * hour, begin + 22 * hour)]
    timeline = Timeline("contoso", tenant(1), timelines.scans(begin - DAY_S, end + hour, statuses, away=away), NAMES)
    reports = Reports(keep, tmp_path)
    reports.add(timeline, zone)
    report = reports.report(end + 7 * hour, "--from", first)["contoso"]
    assert not picture_of(report, "Teams"), "nothing befell it: the overview shows it"
    for service in ("Exchange", "Intune"):
        joined = joined_impacts(timeline.stretches(service, begin, end, end + 7 * hour))
        with Image.open(tmp_path / picture_of(report, service)) as picture:
            assert picture.width == 1200 and picture.mode == "P"
            row = best_row(picture.convert("RGB"), colors)
        columns = [column for column, pixel in enumerate(row) if pixel in colors]
        check_bands(row, joined, (columns[0], columns[-1] + 1), (begin, end), colors)


def joined_impacts(stretches):
    """[[impact or None, from, to]] of stretches, neighbours of one impact joined."""
    joined = []
    for start, stop, status in stretches:
        name = impact(status) if status else None
        if joined and joined[-1][0] == name:
            joined[-1][2] = stop
        else:
            joined.append([name, start, stop])
    return joined


def check_bands(row, stretches, columns, window, colors):
    """Left and right of each change stand the colours of what was before and after it; in a gap no band's colour at all."""
    left, right = columns
    begin, end = window

    def column(at):
        return left + (at - begin) * (right - left) / (end - begin)

    for name, start, stop in stretches:
        inside = row[round(column(start)) + 2:round(column(stop)) - 2]
        assert len(inside) > 20
        if name:
            assert {colors.get(pixel) for pixel in inside} == {name}
        else:
            assert not {colors.get(pixel) for pixel in inside} - {None}


def test_a_report_is_the_same_bytes_each_time(keep, tmp_path):
    zone, first = "Asia/Kolkata", "2025-11-19"
    begin = timelines.day(zone, first)
    reports = Reports(keep, tmp_path)
    reports.add(timelines.random_timeline(5, "contoso", tenant(1), SERVICES, begin - DAY_S, begin + 2 * DAY_S), zone)
    contents = []
    for _ in range(2):
        report = reports.report(begin + 2 * DAY_S, "--from", first)["contoso"]
        contents.append({path: (tmp_path / path).read_bytes() for path in report["files"] if not path.endswith(".eml")})
    assert contents[0] and contents[0] == contents[1]
