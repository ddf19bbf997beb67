# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
#
# One master, two replicas and three Sentinels. Sourced, after group.sh; the caller sets `first`,
# the port of the first server: the others follow it, the Sentinels' ports are 20000 more.

servers=()

need_free_ports() {
    local number
    for ((number = 0; number < 3; number++)); do
        need_free $((first + number))
        need_free $((first + 20000 + number))
    done
}

# server NUMBER [DIRECTIVE...]: with a configuration file, which the Sentinels have rewritten.
server() {
    local number=$1 port=$((first + $1))
    local file="$group_home/server$number/redis.conf"
    mkdir --parents -- "${file%/*}"
    [[ -f $file ]] || printf '%s\n' "port $port" 'bind 127.0.0.1' "save ''" \
        'repl-diskless-sync-delay 0' "${@:2}" >"$file"
    start_member "server$number" "$port" "$release" "$file"
    servers[number]=$member_process
}

sentinel() {
    local number=$1 port=$((first + 20000 + $1))
    local file="$group_home/sentinel$number/sentinel.conf"
    mkdir --parents -- "${file%/*}"
    printf '%s\n' "port $port" 'bind 127.0.0.1' "sentinel monitor mymaster 127.0.0.1 $first 2" \
        'sentinel down-after-milliseconds mymaster 1000' \
        'sentinel failover-timeout mymaster 6000' 'sentinel parallel-syncs mymaster 1' >"$file"
    start_member "sentinel$number" "$port" redis-server "$file" --sentinel
}

# The port that the Sentinels call the master's.
current() { ask $((first + 20000)) sentinel get-master-addr-by-name mymaster | tail --lines=1; }

# Starts all six, and returns when they know each other.
start_group() {
    local number
    server 0
    until_says 20 PONG "$first" ping || fail_with server0 "the master did not start"
    for number in 1 2; do server "$number" "replicaof 127.0.0.1 $first"; done
    for number in 1 2; do
        until_says 30 master_link_status:up $((first + number)) info replication ||
            fail_with "server$number" "replica $number did not come in sync"
    done
    for number in 0 1 2; do sentinel "$number"; done
    for number in 0 1 2; do
        until_says 30 num-other-sentinels$'\n'2 $((first + 20000 + number)) \
            sentinel master mymaster ||
            fail_with "sentinel$number" "the Sentinels did not find each other"
        until_says 30 num-slaves$'\n'2 $((first + 20000 + number)) sentinel master mymaster ||
            fail_with "sentinel$number" "the Sentinels did not find the replicas"
    done
}

# kill_master NUMBER: with kill -9. Leaves the port of the new master, which is one by its own
# words, in new, and the milliseconds that it took in took.
kill_master() {
    local port=$((first + $1)) began process kept=()
    began=$(date +%s%N)
    kill -KILL "${servers[$1]}"
    wait "${servers[$1]}" 2>/dev/null || true
    # Its process id may soon be another's.
    for process in "${group_processes[@]}"; do
        [[ $process == "${servers[$1]}" ]] || kept+=("$process")
    done
    group_processes=("${kept[@]}")
    until new=$(current) && [[ $new && $new != "$port" ]]; do
        (($(date +%s%N) - began < 30000000000)) || fail_with sentinel0 "no new master within 30 s"
        sleep 0.05
    done
    until_says 10 role:master "$new" info replication || fail_with sentinel0 "$new is no master"
    took=$((($(date +%s%N) - began) / 1000000))
}

# return_as_replica NUMBER: starts the old master again; the Sentinels make it a replica of new.
return_as_replica() {
    server "$1"
    until_says 60 "master_port:$new" $((first + $1)) info replication ||
        fail_with "server$1" "the old master was not made a replica"
    until_says 30 master_link_status:up $((first + $1)) info replication ||
        fail_with "server$1" "the old master did not come in sync"
}
