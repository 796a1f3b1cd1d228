//! The rules that Kubernetes has for names.

/// A rule, and what to say where it is broken.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) holds: fn(&str) -> bool,
    pub(super) problem: &'static str,
    pub(super) remedy: &'static str,
}

pub(super) const LABEL: Rule = Rule {
    holds: is_label,
    problem: "it is not a DNS label",
    remedy: "use at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
};

pub(super) const SUBDOMAIN: Rule = Rule {
    holds: is_subdomain,
    problem: "it is not a DNS subdomain",
    remedy: "use at most 253 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends of each part",
};

pub(super) const PORT: Rule = Rule {
    holds: is_port_name,
    problem: "it is not the name of a port",
    remedy: "use at most 15 lower-case letters, digits and single hyphens, at least one of them a letter, with a letter or digit \
             at both ends",
};

pub(super) const ENV: Rule = Rule {
    holds: is_env_name,
    problem: "it is not the name of an environment variable",
    remedy: "use printable ASCII characters except =",
};

pub(super) const QUALIFIED: Rule = Rule {
    holds: is_qualified_name,
    problem: "it is not a qualified name",
    remedy: "use at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends, and before it at most a DNS \
             subdomain and a slash, for example example.com/name",
};

pub(super) const LABEL_VALUE: Rule = Rule {
    holds: is_label_value,
    problem: "it is not the value of a label",
    remedy: "use at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends",
};

fn is_lower_alphanumeric(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

/// The parts of a subdomain have no limit of their own.
fn is_label_of_any_length(text: &str) -> bool {
    text.starts_with(is_lower_alphanumeric)
        && text.ends_with(is_lower_alphanumeric)
        && text.chars().all(|c| is_lower_alphanumeric(c) || c == '-')
}

pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label_of_any_length)
}

pub(super) fn is_port_name(text: &str) -> bool {
    text.len() <= 15
        && text.starts_with(is_lower_alphanumeric)
        && text.ends_with(is_lower_alphanumeric)
        && text.chars().all(|c| is_lower_alphanumeric(c) || c == '-')
        && text.contains(|c: char| c.is_ascii_lowercase())
        && !text.contains("--")
}

/// The rule since Kubernetes 1.32; older versions allow less.
fn is_env_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, ' '..='~') && c != '=')
}

pub(super) fn is_qualified_name(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}

/// An annotation may have upper-case letters in its prefix.
pub(super) fn is_annotation_name(text: &str) -> bool {
    is_qualified_name(&text.to_lowercase())
}

fn is_label_value(text: &str) -> bool {
    text.is_empty()
        || text.len() <= 63
            && text.starts_with(is_alphanumeric)
            && text.ends_with(is_alphanumeric)
            && text.chars().all(|c| is_alphanumeric(c) || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_kubernetes() {
        let cases: [(&Rule, &[&str], &[&str]); 6] = [
            (&LABEL, &["a", "1a-b", "0"], &["A", "-a", "a-", "a.b", "a_b", &"a".repeat(64)]),
            (&SUBDOMAIN, &["a.b-c.1", &"a".repeat(100)], &["a..b", ".a", "a.", "a.B", "a.-b"]),
            (&PORT, &["rest", "a-1", "8080a"], &["8080", "a--b", "-a", "Rest", "abcdefghijklmnop"]),
            (&ENV, &["A", "a.b", "1", "a b", "a-b"], &["a=b", "é", "a\tb"]),
            (
                &QUALIFIED,
                &["a", "a.b/C_d", "A-b"],
                &["", "/a", "a/", "a/b/c", "A.b/c", "-a", "a b"],
            ),
            (&LABEL_VALUE, &["", "a", "A_b.c-d"], &["a b", "-a", "a.", "ä", &"a".repeat(64)]),
        ];
        for (rule, good, bad) in cases {
            for text in good {
                assert!((rule.holds)(text), "{}: {text}", rule.problem);
            }
            for text in bad {
                assert!(!(rule.holds)(text), "{}: {text}", rule.problem);
            }
        }
        assert!(is_annotation_name("Example.com/A") && !is_annotation_name("a b"));
    }
}
