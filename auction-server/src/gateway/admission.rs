//! Admission: limits on the connections and requests of one address or one user.
//!
//! An address is an IPv4 address, or the 64-bit network prefix of an IPv6 one: a client with one address of such a
//! network has all of them. A bid takes no lock here; it only passes its user's own rate limiter.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auction_core::UserId;
use auction_proto::Code;

use crate::config::{Network, Rate};
use crate::sequencer::rate_limit::RateLimiter;

/// Maximum number of addresses remembered; when all of them were active lately, a new one is refused.
pub const ADDRESSES_MAX: usize = 65_536;
/// Number of addresses from which on idle ones are looked for.
const ADDRESSES_SWEPT_FROM: usize = 1_024;
/// Shortest time between two sweeps for idle addresses while the table is full.
const FULL_SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Limit of envelopes from one address: a peer carries those of many traders. It is below the limit of all addresses
/// together, so that a flood from one leaves room for others.
const ENVELOPES_PER_ADDRESS: Rate = Rate {
    count: NonZeroU32::new(100).expect("it is not zero"),
    period: Duration::from_secs(1),
};

/// The address of a client, and its use of the server's limits.
#[derive(Debug)]
pub struct ClientAddress {
    address: Option<IpAddr>,
    /// True for a trusted proxy whose client is not known yet.
    is_proxy: bool,
    usage: Arc<AddressUsage>,
}

#[derive(Debug)]
struct AddressUsage {
    connections: AtomicU32,
    connects: Option<RateLimiter>,
    logins: Option<RateLimiter>,
    registrations: Option<RateLimiter>,
    envelopes: Option<RateLimiter>,
    seen_at: Mutex<Instant>,
}

impl ClientAddress {
    /// Returns a client without an address and without limits of one.
    #[must_use]
    pub fn without_limits() -> Self {
        Self {
            address: None,
            is_proxy: false,
            usage: AddressUsage::unlimited(),
        }
    }

    /// Returns the IP address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Takes a token for one more login from this address.
    ///
    /// # Errors
    /// Time to wait.
    pub fn try_login(&self) -> Result<(), Duration> {
        self.usage.logins.as_ref().map_or(Ok(()), RateLimiter::take)
    }

    /// Takes a token for one more registration from this address.
    ///
    /// # Errors
    /// Time to wait.
    pub fn try_registration(&self) -> Result<(), Duration> {
        self.usage
            .registrations
            .as_ref()
            .map_or(Ok(()), RateLimiter::take)
    }

    /// Takes a token for one more envelope from this address, independent of its author.
    ///
    /// # Errors
    /// Time to wait.
    pub fn try_envelope(&self) -> Result<(), Duration> {
        self.usage
            .envelopes
            .as_ref()
            .map_or(Ok(()), RateLimiter::take)
    }
}

impl AddressUsage {
    fn unlimited() -> Arc<Self> {
        Arc::new(Self {
            connections: AtomicU32::new(0),
            connects: None,
            logins: None,
            registrations: None,
            envelopes: None,
            seen_at: Mutex::new(Instant::now()),
        })
    }

    fn is_forgettable(&self, now: Instant, after: Duration) -> bool {
        let seen_at = *locked(&self.seen_at);
        self.connections.load(Ordering::Relaxed) == 0 && now.duration_since(seen_at) > after
    }
}

/// An admitted connection; it counts until it is dropped.
#[derive(Debug)]
pub struct Admitted(Arc<ClientAddress>);

impl Admitted {
    /// Admits a connection of a trusted proxy. It counts for no address until the client is known.
    #[must_use]
    pub fn of_proxy(address: IpAddr) -> Self {
        let usage = AddressUsage::unlimited();
        usage.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(ClientAddress {
            address: Some(address),
            is_proxy: true,
            usage,
        }))
    }

    /// Returns the address of the trusted proxy whose client is not known yet; `None` if this is no such connection.
    #[must_use]
    pub fn proxy(&self) -> Option<IpAddr> {
        self.0.address.filter(|_| self.0.is_proxy)
    }

    /// Returns the client's address.
    #[must_use]
    pub fn client_address(&self) -> &Arc<ClientAddress> {
        &self.0
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        *locked(&self.0.usage.seen_at) = Instant::now();
        self.0.usage.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reason why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The address has the maximum number of connections.
    #[error("too many connections from this address; close one, or try again later")]
    TooMany,
    /// The address connects too fast.
    #[error("too many new connections from this address; more are taken in {} ms", wait.as_millis())]
    TooFast {
        /// Time to wait.
        wait: Duration,
    },
    /// The server has the maximum number of connections.
    #[error("too many connections; try again later")]
    Full,
    /// The table of addresses is full of recently active ones.
    #[error("too many clients; try again later")]
    TooManyAddresses,
}

impl AdmissionError {
    /// Returns the code of the refusal.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TooFast { .. } => Code::SLOW_DOWN,
            Self::TooMany | Self::Full | Self::TooManyAddresses => Code::TOO_MANY_CONNECTIONS,
        }
    }
}

/// All clients, and their use of the limits.
#[derive(Debug)]
pub struct Admission {
    network: Network,
    addresses: Mutex<AddressTable>,
    /// At most one per account; empty when users have no limit.
    users: Mutex<HashMap<UserId, Arc<RateLimiter>>>,
}

#[derive(Debug)]
struct AddressTable {
    known: HashMap<IpAddr, Arc<AddressUsage>>,
    swept_from: usize,
    /// Time of the last sweep while the table was full.
    full_at: Option<Instant>,
}

impl Admission {
    /// Creates the admission with the limits of these settings.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self {
            network: network.clone(),
            addresses: Mutex::new(AddressTable {
                known: HashMap::new(),
                swept_from: ADDRESSES_SWEPT_FROM,
                full_at: None,
            }),
            users: Mutex::default(),
        }
    }

    /// Admits a connection.
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub fn enter(&self, address: IpAddr) -> Result<Admitted, AdmissionError> {
        let mut addresses = locked(&self.addresses);
        let key = network_of(address);
        if !addresses.known.contains_key(&key) {
            addresses.make_room(self.forget_after())?;
        }
        let usage = addresses
            .known
            .entry(key)
            .or_insert_with(|| self.new_usage());
        if usage.connections.load(Ordering::Relaxed) >= self.network.connections_per_address.get() {
            return Err(AdmissionError::TooMany);
        }
        if let Some(Err(wait)) = usage.connects.as_ref().map(RateLimiter::take) {
            return Err(AdmissionError::TooFast { wait });
        }
        usage.connections.fetch_add(1, Ordering::Relaxed);
        let client_address = ClientAddress {
            address: Some(address),
            is_proxy: false,
            usage: usage.clone(),
        };
        Ok(Admitted(Arc::new(client_address)))
    }

    /// Returns the rate limiter of a user's commands, shared by all connections of the user; `None`: unlimited.
    #[must_use]
    pub fn rate_limiter_of(&self, user: UserId) -> Option<Arc<RateLimiter>> {
        let rate = self.network.rate_commands?;
        let mut users = locked(&self.users);
        let bucket = users
            .entry(user)
            .or_insert_with(|| Arc::new(RateLimiter::new(rate)));
        Some(bucket.clone())
    }

    fn new_usage(&self) -> Arc<AddressUsage> {
        Arc::new(AddressUsage {
            connections: AtomicU32::new(0),
            connects: self.network.rate_connections.map(RateLimiter::new),
            logins: self.network.rate_logins.map(RateLimiter::new),
            registrations: self.network.rate_registrations.map(RateLimiter::new),
            envelopes: Some(RateLimiter::new(ENVELOPES_PER_ADDRESS)),
            seen_at: Mutex::new(Instant::now()),
        })
    }

    /// Returns the time after which every rate limiter is full again, and an address is as if it were new.
    fn forget_after(&self) -> Duration {
        let network = &self.network;
        let rates = [
            network.rate_connections,
            network.rate_logins,
            network.rate_registrations,
        ];
        let periods = rates.into_iter().flatten().map(|rate| rate.period);
        periods.max().unwrap_or_default()
    }
}

impl AddressTable {
    /// Removes idle addresses each time that the number of addresses has doubled.
    fn make_room(&mut self, forget_after: Duration) -> Result<(), AdmissionError> {
        if self.known.len() < self.swept_from {
            return Ok(());
        }
        let now = Instant::now();
        if self.known.len() >= ADDRESSES_MAX {
            // While the table is full, not every new client makes it search again.
            if self
                .full_at
                .is_some_and(|at| now.duration_since(at) < FULL_SWEEP_PAUSE)
            {
                return Err(AdmissionError::TooManyAddresses);
            }
            self.full_at = Some(now);
        }
        self.known
            .retain(|_, client_address| !client_address.is_forgettable(now, forget_after));
        let twice = 2 * self.known.len();
        self.swept_from = twice.clamp(ADDRESSES_SWEPT_FROM, ADDRESSES_MAX);
        if self.known.len() < ADDRESSES_MAX {
            Ok(())
        } else {
            Err(AdmissionError::TooManyAddresses)
        }
    }
}

/// Returns the address, or the network of an IPv6 one.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::config::Config;

    fn rate(count: u32, period: Duration) -> Option<Rate> {
        let count = NonZeroU32::new(count).unwrap();
        Some(Rate { count, period })
    }

    fn admission(change: impl FnOnce(&mut Network)) -> Admission {
        let mut network = Config::default().network;
        change(&mut network);
        Admission::new(&network)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections_and_another_its_own() {
        let admission = admission(|network| {
            network.connections_per_address = NonZeroU32::new(2).unwrap();
        });
        let first = admission.enter(address("10.0.0.1")).unwrap();
        let _second = admission.enter(address("::ffff:10.0.0.1")).unwrap();
        let third = admission.enter(address("10.0.0.1"));
        assert_eq!(third.unwrap_err(), AdmissionError::TooMany);
        assert!(admission.enter(address("10.0.0.2")).is_ok());
        drop(first);
        assert!(admission.enter(address("10.0.0.1")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let admission = admission(|network| {
            network.connections_per_address = NonZeroU32::MIN;
        });
        let _first = admission.enter(address("2001:db8::1")).unwrap();
        let second = admission.enter(address("2001:db8::ffff:2"));
        assert_eq!(second.unwrap_err(), AdmissionError::TooMany);
        assert!(admission.enter(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn what_comes_too_fast_is_told_how_long_to_wait() {
        let hour = Duration::from_secs(3_600);
        let admission = admission(|network| {
            network.rate_connections = rate(3, hour);
            network.rate_logins = rate(1, hour);
            network.rate_registrations = None;
            network.rate_commands = rate(2, hour);
        });
        let visits: Vec<_> = (0..3)
            .map(|_| admission.enter(address("10.0.0.1")).unwrap())
            .collect();
        let Err(AdmissionError::TooFast { wait }) = admission.enter(address("10.0.0.1")) else {
            panic!("a fourth is too fast")
        };
        assert!(wait <= hour / 3 && wait > hour / 4, "{wait:?}");
        // All connections of an address share its rate limiter.
        assert_eq!(visits[0].client_address().try_login(), Ok(()));
        assert!(visits[1].client_address().try_login().is_err());
        for _ in 0..100 {
            assert_eq!(visits[2].client_address().try_registration(), Ok(()));
        }
        let user = |number| admission.rate_limiter_of(UserId(number)).unwrap();
        assert!(user(1).take().is_ok() && user(1).take().is_ok());
        assert!(user(1).take().is_err());
        assert!(user(2).take().is_ok());
    }

    #[test]
    fn addresses_without_end_are_forgotten_or_turned_away() {
        let soon = admission(|network| {
            network.rate_connections = None;
            network.rate_logins = None;
            network.rate_registrations = None;
        });
        let many = || (0..2 * ADDRESSES_MAX as u32).map(|n| IpAddr::from(n.to_be_bytes()));
        for address in many() {
            drop(soon.enter(address).unwrap());
        }
        assert!(locked(&soon.addresses).known.len() <= ADDRESSES_MAX);

        let late = admission(|_| {});
        let last = many().map(|address| late.enter(address).err()).last();
        assert_eq!(last, Some(Some(AdmissionError::TooManyAddresses)));
        assert_eq!(locked(&late.addresses).known.len(), ADDRESSES_MAX);
    }
}
