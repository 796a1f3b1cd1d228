//! What the API server says when it does not do what it was asked for: a `Status`.

use std::fmt;

use serde_json::{Map, Value, json};

use super::kind::Kind;

/// A refused request.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    /// `details` of the Status.
    pub details: Option<Box<Map<String, Value>>>,
    /// `metadata` of the Status: where a list can go on.
    pub metadata: Option<Box<Value>>,
}

/// A fault of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldFault {
    pub fault: Fault,
    pub field: String,
    pub value: Value,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Required,
    Invalid,
    TypeInvalid,
    NotSupported,
    Duplicate,
    NotFound,
    Forbidden,
    TooLong,
    TooMany,
}

impl Fault {
    fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::NotFound => "FieldValueNotFound",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::NotFound => "Not found",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }
}

impl FieldFault {
    pub fn new(fault: Fault, field: &str, value: Value, detail: impl Into<String>) -> Self {
        Self { fault, field: field.to_owned(), value, detail: detail.into() }
    }

    pub fn required(field: &str, detail: &str) -> Self {
        Self::new(Fault::Required, field, Value::Null, detail)
    }

    pub fn invalid(field: &str, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, field, value.into(), detail)
    }

    pub fn forbidden(field: &str, detail: impl Into<String>) -> Self {
        Self::new(Fault::Forbidden, field, Value::Null, detail)
    }

    /// The message without the field.
    fn body(&self) -> String {
        let mut body = self.fault.text().to_owned();
        match self.fault {
            Fault::Required | Fault::Forbidden | Fault::TooLong => {}
            Fault::Invalid
            | Fault::TypeInvalid
            | Fault::NotSupported
            | Fault::Duplicate
            | Fault::NotFound
            | Fault::TooMany => {
                body = format!("{body}: {}", self.value);
            }
        }
        if self.detail.is_empty() { body } else { format!("{body}: {}", self.detail) }
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "<nil>" } else { &self.field };
        write!(f, "{field}: {}", self.body())
    }
}

impl Refusal {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, metadata: None }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let mut details = Map::new();
        for (field, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(field.to_owned(), Value::from(value));
            }
        }
        self.details = Some(Box::new(details));
        self
    }

    /// The client is to try again after some seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with_detail("retryAfterSeconds", seconds)
    }

    /// The same with one more field in its details.
    #[must_use]
    pub fn with_detail(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.details.get_or_insert_default().insert(field.to_owned(), value.into());
        self
    }

    /// Seconds of the header `Retry-After`, if the answer is to have it.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.details.as_ref()?.get("retryAfterSeconds")?.as_u64().filter(|seconds| *seconds > 0)
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} not found", kind.resource());
        Self::new(404, "NotFound", message).about(&kind.group, &kind.plural, name)
    }

    /// There is nothing at this address.
    pub fn no_such_page() -> Self {
        let refusal =
            Self::new(404, "NotFound", "the server could not find the requested resource");
        Self { details: Some(Box::default()), ..refusal }
    }

    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", kind.resource());
        Self::new(409, "AlreadyExists", message).about(&kind.group, &kind.plural, name)
    }

    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.resource());
        Self::new(409, "Conflict", message).about(&kind.group, &kind.plural, name)
    }

    /// The resource version that was sent is not that of the object.
    pub fn changed(kind: &Kind, name: &str) -> Self {
        Self::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// A precondition of a deletion does not hold. These messages name the kind in place of the resource.
    pub fn precondition(kind: &Kind, name: &str, why: &str) -> Self {
        let resource = kind.qualified_kind();
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        Self::new(409, "Conflict", message).about(&kind.group, &kind.kind, name)
    }

    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let subject =
            if name.is_empty() { kind.resource() } else { format!("{} {name:?}", kind.resource()) };
        Self::new(403, "Forbidden", format!("{subject} is forbidden: {why}")).about(
            &kind.group,
            &kind.plural,
            name,
        )
    }

    pub fn method_not_allowed(kind: &Kind, action: &str) -> Self {
        let message =
            format!("{action} is not supported on resources of kind {:?}", kind.resource());
        Self::new(405, "MethodNotAllowed", message).about(&kind.group, &kind.plural, "")
    }

    pub fn unsupported_media_type(supported: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            supported.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// What was asked for lies further back than the server remembers.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub fn too_many_requests(seconds: u32) -> Self {
        let message = "Too many requests, please try again later.";
        Self::new(429, "TooManyRequests", message).retry_after(seconds)
    }

    pub fn internal(message: &str) -> Self {
        let refusal =
            Self::new(500, "InternalError", format!("Internal error occurred: {message}"));
        refusal.with_detail("causes", json!([{"message": message}]))
    }

    /// The object breaks rules. The kind is that of messages, without the resource.
    pub fn invalid(group: &str, kind: &str, name: &str, faults: &[FieldFault]) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        // Faults that read the same are told once.
        let mut texts: Vec<String> = Vec::new();
        for text in faults.iter().map(ToString::to_string) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let shown = if let [one] = texts.as_slice() {
            one.clone()
        } else {
            format!("[{}]", texts.join(", "))
        };
        let causes: Vec<Value> = faults
            .iter()
            .map(|fault| {
                let field = if fault.field.is_empty() { "<nil>" } else { &fault.field };
                json!({"reason": fault.fault.reason(), "message": fault.body(), "field": field})
            })
            .collect();
        let message = format!("{qualified} {name:?} is invalid: {shown}");
        Self::new(422, "Invalid", message).about(group, kind, name).with_detail("causes", causes)
    }

    /// The answer's body.
    pub fn to_status(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".to_owned(), Value::from("Status"));
        status.insert("apiVersion".to_owned(), Value::from("v1"));
        let metadata = self.metadata.as_deref().cloned().unwrap_or_else(|| json!({}));
        status.insert("metadata".to_owned(), metadata);
        status.insert("status".to_owned(), Value::from("Failure"));
        status.insert("message".to_owned(), Value::from(self.message.clone()));
        if !self.reason.is_empty() {
            status.insert("reason".to_owned(), Value::from(self.reason));
        }
        if let Some(details) = &self.details {
            status.insert("details".to_owned(), Value::Object((**details).clone()));
        }
        status.insert("code".to_owned(), Value::from(self.code));
        Value::Object(status)
    }
}
