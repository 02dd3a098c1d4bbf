//! Diagnostic tools of the program: the wire trace, `decode`, completions, manual pages.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::program::{Server, auction, told};

/// Checks that no secret is shown: the password `right`, and the token of the script.
fn holds_no_secret(said: &str) {
    assert!(!said.contains("right"), "{said}");
    assert!(!said.contains("09090909"), "{said}");
}

#[tokio::test]
async fn a_trace_shows_every_frame_and_no_secret() {
    let server = Server::start().await;
    let mut login = server.command(&["login", "mia", "--trace-wire"]);
    login.env("AUCTION_PASSWORD", "right");
    let said = told(login).await.expect(0).err;
    holds_no_secret(&said);
    for line in [
        "-> hello 1 {\"version_min\":1,",
        "<- welcome 1 {\"version\":2,",
        ",\"password\":\"(not shown)\"}",
        ",\"token\":\"(not shown)\",",
    ] {
        assert!(said.contains(line), "{line} is not in: {said}");
    }
    assert_eq!(said.lines().count(), 6, "{said}");

    // The session's token is hidden when it is used, too.
    let bid = server.run(&["bid", "AAPL", "1.40", "--trace-wire"]).await;
    let said = bid.expect(0).err;
    holds_no_secret(&said);
    assert!(said.contains("{\"token\":\"(not shown)\"}"), "{said}");
    assert!(said.contains("{\"lot\":1,\"price\":\"1.40\"}"), "{said}");
}

#[tokio::test]
async fn a_trace_for_programs_is_json_a_line_and_counts_connections() {
    let server = Server::start().await;
    let watch = server
        .run(&["watch", "--unsigned", "--trace-wire", "--json"])
        .await;
    let said = watch.expect(0).err;
    let frames: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["wire"].take())
        .collect();
    let feed = frames.iter().find(|frame| frame["kind"] == "feed").unwrap();
    assert_eq!(
        (&feed["way"], &feed["connection"]),
        (&json!("received"), &json!(2))
    );
    assert_eq!(feed["body"]["after"], "3");
    let kinds = |way: &str, connection: u32| -> Vec<&str> {
        let of = |frame: &&Value| frame["way"] == way && frame["connection"] == connection;
        let frames = frames.iter().filter(of);
        frames
            .map(|frame| frame["kind"].as_str().unwrap())
            .collect()
    };
    assert_eq!(kinds("sent", 2)[..2], ["hello", "watch"]);
    assert_eq!(kinds("received", 2)[..2], ["welcome", "snapshot_part"]);
}

#[tokio::test]
async fn bytes_are_decoded_from_arguments_and_standard_input() {
    let home = tempfile::tempdir().unwrap();
    let bid = "0d000000 0800 0700000000000000 03b06d";
    let mut decode = auction(home.path());
    decode.args(["decode", "--json", bid]);
    let stdout = told(decode).await.expect(0).out;
    let printed: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(printed["parts"][1]["name"], "bid");
    assert_eq!(
        printed["parts"][3]["value"],
        json!({"lot": 3, "price": "1.40"})
    );

    for (input, code, out, err) in [
        (bid, 0, "kind 8: bid, from a client", ""),
        (
            &bid[..35],
            1,
            "request 7",
            "byte 14: the bytes end here, and 1 more",
        ),
        (
            "00000000",
            1,
            "WRONG: this is no frame",
            "at least 10 must be",
        ),
        ("0c", 1, "WRONG", "3 more belong to the frame"),
        ("xyz", 2, "", "is no hexadecimal digit"),
        ("", 2, "", "no bytes to decode"),
    ] {
        let mut decode = auction(home.path());
        decode.arg("decode").stdin(Stdio::piped());
        let mut child = decode
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{input}: {stderr}");
        assert!(stdout.contains(out), "{input}: {stdout}");
        assert!(stderr.contains(err), "{input}: {stderr}");
    }
}

#[tokio::test]
#[ignore = "needs bash"]
async fn bash_completes_commands_and_flags() {
    let home = tempfile::tempdir().unwrap();
    let mut completions = auction(home.path());
    completions.args(["completions", "bash"]);
    let script = told(completions).await.expect(0).out;
    for (typed, expected) in [
        ("auction wa", "watch"),
        ("auction --tr", "--trace-wire"),
        ("auction watch --fo", "--forever"),
        ("auction completions z", "zsh"),
    ] {
        let ask = format!(
            "{script}\nCOMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _auction auction \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             echo \"${{COMPREPLY[@]}}\"\n"
        );
        // An argument cannot be as long as the script.
        let file = home.path().join("ask.bash");
        std::fs::write(&file, ask).unwrap();
        let mut bash = Command::new("bash");
        bash.arg("--norc").arg(file);
        let output = bash.output().await.unwrap();
        assert_eq!(
            text(&output.stdout).trim(),
            expected,
            "{typed}: {}",
            text(&output.stderr)
        );
    }
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let mut completions = auction(home.path());
        completions.args(["completions", shell]);
        let script = told(completions).await.expect(0).out;
        assert!(script.contains("would-have-won"), "{shell}");
    }
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("share/man1");
    let mut man = auction(home.path());
    man.arg("man").arg(&folder);
    told(man).await.expect(0);
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for (name, says) in [
        ("auction.1", "AUCTION_FINGERPRINT"),
        ("auction.1", "Exit codes"),
        ("auction-bid.1", "a hidden maximum"),
        (
            "auction-bid.1",
            ".SH EXAMPLES\n.nf\n  auction bid AAPL 1.40",
        ),
        ("auction-sessions-revoke.1", "Close one of your sessions"),
        ("auction-decode.1", "Explain bytes of the protocol"),
    ] {
        assert!(page(name).contains(says), "{says:?} is not in {name}");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
