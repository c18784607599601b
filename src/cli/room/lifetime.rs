//! How long the participant token of a command lasts, and when a participant that stays longer joins again.

use std::time::Duration;

/// Added to the time of a command, so that joining late and a clock that is wrong by minutes do not end its session.
const MARGIN: Duration = Duration::from_mins(10);

/// Longest time that a participant stays with one token.
const LONGEST_STAY: Duration = Duration::from_hours(24);

/// The lifetime of the token of a participant that stays for `stay`, or without a limit.
pub(super) fn token_lifetime(stay: Option<Duration>) -> Duration {
    match stay {
        Some(stay) if stay <= LONGEST_STAY => stay.saturating_add(MARGIN),
        _ => LONGEST_STAY,
    }
}

/// When a participant whose token lasts for `left` from now joins again with a new one: after half of that time, so that
/// the other half is there for what is going on then. None if it leaves before its token expires.
pub(super) fn renewal(stay: Option<Duration>, left: Duration) -> Option<Duration> {
    stay.is_none_or(|stay| stay >= left).then(|| left / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_outlasts_its_command_and_is_renewed_where_it_does_not() {
        let hours = Duration::from_hours;
        let cases = [
            (Some(Duration::from_secs(30)), Duration::from_secs(630), None),
            (Some(hours(24)), hours(24) + MARGIN, None),
            (Some(hours(25)), hours(24), Some(hours(12))),
            (None, hours(24), Some(hours(12))),
        ];
        for (stay, lifetime, renewed) in cases {
            assert_eq!(token_lifetime(stay), lifetime, "{stay:?}");
            assert_eq!(renewal(stay, lifetime), renewed, "{stay:?}");
        }
        // A server's token may be shorter than what was asked of it.
        assert_eq!(renewal(Some(hours(2)), hours(1)), Some(hours(1) / 2));
    }
}
