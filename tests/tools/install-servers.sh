#!/bin/sh
# Unpacks Debian's Postfix, Exim, OpenSMTPD, sendmail, Courier, aiosmtpd, Dovecot, postgrey, unbound
# and node (for install-haraka.sh), with the libraries that they need, into a private root folder for
# `tests/tests/real_servers`.
#
#   install-servers.sh [FOLDER]     FOLDER: $VRFY_SERVERS, else $XDG_CACHE_HOME/vrfy/servers
#
# The mail servers exclude each other as installed packages, and a mail server's package
# starts and configures a service. So nothing is installed: apt resolves and verifies the packages
# of each server as if for an empty machine, and all of them are unpacked side by side into
# FOLDER/root, which the tests enter with chroot. No maintainer script runs and nothing outside
# FOLDER changes, but that `apt-get update` runs where apt knows no package lists yet, or only lists
# that are older than the mirror. A second run sees that the folder is complete and does nothing.
set -eu

# One line for each set that apt can resolve at once. Part of the stamp: a changed set is unpacked
# anew.
SETS='postfix
exim4-daemon-light cron
opensmtpd
sendmail-bin sed
courier-mta findutils
dovecot-lmtpd
python3-aiosmtpd
nodejs
postgrey unbound openssl dash coreutils'
# Goes up when what this script does with the packages changes.
RECIPE=2

folder=${1:-${VRFY_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/vrfy/servers}}
stamp="recipe $RECIPE: $(echo "$SETS" | tr '\n' ' ')"

if [ "$(head -n 1 "$folder/installed" 2>/dev/null || true)" = "$stamp" ]; then
    echo "install-servers: nothing to do, the mail servers are in $folder"
    exit 0
fi

fail() {
    echo "install-servers: $1" >&2
    exit 1
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "needs apt-get and dpkg-deb (Debian or a relative of it)"
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "needs root or sudo: mail servers run as several users"
    exec sudo -n sh "$0" "$folder"
fi

about='Debian packages of six mail servers and what they need (about 130 MB)'
echo "install-servers: unpacks the $about into $folder; the system stays as it is"

archives="$folder/archives"
new="$folder/root.new"
mkdir -p "$archives/partial"
rm -rf "$new" "$folder/installed"
mkdir "$new"

if ! apt-cache show postfix >/dev/null 2>&1; then
    apt-get -qq update
fi

# What is installed here must not matter, for the root folder has nothing of this machine.
try_download() {
    apt-get -qq -y --no-install-recommends --download-only \
        -o Dir::State::status=/dev/null -o Dir::Cache::archives="$archives" \
        -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root install "$@" >"$folder/apt.log" 2>&1
}
# A package list older than the mirror names versions that the mirror has no more.
download() {
    try_download "$@" || { apt-get -qq update && try_download "$@"; } || {
        cat "$folder/apt.log" >&2
        fail "apt-get could not download: $*"
    }
}
echo "$SETS" | while read -r set; do
    # The words of a set are the arguments.
    # shellcheck disable=SC2086
    download $set
done

for package in "$archives"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$new" --keep-directory-symlink \
        --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale ||
        fail "cannot unpack $package"
done

# What the packages' own scripts would have made: users, devices, a few names.
# The numbers are those that Debian promises to nobody (30000 to 59999).
cat >"$new/etc/passwd" <<'END'
root:x:0:0:root:/:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
postfix:x:59901:59901::/var/spool/postfix:/bin/false
Debian-exim:x:59902:59902::/var/spool/exim4:/bin/false
opensmtpd:x:59903:59903::/var/lib/opensmtpd/empty:/bin/false
opensmtpq:x:59904:59904::/var/lib/opensmtpd/empty:/bin/false
postgrey:x:59905:59905::/var/lib/postgrey:/bin/false
unbound:x:59906:59906::/var/lib/unbound:/bin/false
smmta:x:59909:59909::/var/lib/sendmail:/bin/false
smmsp:x:59910:59910::/var/lib/sendmail:/bin/false
courier:x:59911:59911::/var/lib/courier:/bin/false
dovecot:x:59912:59912::/run:/bin/false
dovenull:x:59913:59913::/run:/bin/false
mailbox:x:59907:59907:owner of every test mailbox:/var/mail:/bin/false
END
cat >"$new/etc/group" <<'END'
root:x:0:
nogroup:x:65534:
mail:x:8:
postfix:x:59901:
postdrop:x:59908:
Debian-exim:x:59902:
opensmtpd:x:59903:
opensmtpq:x:59904:
postgrey:x:59905:
unbound:x:59906:
mailbox:x:59907:
smmta:x:59909:
smmsp:x:59910:
courier:x:59911:
dovecot:x:59912:
dovenull:x:59913:
END
cat >"$new/etc/hosts" <<'END'
127.0.0.1 localhost
::1 localhost
127.88.0.7 hand.client.test
127.88.0.8 early.client.test
127.88.0.9 prober.client.test
END
# Port 53 of this machine: no server may need a name that is not in its configuration.
printf 'nameserver 127.0.0.1\n' >"$new/etc/resolv.conf"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$new/etc/nsswitch.conf"
mkdir -p "$new/dev" "$new/tmp" "$new/srv" "$new/run" "$new/var/run" \
    "$new/var/mail" "$new/var/lib/opensmtpd/empty"
mknod -m 666 "$new/dev/null" c 1 3
mknod -m 444 "$new/dev/urandom" c 1 9
# Runs make their folders here; the tests may run as another user than this script.
chmod 1777 "$new/tmp" "$new/srv"

rm -rf "$folder/root"
mv "$new" "$folder/root"
: >"$folder/lock"
chmod 666 "$folder/lock"
{
    echo "$stamp"
    for package in "$archives"/*.deb; do
        dpkg-deb -f "$package" Package Version | sed 's/^[A-Za-z]*: //' | paste -sd ' ' -
    done
} >"$folder/installed.new"
rm -rf "$archives" "$folder/apt.log"
mv "$folder/installed.new" "$folder/installed"
programs='postfix|exim4-daemon-light|opensmtpd|sendmail-bin|courier-mta|dovecot-lmtpd|python3-aiosmtpd'
grep -E "^($programs|nodejs|postgrey|unbound) " "$folder/installed" |
    sed 's/^/install-servers: unpacked /'
