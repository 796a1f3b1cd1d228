//! Older spellings, maps spread over several keys, and messages.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;
use crate::conf::{ConfigEnum, MemorySize};

const INTERVAL: ConfigOption<SignedDuration> = ConfigOption::new("new.interval")
    .fallback(&["old.interval", "oldest.interval"])
    .default_text("60 s");
const LABELS: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("new.labels").fallback(&["old.labels"]);

fn of(entries: &[(&str, &str)]) -> Configuration {
    entries.iter().copied().collect()
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_own_key_comes_before_older_spellings_in_their_order() {
    let seconds = |entries: &[(&str, &str)]| {
        of(entries).get(&INTERVAL).unwrap().map(|interval| interval.as_secs())
    };
    assert_eq!(seconds(&[]), None);
    assert_eq!(seconds(&[("oldest.interval", "1 s")]), Some(1));
    assert_eq!(seconds(&[("oldest.interval", "1 s"), ("old.interval", "2 s")]), Some(2));
    assert_eq!(seconds(&[("old.interval", "2 s"), ("new.interval", "3 s")]), Some(3));
}

#[test]
fn the_default_applies_only_where_it_is_asked_for() {
    let empty = Configuration::new();
    assert_eq!(empty.get(&INTERVAL), Ok(None));
    assert_eq!(empty.get_or_default(&INTERVAL), Ok(SignedDuration::from_mins(1)));
    let error = empty.get_or_default(&LABELS).unwrap_err();
    assert_eq!(error.to_string(), "new.labels is not set, and it has no default");
}

#[test]
fn a_default_is_not_set_over_an_older_spelling() {
    let mut configuration = of(&[("old.interval", "2 s")]);
    assert!(!configuration.set_if_absent(&INTERVAL, "9 s"));
    assert_eq!(configuration, of(&[("old.interval", "2 s")]));

    assert!(configuration.remove_option(&INTERVAL));
    assert!(configuration.set_if_absent(&INTERVAL, "9 s"));
    assert_eq!(configuration, of(&[("new.interval", "9 s")]));
}

#[test]
fn a_map_may_be_spread_over_longer_keys() {
    let spread = [("new.labels.a", "1"), ("new.labels.b.c", "2"), ("new.labelsd", "3")];
    let mut configuration = of(&spread);
    assert!(configuration.contains(&LABELS));
    assert_eq!(configuration.get(&LABELS), Ok(Some(map(&[("a", "1"), ("b.c", "2")]))));

    // The key itself hides them, and setting it removes them.
    configuration.set("new.labels", "x:y");
    assert_eq!(configuration.get(&LABELS), Ok(Some(map(&[("x", "y")]))));
    configuration.set_option(&LABELS, map(&[("z", "w")]));
    assert_eq!(configuration.keys().collect::<Vec<_>>(), ["new.labels", "new.labelsd"]);

    assert_eq!(of(&[("old.labels.a", "1")]).get(&LABELS), Ok(Some(map(&[("a", "1")]))));
    assert!(!of(&[("new.labelsd", "3")]).contains(&LABELS));
}

#[test]
fn values_of_every_type_are_read_as_text_would_be() {
    const TEXT: ConfigOption<String> = ConfigOption::new("k");
    const SIZE: ConfigOption<MemorySize> = ConfigOption::new("k");
    const NUMBER: ConfigOption<f64> = ConfigOption::new("k");
    const WHOLE: ConfigOption<i32> = ConfigOption::new("k");
    let with = |value: Value| [("k", value)].into_iter().collect::<Configuration>();

    assert_eq!(with(Value::Int(7)).get(&TEXT), Ok(Some("7".to_owned())));
    assert_eq!(with(Value::Double(1e10)).get(&TEXT), Ok(Some("1.0E10".to_owned())));
    assert_eq!(with(Value::Int(1024)).get(&SIZE), Ok(Some(MemorySize::from_bytes(1024))));
    assert_eq!(with(Value::Int(7)).get(&NUMBER), Ok(Some(7.0)));
    assert_eq!(with(Value::from("7")).get(&WHOLE), Ok(Some(7)));
    assert!(with(Value::Double(1.5)).get(&WHOLE).is_err());
    assert!(with(Value::Int(1 << 40)).get(&WHOLE).is_err());
}

#[test]
fn fractions_have_32_bits() {
    const FRACTION: ConfigOption<f32> = ConfigOption::new("k");
    let with = |value: Value| [("k", value)].into_iter().collect::<Configuration>().get(&FRACTION);
    let tenth = with(Value::from("0.1")).unwrap().map(f64::from);
    assert_eq!(tenth, Some(0.100_000_001_490_116_12));
    assert_eq!(with(Value::from(0.1_f64)).unwrap().map(f64::from), tenth);
    assert_eq!(Value::from(0.1_f32), Value::Double(0.1));
    assert!(with(Value::Double(1e300)).is_err());
}

#[test]
fn a_wrong_value_is_reported_with_key_value_and_what_is_allowed() {
    let message =
        |key: &str, value: &str| of(&[(key, value)]).get(&INTERVAL).unwrap_err().to_string();
    let allowed = crate::conf::duration::ALLOWED;
    assert_eq!(
        message("old.interval", "5 weeks"),
        format!(
            "old.interval: \"5 weeks\" is not allowed: \"weeks\" is no unit of time; allowed: {allowed}"
        )
    );
    assert_eq!(
        message("new.interval", "soon"),
        format!(
            "new.interval: \"soon\" is not allowed: it does not start with a number; allowed: {allowed}"
        )
    );
}

#[test]
fn a_secret_does_not_get_into_a_message() {
    const SECRET: ConfigOption<BTreeMap<String, String>> = ConfigOption::new("s3.Secret-Headers");
    let error = of(&[(SECRET.key, "hunter2")]).get(&SECRET).unwrap_err();
    let message = error.to_string();
    assert_eq!(error.key(), SECRET.key);
    assert!(message.contains("******") && message.contains("allowed: pairs"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn names_of_enums_are_compared_without_regard_to_case() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Speed {
        Fast,
        Slow,
    }
    impl ConfigEnum for Speed {
        const NAMES: &'static [(&'static str, Self)] =
            &[("Fast", Self::Fast), ("SLOW", Self::Slow)];
    }
    const SPEED: ConfigOption<Speed> = ConfigOption::new("speed").default_text("SLOW");

    assert_eq!(of(&[("speed", "fAST")]).get(&SPEED), Ok(Some(Speed::Fast)));
    assert_eq!(Configuration::new().get_or_default(&SPEED), Ok(Speed::Slow));
    let error = of(&[("speed", "warp")]).get(&SPEED).unwrap_err();
    assert_eq!(
        error.to_string(),
        "speed: \"warp\" is not allowed: it is none of the known names; allowed: Fast, SLOW"
    );
    let mut configuration = Configuration::new();
    configuration.set_option(&SPEED, Speed::Fast);
    assert_eq!(configuration.text("speed").as_deref(), Some("Fast"));
}

#[test]
fn entries_are_found_by_the_beginning_of_their_key() {
    let configuration = of(&[("a", "0"), ("a.b", "1"), ("a.c.d", "2"), ("a0", "3")]);
    let found: Vec<_> = configuration.with_prefix("a.").map(|(rest, _)| rest).collect();
    assert_eq!(found, ["b", "c.d"]);
}

#[test]
fn an_overlay_wins_and_the_rest_stays() {
    let mut configuration = of(&[("a", "1"), ("b", "2")]);
    configuration.overlay(&of(&[("b", "3"), ("c", "4")]));
    assert_eq!(configuration, of(&[("a", "1"), ("b", "3"), ("c", "4")]));
    configuration.retain(|key, _| key != "a");
    assert_eq!(configuration.text_map(), map(&[("b", "3"), ("c", "4")]));
}
