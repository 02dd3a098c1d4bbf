//! Cost and answers of logins: guessing reveals no names.

use std::net::SocketAddr;
use std::thread;

use auction_proto::Refused;
use auction_server::testing::config::{Given, Origin, Setting, resolve};
use auction_server::testing::platform::password_pool::PasswordPool;
use auction_server::testing::server::Server;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::line::{Line, PASSWORD};
use crate::test_market::TestMarket;

/// A server within this process, whose password pool the test can query.
struct Within {
    address: SocketAddr,
    password_pool: PasswordPool,
    shutdown: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Within {
    fn start(test_market: &TestMarket) -> Self {
        let given = |setting, text: &str| Given {
            setting,
            text: text.to_owned(),
            origin: Origin::Flag,
        };
        let settings = vec![
            given(Setting::Listen, "127.0.0.1:0"),
            given(Setting::Data, test_market.path().to_str().unwrap()),
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
fn wrong_passwords_and_unknown_users_look_and_cost_the_same() {
    let test_market = TestMarket::with_lots(1);
    let server = Within::start(&test_market);
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
