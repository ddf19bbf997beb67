# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-3-Clause
#
# What every script needs: where the project is, how to speak, where Swift is, how to build.
# Sourced, never run. Everything is said on standard error; standard output is the caller's.

root=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink --canonicalize -- "${BASH_SOURCE[0]}")")")")
release="$root/.build/release/redis"
user=${SUDO_USER:-$(id --user --name)}
home=$(getent passwd "$user" | cut --delimiter=: --fields=6 || true)

say() { printf '== %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# sudo replaces PATH with its own, so a toolchain that the user sees may be invisible here: the
# places where toolchains are usually unpacked are looked at before giving up.
find_swift() {
    local directory
    command -v swift >/dev/null && return
    for directory in /opt/swift*/usr/bin /usr/local/swift*/usr/bin "$home"/swift*/usr/bin \
        "$home"/.local/share/swiftly/bin; do
        if [[ -x $directory/swift ]]; then
            export PATH="$directory:$PATH"
            say "Swift is not in PATH; using $directory/swift"
            return
        fi
    done
    die "no 'swift' in PATH: install a Swift 6.2 (or later) toolchain from https://swift.org/install
and put its usr/bin directory into PATH (sudo resets it: sudo env PATH=\"\$PATH\" $0)"
}

# Under sudo, what belongs to the user's copy of the project is done as that user: else the build
# folder would become root's, and the user's own next build would fail.
as_builder() {
    if ((EUID == 0)) && [[ $user != root && $(stat --format=%U -- "$root") == "$user" ]]; then
        runuser --user "$user" -- env HOME="$home" "$@"
    else
        "$@"
    fi
}

# Builds the server, optimised. The compiler's output goes to standard error.
build_release() {
    find_swift
    say "building $release (swift build --configuration release)"
    as_builder swift build --package-path "$root" --configuration release --product redis >&2 ||
        die "the build failed, see above (if another user built here before: remove .build and the
lock that is named above)"
}

# The folders and files that hold Swift, for the formatter and its check.
swift_sources() {
    find "$root"/{Package.swift,Sources,Tests,Fuzz,Benchmarks} -maxdepth 0 -print0 2>/dev/null || true
}
