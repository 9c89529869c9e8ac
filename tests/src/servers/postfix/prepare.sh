# The folders that Postfix's own set-up makes. Its daemons write as `postfix`, its master as root.
mkdir data mail queue
(cd queue && mkdir active bounce corrupt defer deferred flush hold incoming maildrop pid private \
    public saved trace)
chown postfix data queue/*
chown root queue/pid

# The mailboxes behind Dovecot, one of them full in earnest.
mkdir -p dovecot/mail/full/new dovecot/mail/full/cur dovecot/mail/full/tmp
printf '%5000s' '' >dovecot/mail/full/new/1.full
chown -R mailbox:mailbox dovecot/mail
