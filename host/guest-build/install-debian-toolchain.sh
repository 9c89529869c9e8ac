#!/bin/sh
# Installs Debian's Rust packages that compile guests where rustup cannot fetch a wasm target:
# about 0.6 GB on disk. Needs root or sudo. Does nothing when they are there already.
set -eu

packages="rustc-web cargo-web rust-web-src rust-web-llvm lld-22"

if dpkg-query -W -f '${Status}\n' $packages 2>/dev/null | grep -c '^install ok installed$' |
    grep -qx "$(echo $packages | wc -w)"; then
    echo "already installed: $packages"
    exit 0
fi

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "installing Debian's Rust packages for guests: $packages"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages
