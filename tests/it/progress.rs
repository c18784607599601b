//! What is shown of work that takes a while: on a terminal a line that moves and goes away, elsewhere nothing.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::support::{FakeServer, Terminal, TestEnv, read_request, respond};

/// A server that answers once it is let.
struct SlowServer {
    server: FakeServer,
    go: Sender<()>,
}

impl SlowServer {
    fn start() -> Self {
        let (go, wait): (_, Receiver<()>) = channel();
        let wait = Arc::new(Mutex::new(wait));
        let server = FakeServer::start(move |_, mut stream| {
            read_request(&mut stream);
            let _ = wait.lock().unwrap().recv();
            let answer = respond("403 Forbidden", "text/plain", "not you");
            // Whoever asked may be gone.
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        });
        Self { server, go }
    }
}

#[test]
fn what_takes_more_than_a_second_is_said_until_it_is_over() {
    let env = TestEnv::new();
    let slow = SlowServer::start();
    let mut terminal = Terminal::run(slow.server.connecting(&env).secret(["get", "a", "--color=never"]));
    terminal.shows("Joining room");
    slow.go.send(()).unwrap();
    let screen = terminal.ends();
    assert_eq!(screen.code, 4, "{screen:?}");
    assert!(screen.after_moving().starts_with("error: "), "{screen:?}");
}

#[test]
fn ctrl_c_takes_the_line_away() {
    let env = TestEnv::new();
    let slow = SlowServer::start();
    let mut terminal = Terminal::run(slow.server.connecting(&env).secret(["get", "a"]));
    terminal.shows("Joining room");
    terminal.types("\x03");
    let screen = terminal.ends();
    assert_eq!(screen.code, 130, "{screen:?}");
    assert_eq!(screen.after_moving(), "", "{screen:?}");
}

#[test]
fn elsewhere_nothing_is_said() {
    let env = TestEnv::new();
    let slow = SlowServer::start();
    let get = ["get", "a", "--timeout", "2"];
    // Its error, and nothing else.
    slow.server.connecting(&env).secret(get).run().fails(6);
    let way = slow.server.connecting(&env);
    let screen = Terminal::run(way.secret(get).args(["--quiet", "--color=never"])).ends();
    assert!(screen.text.starts_with("error: "), "{screen:?}");
}
