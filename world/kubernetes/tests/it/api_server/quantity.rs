//! Tests of `api_server::types::quantity`.

use simulated_kubernetes::api_server::types::quantity::Quantity;

#[test]
fn canonical_texts_are_those_of_kubernetes() {
    let check = |text: &str, expected: &str| {
        assert_eq!(
            Quantity::parse(text).map(Quantity::canonical).as_deref(),
            Some(expected),
            "{text}"
        );
    };
    check("1024Mi", "1Gi");
    check("1.5Gi", "1536Mi");
    check("0.5", "500m");
    check("1000m", "1");
    check("2048", "2048");
    check("1000", "1k");
    check("1e3", "1e3");
    check("100Ki", "100Ki");
    check("0", "0");
    check("0.1Ki", "102400m");
    check("12e6", "12e6");
    check("-1.5", "-1500m");
}

#[test]
fn what_is_no_quantity_is_none() {
    for text in ["", "abc", "1x", "1.2.3", "Mi", "1 Gi"] {
        assert_eq!(Quantity::parse(text), None, "{text}");
    }
}
