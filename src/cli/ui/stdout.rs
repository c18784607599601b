//! Writing to stdout so that Ctrl-C is noticed meanwhile.

use std::io::{self, Write};

use tokio::task::spawn_blocking;

use crate::sensitive::SecretValue;

/// Writes all of `bytes`. A reader may be slow, so this is done on a thread of its own, unless the system takes them
/// without a wait: starting the thread takes longer than writing.
pub(super) async fn write(bytes: SecretValue) -> io::Result<()> {
    let written = write_without_wait(bytes.expose())?;
    if written == bytes.expose().len() {
        return Ok(());
    }
    let rest = move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes.expose().get(written..).unwrap_or_default())?;
        stdout.flush()
    };
    spawn_blocking(rest).await.map_err(io::Error::from)?
}

/// Writes what the system takes without a wait, and returns how many bytes that are.
#[cfg(unix)]
fn write_without_wait(bytes: &[u8]) -> io::Result<usize> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{FileType, fstat};
    use rustix::io::Errno;

    // The least that a pipe takes at once if poll(2) says that it takes any (pipe(7), "PIPE_BUF").
    const PIPE_BYTES: usize = 512;

    let stdout = io::stdout();
    if bytes.len() > PIPE_BYTES {
        return Ok(0);
    }
    let kind = fstat(&stdout).map(|stat| FileType::from_raw_mode(stat.st_mode));
    let mut files = [PollFd::new(&stdout, PollFlags::OUT)];
    if !matches!(kind, Ok(FileType::Fifo | FileType::RegularFile))
        || !matches!(poll(&mut files, Some(&Timespec::default())), Ok(1))
    {
        return Ok(0);
    }
    match rustix::io::write(&stdout, bytes) {
        Err(Errno::INTR | Errno::AGAIN) => Ok(0),
        written => written.map_err(io::Error::from),
    }
}

#[cfg(not(unix))]
fn write_without_wait(_: &[u8]) -> io::Result<usize> {
    Ok(0)
}
