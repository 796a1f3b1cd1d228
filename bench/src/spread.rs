//! Four statistics of the values of many runs.

/// The lowest, the median, the ninth decile and the highest of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub min: f64,
    pub p50: f64,
    pub p90: f64,
    pub max: f64,
}

impl Spread {
    /// `None` without values. Each number is one of the values (nearest rank); none is interpolated.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        // The smallest value that `percent` of all values do not exceed.
        let at = |percent: usize| sorted.get((percent * count).div_ceil(100).max(1) - 1).copied();
        Some(Self { min: at(0)?, p50: at(50)?, p90: at(90)?, max: at(100)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], [min, p50, p90, max]: [f64; 4]) {
        assert_eq!(Spread::of(values.iter().copied()), Some(Spread { min, p50, p90, max }));
    }

    #[test]
    fn numbers_are_values_of_the_nearest_rank() {
        check(&[3.0], [3.0; 4]);
        check(&[2.0, 1.0], [1.0, 1.0, 2.0, 2.0]);
        let twenty: Vec<f64> = (1..=20_u8).rev().map(f64::from).collect();
        check(&twenty, [1.0, 10.0, 18.0, 20.0]);
        check(&twenty[..19], [2.0, 11.0, 19.0, 20.0]);
    }

    #[test]
    fn without_values_there_is_no_spread() {
        assert_eq!(Spread::of([]), None);
    }
}
