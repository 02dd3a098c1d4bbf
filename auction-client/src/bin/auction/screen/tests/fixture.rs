//! A market with its screen.

use auction_client::{BidPlaced, Code, ConnectionError, Refused, RequestError, Update};
use auction_core::{
    BidReply, DutchTerms, FeedSequence, Listing, LotId, LotOpened, Market, Name, Outcome, Price,
    PublicEvent, Quantity, Role, SealedPricing, SealedTerms, SoldBy, Span, Terms, UniformPricing,
    UniformTerms, UserId,
};
use auction_proto::Done;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use crate::fixture::{after, bid, closed, listed, market, opened, price, user};
use crate::output::names::View;
use crate::output::theme::{Theme, ThemeName};
use crate::screen::draw::{draw, lot_rows};
use crate::screen::events::{Effect, Identity, Input, Request, RequestKind, Response};
use crate::screen::model::Model;
use crate::screen::update::update;

pub const AAPL: LotId = LotId(1);
pub const BRK: LotId = LotId(2);
pub const DUTCH: LotId = LotId(3);
pub const VICKREY: LotId = LotId(4);
pub const PARTS: LotId = LotId(5);

/// A screen with a market. mia is user 1, tom user 2.
pub struct Stage {
    pub market: Market,
    pub model: Model,
    /// Seconds since the start.
    pub now: u64,
    /// Effects since the last check.
    pub effects: Vec<Effect>,
}

impl Stage {
    /// Creates five lots of different formats, with no user logged in.
    pub fn looking_on() -> Self {
        let symbols = ["AAPL", "BRK.B", "TSLA", "NVDA", "AMZN"];
        let people = [user(1, "mia"), user(2, "tom")];
        let dutch = Terms::Dutch(DutchTerms {
            start: price("100"),
            step: price("1"),
            interval: Span::from_secs(10),
            floor: price("50"),
        });
        let vickrey = Terms::Sealed(SealedTerms {
            pricing: SealedPricing::SecondPrice,
        });
        let parts = Terms::Uniform(UniformTerms {
            pricing: UniformPricing::Uniform,
            priority: auction_core::MarginalPriority::Time,
            bids_max: UniformTerms::BIDS_MAX,
        });
        let lots = [
            opened(1, "AAPL"),
            opened(2, "BRK.B"),
            opened_as(3, "TSLA", 1, dutch),
            opened_as(4, "NVDA", 1, vickrey),
            opened_as(5, "AMZN", 1_000, parts),
        ];
        let listings = symbols.into_iter().map(listed);
        Self::of(market(listings.chain(people).chain(lots)))
    }

    /// Creates the same, with mia logged in.
    pub fn of_mia() -> Self {
        let mut stage = Self::looking_on();
        stage.is(Some(("mia", Role::Trader)));
        stage
    }

    pub fn of(market: Market) -> Self {
        let model = Model::new("127.0.0.1:2022".into(), market.id(), (80, 24));
        let mut stage = Self {
            market,
            model,
            now: 28,
            effects: Vec::new(),
        };
        stage.tick();
        stage
    }

    pub fn is(&mut self, who: Option<(&str, Role)>) {
        let me = who.map(|(name, role)| Identity {
            name: Name::parse(name).unwrap(),
            role,
        });
        self.takes(Input::Identity(me));
    }

    pub fn takes(&mut self, input: Input) {
        let view = View {
            market: &self.market,
            own: self.model.own(),
            now: after(self.now),
        };
        self.effects.extend(update(&mut self.model, view, input));
    }

    /// Applies an event to the market, and reports it to the screen.
    pub fn happens(&mut self, event: PublicEvent) {
        let at = after(self.now);
        self.market.apply(at, &event).unwrap();
        self.takes(Input::Feed(Update::Event {
            feed_sequence: self.market.feed_sequence(),
            at,
            event,
        }));
    }

    /// Makes mia bid openly and lead.
    pub fn mia_leads(&mut self, at: &str, least: &str) {
        self.happens(bid(1, Some(at), 1, at, least));
    }

    pub fn tom_leads(&mut self, at: &str, least: &str) {
        self.happens(bid(2, Some(at), 2, at, least));
    }

    pub fn closes_for(&mut self, winner: u32, at: &str) {
        let outcome = Outcome::Sold {
            winner: UserId(winner),
            price: price(at),
            by: SoldBy::HighestBid,
            runner_up: None,
        };
        self.happens(closed(1, outcome));
    }

    pub fn tick(&mut self) {
        self.takes(Input::Tick(std::time::Duration::from_micros(1_400)));
    }

    pub fn key(&mut self, code: KeyCode) {
        self.takes(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    /// Types characters.
    pub fn types(&mut self, text: &str) {
        text.chars().for_each(|char| self.key(KeyCode::Char(char)));
    }

    pub fn enters(&mut self) {
        self.key(KeyCode::Enter);
    }

    /// Returns the only request since the last check.
    pub fn asked(&mut self) -> Request {
        let mut asks = self.asks();
        // Histories are requested automatically.
        asks.retain(|ask| !matches!(ask, Request::History(_) | Request::Trades(..)));
        assert_eq!(asks.len(), 1, "{asks:?}");
        asks.remove(0)
    }

    /// Returns the requests since the last check.
    pub fn asks(&mut self) -> Vec<Request> {
        let effects = std::mem::take(&mut self.effects);
        let asks = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send(ask) => Some(ask),
            Effect::Reconnect | Effect::Ring | Effect::Leave => None,
        });
        asks.collect()
    }

    pub fn rang(&mut self) -> bool {
        let effects = std::mem::take(&mut self.effects);
        effects.iter().any(|effect| matches!(effect, Effect::Ring))
    }

    /// Accepts a bid; the feed shows it a moment later.
    pub fn accepts(&mut self, asked: &Request, at: &str, leads: bool) {
        self.accepts_at(asked, at, leads, self.market.feed_sequence().0 + 1);
    }

    /// Accepts a bid at a place of the feed.
    pub fn accepts_at(&mut self, asked: &Request, at: &str, leads: bool, place: u64) {
        let RequestKind::Bid(lot, _) = asked.asked() else {
            panic!("{asked:?} is no bid");
        };
        let bid = BidReply {
            lot,
            leads,
            price: Some(price(at)),
            extended_to: None,
            bought: false,
        };
        let placed = BidPlaced {
            bid,
            feed_sequence: FeedSequence(place),
            done: Done::Now,
        };
        self.takes(Input::Answer(asked.asked(), Ok(Response::Bid(placed))));
    }

    /// Refuses a request.
    pub fn refuses(&mut self, asked: &Request, code: Code, message: &str, remedy: Option<Price>) {
        let refused = Refused::new(code, message);
        let refused = match remedy {
            Some(remedy) => refused.with_price(remedy),
            None => refused,
        };
        self.fails(asked, RequestError::Refused(Box::new(refused)));
    }

    pub fn fails(&mut self, asked: &Request, error: RequestError) {
        self.takes(Input::Answer(asked.asked(), Err(error)));
    }

    pub fn loses_connection(&mut self) {
        self.takes(Input::Feed(Update::Reconnecting {
            because: ConnectionError::Ended,
            wait: std::time::Duration::from_secs(3),
        }));
    }

    /// Returns the text of the screen at this size.
    pub fn shows(&mut self, columns: u16, rows: u16) -> String {
        text(&self.drawn(columns, rows, ThemeName::Default))
    }

    pub fn drawn(&mut self, columns: u16, rows: u16, theme: ThemeName) -> Buffer {
        self.takes(Input::Resize(columns, rows));
        let area = Rect::new(0, 0, columns, rows);
        let view = View {
            market: &self.market,
            own: self.model.own(),
            now: after(self.now),
        };
        let rows = lot_rows(area, &self.model, view);
        self.takes(Input::Frame { rows });
        let view = View {
            market: &self.market,
            own: self.model.own(),
            now: after(self.now),
        };
        let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).unwrap();
        let (model, theme) = (&self.model, &Theme::named(theme));
        let drawn = terminal.draw(|frame| draw(frame, model, view, theme));
        drawn.unwrap().buffer.clone()
    }
}

/// Returns the characters of a screen, without trailing spaces.
pub fn text(buffer: &Buffer) -> String {
    let columns = usize::from(buffer.area.width).max(1);
    let lines = buffer.content.chunks(columns).map(|cells| {
        let line: String = cells.iter().map(|cell| cell.symbol()).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn opened_as(lot: u32, symbol: &str, quantity: u64, terms: Terms) -> PublicEvent {
    PublicEvent::LotOpened(Box::new(LotOpened {
        lot: LotId(lot),
        symbol: symbol.parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        base_price: price("1.39"),
        opens_at: None,
        closes_at: after(300),
        terms,
        has_reserve: false,
    }))
}

/// Returns the listing of a stock with hostile names.
pub fn hostile() -> Listing {
    Listing {
        symbol: "A-.-B".parse().unwrap(),
        security: "0-0".parse().unwrap(),
        price: Price::ZERO,
        profit: "-999999999999.9999".parse().unwrap(),
    }
}
