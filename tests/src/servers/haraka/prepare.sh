cp cert.pem config/tls_cert.pem
cp key.pem config/tls_key.pem
own=/opt/haraka/node_modules/Haraka/config
[ ! -d $own ] || cp $own/connection.ini config/
