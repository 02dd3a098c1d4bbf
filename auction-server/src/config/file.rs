//! The settings file: TOML, one key per setting.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::calendar::{Calendar, Calendars};
use super::setting::{Given, Origin, Setting};

/// Maximum size of a settings file, in bytes.
pub const SETTINGS_BYTES_MAX: u64 = 64 << 10;

const CALENDAR: &str = "calendar";
const CALENDAR_EXPECTED: &str =
    "expected tables such as [calendar.nyse] with phases, and with time_zone for times of day";

/// Contents of a settings file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Values of settings.
    pub given: Vec<Given>,
    /// Calendars of trading days.
    pub calendars: Calendars,
}

/// The settings file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsFile {
    /// An explicitly named file: it must exist.
    Named(PathBuf),
    /// The file in the data folder, if it exists.
    InDataFolder(PathBuf),
}

impl SettingsFile {
    /// Reads the values in the file.
    ///
    /// # Errors
    /// All faults, by line: invalid TOML, an unknown key, a value that is neither text nor number.
    pub fn read(&self) -> Result<Contents, Vec<ConfigError>> {
        let (Self::Named(path) | Self::InDataFolder(path)) = self;
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_optional() => {
                return Ok(Contents::default());
            }
            Err(source) => {
                return Err(vec![ConfigError::Unreadable {
                    path: path.clone(),
                    source,
                }]);
            }
        };
        self.parse(path, &text)
    }

    fn is_optional(&self) -> bool {
        matches!(self, Self::InDataFolder(_))
    }

    fn parse(&self, path: &Path, text: &str) -> Result<Contents, Vec<ConfigError>> {
        let fault = |at: usize, message: String| ConfigError::File {
            path: path.to_owned(),
            line: line_of(text, at),
            message,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            vec![fault(at, format!("this is no TOML: {}", error.message()))]
        })?;
        let (mut contents, mut faults) = (Contents::default(), Vec::new());
        for (key, value) in table.get_ref() {
            if key.get_ref() == CALENDAR {
                match value.get_ref() {
                    DeValue::Table(named) => calendars(named, &mut contents, &mut faults),
                    _ => faults.push((key.span().start, CALENDAR_EXPECTED.to_owned())),
                }
                continue;
            }
            match self.take(key.get_ref(), value.get_ref()) {
                Ok((setting, text_given)) => {
                    let line = line_of(text, key.span().start);
                    let origin = Origin::File {
                        path: path.to_owned(),
                        line,
                    };
                    contents.given.push(Given {
                        setting,
                        text: text_given,
                        origin,
                    });
                }
                Err(message) => faults.push((key.span().start, message)),
            }
        }
        faults.sort();
        if faults.is_empty() {
            return Ok(contents);
        }
        Err(faults
            .into_iter()
            .map(|(at, message)| fault(at, message))
            .collect())
    }

    fn take(&self, key: &str, value: &DeValue<'_>) -> Result<(Setting, String), String> {
        let Some(setting) = Setting::ALL
            .into_iter()
            .find(|setting| setting.key() == key)
        else {
            let keys = Setting::ALL.map(Setting::key).join(", ");
            return Err(format!(
                "unknown key {key:?}; the keys are {keys}, and tables [calendar.NAME]"
            ));
        };
        if setting == Setting::Data && self.is_optional() {
            return Err(
                "data cannot be set in the file that lies in the data folder; \
                        use --data, AUCTION_DATA, or a file named by --config"
                    .to_owned(),
            );
        }
        // A number keeps its spelling: 0.01 never becomes a float.
        let text = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            other => {
                return Err(format!(
                    "{key} is {}; expected a text or a decimal number",
                    other.type_str()
                ));
            }
        };
        Ok((setting, text))
    }
}

/// Reads the tables of calendars.
fn calendars(named: &DeTable<'_>, contents: &mut Contents, faults: &mut Vec<(usize, String)>) {
    for (name, value) in named {
        let mut keys = (None, None);
        let mut is_readable = true;
        let mut wrong = |at: usize, message: String| {
            faults.push((at, format!("calendar {}: {message}", name.get_ref())));
        };
        let at = name.span().start;
        if name.get_ref().is_empty() {
            wrong(at, "a calendar needs a name".to_owned());
            continue;
        }
        let DeValue::Table(table) = value.get_ref() else {
            wrong(at, CALENDAR_EXPECTED.to_owned());
            continue;
        };
        for (key, value) in table {
            let text = match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            };
            match (key.get_ref().as_ref(), text) {
                ("phases", Some(text)) => keys.0 = Some(text),
                ("time_zone", Some(text)) => keys.1 = Some(text),
                (name @ ("phases" | "time_zone"), None) => {
                    is_readable = false;
                    let found = value.get_ref().type_str();
                    wrong(
                        key.span().start,
                        format!("{name} is {found}; expected a text"),
                    );
                }
                (other, _) => {
                    let message = format!("unknown key {other:?}; the keys are phases, time_zone");
                    wrong(key.span().start, message);
                }
            }
        }
        if !is_readable {
            continue;
        }
        let Some(phases) = keys.0 else {
            wrong(
                at,
                "phases is missing; expected for example \"call 5m, continuous 1h, call 5m\""
                    .to_owned(),
            );
            continue;
        };
        match Calendar::parse(&phases, keys.1.as_deref()) {
            Ok(calendar) => drop(
                contents
                    .calendars
                    .insert(name.get_ref().to_string(), calendar),
            ),
            Err(message) => wrong(at, message),
        }
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(SETTINGS_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > SETTINGS_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("is larger than {SETTINGS_BYTES_MAX} bytes"),
        ));
    }
    Ok(text)
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}
