//! Devices, and the envelopes of any: also of those whose user the connection knows nothing of.

use auction_core::RequestId;
use auction_proto::{Code, Devices, Envelope, List, ListedDevice};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use crate::gateway::session::relayed::RelayError;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn list_devices(&mut self, request: RequestId) {
        let Some(active_session) = self.active_session(request) else {
            return;
        };
        let own = self.services.credentials.devices_of(active_session.user);
        let listed = own.iter().map(|device| ListedDevice {
            device: device.session,
            label: device.label,
            key: device.key,
            added_at: device.added_at,
        });
        let devices = List::new(listed.collect()).expect("a user has no more devices than listed");
        self.reply_own(request, &active_session, &Devices { devices });
    }

    pub(super) fn sealing_key(&mut self, request: RequestId) {
        let key = self.services.envelopes.sealing_key().clone();
        self.reply(request, &key);
    }

    pub(super) async fn envelope(&mut self, request: RequestId, envelope: &Envelope) {
        if let Err(wait) = self.login.client_address.try_envelope() {
            return self.refuse_for_now(request, "envelopes come from this address", wait);
        }
        match self.services.envelopes.answer(envelope).await {
            Ok(answer) => self.reply(request, &*answer),
            Err(RelayError::SlowDown(wait)) => {
                self.refuse_for_now(request, "envelopes come from everywhere", wait);
            }
            Err(RelayError::Submit(why)) => self.refuse_unsubmitted(request, why),
            Err(RelayError::Unreadable) => {
                let text = "the envelope does not open: it was sealed to another key or for another market, or \
                            changed on the way";
                self.refuse(request, Code::ENVELOPE_UNREADABLE, text);
            }
        }
    }
}
