//! Relaying for other peers: sealed requests and their responses.

use libp2p::PeerId;
use libp2p::request_response::{self, ResponseChannel};

use super::super::relay::{RelayRequest, RelayResponse};
use super::Node;

impl Node {
    pub(super) fn relayed(&mut self, event: request_response::Event<Vec<u8>, Vec<u8>>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request {
                    request, channel, ..
                } => self.relay(peer, &request, channel),
                request_response::Message::Response {
                    request_id,
                    response,
                } => {
                    let handed = self.handed.remove(&request_id);
                    if let (Some(waits), Some(response)) =
                        (handed, RelayResponse::decode(&response))
                    {
                        // Ignore send errors: the requester may be gone.
                        let _ = waits.send(response);
                    }
                }
            },
            // Dropping the sender informs the requester.
            request_response::Event::OutboundFailure { request_id, .. } => {
                self.handed.remove(&request_id);
            }
            _ => {}
        }
    }

    pub(super) fn relay(
        &mut self,
        from: PeerId,
        request: &[u8],
        channel: ResponseChannel<Vec<u8>>,
    ) {
        // An invalid request gets no answer: the other's stream ends.
        let Some(request) = RelayRequest::decode(request) else {
            return;
        };
        match self.relay.take(self.start.elapsed(), from, request) {
            Ok(delivered) => {
                self.carried.spawn(async move {
                    let response = delivered.await.ok()?;
                    Some((channel, response))
                });
            }
            Err(at_once) => self.deliver(channel, at_once),
        }
    }

    pub(super) fn deliver(&mut self, channel: ResponseChannel<Vec<u8>>, response: RelayResponse) {
        let relaying = &mut self.swarm.behaviour_mut().relay;
        // Ignore send errors: the requester may be gone.
        let _ = relaying.send_response(channel, response.encode());
    }
}
