//! Messages about the user's own account. Its requests are numbered separately.

use auction_core::RequestId;
use auction_proto::{ChangePassword, ClientMessage, Secret};

const FIRST: u64 = 1_801;

pub fn client() -> Vec<(&'static str, RequestId, ClientMessage)> {
    let secret = |text: &str| Secret::new(text.into()).unwrap();
    let change = ChangePassword {
        old: secret("correct horse"),
        new: secret("battery staple"),
    };
    vec![("change_password", RequestId(FIRST), change.into())]
}
