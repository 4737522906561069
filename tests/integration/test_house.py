"""The rules of the house, read from the sources: what may include what, what may not be called, how files look."""

import re
import shutil
import subprocess

import pytest

# Each third-party library is at home in one room.
HOMES = {
    r"glib\.h|glib-unix\.h|glib/.*": None,  # everywhere
    r"gio/.*": {"doctor"},
    r"sqlite3\.h": {"store"},
    r"curl/.*": {"client"},
    r"cjson/.*|cJSON\.h": {"simulator"},
    r"nettle/.*": {"base"},
    r"microhttpd\.h": {"serve", "simulator"},
    r"mongoc/.*|mongoc\.h|bson/.*|bson\.h": {"mirror"},
    r"cairo.*|pango/.*|png\.h|gmime/.*|libesmtp\.h|auth-client\.h|openssl/.*|libxml/.*": {"report"},
    r"cyaml/.*|yaml\.h": {"config"},
    r"rhonabwy\.h": {"client", "serve", "store"},
    r"gnutls/.*": {"client", "serve", "store", "simulator"},
    r"systemd/.*": {"commands"},
    r"zlib\.h": {"client", "serve", "simulator"},
}

# The C library, POSIX and Linux.
SYSTEM = re.compile(
    r"(arpa/inet|assert|ctype|errno|fcntl|float|inttypes|langinfo|limits|locale|malloc|math|netdb|netinet/[a-z0-9]+|poll|pthread|sched|"
    r"setjmp|signal|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|sys/[a-z]+|termios|time|unistd|wchar|wctype)\.h")

# Calls go down: a room may use what stands to its right.
BELOW = {
    "base": set(),
    "config": {"base"},
    "store": {"config", "base"},
    "client": {"config", "base"},
    "sources": {"client", "store", "config", "base"},
    "collect": {"sources", "client", "store", "config", "base"},
    "doctor": {"sources", "client", "store", "config", "base"},
    "maintain": {"sources", "client", "store", "config", "base"},
    "mirror": {"client", "store", "config", "base"},
    "report": {"client", "store", "config", "base"},
    "serve": {"collect", "mirror", "report", "sources", "client", "store", "config", "base"},
    "commands": {"serve", "doctor", "maintain", "collect", "mirror", "report", "sources", "client", "store", "config", "base"},
    "simulator": set(),
}

BANNED = {
    "strcpy": "g_strdup, GString", "strcat": "GString", "strncpy": "g_strndup", "strncat": "GString", "stpcpy": "GString",
    "sprintf": "g_strdup_printf", "vsprintf": "g_strdup_vprintf", "gets": "getline", "strtok": "g_strsplit",
    "strtok_r": "g_strsplit", "atoi": "g_ascii_string_to_signed", "atol": "g_ascii_string_to_signed",
    "atoll": "g_ascii_string_to_signed", "atof": "g_ascii_strtod", "asctime": "timestamp_format", "asctime_r": "timestamp_format",
    "ctime": "timestamp_format", "ctime_r": "timestamp_format", "localtime": "GDateTime", "gmtime": "timestamp.c's own",
    "tmpnam": "g_mkstemp", "mktemp": "g_mkstemp", "system": "posix_spawn", "popen": "posix_spawn", "alloca": "g_malloc",
    "rand": "GRand", "srand": "GRand", "sleep": "a wait that a signal ends", "usleep": "a wait that a signal ends",
}

# Paths of one person's machine, which mean nothing on another.
FOREIGN = re.compile(r"(?<![\w.$}])/(home|Users|root|build)/\w")

SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".pytest_cache", "demo", "corpus"}


def tracked(repository, *suffixes):
    """The project's files with one of the suffixes: what git tracks or would track."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=repository, check=False,
                            capture_output=True)
    if listed.returncode == 0:
        paths = [repository / name for name in listed.stdout.decode().split("\0") if name]
    else:  # an unpacked archive
        paths = [path for path in repository.rglob("*") if path.is_file()]
    return sorted(path for path in set(paths)
                  if path.is_file() and path.suffix in suffixes
                  and not SKIPPED_FOLDERS.intersection(path.relative_to(repository).parts))


def c_files(repository, *folders):
    return [path for path in tracked(repository, ".c", ".h") if path.relative_to(repository).parts[0] in folders]


def room_of(repository, path):
    """The room of a source file; main.c belongs to the commands."""
    parts = path.relative_to(repository).parts
    if parts[0] == "simulator":
        return "simulator"
    return parts[1] if len(parts) > 2 else "commands"


def without_comments_and_strings(text):
    """C text with comments and literals blanked, line by line as before."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
    return pattern.sub(lambda match: "\n" * match[0].count("\n") if match[0][0] == "/" else '""', text)


def includes(path):
    """(line, the header's name, True for <>) of each #include."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match[2], match[1] == "<"


def check_includes(repository, path):
    """What is wrong with a source file's includes."""
    room = room_of(repository, path)
    where = path.relative_to(repository)
    for number, name, angled in includes(path):
        if angled:
            homes = [rooms for pattern, rooms in HOMES.items() if re.fullmatch(pattern, name)]
            if homes and (homes[0] is None or room in homes[0]):
                continue
            if not homes and SYSTEM.fullmatch(name):
                continue
            yield f"{where}:{number}: <{name}> is not at home in {room}"
            continue
        owner, _, header = name.rpartition("/")
        if owner in ("", room):
            continue
        public = owner == "base" or header == f"{owner}.h"
        if owner not in BELOW.get(room, set()):
            yield f'{where}:{number}: {room} may not use "{name}"'
        elif not public:
            yield f'{where}:{number}: "{name}" is private to {owner}'


def test_each_library_lives_in_one_room_and_calls_go_down(repository):
    files = c_files(repository, "src", "simulator")
    assert files
    faults = [fault for path in files for fault in check_includes(repository, path)]
    assert not faults, "\n".join(faults)


def test_the_include_rules_catch_what_they_forbid(tmp_path):
    store = tmp_path / "src" / "store"
    store.mkdir(parents=True)
    (store / "a.c").write_text('#include <curl/curl.h>\n#include <sqlite3.h>\n#include <stdio.h>\n#include <openssl/evp.h>\n'
                               '#include "collect/collect.h"\n#include "client/client.h"\n#include "config/check.h"\n'
                               '#include "config/config.h"\n#include "base/text.h"\n#include "store/own.h"\n#include "own.h"\n'
                               '#include <unknown.h>\n')
    lines = [int(fault.split(":")[1]) for fault in check_includes(tmp_path, store / "a.c")]
    assert lines == [1, 4, 5, 6, 7, 12]


def test_every_room_is_in_the_order(repository):
    rooms = {path.name for path in (repository / "src").iterdir() if path.is_dir()}
    assert rooms <= set(BELOW)


def banned_calls(path):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for number, line in enumerate(without_comments_and_strings(path.read_text(encoding="utf-8")).splitlines(), 1):
        for match in pattern.finditer(line):
            yield f"{path}:{number}: {match[1]}(): use {BANNED[match[1]]}"


def test_no_unsafe_function_is_called(repository):
    faults = [fault for path in c_files(repository, "src", "simulator", "tests") for fault in banned_calls(path)]
    assert not faults, "\n".join(faults)


def test_the_ban_list_sees_calls_and_nothing_else(tmp_path):
    source = tmp_path / "a.c"
    source.write_text('strcpy(a, b); /* strcat(a, b) */ // gets(a)\n"sprintf(a)"; g_strtok(a); my_atoi(a); x->system(1);\n'
                      "/* several\nlines: atoi(a) */ localtime (t); gmtime_r(a, b); snprintf(a);\n")
    assert [fault.split(": ")[0][len(str(source)) + 1:] + fault.split(": ")[1] for fault in banned_calls(source)] == [
        "1strcpy()", "4localtime()"]


def test_one_public_header_a_room(repository):
    rooms = [path for path in (repository / "src").iterdir() if path.is_dir()]
    missing = [room.name for room in rooms if not (room / f"{room.name}.h").exists()]
    assert not missing


@pytest.mark.plain_only  # once is enough
def test_c_is_formatted(repository):
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if program is None:
        pytest.skip("clang-format is not installed")
    files = c_files(repository, "src", "simulator", "tests")
    result = subprocess.run([program, "--dry-run", "-Werror", *files], cwd=repository, capture_output=True, text=True, check=False)
    unformatted = sorted({line.split(":")[0] for line in result.stderr.splitlines() if "clang-format-violations" in line})
    assert result.returncode == 0, "clang-format -i these: " + " ".join(unformatted or [result.stderr])


TEXT = (".c", ".h", ".sql", ".sh", ".py", ".md", ".cmake", ".txt", ".json", ".ini", ".1", ".5", ".js", ".css", ".html", ".yml", ".yaml")


def test_text_has_no_tabs_and_no_trailing_blanks(repository):
    faults = []
    for path in tracked(repository, *TEXT, ""):
        if path.suffix == "" and path.read_bytes()[:2] != b"#!":
            continue
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if b"\t" in line or line != line.rstrip() or b"\r" in line:
                faults.append(f"{path.relative_to(repository)}:{number}")
    assert not faults, "\n".join(faults)


def test_text_is_utf8_and_ends_with_a_newline(repository):
    faults = []
    for path in tracked(repository, *TEXT):
        data = path.read_bytes()
        data.decode("utf-8")
        if data and not data.endswith(b"\n"):
            faults.append(str(path.relative_to(repository)))
    assert not faults, "\n".join(faults)


def test_no_path_of_one_machine_is_named(repository):
    faults = []
    for path in tracked(repository, *TEXT, ""):
        if path.name == "test_house.py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FOREIGN.search(line):
                faults.append(f"{path.relative_to(repository)}:{number}: {line.strip()[:100]}")
    assert not faults, "\n".join(faults)


def test_nothing_is_left_for_later(repository):
    pattern = re.compile(r"\b(TODO|FIXME|XXX|HACK|STUB)\b")
    faults = [f"{path.relative_to(repository)}:{number}"
              for path in c_files(repository, "src", "simulator", "tests") + tracked(repository, ".sql", ".sh", ".py")
              if path.name != "test_house.py"
              for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if pattern.search(line)]
    assert not faults, "\n".join(faults)


def test_shell_scripts_are_sound(repository):
    scripts = tracked(repository, ".sh") + [path for path in tracked(repository, "") if path.read_bytes()[:9] == b"#!/bin/sh"]
    for path in scripts:
        subprocess.run(["sh", "-n", path], check=True)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed: no more than the scripts' syntax was checked")
    result = subprocess.run(["shellcheck", "-x", *(path.relative_to(repository) for path in scripts)], cwd=repository, capture_output=True,
                            text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_man_pages_are_sound(repository):
    pages = tracked(repository, ".1", ".5")
    assert pages
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed: the manual pages were not checked")
    # "style" would also complain of what mandoc cannot know, such as pages of ours that are not installed yet.
    result = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_man_pages_tell_every_option(repository, build):
    """What --help lists, the page explains, and the other way round; of maintain that of all subcommands."""
    maintain = [f"maintain {name}" for name in ("prune", "verify", "backup", "restore", "optimize", "renormalize", "dedupe", "forget")]
    for command, parts in {**{name: [name] for name in ("collect", "scan", "search", "status", "report", "init")}, "maintain": maintain}.items():
        text = "".join(subprocess.run([build / "m365keep", *part.split(), "--help"], capture_output=True, text=True, check=True).stdout
                       for part in parts)
        options = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", text, re.MULTILINE))
        page = (repository / "docs" / f"m365keep-{command}.1").read_text(encoding="utf-8")
        common = (repository / "docs" / "m365keep.1").read_text(encoding="utf-8")
        told = set(re.findall(r"^\.It Fl (?:\w , Fl )?Fl ([a-z\\-]+)", page + common, re.MULTILINE))
        told = {name.replace("\\-", "-") for name in told}
        assert options <= told, options - told
        assert set(re.findall(r"^\.It Fl (?:\w , Fl )?Fl ([a-z\\-]+)", page, re.MULTILINE)) <= options
