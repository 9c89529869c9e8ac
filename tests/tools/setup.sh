#!/usr/bin/env bash
# Sees to what a build needs beside Rust and a C compiler: a target for policies. Quick when all is
# there. The choice itself is made in host/guest-build, which every build asks; this only installs.
set -euo pipefail

command -v cargo >/dev/null || {
    echo "setup: cargo is missing; install Rust with rustup (https://rustup.rs)" >&2
    exit 1
}
command -v cc >/dev/null || {
    echo "setup: a C compiler is missing; on Debian: apt-get install gcc libc6-dev" >&2
    exit 1
}

target=wasm32-unknown-unknown
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] && exit 0
[ "${VRFY_GUEST_TOOLCHAIN:-}" = debian ] && exec bash host/guest-build/install-debian-toolchain.sh

echo "setup: installing the Rust target $target, which policies are built for"
if command -v rustup >/dev/null && timeout 120 rustup target add "$target"; then
    exit 0
fi
echo "setup: rustup cannot install it; taking Debian's Rust for policies instead"
exec bash host/guest-build/install-debian-toolchain.sh
