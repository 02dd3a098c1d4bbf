//! Single values in JSON as people write them: accepted forms, and messages for mistakes.

use auction_core::Name;
use auction_proto::{ClientMessage, Login, Secret, ServerMessage, Watch};

#[test]
fn names_are_folded_and_optional_fields_can_be_left_out() {
    let login = serde_json::from_str(r#"{"login":{"password":"a\nb","name":"Mia"}}"#);
    let expected = Login {
        name: Name::parse("mia").unwrap(),
        password: Secret::new("a\nb".into()).unwrap(),
    };
    assert_eq!(login.ok(), Some(ClientMessage::Login(expected)));
    let watch = serde_json::from_str(r#"{"watch":{}}"#);
    assert_eq!(
        watch.ok(),
        Some(ClientMessage::Watch(Watch { resume: None }))
    );
    let open = r#"{"open_lot":{"symbol":"aapl","quantity":"1","closes_at":"9","terms":{"english":
        {"steps":[{"from":"0","step":"0.01"}],"soft_close":{"mode":"add","extend_within":"0",
        "extend_by":"0"}}}}}"#;
    assert!(serde_json::from_str::<ClientMessage>(open).is_ok());
}

#[test]
fn a_value_out_of_range_is_answered_with_what_would_be_right() {
    let cases = [
        (
            r#"{"bid":{"lot":3,"price":"99999999999999999999"}}"#,
            "is too large; the greatest price is 999999999.9999",
        ),
        (
            r#"{"login":{"name":"m","password":"x"}}"#,
            "expected 2 to 32 of a-z 0-9 . _ -",
        ),
        (
            r#"{"login":{"name":"mia","password":""}}"#,
            "a password has 1 to 128 bytes",
        ),
        (
            r#"{"hello":{"version_min":1,"version_max":1,"client":"a\u001bb"}}"#,
            "control character",
        ),
        (
            r#"{"close_session":{"session":"+5"}}"#,
            "is not a whole number of at most 64 bits",
        ),
        (
            r#"{"close_session":{"session":""}}"#,
            "is not a whole number of at most 64 bits",
        ),
        (
            r#"{"resume":{"token":"abc"}}"#,
            "is not the right number of hexadecimal digits",
        ),
        (
            r#"{"ping":{"client_time":"253402300800000000"}}"#,
            "to the end of the year 9999",
        ),
    ];
    for (json, expected) in cases {
        let error = serde_json::from_str::<ClientMessage>(json)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}

#[test]
fn a_code_without_a_name_is_told_by_its_number() {
    for code in ["bid_too_low", "1999"] {
        let json = format!(r#"{{"goodbye":{{"code":"{code}","message":""}}}}"#);
        let message: ServerMessage = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
    }
    assert!(
        serde_json::from_str::<ServerMessage>(r#"{"goodbye":{"code":"bid","message":""}}"#)
            .is_err()
    );
}

#[test]
fn what_is_secret_does_not_show_when_a_message_is_printed() {
    let secrets = [
        r#"{"login":{"name":"mia","password":"tell-nobody"}}"#,
        r#"{"register":{"name":"mia","password":"tell-nobody"}}"#,
        &format!(r#"{{"resume":{{"token":"{}"}}}}"#, "ab".repeat(32)),
    ];
    for json in secrets {
        let message: ClientMessage = serde_json::from_str(json).unwrap();
        let shown = format!("{message:?}");
        for hidden in ["tell-nobody", "abab", "171, 171"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
