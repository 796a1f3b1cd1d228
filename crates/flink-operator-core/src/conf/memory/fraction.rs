//! Fractions of sizes, with limits.

use crate::conf::{double::double_text, memory_size::MemorySize};

/// Multiplies a size by a factor exactly, in decimal, and drops what is less than a byte.
///
/// Java takes the fewest decimal digits of the factor; so does this. `None` when the result is more
/// than [`MemorySize::MAX`] or the factor is no number of 0 or more.
pub(super) fn multiply(size: MemorySize, factor: f64) -> Option<MemorySize> {
    if !factor.is_finite() || factor < 0.0 {
        return None;
    }
    let scientific = format!("{factor:e}");
    let (mantissa, exponent) = scientific.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let exponent = exponent - i32::try_from(fraction.len()).ok()?;
    // A size has at most 19 digits and a factor 17, so the product fits.
    let product = u128::from(size.bytes()).checked_mul(digits)?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs());
    let bytes = if exponent < 0 {
        power.map_or(0, |power| product / power)
    } else {
        product.checked_mul(power.unwrap_or(u128::MAX))?
    };
    let bytes = u64::try_from(bytes).ok()?;
    (bytes <= MemorySize::MAX.bytes()).then(|| MemorySize::from_bytes(bytes))
}

/// A part of something else that must not be smaller or larger than two limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) min: MemorySize,
    pub(super) max: MemorySize,
    /// At least 0 and less than 1.
    pub(super) fraction: f64,
}

impl Share {
    /// The share of a whole that includes it.
    pub(super) fn of(self, whole: MemorySize) -> Option<MemorySize> {
        multiply(whole, self.fraction).map(|size| size.clamp(self.min, self.max))
    }

    /// The share of a whole whose other parts are given.
    pub(super) fn beside(self, others: MemorySize) -> Option<MemorySize> {
        let factor = self.fraction / (1.0 - self.fraction);
        multiply(others, factor).map(|size| size.clamp(self.min, self.max))
    }

    pub(super) fn holds(self, size: MemorySize) -> bool {
        (self.min..=self.max).contains(&size)
    }

    /// The limits, for messages.
    pub(super) fn limits(self) -> String {
        if self.max == MemorySize::MAX {
            format!("at least {}", self.min)
        } else {
            format!("{} to {}", self.min, self.max)
        }
    }

    /// The fraction as Java writes it, for messages.
    pub(super) fn fraction_text(self) -> String {
        double_text(self.fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_exact_and_rounded_down() {
        let tenth = f64::from(0.1_f32);
        for (bytes, factor, product) in [
            (2 << 30, tenth, Some(214_748_368)),
            (2 << 30, 0.1, Some(214_748_364)),
            (1 << 62, 2.0, None),
            (1 << 62, 1.5, Some(6_917_529_027_641_081_856)),
            (1 << 40, 1e-300, Some(0)),
            (0, 1e300, Some(0)),
            (1, -0.5, None),
            (1, f64::NAN, None),
        ] {
            let size = MemorySize::from_bytes(bytes);
            let product = product.map(MemorySize::from_bytes);
            assert_eq!(multiply(size, factor), product, "{bytes} * {factor}");
        }
    }
}
