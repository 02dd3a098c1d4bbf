//! A trader without a connection to the server: their device seals bids, and a stranger relays them.

use std::time::Instant;

use auction_client::{Device, Sealed};
use auction_core::{LotId, MarketId, Name, Price, RequestId, SessionId, Span, Timestamp};
use auction_proto::{
    AddDevice, Bid, BidMaximum, Code, Done, Envelope, EnvelopeAnswer, EnvelopeCommand,
    GetMarketKey, GetSealingKey, ListDevices, ListedDevice, Ping, PublicKey, SealedAnswer,
    SealingKeyStatement, ServerMessage, SigningKey,
};

use crate::line::{Line, PASSWORD};
use crate::test_market::{Server, TestMarket};

pub const LOT: LotId = LotId(1);

/// Public information that anyone can request from the server.
fn market_of(line: &mut Line) -> (MarketId, PublicKey, SealingKeyStatement) {
    let ServerMessage::MarketKey(key) = line.ask(&GetMarketKey {}) else {
        panic!("no key")
    };
    let ServerMessage::SealingKey(sealing) = line.ask(&GetSealingKey {}) else {
        panic!("no key to seal to")
    };
    let sealing = sealing.verify(key.market, &key.key).unwrap();
    (key.market, key.key, sealing)
}

/// A trader's device, which never connects to the server itself.
pub struct Away {
    pub device: Device,
    pub to: SealingKeyStatement,
    pub clock: (Timestamp, Instant),
}

impl Away {
    /// Adds a device over a trader's own connection.
    pub fn of(line: &mut Line) -> Self {
        let key = SigningKey::new(&rand::random());
        let (market, market_key, to) = market_of(line);
        let number = add(line, &key, "laptop").unwrap();
        let device = Device {
            market,
            market_key,
            number,
            key,
        };
        let clock = clock_of(line);
        Self { device, to, clock }
    }

    /// A time this far ahead of the server's time, or slightly less.
    pub fn in_seconds(&self, secs: u64) -> Timestamp {
        let (told, at) = self.clock;
        let passed = Span::from_micros(at.elapsed().as_micros() as u64).unwrap();
        let now = told.saturating_add(passed);
        now.saturating_add(Span::from_secs(secs))
    }

    pub fn seal_until(&self, request: u64, price: &str, expires_at: Timestamp) -> Sealed {
        let price = Price::parse(price).unwrap();
        let command = EnvelopeCommand::Bid(Bid { lot: LOT, price });
        self.seal_as(request, command, expires_at)
    }

    /// Seals a raise by the leader.
    pub fn seal_maximum(&self, request: u64, maximum: &str) -> Sealed {
        let command = EnvelopeCommand::BidMaximum(BidMaximum {
            lot: LOT,
            maximum: Price::parse(maximum).unwrap(),
        });
        self.seal_as(request, command, self.in_seconds(60))
    }

    pub fn seal_as(&self, request: u64, command: EnvelopeCommand, expires_at: Timestamp) -> Sealed {
        let request = RequestId(request);
        let sealed = self.device.seal(request, command, expires_at, &self.to);
        sealed.unwrap()
    }

    pub fn seal(&self, request: u64, price: &str) -> Sealed {
        self.seal_until(request, price, self.in_seconds(60))
    }

    pub fn read(&self, sealed: &Sealed, answer: &SealedAnswer) -> EnvelopeAnswer {
        self.device.open(sealed, answer).unwrap().answer
    }

    /// Relays it over a connection, and reads the answer: when it was done, or why not.
    pub fn ask(&self, line: &mut Line, sealed: &Sealed) -> Result<Done, Code> {
        match self.read(sealed, &carried(line, sealed.envelope())) {
            EnvelopeAnswer::Accepted(accepted) => Ok(accepted.done),
            EnvelopeAnswer::Refused(refused) => Err(refused.code),
        }
    }
}

pub fn add(line: &mut Line, key: &SigningKey, label: &str) -> Result<SessionId, Code> {
    let added = line.command(&AddDevice {
        key: auction_core::DeviceKey(key.public().0),
        label: Name::parse(label).unwrap(),
    });
    match added.map_err(|refused| refused.code)?.reply {
        auction_core::Reply::SessionOpened(device) => Ok(device),
        other => panic!("{other:?}"),
    }
}

pub fn devices(line: &mut Line) -> Vec<ListedDevice> {
    match line.ask(&ListDevices {}) {
        ServerMessage::Devices(devices) => devices.devices.into_vec(),
        other => panic!("{other:?}"),
    }
}

/// The server's time, and the moment at which it was received.
fn clock_of(line: &mut Line) -> (Timestamp, Instant) {
    let client_time = Timestamp::default();
    match line.ask(&Ping { client_time }) {
        ServerMessage::Pong(pong) => (pong.server_time, Instant::now()),
        other => panic!("{other:?}"),
    }
}

pub fn carried(line: &mut Line, envelope: &Envelope) -> SealedAnswer {
    match line.ask(envelope) {
        ServerMessage::SealedAnswer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// A market of one lot; mia, whose device is not connected; and a stranger who relays.
pub struct Stage {
    pub test_market: TestMarket,
    pub server: Server,
    pub mia: Line,
    pub away: Away,
    pub relay: Line,
}

impl Stage {
    pub fn set() -> Self {
        let test_market = TestMarket::with_lots(1);
        let auctioneer = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
        test_market.write("users.csv", &auctioneer);
        let server = test_market.open();
        let mut mia = Line::trader(server.address(), "mia");
        let away = Away::of(&mut mia);
        let relay = Line::open(server.address());
        Self {
            test_market,
            server,
            mia,
            away,
            relay,
        }
    }

    /// Kills the server and starts it again.
    pub fn kill(self) -> Self {
        self.server.kill();
        let server = self.test_market.open();
        let mut mia = Line::open(server.address());
        mia.log_in("mia", PASSWORD).unwrap();
        let mut relay = Line::open(server.address());
        let clock = clock_of(&mut relay);
        Self {
            test_market: self.test_market,
            away: Away { clock, ..self.away },
            server,
            mia,
            relay,
        }
    }

    pub fn auctioneer(&self) -> Line {
        let mut ann = Line::open(self.server.address());
        ann.log_in("ann", PASSWORD).unwrap();
        ann
    }

    /// Relays it, and reads the answer.
    pub fn ask(&mut self, sealed: &Sealed) -> Result<Done, Code> {
        self.away.ask(&mut self.relay, sealed)
    }

    pub fn bids(&self) -> u32 {
        let market = Line::open(self.server.address()).snapshot();
        market.lot(LOT).unwrap().bids()
    }
}
