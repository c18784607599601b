//! A thread with a connection of its own, started by the first job.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::StoreError;
use super::commits::Acknowledgements;
use super::connection::Connections;
use super::keys::StoreKeys;

/// What both threads work with.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) connections: Connections,
    pub(super) keys: StoreKeys,
    pub(super) acknowledgements: Acknowledgements,
}

/// What a thread does: takes jobs until there are no more.
pub(super) type Body<J> = fn(&Connection, &Shared, &Receiver<J>);

/// A thread and the way to it.
pub(super) struct Worker<J> {
    name: &'static str,
    body: Body<J>,
    state: Mutex<State<J>>,
}

enum State<J> {
    Idle,
    Running {
        jobs: Sender<J>,
        ended: oneshot::Receiver<Result<(), StoreError>>,
    },
    Closed,
}

impl<J> fmt::Debug for Worker<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<J: Send + 'static> Worker<J> {
    /// A worker that has not started.
    pub(super) const fn new(name: &'static str, body: Body<J>) -> Self {
        Self {
            name,
            body,
            state: Mutex::new(State::Idle),
        }
    }

    /// Queues a job; starts the thread if it is the first.
    pub(super) fn send(&self, shared: &Arc<Shared>, job: J) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Idle) {
            *state = self.start(shared)?;
        }
        match &*state {
            State::Running { jobs, .. } => jobs.send(job).map_err(|_| StoreError::Stopped),
            State::Idle | State::Closed => Err(StoreError::Closed),
        }
    }

    fn start(&self, shared: &Arc<Shared>) -> Result<State<J>, StoreError> {
        let connection = shared.connections.take()?;
        let (jobs, queue) = channel();
        let (end, ended) = oneshot::channel();
        let (shared, body) = (Arc::clone(shared), self.body);
        let run = move || {
            body(&connection, &shared, &queue);
            // Nobody may be waiting for it.
            let _ = end.send(shared.connections.finish(connection));
        };
        // One of the runtime's threads: in local mode, the one that opened the store.
        drop(spawn_blocking(run));
        Ok(State::Running { jobs, ended })
    }

    /// Takes no more jobs. What is queued is still done; the receiver, if there is a thread, hears when
    /// it is and the connection is closed.
    pub(super) fn close(&self) -> Option<oneshot::Receiver<Result<(), StoreError>>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Running { ended, .. } => Some(ended),
            State::Idle | State::Closed => None,
        }
    }
}
