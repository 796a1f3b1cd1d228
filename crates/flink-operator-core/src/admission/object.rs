//! Objects other than pods.

use serde_json::Value;

use super::{
    metadata,
    node::{Checked, Node},
};

/// The data of a ConfigMap together.
const DATA_BYTES_MAX: usize = 1024 * 1024;

/// Checks labels, annotations and the size of an object.
pub fn check_object(object: &Value) -> Checked {
    let mut checked = Checked::default();
    let root = Node::root(object);
    if let Some(metadata) = root.child("metadata") {
        metadata::check(&metadata, &mut checked);
    }
    if object.get("kind").and_then(Value::as_str) == Some("ConfigMap") {
        let data = root.members("data", &mut checked);
        let bytes: usize =
            data.iter().filter_map(|(_, value)| value.value.as_str()).map(str::len).sum();
        if let (true, Some(data)) = (bytes > DATA_BYTES_MAX, root.child("data")) {
            checked.refuse(
                &data,
                format!("it has {bytes} bytes"),
                format!("use at most {DATA_BYTES_MAX} bytes"),
            );
        }
    }
    checked
}
