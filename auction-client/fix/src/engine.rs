//! The boundary to the engine of the FIX session layer (`ironfix-engine`): listener, logons, and the stores of sessions.
//!
//! The engine frames, checks, numbers, resends and keeps alive; nothing else of this crate knows it but the type of a
//! connection. Its stores keep the sequence numbers, and each message that was sent, over restarts.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auction_client::{RequestError, Secret};
use ironfix_core::error::StoreError;
use ironfix_core::message::{MsgType, RawMessage};
use ironfix_core::types::CompId;
use ironfix_engine::{
    Acceptor, AcceptorRegistry, Application, OutboundMessage, RejectReason, SendVerdict,
    SessionConfig as EngineConfig, SessionId,
};
use ironfix_store::{FileStore, FileStoreConfig, MessageStore, StoredMessage, SyncPolicy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_rustls::rustls::ServerConfig;

use crate::account::{self, Target};
use crate::config::SessionConfig;
use crate::limits::{
    LOGON_TIMEOUT, LOGONS_PENDING_MAX, LOGOUT_TIMEOUT, MARKET_WAIT, MESSAGE_BYTES_MAX,
};
use crate::reader::{self, Fault};
use crate::request;
use crate::session::{Input, SessionHandle};

/// Our `SenderCompID` (49).
pub const COMP_ID: &str = "AUCTION";
/// Kinds of messages that carry market data: a resend fills their numbers, because their prices are old.
const DATA: &[&str] = &["W", "X", "f", "h", "y"];

/// Callbacks of the engine, for all sessions.
pub struct Gateway {
    sessions: BTreeMap<String, SessionHandle>,
    target: Target,
}

/// The listener's side of the gateway.
pub struct Engine {
    registry: Arc<AcceptorRegistry<Gateway>>,
    gateway: Arc<Gateway>,
    pending: Arc<Semaphore>,
    tls: Option<Arc<ServerConfig>>,
    /// Becomes true when the gateway ends; each connection holds a receiver until it is closed.
    ends: watch::Sender<bool>,
}

impl Engine {
    /// Opens the stores of all sessions.
    pub async fn open(
        folder: &Path,
        sessions: BTreeMap<String, SessionHandle>,
        target: Target,
        sync: SyncPolicy,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self, String> {
        let gateway = Arc::new(Gateway { sessions, target });
        let registry = AcceptorRegistry::new()
            .with_logon_timeout(LOGON_TIMEOUT)
            .with_tls_handshake_timeout(LOGON_TIMEOUT)
            .with_max_message_size(MESSAGE_BYTES_MAX);
        for (comp_id, session) in &gateway.sessions {
            let name = |error: &dyn std::fmt::Display| format!("session {comp_id}: {error}");
            let config = engine_config(&session.config).map_err(|error| name(&error))?;
            let store = FileStoreConfig::try_new(folder.join("sequences"), comp_id.as_str())
                .map_err(|error| name(&error))?;
            let store = store.with_create_if_missing(true).with_sync_policy(sync);
            let store = FileStore::open(store).await.map_err(|error| name(&error))?;
            let acceptor =
                Acceptor::new(config, gateway.clone()).with_store(Arc::new(Rewound(store)));
            registry.register(acceptor).map_err(|error| name(&error))?;
        }
        Ok(Self {
            registry: Arc::new(registry),
            gateway,
            pending: Arc::new(Semaphore::new(LOGONS_PENDING_MAX)),
            tls,
            ends: watch::Sender::new(false),
        })
    }

    /// Accepts connections for ever.
    pub async fn serve(&self, listener: TcpListener) -> io::Error {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let Ok(place) = self.pending.clone().try_acquire_owned() else {
                        tracing::warn!(%peer, "too many connections without a logon: closed");
                        continue;
                    };
                    let (registry, gateway, tls) = (
                        self.registry.clone(),
                        self.gateway.clone(),
                        self.tls.clone(),
                    );
                    let mut ends = self.ends.subscribe();
                    tokio::spawn(async move {
                        let served = accept(&registry, stream, tls).await;
                        drop(place);
                        match served {
                            Ok(connection) => {
                                let comp_id =
                                    connection.session_id().target_comp_id.as_str().to_owned();
                                tracing::info!(session = comp_id, %peer, "logged on");
                                if let Some(session) = gateway.sessions.get(&comp_id) {
                                    let _ = session
                                        .input
                                        .send(Input::Connected(connection.clone()))
                                        .await;
                                }
                                tokio::select! {
                                    () = connection.wait_closed() => {}
                                    () = until_the_end(&mut ends) => {
                                        // It may be closed already.
                                        let _ = connection.logout_with_text("the gateway ends; try again later").await;
                                        connection.wait_closed().await;
                                    }
                                }
                                tracing::info!(session = comp_id, because = ?connection.close_reason(), "logged out");
                            }
                            Err(error) => tracing::warn!(%peer, %error, "no logon"),
                        }
                    });
                }
                // Out of descriptors, for example: those in use become free.
                Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return error,
            }
        }
    }

    /// Logs all clients out, and waits until their connections are closed.
    pub async fn log_out(&self) {
        self.ends.send_replace(true);
        let closed = tokio::time::timeout(LOGOUT_TIMEOUT, self.ends.closed()).await;
        if closed.is_err() {
            tracing::warn!("some clients did not log out in time");
        }
    }
}

async fn until_the_end(ends: &mut watch::Receiver<bool>) {
    // Ignore errors: without an engine this is the end as well.
    let _ = ends.wait_for(|ends| *ends).await;
}

async fn accept(
    registry: &AcceptorRegistry<Gateway>,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
) -> Result<ironfix_engine::Connection, ironfix_engine::EngineError> {
    match tls {
        Some(tls) => registry.serve_tls(stream, tls).await,
        None => registry.serve(stream).await,
    }
}

fn engine_config(session: &SessionConfig) -> Result<EngineConfig, String> {
    let ours = CompId::new(COMP_ID).map_err(|error| error.to_string())?;
    let theirs = CompId::new(&session.comp_id).map_err(|error| error.to_string())?;
    let mut config = EngineConfig::new(ours, theirs, session.version.name());
    config.max_message_size = MESSAGE_BYTES_MAX;
    config.logon_timeout = LOGON_TIMEOUT;
    config.validate().map_err(|error| error.to_string())?;
    Ok(config)
}

impl Gateway {
    fn session(&self, id: &SessionId) -> Result<&SessionHandle, RejectReason> {
        let session = self.sessions.get(id.target_comp_id.as_str());
        session.ok_or_else(|| RejectReason::new(Fault::OTHER, "no such session"))
    }

    /// Checks the password of a logon at the market.
    async fn authenticate(
        &self,
        session: &SessionHandle,
        message: &RawMessage<'_>,
    ) -> Result<(), String> {
        let config = &session.config;
        let Some(password) = message.get_field_str(554) else {
            return Err("the logon has no password (554)".to_owned());
        };
        if let Some(user) = message.get_field_str(553)
            && !user.eq_ignore_ascii_case(config.user.as_str())
        {
            return Err("the logon names another user (553)".to_owned());
        }
        let password =
            Secret::new(password.to_owned()).map_err(|error| format!("the password {error}"))?;
        if let Some(configured) = &config.password {
            // `Secret` compares in constant time.
            return match *configured == password {
                true => Ok(()),
                false => Err("the password (554) is wrong".to_owned()),
            };
        }
        match account::log_in(&self.target, config.user, password).await {
            Ok(market) => {
                let _ = session.input.send(Input::LoggedIn(market)).await;
                Ok(())
            }
            Err(RequestError::Refused(refused)) => Err(refused.message.to_string()),
            Err(error) => Err(format!("the password cannot be checked: {error}")),
        }
    }
}

#[async_trait]
impl Application for Gateway {
    async fn on_create(&self, _: &SessionId) {}

    async fn on_logon(&self, _: &SessionId) {}

    async fn on_logout(&self, _: &SessionId) {}

    async fn to_admin(&self, _: &mut OutboundMessage, _: &SessionId) {}

    async fn to_app(&self, _: &mut OutboundMessage, _: &SessionId) {}

    fn to_app_checked<'a>(
        &'a self,
        _: &'a mut OutboundMessage,
        _: &'a SessionId,
    ) -> SendVerdict<'a> {
        SendVerdict::ready(Ok(()))
    }

    fn to_app_resend<'a>(
        &'a self,
        message: &'a RawMessage<'_>,
        _: &'a SessionId,
    ) -> SendVerdict<'a> {
        let is_old = DATA.contains(&message.msg_type().as_str());
        SendVerdict::ready(match is_old {
            true => Err(RejectReason::new(0, "old market data")),
            false => Ok(()),
        })
    }

    async fn from_admin(
        &self,
        message: &RawMessage<'_>,
        id: &SessionId,
    ) -> Result<(), RejectReason> {
        if *message.msg_type() != MsgType::Logon {
            return Ok(());
        }
        let session = self.session(id)?;
        let authenticated = self.authenticate(session, message).await;
        if authenticated.is_ok() {
            let (ready, is_ready) = oneshot::channel();
            let _ = session.input.send(Input::Ready(ready)).await;
            // Without the market the client can still read what it missed; its orders are refused.
            let _ = tokio::time::timeout(MARKET_WAIT, is_ready).await;
        }
        authenticated.map_err(|because| {
            tracing::warn!(
                session = session.config.comp_id,
                because,
                "a logon was refused"
            );
            RejectReason::new(Fault::OTHER, because)
        })
    }

    async fn from_app(&self, message: &RawMessage<'_>, id: &SessionId) -> Result<(), RejectReason> {
        let session = self.session(id)?;
        let fields: Vec<_> = message
            .fields()
            .map(|field| (field.tag, field.value))
            .collect();
        let kind = message.msg_type().as_str().to_owned();
        let read = reader::read(&kind, session.config.version, &fields).map_err(reject)?;
        let Some(read) = read else {
            let number = message.get_field_as(34).unwrap_or(0);
            let _ = session.input.send(Input::NotOffered(kind, number)).await;
            return Ok(());
        };
        let request = request::typed(&read).map_err(reject)?;
        let (done, taken) = oneshot::channel();
        // The message counts as received only once the session has kept what must survive: see `Rewound`.
        if session
            .input
            .send(Input::Request(request, done))
            .await
            .is_ok()
        {
            let _ = taken.await;
        }
        Ok(())
    }
}

fn reject(fault: Fault) -> RejectReason {
    let reason = RejectReason::new(fault.reason, fault.text);
    match fault.tag {
        Some(tag) => reason.with_ref_tag(tag),
        None => reason,
    }
}

/// A file store whose next expected number goes back to the last message that was processed: a message that a crash
/// interrupted is asked for again. Its request has a kept number, so that it is not carried out twice.
struct Rewound(FileStore);

#[async_trait]
impl MessageStore for Rewound {
    async fn store(&self, number: u64, kind: &MsgType, message: &[u8]) -> Result<(), StoreError> {
        self.0.store(number, kind, message).await
    }

    async fn get_range(&self, begin: u64, end: u64) -> Result<Vec<StoredMessage>, StoreError> {
        self.0.get_range(begin, end).await
    }

    async fn get_page(
        &self,
        begin: u64,
        end: u64,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        self.0.get_page(begin, end, limit).await
    }

    async fn file_outbound(
        &self,
        number: u64,
        kind: &MsgType,
        message: &[u8],
        next: u64,
    ) -> Result<(), StoreError> {
        self.0.file_outbound(number, kind, message, next).await
    }

    fn next_sender_seq(&self) -> u64 {
        self.0.next_sender_seq()
    }

    fn next_target_seq(&self) -> u64 {
        let (accepted, processed) = (self.0.next_target_seq(), self.0.app_watermark());
        match processed {
            0 => accepted,
            processed => accepted.min(processed + 1),
        }
    }

    async fn set_next_sender_seq(&self, number: u64) -> Result<(), StoreError> {
        self.0.set_next_sender_seq(number).await
    }

    async fn set_next_target_seq(&self, number: u64) -> Result<(), StoreError> {
        self.0.set_next_target_seq(number).await
    }

    async fn reset(&self) -> Result<(), StoreError> {
        self.0.reset().await
    }

    async fn reset_to(&self, next_sender: u64, next_target: u64) -> Result<(), StoreError> {
        self.0.reset_to(next_sender, next_target).await
    }

    fn reset_owed(&self) -> bool {
        self.0.reset_owed()
    }

    async fn set_reset_owed(&self, owed: bool) -> Result<(), StoreError> {
        self.0.set_reset_owed(owed).await
    }

    fn app_watermark(&self) -> u64 {
        self.0.app_watermark()
    }

    async fn set_app_watermark(&self, watermark: u64) -> Result<(), StoreError> {
        self.0.set_app_watermark(watermark).await
    }

    fn creation_time(&self) -> std::time::SystemTime {
        self.0.creation_time()
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        self.0.refresh().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_was_not_processed_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let config = FileStoreConfig::try_new(folder.path(), "MIA").unwrap();
        let store = FileStore::open(config.with_create_if_missing(true)).await;
        let store = Rewound(store.unwrap());
        assert_eq!(store.next_target_seq(), 1);
        store.set_next_target_seq(9).await.unwrap();
        assert_eq!(
            store.next_target_seq(),
            9,
            "nothing is known of what was processed"
        );
        store.set_app_watermark(6).await.unwrap();
        assert_eq!(store.next_target_seq(), 7);
        store.set_app_watermark(8).await.unwrap();
        assert_eq!(store.next_target_seq(), 9);
        store.reset().await.unwrap();
        assert_eq!(store.next_target_seq(), 1);
    }
}
