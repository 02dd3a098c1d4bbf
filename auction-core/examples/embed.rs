//! A whole small auction in memory: `cargo run -p auction-core --example embed`.
//!
//! The loop is the one that a server runs: decide, journal, reply. Here the journal is a `Vec`, and a reply is printed.

use std::error::Error;

use auction_core::{
    Caller, Command, Engine, EnglishTerms, Listing, LotId, MarketId, Name, OpenLot, Price, Profit,
    PublicEvent, Quantity, Record, Registration, SecurityCode, Steps, Symbol, Timestamp, UserId,
};

const LOT: LotId = LotId(1);

fn main() -> Result<(), Box<dyn Error>> {
    let mut shell = Shell {
        engine: Engine::new(MarketId([7; 16])),
        journal: Vec::new(),
    };
    for command in opening()? {
        shell.turn(0, Caller::Operator, command);
    }
    let mia = Caller::User(UserId(1));
    let noa = Caller::User(UserId(2));
    shell.turn(10, mia, maximum("2.00")?);
    shell.turn(20, noa, bid("1.00")?);
    shell.turn(30, noa, bid("1.01")?);
    // In the last minute: the bid extends the close.
    shell.turn(290, noa, bid("3.00")?);
    shell.turn(330, mia, maximum("2.50")?);

    while let Some(due) = shell.engine.next_deadline() {
        shell.close_due(due);
    }
    println!("{} records", shell.journal.len());
    Ok(())
}

struct Shell {
    engine: Engine,
    journal: Vec<Record>,
}

impl Shell {
    fn turn(&mut self, secs: u64, caller: Caller, command: Command) {
        let now = Timestamp::from_secs(secs);
        self.close_due(now);
        println!("{secs:>4} s {caller:?}: {}", asked(&command));
        match self.engine.execute(now, caller, command) {
            Ok(executed) => self.keep_and_tell(executed.into_record()),
            Err(reject) => println!("       refused: {reject}"),
        }
    }

    /// A real program passes 32 new random bytes each time; this market draws no random end.
    fn close_due(&mut self, now: Timestamp) {
        while let Some(record) = self.engine.advance(now, || [7; 32]) {
            self.keep_and_tell(Some(record));
        }
    }

    /// A real program writes all records of a batch and syncs once before it replies.
    fn keep_and_tell(&mut self, record: Option<Record>) {
        let Some(record) = record else { return };
        record.public_events().for_each(tell);
        self.journal.push(record);
    }
}

fn tell(event: &PublicEvent) {
    match event {
        PublicEvent::BidAccepted(bid) => {
            let least = bid
                .least
                .map_or_else(String::new, |least| format!(", next {least}"));
            println!("       user {} leads at {}{least}", bid.leader, bid.price);
        }
        PublicEvent::LotExtended { closes_at, .. } => println!("       closes later: {closes_at}"),
        PublicEvent::LotClosed { lot, outcome } => println!("       lot {lot} closed: {outcome:?}"),
        other => println!("       {other:?}"),
    }
}

fn asked(command: &Command) -> String {
    match command {
        Command::Bid { price, .. } => format!("bid {price}"),
        Command::BidMaximum { maximum, .. } => format!("bid up to {maximum}"),
        Command::OpenLot(open) => format!("open a lot of {}", open.symbol),
        Command::Register(registration) => format!("register {}", registration.name),
        other => format!("{other:?}"),
    }
}

fn opening() -> Result<Vec<Command>, Box<dyn Error>> {
    let symbol = Symbol::parse("AAPL")?;
    let listing = Listing {
        profit: Profit::parse("9800")?,
        ..Listing::new(symbol, SecurityCode::parse("01954")?, Price::parse("0.50")?)
    };
    let terms = EnglishTerms {
        steps: Steps::banded(),
        ..EnglishTerms::default()
    };
    Ok(vec![
        listing.into(),
        Registration::trader(Name::parse("mia")?).into(),
        Registration::trader(Name::parse("noa")?).into(),
        OpenLot::new(symbol, Quantity::ONE, Timestamp::from_secs(300), terms).into(),
    ])
}

fn bid(price: &str) -> Result<Command, Box<dyn Error>> {
    let price = Price::parse(price)?;
    Ok(Command::Bid { lot: LOT, price })
}

fn maximum(price: &str) -> Result<Command, Box<dyn Error>> {
    let maximum = Price::parse(price)?;
    Ok(Command::BidMaximum { lot: LOT, maximum })
}
