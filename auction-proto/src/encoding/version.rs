//! Versions of the protocol, and the choice of the version that both sides speak.

/// The newest version of the protocol that this crate speaks.
pub const VERSION: u16 = 2;

/// The oldest version that this crate still speaks: the one before the newest, once there is one.
pub const VERSION_OLDEST: u16 = if VERSION > 1 { VERSION - 1 } else { VERSION };

/// The oldest version that can describe a trading day or a halt of the whole market.
pub const VERSION_OF_DAYS: u16 = 2;

/// The newest version that this crate and a peer that speaks `oldest` to `newest` have in common.
#[must_use]
pub const fn version_in_common(oldest: u16, newest: u16) -> Option<u16> {
    in_common((VERSION_OLDEST, VERSION), (oldest, newest))
}

const fn in_common(own: (u16, u16), other: (u16, u16)) -> Option<u16> {
    let oldest = if own.0 > other.0 { own.0 } else { other.0 };
    let newest = if own.1 < other.1 { own.1 } else { other.1 };
    if oldest <= newest { Some(newest) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_chosen_down_to_the_one_before() {
        // Own versions, the other side's, and the expected result.
        let cases = [
            ((1, 1), (1, 1), Some(1)),
            ((1, 1), (0, 9), Some(1)),
            ((1, 1), (2, 9), None),
            ((1, 1), (0, 0), None),
            ((1, 1), (2, 1), None),
            ((4, 5), (1, 9), Some(5)),
            ((4, 5), (1, 5), Some(5)),
            ((4, 5), (1, 4), Some(4)),
            ((4, 5), (1, 3), None),
            ((4, 5), (6, 9), None),
            ((4, 5), (9, 1), None),
        ];
        for (own, other, spoken) in cases {
            assert_eq!(in_common(own, other), spoken, "{own:?} {other:?}");
        }
    }

    #[test]
    fn this_crate_speaks_the_newest_version_and_the_one_before() {
        assert_eq!(version_in_common(0, u16::MAX), Some(VERSION));
        assert_eq!(version_in_common(0, VERSION_OLDEST), Some(VERSION_OLDEST));
    }
}
