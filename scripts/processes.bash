# Functions for scripts/chaos, which sources this: they start processes, wait for them, count their lines and stop them.
# The variable 'promptd' is the program's path.
# shellcheck shell=bash disable=SC2034,SC2154  # the script that sources this sets 'promptd', and reads the rest

folder=$(mktemp -d)
declare -A port process
failed=0
end_all() {
    local one
    for one in "${process[@]}"; do kill -KILL "$one" 2>/dev/null || true; done
    for one in "${process[@]}"; do wait "$one" 2>/dev/null || true; done
    process=()
}
trap 'end_all; rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

now() { echo $((${EPOCHREALTIME//[!0-9]/} / 1000)); }
pause() { read -r -t "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))" <> <(:) || true; }

# until_true SECONDS WHAT COMMAND ...: waits until COMMAND succeeds.
until_true() {
    local end=$(($(now) + $1 * 1000)) what=$2
    shift 2
    until "$@"; do
        if [ "$(now)" -gt "$end" ]; then
            echo "  FAILED: timed out while waiting until $what" >&2
            failed=1
            return 1
        fi
        pause 50
    done
}

# check WHAT EXPRESSION
check() {
    if (($2)); then
        echo "  ok      $1"
    else
        echo "  FAILED  $1: ($2) is false"
        failed=1
    fi
}

# lines PATTERN FILE ...: how many lines match.
lines() { cat "${@:2}" | grep -cE "$1" || true; }

# value NAME TEXT: of 'NAME=NUMBER' in a log line.
value() { sed -nE "s/.* $1=([0-9]+).*/\1/p" <<<"$2 "; }

# begin_stand_in NAME FLAGS ...: at its port. Its log goes on where one of that name before it left off.
begin_stand_in() {
    "$promptd" stand-in --port "${port[$1]}" --log-level debug "${@:2}" 2>>"$folder/$1.asked" >/dev/null &
    process[$1]=$!
}

# open_stand_in NAME FLAGS ...: finds a port for it, below those that the system gives to clients: while the stand-in is
# gone, nobody else must get it.
open_stand_in() {
    local _
    for _ in {1..20}; do
        port[$1]=$((20000 + RANDOM % 10000))
        : >"$folder/$1.asked"
        begin_stand_in "$@"
        until grep -q 'standing in for Ollama' "$folder/$1.asked"; do
            kill -0 "${process[$1]}" 2>/dev/null || continue 2
            pause 20
        done
        return
    done
    cat "$folder/$1.asked" >&2
    exit 1
}

# open_server FLAGS ...: sets 'url'.
open_server() {
    local hosts
    hosts=$(printf '127.0.0.1:%s,' "${port[@]}")
    : >"$folder/serve"
    env OLLAMA_HOST="$hosts" "$promptd" serve --listen 127.0.0.1:0 "$@" 2>"$folder/serve" >/dev/null &
    process[serve]=$!
    until_true 10 "promptd serves" grep -q 'serving prompts' "$folder/serve" || { cat "$folder/serve" >&2; exit 1; }
    url=http://$(sed -nE 's/.*serving prompts.* address=([^ ]+).*/\1/p' "$folder/serve")
}

# begin_load NAME FLAGS ...: its prompts carry its name. What it finds goes to a file.
begin_load() {
    "$promptd" load "$url" --timeout 100s --prompt "I am $1 number {n} of all." \
        --expect "from promptd's stand-in for Ollama. You asked: I am $1 number {n} of all." "${@:2}" \
        >"$folder/$1.found" 2>&1 &
    process[$1]=$!
}

# finish_load NAME: waits for it; its numbers go to sent, answered and errors.
finish_load() {
    local found=$folder/$1.found
    wait "${process[$1]}" || true
    unset "process[$1]"
    sed 's/^/  | /' "$found"
    sent=$(sed -nE '1s/.*: ([0-9]+) requests in .*/\1/p' "$found")
    answered=$(sed -nE 's/^  answered  ([0-9]+).*/\1/p' "$found")
    errors=$(sed -nE 's/^  errors    ([0-9]+).*/\1/p' "$found")
    sent=${sent:-0} answered=${answered:-0} errors=${errors:-0}
}

# dishonest NAME PATTERN: how many errors of a load are of other kinds.
dishonest() {
    sed -nE '/^  errors /,$p' "$folder/$1.found" | grep -E '^ +[0-9]+  ' | grep -vE "^ +[0-9]+  ($2)" |
        awk '{ sum += $1 } END { print sum + 0 }'
}

# idle NAME: whether a stand-in has nothing to do.
idle() {
    [[ $(curl -s --noproxy '*' --max-time 5 "http://127.0.0.1:${port[$1]}/stand-in/counts") == *'"active":0'[,\}]* ]]
}

# end_server: SIGTERM; sets 'status'.
end_server() {
    status=0
    kill -TERM "${process[serve]}"
    wait "${process[serve]}" || status=$?
    unset "process[serve]"
}
