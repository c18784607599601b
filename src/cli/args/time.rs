//! Points in time on the command line.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock;

/// Reads a time, and returns it in Unix milliseconds: a date (its first moment in UTC), a time as RFC 3339 has it, or how
/// long ago it is, with units like `2h` or `90d`.
pub(in crate::cli) fn parse_time(text: &str) -> Result<u64, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(clock::now_millis().saturating_sub(millis(ago)));
    }
    let timestamp = |text: &str| text.parse::<Timestamp>().ok();
    let parsed = timestamp(text).or_else(|| timestamp(&format!("{text}T00:00:00Z")));
    let millis = parsed.and_then(|timestamp| u64::try_from(timestamp.as_millisecond()).ok());
    millis.ok_or_else(|| {
        "give a date like 2026-01-31, a time like 2026-01-31T12:00:00Z, or how long ago, like 2h or 90d"
            .to_owned()
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_how_long_ago() {
        assert_eq!(parse_time("1970-01-02"), Ok(86_400_000));
        assert_eq!(parse_time("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(parse_time("1970-01-01T01:00:00.5+01:00"), Ok(500));
        let ago = parse_time("90d").unwrap();
        let expected = clock::now_millis() - 90 * 86_400_000;
        assert!((expected - 10_000..=expected).contains(&ago) || ago >= expected);
        for text in ["", "x", "1960-01-01", "2026-13-01", "12", "-2h"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
