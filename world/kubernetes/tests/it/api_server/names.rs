//! Tests of `api_server::validate::names`.

use simulated_kubernetes::api_server::validate::names::{
    config_key, label, label_1035, label_value, qualified, subdomain,
};

#[test]
fn names_are_told_from_others() {
    for good in ["a", "a-b", "a.b", "1", "a.1-b"] {
        assert_eq!(subdomain(good), None, "{good}");
    }
    for bad in ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a/b"] {
        assert!(subdomain(bad).is_some(), "{bad}");
    }
    assert!(label("a.b").is_some());
    assert!(label_1035("1a").is_some() && label_1035("a1").is_none());
    assert!(label(&"a".repeat(64)).is_some() && subdomain(&"a".repeat(254)).is_some());
}

#[test]
fn keys_and_values_of_labels_are_told_from_others() {
    for good in ["a", "A_b.c", "example.com/name"] {
        assert!(qualified(good).is_empty(), "{good}");
    }
    for bad in ["", "a/b/c", "/a", "Example/a", "a b", "-a"] {
        assert!(!qualified(bad).is_empty(), "{bad}");
    }
    assert!(label_value("").is_empty() && label_value("a b").len() == 1);
    assert!(
        config_key("a.b_c-D").is_empty()
            && config_key("..").len() == 1
            && config_key("a b").len() == 1
    );
}
