//! The dates of a certificate chain: a server warns of one that clients refuse, or soon will.

use std::fmt;
use std::path::{Path, PathBuf};

use auction_core::{Span, Timestamp};
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Longest remaining time of a certificate that is reported as expiring soon. One that is valid for less than three
/// times as long is reported in its last third: issuers renew at about that time.
pub const SOON: Span = Span::from_secs(14 * 24 * 60 * 60);

/// The time in which all certificates of a chain are valid. Both ends are included, to the second (RFC 5280, 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl Validity {
    /// Returns the dates of a chain; `None` if a certificate cannot be parsed.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let mut all: Option<Self> = None;
        for certificate in chain {
            let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
            let dates = certificate.validity();
            let not_before = timestamp(dates.not_before.timestamp());
            let not_after = timestamp(dates.not_after.timestamp());
            all = Some(match all {
                Some(all) => Self {
                    not_before: all.not_before.max(not_before),
                    not_after: all.not_after.min(not_after),
                },
                None => Self {
                    not_before,
                    not_after,
                },
            });
        }
        all
    }

    /// Returns the state at a time of the machine's clock.
    pub(crate) fn at(self, utc: Timestamp) -> ValidityState {
        let second = Span::from_secs(1);
        let length = self.not_after.since(self.not_before);
        let third = Span::from_micros(length.micros() / 3).unwrap_or(Span::ZERO);
        if utc < self.not_before {
            ValidityState::NotYet
        } else if utc >= self.not_after.saturating_add(second) {
            ValidityState::Expired
        } else if self.not_after.since(utc) <= third.min(SOON) {
            ValidityState::Soon
        } else {
            ValidityState::Valid
        }
    }
}

/// State of a certificate chain at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValidityState {
    NotYet,
    Valid,
    Soon,
    Expired,
}

/// A warning about the dates of a certificate, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidityWarning {
    path: PathBuf,
    validity: Validity,
    state: ValidityState,
    utc: Timestamp,
}

impl ValidityWarning {
    /// Returns the warning about the chain of a file at this time of the machine's clock; `None`: all is well.
    pub(crate) fn at(utc: Timestamp, path: &Path, validity: Validity) -> Option<Self> {
        let state = validity.at(utc);
        (state != ValidityState::Valid).then(|| Self {
            path: path.to_owned(),
            validity,
            state,
            utc,
        })
    }
}

impl fmt::Display for ValidityWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            validity,
            state,
            utc,
        } = self;
        let path = path.display();
        let Validity {
            not_before,
            not_after,
        } = validity;
        const RENEW: &str = "renew it, and send SIGHUP to a running server";
        match state {
            ValidityState::NotYet => write!(
                f,
                "{path}: the certificate is valid from {not_before} on, and clients refuse it before; this machine's \
                 clock shows {utc}"
            ),
            ValidityState::Expired => write!(
                f,
                "{path}: the certificate expired at {not_after}, and clients refuse it; {RENEW}"
            ),
            ValidityState::Soon => write!(
                f,
                "{path}: the certificate expires at {not_after}, in {}; {RENEW}",
                not_after.since(*utc).whole_seconds()
            ),
            ValidityState::Valid => write!(f, "{path}: the certificate is valid until {not_after}"),
        }
    }
}

/// A time of a certificate: dates before 1970 count as 1970.
fn timestamp(secs: i64) -> Timestamp {
    let secs = u64::try_from(secs).unwrap_or(0);
    Timestamp::checked_from_secs(secs).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    fn validity(from_day: u64, to_day: u64) -> Validity {
        Validity {
            not_before: Timestamp::from_secs(from_day * DAY),
            not_after: Timestamp::from_secs(to_day * DAY),
        }
    }

    fn micro() -> Span {
        Span::from_micros(1).unwrap()
    }

    #[test]
    fn both_ends_of_the_dates_are_included_to_the_second() {
        let year = validity(100, 465);
        let first = year.not_before;
        let end = year.not_after.saturating_add(Span::from_secs(1));
        assert_eq!(
            year.at(first.saturating_sub(micro())),
            ValidityState::NotYet
        );
        assert_eq!(year.at(first), ValidityState::Valid);
        assert_eq!(year.at(end.saturating_sub(micro())), ValidityState::Soon);
        assert_eq!(year.at(end), ValidityState::Expired);
    }

    #[test]
    fn soon_is_a_fortnight_or_the_last_third() {
        // Valid for 365, 42, 41 and 6 days: soon from 14, 14, 13 2/3 and 2 days before the end.
        for (days, soon_secs) in [
            (365, 14 * DAY),
            (42, 14 * DAY),
            (41, 41 * DAY / 3),
            (6, 2 * DAY),
        ] {
            let dates = validity(100, 100 + days);
            let soon = dates.not_after.saturating_sub(Span::from_secs(soon_secs));
            assert_eq!(dates.at(soon), ValidityState::Soon, "{days}");
            let before = soon.saturating_sub(micro());
            assert_eq!(dates.at(before), ValidityState::Valid, "{days}");
        }
    }

    #[test]
    fn warnings_name_the_file_the_date_and_the_remedy() {
        let dates = validity(100, 465);
        let at = |day: u64| {
            let utc = Timestamp::from_secs(day * DAY);
            ValidityWarning::at(utc, Path::new("cert.pem"), dates).map(|said| said.to_string())
        };
        let said = at(99).unwrap();
        assert!(said.contains("cert.pem: the certificate is valid from 1970-04-11"));
        assert!(
            said.contains("this machine's clock shows 1970-04-10"),
            "{said}"
        );
        assert_eq!(at(100), None);
        let said = at(460).unwrap();
        assert!(
            said.contains("expires at 1971-04-11") && said.contains("in 5d"),
            "{said}"
        );
        let said = at(466).unwrap();
        assert!(
            said.contains("expired at 1971-04-11") && said.contains("SIGHUP"),
            "{said}"
        );
    }

    #[test]
    fn a_chain_is_valid_while_all_its_certificates_are() {
        let made = |from, to| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
            let key = KeyPair::generate().unwrap();
            params.self_signed(&key).unwrap().der().clone()
        };
        let year = |year| timestamp(date_time_ymd(year, 1, 1).unix_timestamp());
        let chain = [made(2001, 2031), made(2011, 2041)];
        let expected = Validity {
            not_before: year(2011),
            not_after: year(2031),
        };
        assert_eq!(Validity::of(&chain), Some(expected));
        let ancient = Validity::of(&[made(1950, 2031)]).unwrap();
        assert_eq!(ancient.not_before, Timestamp::default());
        assert_eq!(
            Validity::of(&[CertificateDer::from(vec![0x30, 0x00])]),
            None
        );
        assert_eq!(Validity::of(&[]), None);
    }
}
