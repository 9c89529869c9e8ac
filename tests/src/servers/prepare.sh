# Runs as root inside the private root folder, once before the servers start.
# Argument: the folder of this run, which holds the configuration already.
set -eu
cd "$1"
chown -R 0:0 .
chmod 755 . postfix exim opensmtpd postgrey unbound

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -subj /CN=mx.test -keyout key.pem -out cert.pem 2>openssl.log || {
    cat openssl.log >&2
    exit 1
}
chmod 600 key.pem
for server in postfix exim opensmtpd; do
    cp -p cert.pem key.pem $server/
done

# The folders that Postfix's own set-up makes. Its daemons write as `postfix`, its master as root.
cd postfix
mkdir data mail queue
(cd queue && mkdir active bounce corrupt defer deferred flush hold incoming maildrop pid private \
    public saved trace)
chown postfix data queue/*
chown root queue/pid
cd ..

# One mailbox that is full in earnest: more in it than its quota allows.
mkdir -p exim/spool exim/mail/full/new exim/mail/full/cur exim/mail/full/tmp
printf '%5000s' '' >exim/mail/full/new/1.full
chown -R Debian-exim:Debian-exim exim
# Exim trusts no configuration that its own user could change.
chown root:root exim/exim.conf

mkdir postgrey/data
chown postgrey:postgrey postgrey/data
