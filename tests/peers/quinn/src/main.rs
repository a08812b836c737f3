// SPDX-License-Identifier: GPL-2.0-or-later

//! quinn in the interop matrix: HTTP/0.9 (hq-interop); options as in kquic_web.py.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream, ServerConfig, TransportConfig, VarInt};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const HALFWAY: usize = 200_000;
const SWITCHES: [&str; 6] = ["v2", "retry", "early", "resume", "keyupdate", "each"];

struct Options {
    values: HashMap<String, String>,
    switches: HashSet<String>,
    paths: Vec<String>,
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Self {
        let mut made = Options { values: HashMap::new(), switches: HashSet::new(), paths: Vec::new() };
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some(name) if SWITCHES.contains(&name) => drop(made.switches.insert(name.into())),
                Some(name) => drop(made.values.insert(name.into(), words.next().unwrap_or_default())),
                None => made.paths.push(word),
            }
        }
        made
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str) -> bool {
        self.switches.contains(name)
    }

    fn server(&self) -> Result<SocketAddr> {
        Ok(SocketAddr::new(self.value("address").parse()?, self.value("port").parse()?))
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>> {
    Ok(rustls_pemfile::certs(&mut BufReader::new(File::open(path)?)).collect::<std::result::Result<_, _>>()?)
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>> {
    rustls_pemfile::private_key(&mut BufReader::new(File::open(path)?))?.ok_or_else(|| "no key".into())
}

fn transport() -> Arc<TransportConfig> {
    let mut made = TransportConfig::default();
    made.max_idle_timeout(Some(VarInt::from_u32(60_000).into()));
    Arc::new(made)
}

// Server.

async fn serve(options: Options) -> Result<()> {
    let (chain, key) = (certificates(options.value("cert"))?, private_key(options.value("key"))?);
    let mut tls = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![options.value("alpn").into()];
    tls.max_early_data_size = if options.is("early") { u32::MAX } else { 0 };
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(transport());
    let endpoint = Endpoint::server(config, options.server()?)?;
    println!("ready");
    let root: Arc<str> = options.value("root").into();
    while let Some(incoming) = endpoint.accept().await {
        if options.is("retry") && !incoming.remote_address_validated() {
            incoming.retry()?;
            continue;
        }
        let root = root.clone();
        tokio::spawn(async move {
            // Whether 0-RTT is taken is up to TLS; its streams come before the handshake is over.
            let connection = match incoming.accept()?.into_0rtt() {
                Ok((connection, _)) => connection,
                Err(connecting) => connecting.await?,
            };
            while let Ok((send, receive)) = connection.accept_bi().await {
                tokio::spawn(answer(send, receive, root.clone()));
            }
            Result::Ok(())
        });
    }
    Ok(())
}

async fn answer(mut send: SendStream, mut receive: RecvStream, root: Arc<str>) -> Result<()> {
    let line = String::from_utf8(receive.read_to_end(4096).await?)?;
    let path = line.split_whitespace().nth(1).ok_or("no path")?.trim_start_matches('/').to_owned();
    send.write_all(&std::fs::read(Path::new(&*root).join(path))?).await?;
    send.finish()?;
    send.stopped().await?;
    Ok(())
}

// Client.

struct Client {
    endpoint: Endpoint,
    options: Options,
    received: AtomicUsize,
    stays: AtomicBool,
}

fn client_endpoint(options: &Options) -> Result<Endpoint> {
    let mut roots = rustls::RootCertStore::empty();
    for each in certificates(options.value("ca"))? {
        roots.add(each)?;
    }
    let mut provider = rustls::crypto::ring::default_provider();
    if options.value("cipher") == "chacha20" {
        let wanted = rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256;
        let initial = rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
        // quinn needs AES-128 for Initial packets; the order says which one is offered first.
        provider.cipher_suites.retain(|suite| suite.suite() == wanted || suite.suite() == initial);
        provider.cipher_suites.sort_by_key(|suite| suite.suite() != wanted);
    }
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![options.value("alpn").into()];
    tls.enable_early_data = options.is("early");
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(transport());
    let any = if options.server()?.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let mut endpoint = Endpoint::client(any.parse()?)?;
    endpoint.set_default_client_config(config);
    Ok(endpoint)
}

impl Client {
    async fn fetch(self: &Arc<Self>, paths: &[String], early: bool) -> Result<()> {
        let connecting = self.endpoint.connect(self.options.server()?, self.options.value("name"))?;
        let connection = if early {
            let (connection, accepted) = connecting.into_0rtt().map_err(|_| "no session with 0-RTT")?;
            tokio::spawn(async move { println!("early {}", accepted.await) });
            connection
        } else {
            connecting.await?
        };
        let work: Vec<_> =
            paths.iter().map(|path| tokio::spawn(self.clone().get(connection.clone(), path.clone()))).collect();
        if self.options.is("keyupdate") {
            tokio::time::sleep(Duration::from_millis(50)).await;
            connection.force_key_update();
        }
        for each in work {
            each.await??;
        }
        let data = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
        println!("handshake {:?}", data.and_then(|data| data.protocol).map(String::from_utf8));
        if self.options.is("resume") || self.options.is("early") {
            tokio::time::sleep(Duration::from_millis(200)).await; // the ticket
        }
        connection.close(VarInt::from_u32(0), b"");
        self.endpoint.wait_idle().await;
        Ok(())
    }

    async fn get(self: Arc<Self>, connection: Connection, path: String) -> Result<()> {
        let (mut send, mut receive) = connection.open_bi().await?;
        send.write_all(format!("GET {path}\r\n").as_bytes()).await?;
        send.finish()?;
        let mut body = Vec::new();
        while let Some(chunk) = receive.read_chunk(65536, true).await? {
            body.extend_from_slice(&chunk.bytes);
            self.move_after(chunk.bytes.len())?;
        }
        std::fs::write(Path::new(self.options.value("out")).join(path.trim_start_matches('/')), body)?;
        Ok(())
    }

    fn move_after(&self, count: usize) -> Result<()> {
        let elsewhere = self.options.value("migrate");
        let total = self.received.fetch_add(count, Ordering::Relaxed) + count;
        if !elsewhere.is_empty() && total > HALFWAY && self.stays.swap(false, Ordering::Relaxed) {
            self.endpoint.rebind(UdpSocket::bind((elsewhere, 0))?)?;
            println!("moved");
        }
        Ok(())
    }
}

async fn fetch(options: Options) -> Result<()> {
    let endpoint = client_endpoint(&options)?;
    let client = Arc::new(Client { endpoint, options, received: AtomicUsize::new(0), stays: AtomicBool::new(true) });
    let paths = client.options.paths.clone();
    if client.options.is("resume") || client.options.is("early") {
        client.fetch(&paths[..1], false).await?;
        client.fetch(&paths[1..], client.options.is("early")).await?;
    } else if client.options.is("each") {
        for path in &paths {
            client.fetch(std::slice::from_ref(path), false).await?;
        }
    } else {
        client.fetch(&paths, false).await?;
    }
    println!("done");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "crypto provider")?;
    let mut words = std::env::args().skip(1);
    let role = words.next();
    let options = Options::parse(words);
    if role.as_deref() == Some("server") {
        serve(options).await
    } else {
        fetch(options).await
    }
}
