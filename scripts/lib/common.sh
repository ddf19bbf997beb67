# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What every script needs: where the project is, how to speak, where Swift is, how to build.
# Sourced, never run. Everything is said on standard error; standard output is the caller's.

root=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink --canonicalize -- "${BASH_SOURCE[0]}")")")")
# shellcheck disable=SC2034  # used by the scripts that source this file
release="$root/.build/release/redis"

say() { printf '== %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# sudo replaces PATH with its own, so a toolchain that the user sees may be invisible here: the
# places where toolchains are usually unpacked are looked at before giving up.
find_swift() {
    local home directory
    command -v swift >/dev/null && return
    home=$(getent passwd "${SUDO_USER:-$(id --user --name)}" | cut --delimiter=: --fields=6)
    for directory in /opt/swift*/usr/bin /usr/local/swift*/usr/bin /usr/local/swift*/bin \
        /usr/libexec/swift/*/bin "$home"/.local/share/swiftly/bin "$home"/swift*/usr/bin; do
        if [[ -x $directory/swift ]]; then
            export PATH="$directory:$PATH"
            say "Swift is not in PATH; using $directory/swift"
            return
        fi
    done
    die "no 'swift' in PATH: install a Swift 6.2 (or later) toolchain from https://swift.org/install
and put its usr/bin directory into PATH (sudo resets it: sudo env PATH=\"\$PATH\" $0)"
}

# Builds the server, optimised. The compiler's output goes to standard error.
build_release() {
    find_swift
    if [[ -e $root/.build && ! -w $root/.build ]]; then
        die "$root/.build belongs to another user (built through sudo?): remove it or chown it"
    fi
    say "building the release (swift build --configuration release --product redis)"
    swift build --package-path "$root" --configuration release --product redis >&2 ||
        die "the build failed; its messages are above"
}

# The folders and files that hold Swift, for the formatter and its check.
swift_sources() {
    local path
    for path in Package.swift Sources Tests Fuzz Benchmarks; do
        [[ ! -e $root/$path ]] || printf '%s\0' "$root/$path"
    done
}
