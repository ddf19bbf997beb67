# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Several servers that belong together: started in a directory of their own, ended together, by
# their process ids. Sourced, after common.sh.

group_processes=()
group_home=

# begin_group: a directory for the data, and the promise that nothing is left behind. A trap that
# the caller sets afterwards has to call end_group.
begin_group() {
    group_home=$(mktemp --directory --tmpdir mini-redis-XXXXXX)
    trap end_group EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

end_group() {
    local process
    for process in "${group_processes[@]}"; do kill -TERM "$process" 2>/dev/null || true; done
    for process in "${group_processes[@]}"; do
        for ((wait = 0; wait < 100; wait++)); do
            kill -0 "$process" 2>/dev/null || break
            sleep 0.05
        done
        kill -KILL "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm --recursive --force -- "$group_home"
}

# need_free PORT: before anything is started, so that the message is a good one.
need_free() {
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
        die "port $1 is in use: choose others, see --help"
    fi
}

# start_member NAME PORT PROGRAM ARGUMENT...: in a directory of its own, its output in NAME/log.
# Leaves its process id in member_process.
start_member() {
    local name=$1 port=$2
    shift 2
    need_free "$port"
    mkdir --parents -- "$group_home/$name"
    (cd -- "$group_home/$name" && exec "$@" >log 2>&1) &
    member_process=$!
    group_processes+=("$member_process")
}

# ask PORT WORD...: a reply, by redis-cli.
ask() {
    local port=$1
    shift
    redis-cli -h 127.0.0.1 -p "$port" --no-auth-warning "$@" 2>/dev/null || true
}

# until_says SECONDS TEXT PORT WORD...: until the reply contains the text.
until_says() {
    local seconds=$1 text=$2
    shift 2
    for ((try = 0; try < seconds * 10; try++)); do
        [[ $(ask "$@") == *"$text"* ]] && return
        sleep 0.1
    done
    return 1
}

# fail_with NAME TEXT: the end, with what the member said last.
fail_with() {
    tail --lines=20 -- "$group_home/$1/log" >&2 || true
    die "$2"
}
