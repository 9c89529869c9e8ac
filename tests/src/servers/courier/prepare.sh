# Courier knows no other place for its configuration than this.
own=/etc/courier
ln -sf makedat.courier /usr/bin/makedat
rm -rf /run/courier "$own/userdb" "$own/aliases/vrfy"
mkdir -p /run/courier/authdaemon
echo mx.courier.test >$own/me
echo courier.test >$own/defaultdomain
echo localhost >$own/locals
# With more recipients the rest is to come in another transaction.
echo 'opt BOFHBADMIME=accept
maxrcpts 4 soft' >$own/bofh
cp authdaemonrc $own/
cp domains $own/hosteddomains/vrfy
cp domains $own/esmtpacceptmailfor.dir/vrfy
umask 077
while read -r kind mailbox; do
    case $kind in
    user) printf '%s\tuid=59907|gid=59907|home=/var/mail|mail=/var/mail\n' "$mailbox" >>$own/userdb ;;
    all) echo "@$mailbox: ana@exists.courier.test" >>$own/aliases/vrfy ;;
    esac
done <mailboxes
umask 022
PATH=/usr/sbin:$PATH
cat key.pem cert.pem >both.pem
chmod 600 both.pem
chown -R courier:courier both.pem $own /run/courier /var/lib/courier
makeuserdb
makehosteddomains
makeacceptmailfor
makealiases
