//! Functions for reading Flink's JSON. Missing and unknown fields are accepted; sizes are limited.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Reads a value, and `null` as the default. `#[serde(default)]` does the same for a missing field.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The longest stack trace that is kept, in bytes. Flink's own have 5 to 15 KiB.
pub(crate) const STACK_TRACE_MAX: usize = 64 * 1024;

/// Reads a stack trace, and cuts one that is too long.
pub(crate) fn stack_trace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let mut text: String = or_default(deserializer)?;
    text.truncate(text.floor_char_boundary(STACK_TRACE_MAX));
    text.shrink_to_fit();
    Ok(text)
}

/// Reads a list of at most `MAX` elements, and `null` as the empty list.
///
/// Short JSON becomes large structures, so a limit on the bytes of an answer does not bound the memory.
pub(crate) fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Elements<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Elements<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} elements")
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                if list.len() == MAX {
                    return Err(A::Error::custom(format_args!(
                        "a list has more than {MAX} elements"
                    )));
                }
                list.push(element);
            }
            Ok(list)
        }
    }

    // `any`, since `null` arrives as a unit.
    deserializer.deserialize_any(Elements::<T, MAX>(PhantomData))
}

/// Reads a time or a duration in milliseconds. Flink writes -1 for "not yet".
pub(crate) fn unless_negative<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    Ok(Option::<i64>::deserialize(deserializer)?.filter(|ms| *ms >= 0))
}

/// Reads a duration in milliseconds. Flink writes `Long.MAX_VALUE` for "never".
pub(crate) fn unless_forever<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    Ok(Option::<i64>::deserialize(deserializer)?.filter(|ms| *ms != i64::MAX))
}

/// Reads a floating-point number. Flink writes `"NaN"` and `"Infinity"` as text, since JSON has no such numbers.
pub(crate) fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    struct Float;

    impl Visitor<'_> for Float {
        type Value = Option<f64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, or \"NaN\" or \"Infinity\" as text")
        }

        fn visit_unit<E>(self) -> Result<Option<f64>, E> {
            Ok(None)
        }

        fn visit_f64<E>(self, value: f64) -> Result<Option<f64>, E> {
            Ok(Some(value))
        }

        #[expect(clippy::cast_precision_loss, reason = "a metric above 2^53 needs no exact digits")]
        fn visit_i64<E>(self, value: i64) -> Result<Option<f64>, E> {
            Ok(Some(value as f64))
        }

        #[expect(clippy::cast_precision_loss, reason = "a metric above 2^53 needs no exact digits")]
        fn visit_u64<E>(self, value: u64) -> Result<Option<f64>, E> {
            Ok(Some(value as f64))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<Option<f64>, E> {
            value.parse().map(Some).map_err(|_| E::custom("expected a number"))
        }
    }

    deserializer.deserialize_any(Float)
}
