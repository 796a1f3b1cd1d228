//! Plain scalars, documents that are refused, and round trips.

use super::*;

#[test]
fn plain_scalars_have_the_types_of_the_core_schema() {
    for (text, node) in [
        ("007", Node::Int("7".to_owned())),
        ("-0", Node::Int("0".to_owned())),
        ("0o17", Node::Int("15".to_owned())),
        ("0x1F", Node::Int("31".to_owned())),
        ("99999999999999999999", Node::Int("99999999999999999999".to_owned())),
        ("0xffffffffffffffffffff", Node::Int("1208925819614629174706175".to_owned())),
        ("1e3", Node::Float(1000.0)),
        (".5", Node::Float(0.5)),
        ("1.", Node::Float(1.0)),
        ("-.inf", Node::Float(f64::NEG_INFINITY)),
        ("yes", Node::Text("yes".to_owned())),
        ("1_000", Node::Text("1_000".to_owned())),
        ("2024-01-01", Node::Text("2024-01-01".to_owned())),
        ("0b1", Node::Text("0b1".to_owned())),
        ("'1'", Node::Text("1".to_owned())),
        ("~", Node::Null),
        ("", Node::Null),
    ] {
        assert_eq!(parse(text).unwrap(), node, "{text}");
    }
}
