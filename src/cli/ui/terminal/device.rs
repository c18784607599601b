//! The controlling terminal of this process: its modes, its input and its output.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::retry_on_intr;
use rustix::process::getpgrp;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

use super::keys::{LEAVE_PASTES_UNMARKED, MARK_PASTES, REPORT};

/// Pause between looks at a terminal that another program uses.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// Bytes that are read at once. A terminal holds no more.
const CHUNK_BYTES: usize = 4096;

/// What the terminal does with the keys that send signals. It never shows what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It sends the signals, as it does everywhere.
    Idle,
    /// It hands on every byte as it is: that of Ctrl-C may be a part of a paste.
    Raw,
}

/// The terminal, whose modes are changed until this is dropped.
#[derive(Debug)]
pub(super) struct Device {
    file: AsyncFd<File>,
    before: Termios,
    /// It may be sent escape sequences.
    has_escapes: bool,
}

impl Device {
    /// Takes the terminal, and throws away what was typed before: it was not typed for us.
    ///
    /// # Errors
    /// Where there is no terminal, or where this process is in its background and may not read it.
    pub(super) fn open(has_escapes: bool) -> io::Result<Self> {
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
        let file = AsyncFd::new(file)?;
        let device = Self {
            file,
            before,
            has_escapes,
        };
        device.change(Mode::Idle, OptionalActions::Flush)?;
        device.write(MARK_PASTES);
        Ok(device)
    }

    pub(super) fn set(&self, mode: Mode) -> io::Result<()> {
        self.change(mode, OptionalActions::Now)
    }

    /// Sets the terminal up again after another program had it.
    pub(super) fn take_again(&self, mode: Mode) -> io::Result<()> {
        self.set(mode)?;
        self.write(MARK_PASTES);
        Ok(())
    }

    /// Restores the terminal's modes, and discards input that was not read.
    pub(super) fn give_back(&self) {
        if self.is_ours() {
            self.write(LEAVE_PASTES_UNMARKED);
            // The terminal may have been closed, as after a hang-up.
            let _ = tcsetattr(self.file.get_ref(), OptionalActions::Flush, &self.before);
        }
    }

    fn change(&self, mode: Mode, when: OptionalActions) -> io::Result<()> {
        let mut modes = self.before.clone();
        modes
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Ctrl-\ would leave the terminal as it is now.
        modes.special_codes[SpecialCodeIndex::VQUIT] = 0;
        if mode == Mode::Raw {
            modes.local_modes.remove(LocalModes::ISIG);
            modes.input_modes.remove(
                InputModes::IXON
                    | InputModes::ICRNL
                    | InputModes::INLCR
                    | InputModes::IGNCR
                    | InputModes::ISTRIP,
            );
        }
        Ok(tcsetattr(self.file.get_ref(), when, &modes)?)
    }

    /// Whether this byte interrupts a command here, as Ctrl-C does.
    pub(super) fn interrupts(&self, byte: u8) -> bool {
        self.is_special(SpecialCodeIndex::VINTR, byte)
    }

    /// Whether this byte suspends a command here, as Ctrl-Z does.
    pub(super) fn suspends(&self, byte: u8) -> bool {
        self.is_special(SpecialCodeIndex::VSUSP, byte)
    }

    /// A special character of 0 is switched off.
    fn is_special(&self, index: SpecialCodeIndex, byte: u8) -> bool {
        byte != 0 && self.before.special_codes[index] == byte
    }

    /// Whether this process may use the terminal: the shell has not put it in the background.
    pub(super) fn is_ours(&self) -> bool {
        is_in_foreground(self.file.get_ref())
    }

    /// Asks the terminal to report that it is there, which it does after all that it has sent before.
    pub(super) fn ask_for_report(&self) {
        self.write(REPORT);
    }

    fn write(&self, sequence: &[u8]) {
        if self.has_escapes {
            // The terminal may have been closed, as after a hang-up.
            let _ = self.file.get_ref().write_all(sequence);
        }
    }

    /// Waits for keys.
    pub(super) async fn keys(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        loop {
            let mut ready = self.file.readable().await?;
            if !self.is_ours() {
                // This process is in the background: reading would stop it.
                ready.clear_ready();
                tokio::time::sleep(ELSEWHERE).await;
                continue;
            }
            match ready.try_io(|file| read(file.get_ref())) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(keys) => return keys,
                Err(_would_block) => {}
            }
        }
    }

    /// Waits for keys on this thread, at most for `limit`. None if there are none by then.
    pub(super) fn keys_within(&self, limit: Duration) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut files = [PollFd::new(self.file.get_ref(), PollFlags::IN)];
        if retry_on_intr(|| poll(&mut files, Some(&limit)))? == 0 || !self.is_ours() {
            return Ok(None);
        }
        read(self.file.get_ref()).map(Some)
    }
}

fn read(mut file: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut keys = Zeroizing::new(vec![0; CHUNK_BYTES]);
    match file.read(&mut keys)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => {
            keys.truncate(length);
            Ok(keys)
        }
    }
}

fn is_in_foreground(terminal: &File) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}
