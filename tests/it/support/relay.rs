//! Stands between a client and a server, and can cut the line.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes everything on in both directions, until the line is cut. New connections work again.
pub(crate) struct Relay {
    address: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let open = Arc::new(Mutex::new(Vec::new()));
        let (kept, server) = (Arc::clone(&open), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(&server) else {
                    return;
                };
                kept.lock()
                    .unwrap()
                    .extend([client.try_clone().unwrap(), there.try_clone().unwrap()]);
                pass(client.try_clone().unwrap(), there.try_clone().unwrap());
                pass(there, client);
            }
        });
        Self { address, open }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there were, since the last cut.
    pub(crate) fn connections(&self) -> usize {
        self.open.lock().unwrap().len() / 2
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            // One side may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}
