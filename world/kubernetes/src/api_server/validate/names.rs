//! Which texts are good as names, labels and keys. `None` if a text is good, otherwise why it is not.

/// A DNS subdomain (RFC 1123): lower-case letters, digits, `-` and `.`, at most 253 of them.
pub fn subdomain(text: &str) -> Option<String> {
    if text.len() > 253 {
        return Some("must be no more than 253 characters".to_owned());
    }
    let good = !text.is_empty() && text.split('.').all(is_label);
    (!good).then(|| "a subdomain has lower-case letters, digits, '-' and '.' alone and begins and ends with a letter or digit".to_owned())
}

/// A DNS label (RFC 1123).
pub fn label(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some("must be no more than 63 characters".to_owned());
    }
    (!is_label(text)).then(|| "a label has lower-case letters, digits and '-' alone and begins and ends with a letter or digit".to_owned())
}

/// A DNS label that begins with a letter (RFC 1035).
pub fn label_1035(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some("must be no more than 63 characters".to_owned());
    }
    let good = is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase());
    (!good).then(|| "this label has to begin with a lower-case letter and to have letters, digits and '-' alone".to_owned())
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The key of a label or an annotation, or a finalizer: a name, perhaps with a subdomain and `/` before it. Every rule
/// that it breaks is told.
pub fn qualified(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('/').collect();
    let (prefix, name) = match parts.as_slice() {
        [name] => (None, *name),
        [prefix, name] => (Some(*prefix), *name),
        _ => return vec!["a qualified name has one '/' at most".to_owned()],
    };
    let mut faults = Vec::new();
    match prefix {
        Some("") => faults.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            faults.extend(subdomain(prefix).map(|fault| format!("prefix part {fault}")));
        }
        None => {}
    }
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        faults.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_name_part(name) {
        faults.push("name part has letters, digits, '-', '_' and '.' alone and begins and ends with a letter or digit".to_owned());
    }
    faults
}

/// The value of a label. Every rule that it breaks is told.
pub fn label_value(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.len() > 63 {
        faults.push("must be no more than 63 characters".to_owned());
    }
    if !text.is_empty() && !is_name_part(text) {
        faults.push("a label's value has letters, digits, '-', '_' and '.' alone and begins and ends with a letter or digit".to_owned());
    }
    faults
}

fn is_name_part(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric());
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && edge(text.bytes().next())
        && edge(text.bytes().last())
}

/// The key of an entry of a ConfigMap or a Secret. Every rule that it breaks is told.
pub fn config_key(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.len() > 253 {
        faults.push("must be no more than 253 characters".to_owned());
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        faults.push("a key has letters, digits, '-', '_' and '.' alone".to_owned());
    }
    match text {
        "." => faults.push("must not be '.'".to_owned()),
        ".." => faults.push("must not be '..'".to_owned()),
        _ if text.starts_with("..") => faults.push("must not start with '..'".to_owned()),
        _ => {}
    }
    faults
}
