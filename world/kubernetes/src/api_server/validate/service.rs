//! Rules of Services.

use serde_json::Value;

use super::{metadata, names};
use crate::api_server::refusal::FieldFault;

pub(super) fn content(object: &Value) -> Vec<FieldFault> {
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let text = |field: &str| spec.get(field).and_then(Value::as_str).unwrap_or_default();
    let ports = spec.get("ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let headless = text("clusterIP") == "None";
    let mut faults = Vec::new();
    if ports.is_empty() && !headless && text("type") != "ExternalName" {
        faults.push(FieldFault::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{index}]");
        let name = port.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() && ports.len() > 1 {
            faults.push(FieldFault::required(&format!("{field}.name"), ""));
        } else if !name.is_empty() {
            faults.extend(
                names::label(name)
                    .map(|why| FieldFault::invalid(&format!("{field}.name"), name, why)),
            );
        }
        let number = port.get("port").and_then(Value::as_i64).unwrap_or(0);
        if !(1..=65535).contains(&number) {
            faults.push(FieldFault::invalid(
                &format!("{field}.port"),
                number,
                "must be between 1 and 65535",
            ));
        }
    }
    faults
        .extend(metadata::labels(spec.get("selector").and_then(Value::as_object), "spec.selector"));
    faults
}

pub(super) fn immutable(new: &Value, old: &Value) -> Vec<FieldFault> {
    let address = |object: &Value| {
        object.pointer("/spec/clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (new, old) = (address(new), address(old));
    if old.is_empty() || new == old {
        return Vec::new();
    }
    vec![FieldFault::invalid("spec.clusterIPs[0]", new, "may not change once set")]
}
