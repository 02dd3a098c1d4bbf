//! Files that other users of the machine should not be able to read: the server creates its own for their owner alone,
//! but a copy or a restored backup can have other permissions.

use std::path::Path;

use super::csv::lots::{self, Defaults};
use super::permissions::{is_open_to_others, warning};
use super::{Config, Tls};

/// A warning for each file with secrets that other users can read. Files that do not exist are skipped.
#[must_use]
pub fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let (key, self_signed) = (config.data.market_key(), config.data.self_signed());
    warnings.extend(warning(&key));
    match &config.network.tls {
        Tls::Off => {}
        Tls::SelfSigned => warnings.extend(warning(&self_signed)),
        Tls::Files { key, .. } => warnings.extend(warning(key)),
    }
    if let Some(file) = config.round_file().filter(|file| has_reserve(config, file)) {
        let hidden = |warning| format!("{warning}; it holds hidden reserves");
        warnings.extend(warning(&file).map(hidden));
    }
    warnings.extend(journal_warning(&config.data.journal()));
    warnings
}

/// One warning for the whole journal, which holds hidden bids and the hashes of passwords.
fn journal_warning(journal: &Path) -> Option<String> {
    if !is_open_to_others(journal) {
        return None;
    }
    let entries = std::fs::read_dir(journal).ok()?;
    let open = entries.flatten().filter(|entry| {
        let is_plain = entry.file_type().is_ok_and(|kind| kind.is_file());
        is_plain && is_open_to_others(&entry.path())
    });
    let count = open.count();
    let s = if count == 1 { "" } else { "s" };
    let path = journal.display();
    (count > 0).then(|| {
        format!(
            "{path}: other users of this machine can read {count} file{s} of it; say chmod -R go= {path}"
        )
    })
}

/// Returns whether a lot of the file has a reserve; an invalid file is reported elsewhere.
fn has_reserve(config: &Config, file: &Path) -> bool {
    let defaults = Defaults {
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
        trading_days: config.network.trading_days,
        calendars: config.calendars.clone(),
    };
    lots::read(file, &defaults).is_ok_and(|lots| lots.iter().any(|lot| lot.reserve.is_some()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::data_dir::DataDir;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn each_secret_that_others_can_read_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let tls_key = folder.path().join("tls.key");
        let mut config = Config {
            data: data.clone(),
            ..Config::default()
        };
        config.network.tls = Tls::Files {
            cert: folder.path().join("tls.pem"),
            key: tls_key.clone(),
        };
        assert_eq!(warnings(&config), [""; 0], "nothing is there");
        fs::create_dir(data.journal()).unwrap();
        let segment = data.journal().join("00000000000000000001.seg");
        for path in [&data.market_key(), &tls_key, &segment] {
            fs::write(path, "").unwrap();
            set_mode(path, 0o600);
        }
        let lots = data.lots();
        fs::write(&lots, "symbol,format,reserve\nA,english,\n").unwrap();
        set_mode(&lots, 0o644);
        set_mode(&data.journal(), 0o755);
        assert_eq!(warnings(&config), [""; 0], "no lot has a reserve");
        fs::write(&lots, "symbol,format,reserve\nA,english,5\n").unwrap();
        for mode in [0o640, 0o604, 0o601, 0o666] {
            for path in [&data.market_key(), &tls_key, &segment, &lots] {
                set_mode(path, mode);
            }
            let said = warnings(&config);
            assert_eq!(said.len(), 4, "{said:?}");
            for (warning, path) in said.iter().zip([&data.market_key(), &tls_key, &lots]) {
                let remedy = format!("say chmod 600 {}", path.display());
                assert!(warning.contains(&remedy), "{warning}");
            }
            let remedy = format!(
                "1 file of it; say chmod -R go= {}",
                data.journal().display()
            );
            assert!(said[3].ends_with(&remedy), "{}", said[3]);
        }
        // Others do not come through the folder.
        set_mode(&data.journal(), 0o700);
        assert_eq!(warnings(&config).len(), 3);
    }
}
