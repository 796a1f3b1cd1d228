//! The core schema of YAML 1.2: which plain scalars are not text.

use super::Node;

/// The value of a plain scalar.
pub(super) fn resolve(text: &str) -> Node {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Node::Null,
        "true" | "True" | "TRUE" => return Node::Bool(true),
        "false" | "False" | "FALSE" => return Node::Bool(false),
        _ => {}
    }
    int(text).or_else(|| float(text)).unwrap_or_else(|| Node::Text(text.to_owned()))
}

/// Whether a text would be something else when written plain, so that it needs quotes.
///
/// A reference to an environment variable, `${NAME}`, counts too: Flink's library has a type for it.
pub(super) fn needs_quotes(text: &str) -> bool {
    !matches!(resolve(text), Node::Text(_)) || is_environment_reference(text)
}

/// A whole number: decimal with an optional sign, or octal `0o17`, or hexadecimal `0x1F`.
///
/// Leading zeros do not make it octal.
pub(super) fn int(text: &str) -> Option<Node> {
    let hexadecimal = text.strip_prefix("0x").map(|digits| (digits, 16));
    let octal = || text.strip_prefix("0o").map(|digits| (digits, 8));
    if let Some((digits, radix)) = hexadecimal.or_else(octal) {
        let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        return valid.then(|| Node::Int(decimal(digits, radix)));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match digits.trim_start_matches('0') {
        "" => Some(Node::Int("0".to_owned())),
        digits => Some(Node::Int(format!("{sign}{digits}"))),
    }
}

/// Converts digits of any number to decimal ones.
fn decimal(digits: &str, radix: u32) -> String {
    // Little-endian decimal digits; the numbers that occur are short.
    let mut decimal: Vec<u32> = vec![0];
    for digit in digits.chars().filter_map(|c| c.to_digit(radix)) {
        let mut carry = digit;
        for place in &mut decimal {
            let sum = *place * radix + carry;
            *place = sum % 10;
            carry = sum / 10;
        }
        while carry > 0 {
            decimal.push(carry % 10);
            carry /= 10;
        }
    }
    let text: String = decimal.iter().rev().filter_map(|d| char::from_digit(*d, 10)).collect();
    match text.trim_start_matches('0') {
        "" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// A number with a fraction or an exponent, an infinity, or not-a-number.
pub(super) fn float(text: &str) -> Option<Node> {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Node::Float(f64::NAN));
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Node::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let mantissa_valid = digits(whole)
        && fraction.is_none_or(digits)
        && (!whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty()));
    let exponent_valid = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !(mantissa_valid && exponent_valid) {
        return None;
    }
    text.parse().ok().map(Node::Float)
}

/// `${NAME}`, `${NAME:-default}` and the like.
fn is_environment_reference(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let Some(inner) = inner else { return false };
    let inner = inner.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let rest = inner.trim_start_matches(word);
    if rest.len() == inner.len() {
        return false;
    }
    if rest.is_empty() {
        return true;
    }
    let operator = rest.strip_prefix(':').unwrap_or(rest);
    operator.strip_prefix(['-', '?']).is_some_and(|default| default.chars().all(word))
}
