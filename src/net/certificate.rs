//! The time for which a certificate is valid.

use std::time::Duration;

use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode as _, Reader, SliceReader, Tag, Tagged as _};

/// A certificate with less time than this expires soon, or with less than a third of its lifetime.
const SOON: Duration = Duration::from_hours(14 * 24);

/// The time for which a certificate is valid (RFC 5280, section 4.1.2.5), in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: u64,
    /// The last second.
    pub not_after: u64,
}

impl Validity {
    /// Reads it from a certificate in DER form. None if that is not a certificate.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let mut reader = SliceReader::new(certificate).ok()?;
        in_certificate(&mut reader).ok()
    }

    /// Time that remains at `now`; zero once the certificate has expired.
    pub const fn remaining(&self, now: u64) -> Duration {
        Duration::from_secs(self.not_after.saturating_sub(now))
    }

    /// Whether it has expired at `now` or does so soon: within 14 days, or a third of its lifetime if that is less.
    pub fn expires_soon(&self, now: u64) -> bool {
        self.remaining(now) < SOON.min(self.lifetime() / 3)
    }

    /// From the first second to the last.
    pub const fn lifetime(&self) -> Duration {
        Duration::from_secs(self.not_after.saturating_sub(self.not_before))
    }
}

/// Reads `Certificate` (RFC 5280, section 4.1) as far as it is needed.
fn in_certificate(reader: &mut SliceReader<'_>) -> der::Result<Validity> {
    reader.sequence(|certificate| {
        let validity = certificate.sequence(|content| {
            // The version is left out of version 1.
            let version_or_serial = AnyRef::decode(content)?;
            if version_or_serial.tag().is_context_specific() {
                let _serial = AnyRef::decode(content)?;
            }
            let _signature_algorithm = AnyRef::decode(content)?;
            let _issuer = AnyRef::decode(content)?;
            let validity = content.sequence(|validity| {
                der::Result::Ok(Validity {
                    not_before: time(validity)?,
                    not_after: time(validity)?,
                })
            })?;
            skip_rest(content)?;
            der::Result::Ok(validity)
        })?;
        skip_rest(certificate)?;
        Ok(validity)
    })
}

fn time(reader: &mut SliceReader<'_>) -> der::Result<u64> {
    let since_1970 = match Tag::peek(reader)? {
        Tag::UtcTime => UtcTime::decode(reader)?.to_unix_duration(),
        _ => GeneralizedTime::decode(reader)?.to_unix_duration(),
    };
    Ok(since_1970.as_secs())
}

fn skip_rest(reader: &mut SliceReader<'_>) -> der::Result<()> {
    reader.read_slice(reader.remaining_len()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_validity_of_a_certificate_is_read_in_both_forms_of_time() {
        for (last_year, not_after) in [(2030, 1_893_456_000), (2060, 2_840_140_800)] {
            let mut parameters = CertificateParams::new(["a.example".to_owned()]).unwrap();
            parameters.not_before = date_time_ymd(2020, 1, 1);
            parameters.not_after = date_time_ymd(last_year, 1, 1);
            let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let validity = Validity::of(certificate.der()).unwrap();
            assert_eq!(validity.not_before, 1_577_836_800);
            assert_eq!(validity.not_after, not_after);
            assert_eq!(validity.remaining(not_after - 7), Duration::from_secs(7));
            assert_eq!(validity.remaining(not_after + 7), Duration::ZERO);
            for end in 0..certificate.der().len() {
                assert_eq!(Validity::of(&certificate.der()[..end]), None);
            }
        }
    }

    #[test]
    fn a_certificate_expires_soon_by_its_lifetime() {
        const DAY: u64 = 24 * 3600;
        let valid_for = |days: u64| Validity {
            not_before: 0,
            not_after: days * DAY,
        };
        for (lifetime, remaining, expected) in [
            (365, 15, false),
            (365, 13, true),
            (6, 3, false),
            (6, 1, true),
            (365, 0, true),
        ] {
            let now = (lifetime - remaining) * DAY;
            assert_eq!(
                valid_for(lifetime).expires_soon(now),
                expected,
                "{remaining} of {lifetime}"
            );
        }
    }
}
