//! Clients that were not written here: Python's sockets and its `websockets`, Node, `curl`, `openssl`. One that is
//! not on this machine is said to be left out.

use std::path::Path;
use std::process::Stdio;

use auction_server::testing::config::Tls;
use tokio::process::Command;

use crate::market::{Market, within};

/// Runs a program and gives what it prints; `None`, and says so, when it is not there.
async fn run(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let Ok(mut child) = command.spawn() else {
        println!("LEFT OUT: {program} is not on this machine");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        // Who does not read it is not concerned.
        let _ = stdin.write_all(input.as_bytes()).await;
    });
    let output = within(child.wait_with_output()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {text}\n{said}"
    );
    Some(text)
}

const PYTHON_LINES: &str = r#"
import json, socket, sys
stream = socket.create_connection(("127.0.0.1", int(sys.argv[1]))).makefile("rw")
number = 0
def ask(kind, **body):
    global number
    number += 1
    stream.write(json.dumps({"request": str(number), kind: body}) + "\n")
    stream.flush()
    while True:
        message = json.loads(stream.readline())
        if message["request"] == str(number):
            return message
ask("hello", version_min=1, version_max=1, client="python")
ask("register", name="py", password="a password")
assert "logged_in" in ask("login", name="py", password="a password")
print(ask("bid", lot=1, price="1.40")["accepted"]["reply"]["bid"]["price"])
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_bids_over_a_socket_with_its_standard_library_alone() {
    let market = Market::start().await;
    let port = market.address.port().to_string();
    if let Some(printed) = run("python3", &["-c", PYTHON_LINES, &port], "").await {
        assert_eq!(printed, "1.40\n");
    }
    market.stop().await;
}

const PYTHON_WEBSOCKETS: &str = r#"
import asyncio, json, sys
try:
    import websockets
except ImportError:
    print("none")
    sys.exit()
async def main():
    async with websockets.connect("ws://localhost:%s/ws" % sys.argv[1]) as socket:
        hello = {"version_min": 1, "version_max": 1, "client": "websockets"}
        await socket.send(json.dumps({"request": "1", "hello": hello}))
        print(json.loads(await socket.recv())["welcome"]["version"])
        await socket.send("not json")
        print(json.loads(await socket.recv())["refused"]["code"])
        pong = await socket.ping()
        await pong
asyncio.run(main())
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pythons_websockets_talks_json_and_pings() {
    let market = Market::start().await;
    let port = market.address.port().to_string();
    match run("python3", &["-c", PYTHON_WEBSOCKETS, &port], "").await {
        Some(printed) if printed == "none\n" => {
            println!("LEFT OUT: Python's websockets is not on this machine");
        }
        Some(printed) => assert_eq!(printed, "1\nmalformed\n"),
        None => {}
    }
    market.stop().await;
}

const NODE: &str = r#"
if (typeof WebSocket === "undefined") { console.log("none"); process.exit(); }
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[1]}/ws`);
const hello = { version_min: 1, version_max: 1, client: "node" };
socket.onopen = () => socket.send(JSON.stringify({ request: "1", hello }));
socket.onmessage = (event) => {
  console.log(JSON.parse(event.data).welcome.version);
  socket.close();
};
socket.onclose = () => process.exit();
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_own_websocket_talks_json() {
    let market = Market::start().await;
    let port = market.address.port().to_string();
    // Before its version 22, Node has a WebSocket only when asked for; before 20, none.
    let flags = [
        "--experimental-websocket",
        "--no-warnings",
        "-e",
        NODE,
        &port,
    ];
    let version = run("node", &["--version"], "").await;
    let major = version.and_then(|v| v[1..].split('.').next()?.parse::<u32>().ok());
    match major {
        Some(20..) => match run("node", &flags, "").await.as_deref() {
            Some("none\n") => println!("LEFT OUT: this Node has no WebSocket"),
            printed => assert_eq!(printed, Some("1\n")),
        },
        Some(older) => println!("LEFT OUT: Node {older} has no WebSocket"),
        None => {}
    }
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_gets_the_page_plainly_and_over_tls() {
    let market = Market::start().await;
    let page = format!("http://{}/", market.address);
    if let Some(printed) = run("curl", &["-sSfi", &page], "").await {
        assert!(printed.starts_with("HTTP/1.1 200 OK\r\n"), "{printed}");
        let policy = "content-security-policy: default-src 'none';";
        assert!(printed.contains(policy), "{printed}");
        assert!(printed.contains("Real-time stock auction"), "{printed}");
    }
    let body = [
        "-sS",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-d",
        "x",
        &page,
    ];
    if let Some(printed) = run("curl", &body, "").await {
        assert_eq!(printed, "405");
    }
    market.stop().await;

    let market = Market::start_with(|config| config.network.tls = Tls::SelfSigned).await;
    let pem = market.data.path().join("tls/self-signed.pem");
    let page = format!("https://localhost:{}/", market.address.port());
    let trusting = ["-sSf", "--cacert", path(&pem), &page];
    if let Some(printed) = run("curl", &trusting, "").await {
        assert!(printed.contains("Real-time stock auction"), "{printed}");
    }
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_gets_the_documents_of_the_protocol_and_only_when_they_have_changed() {
    let market = Market::start().await;
    let documents = [
        (
            "SPEC.md",
            "text/plain; charset=utf-8",
            auction_proto::SPEC_MD,
        ),
        (
            "schema.json",
            "application/schema+json",
            auction_proto::SCHEMA_JSON,
        ),
        (
            "asyncapi.json",
            "application/vnd.aai.asyncapi+json;version=3.0.0",
            auction_proto::ASYNCAPI_JSON,
        ),
    ];
    for (name, media, expected) in documents {
        let url = format!("http://{}/{name}", market.address);
        let Some(printed) = run("curl", &["-sSfi", &url], "").await else {
            break;
        };
        let (head, body) = printed.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, expected, "{name}");
        let content_type = format!("content-type: {media}");
        assert!(head.lines().any(|line| line == content_type), "{head}");
        let mut fields = head.lines();
        let tag = fields.find_map(|line| line.strip_prefix("etag: ")).unwrap();
        let known = format!("If-None-Match: {tag}");
        let again = run("curl", &["-sSfi", "-H", &known, &url], "")
            .await
            .unwrap();
        assert!(again.starts_with("HTTP/1.1 304 "), "{again}");
        assert!(again.ends_with("\r\n\r\n"), "{again}");
    }
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_talks_json_within_tls_1_3() {
    let market = Market::start_with(|config| config.network.tls = Tls::SelfSigned).await;
    let pem = market.data.path().join("tls/self-signed.pem");
    let address = market.address.to_string();
    let arguments = [
        "s_client",
        "-connect",
        &address,
        "-CAfile",
        path(&pem),
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
        "-alpn",
        "http/1.1",
        "-ign_eof",
    ];
    // The server ends the connection of one that speaks no version in common.
    let hello = "{\"request\":\"1\",\"hello\":{\"version_min\":9,\"version_max\":9,\"client\":\"openssl\"}}\n";
    if let Some(printed) = run("openssl", &arguments, hello).await {
        assert!(printed.contains("TLSv1.3"), "{printed}");
        assert!(printed.contains("Verification: OK"), "{printed}");
        assert!(printed.contains("ALPN protocol: http/1.1"), "{printed}");
        assert!(printed.contains("version_unsupported"), "{printed}");
        let shown = [
            "x509",
            "-in",
            path(&pem),
            "-noout",
            "-fingerprint",
            "-sha256",
        ];
        let shown = run("openssl", &shown, "").await.unwrap();
        let fingerprint = shown.trim().rsplit('=').next().unwrap();
        assert!(market.opening.contains(fingerprint), "{shown}");
    }
    market.stop().await;
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
