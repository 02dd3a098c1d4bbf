//! The settings file: TOML, one key per setting.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::setting::{Given, Origin, Setting};

/// Maximum size of a settings file, in bytes.
pub const SETTINGS_BYTES_MAX: u64 = 64 << 10;

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
    pub fn read(&self) -> Result<Vec<Given>, Vec<ConfigError>> {
        let (Self::Named(path) | Self::InDataFolder(path)) = self;
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_optional() => {
                return Ok(Vec::new());
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

    fn parse(&self, path: &Path, text: &str) -> Result<Vec<Given>, Vec<ConfigError>> {
        let fault = |at: usize, message: String| ConfigError::File {
            path: path.to_owned(),
            line: line_of(text, at),
            message,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            vec![fault(at, format!("this is no TOML: {}", error.message()))]
        })?;
        let (mut given, mut faults) = (Vec::new(), Vec::new());
        for (key, value) in table.get_ref() {
            match self.take(key.get_ref(), value.get_ref()) {
                Ok((setting, text_given)) => {
                    let line = line_of(text, key.span().start);
                    let origin = Origin::File {
                        path: path.to_owned(),
                        line,
                    };
                    given.push(Given {
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
            return Ok(given);
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
            return Err(format!("unknown key {key:?}; the keys are {keys}"));
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
