//! The shell around the screen's state: waits for keys, updates, answers and time, and carries out the effects.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auction_client::{
    AccountUpdate, AccountWatch, CancelLot, CloseLot, Code, Fault, GetLeastWinning, GetTrades,
    HaltLot, LoggedIn, RequestError, ResumeLot, Watch,
};
use auction_core::Name;
use auction_proto::limits::HISTORY_BIDS_MAX;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::connecting::{self, Connecting};
use super::draw::{draw, lot_rows};
use super::model::Model;
use super::terminal::{Screen, keys};
use super::update::update;
use crate::args::Cli;
use crate::commands::bid::Offer;
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::output::theme::Theme;
use crate::screen::bid_history::BIDS_KEPT;
use crate::screen::day::TRADES_KEPT;
use crate::screen::events::{Effect, Identity, Input, Manage, Request, RequestKind, Response};
use crate::session::Context;
use crate::session::login::LoginError;

/// Minimum time between two frames: about 30 per second.
const FRAME_EVERY: Duration = Duration::from_millis(33);
/// Interval of checks for changes by time alone.
const TICK_EVERY: Duration = Duration::from_millis(100);
/// Maximum number of open requests; a further one waits.
const ASKED_MAX: usize = 32;
/// Maximum number of updates processed in a row before answers.
const NEWS_IN_A_ROW: usize = 64;
/// Number of entries of the user's activity requested at a time.
const ACTIVITY_PAGE: u32 = 1_024;
/// Wait before repeating the request when the server cannot answer it now.
const ACTIVITY_PAUSE: Duration = Duration::from_secs(1);

type Answered = (RequestKind, Result<Response, RequestError>);

/// Opens the screen, and stays until the user quits.
pub async fn run(cli: &Cli) -> Result<(), Failure> {
    let mut opened = open(cli).await;
    if let Err(failure) = &opened
        && !failure.may_pass()
    {
        return opened.map(drop);
    }
    let theme = Theme::from_env(cli.theme);
    let mut keys = keys()?;
    let mut screen = Screen::begin()?;
    if let Err(failure) = opened {
        opened = match wait_for_server(cli, &mut screen, &mut keys, &failure).await? {
            Some(opened) => Ok(opened),
            None => return Ok(()),
        };
    }
    let Opened { context, watch, me } = opened?;
    let size = screen.terminal.size()?;
    let size = (size.width, size.height);
    let server = context.server.to_string();
    let model = Model::new(server, watch.market().id(), size);
    let (answer, answers) = mpsc::channel(ASKED_MAX);
    let (own, owned) = mpsc::channel(NEWS_IN_A_ROW);
    let mut app = App {
        cli,
        context: Arc::new(context),
        watch,
        model,
        theme,
        answer,
        own,
        followed: None,
    };
    app.take(&mut screen, Input::Identity(me));
    app.stay(&mut screen, keys, answers, owned).await
}

/// An attempt to connect.
type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Opened, Failure>> + 'a>>;

/// A connected market, with its feed.
struct Opened {
    context: Context,
    watch: Watch,
    me: Option<Identity>,
}

async fn open(cli: &Cli) -> Result<Opened, Failure> {
    let context = Context::connect(&cli.shared).await?;
    let watch = context.client.watch().await?;
    let me = identity(&context).await?;
    Ok(Opened { context, watch, me })
}

/// Shows the error and retries until there is a connection; `None`: the user quit.
async fn wait_for_server(
    cli: &Cli,
    screen: &mut Screen,
    keys: &mut mpsc::Receiver<io::Result<Input>>,
    failure: &Failure,
) -> Result<Option<Opened>, Failure> {
    let start = Instant::now();
    let server = cli.shared.server.to_string();
    let mut state = Connecting::new(server, start.elapsed(), failure.message().to_owned());
    let mut signals = Signals::new()?;
    let mut ticks = interval(TICK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut attempt: Option<Attempt<'_>> = None;
    loop {
        if state.dirty {
            let now = start.elapsed();
            screen.terminal.draw(|frame| state.draw(frame, now))?;
        }
        let event = tokio::select! {
            biased;
            () = signals.received() => return Ok(None),
            key = keys.recv() => match key.transpose()? {
                Some(Input::Key(key)) => connecting::Event::Key(key),
                Some(_) => connecting::Event::Resized,
                None => return Ok(None),
            },
            opened = finished(&mut attempt) => {
                attempt = None;
                match opened {
                    Ok(opened) => return Ok(Some(opened)),
                    Err(failure) if failure.may_pass() => {
                        connecting::Event::Failed(failure.message().to_owned())
                    }
                    Err(failure) => return Err(failure),
                }
            }
            _ = ticks.tick() => connecting::Event::Tick,
        };
        match state.update(start.elapsed(), event) {
            Some(connecting::Effect::Connect) => attempt = Some(Box::pin(open(cli))),
            Some(connecting::Effect::Leave) => return Ok(None),
            None => {}
        }
    }
}

/// Waits for the attempt; for ever, if none is running.
async fn finished<F: Future + Unpin>(attempt: &mut Option<F>) -> F::Output {
    match attempt {
        Some(attempt) => attempt.await,
        None => std::future::pending().await,
    }
}

/// Returns the remembered user, if their session is still open.
async fn identity(context: &Context) -> Result<Option<Identity>, Failure> {
    match context.resume().await {
        Ok(logged_in) => Ok(Some(Identity::of(&logged_in))),
        Err(failure) if failure.asks_for_login() => Ok(None),
        Err(failure) => Err(failure),
    }
}

struct App<'a> {
    cli: &'a Cli,
    context: Arc<Context>,
    watch: Watch,
    model: Model,
    theme: Theme,
    answer: mpsc::Sender<Answered>,
    own: mpsc::Sender<(Name, Input)>,
    /// The user whose account is followed, and the task that follows it.
    followed: Option<(Name, JoinHandle<()>)>,
}

/// Decision after an input.
#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    Leave,
    /// Another market is at the address now.
    Reconnect,
}

impl App<'_> {
    async fn stay(
        &mut self,
        screen: &mut Screen,
        mut keys: mpsc::Receiver<io::Result<Input>>,
        mut answers: mpsc::Receiver<Answered>,
        mut owned: mpsc::Receiver<(Name, Input)>,
    ) -> Result<(), Failure> {
        let mut signals = Signals::new()?;
        let mut ticks = interval(TICK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut draw_at = Instant::now();
        let mut news = 0;
        loop {
            let dirty = self.model.dirty;
            let input = tokio::select! {
                biased;
                () = signals.received() => return Ok(()),
                () = sleep_until(draw_at), if dirty => {
                    self.draw(screen)?;
                    draw_at = Instant::now() + FRAME_EVERY;
                    continue;
                }
                key = keys.recv() => match key {
                    Some(key) => key?,
                    // No more keys can come.
                    None => return Ok(()),
                },
                Some((asked, answer)) = answers.recv() => Input::Answer(asked, answer),
                Some((name, own)) = owned.recv() => {
                    if Some(name) != self.model.own() {
                        // Ignore updates of the previous user's account.
                        continue;
                    }
                    own
                }
                _ = ticks.tick() => Input::Tick(self.watch.clock().round_trip()),
                update = self.watch.next() => {
                    news += 1;
                    Input::Feed(update)
                }
            };
            match self.take(screen, input) {
                Flow::Continue => {}
                Flow::Leave => return Ok(()),
                Flow::Reconnect => self.reconnect(screen).await?,
            }
            if news >= NEWS_IN_A_ROW {
                news = 0;
                // Let the tasks that deliver answers run.
                tokio::task::yield_now().await;
            }
        }
    }

    fn take(&mut self, screen: &mut Screen, input: Input) -> Flow {
        let view = view_of(&self.watch, &self.model);
        let mut stays = Flow::Continue;
        let effects = update(&mut self.model, view, input);
        self.follow();
        for effect in effects {
            match effect {
                Effect::Send(ask) => self.ask(ask),
                Effect::Ring => screen.ring(),
                Effect::Reconnect => stays = Flow::Reconnect,
                Effect::Leave => return Flow::Leave,
            }
        }
        stays
    }

    fn draw(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        self.model.dirty = false;
        let size = screen.terminal.size()?;
        let area = Rect::new(0, 0, size.width, size.height);
        let view = view_of(&self.watch, &self.model);
        let rows = lot_rows(area, &self.model, view);
        self.take(screen, Input::Frame { rows });
        let (model, theme) = (&self.model, &self.theme);
        let view = view_of(&self.watch, model);
        screen
            .terminal
            .draw(|frame| draw(frame, model, view, theme))?;
        Ok(())
    }

    /// Follows the account of the logged-in user.
    fn follow(&mut self) {
        let own = self.model.own();
        if self.followed.as_ref().map(|(name, _)| *name) == own {
            return;
        }
        if let Some((_, before)) = self.followed.take() {
            before.abort();
        }
        if let Some(name) = own {
            let followed = follow(self.context.clone(), name, self.own.clone());
            self.followed = Some((name, tokio::spawn(followed)));
        }
    }

    /// Sends a request in its own task.
    fn ask(&self, ask: Request) {
        let (context, answer) = (self.context.clone(), self.answer.clone());
        tokio::spawn(async move {
            let asked = ask.asked();
            let result = answer_to(&context, ask).await;
            // Ignore send errors: the screen may be closed.
            let _ = answer.send((asked, result)).await;
        });
    }

    /// Connects again after another market appeared at the address: the old state is useless.
    async fn reconnect(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let context = Context::connect(&self.cli.shared).await?;
        let me = identity(&context).await?;
        if let Some((_, before)) = self.followed.take() {
            before.abort();
        }
        self.context = Arc::new(context);
        self.take(screen, Input::Identity(me));
        Ok(())
    }
}

fn view_of<'a>(watch: &'a Watch, model: &Model) -> View<'a> {
    View {
        market: watch.market(),
        own: model.own(),
        now: watch.clock().now(),
    }
}

/// Forwards the updates of the account of the remembered session, until it ends.
async fn follow(context: Arc<Context>, name: Name, own: mpsc::Sender<(Name, Input)>) {
    let Some(stored) = context.stored() else {
        return;
    };
    // Without the account's feed, only orders placed here are known.
    let Ok(mut watch) = context.client.watch_account(stored.token).await else {
        return;
    };
    // Dropping it ends its task.
    let mut loading = JoinSet::new();
    let stands = |watch: &AccountWatch| {
        let standing = watch.state();
        Input::AccountState(
            standing.orders.clone(),
            standing.leads.clone(),
            standing.day_orders.clone(),
        )
    };
    let mut news = stands(&watch);
    loop {
        let is_state = matches!(news, Input::AccountState(..));
        if own.send((name, news)).await.is_err() {
            return;
        }
        // After the state, which makes the loaded activity outdated.
        if is_state {
            loading.abort_all();
            loading.spawn(load_activity(context.clone(), name, own.clone()));
        }
        news = loop {
            match watch.next().await {
                AccountUpdate::Event { at, event } => break Input::Account(at, event),
                AccountUpdate::Snapshot => break stands(&watch),
                AccountUpdate::Reconnecting { .. } => {}
                AccountUpdate::Ended(_) => return,
            }
        };
    }
}

/// Loads the user's earlier activity, page by page, the newest first.
async fn load_activity(context: Arc<Context>, name: Name, own: mpsc::Sender<(Name, Input)>) {
    let mut before = None;
    loop {
        let page = match context.client.activity(before.clone(), ACTIVITY_PAGE).await {
            Ok(page) => page,
            // The server cannot answer now, or the connection is temporarily lost: ask again.
            Err(error) if is_for_now(&error) => {
                sleep(ACTIVITY_PAUSE).await;
                continue;
            }
            Err(error) => {
                // The next request reports a session that has ended.
                if error
                    .refused()
                    .is_some_and(|refused| refused.code == Code::UNKNOWN_KIND)
                {
                    let _ = own.send((name, Input::NoActivity)).await;
                }
                return;
            }
        };
        let input = Input::Activity(page.entries.into_vec(), page.next.is_none());
        before = page.next;
        if own.send((name, input)).await.is_err() || before.is_none() {
            return;
        }
    }
}

fn is_for_now(error: &RequestError) -> bool {
    match error.refused() {
        Some(refused) => refused.code.fault() == Fault::Server,
        None => true,
    }
}

async fn answer_to(context: &Context, ask: Request) -> Result<Response, RequestError> {
    let client = &context.client;
    match ask {
        Request::Bid(lot, Offer::Plain(price)) => Ok(Response::Bid(client.bid(lot, price).await?)),
        Request::Bid(lot, Offer::Maximum(maximum)) => {
            Ok(Response::Bid(client.bid_maximum(lot, maximum).await?))
        }
        Request::Place(order) => Ok(Response::Placed(client.ask(order).await?)),
        Request::Replace(order) => client.ask(order).await.map(|_| Response::Done),
        Request::Cancel(order) => client.ask(order).await.map(|_| Response::Done),
        Request::PlaceDay(order) => Ok(Response::DayOrder(client.ask(order).await?)),
        Request::ReplaceDay(order) => Ok(Response::DayOrder(client.ask(order).await?)),
        Request::CancelAll(lot) => Ok(Response::AllCancelled(client.cancel_all(Some(lot)).await?)),
        Request::Profit(profit) => client.ask(profit).await.map(|_| Response::Done),
        Request::Manage(lot, deed) => {
            match deed {
                Manage::Halt => client.ask(HaltLot { lot }).await?,
                Manage::Resume => client.ask(ResumeLot { lot }).await?,
                Manage::Close => client.ask(CloseLot { lot }).await?,
                Manage::Cancel => client.ask(CancelLot { lot }).await?,
            };
            Ok(Response::Done)
        }
        Request::Register(name, password) => {
            entered(context.register_and_log_in(name, password).await)
        }
        Request::LogIn(name, password) => entered(context.log_in(name, password).await),
        Request::LogOut => {
            client.logout().await?;
            // Ignore errors: the session is closed, so its file is useless.
            let _ = context.forget();
            Ok(Response::Done)
        }
        Request::History(lot) => {
            let limit = u32::try_from(BIDS_KEPT.min(HISTORY_BIDS_MAX)).unwrap_or(u32::MAX);
            Ok(Response::History(Box::new(
                client.history(lot, limit).await?,
            )))
        }
        Request::Trades(lot, after) => {
            let limit = u32::try_from(TRADES_KEPT).unwrap_or(u32::MAX);
            let trades = client
                .trades(GetTrades {
                    lot,
                    after,
                    since: None,
                    until: None,
                    limit,
                })
                .await?;
            Ok(Response::Trades(Box::new(trades)))
        }
        Request::LeastWinning(lot) => Ok(Response::LeastWinning(
            client.ask(GetLeastWinning { lot }).await?,
        )),
    }
}

fn entered(entered: Result<LoggedIn, LoginError>) -> Result<Response, RequestError> {
    match entered {
        Ok(logged_in) => Ok(Response::LoggedIn(Identity::of(&logged_in))),
        Err(LoginError::Request(error)) => Err(error),
        Err(LoginError::NotStored(failure)) => {
            Ok(Response::NotRemembered(failure.message().to_owned()))
        }
    }
}

/// Signals that end the program, after the terminal was restored.
struct Signals {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ];
        let [terminate, interrupt, hangup] = kinds;
        Ok(Self {
            signals: [signal(terminate)?, signal(interrupt)?, signal(hangup)?],
        })
    }

    #[cfg(unix)]
    async fn received(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn received(&mut self) {
        // Ctrl-C is an ordinary key here.
        std::future::pending().await
    }
}
