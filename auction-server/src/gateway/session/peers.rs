//! Peers who offer themselves, and who ask for them.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use auction_core::RequestId;
use auction_proto::{Code, List, PeerOffered, Peers};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use crate::gateway::session::peer_directory::{OFFER_LIFETIME, OfferError};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn offer_peer(&mut self, request: RequestId, path: &str) {
        let from = self.comes_from();
        match self.services.peers.offer(Instant::now(), from, path) {
            Ok(line_wanted) => {
                let lasts_ms = u32::try_from(OFFER_LIFETIME.as_millis()).expect("it is short");
                let offered = PeerOffered {
                    lasts_ms,
                    line_wanted,
                };
                self.reply(request, &offered);
            }
            Err(why) => {
                let code = match why {
                    OfferError::Path => Code::MALFORMED,
                    OfferError::Full | OfferError::FullThere => Code::BUSY,
                };
                self.refuse(request, code, &why.to_string());
            }
        }
    }

    pub(super) fn get_peers(&mut self, request: RequestId) {
        let some = self.services.peers.some(Instant::now(), self.comes_from());
        let addresses = List::new(some).expect("they are few");
        self.reply(request, &Peers { addresses });
    }

    /// Who comes from no address is of this machine.
    fn comes_from(&self) -> IpAddr {
        let address = self.login.client_address.address();
        address.unwrap_or(Ipv4Addr::LOCALHOST.into())
    }
}
