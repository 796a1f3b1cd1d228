//! Keys whose values are secrets, and are never shown.

/// Parts of a key that mark its value as a secret, which must not appear in messages or logs.
const SENSITIVE_PARTS: [&str; 10] = [
    "password",
    "secret",
    "fs.azure.account.key",
    "apikey",
    "auth-params",
    "service-key",
    "token",
    "basic-auth",
    "jaas.config",
    "http-headers",
];

/// Whether the value of this key is a secret by Flink's rule: the key contains a telling word.
pub fn is_sensitive(key: &str) -> bool {
    let key = key.to_lowercase();
    SENSITIVE_PARTS.iter().any(|part| key.contains(part))
}
