#!/usr/bin/env bash
# The tests that take longer than anybody waits for at a desk: `make test-long`.
#
#   test-long.sh [PART...]     all parts, or those whose name begins so
#
# Every part ends with a line of its own that begins with `long: ` and tells what was done, in
# numbers; the summary is these lines again. A part that fails does not keep the next one from
# running, and the exit code is 1 when one failed or ended without its line.
set -uo pipefail
cd "$(dirname "$0")/../.."
log=target/test-long
mkdir -p "$log"
failed=()
: >"$log/summary"

# part NAME COMMAND...
part() {
    local name=$1
    shift
    if [ ${#wanted[@]} -gt 0 ]; then
        local word chosen=
        for word in "${wanted[@]}"; do
            case $name in "$word"*) chosen=yes ;; esac
        done
        [ -n "$chosen" ] || return 0
    fi
    printf '\n== %s (%ss)\n' "$name" "$SECONDS"
    if ! "$@" 2>&1 | tee "$log/$name.log"; then
        failed+=("$name")
    fi
    if ! grep '^long: ' "$log/$name.log" | tail -n 1 | grep . >>"$log/summary"; then
        echo "long: $name: ended without a summary" >>"$log/summary"
        failed+=("$name")
    fi
}

# The property tests with many more cases than `make test` gives them.
properties() {
    local cases=${PROPTEST_CASES:-100000} began=$SECONDS output
    output=$(PROPTEST_CASES=$cases "$cargo" test --workspace --test properties 2>&1)
    local code=$?
    echo "$output"
    local passed
    passed=$(echo "$output" | sed -n 's/^test result: .* \([0-9]*\) passed.*/\1/p' | tail -n 1)
    echo "long: properties: ${passed:-0} properties, $cases cases each," \
        "exit code $code, $((SECONDS - began)) s"
    return $code
}

wanted=("$@")
cargo=${CARGO:-cargo}
worlds=${WORLDS:-10000}

# Built with the whole workspace, as `make test` builds them, so that nothing is built twice.
"$cargo" test --quiet --workspace --no-run || exit 1
"$cargo" build --quiet --workspace --bins || exit 1

part simulation target/debug/simulation --worlds "$worlds"
part hostile-servers "$cargo" test --quiet --workspace --test hostile_mixes -- --long
part real-servers "$cargo" test --quiet --workspace --test real_servers -- --long
part properties properties
part fuzzing env FUZZ_SECONDS="${FUZZ_SECONDS:-60}" FUZZ_POLICY="${FUZZ_POLICY:-}" \
    bash tests/tools/fuzz.sh

printf '\n== summary (%ss)\n' "$SECONDS"
cat "$log/summary"
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}; what they said is in $log"
    exit 1
fi
