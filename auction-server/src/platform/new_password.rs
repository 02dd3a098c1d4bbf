//! Rules for new passwords: long enough, and none of those that are tried first. Accounts keep the passwords they have.
//!
//! NIST SP 800-63B, section 5.1.1.2: at least eight characters, compared with commonly used ones, and no rules about kinds
//! of characters.

use auction_core::Name;

use super::password::Password;

/// Minimum length of a new password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Commonest passwords of at least five letters, in lower case and without digits and signs at their ends, one per line.
const COMMON: &str = include_str!("common_passwords.txt");

/// Reason why a password is too weak for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error(
        "a new password has at least {PASSWORD_CHARS_MIN} characters; a few words are easy to remember"
    )]
    Short,
    /// One of those that are tried first.
    #[error(
        "this password is one of the commonest, which are tried first; choose another, such as a few words"
    )]
    Common,
    /// It repeats or counts, or moves along a keyboard.
    #[error(
        "this password is a row of characters, which is tried first; choose another, such as a few words"
    )]
    Row,
    /// It is the account's name.
    #[error("this password is the name of the account; choose another, such as a few words")]
    Name,
}

/// Checks a new password for the account of this name.
///
/// # Errors
/// [`WeakPassword`].
pub fn check(password: &Password, name: Name) -> Result<(), WeakPassword> {
    password.reveal(|text| {
        if text.chars().count() < PASSWORD_CHARS_MIN {
            return Err(WeakPassword::Short);
        }
        let text = text.to_lowercase();
        if is_row(&text) {
            return Err(WeakPassword::Row);
        }
        let is_letter = |c: char| c.is_alphabetic();
        let word = text.trim_matches(|c: char| !is_letter(c));
        if text == name.as_str() || word == name.as_str() {
            return Err(WeakPassword::Name);
        }
        let is_common = |word: &str| COMMON.lines().any(|common| common == word);
        // As it is typed, without what is put around a word, and with the usual signs for letters.
        if [&text, word, &plain(&text), &plain(word)]
            .into_iter()
            .any(is_common)
        {
            return Err(WeakPassword::Common);
        }
        Ok(())
    })
}

/// The letters behind the usual signs: `p@ssw0rd` is `password`.
fn plain(text: &str) -> String {
    let letters: String = text
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            c => c,
        })
        .collect();
    letters
        .trim_matches(|c: char| !c.is_alphabetic())
        .to_owned()
}

/// Rows of keys; also read backwards.
const ROWS: [&str; 8] = [
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
];

/// Returns whether a text repeats a short piece, or is made of at most two pieces of rows.
fn is_row(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let repeats = |piece: usize| {
        chars
            .iter()
            .enumerate()
            .all(|(at, c)| *c == chars[at % piece])
    };
    if (1..=3).any(repeats) {
        return true;
    }
    let is_piece = |piece: &[char]| {
        let forth: String = piece.iter().collect();
        let back: String = piece.iter().rev().collect();
        ROWS.iter()
            .any(|row| row.contains(&forth) || row.contains(&back))
    };
    // A piece of fewer characters is in every text.
    const PIECE_MIN: usize = 3;
    is_piece(&chars)
        || (PIECE_MIN..=chars.len().saturating_sub(PIECE_MIN))
            .any(|at| is_piece(&chars[..at]) && is_piece(&chars[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), WeakPassword> {
        let password = Password::new(text.to_owned()).unwrap();
        check(&password, Name::parse("mia.from.berlin").unwrap())
    }

    #[test]
    fn the_minimum_counts_characters_and_not_bytes() {
        assert_eq!(checked("kx7-qhv"), Err(WeakPassword::Short));
        assert_eq!(checked("kx7-qhvb"), Ok(()));
        assert_eq!(checked("ключик7"), Err(WeakPassword::Short));
        assert_eq!(checked("ключик7б"), Ok(()));
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for (text, expected) in [
            ("password", WeakPassword::Common),
            ("Password", WeakPassword::Common),
            ("PASSWORD1!", WeakPassword::Common),
            ("p@ssw0rd", WeakPassword::Common),
            ("P4$$w0rd2024", WeakPassword::Common),
            ("iloveyou", WeakPassword::Common),
            ("!!sunshine99", WeakPassword::Common),
            ("letmein123", WeakPassword::Common),
            ("trustno1", WeakPassword::Common),
            ("12345678", WeakPassword::Row),
            ("87654321", WeakPassword::Row),
            ("abcd1234", WeakPassword::Row),
            ("qwertyuiop", WeakPassword::Row),
            ("qwerty123", WeakPassword::Row),
            ("1q2w3e4r", WeakPassword::Row),
            ("aaaaaaaa", WeakPassword::Row),
            ("xyxyxyxy", WeakPassword::Row),
            ("123123123", WeakPassword::Row),
            ("mia.from.berlin", WeakPassword::Name),
            ("Mia.From.Berlin", WeakPassword::Name),
            ("mia.from.berlin1", WeakPassword::Name),
        ] {
            assert_eq!(checked(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn others_are_taken() {
        for text in [
            "correct horse battery staple",
            "correct-horse",
            "a password",
            "secret word",
            "passwordless lunch",
            "abcd7xyzzy",
            "12345678901x2",
        ] {
            assert_eq!(checked(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_list_is_in_the_form_in_which_it_is_searched() {
        for (at, word) in COMMON.lines().enumerate() {
            let line = at + 1;
            assert_eq!(word, word.to_lowercase(), "line {line}");
            assert!(word.chars().count() >= 5, "line {line}: {word}");
        }
        let words: Vec<_> = COMMON.lines().collect();
        let sorted: std::collections::BTreeSet<_> = words.iter().copied().collect();
        assert!(sorted.into_iter().eq(words), "sorted, each once");
    }
}
