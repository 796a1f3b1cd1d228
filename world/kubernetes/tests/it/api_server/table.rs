//! Tests of `api_server::types::table`.

use serde_json::Value;
use simulated_kubernetes::api_server::types::table::{TABLE, builtin};
use simulated_kubernetes::api_server::types::{Key, Merged, Type, Written};

#[test]
fn every_type_that_a_field_names_is_there() {
    for (name, ty) in TABLE.iter() {
        let ty = ty.as_struct().unwrap();
        // Only objects without fields are written as `{}`; a misspelt name would be one of them.
        let empty = ["ContainerUser"];
        assert!(!ty.fields.is_empty() || empty.contains(&name.as_str()), "{name} has no fields");
    }
    assert!(TABLE.len() > 200, "{}", TABLE.len());
}

#[test]
fn keys_flags_and_order_are_read() {
    let container = builtin("Container");
    let container = container.as_struct().unwrap();
    assert_eq!(container.order.first().map(String::as_str), Some("name"));
    assert_eq!(container.fields["name"].written, Written::Always);
    assert_eq!(container.fields["livenessProbe"].written, Written::WhenGiven);
    let Type::List(ports) = &*container.fields["ports"].ty else { panic!("ports is a list") };
    let Merged::ByKeys(keys) = &ports.merged else { panic!("ports has keys") };
    assert_eq!(keys[1], Key { name: "protocol".to_owned(), default: Some(Value::from("TCP")) });
    assert!(builtin("LabelSelector").as_struct().unwrap().atomic);
}
