//! The legacy notation of lists and maps inside one value: `a;b` and `k:v,k2:v2`.
//!
//! An element that holds the separator or a quote, that is empty, or that has blanks at its ends is wrapped in single
//! quotes, with a quote inside doubled. Double quotes work the same way when reading.

use std::collections::BTreeMap;

/// Why a text is no list or map of the legacy notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StructuredError {
    /// A quote is opened and not closed before the end.
    #[error("a quote that opens at character {position} is never closed")]
    OpenQuote { position: usize },
    /// Text follows a closing quote before the next separator.
    #[error("text follows the quoted element at character {position} without a separator")]
    TextAfterQuote { position: usize },
    /// An element of a map is not exactly one key and one value.
    #[error("{element:?} is not one key and one value with a colon between them")]
    NotAPair { element: String },
    /// The same key appears twice in a map.
    #[error("the key {key:?} appears twice")]
    DuplicateKey { key: String },
}

/// Splits a text at a separator; quoted parts may hold the separator.
///
/// Blanks around an element are dropped unless it is quoted. A separator at either end adds no
/// empty element, and an empty text has none.
pub fn split(text: &str, separator: char) -> Result<Vec<String>, StructuredError> {
    let characters: Vec<char> = text.chars().collect();
    let mut elements = Vec::new();
    let first = characters.iter().position(|&c| !java_blank(c));
    let mut at = match first {
        Some(first) if characters.get(first) == Some(&separator) => first + 1,
        Some(first) => first,
        None => return Ok(elements),
    };
    while let Some(&character) = characters.get(at) {
        if java_blank(character) {
            at += 1;
        } else if character == '\'' || character == '"' {
            let (element, next) = quoted(&characters, at)?;
            elements.push(element);
            at = after_quoted(&characters, next, separator)?;
        } else {
            let rest = characters.get(at..).unwrap_or_default();
            let length = rest.iter().position(|&c| c == separator).unwrap_or(rest.len());
            let element: String = rest.iter().take(length).collect();
            elements.push(java_trim(&element).to_owned());
            at += length + 1;
        }
    }
    Ok(elements)
}

/// Reads a quoted element that opens at `start`; yields it and the position after its last quote.
fn quoted(characters: &[char], start: usize) -> Result<(String, usize), StructuredError> {
    let quote = characters.get(start).copied().unwrap_or('\'');
    let mut element = String::new();
    let mut at = start + 1;
    while let Some(&character) = characters.get(at) {
        if character != quote {
            element.push(character);
            at += 1;
        } else if characters.get(at + 1) == Some(&quote) {
            element.push(quote);
            at += 2;
        } else {
            return Ok((element, at + 1));
        }
    }
    Err(StructuredError::OpenQuote { position: start })
}

/// Skips blanks and the separator that must follow a quoted element.
fn after_quoted(
    characters: &[char],
    start: usize,
    separator: char,
) -> Result<usize, StructuredError> {
    let mut at = start;
    while let Some(&character) = characters.get(at) {
        if character == separator {
            return Ok(at + 1);
        }
        if !java_blank(character) {
            return Err(StructuredError::TextAfterQuote { position: at });
        }
        at += 1;
    }
    Ok(at)
}

/// Splits a map of the legacy notation.
pub fn split_map(text: &str) -> Result<BTreeMap<String, String>, StructuredError> {
    let mut map = BTreeMap::new();
    for element in split(text, ',')? {
        let pair: Result<[String; 2], Vec<String>> = split(&element, ':')?.try_into();
        let Ok([key, value]) = pair else {
            return Err(StructuredError::NotAPair { element });
        };
        if map.contains_key(&key) {
            return Err(StructuredError::DuplicateKey { key });
        }
        map.insert(key, value);
    }
    Ok(map)
}

/// Joins elements to a list of the legacy notation.
pub fn join_list<T: AsRef<str>>(elements: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> =
        elements.into_iter().map(|element| quote(element.as_ref(), ';')).collect();
    quoted.join(";")
}

/// Joins pairs to a map of the legacy notation.
pub fn join_map(map: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = map
        .iter()
        .map(|(key, value)| quote(&format!("{}:{}", quote(key, ':'), quote(value, ':')), ','))
        .collect();
    pairs.join(",")
}

/// Wraps an element in single quotes when it would be read as something else without them. Flink reads an empty element
/// and blanks at the ends of one only within quotes, although it does not write them so itself.
fn quote(element: &str, separator: char) -> String {
    let blank_end = |c: char| c <= ' ' || java_blank(c);
    let bare = !element.contains(separator)
        && !element.contains(['\'', '"'])
        && !element.is_empty()
        && !element.starts_with(blank_end)
        && !element.ends_with(blank_end);
    if bare { element.to_owned() } else { format!("'{}'", element.replace('\'', "''")) }
}

/// Drops what Java's `String.trim` drops: everything up to and including the blank, at both ends.
pub(super) fn java_trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// What Java's `Character.isWhitespace` holds for blank.
fn java_blank(character: char) -> bool {
    match character {
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}' => false,
        '\u{1c}'..='\u{1f}' => true,
        other => other.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quoting_is_only_recognised_at_the_start_of_an_element() {
        assert_eq!(split("a'b;c", ';').unwrap(), ["a'b", "c"]);
        assert_eq!(split(" 'a ' ; b", ';').unwrap(), ["a ", "b"]);
        assert_eq!(split("a;'b", ';'), Err(StructuredError::OpenQuote { position: 2 }));
        assert_eq!(split("'b'c", ';'), Err(StructuredError::TextAfterQuote { position: 3 }));
    }

    #[test]
    fn empty_elements_exist_only_between_two_separators() {
        assert_eq!(split(";a;", ';').unwrap(), ["a"]);
        assert_eq!(split("a; ;b", ';').unwrap(), ["a", "", "b"]);
        assert_eq!(split(" ;; ", ';').unwrap(), [""]);
        assert_eq!(split("  ", ';').unwrap(), Vec::<String>::new());
    }

    fn element() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z;:,'\" ]{0,6}", any::<String>()]
    }

    proptest! {
        #[test]
        fn a_joined_list_splits_into_its_elements(
            elements in prop::collection::vec(element(), 0..5),
        ) {
            prop_assert_eq!(split(&join_list(&elements), ';').unwrap(), elements);
        }

        #[test]
        fn a_joined_map_splits_into_its_pairs(
            map in prop::collection::btree_map(element(), element(), 0..5),
        ) {
            prop_assert_eq!(split_map(&join_map(&map)).unwrap(), map);
        }
    }
}
