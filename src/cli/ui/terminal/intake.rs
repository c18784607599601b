//! What came from the terminal, as far as it tells whether more is on its way. Pure.
//!
//! A terminal that does not mark pastes sends their lines one after the other, with pauses wherever the network
//! makes them. It is asked to report: what it sent before, it sent before its report. Where it does not report,
//! silence has to do.

use std::time::Duration;

use super::keys::{Decoder, Key};

/// Silence after which nothing more is on its way from a terminal that does not report.
const SILENCE: Duration = Duration::from_millis(500);

/// Longest wait for a report, or the end of a paste, from a terminal that sends them.
const LONG_SILENCE: Duration = Duration::from_secs(2);

/// See the module's description.
#[derive(Debug, Default)]
pub(super) struct Intake {
    decoder: Decoder,
    /// Reports that were asked for and have not come.
    due: u32,
    /// The terminal sends reports.
    reports: bool,
    /// All has come that was on its way.
    is_settled: bool,
}

impl Intake {
    /// Takes a byte. Each of its keys is to be [noted](Self::note).
    pub(super) fn decode(&mut self, byte: u8) -> impl Iterator<Item = Key> + use<> {
        self.decoder.push(byte)
    }

    pub(super) const fn note(&mut self, key: Key) {
        if matches!(key, Key::Report) {
            self.due = self.due.saturating_sub(1);
            self.reports = true;
        }
        self.is_settled = matches!(key, Key::Report) && self.due == 0;
    }

    /// Whether to ask the terminal for a report now. One that has not sent any is asked once.
    pub(super) const fn ask_for_report(&mut self) -> bool {
        let ask = self.reports || self.due == 0;
        if ask {
            self.due = self.due.saturating_add(1);
            self.is_settled = false;
        }
        ask
    }

    /// Whether all has come that was on its way when a report was last asked for.
    pub(super) const fn is_settled(&self) -> bool {
        self.is_settled && !self.is_in_paste()
    }

    pub(super) const fn is_in_paste(&self) -> bool {
        self.decoder.is_in_paste()
    }

    /// The longest silence before nothing more is expected.
    pub(super) const fn patience(&self) -> Duration {
        if self.is_in_paste() || (self.reports && self.due > 0) {
            LONG_SILENCE
        } else {
            SILENCE
        }
    }

    /// Nothing more came for as long as [`Self::patience`], or nothing more can be meant.
    pub(super) fn settle(&mut self) {
        self.decoder = Decoder::default();
        // A terminal that stops sending reports is not waited for again.
        self.reports &= self.due == 0;
        self.is_settled = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(intake: &mut Intake, bytes: &[u8]) {
        for byte in bytes {
            for key in intake.decode(*byte) {
                intake.note(key);
            }
        }
    }

    #[test]
    fn all_has_come_with_the_last_report() {
        let mut intake = Intake::default();
        assert!(intake.ask_for_report() && !intake.is_settled());
        take(&mut intake, b"a\x1b[0n");
        assert!(intake.is_settled());
        take(&mut intake, b"b");
        assert!(!intake.is_settled());
        assert!(intake.ask_for_report() && intake.ask_for_report());
        assert_eq!(intake.patience(), LONG_SILENCE);
        take(&mut intake, b"c\x1b[0nd");
        assert!(!intake.is_settled());
        take(&mut intake, b"\x1b[0n");
        assert!(intake.is_settled());
    }

    #[test]
    fn a_terminal_that_does_not_report_is_asked_once() {
        let mut intake = Intake::default();
        assert!(intake.ask_for_report());
        assert_eq!(intake.patience(), SILENCE);
        intake.settle();
        take(&mut intake, b"a");
        assert!(!intake.ask_for_report());
        assert!(!intake.is_settled());
    }

    #[test]
    fn a_terminal_that_stops_reporting_is_not_waited_for_again() {
        let mut intake = Intake::default();
        intake.ask_for_report();
        take(&mut intake, b"\x1b[0n");
        intake.ask_for_report();
        intake.settle();
        assert!(!intake.ask_for_report());
        assert_eq!(intake.patience(), SILENCE);
    }

    #[test]
    fn a_paste_is_on_its_way_until_its_end() {
        let mut intake = Intake::default();
        intake.ask_for_report();
        take(&mut intake, b"\x1b[200~a\x1b[0n");
        assert!(!intake.is_settled());
        assert_eq!(intake.patience(), LONG_SILENCE);
        take(&mut intake, b"\x1b[201~");
        assert!(!intake.is_in_paste());
    }
}
