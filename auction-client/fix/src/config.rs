//! `sessions.toml`: which client is which account of the market.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use auction_client::Secret;
use auction_core::{Name, Span};
use serde::Deserialize;

use crate::dictionary::Version;
use crate::limits::{CONFIG_BYTES_MAX, SESSIONS_MAX};

/// A session of FIX, as configured.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// `SenderCompID` (49) of the client.
    pub comp_id: String,
    /// Account of the market.
    pub user: Name,
    /// Password of the account; `None`: the logon has it (554).
    pub password: Option<Secret>,
    pub version: Version,
    pub kind: SessionKind,
    /// Time after which the orders of a client that is gone are cancelled; `None`: they stay.
    pub cancel_on_disconnect: Option<Duration>,
}

/// Purpose of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// Orders and market data.
    Trading,
    /// Copies of everything that happens to the account, and nothing else.
    DropCopy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    session: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    comp_id: String,
    user: String,
    password_env: Option<String>,
    version: Option<String>,
    #[serde(default)]
    drop_copy: bool,
    cancel_on_disconnect: Option<String>,
}

/// Reads the file. The error names it, and what is wrong.
pub fn read(path: &Path) -> Result<Vec<SessionConfig>, String> {
    let in_file = |what: String| format!("{}: {what}", path.display());
    let size = fs::metadata(path)
        .map_err(|error| in_file(error.to_string()))?
        .len();
    if size > CONFIG_BYTES_MAX {
        return Err(in_file(format!(
            "has {size} bytes; at most {CONFIG_BYTES_MAX}"
        )));
    }
    let text = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    parse(&text, |name| std::env::var(name).ok()).map_err(in_file)
}

fn parse(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Vec<SessionConfig>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    if file.session.is_empty() {
        return Err("names no session; expected for example\n\n[[session]]\ncomp_id = \"MIA\"\nuser = \"mia\"\n".to_owned());
    }
    if file.session.len() > SESSIONS_MAX {
        return Err(format!("names more than {SESSIONS_MAX} sessions"));
    }
    let mut seen = BTreeSet::new();
    let mut sessions = Vec::new();
    for row in file.session {
        let in_row = |what: String| format!("session {:?}: {what}", row.comp_id);
        if !seen.insert(row.comp_id.clone()) {
            return Err(in_row("comes twice".to_owned()));
        }
        sessions.push(session(&row, &env).map_err(in_row)?);
    }
    Ok(sessions)
}

fn session(row: &Row, env: impl Fn(&str) -> Option<String>) -> Result<SessionConfig, String> {
    let is_comp_id = (1..=32).contains(&row.comp_id.len())
        && row
            .comp_id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !row.comp_id.starts_with('.');
    if !is_comp_id {
        return Err(
            "comp_id must have 1 to 32 letters, digits or - _ . and not begin with a point"
                .to_owned(),
        );
    }
    let user = Name::parse(&row.user).map_err(|error| format!("user {:?} {error}", row.user))?;
    let version = match row.version.as_deref() {
        None | Some("FIX.5.0SP2" | "FIXT.1.1") => Version::Fix50,
        Some("FIX.4.4") => Version::Fix44,
        Some(other) => {
            return Err(format!(
                "version {other:?} is not offered; expected FIX.5.0SP2 or FIX.4.4"
            ));
        }
    };
    let password = row.password_env.as_ref().map(|name| {
        let text = env(name)
            .ok_or_else(|| format!("the environment has no {name}, which holds the password"))?;
        Secret::new(text).map_err(|error| format!("the password in {name} {error}"))
    });
    let grace = row.cancel_on_disconnect.as_ref().map(|text| {
        let span: Span = text
            .parse()
            .map_err(|error| format!("cancel_on_disconnect {text:?} {error}"))?;
        Ok::<_, String>(Duration::from(span))
    });
    if row.drop_copy && grace.is_some() {
        return Err(
            "a drop copy has no orders: cancel_on_disconnect does not go with it".to_owned(),
        );
    }
    Ok(SessionConfig {
        comp_id: row.comp_id.clone(),
        user,
        password: password.transpose()?,
        version,
        kind: match row.drop_copy {
            true => SessionKind::DropCopy,
            false => SessionKind::Trading,
        },
        cancel_on_disconnect: grace.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<SessionConfig>, String> {
        parse(text, |name| {
            (name == "MIA_PASSWORD").then(|| "correct horse".to_owned())
        })
    }

    #[test]
    fn a_session_has_defaults() {
        let sessions = parsed("[[session]]\ncomp_id = \"MIA\"\nuser = \"mia\"\n").unwrap();
        let [session] = &sessions[..] else {
            panic!("{sessions:?}")
        };
        assert_eq!(
            (session.version, session.kind),
            (Version::Fix50, SessionKind::Trading)
        );
        assert!(session.password.is_none() && session.cancel_on_disconnect.is_none());
        let text = "[[session]]\ncomp_id = \"NED\"\nuser = \"ned\"\nversion = \"FIX.4.4\"\npassword_env = \"MIA_PASSWORD\"\ncancel_on_disconnect = \"10s\"\n";
        let [session] = &parsed(text).unwrap()[..] else {
            panic!()
        };
        assert_eq!(
            (session.version, session.cancel_on_disconnect),
            (Version::Fix44, Some(Duration::from_secs(10)))
        );
    }

    #[test]
    fn each_fault_is_named() {
        let row = "[[session]]\ncomp_id = \"MIA\"\nuser = \"mia\"\n";
        for (text, said) in [
            (String::new(), "names no session"),
            ("[[session]]\nuser = \"mia\"\n".to_owned(), "comp_id"),
            (format!("{row}colour = 1\n"), "colour"),
            (format!("{row}{row}"), "session \"MIA\": comes twice"),
            (
                format!("{row}version = \"FIX.4.2\"\n"),
                "version \"FIX.4.2\" is not offered",
            ),
            (
                format!("{row}password_env = \"NO\"\n"),
                "the environment has no NO",
            ),
            (
                format!("{row}cancel_on_disconnect = \"soon\"\n"),
                "cancel_on_disconnect \"soon\"",
            ),
            (
                format!("{row}cancel_on_disconnect = \"1s\"\ndrop_copy = true\n"),
                "a drop copy has no orders",
            ),
            (row.replace("\"MIA\"", "\"../x\""), "comp_id must have"),
            (row.replace("\"mia\"", "\"_\""), "user \"_\""),
        ] {
            let error = parsed(&text).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
