//! The examples of `docs/proxies` in the programs that they are for, with the addresses and certificate of a test.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auction_client::{Fingerprint, Tls, TlsStream, Trust};
use auction_server::testing::config::{self, Config, Rate};
use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::market::{Lines, Market, PATIENCE, hello, within};
use crate::proxied::connect_from;

/// Address of the server in the examples, and the name of their site.
const SERVER: &str = "127.0.0.1:2022";
const SITE: &str = "auction.example.com";

/// A certificate for localhost and its key, in a folder of its own.
struct Identity {
    folder: TempDir,
    trust: Trust,
}

impl Identity {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let trust = Trust::Pinned(Fingerprint(Sha256::digest(certificate.der()).into()));
        Self { folder, trust }
    }

    fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}

/// A proxy that runs until it is dropped.
struct Proxy {
    process: Child,
    address: SocketAddr,
}

impl Proxy {
    /// Starts a program whose settings listen on this port, and waits until it accepts connections.
    async fn start(command: &mut Command, port: u16) -> Self {
        command.stdin(Stdio::null());
        let process = command.spawn().expect("the proxy is installed");
        let address = ([127, 0, 0, 1], port).into();
        let mut proxy = Self { process, address };
        let connected = tokio::time::timeout(PATIENCE, async {
            while TcpStream::connect(address).await.is_err() {
                assert_eq!(proxy.process.try_wait().unwrap(), None, "the proxy ended");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        connected.await.expect("the proxy listens");
        proxy
    }

    /// Connects through the proxy, from this address of the machine, with TLS.
    async fn connect(&self, from: [u8; 4], identity: &Identity) -> TlsStream<TcpStream> {
        let stream = connect_from(from, self.address).await;
        let tls = Tls::new("localhost", &identity.trust).unwrap();
        within(tls.wrap(stream)).await.unwrap()
    }

    /// The answer to `GET` of a path.
    async fn get(&self, path: &str, identity: &Identity) -> String {
        let mut stream = self.connect([127, 0, 0, 2], identity).await;
        let port = self.address.port();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Not every proxy says goodbye in TLS.
        let _ = within(stream.read_to_end(&mut answer)).await;
        String::from_utf8(answer).unwrap()
    }

    /// Loads the entry page at this path and a script that it names.
    async fn loads_page(&self, path: &str, identity: &Identity) {
        let entry = self.get(path, identity).await;
        assert!(entry.starts_with("HTTP/1.1 200 "), "{entry}");
        let script = entry.split('"').find(|text| text.ends_with("/main.js"));
        let script = self
            .get(&format!("{path}{}", script.unwrap()), identity)
            .await;
        assert!(script.starts_with("HTTP/1.1 200 "), "{script}");
    }

    /// Opens a WebSocket as the page does, and tries a login with a wrong password: the code of the answer.
    async fn login_of_page(&self, path: &str, from: [u8; 4], identity: &Identity) -> String {
        let host = format!("localhost:{}", self.address.port());
        let mut request = format!("ws://{host}{path}ws")
            .into_client_request()
            .unwrap();
        let origin = HeaderValue::from_str(&format!("https://{host}")).unwrap();
        request.headers_mut().insert("origin", origin);
        let stream = self.connect(from, identity).await;
        let (mut socket, _) = within(client_async(request, stream)).await.unwrap();
        for message in [json!({"request": "1", "hello": hello()}), login()] {
            socket
                .send(Message::text(message.to_string()))
                .await
                .unwrap();
        }
        loop {
            let message = within(socket.next()).await.expect("an answer").unwrap();
            let Ok(text) = message.to_text() else {
                continue;
            };
            let Ok(answer) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            if let Some(code) = answer["refused"]["code"].as_str() {
                return code.to_owned();
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn login() -> Value {
    json!({"request": "2", "login": {"name": "nobody", "password": "a password"}})
}

/// A market whose proxy is 127.0.0.1, with one login an hour from each address.
async fn market(change: impl FnOnce(&mut Config)) -> Market {
    Market::start_with(|config| {
        config.network.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.network.rate_logins = Some(Rate {
            count: NonZeroU32::MIN,
            period: Duration::from_secs(3_600),
        });
        change(config);
    })
    .await
}

/// An example of the documentation, with these texts replaced: each must be there.
fn example(name: &str, replaced: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/proxies")
        .join(name);
    let mut text = fs::read_to_string(path).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from:?} is not in: {text}");
        text = text.replace(from, to);
    }
    text
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

const ANN: [u8; 4] = [127, 0, 0, 2];
const BOB: [u8; 4] = [127, 0, 0, 3];

/// Checks that each address behind the proxy has a login of its own.
async fn are_told_apart(proxy: &Proxy, path: &str, identity: &Identity) {
    for (from, code) in [
        (ANN, "bad_credentials"),
        (ANN, "slow_down"),
        (BOB, "bad_credentials"),
    ] {
        let said = proxy.login_of_page(path, from, identity).await;
        assert_eq!(said, code, "{from:?}");
    }
}

#[tokio::test]
#[ignore = "needs nginx"]
async fn nginx_serves_the_page_below_a_path() {
    let market = market(|config| config.network.base_path = "/auction".into()).await;
    let (identity, port) = (Identity::new(), free_port());
    let folder = identity.folder.path();
    let site = example(
        "nginx.conf",
        &[
            (SERVER, &market.address.to_string()),
            ("listen 443", &format!("listen 127.0.0.1:{port}")),
            (SITE, "localhost"),
            ("/etc/ssl/auction.pem", identity.cert().to_str().unwrap()),
            ("/etc/ssl/auction.key", identity.key().to_str().unwrap()),
        ],
    );
    fs::write(folder.join("site.conf"), site).unwrap();
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path temp;\n"))
        .collect();
    let main = format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}\
         include site.conf;\n}}\n"
    );
    fs::write(folder.join("main.conf"), main).unwrap();
    let mut nginx = Command::new("nginx");
    nginx
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("main.conf"));
    let proxy = Proxy::start(&mut nginx, port).await;
    proxy.loads_page("/auction/", &identity).await;
    are_told_apart(&proxy, "/auction/", &identity).await;
    drop(proxy);
    market.stop().await;
}

#[tokio::test]
#[ignore = "needs Caddy"]
async fn caddy_serves_the_page() {
    let market = market(|_| {}).await;
    let (identity, port) = (Identity::new(), free_port());
    let folder = identity.folder.path();
    let tls = format!(
        "localhost:{port} {{\n\ttls {} {}",
        identity.cert().display(),
        identity.key().display()
    );
    let site = example(
        "Caddyfile",
        &[
            (SERVER, &market.address.to_string()),
            ("auction.example.com {", &tls),
        ],
    );
    // No port 80, and nothing outside this folder.
    let global = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n";
    fs::write(folder.join("Caddyfile"), format!("{global}{site}")).unwrap();
    let mut caddy = Command::new("caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config"]);
    caddy.arg(folder.join("Caddyfile"));
    caddy.env("HOME", folder).env("XDG_DATA_HOME", folder);
    caddy.stderr(Stdio::null());
    let proxy = Proxy::start(&mut caddy, port).await;
    proxy.loads_page("/", &identity).await;
    are_told_apart(&proxy, "/", &identity).await;
    drop(proxy);
    market.stop().await;
}

#[tokio::test]
#[ignore = "needs HAProxy"]
async fn haproxy_passes_every_protocol_on() {
    let (identity, port) = (Identity::new(), free_port());
    let market = market(|config| {
        config.network.proxy_protocol = true;
        config.network.public_hosts = vec!["localhost".to_owned()];
        config.network.tls = config::Tls::Files {
            cert: identity.cert(),
            key: identity.key(),
        };
    })
    .await;
    let folder = identity.folder.path();
    let settings = example(
        "haproxy.cfg",
        &[
            (SERVER, &market.address.to_string()),
            ("bind :443", &format!("bind 127.0.0.1:{port}")),
        ],
    );
    fs::write(folder.join("haproxy.cfg"), settings).unwrap();
    let mut haproxy = Command::new("haproxy");
    haproxy.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
    let proxy = Proxy::start(&mut haproxy, port).await;
    proxy.loads_page("/", &identity).await;
    are_told_apart(&proxy, "/", &identity).await;
    // The other protocols share the limits of an address.
    let stream = proxy.connect(BOB, &identity).await;
    let mut lines = Lines::greet(stream).await;
    let answer = lines.ask("login", &login()["login"]).await;
    assert_eq!(answer["refused"]["code"], "slow_down");
    let stream = proxy.connect([127, 0, 0, 4], &identity).await;
    let mut lines = Lines::greet(stream).await;
    let answer = lines.ask("login", &login()["login"]).await;
    assert_eq!(answer["refused"]["code"], "bad_credentials");
    drop(proxy);
    market.stop().await;
}
