//! Failed logins by account and address: guessing a password is slow, and only where it is tried. The owner of an account
//! logs in from another address as ever.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auction_core::Name;

use crate::config::Rate;
use crate::gateway::admission::network_of;

/// Maximum number of pairs of account and address that are remembered. Further ones are limited by their address alone.
pub const PAIRS_MAX: usize = 65_536;

/// Tries of all accounts from all addresses.
#[derive(Debug)]
pub struct LoginFailures {
    /// Tries of a pair within a period; `None`: unlimited.
    rate: Option<Rate>,
    pairs: Mutex<HashMap<(Name, IpAddr), Tries>>,
}

/// Tries without success of one pair. The period begins with the first.
#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    since: Instant,
}

impl LoginFailures {
    /// Limits each pair to this rate of failures.
    #[must_use]
    pub fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            pairs: Mutex::default(),
        }
    }

    /// Counts a try before its password is verified, so that simultaneous ones count too. A name that nobody has counts
    /// as any other. A client without an address is not limited.
    ///
    /// # Errors
    /// Time to wait.
    pub fn try_login(&self, name: Name, address: Option<IpAddr>) -> Result<(), Duration> {
        self.try_at(name, address, Instant::now())
    }

    fn try_at(&self, name: Name, address: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let (Some(rate), Some(address)) = (self.rate, address) else {
            return Ok(());
        };
        let is_over = |tries: &Tries| now.duration_since(tries.since) >= rate.period;
        let mut pairs = self.locked();
        let pair = (name, network_of(address));
        if !pairs.contains_key(&pair) && pairs.len() >= PAIRS_MAX {
            pairs.retain(|_, tries| !is_over(tries));
            if pairs.len() >= PAIRS_MAX {
                return Ok(());
            }
        }
        let new = Tries {
            count: 0,
            since: now,
        };
        let tries = pairs.entry(pair).or_insert(new);
        if is_over(tries) {
            *tries = new;
        }
        if tries.count >= rate.count.get() {
            return Err(rate.period - now.duration_since(tries.since));
        }
        tries.count += 1;
        Ok(())
    }

    /// Forgets the tries of a pair whose password was right.
    pub fn succeeded(&self, name: Name, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.locked().remove(&(name, network_of(address)));
        }
    }

    /// Takes back a try whose password was not verified.
    pub fn undecided(&self, name: Name, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if let Some(tries) = self.locked().get_mut(&(name, network_of(address))) {
            tries.count = tries.count.saturating_sub(1);
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<(Name, IpAddr), Tries>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(600);

    fn failures(count: u32) -> LoginFailures {
        LoginFailures::new(Some(Rate {
            count: NonZeroU32::new(count).unwrap(),
            period: PERIOD,
        }))
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn at(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn tries_are_limited_for_one_account_from_one_address() {
        let failures = failures(2);
        let begin = Instant::now();
        let mia = |address, after| failures.try_at(name("mia"), address, begin + after);
        let second = Duration::from_secs(1);
        assert_eq!(mia(at(1), Duration::ZERO), Ok(()));
        assert_eq!(mia(at(1), second), Ok(()));
        assert_eq!(mia(at(1), second), Err(PERIOD - second));
        // The owner elsewhere, and others here, are let in.
        assert_eq!(mia(at(2), second), Ok(()));
        assert_eq!(failures.try_at(name("tom"), at(1), begin + second), Ok(()));
        assert_eq!(mia(None, second), Ok(()));
        // Until the period is over, to the instant.
        let almost = PERIOD - Duration::from_nanos(1);
        assert_eq!(mia(at(1), almost), Err(Duration::from_nanos(1)));
        assert_eq!(mia(at(1), PERIOD), Ok(()));
        assert_eq!(mia(at(1), PERIOD), Ok(()));
        assert_eq!(mia(at(1), PERIOD), Err(PERIOD));
    }

    #[test]
    fn a_right_password_clears_and_an_unverified_one_does_not_count() {
        let failures = failures(2);
        let begin = Instant::now();
        let mia = || failures.try_at(name("mia"), at(1), begin);
        mia().unwrap();
        mia().unwrap();
        failures.undecided(name("mia"), at(1));
        mia().unwrap();
        assert!(mia().is_err());
        failures.succeeded(name("mia"), at(1));
        mia().unwrap();
        mia().unwrap();
        assert!(mia().is_err());
        assert_eq!(
            LoginFailures::new(None).try_login(name("mia"), at(1)),
            Ok(())
        );
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let failures = failures(1);
        let mia = |address: &str| failures.try_login(name("mia"), address.parse().ok());
        mia("2001:db8::1").unwrap();
        assert!(mia("2001:db8::2").is_err());
        mia("2001:db8:0:1::1").unwrap();
    }

    #[test]
    fn pairs_without_end_take_bounded_memory() {
        let failures = failures(1);
        let begin = Instant::now();
        let mia = |number: u32, after| {
            let address = Some(IpAddr::from(number.to_be_bytes()));
            failures.try_at(name("mia"), address, begin + after)
        };
        let many = u32::try_from(PAIRS_MAX).unwrap();
        for number in 0..many + 10 {
            mia(number, Duration::ZERO).unwrap();
        }
        assert_eq!(failures.locked().len(), PAIRS_MAX);
        assert!(mia(0, Duration::ZERO).is_err());
        // Those whose period is over make room.
        mia(many + 20, PERIOD).unwrap();
        assert_eq!(failures.locked().len(), 1);
    }
}
