//! The terminal's keyboard, read without waiting for it alone: a question may be taken back while it is
//! being answered.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::process::{Signal, getpgrp};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcgetpgrp,
    tcsetattr,
};
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::console::Console;
use super::line::{Line, MAX_LINE_BYTES, Typed};
use crate::sensitive::SecretValue;

/// Silence after which whoever typed is taken to have stopped.
const QUIET: Duration = Duration::from_secs(1);

/// Silence after a line within which the rest of a paste would have come.
const PASTED: Duration = Duration::from_millis(200);

/// Whether what is typed is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Echo {
    Shown,
    Hidden,
}

/// The answer to a question that takes one line.
#[derive(Debug)]
pub(super) enum Answer {
    Line(SecretValue),
    /// More than one line, or a longer one than is taken: of a part nobody would have any use.
    TooMuch,
    /// There will be none (Ctrl-D).
    Nothing,
}

/// The keyboard of the terminal that this process belongs to, from now on and until this is dropped. What
/// is typed is shown by [`Console`] alone.
#[derive(Debug)]
pub(in crate::cli) struct Keyboard<'a> {
    console: &'a Console,
    terminal: AsyncFd<File>,
    before: Termios,
}

impl<'a> Keyboard<'a> {
    /// Takes the keyboard. What was typed before is thrown away: it was not typed for us.
    ///
    /// # Errors
    /// Where there is no terminal, or where this process is in its background and may not read it.
    pub(in crate::cli) fn open(console: &'a Console) -> io::Result<Self> {
        let file = File::from(rustix::fs::open(
            "/dev/tty",
            OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?);
        if !is_in_foreground(&file) {
            return Err(io::Error::other("the terminal is used by another program"));
        }
        let before = tcgetattr(&file)?;
        #[expect(
            deprecated,
            reason = "what replaces it is unsafe, for the sake of types that close their descriptor early; a `File` does not"
        )]
        let terminal = AsyncFd::new(file)?;
        let keyboard = Self {
            console,
            terminal,
            before,
        };
        keyboard.take()?;
        Ok(keyboard)
    }

    fn take(&self) -> io::Result<()> {
        let mut mode = self.before.clone();
        // Signals stay: Ctrl-C and Ctrl-Z do what they do everywhere. Ctrl-\ would leave the terminal as
        // it is now.
        mode.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        mode.special_codes[SpecialCodeIndex::VQUIT] = 0;
        Ok(tcsetattr(self.terminal.get_ref(), OptionalActions::Flush, &mode)?)
    }

    /// Asks for a line. None if there will be none (Ctrl-D).
    pub(in crate::cli) async fn ask(&self, question: &str, echo: Echo) -> io::Result<Option<SecretValue>> {
        Ok(self.line(question, echo).await?.map(|(line, _)| line))
    }

    /// Asks for a line that is not shown and nothing beside it. Where more is pasted, all of it is thrown
    /// away: nothing of it may reach the shell.
    pub(super) async fn ask_alone(&self, question: &str) -> io::Result<Answer> {
        let Some((line, mut rest)) = self.line(question, Echo::Hidden).await? else {
            return Ok(Answer::Nothing);
        };
        let mut is_too_much = line.expose().len() >= MAX_LINE_BYTES;
        loop {
            // A newline at the end of what was pasted is no other line.
            is_too_much |= rest.iter().any(|key| !matches!(key, b'\r' | b'\n'));
            rest = match timeout(PASTED, self.keys()).await {
                Ok(keys) => keys?,
                Err(_silence) => break,
            };
        }
        if is_too_much {
            self.quiet().await;
            return Ok(Answer::TooMuch);
        }
        Ok(Answer::Line(line))
    }

    /// Asks for a line; with it comes what was read beyond it.
    async fn line(
        &self,
        question: &str,
        echo: Echo,
    ) -> io::Result<Option<(SecretValue, Zeroizing<Vec<u8>>)>> {
        let mut line = Line::new();
        let mut resumed = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let _open = Open(self.console);
        self.console.show(question, "");
        loop {
            let keys = tokio::select! {
                keys = self.keys() => keys?,
                _ = resumed.recv() => {
                    // Whoever had the terminal meanwhile has set it up for itself.
                    self.take()?;
                    self.console.show(question, "");
                    Zeroizing::new(Vec::new())
                }
            };
            let mut keys = keys.iter();
            let last = keys
                .by_ref()
                .map(|key| line.push(*key))
                .find(|typed| *typed != Typed::More);
            if echo == Echo::Shown {
                self.console.show(question, &line.shown());
            }
            match last {
                Some(Typed::Enter) => {
                    return Ok(Some((
                        line.into_bytes(),
                        Zeroizing::new(keys.as_slice().to_vec()),
                    )));
                }
                Some(Typed::Nothing) => return Ok(None),
                _ => {}
            }
        }
    }

    /// Throws away what is typed until nothing is any more. After a question was taken back, the rest of
    /// its answer must neither be shown nor answer the next.
    pub(in crate::cli) async fn quiet(&self) {
        while let Ok(Ok(_)) = timeout(QUIET, self.keys()).await {}
        let _ = tcflush(self.terminal.get_ref(), QueueSelector::IFlush);
    }

    /// Waits for keys.
    async fn keys(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut keys = Zeroizing::new(vec![0; 1024]);
        loop {
            let mut ready = self.terminal.readable().await?;
            if !is_in_foreground(ready.get_inner()) {
                // They are somebody else's, and reading them would stop this process.
                ready.clear_ready();
                tokio::time::sleep(QUIET).await;
                continue;
            }
            match ready.try_io(|terminal| terminal.get_ref().read(&mut keys)) {
                Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(Ok(length)) => {
                    keys.truncate(length);
                    return Ok(keys);
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}

impl Drop for Keyboard<'_> {
    fn drop(&mut self) {
        self.console.close();
        let terminal = self.terminal.get_ref();
        if is_in_foreground(terminal) {
            // The terminal may be gone, as after a hang-up.
            let _ = tcsetattr(terminal, OptionalActions::Flush, &self.before);
        }
    }
}

/// A question that is closed when nobody waits for its answer any more.
struct Open<'a>(&'a Console);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Whether this process may use the terminal: the shell has not put it in the background.
fn is_in_foreground(terminal: &File) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}
