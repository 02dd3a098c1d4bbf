//! `user list`, `show`, `passwd`, `lock`, `unlock`, `close`: accounts of the running server.

use std::fmt::Write as _;

use auction_core::Name;
use serde_json::{Value, json};

use crate::config::data_dir::DataDir;
use crate::gateway::operator::ask;

/// Lists all accounts.
///
/// # Errors
/// A message for the operator.
pub fn list(data: &DataDir, json: bool) -> Result<String, String> {
    // Page by page, until one is empty.
    let mut accounts: Vec<Value> = Vec::new();
    loop {
        let request = json!({ "command": "list", "after": accounts.len() });
        let page = ask(&data.operator_socket(), &request)?;
        match page {
            Value::Array(page) if !page.is_empty() => accounts.extend(page),
            _ => break,
        }
    }
    if json {
        return Ok(format!("{}\n", Value::from(accounts)));
    }
    let mut text = format!(
        "{:<32}  {:<18}  {:<6}  {:>8}  {:>7}\n",
        "NAME", "ROLE", "ACCESS", "SESSIONS", "DEVICES"
    );
    for account in &accounts {
        let word = |field: &str| account[field].as_str().unwrap_or_default();
        let role = match word("symbol") {
            "" => word("role").to_owned(),
            symbol => format!("{} {symbol}", word("role")),
        };
        let _ = writeln!(
            text,
            "{:<32}  {role:<18}  {:<6}  {:>8}  {:>7}",
            word("name"),
            word("access"),
            account["sessions"].to_string(),
            account["devices"].to_string()
        );
    }
    Ok(text)
}

/// Runs a command about one account, and returns the account.
///
/// # Errors
/// A message for the operator.
pub fn one(
    data: &DataDir,
    command: &str,
    name: Name,
    password: Option<&str>,
    json: bool,
) -> Result<String, String> {
    let mut request = json!({ "command": command, "name": name.as_str() });
    if let Some(password) = password {
        request["password"] = password.into();
    }
    let account = ask(&data.operator_socket(), &request)?;
    Ok(match json {
        true => format!("{account}\n"),
        false => described(name, command, &account),
    })
}

fn described(name: Name, command: &str, account: &Value) -> String {
    match command {
        "passwd" => {
            format!("The password of {name} is changed; all its sessions and devices are ended.\n")
        }
        "lock" => format!(
            "{name} cannot log in until `user unlock {name}`; its sessions and devices are ended, and its bids bind.\n"
        ),
        "unlock" => format!("{name} can log in again.\n"),
        "close" => format!(
            "The account {name} is closed for good; its bids bind, and its name stays taken.\n"
        ),
        _ => {
            let fields = account.as_object().into_iter().flatten();
            let lines = fields
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| {
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    format!("{key:<8}  {value}\n")
                });
            lines.collect()
        }
    }
}
