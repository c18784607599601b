//! Lengths of time on the command line.

use std::time::Duration;

/// Longest time that is taken, a year: more is a mistake.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Reads a number of seconds, or a time with units like `90s`, `5m` or `1h 30m`.
pub(in crate::cli) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)
            .map_err(|_| "give seconds, or a time with units like 90s, 5m or 1h".to_owned())?,
    };
    if duration.is_zero() || duration > LONGEST {
        return Err("give a time from a second to a year".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units() {
        assert_eq!(parse_seconds("30"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_seconds("1h 30m"), Ok(Duration::from_mins(90)));
        for text in ["", "0", "-1", "x", "1.5", "99999999999999999999", "400d"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
