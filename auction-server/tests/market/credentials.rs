//! What a login costs and tells: whoever guesses learns nothing of which names there are.

use std::net::SocketAddr;
use std::thread;

use auction_proto::Refused;
use auction_server::testing::config::{Given, Origin, Setting, resolve};
use auction_server::testing::platform::password_pool::PasswordPool;
use auction_server::testing::server::Server;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::house::DemoAccounts;
use crate::line::{Line, PASSWORD};

/// A server within this process, so that its hasher can be asked.
struct Within {
    address: SocketAddr,
    password_pool: PasswordPool,
    shutdown: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Within {
    fn start(house: &DemoAccounts) -> Self {
        let given = |setting, text: &str| Given {
            setting,
            text: text.to_owned(),
            origin: Origin::Flag,
        };
        let settings = vec![
            given(Setting::Listen, "127.0.0.1:0"),
            given(Setting::Data, house.path().to_str().unwrap()),
            given(Setting::OpenFor, "1h"),
        ];
        let config = resolve(settings).unwrap().config;
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::start(&config)).unwrap();
        let (address, password_pool) = (server.address(), server.password_pool());
        let (shutdown, asked) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let asked = async { drop(asked.await) };
            runtime.block_on(server.run(asked)).unwrap();
        });
        Self {
            address,
            password_pool,
            shutdown,
            thread,
        }
    }

    fn end(self) {
        drop(self.shutdown);
        self.thread.join().unwrap();
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_get_one_answer_at_the_cost_of_one_verification() {
    let house = DemoAccounts::with_lots(1);
    let server = Within::start(&house);
    let mut line = Line::open(server.address);
    line.register("mia").unwrap();
    let refused = |line: &mut Line, name, password| -> Refused {
        let before = server.password_pool.verifications();
        let refused = line.log_in(name, password).unwrap_err();
        assert_eq!(
            server.password_pool.verifications(),
            before + 1,
            "{name} {password}"
        );
        refused
    };
    let wrong = refused(&mut line, "mia", "something else");
    let unknown = refused(&mut line, "nobody", PASSWORD);
    assert_eq!(wrong, unknown);
    assert_eq!(refused(&mut line, "nobody", "something else"), wrong);

    let before = server.password_pool.verifications();
    line.log_in("mia", PASSWORD).unwrap();
    assert_eq!(server.password_pool.verifications(), before + 1);
    server.end();
}
