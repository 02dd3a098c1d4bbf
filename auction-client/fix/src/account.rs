//! The account of the market behind a session: its login, and requests under kept numbers.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auction_client::{
    Bid, BidMaximum, BidPlaced, CancelOrder, Client, Code, ConnectionError, Fault, InFlight,
    LoggedIn, PlaceDayOrder, PlaceOrder, Refused, ReplaceDayOrder, ReplaceOrder, RequestError,
    Secret, Tls, Token, Trust, tcp,
};
use auction_core::{DayOrder, DayReply, Name, OrderId, Quantity, RequestId};

use crate::limits::RETRY_AFTER;
use crate::order_log::private;
use crate::orders::{Action, Answer, Failure, Intent, Orders};
use crate::request::OrderType;

/// Address of the market, and how to trust it.
#[derive(Clone)]
pub struct Target {
    address: Arc<str>,
    tls: Option<Tls>,
}

impl Target {
    /// Creates a target: `HOST:PORT`, or `tls://HOST:PORT`.
    pub fn new(text: &str, trust: &Trust) -> Result<Self, String> {
        let (address, with_tls) = match text.strip_prefix("tls://") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (host, port) = address.rsplit_once(':').unwrap_or((address, "2022"));
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(format!(
                "{text:?} is no address; expected for example 127.0.0.1:2022, or tls://market.example:2022"
            ));
        }
        let tls = match with_tls {
            true => Some(Tls::new(host, trust).map_err(|error| error.to_string())?),
            false => None,
        };
        let address = format!("{host}:{port}").into();
        Ok(Self { address, tls })
    }

    /// Connects to the market, without a session.
    pub async fn connect(&self) -> Result<Client, ConnectionError> {
        let address = self.address.clone();
        match self.tls.clone() {
            None => Client::connect_with(move || tcp(address.to_string())).await,
            Some(tls) => {
                let connect = move || {
                    let (tls, address) = (tls.clone(), address.clone());
                    async move { tls.wrap(tcp(address.to_string()).await?).await }
                };
                Client::connect_with(connect).await
            }
        }
    }
}

/// A session of the market.
#[derive(Clone)]
pub struct MarketSession {
    pub client: Client,
    pub logged_in: Arc<LoggedIn>,
    pub token: Token,
}

/// Logs in with a password.
pub async fn log_in(
    target: &Target,
    user: Name,
    password: Secret,
) -> Result<MarketSession, RequestError> {
    let client = target.connect().await.map_err(RequestError::NotConnected)?;
    let logged_in = client.login(user, password).await?;
    let token = logged_in.token.clone();
    let token = token.ok_or(RequestError::OutcomeUnknown(ConnectionError::Ended))?;
    Ok(MarketSession {
        client,
        logged_in: Arc::new(logged_in),
        token,
    })
}

/// Resumes the session of a kept token.
pub async fn resume(target: &Target, token: Token) -> Result<MarketSession, RequestError> {
    let client = target.connect().await.map_err(RequestError::NotConnected)?;
    let logged_in = client.resume(token.clone()).await?;
    Ok(MarketSession {
        client,
        logged_in: Arc::new(logged_in),
        token,
    })
}

/// The file that keeps the token of a session over restarts, readable by its owner only.
pub struct TokenFile(PathBuf);

impl TokenFile {
    pub fn of(folder: &Path, comp_id: &str) -> Self {
        Self(folder.join(format!("{comp_id}.token")))
    }

    pub fn read(&self) -> Option<Token> {
        let bytes = fs::read(&self.0).ok()?;
        Some(Token::new(bytes.try_into().ok()?))
    }

    pub fn write(&self, token: &Token) -> io::Result<()> {
        let new = self.0.with_extension("token.new");
        let _ = fs::remove_file(&new);
        let mut file = private(&new)?;
        file.write_all(token.reveal())?;
        file.sync_all()?;
        fs::rename(&new, &self.0)
    }
}

/// End of a request.
#[derive(Debug)]
pub enum End {
    Answered(Result<Answer, Failure>),
    /// The session of the market is gone. `may_be_done`: an earlier copy of the request may have been carried out.
    SessionLost {
        may_be_done: bool,
    },
}

/// Request in flight, of any kind.
enum Sent {
    Place(InFlight<PlaceOrder>),
    Replace(InFlight<ReplaceOrder>),
    PlaceDay(InFlight<PlaceDayOrder>),
    ReplaceDay(InFlight<ReplaceDayOrder>),
    Cancel(InFlight<CancelOrder>),
    Bid(InFlight<Bid>),
    Maximum(InFlight<BidMaximum>),
}

/// A request that was handed to the client.
pub struct Submitted {
    client: Client,
    intent: Intent,
    request: MarketRequest,
    sent: Result<Sent, RequestError>,
    /// True when the request may have been carried out before.
    is_repeated: bool,
}

#[derive(Clone, Debug)]
enum MarketRequest {
    Place(PlaceOrder),
    Replace(ReplaceOrder),
    PlaceDay(PlaceDayOrder),
    ReplaceDay(ReplaceDayOrder),
    Cancel(CancelOrder),
    Bid(Bid),
    Maximum(BidMaximum),
}

/// Hands a request to the client: requests reach the market in the order of these calls. `None`: its order is not known.
pub async fn submit(
    client: &Client,
    intent: &Intent,
    orders: &Orders,
    is_repeated: bool,
) -> Option<Submitted> {
    let request = market_request(intent, orders)?;
    let sent = request.send(client, intent.request).await;
    Some(Submitted {
        client: client.clone(),
        intent: intent.clone(),
        request,
        sent,
        is_repeated,
    })
}

impl Submitted {
    /// Waits for the end, and sends the request again under its number as often as needed.
    pub async fn end(mut self) -> (u64, End) {
        let number = self.intent.request;
        let mut may_be_done = self.is_repeated;
        loop {
            let answer = match self.sent {
                Ok(sent) => sent.answer().await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => return (number, End::Answered(Ok(answer))),
                Err(RequestError::Refused(refused)) => {
                    if is_session_lost(&refused) {
                        return (number, End::SessionLost { may_be_done });
                    }
                    if !(may_be_done && refused.code.fault() == Fault::Server) {
                        let failure = Failure::Refused(refused);
                        return (number, End::Answered(Err(failure)));
                    }
                }
                Err(RequestError::NotConnected(because)) if !may_be_done => {
                    let failure = Failure::NotSent(because.to_string());
                    return (number, End::Answered(Err(failure)));
                }
                Err(RequestError::NotConnected(_)) => {}
                Err(RequestError::OutcomeUnknown(_)) => may_be_done = true,
            }
            tokio::time::sleep(RETRY_AFTER).await;
            self.sent = self.request.send(&self.client, number).await;
        }
    }
}

fn is_session_lost(refused: &Refused) -> bool {
    matches!(
        refused.code,
        Code::NOT_LOGGED_IN | Code::SESSION_CLOSED | Code::SESSION_EXPIRED
    )
}

fn market_request(intent: &Intent, orders: &Orders) -> Option<MarketRequest> {
    Some(match &intent.action {
        Action::Place(content) => {
            let lot = content.lot;
            if let Some(day) = content.day {
                let order = DayOrder {
                    side: content.side,
                    quantity: content.quantity,
                    limit: content.price,
                    time_in_force: day.time_in_force,
                    post_only: day.post_only,
                    self_trade: day.self_trade,
                };
                return Some(MarketRequest::PlaceDay(PlaceDayOrder { lot, order }));
            }
            match (content.is_order, content.order_type, content.price) {
                (true, _, limit) => MarketRequest::Place(PlaceOrder {
                    lot,
                    side: content.side,
                    quantity: content.quantity,
                    limit,
                }),
                (false, OrderType::Pegged, Some(maximum)) => {
                    MarketRequest::Maximum(BidMaximum { lot, maximum })
                }
                (false, _, price) => MarketRequest::Bid(Bid { lot, price: price? }),
            }
        }
        Action::Replace { key, content } => {
            let lot = content.lot;
            let before = orders.order(*key)?;
            if content.day.is_some() {
                // The new quantity is that of the whole order. If more trades meanwhile, the market refuses.
                let open = content.quantity.get().checked_sub(before.filled)?;
                return Some(MarketRequest::ReplaceDay(ReplaceDayOrder {
                    lot,
                    order: before.place?,
                    quantity: Quantity::new(open)?,
                    limit: content.price,
                    believed: Quantity::new(before.leaves()),
                }));
            }
            match before.place {
                Some(order) => MarketRequest::Replace(ReplaceOrder {
                    lot,
                    order,
                    quantity: content.quantity,
                    limit: content.price,
                }),
                None => MarketRequest::Maximum(BidMaximum {
                    lot,
                    maximum: content.price?,
                }),
            }
        }
        Action::Cancel { key } => {
            let order = orders.order(*key)?;
            MarketRequest::Cancel(CancelOrder {
                lot: order.content.lot,
                order: order.place?,
            })
        }
    })
}

impl MarketRequest {
    async fn send(&self, client: &Client, number: u64) -> Result<Sent, RequestError> {
        let id = RequestId(number);
        Ok(match self.clone() {
            Self::Place(request) => Sent::Place(client.submit_as(id, request).await?),
            Self::Replace(request) => Sent::Replace(client.submit_as(id, request).await?),
            Self::PlaceDay(request) => Sent::PlaceDay(client.submit_as(id, request).await?),
            Self::ReplaceDay(request) => Sent::ReplaceDay(client.submit_as(id, request).await?),
            Self::Cancel(request) => Sent::Cancel(client.submit_as(id, request).await?),
            Self::Bid(request) => Sent::Bid(client.submit_as(id, request).await?),
            Self::Maximum(request) => Sent::Maximum(client.submit_as(id, request).await?),
        })
    }
}

impl Sent {
    async fn answer(self) -> Result<Answer, RequestError> {
        let placed = |order: OrderId| Answer::Placed(order);
        let day = |reply: DayReply| Answer::Day(reply);
        let bid = |placed: BidPlaced| Answer::Bid(placed.bid);
        match self {
            Self::Place(sent) => sent.await.map(placed),
            Self::Replace(sent) => sent.await.map(|_| Answer::Done),
            Self::PlaceDay(sent) => sent.await.map(day),
            Self::ReplaceDay(sent) => sent.await.map(day),
            Self::Cancel(sent) => sent.await.map(|_| Answer::Done),
            Self::Bid(sent) => sent.await.map(bid),
            Self::Maximum(sent) => sent.await.map(bid),
        }
    }
}
