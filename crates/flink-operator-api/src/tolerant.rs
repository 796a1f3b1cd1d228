//! Deserialisation as lenient as that of the Java operator's JSON library.

use serde::{Deserialize, Deserializer};

/// Reads an explicit `null` as the type's default: `0` for numbers that cannot be unset.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
