//! Plain scalars, styles, documents that are refused, and round trips.

use proptest::prelude::*;

use super::{parse::YamlError, *};

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

fn int(digits: &str) -> Node {
    Node::Int(digits.to_owned())
}

#[test]
fn plain_scalars_have_the_types_of_the_core_schema() {
    for (document, node) in [
        ("007", int("7")),
        ("-0", int("0")),
        ("+5", int("5")),
        ("0o17", int("15")),
        ("0x1F", int("31")),
        ("99999999999999999999", int("99999999999999999999")),
        ("0xffffffffffffffffffff", int("1208925819614629174706175")),
        ("1e3", Node::Float(1000.0)),
        (".5", Node::Float(0.5)),
        ("1.", Node::Float(1.0)),
        ("-.inf", Node::Float(f64::NEG_INFINITY)),
        ("True", Node::Bool(true)),
        ("tRue", text("tRue")),
        ("yes", text("yes")),
        ("1_000", text("1_000")),
        ("2024-01-01", text("2024-01-01")),
        ("0b1", text("0b1")),
        ("0o8", text("0o8")),
        ("1e", text("1e")),
        (".", text(".")),
        ("'1'", text("1")),
        ("!!str 1", text("1")),
        ("! 1", text("1")),
        ("!!int '1'", int("1")),
        ("!!float 1", Node::Float(1.0)),
        ("~", Node::Null),
        ("", Node::Null),
        ("# only a comment", Node::Null),
    ] {
        assert_eq!(parse(document), Ok(node), "{document}");
    }
}

#[test]
fn documents_that_flink_refuses_are_refused_with_their_place() {
    for (document, line, column, problem) in [
        ("a: 1\nb: 2\na: 3", 3, 1, "the key a appears twice"),
        ("{1: a, 0x1: b}", 1, 8, "the key 1 appears twice"),
        ("a: 1\n---\nb: 2", 2, 1, "only one document is allowed"),
        ("a: !x 1", 1, 7, "the tag !x is not allowed here"),
        ("a: !!int x", 1, 10, "\"x\" does not have the type of its tag !!int"),
        ("a: &b [*b]", 1, 8, "the alias refers to a value that contains it"),
        ("[{: x}]", 1, 3, "a key is missing before the colon"),
    ] {
        let error = parse(document).unwrap_err();
        let expected = YamlError { line, column, problem: problem.to_owned() };
        assert_eq!(error, expected, "{document}");
    }
    for document in ["a: [b", "a: 'b", "*a", "@x", "a: b: c"] {
        assert!(parse(document).is_err(), "{document}");
    }
}

#[test]
fn the_text_and_the_number_are_different_keys() {
    let pairs = vec![(int("1"), text("a")), (text("1"), text("b"))];
    assert_eq!(parse("{1: a, '1': b}"), Ok(Node::Map(pairs)));
}

#[test]
fn aliases_are_replaced_but_cannot_blow_a_document_up() {
    let list = Node::List(vec![text("x")]);
    let pairs = vec![(text("a"), list.clone()), (text("b"), list)];
    assert_eq!(parse("a: &l [x]\nb: *l"), Ok(Node::Map(pairs)));

    let problem = |document: &str| parse(document).unwrap_err().problem;
    let repeated = format!("- &a [x]\n{}", "- *a\n".repeat(51));
    assert_eq!(problem(&repeated), "at most 50 aliases of collections are allowed");

    let wide = vec!["x"; 60_000].join(", ");
    assert_eq!(
        problem(&format!("- &a [{wide}]\n- *a")),
        "the document has more than 100000 values"
    );

    let level = |inside: &str| format!("{}{inside}{}", "[".repeat(150), "]".repeat(150));
    let deep = format!("- &a {}\n- {}", level("x"), level("*a"));
    assert_eq!(problem(&deep), "the document is nested deeper than 256");
}

/// What the recorded vectors do not show, taken from Flink 2.2.1.
#[test]
fn texts_are_written_in_the_style_that_flink_chooses() {
    let list = |items: &[&str]| Node::List(items.iter().copied().map(text).collect());
    for (node, flow) in [
        (list(&["a\nb", "c"]), "[\"a\\nb\", c]"),
        (list(&["a,b", "a:b", "a?b", "-"]), "['a,b', 'a:b', 'a?b', '-']"),
        (list(&["\u{2028}", "\u{a0}"]), "[\"\\L\", \u{a0}]"),
        (Node::Map(vec![(text(""), text("v"))]), "{? '' : v}"),
        (Node::Map(vec![(int("1"), Node::Null)]), "{1: null}"),
        (Node::List(vec![Node::Float(f64::INFINITY), Node::Float(1e10)]), "[.inf, 1.0E10]"),
    ] {
        assert_eq!(dump_flow(&node), flow);
    }
    for (key, value, document) in [
        ("k", text("\n a"), "k: |2-\n\n   a\n"),
        ("k", text("a\n\n"), "k: |+\n  a\n\n"),
        ("k", text("a \nb"), "k: \"a \\nb\"\n"),
        ("k", text("a\nb "), "k: \"a\\nb \"\n"),
        ("k", text("a\u{85}"), "k: |-\n  a\u{85}\n"),
        ("a\nb", text("v"), "? |-\n  a\n  b\n: v\n"),
        ("k", list(&["a", "b\nc"]), "k:\n- a\n- |-\n  b\n  c\n"),
        ("k", Node::List(vec![list(&["a"]), list(&[])]), "k:\n- - a\n- []\n"),
        ("k", Node::Map(Vec::new()), "k: {}\n"),
    ] {
        assert_eq!(dump_block(&[(text(key), value)]), document);
    }
    let long = "k".repeat(123);
    assert_eq!(dump_block(&[(text(&long), text("v"))]), format!("? {long}\n: v\n"));
}

/// Texts of characters that matter to YAML, and of any characters.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[-ab1 :#,\\[\\]{}?&*!|>'\"%@`~.\n\t\\\\$=<é]{0,8}",
        1 => "(true|null|1|1e3|~|yes|0x1|\\.inf|---|\\.\\.\\.|<<)",
        1 => any::<String>(),
    ]
}

fn any_node() -> impl Strategy<Value = Node> {
    let scalar = prop_oneof![
        4 => any_text().prop_map(Node::Text),
        1 => Just(Node::Null),
        1 => any::<bool>().prop_map(Node::Bool),
        1 => any::<i64>().prop_map(|number| Node::Int(number.to_string())),
        1 => any::<f64>().prop_filter("NaN is not equal to itself", |n| !n.is_nan())
            .prop_map(Node::Float),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::List),
            prop::collection::btree_map(any_text(), inner, 0..4).prop_map(|map| {
                Node::Map(map.into_iter().map(|(key, value)| (Node::Text(key), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_in_flow_style_reads_back(node in any_node()) {
        // A text alone would be in block style, which `dump_flow` is not for.
        let node = Node::List(vec![node]);
        prop_assert_eq!(parse(&dump_flow(&node)), Ok(node));
    }

    #[test]
    fn whatever_is_written_in_block_style_reads_back(key in any_text(), node in any_node()) {
        let pairs = vec![(Node::Text(key), node)];
        prop_assert_eq!(parse(&dump_block(&pairs)), Ok(Node::Map(pairs)));
    }

    #[test]
    fn whatever_is_read_is_written_so_that_it_reads_the_same(
        first in any_text(),
        second in any_text(),
    ) {
        for document in [first.clone(), format!("{first}:\n  {second}"), format!("[{first}, {second}]")] {
            if let Ok(node) = parse(&document) {
                let written = dump_flow(&Node::List(vec![node]));
                let read = parse(&written).unwrap();
                prop_assert_eq!(dump_flow(&read), written);
            }
        }
    }
}
