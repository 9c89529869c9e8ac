# One mailbox that is full in earnest: more in it than its quota allows.
mkdir -p spool mail/full/new mail/full/cur mail/full/tmp
printf '%5000s' '' >mail/full/new/1.full
chown -R Debian-exim:Debian-exim .
# Exim trusts no configuration that its own user could change.
chown root:root exim.conf
