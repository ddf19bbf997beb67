# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-3-Clause
#
# Debian packages: installs what is missing and nothing else, so that a second run needs neither
# root nor a network, and leaves no service behind. Sourced, after common.sh.

# What a Swift toolchain unpacked from swift.org needs of Debian 12 to compile and link (headers
# and start files of C and C++, a linker, git, the libraries of SwiftPM), then our libraries.
build_packages=(g++ git ca-certificates libcurl4 libncurses6 libsqlite3-0 libxml2 pkg-config
    libuv1-dev libjemalloc-dev liblzf-dev)

policy=/usr/sbin/policy-rc.d
policy_mark='# Placed by Mini-Redis scripts while packages are installed; safe to remove.'

as_root() {
    local sudo=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die "needs root for '$*' and finds no sudo: run it as root once"
        sudo=(sudo)
    fi
    "${sudo[@]}" "$@"
}

installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get --option DPkg::Lock::Timeout=300 --yes "$@"
}

# Debian starts a package's service when it is installed, unless policy-rc.d forbids it. A policy
# that somebody else placed is theirs and stays; ours is gone afterwards, whatever happens. Runs in
# a subshell so that its trap does not replace one of the caller's.
without_services() (
    if [[ ! -e $policy ]] || grep --quiet --fixed-strings "$policy_mark" "$policy"; then
        trap 'as_root rm --force "$policy"' EXIT
        printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    "$@"
)

install_missing() {
    local package missing=()
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0
    say "installing with apt-get: ${missing[*]}"
    apt_get update >&2 || die "apt-get update failed: no network, or no Debian?"
    without_services apt_get install --no-install-recommends "${missing[@]}" >&2 ||
        die "apt-get could not install ${missing[*]}"
    # The oracle's program is wanted, its service is not: neither now nor after the next boot.
    if [[ " ${missing[*]} " == *" redis-server "* ]]; then
        as_root update-rc.d redis-server disable >&2 || true
        as_root service redis-server stop >/dev/null 2>&1 || true
    fi
}
