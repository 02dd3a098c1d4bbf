//! The session layer against clients that are wrong, slow or hostile.

use std::io::Write as _;
use std::net::TcpStream;

use crate::stage::{CALL, Stage, until};
use crate::wire::{Wire, frame, now};

const MIB: u64 = 1 << 20;

/// Change to the bytes of a message.
type Garble = fn(&mut Vec<u8>);

#[test]
fn a_logon_needs_the_session_and_its_password() {
    let stage = Stage::open();
    let closed = |comp_id: &str, begin_string: &'static str, logon: &str| {
        let mut wire = Wire::connect(stage.fix, comp_id, begin_string);
        wire.send("A", logon);
        assert_eq!(wire.try_read(), None, "{comp_id} {logon}");
    };
    closed("MIA", "FIXT.1.1", "98=0|108=30|1137=9|554=wrong horse|");
    closed("MIA", "FIXT.1.1", "98=0|108=30|1137=9|");
    closed(
        "MIA",
        "FIXT.1.1",
        "98=0|108=30|1137=9|553=ned|554=correct horse|",
    );
    closed("OLD", "FIX.4.4", "98=0|108=30|554=wrong horse|");
    closed(
        "NOBODY",
        "FIXT.1.1",
        "98=0|108=30|1137=9|554=correct horse|",
    );
    closed("MIA", "FIX.4.4", "98=0|108=30|554=correct horse|");
    // None of them moved a number.
    let mut mia = Wire::connect(stage.fix, "MIA", "FIXT.1.1");
    mia.log_on("553=mia|");
    let logon = mia.read_kind("A");
    assert_eq!(
        (logon.get(34), logon.get(108), logon.get(1137)),
        ("1", "30", "9")
    );
    let mut second = Wire::connect(stage.fix, "MIA", "FIXT.1.1");
    second.log_on("");
    assert_eq!(second.try_read(), None, "one connection a session");
    mia.send("1", "112=alive|");
    assert_eq!(mia.read_kind("0").get(112), "alive");
}

#[test]
fn both_versions_are_spoken_on_one_port() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    let (mut old, logon) = Wire::answered(stage.fix, "OLD", "FIX.4.4", 1, "141=Y|");
    assert_eq!(
        (logon.get(8), logon.get(141), logon.get(1137)),
        ("FIX.4.4", "Y", "")
    );
    for wire in [&mut mia, &mut old] {
        wire.order("x", "CALL", "1", 10, "40=2|44=9|");
    }
    assert_eq!(mia.read_kind("8 0 0").get(8), "FIXT.1.1");
    assert_eq!(old.read_kind("8 0 0").get(8), "FIX.4.4");
    old.order("y", "UNI", "1", 10, "40=2|44=9|59=B|");
    assert_eq!(
        old.read_kind("8 8 8").get(103),
        "11",
        "59=B is of FIX.5.0SP2"
    );
    old.order("z", "ENG", "1", 3, "40=P|44=9|1094=5|");
    let reject = old.read_kind("3");
    assert_eq!(
        (reject.get(371), reject.get(373), reject.get(372)),
        ("1094", "2", "D")
    );
}

#[test]
fn faults_within_a_message_are_rejected_by_tag_and_reason() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    let order = format!("11=f|55=CALL|54=1|60={}|38=1|40=2|44=9|", now());
    let book = "262=m|263=0|264=0|267=2|269=0|269=1|146=1|55=CALL|";
    let wrong = |kind: &'static str, fields: String, tag: &'static str, reason: &'static str| {
        (kind, fields, tag, reason)
    };
    let cases = [
        wrong("D", order.replace("11=f|", ""), "11", "1"),
        wrong("D", format!("{order}110=5|"), "110", "2"),
        wrong("D", order.replace("44=9|", "44=1e3|"), "44", "6"),
        wrong("D", order.replace("44=9|", "44=9.00001|"), "44", "6"),
        wrong("D", order.replace("38=1|", "38=1.5|"), "38", "6"),
        wrong("D", order.replace("38=1|", "38=1000000000001|"), "38", "6"),
        wrong("D", order.replace("40=2|", "40=4|"), "40", "5"),
        wrong("D", order.replace("54=1|", "54=5|"), "54", "5"),
        wrong("D", format!("{order}44=8|"), "44", "13"),
        wrong("D", format!("{order}49=MIA|"), "49", "14"),
        wrong("V", book.replace("267=2|", "267=3|"), "267", "16"),
        wrong(
            "V",
            book.replace("269=0|269=1|", "269=0|269=1|269=2|"),
            "267",
            "16",
        ),
        wrong("V", book.replace("55=CALL|", "48=1|55=CALL|"), "55", "15"),
        wrong("V", book.replace("264=0|", "264=-1|"), "264", "5"),
    ];
    for (kind, fields, tag, reason) in cases {
        let number = mia.next.to_string();
        mia.send(kind, &fields);
        let reject = mia.read_kind("3");
        let said = (
            reject.get(45),
            reject.get(371),
            reject.get(373),
            reject.get(372),
        );
        assert_eq!(
            said,
            (number.as_str(), tag, reason, kind),
            "{fields}: {}",
            reject.get(58)
        );
        assert!(
            reject.get(58).contains(&format!("({tag})")) || reject.get(58).contains(tag),
            "{reject:?}"
        );
    }
    mia.send("D", &order);
    mia.read_kind("8 0 0");
    let orders = stage.with("mia", async |client| client.orders(CALL).await.unwrap());
    assert_eq!(orders.len(), 1, "no faulty order was placed");
}

#[test]
fn a_garbled_message_is_skipped_and_asked_for_again() {
    let stage = Stage::open();
    let garble: [(&str, Garble); 4] = [
        ("checksum", |bytes| {
            let last = bytes.len() - 2;
            bytes[last] = if bytes[last] == b'0' { b'1' } else { b'0' };
        }),
        ("length", |bytes| {
            let at = bytes
                .windows(3)
                .position(|three| three == b"\x019=")
                .unwrap()
                + 3;
            bytes[at] = if bytes[at] == b'9' {
                b'8'
            } else {
                bytes[at] + 1
            };
        }),
        ("first field", |bytes| bytes[0] = b'7'),
        ("third field", |bytes| {
            let at = bytes
                .windows(4)
                .position(|four| four == b"\x0135=")
                .unwrap()
                + 1;
            bytes[at + 1] = b'6';
        }),
    ];
    for (what, spoil) in garble {
        let mut mia = stage.mia();
        let lost = mia.next;
        let body = format!("35=1|49=MIA|56=AUCTION|34={lost}|52={}|112=lost|", now());
        let mut bytes = frame("FIXT.1.1", &body);
        spoil(&mut bytes);
        mia.send_bytes(&bytes);
        mia.next += 1;
        mia.send("1", "112=later|");
        let request = mia.read_kind("2");
        assert_eq!(request.get(7), lost.to_string(), "{what}");
    }
}

#[test]
fn a_giant_message_ends_its_connection_and_takes_no_memory() {
    let stage = Stage::open();
    let before = stage.gateway_memory();
    // Before the logon, and after it.
    let mut stranger = Wire::connect(stage.fix, "MIA", "FIXT.1.1");
    stranger.send_bytes(b"8=FIXT.1.1\x019=10000000\x0135=A\x01");
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..160 {
        if !stranger.try_send_bytes(&block) {
            break;
        }
    }
    assert_eq!(stranger.try_read(), None);
    let mut mia = stage.mia();
    mia.send_bytes(b"8=FIXT.1.1\x019=10000000\x0135=D\x0158=");
    for _ in 0..160 {
        if !mia.try_send_bytes(&block) {
            break;
        }
    }
    let grown = stage.gateway_memory().saturating_sub(before);
    assert!(grown < 8 * MIB, "{grown} bytes more");
    // The session is free for a connection that behaves.
    until("the session is free", || {
        let mut mia = Wire::connect(stage.fix, "MIA", "FIXT.1.1");
        mia.log_on("141=Y|");
        mia.try_read().is_some()
    });
}

#[test]
fn a_flood_of_connections_without_a_logon_is_bounded() {
    let stage = Stage::open();
    let before = stage.gateway_memory();
    let mut idle = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(stage.fix).unwrap();
        // A connection beyond the bound is closed, which a write may notice.
        let _ = stream.write_all(b"8=FIX.4.4\x019=");
        idle.push(stream);
    }
    let grown = stage.gateway_memory().saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes more");
    drop(idle);
    until("a client can log on", || {
        let mut mia = Wire::connect(stage.fix, "MIA", "FIXT.1.1");
        mia.log_on("141=Y|");
        mia.try_read().is_some()
    });
}

#[test]
fn a_client_that_does_not_read_costs_a_bounded_amount() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    for place in 0..50 {
        mia.order(&format!("o{place}"), "CALL", "1", 10, "40=2|44=9|");
        mia.read_kind("8 0 0");
    }
    let before = stage.gateway_memory();
    // Each request is answered by 50 reports, which nobody reads: at some point the gateway stops reading requests.
    mia.stop_reading();
    let mut bytes = Vec::new();
    for place in 0..20_000 {
        let body = format!(
            "35=AF|49=MIA|56=AUCTION|34={}|52={}|584=s{place}|585=7|",
            mia.next,
            now()
        );
        mia.next += 1;
        bytes.extend_from_slice(&frame("FIXT.1.1", &body));
    }
    mia.try_send_bytes(&bytes);
    let grown = stage.gateway_memory().saturating_sub(before);
    assert!(grown < 32 * MIB, "{grown} bytes more");
    let mut ned = stage.ned();
    ned.send("1", "112=served|");
    assert_eq!(ned.read_kind("0").get(112), "served", "others are served");
}

#[test]
fn clients_connect_over_tls_if_there_is_a_certificate() {
    use std::sync::Arc;

    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    let mut stage = Stage::open();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (stage.path().join("cert.pem"), stage.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    stage.kill_gateway();
    let files = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    stage.start_gateway_with(&["--tls-cert", files[0], "--tls-key", files[1]]);

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(stage.fix).unwrap();
    let stream = StreamOwned::new(tls, tcp.try_clone().unwrap());
    let mut mia = Wire::over(tcp, Box::new(stream), "MIA", "FIXT.1.1");
    mia.log_on("141=Y|");
    mia.read_kind("A");
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    let mut plain = Wire::connect(stage.fix, "NED", "FIXT.1.1");
    plain.log_on("141=Y|");
    let is_closed = plain.closes();
    assert!(is_closed, "a plain client is not served");
}

#[test]
fn what_is_not_fix_is_closed() {
    let stage = Stage::open();
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00",
        &[0; 100],
        b"8=FIX.9.9\x01",
    ] {
        let mut stream = TcpStream::connect(stage.fix).unwrap();
        stream.write_all(bytes).unwrap();
        drop(stream);
    }
    let mut mia = stage.mia();
    mia.send("B", "148=news|33=1|58=x|");
    let reject = mia.read_kind("j");
    assert_eq!(
        (reject.get(372), reject.get(380), reject.get(45)),
        ("B", "3", "2")
    );
}
