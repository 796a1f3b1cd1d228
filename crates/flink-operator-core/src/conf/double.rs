//! Floating-point numbers as Java writes them.

/// Formats a number as `Double.toString` does in Java: `1.0`, `0.333333`, `1.0E10`.
///
/// Flink writes CPU amounts and factors this way.
pub fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        // `{:?}` gives the fewest digits that read back, always with a decimal point here.
        return format!("{value:?}");
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_java_writes_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.333_333, "0.333333"),
            (0.001, "0.001"),
            (0.000_1, "1.0E-4"),
            (12_345_678.0, "1.2345678E7"),
            (9_999_999.0, "9999999.0"),
            (1e10, "1.0E10"),
            (-2.5, "-2.5"),
            (0.0, "0.0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(value), text);
        }
    }
}
