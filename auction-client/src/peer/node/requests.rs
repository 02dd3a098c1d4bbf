//! Requests to other peers and from them.

use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::super::limits::PEERS_WANTED;
use super::Node;
use crate::peer::message::{MessageError, PeerRequest, PeerResponse};
use crate::peer::node::address_book::Source;
use crate::peer::node::network::is_loopback;
use crate::peer::view::events::{Action, Input};

impl Node {
    pub(super) fn ask(&mut self, event: request_response::Event<Vec<u8>, Vec<u8>>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request {
                    request, channel, ..
                } => self.answer(peer, &request, channel),
                request_response::Message::Response {
                    request_id,
                    response,
                } => self.answered(request_id, Some(PeerResponse::decode(&response))),
            },
            request_response::Event::OutboundFailure { request_id, .. } => {
                self.answered(request_id, None);
            }
            _ => {}
        }
    }

    pub(super) fn answer(
        &mut self,
        from: PeerId,
        request: &[u8],
        channel: ResponseChannel<Vec<u8>>,
    ) {
        // An unreadable request gets no answer: the other's stream ends.
        let Ok((market, ask)) = PeerRequest::decode(request) else {
            return;
        };
        if ask == PeerRequest::Peers {
            let answer = match self.view.may_ask(self.start.elapsed(), from) {
                true => PeerResponse::Peers(self.addresses.introduce(from, &self.following)),
                false => PeerResponse::Busy,
            };
            // Ignore send errors: the requester may be gone.
            let asking = &mut self.swarm.behaviour_mut().ask;
            let _ = asking.send_response(channel, answer.encode());
            return;
        }
        let input = Input::Request { from, market, ask };
        let mut channel = Some(channel);
        for action in self.view.update(self.start.elapsed(), input) {
            match (action, channel.take()) {
                (Action::Respond(answer), Some(channel)) => {
                    let asking = &mut self.swarm.behaviour_mut().ask;
                    // Ignore send errors: the requester may be gone.
                    let _ = asking.send_response(channel, answer.encode());
                }
                (action, kept) => {
                    channel = kept;
                    self.perform(action);
                }
            }
        }
    }

    pub(super) fn answered(
        &mut self,
        number: OutboundRequestId,
        answer: Option<Result<PeerResponse, MessageError>>,
    ) {
        match (self.asked.remove(&number), answer) {
            (Some((_, PeerRequest::Peers)), Some(Ok(PeerResponse::Peers(addresses)))) => {
                let local = self.is_local();
                let of_use = |address: &Multiaddr| local || !is_loopback(address);
                let addresses = addresses.into_iter().filter(of_use);
                addresses.for_each(|address| self.addresses.learn(address, Source::Heard));
                if self.following.len() < PEERS_WANTED {
                    self.dial_at = Instant::now();
                }
            }
            (Some((_, PeerRequest::Peers)) | None, _) => {}
            (Some((from, ask)), answer) => self.input(Input::Response { from, ask, answer }),
        }
    }

    pub(super) fn ask_for_others(&mut self, peer: PeerId) {
        let asking = &mut self.swarm.behaviour_mut().ask;
        let number = asking.send_request(&peer, PeerRequest::Peers.encode(None).to_vec());
        self.asked.insert(number, (peer, PeerRequest::Peers));
    }
}
