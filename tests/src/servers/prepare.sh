# Runs as root inside the private root folder, once before the servers start and before their own
# scripts.
# Argument: the folder of this run, which holds the configuration already.
set -eu
cd "$1"
chown -R 0:0 .
chmod 755 . *

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -subj /CN=mx.test -keyout key.pem -out cert.pem 2>openssl.log || {
    cat openssl.log >&2
    exit 1
}
chmod 600 key.pem
for folder in */; do
    cp -p cert.pem key.pem "$folder"
done

mkdir postgrey/data
chown postgrey:postgrey postgrey/data
