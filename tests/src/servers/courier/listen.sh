# Opens one listener of Courier, as its own start script does.
# Arguments: the address, then settings that differ from those in /etc/courier/esmtpd.
address=$1
shift
set -a
prefix=/usr exec_prefix=/usr sysconfdir=/etc/courier sbindir=/usr/sbin
. /etc/courier/esmtpd
# No resolver is asked about the sender.
BOFHCHECKDNS=0
COURIERTLS=/usr/bin/couriertls
TLS_CERTFILE=@RUN@/both.pem
TLS_DHPARAMS=
TLS_TRUSTCERTS=
for setting in "$@"; do
    eval "$setting"
done
if [ "$address" = @MAIN@ ]; then
    /usr/lib/courier/courier-authlib/authdaemond &
fi
cd /usr
exec /usr/sbin/couriertcpd -nodnslookup -noidentlookup -user=courier -group=courier \
    -address="$address" -maxprocs=100 -maxperc=60 -maxperip="${PER_CLIENT:-60}" \
    @PORT@ /usr/sbin/courieresmtpd
