//! Instruction counts stored in the repository.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::counting::Counted;

/// Path of the file with the counts.
pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");
/// Compiler and target of this program.
pub const COMPILER: &str = env!("COMPILER");

/// Maximum increase of a path over its stored count, in percent. A decrease is not a failure, because changes of the
/// surrounding code can cause it; the next update stores it.
const TOLERANCE: u64 = 10;
const COMPILED_BY: &str = "compiled by ";

/// Content of `counts.txt`.
pub struct Kept {
    pub compiler: String,
    counts: BTreeMap<String, u64>,
}

impl Kept {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(FILE).unwrap_or_default();
        Self::parse(&text)
    }

    pub fn write(counted: &[Counted]) {
        let mut text = String::from(
            "# Instructions of one operation, by `cargo xtask instructions update`.\n",
        );
        let _ = writeln!(text, "{COMPILED_BY}{COMPILER}\n");
        for Counted { name, instructions } in counted {
            let _ = writeln!(text, "{instructions:>10}  {name}");
        }
        std::fs::write(FILE, text).expect("the repository can be written to");
    }

    fn parse(text: &str) -> Self {
        let mut kept = Self {
            compiler: String::new(),
            counts: BTreeMap::new(),
        };
        for line in text.lines().map(str::trim) {
            if let Some(compiler) = line.strip_prefix(COMPILED_BY) {
                kept.compiler = compiler.to_owned();
            } else if let Some((count, name)) = line.split_once("  ") {
                let count = count.parse().expect("a count stands first");
                kept.counts.insert(name.to_owned(), count);
            }
        }
        kept
    }

    /// Compares a count with the stored one, and describes the result in words; an error when it does not match.
    pub fn compare(&self, name: &str, instructions: u64) -> Result<String, String> {
        let Some(&kept) = self.counts.get(name) else {
            return Err("NEW: nothing is kept of it".to_owned());
        };
        let change = (instructions as f64 / kept.max(1) as f64 - 1.0) * 100.0;
        let said = format!("{change:+.1} %");
        if instructions.saturating_sub(kept) * 100 <= kept * TOLERANCE {
            Ok(said)
        } else {
            Err(format!("{said}: CHANGED from {kept}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_and_a_tenth_more_fit_and_what_is_beyond_or_new_does_not() {
        let kept = Kept::parse("# counts\ncompiled by rustc 1\n\n  200  a path\n");
        assert_eq!(kept.compiler, "rustc 1");
        for (instructions, fits) in [(100, true), (220, true), (221, false)] {
            assert_eq!(kept.compare("a path", instructions).is_ok(), fits);
        }
        assert!(kept.compare("another path", 200).is_err());
    }
}
