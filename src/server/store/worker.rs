//! Threads that take jobs from one queue. Each has its own connection.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::audit::AuditMode;
use super::checkpoints::Checkpoints;
use super::commits::Acknowledgements;
use super::connection::Connections;
use super::live_keys::LiveKeys;
use super::metrics::StoreMetrics;
use super::{OwnerLimits, StoreError};

/// What all threads of a store share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) connections: Connections,
    pub(super) keys: LiveKeys,
    pub(super) acknowledgements: Acknowledgements,
    pub(super) limits: OwnerLimits,
    pub(super) audit: AuditMode,
    pub(super) metrics: StoreMetrics,
    pub(super) checkpoints: Checkpoints,
}

/// The body of a thread: works until the queue is closed and empty.
pub(super) type Body<J> = fn(&Connection, &Shared, &Receiver<J>);

/// Completes when a thread has ended and its connection is closed.
pub(super) type Ended = oneshot::Receiver<Result<(), StoreError>>;

/// The threads and their queue. The first job starts a thread; a job that finds others in the queue starts one more,
/// up to a limit.
pub(super) struct Workers<J> {
    name: &'static str,
    body: Body<J>,
    most: usize,
    state: Mutex<State<J>>,
}

enum State<J> {
    Idle,
    Running {
        jobs: Sender<J>,
        /// Owned by the threads: if all of them have panicked, the jobs in it are dropped, and their callers get an
        /// error.
        queue: Weak<Receiver<J>>,
        threads: Vec<Ended>,
    },
    Closed,
}

impl<J> fmt::Debug for Workers<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("name", &self.name)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl<J: Send + 'static> Workers<J> {
    /// At most `most` threads, none of which has started.
    pub(super) fn new(name: &'static str, most: usize, body: Body<J>) -> Self {
        Self {
            name,
            body,
            most: most.max(1),
            state: Mutex::new(State::Idle),
        }
    }

    /// How many threads there may be.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`StoreError::Closed`]; those of opening a connection, if there is no thread yet.
    pub(super) fn send(&self, shared: &Arc<Shared>, job: J) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Idle) {
            *state = self.start_first(shared)?;
        }
        let State::Running { jobs, queue, threads } = &mut *state else {
            return Err(StoreError::Closed);
        };
        if !jobs.is_empty() && threads.len() < self.most {
            let queue = queue.upgrade().ok_or(StoreError::Stopped)?;
            match self.start(shared, queue) {
                Ok(ended) => threads.push(ended),
                Err(error) => tracing::warn!(%error, name = self.name, "no further thread for the store"),
            }
        }
        jobs.send(job).map_err(|_| StoreError::Stopped)
    }

    /// Starts all threads now, so that none of them finds the process without a file descriptor later.
    pub(super) fn start_all(&self, shared: &Arc<Shared>) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Idle) {
            *state = self.start_first(shared)?;
        }
        if let State::Running { queue, threads, .. } = &mut *state {
            while threads.len() < self.most {
                let queue = queue.upgrade().ok_or(StoreError::Stopped)?;
                threads.push(self.start(shared, queue)?);
            }
        }
        Ok(())
    }

    fn start_first(&self, shared: &Arc<Shared>) -> Result<State<J>, StoreError> {
        let (jobs, queue) = unbounded();
        let queue = Arc::new(queue);
        Ok(State::Running {
            jobs,
            queue: Arc::downgrade(&queue),
            threads: vec![self.start(shared, queue)?],
        })
    }

    fn start(&self, shared: &Arc<Shared>, queue: Arc<Receiver<J>>) -> Result<Ended, StoreError> {
        let connection = shared.connections.take()?;
        let (end, ended) = oneshot::channel();
        let (shared, body) = (Arc::clone(shared), self.body);
        let run = move || {
            body(&connection, &shared, &queue);
            // The store may have been dropped.
            let _ = end.send(shared.connections.finish(connection));
        };
        // One of the runtime's blocking threads: in local mode, the one that has opened the store.
        drop(spawn_blocking(run));
        Ok(ended)
    }

    /// Closes the queue. Jobs that are in it are still done; each of the receivers completes when a thread has ended.
    pub(super) fn close(&self) -> Vec<Ended> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Running { threads, .. } => threads,
            State::Idle | State::Closed => Vec::new(),
        }
    }
}
