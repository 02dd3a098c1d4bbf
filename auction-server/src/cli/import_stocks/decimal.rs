//! Decimals as spreadsheets write them: with a point or a comma, and with groups of three digits.

use crate::cli::args::DecimalSign;

/// Reason why a text is not taken as a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// `1.234` can be one thousand or one and a bit.
    Ambiguous,
    /// No decimal at all.
    Invalid,
}

/// Returns the text with a decimal point and without groups: `1.234,50` becomes `1234.50`. A comma before any number of
/// digits but three is a decimal sign; three digits after the only sign are ambiguous unless `sign` says which one it is.
///
/// # Errors
/// [`DecimalError`]
pub fn plain(text: &str, sign: Option<DecimalSign>) -> Result<String, DecimalError> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',') || is_blank_group(c);
    if digits.is_empty() || !digits.chars().all(allowed) {
        return Err(DecimalError::Invalid);
    }
    let decimal = match sign {
        Some(DecimalSign::Point) => digits.rfind('.'),
        Some(DecimalSign::Comma) => digits.rfind(','),
        None => decimal_sign(digits)?,
    };
    let (whole, decimals) = match decimal {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let whole = without_groups(whole).ok_or(DecimalError::Invalid)?;
    match decimals {
        None => Ok(format!("{minus}{whole}")),
        Some(decimals) if is_digits(decimals) => Ok(format!("{minus}{whole}.{decimals}")),
        Some(_) => Err(DecimalError::Invalid),
    }
}

/// The place of the decimal sign; `None`: a whole number.
fn decimal_sign(digits: &str) -> Result<Option<usize>, DecimalError> {
    let signs: Vec<(usize, char)> = digits
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | ','))
        .collect();
    match *signs.as_slice() {
        [] => Ok(None),
        [(at, _)] => {
            let (before, after) = (&digits[..at], &digits[at + 1..]);
            // 0.123, 1234.567 and 1 234,567 can't be groups.
            let could_be_group = after.len() == 3
                && (1..=3).contains(&before.len())
                && is_digits(before)
                && !before.starts_with('0');
            match could_be_group {
                true => Err(DecimalError::Ambiguous),
                false => Ok(Some(at)),
            }
        }
        [.., (_, before), (_, last)] if before == last => Ok(None),
        [.., (at, _)] => Ok(Some(at)),
    }
}

/// The digits of a whole number, if its groups are all of one kind and of three digits.
fn without_groups(whole: &str) -> Option<String> {
    let Some(group) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return is_digits(whole).then(|| whole.to_owned());
    };
    let mut groups = whole.split(group);
    let first = groups.next()?;
    let fits = (1..=3).contains(&first.len()) && is_digits(first);
    let all_fit = groups.all(|group| group.len() == 3 && is_digits(group));
    (fits && all_fit).then(|| whole.chars().filter(char::is_ascii_digit).collect())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Blank, no-break blank, narrow no-break blank, apostrophes.
fn is_blank_group(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '\u{2019}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_signs_and_groups_are_read() {
        for (text, expected) in [
            ("12", "12"),
            ("12.5", "12.5"),
            ("12,50", "12.50"),
            ("1.234,50", "1234.50"),
            ("1,234.50", "1234.50"),
            ("1.234.567", "1234567"),
            ("1 234,567", "1234.567"),
            ("1'234.5", "1234.5"),
            ("1\u{a0}234,5", "1234.5"),
            ("0,123", "0.123"),
            ("1234,567", "1234.567"),
            ("-1.234,5", "-1234.5"),
        ] {
            assert_eq!(plain(text, None).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn three_digits_after_the_only_sign_need_to_be_told() {
        for text in ["1.234", "12,345", "123.456"] {
            assert_eq!(plain(text, None), Err(DecimalError::Ambiguous), "{text}");
        }
        let point = |text| plain(text, Some(DecimalSign::Point));
        let comma = |text| plain(text, Some(DecimalSign::Comma));
        assert_eq!(point("1.234").as_deref(), Ok("1.234"));
        assert_eq!(comma("1.234").as_deref(), Ok("1234"));
        assert_eq!(point("1,234").as_deref(), Ok("1234"));
        assert_eq!(comma("1,234").as_deref(), Ok("1.234"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "-",
            ".",
            ",",
            "1.",
            ".5",
            "1,",
            "12,5x",
            "1.23.4",
            "1,23,456.7",
            "1.2,3.4",
            "$1",
            "1e5",
            "--1",
            "1 23,5",
            "\u{661}",
            "+1",
        ] {
            assert_eq!(plain(text, None), Err(DecimalError::Invalid), "{text}");
        }
    }
}
