//! What the writing thread commits next: small changes together, and parts of large values in turn with them.

use std::collections::VecDeque;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};

use super::writer::WriteJob;

/// Most changes in one transaction.
const MAX_CHANGES: usize = 1024;
/// Bytes of values in one transaction, from which no further change is added to it.
const MAX_BYTES: usize = 1 << 20;

/// What the writing thread does next.
pub(super) enum Next {
    /// Commits these.
    Batch(Vec<WriteJob>),
    /// What has been postponed until there is nothing else to do.
    Idle,
    /// Ends.
    Closed,
}

/// Makes batches of the jobs in the queue.
pub(super) struct Batches<'q> {
    jobs: &'q Receiver<WriteJob>,
    /// Parts that wait while smaller changes are committed.
    parts: VecDeque<WriteJob>,
    /// Whether the last batch was of parts.
    parts_were_last: bool,
}

impl<'q> Batches<'q> {
    pub(super) const fn new(jobs: &'q Receiver<WriteJob>) -> Self {
        Self {
            jobs,
            parts: VecDeque::new(),
            parts_were_last: false,
        }
    }

    /// Waits for the next batch until `deadline`.
    pub(super) fn next(&mut self, deadline: Instant) -> Next {
        let mut batch = Vec::new();
        if self.parts.is_empty() {
            match self.jobs.recv_deadline(deadline) {
                Ok(job) => self.add(job, &mut batch),
                Err(RecvTimeoutError::Timeout) => return Next::Idle,
                Err(RecvTimeoutError::Disconnected) => return Next::Closed,
            }
        }
        if self.parts_were_last || self.parts.is_empty() {
            let mut bytes: usize = batch.iter().map(|job| job.change.bytes()).sum();
            while batch.len() < MAX_CHANGES && bytes < MAX_BYTES {
                let job = match self.jobs.try_recv() {
                    Ok(job) => job,
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                };
                bytes = bytes.saturating_add(job.change.bytes());
                self.add(job, &mut batch);
            }
        }
        self.parts_were_last = batch.is_empty();
        if batch.is_empty() {
            batch.extend(self.parts.pop_front());
        }
        Next::Batch(batch)
    }

    fn add(&mut self, job: WriteJob, batch: &mut Vec<WriteJob>) {
        if job.change.is_part() {
            self.parts.push_back(job);
        } else {
            batch.push(job);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossbeam_channel::{Sender, unbounded};
    use tokio::sync::oneshot;

    use super::super::part_writer::SealedPart;
    use super::super::writer::Change;
    use super::*;

    fn send(jobs: &Sender<WriteJob>, change: Change) {
        let (reply, _) = oneshot::channel();
        jobs.send(WriteJob {
            change,
            entry: None,
            reply,
        })
        .unwrap();
    }

    fn part(number: u32) -> Change {
        Change::Part(SealedPart {
            value: [0; 16],
            number,
            key_number: 1,
            sealed: Vec::new(),
        })
    }

    /// Whether each change of the next batch is a part.
    fn next(batches: &mut Batches<'_>) -> Vec<bool> {
        match batches.next(Instant::now() + Duration::from_mins(1)) {
            Next::Batch(batch) => batch.iter().map(|job| job.change.is_part()).collect(),
            Next::Idle | Next::Closed => Vec::new(),
        }
    }

    #[test]
    fn small_changes_pass_the_parts_and_take_turns_with_them() {
        let (jobs, queue) = unbounded();
        let mut batches = Batches::new(&queue);
        send(&jobs, Change::RemovePart);
        for number in 0..3 {
            send(&jobs, part(number));
        }
        send(&jobs, Change::RemovePart);
        assert_eq!(next(&mut batches), [false, false]);
        send(&jobs, Change::RemovePart);
        assert_eq!(next(&mut batches), [true], "a part has its turn");
        assert_eq!(next(&mut batches), [false], "and then what has come meanwhile");
        assert_eq!(next(&mut batches), [true]);
        assert_eq!(next(&mut batches), [true]);
        drop(jobs);
        assert!(matches!(batches.next(Instant::now()), Next::Closed));
    }
}
