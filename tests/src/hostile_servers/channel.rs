//! What a server speaks through: the bare connection, TLS by the library, or TLS records made by
//! hand, for what no library would send.

use std::io;
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk};
use rustls::crypto::ring::{cipher_suite, default_provider, sign};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ConnectionTrafficSecrets, KeyLog, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::wire::Far;

/// Content types of TLS records (RFC 8446 section 5.1).
pub const ALERT: u8 = 21;
/// A handshake message.
pub const HANDSHAKE: u8 = 22;
/// Text of the application.
pub const APPLICATION: u8 = 23;

/// Octets taken from the connection at a time.
const READ_MAX: usize = 16 * 1024;

/// What a server speaks through.
pub enum Channel<S> {
    /// The bare connection.
    Clear(S),
    /// TLS by the library, and the secret that its own keys come from.
    Tls(Box<TlsStream<S>>, Vec<u8>),
    /// TLS by hand.
    Records(Box<Records<S>>),
    /// Nothing: a handshake failed.
    Gone,
}

impl<S: Far> Channel<S> {
    /// Whether commands come through TLS.
    pub fn is_secure(&self) -> bool {
        !matches!(self, Self::Clear(_))
    }

    /// Writes all of it.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.write_all(bytes).await,
            Self::Tls(stream, _) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Self::Records(records) => records.send(APPLICATION, bytes).await,
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Appends what arrives next; nothing at the end.
    pub async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        let mut buffer = [0; READ_MAX];
        let read = match self {
            Self::Clear(stream) => stream.read(&mut buffer).await?,
            Self::Tls(stream, _) => stream.read(&mut buffer).await?,
            Self::Records(records) => return records.receive(into).await,
            Self::Gone => return Err(io::ErrorKind::NotConnected.into()),
        };
        into.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    /// Sends no more, but could read on.
    pub async fn half_close(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.shutdown().await,
            Self::Tls(stream, _) => stream.shutdown().await,
            Self::Records(records) => records.stream.shutdown().await,
            Self::Gone => Ok(()),
        }
    }

    /// From now on the end of the connection is a reset.
    pub fn end_with_reset(&self) {
        match self {
            Self::Clear(stream) => stream.end_with_reset(),
            Self::Tls(stream, _) => stream.get_ref().0.end_with_reset(),
            Self::Records(records) => records.stream.end_with_reset(),
            Self::Gone => {}
        }
    }

    /// The bare connection, whatever was spoken through it.
    pub fn bare(&mut self) -> io::Result<&mut S> {
        match self {
            Self::Clear(stream) => Ok(stream),
            Self::Tls(stream, _) => Ok(stream.get_mut().0),
            Self::Records(records) => Ok(&mut records.stream),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Shakes hands like a server should.
    pub async fn secure(&mut self, tls: &ServerTls) -> io::Result<()> {
        if let Self::Clear(stream) = std::mem::replace(self, Self::Gone) {
            let stream = Box::new(tls.acceptor.accept(stream).await?);
            *self = Self::Tls(stream, tls.secret.taken());
        }
        Ok(())
    }

    /// Takes the records of TLS into our own hands.
    pub fn take_records(&mut self) -> io::Result<&mut Records<S>> {
        *self = match std::mem::replace(self, Self::Gone) {
            Self::Tls(stream, secret) => Self::Records(Box::new(Records::of(*stream, secret)?)),
            other => other,
        };
        match self {
            Self::Records(records) => Ok(records),
            _ => Err(io::Error::other("there is no TLS to take over")),
        }
    }
}

/// The certificates and versions of a server.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    secret: Arc<Secret>,
}

/// The secret of the last handshake, which the keys of a server come from (TLS 1.3).
#[derive(Debug, Default)]
struct Secret(Mutex<Vec<u8>>);

impl Secret {
    fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().expect("no holder panics"))
    }
}

impl KeyLog for Secret {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        if label == "SERVER_TRAFFIC_SECRET_0" {
            *self.0.lock().expect("no holder panics") = secret.to_vec();
        }
    }
}

impl ServerTls {
    /// One certificate of the server's own, and behind it `junk` times `filler`.
    ///
    /// # Panics
    /// Where the libraries do not take their own defaults.
    #[must_use]
    pub fn new(version: &'static SupportedProtocolVersion, junk: usize, filler: &[u8]) -> Self {
        let key = KeyPair::generate().expect("there is chance");
        let params = CertificateParams::new(vec!["mx.example.test".to_owned()]);
        let own = params.and_then(|params| params.self_signed(&key));
        let own = own.expect("a name can be signed");
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let secret = sign::any_supported_type(&secret).expect("the key is of a common kind");
        let mut chain = vec![own.der().clone()];
        chain.extend((0..junk).map(|_| CertificateDer::from(filler.to_vec())));
        // ChaCha20-Poly1305 makes its nonces alike in both versions (RFC 7905, RFC 8446).
        let mut provider = default_provider();
        provider.cipher_suites = vec![
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ];
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .expect("the suites are of both versions");
        let shown = Shown(Arc::new(CertifiedKey::new(chain, secret)));
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(shown));
        config.enable_secret_extraction = true;
        config.send_tls13_tickets = 0;
        let secret = Arc::new(Secret::default());
        config.key_log = Arc::clone(&secret) as Arc<dyn KeyLog>;
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            secret,
        }
    }
}

#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Records made and read by hand, with the keys of a handshake that the library made.
pub struct Records<S> {
    stream: S,
    is_tls13: bool,
    ours: Half,
    theirs: Half,
    secret: Vec<u8>,
    unread: Vec<u8>,
}

/// One direction.
struct Half {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl<S: Far> Records<S> {
    fn of(stream: TlsStream<S>, secret: Vec<u8>) -> io::Result<Self> {
        let (stream, connection) = stream.into_inner();
        let is_tls13 = connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let secrets = connection.dangerous_extract_secrets();
        let secrets = secrets.map_err(io::Error::other)?;
        Ok(Self {
            stream,
            is_tls13,
            ours: Half::new(secrets.tx)?,
            theirs: Half::new(secrets.rx)?,
            secret,
            unread: Vec::new(),
        })
    }

    /// Sends one record of that type, sealed as it should be.
    pub async fn send(&mut self, kind: u8, content: &[u8]) -> io::Result<()> {
        let mut sealed = content.to_vec();
        let outer = match self.is_tls13 {
            true => {
                sealed.push(kind);
                APPLICATION
            }
            false => kind,
        };
        let (nonce, sequence) = self.ours.next();
        let length = self.sealed_length(sealed.len());
        let aad = self.associated(outer, sequence, sealed.len(), length);
        let tag = self
            .ours
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(aad), &mut sealed)
            .map_err(|_| io::Error::other("cannot seal"))?;
        sealed.extend_from_slice(tag.as_ref());
        let mut record = vec![outer, 3, 3];
        record.extend(length.to_be_bytes());
        record.extend(sealed);
        self.stream.write_all(&record).await?;
        if self.is_tls13 && kind == HANDSHAKE && content.first() == Some(&KEY_UPDATE) {
            self.ours = self.updated()?;
        }
        Ok(())
    }

    /// The keys after a key update (RFC 8446 section 7.2).
    fn updated(&mut self) -> io::Result<Half> {
        self.secret = expanded(&self.secret, "traffic upd", 32)?;
        let key = expanded(&self.secret, "key", 32)?;
        let iv = expanded(&self.secret, "iv", 12)?;
        Half::of(&key, &iv, 0)
    }

    /// Appends the text of the next record that is text; nothing at the end.
    async fn receive(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            while let Some((kind, content)) = self.opened()? {
                if kind == APPLICATION && !content.is_empty() {
                    into.extend_from_slice(&content);
                    return Ok(content.len());
                }
            }
            let mut buffer = [0; READ_MAX];
            let read = self.stream.read(&mut buffer).await?;
            if read == 0 {
                return Ok(0);
            }
            self.unread.extend_from_slice(&buffer[..read]);
        }
    }

    fn opened(&mut self) -> io::Result<Option<(u8, Vec<u8>)>> {
        let Some(header) = self.unread.first_chunk::<5>() else {
            return Ok(None);
        };
        let length = u16::from_be_bytes([header[3], header[4]]);
        let (outer, end) = (header[0], 5 + usize::from(length));
        if self.unread.len() < end {
            return Ok(None);
        }
        let mut content: Vec<u8> = self.unread.drain(..end).skip(5).collect();
        let (nonce, sequence) = self.theirs.next();
        let inside = content.len().saturating_sub(TAG);
        let aad = self.associated(outer, sequence, inside, length);
        let open = self
            .theirs
            .key
            .open_in_place(nonce, Aad::from(aad), &mut content);
        let plain = open
            .map_err(|_| io::Error::other("the client's record does not open"))?
            .len();
        content.truncate(plain);
        let kind = match self.is_tls13 {
            true => content.pop().unwrap_or_default(),
            false => outer,
        };
        Ok(Some((kind, content)))
    }

    fn sealed_length(&self, plain: usize) -> u16 {
        u16::try_from(plain + TAG).unwrap_or(u16::MAX)
    }

    /// What is sealed beside the content: RFC 8446 section 5.2, RFC 5246 section 6.2.3.3.
    fn associated(&self, outer: u8, sequence: u64, plain: usize, sealed: u16) -> Vec<u8> {
        if self.is_tls13 {
            return [[outer, 3, 3].as_slice(), &sealed.to_be_bytes()].concat();
        }
        let plain = u16::try_from(plain).unwrap_or(u16::MAX).to_be_bytes();
        [&sequence.to_be_bytes(), [outer, 3, 3].as_slice(), &plain].concat()
    }
}

/// HKDF-Expand-Label without a context (RFC 8446 section 7.1).
fn expanded(secret: &[u8], label: &str, length: usize) -> io::Result<Vec<u8>> {
    let wide = u16::try_from(length).map_err(io::Error::other)?;
    let label = format!("tls13 {label}");
    let short = u8::try_from(label.len()).map_err(io::Error::other)?;
    let info = [&wide.to_be_bytes()[..], &[short], label.as_bytes(), &[0]];
    let mut key = vec![0; length];
    Prk::new_less_safe(HKDF_SHA256, secret)
        .expand(&info, Length(length))
        .and_then(|okm| okm.fill(&mut key))
        .map_err(|_| io::Error::other("too long a key"))?;
    Ok(key)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The type of the handshake message that announces new keys.
const KEY_UPDATE: u8 = 24;

/// Octets of the tag behind a sealed record.
const TAG: usize = 16;

impl Half {
    fn new((sequence, secrets): (u64, ConnectionTrafficSecrets)) -> io::Result<Self> {
        let ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } = secrets else {
            return Err(io::Error::other("another cipher than the one offered"));
        };
        Self::of(key.as_ref(), iv.as_ref(), sequence)
    }

    fn of(key: &[u8], iv: &[u8], sequence: u64) -> io::Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key);
        let iv = <[u8; 12]>::try_from(iv).map_err(io::Error::other)?;
        Ok(Self {
            key: LessSafeKey::new(key.map_err(|_| io::Error::other("the key is too short"))?),
            iv,
            sequence,
        })
    }

    fn next(&mut self) -> (Nonce, u64) {
        let mut nonce = self.iv;
        for (octet, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *octet ^= number;
        }
        let sequence = self.sequence;
        self.sequence += 1;
        (Nonce::assume_unique_for_key(nonce), sequence)
    }
}
