#!/usr/bin/env bash
# Runs every libFuzzer target for FUZZ_SECONDS (default 60), FUZZ_JOBS of them at a time (default: one
# a core), or those that are named as arguments. FUZZ_POLICY=1 adds the target `judge`, which needs the
# policy runtime and so minutes to build. Where the toolchain cannot fuzz it says so and is done:
# the same entry points are tested on every toolchain by `cargo test --package vrfy-fuzz`.
#
# FUZZ_TIMEOUT: seconds that one input may take (default 5), for a machine that is busy with other work.
#
# Leaves everything in target/fuzz: what was learnt (corpus), logs, and what was found (found).
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-60}
jobs=${FUZZ_JOBS:-$(nproc)}
out=$PWD/target/fuzz
package=host/fuzz/targets
started=$SECONDS

skip() {
    echo "fuzz: $1; the same entry points run with: cargo test --package vrfy-fuzz" >&2
    echo "long: fuzzing: skipped: $1"
    exit 0
}

# Whether this toolchain can fuzz is decided here and nowhere else.
command -v rustup >/dev/null || skip "there is no rustup, and so no nightly toolchain"
cargo +nightly --version >/dev/null 2>&1 ||
    skip "there is no nightly toolchain (rustup toolchain install nightly --profile minimal)"
command -v c++ >/dev/null || skip "there is no C++ compiler, which libFuzzer needs (on Debian: g++)"
export PATH="$out/tools/bin:$PATH"
if ! cargo-fuzz --version >/dev/null 2>&1; then
    echo "fuzz: installing cargo-fuzz into target/fuzz/tools" >&2
    timeout "${FUZZ_INSTALL_SECONDS:-300}" cargo install cargo-fuzz --quiet --locked --root "$out/tools" \
        >&2 || skip "cargo-fuzz cannot be installed within ${FUZZ_INSTALL_SECONDS:-300} s"
fi

# The versions of the workspace are the ones that are fuzzed. No sanitizer: nothing here is unsafe code,
# and without one everything runs three times as often. Checks of overflow and debug assertions are on.
cp Cargo.lock $package/Cargo.lock
features=() left_out=judge
[ "${FUZZ_POLICY:-}" != 1 ] || features=(--features policy) left_out=none
cargo +nightly fuzz build --fuzz-dir $package --target-dir "$out/build" --sanitizer none \
    ${features[@]+"${features[@]}"} >&2
cargo run --quiet --package vrfy-fuzz -- "$out/seeds" >&2
binaries=$(dirname "$(find "$out/build" -path '*/release/reply_reader' -type f | head -n 1)")

if [ $# -gt 0 ]; then
    targets=("$@")
else
    mapfile -t targets < <(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' $package/Cargo.toml | grep -vx "$left_out")
fi
mkdir -p "$out/found" "$out/logs"

# Bounds of one input: its length, the memory and the time that it may take.
run() {
    local target=$1
    mkdir -p "$out/corpus/$target" "$out/seeds/$target"
    "$binaries/$target" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=512 -timeout="${FUZZ_TIMEOUT:-5}" \
        -print_final_stats=1 -artifact_prefix="$out/found/$target-" \
        "$out/corpus/$target" "$out/seeds/$target" >"$out/logs/$target.log" 2>&1
}

failed=()
declare -A running=()
wait_for_one() {
    local done_pid
    wait -n -p done_pid "${!running[@]}" || failed+=("${running[$done_pid]}")
    unset "running[$done_pid]"
}
for target in "${targets[@]}"; do
    [ ${#running[@]} -lt "$jobs" ] || wait_for_one
    run "$target" &
    running[$!]=$target
done
while [ ${#running[@]} -gt 0 ]; do wait_for_one; done

total=0
for target in "${targets[@]}"; do
    log=$out/logs/$target.log
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    covered=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 || true)
    echo "fuzz: $target: ${executions:-0} executions, ${covered:-cov: none}" >&2
    total=$((total + ${executions:-0}))
done
for target in ${failed[@]+"${failed[@]}"}; do
    grep -a -m 1 -A 3 -E 'panicked at|ERROR: libFuzzer' "$out/logs/$target.log" >&2 || true
    echo "fuzz: $target broke a promise; the input is in target/fuzz/found, the log in target/fuzz/logs." \
        "Keep the input as host/fuzz/regressions/$target/WHAT-IT-SHOWS" >&2
done
echo "long: fuzzing: ${#targets[@]} targets, $seconds s each, $total executions," \
    "${#failed[@]} findings, skipped: ${left_out/judge/judge (FUZZ_POLICY=1 runs it)}, $((SECONDS - started)) s"
[ ${#failed[@]} -eq 0 ]
