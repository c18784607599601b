//! The TLS handshake of a connection: within a time limit, and with a plain answer to a client that does not speak
//! TLS.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::Connection;

/// Most of a request without TLS that is read.
const MAX_PLAIN_BYTES: u64 = 64 << 10;

/// What a client hears that speaks plain http to a port with TLS.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 33\r\n\
    Connection: close\r\n\
    \r\n\
    this port speaks https, not http\n";

/// Makes the handshake. None if that fails, takes longer than `time`, the connection is evicted, or the server stops:
/// then the connection is closed.
pub(super) async fn handshake(
    connection: &Connection,
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    time: Duration,
) -> Option<TlsStream<TcpStream>> {
    let open = connection.state.connections.open();
    let accepted = tokio::select! {
        accepted = timeout(time, accept(stream, acceptor)) => accepted,
        () = connection.evicted() => return None,
        () = open.stopping() => return None,
    };
    match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!("a TLS handshake took too long");
            None
        }
    }
}

/// None if the client speaks plain http, which it is told.
async fn accept(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<Option<TlsStream<TcpStream>>> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    // Every method is in capital letters. A TLS record begins with its content type, which is 22 here (RFC 8446,
    // section 5.1).
    if first.iter().all(u8::is_ascii_uppercase) {
        answer_plain(stream).await?;
        return Ok(None);
    }
    acceptor.accept(stream).await.map(Some)
}

async fn answer_plain(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(PLAIN_ANSWER).await?;
    stream.shutdown().await?;
    // With a part of the request unread the connection would be reset, and the client might not see the answer.
    copy(&mut stream.take(MAX_PLAIN_BYTES), &mut sink()).await?;
    Ok(())
}
