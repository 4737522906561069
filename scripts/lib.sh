# What start and check share. Sourced, not run.
# shellcheck shell=sh

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$(basename "$0"): $*"
    exit 1
}

# installed_mail_server: names the package that is this machine's mail-transport-agent; nothing if there is none. Also one that is only half
# installed counts.
installed_mail_server() {
    # shellcheck disable=SC2016 # fields of dpkg-query's own
    dpkg-query -W -f='${db:Status-Abbrev}|${Package}|${Provides}\n' 2>/dev/null |
        sed -n '/^.[^nc].*|\(.*, *\)*mail-transport-agent\( .*\|,.*\)*$/{s/^[^|]*|\([^|]*\)|.*/\1/p;q}'
}

# need_packages PACKAGE...: installs the Debian packages that are missing, as root or through sudo.
need_packages() {
    missing=
    command -v dpkg-query >/dev/null 2>&1 || die "this is no Debian system (no dpkg-query): install what README.md lists, then build with CMake"
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || die "these packages are missing, and only root can install them; run: apt-get install$missing"
        as_root=sudo
    fi
    say "Installing from Debian:$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of packages, and sudo or nothing
    if ! { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "the packages could not be installed (the end of apt-get's words is above):$missing"
    fi
    rm -f "$log"
}

# shellcheck disable=SC2034 # used by those who source this
BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libglib2.0-dev libsqlite3-dev libcurl4-openssl-dev libcjson-dev
nettle-dev libmicrohttpd-dev libcyaml-dev libyaml-dev libgnutls28-dev libcairo2-dev libpango1.0-dev libpng-dev libgmime-3.0-dev
libesmtp-dev libssl-dev libxml2-dev fonts-noto-core"

# build PRESET [TARGET [CMAKE OPTION...]]: configures and builds; quiet unless it fails.
build() {
    preset=$1
    target=${2:-all}
    shift "$(($# < 2 ? $# : 2))"
    log=$(mktemp)
    if ! { cmake --preset "$preset" "$@" && cmake --build --preset "$preset" --target "$target"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "the build '$preset' failed (see above)"
    fi
    rm -f "$log"
}
