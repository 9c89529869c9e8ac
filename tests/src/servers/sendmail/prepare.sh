# sendmail believes no file below a folder that anybody can write to, so its own are elsewhere.
own=/var/lib/sendmail/vrfy
rm -rf "$own"
mkdir -p "$own/queue"
cat mailboxes full >"$own/mailboxes"
cp -p domains access cert.pem key.pem "$own/"
: >"$own/aliases"
sendmail=/usr/libexec/sendmail
m4 sendmail.mc >"$own/sendmail.cf"
for map in mailboxes access; do
    $sendmail/makemap -C "$own/sendmail.cf" hash "$own/$map" <"$own/$map"
done
$sendmail/newaliases -C "$own/sendmail.cf" >/dev/null
