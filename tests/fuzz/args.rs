//! Arguments with a form of their own.

use super::duration::parse_seconds;
use super::env_secret::EnvSecret;
use crate::fuzz::check_text;

#[test]
fn duration() {
    check_text!(["30", "1h 30m", "90s", "18446744073709551615", "1.5h"], |text| {
        if let Ok(duration) = parse_seconds(text) {
            assert!(!duration.is_zero() && duration.as_secs() <= 366 * 24 * 60 * 60);
        }
    });
}

#[test]
fn env_secret() {
    check_text!(["A_1=db/pass=word", "=a", "A="], |text| {
        if let Ok(EnvSecret { name, id }) = text.parse() {
            assert_eq!(format!("{name}={id}"), text);
        }
    });
}
