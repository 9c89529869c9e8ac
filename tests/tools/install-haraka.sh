#!/bin/sh
# Adds Haraka to the folder that install-servers.sh made: with npm, in the versions that
# haraka/package-lock.json holds, without running any script of a package and without what Haraka
# can do without. Debian's own node, which is in the folder already, runs it.
#
#   install-haraka.sh [FOLDER]      FOLDER: as for install-servers.sh
#
# Haraka is optional: where npm is missing or its registry cannot be reached, this says so and ends
# well, and the tests skip Haraka.
set -eu

# Seconds that npm may take; it took ten.
TIME_MAX=180

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${VRFY_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/vrfy/servers}}
place="$folder/root"/opt/haraka
lock="$here/haraka/package-lock.json"

skip() {
    echo "install-haraka: skipped: $1"
    exit 0
}

[ -e "$folder/installed" ] || skip "no mail servers in $folder: run install-servers.sh first"
if cmp -s "$lock" "$place/package-lock.json"; then
    echo "install-haraka: nothing to do, Haraka is in $place"
    exit 0
fi
command -v npm >/dev/null || skip "npm is missing (apt-get install npm)"
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || skip "needs root or sudo"
    exec sudo -n env PATH="$PATH" sh "$0" "$folder"
fi

new="$place.new"
rm -rf "$new" "$place"
mkdir -p "$new"
cp "$here/haraka/package.json" "$new/"
# The stamp is the lock file itself; it gets its name last.
cp "$lock" "$new/npm-shrinkwrap.json"
timeout "$TIME_MAX" npm --prefix "$new" ci --ignore-scripts --omit=optional --no-audit --no-fund \
    --loglevel=error >"$folder/npm.log" 2>&1 || {
    cat "$folder/npm.log"
    rm -rf "$new"
    skip "npm could not install it within $TIME_MAX s"
}
mv "$new/npm-shrinkwrap.json" "$new/package-lock.json"
mv "$new" "$place"
rm -f "$folder/npm.log"
echo "install-haraka: installed Haraka $(sed -n 's/^ *"Haraka": "\(.*\)".*/\1/p' "$place/package.json")"
