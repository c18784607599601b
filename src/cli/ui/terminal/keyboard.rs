//! The terminal's keyboard, read without waiting for it alone: a question may be taken back while it is
//! being answered.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_current_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::console::Console;
use super::device::{Device, Mode};
use super::input::{Echo, PromptInput, Refusal};
use super::intake::Intake;
use super::keys::Key;
use super::line::{Line, Typed};

/// Silence after which a person who typed for a question that is gone is taken to have stopped, and after which
/// Ctrl-C is no part of a paste.
const QUIET: Duration = Duration::from_secs(1);

/// Longest time on the way out for what is still on its way.
const LAST_KEYS: Duration = Duration::from_secs(5);

/// The keyboard of the terminal that this process belongs to, from now on and until this is dropped. What
/// is typed is shown by [`Console`] alone. Nothing that was sent for a question is left to the next one, or to
/// the program that has the terminal next.
#[derive(Debug)]
pub(in crate::cli) struct Keyboard<'a> {
    console: &'a Console,
    device: Device,
    intake: RefCell<Intake>,
}

impl<'a> Keyboard<'a> {
    /// Takes the keyboard. What was typed before is thrown away: it was not typed for us.
    ///
    /// # Errors
    /// Where there is no terminal, or where this process is in its background and may not read it.
    pub(in crate::cli) fn open(console: &'a Console) -> io::Result<Self> {
        let keyboard = Self {
            console,
            device: Device::open(!console.is_dumb())?,
            intake: RefCell::default(),
        };
        keyboard.ask_for_report();
        Ok(keyboard)
    }

    /// Asks for a line, or for what is pasted in its place.
    pub(in crate::cli) async fn ask(&self, question: &str, echo: Echo) -> io::Result<PromptInput> {
        let mut line = Line::default();
        let mut shown = String::new();
        let mut resumed = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let _raw = Raw::set(self)?;
        let _open = Open(self.console);
        self.console.show(question, &shown);
        loop {
            let keys = tokio::select! {
                keys = self.keys_for(&line) => keys?,
                _ = resumed.recv() => {
                    // Another program had the terminal meanwhile, and set its own modes.
                    self.device.take_again(Mode::Raw)?;
                    self.console.show(question, &shown);
                    continue;
                }
            };
            let mut bytes = keys.iter().copied();
            let typed = self.type_into(&mut line, &mut bytes).await?;
            if !self.intake.borrow().is_in_paste() {
                let now = line.shown(echo);
                if now != shown {
                    self.console.show(question, &now);
                    shown = now;
                }
            }
            match typed {
                Typed::More => {}
                Typed::Enter => {
                    if self.discard(bytes).await? || self.settle().await? {
                        return Ok(self.refuse(Refusal::SeveralLines).await);
                    }
                    return Ok(PromptInput::Value(line.into_value()));
                }
                Typed::Nothing => return Ok(PromptInput::Nothing),
                Typed::TooLong => {
                    self.discard(bytes).await?;
                    return Ok(self.refuse(Refusal::TooLong).await);
                }
            }
        }
    }

    /// Waits for keys. In a paste, Ctrl-C is a byte as any other; but where nothing comes after it, the paste has
    /// no end, and the person wants out.
    async fn keys_for(&self, line: &Line) -> io::Result<Zeroizing<Vec<u8>>> {
        let keys = self.device.keys();
        let is_stuck = self.intake.borrow().is_in_paste()
            && line.last_byte().is_some_and(|byte| self.device.interrupts(byte));
        if !is_stuck {
            return keys.await;
        }
        match timeout(QUIET, keys).await {
            Ok(keys) => keys,
            Err(_silence) => self.interrupt().await,
        }
    }

    /// Takes bytes up to the first that ends the line.
    async fn type_into(&self, line: &mut Line, bytes: &mut impl Iterator<Item = u8>) -> io::Result<Typed> {
        for byte in bytes {
            for key in self.decode(byte) {
                match key {
                    Key::Typed(byte) if self.device.interrupts(byte) => return self.interrupt().await,
                    Key::Typed(byte) if self.device.suspends(byte) => self.suspend()?,
                    _ => match line.push(key) {
                        Typed::More => {}
                        last => return Ok(last),
                    },
                }
            }
        }
        Ok(Typed::More)
    }

    /// Throws bytes away. True if they were more than the newline at the end of a line.
    async fn discard(&self, bytes: impl Iterator<Item = u8>) -> io::Result<bool> {
        let mut is_more = false;
        for byte in bytes {
            for key in self.decode(byte) {
                match key {
                    Key::Typed(byte) if self.device.interrupts(byte) => return self.interrupt().await,
                    Key::Typed(b'\r' | b'\n') | Key::Report => {}
                    _ => is_more = true,
                }
            }
        }
        Ok(is_more)
    }

    fn decode(&self, byte: u8) -> impl Iterator<Item = Key> {
        let keys = self.intake.borrow_mut().decode(byte);
        keys.inspect(|key| self.intake.borrow_mut().note(*key))
    }

    fn ask_for_report(&self) {
        if self.intake.borrow_mut().ask_for_report() {
            self.device.ask_for_report();
        }
    }

    /// Throws away what is on its way. True if it was more than the newline at the end of a line.
    async fn settle(&self) -> io::Result<bool> {
        self.ask_for_report();
        let mut is_more = false;
        loop {
            let patience = match &*self.intake.borrow() {
                intake if intake.is_settled() => break,
                intake => intake.patience(),
            };
            match timeout(patience, self.device.keys()).await {
                Ok(keys) => is_more |= self.discard(keys?.iter().copied()).await?,
                Err(_silence) => break,
            }
        }
        self.intake.borrow_mut().settle();
        Ok(is_more)
    }

    async fn refuse(&self, why: Refusal) -> PromptInput {
        self.console.close();
        self.quiet().await;
        PromptInput::Refused(why)
    }

    /// Discards input until there is none for a while. After a question was taken back, the rest
    /// of its answer must neither be shown nor answer the next.
    pub(in crate::cli) async fn quiet(&self) {
        let Ok(_raw) = Raw::set(self) else { return };
        while self.settle().await.is_ok()
            && let Ok(Ok(keys)) = timeout(QUIET, self.device.keys()).await
            && self.discard(keys.iter().copied()).await.is_ok()
        {}
    }

    /// What Ctrl-C does where the terminal sends the signal. It ends the command, and with it this wait.
    async fn interrupt<T>(&self) -> io::Result<T> {
        kill_current_process_group(Signal::INT)?;
        pending().await
    }

    /// What Ctrl-Z does where the terminal sends the signal.
    fn suspend(&self) -> io::Result<()> {
        self.device.give_back();
        kill_current_process_group(Signal::TSTP)?;
        // Where no shell is there to resume it, the process was not stopped.
        self.device.take_again(Mode::Raw)
    }
}

impl Drop for Keyboard<'_> {
    fn drop(&mut self) {
        self.console.close();
        // Where the question's answer was taken or refused, all has come. Else the command ends in the middle of
        // it, and this is the last that can be done.
        if self.device.is_ours() && !self.intake.get_mut().is_settled() && self.device.set(Mode::Raw).is_ok()
        {
            self.ask_for_report();
            let started = Instant::now();
            while !self.intake.borrow().is_settled() && started.elapsed() < LAST_KEYS {
                let patience = self.intake.borrow().patience();
                let Ok(Some(keys)) = self.device.keys_within(patience) else {
                    break;
                };
                keys.iter().for_each(|byte| self.decode(*byte).for_each(drop));
            }
        }
        self.device.give_back();
    }
}

/// The terminal hands on every byte until this is dropped.
struct Raw<'a>(&'a Device);

impl<'a> Raw<'a> {
    fn set(keyboard: &'a Keyboard<'_>) -> io::Result<Self> {
        keyboard.device.set(Mode::Raw)?;
        Ok(Self(&keyboard.device))
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        if self.0.is_ours() {
            // The terminal may have been closed, as after a hang-up.
            let _ = self.0.set(Mode::Idle);
        }
    }
}

/// An open question. Dropping this closes it.
struct Open<'a>(&'a Console);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
