//! Proxies and a TLS front, for a server that is far away by its name and here in truth.

use std::net::TcpListener as Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{io, thread};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What a proxy speaks.
#[derive(Clone)]
pub(crate) enum ProxyKind {
    /// HTTP `CONNECT`.
    Http,
    /// HTTP `CONNECT` over TLS.
    Https(Arc<ServerConfig>),
    /// SOCKS 5 (RFC 1928), with a user and a password (RFC 1929).
    Socks,
}

/// A proxy that leads to one address, whatever it is asked for. Its thread ends with the test.
pub(crate) struct Proxy {
    address: String,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    pub(crate) fn start(kind: ProxyKind, target: &str) -> Self {
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let (record, target) = (Arc::clone(&seen), target.to_owned());
        let address = listen(move |stream| pass(kind.clone(), stream, target.clone(), Arc::clone(&record)));
        Self { address, seen }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// All that clients sent to it, after its own TLS.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }
}

async fn pass(
    kind: ProxyKind,
    stream: TcpStream,
    target: String,
    seen: Arc<Mutex<Vec<u8>>>,
) -> io::Result<()> {
    let mut client: Box<dyn Stream> = match &kind {
        ProxyKind::Https(config) => Box::new(TlsAcceptor::from(Arc::clone(config)).accept(stream).await?),
        _ => Box::new(stream),
    };
    let see = |bytes: &[u8]| seen.lock().unwrap().extend_from_slice(bytes);
    match kind {
        ProxyKind::Socks => see(&socks(&mut client).await?),
        _ => see(&connect(&mut client).await?),
    }
    let mut server = TcpStream::connect(target).await?;
    let (mut from_server, mut to_server) = server.split();
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let up = async {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let read = from_client.read(&mut buffer).await?;
            if read == 0 {
                return to_server.shutdown().await;
            }
            see(&buffer[..read]);
            to_server.write_all(&buffer[..read]).await?;
        }
    };
    let down = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::try_join!(up, down).map(|_| ())
}

/// Answers a `CONNECT`; its head.
async fn connect(client: &mut (impl Stream + ?Sized)) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    Ok(head)
}

/// Answers a SOCKS 5 request; `USER:PASSWORD@HOST`.
async fn socks(client: &mut (impl Stream + ?Sized)) -> io::Result<Vec<u8>> {
    let _version = client.read_u8().await?;
    let methods = text(client).await?;
    let mut told = Vec::new();
    if methods.contains(&2) {
        client.write_all(&[5, 2]).await?;
        let _version = client.read_u8().await?;
        told.extend(text(client).await?);
        told.push(b':');
        told.extend(text(client).await?);
        told.push(b'@');
        client.write_all(&[1, 0]).await?;
    } else {
        client.write_all(&[5, 0]).await?;
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    if request[3] == 3 {
        told.extend(text(client).await?);
    } else {
        let mut address = [0; 4];
        client.read_exact(&mut address).await?;
        told.extend(address.map(|byte| byte.to_string()).join(".").into_bytes());
    }
    let _port = client.read_u16().await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(told)
}

/// A text with its length before it.
async fn text(client: &mut (impl Stream + ?Sized)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// TLS before a server that has none. Its thread ends with the test.
pub(crate) struct TlsFront {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl TlsFront {
    pub(crate) fn start(config: Arc<ServerConfig>, server: &str) -> Self {
        let connections = Arc::<AtomicUsize>::default();
        let (counter, server) = (Arc::clone(&connections), server.to_owned());
        let address = listen(move |stream| {
            counter.fetch_add(1, Ordering::SeqCst);
            let (acceptor, server) = (TlsAcceptor::from(Arc::clone(&config)), server.clone());
            async move {
                let mut client = acceptor.accept(stream).await?;
                let mut server = TcpStream::connect(server).await?;
                copy_bidirectional(&mut client, &mut server).await.map(|_| ())
            }
        });
        Self { address, connections }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Serves connections on a thread of its own; the address.
fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let bound = Bound::bind("127.0.0.1:0").unwrap();
    bound.set_nonblocking(true).unwrap();
    let address = bound.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(bound).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not like the certificate ends the handshake.
                tokio::spawn(serve(stream));
            }
        });
    });
    address
}
