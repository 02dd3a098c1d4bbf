//! The market's key in the program: kept on first use, and another key refused before anything else is sent.

use std::fs;

use crate::program::Server;

#[tokio::test]
async fn the_markets_key_is_kept_on_first_use_and_shown() {
    let server = Server::start().await;
    let status = server.run(&["status", "--json"]).await.expect(0).json();
    let fingerprint = "8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6";
    assert_eq!(status["key_fingerprint"], fingerprint);
    let status = server.run(&["status"]).await.expect(0).out;
    assert!(status.contains(fingerprint), "{status}");
    let key = server.run(&["key", "--json"]).await.expect(0).json();
    assert_eq!(key["fingerprint"], fingerprint);
    assert!(key["kept_at"].is_string(), "{key}");
    let folder = server.home().join("keys");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert_eq!(files.len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder), 0o700);
        assert_eq!(mode(files[0].as_ref().unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn another_market_key_is_refused_until_the_kept_is_forgotten() {
    let server = Server::start().await;
    server.run(&["lots"]).await.expect(0);
    // Another key, and no key.
    for byte in [Some(0x43), None] {
        server.sign_with(byte);
        let mut login = server.command(&["login", "mia", "--trace-wire"]);
        login.env("AUCTION_PASSWORD", "right");
        let said = crate::program::told(login).await.expect(4).err;
        for told in [
            "THE MARKET'S KEY HAS CHANGED",
            "8935-df8c",
            "`auction key forget`",
            "another channel",
        ] {
            assert!(said.contains(told), "{told}: {said}");
        }
        assert!(!said.contains("-> login"), "{said}");
        let error = server.run(&["lots", "--json"]).await.expect(4).error();
        assert_eq!(error["code"], "market_key_changed");
        assert!(error["kept"].as_str().unwrap().starts_with("8935-df8c"));
        assert_eq!(error["found"].is_null(), byte.is_none());
    }
    server.sign_with(Some(0x43));
    let forgotten = server.run(&["key", "forget", "--json"]).await.expect(0);
    assert!(forgotten.out.contains("8935-df8c"), "{}", forgotten.out);
    server.run(&["lots"]).await.expect(0);
    // From here on the new key is the known one.
    server.sign_with(Some(0x42));
    server.run(&["lots"]).await.expect(4);
}

#[tokio::test]
async fn a_market_that_signs_nothing_is_spoken_to_and_says_so() {
    let server = Server::start().await;
    server.sign_with(None);
    let status = server.run(&["status", "--json"]).await.expect(0).json();
    assert!(status["key_fingerprint"].is_null());
    for arguments in [&["key"][..], &["receipt"], &["checkpoint"]] {
        let told = server.run(arguments).await.expect(1);
        assert!(told.err.contains("signs nothing"), "{}", told.err);
    }
}

#[tokio::test]
async fn a_damaged_key_file_does_not_make_another_key_trusted() {
    let server = Server::start().await;
    server.run(&["lots"]).await.expect(0);
    let folder = fs::read_dir(server.home().join("keys")).unwrap();
    let file = folder.last().unwrap().unwrap().path();
    fs::write(file, "{}").unwrap();
    let told = server.run(&["lots"]).await.expect(1);
    assert!(told.err.contains("is damaged"), "{}", told.err);
    server.run(&["key", "forget"]).await.expect(0);
    server.run(&["lots"]).await.expect(0);
}

#[tokio::test]
async fn watching_requests_the_signed_feed_if_the_market_signs() {
    let server = Server::start().await;
    for arguments in [&["watch", "--json"][..], &["watch", "--json", "--unsigned"]] {
        let told = server.run(arguments).await.expect(0).out;
        let events: Vec<serde_json::Value> = told
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let names: Vec<_> = events
            .iter()
            .map(|event| event["event"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["snapshot", "bid", "closed"], "{told}");
    }
    let traced = server.run(&["watch", "--trace-wire"]).await.expect(0).err;
    assert!(traced.contains("-> watch_signed"), "{traced}");
}
