//! Reading: one object, or a list.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::api_server::Kubernetes;
use crate::api_server::refusal::{Fault, FieldFault, Refusal};
use crate::api_server::representation::Representation;
use crate::api_server::request::{Answer, Query, Request, Target};
use crate::api_server::selector::Selector;
use crate::api_server::store::{Key, Stored};

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq)]
struct Continue {
    /// The version that is listed; `None` for whatever is there now.
    version: Option<u64>,
    /// The last key that was listed.
    after: String,
}

impl Continue {
    fn encode(&self) -> String {
        let token = json!({"v": "meta.k8s.io/v1", "rv": self.version.map_or(-1, |version| i64::try_from(version).unwrap_or(-1)), "start": self.after});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn decode(text: &str) -> Option<Self> {
        let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let version = token.get("rv")?.as_i64()?;
        Some(Self {
            version: u64::try_from(version).ok(),
            after: token.get("start")?.as_str()?.to_owned(),
        })
    }
}

/// The metadata of a list, and its items.
pub(super) type Listed = (Map<String, Value>, Vec<Arc<Stored>>);

impl Kubernetes {
    pub(in crate::api_server) fn get_request(
        &mut self,
        request: &Request,
        target: &Target,
    ) -> Result<Answer, Refusal> {
        self.check_not_ahead(request.query().get("resourceVersion"))?;
        let stored = self.existing(target)?;
        Ok(Answer::bytes(200, Representation::of(&request.accept).object(&target.kind, stored)))
    }

    pub(in crate::api_server) fn list_request(
        &mut self,
        request: &Request,
        target: &Target,
    ) -> Result<Answer, Refusal> {
        let (metadata, items) = self.listed(target, &request.query())?;
        let shown = Representation::of(&request.accept);
        Ok(Answer::json(200, &shown.list(&target.kind, &metadata, &items)))
    }

    /// The objects that a list request asks for, and the list's metadata.
    pub(super) fn listed(&self, target: &Target, query: &Query) -> Result<Listed, Refusal> {
        check_list_options(query)?;
        let kind = &target.kind;
        let selector =
            Selector::parse(kind, query.get("labelSelector"), query.get("fieldSelector"))?;
        let asked = query.get("resourceVersion");
        if !asked.is_empty() && asked.parse::<u64>().is_err() {
            return Err(Refusal::bad_request(format!(
                "invalid resource version: {}",
                not_a_version(asked)
            )));
        }
        self.check_not_ahead(asked)?;
        let limit = query.number("limit").filter(|limit| *limit > 0 && asked != "0");
        let is_get = selector.is_for_one_name() && query.get("continue").is_empty();
        let limit = limit.filter(|_| !is_get);
        let token = match query.get("continue") {
            "" => None,
            text => Some(
                Continue::decode(text)
                    .ok_or_else(|| Refusal::bad_request("continue key is not valid"))?,
            ),
        };
        let exact =
            (query.get("resourceVersionMatch") == "Exact").then(|| asked.parse().ok()).flatten();
        let version = match &token {
            Some(token) => token.version,
            None => exact,
        };
        let (version, all) = match version {
            None => (self.version(), self.store.list(&kind.storage, &target.namespace)),
            Some(version) => match self.store.list_at(&kind.storage, &target.namespace, version) {
                Some(objects) => (version, objects),
                None => return Err(expired_list(token.as_ref())),
            },
        };
        let begin = token.as_ref().map_or(0, |token| {
            all.partition_point(|stored| Key::of(&stored.object).text() <= &*token.after)
        });
        let rest = all.get(begin..).unwrap_or_default();
        let mut items = Vec::new();
        let mut left = 0;
        for (index, stored) in rest.iter().enumerate() {
            if limit.is_some_and(|limit| items.len() as u64 >= limit) {
                left = rest.len() - index;
                break;
            }
            if selector.matches(&kind.shown(&stored.object)) {
                items.push(Arc::clone(stored));
            }
        }
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".to_owned(), Value::from(version.to_string()));
        if left > 0
            && let Some(last) = items.last()
        {
            let after = Key::of(&last.object).text().to_owned();
            let next = Continue { version: Some(version), after };
            metadata.insert("continue".to_owned(), Value::from(next.encode()));
            // How many of the rest match is not counted.
            if selector.is_empty() {
                metadata.insert("remainingItemCount".to_owned(), Value::from(left));
            }
        }
        Ok((metadata, items))
    }

    /// Nobody can ask for a version that does not exist yet.
    fn check_not_ahead(&self, version: &str) -> Result<(), Refusal> {
        let Ok(asked) = version.parse::<u64>() else {
            if version.is_empty() {
                return Ok(());
            }
            return Err(Refusal::new(500, "", not_a_version(version)));
        };
        let current = self.version();
        if asked <= current {
            return Ok(());
        }
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let cause =
            json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
        Err(Refusal::new(504, "Timeout", message).retry_after(1).with_detail("causes", cause))
    }
}

pub(super) fn not_a_version(text: &str) -> String {
    FieldFault::invalid("resourceVersion", text, "is no version").to_string()
}

/// What was listed so far is forgotten; with the token of the answer, the rest can be had as it is now.
fn expired_list(token: Option<&Continue>) -> Refusal {
    let Some(token) = token else {
        return Refusal::expired("The resourceVersion for the provided list is too old.");
    };
    let rest = Continue { version: None, after: token.after.clone() };
    let refusal = Refusal::expired(
        "the continue parameter is too old to go on with the same list; begin again, or go on with the token of this answer and get the rest as it is now",
    );
    Refusal { metadata: Some(Box::new(json!({"continue": rest.encode()}))), ..refusal }
}

fn check_list_options(query: &Query) -> Result<(), Refusal> {
    let matching = query.get("resourceVersionMatch");
    let mut faults = Vec::new();
    if !matching.is_empty() {
        let forbidden = |detail: &str| FieldFault::forbidden("resourceVersionMatch", detail);
        if query.get("resourceVersion").is_empty() {
            faults.push(forbidden(
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        if !query.get("continue").is_empty() {
            faults.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
        }
        if matching != "Exact" && matching != "NotOlderThan" {
            let detail = "supported values: \"Exact\", \"NotOlderThan\", \"\"";
            faults.push(FieldFault::new(
                Fault::NotSupported,
                "resourceVersionMatch",
                Value::from(matching),
                detail,
            ));
        }
        if matching == "Exact" && query.get("resourceVersion") == "0" {
            faults.push(forbidden(
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
    }
    if !query.get("sendInitialEvents").is_empty() {
        faults.push(FieldFault::forbidden(
            "sendInitialEvents",
            "sendInitialEvents is forbidden for list",
        ));
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Refusal::invalid("meta.k8s.io", "ListOptions", "", &faults))
    }
}
