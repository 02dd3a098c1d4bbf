//! What came of repeated measurements.

/// The median of several, the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Stats {
    /// # Panics
    /// If there are none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        Self {
            median,
            least: sorted[0],
            most: sorted[sorted.len() - 1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_between_the_least_and_the_most() {
        for (values, median) in [
            (&[7.0][..], 7.0),
            (&[3.0, 1.0, 2.0], 2.0),
            (&[4.0, 1.0, 3.0, 2.0], 2.5),
        ] {
            let stats = Stats::of(values);
            assert_eq!(stats.median, median);
            assert!(
                values
                    .iter()
                    .all(|v| (stats.least..=stats.most).contains(v))
            );
        }
    }
}
