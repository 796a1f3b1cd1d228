//! Requests and answers of the API server.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::kind::{Kind, Kinds};
use super::refusal::Refusal;
use super::watch::WatchId;

/// A request, as it comes in over HTTP.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: http::Method,
    pub path: String,
    /// The part of the address behind the question mark.
    pub query: String,
    pub content_type: String,
    pub accept: String,
    pub user_agent: String,
    /// Who asks: a user name, as `system:serviceaccount:ns:name`.
    pub user: String,
    pub body: Bytes,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Body,
    /// Seconds of the header `Retry-After`.
    pub retry_after: Option<u64>,
}

#[derive(Debug)]
pub enum Body {
    Json(Bytes),
    Text(&'static str),
    /// A watch that has been opened.
    Watch(WatchId),
}

impl Answer {
    pub fn json(code: u16, body: &Value) -> Self {
        Self::bytes(code, Bytes::from(body.to_string()))
    }

    pub fn bytes(code: u16, body: Bytes) -> Self {
        Self { code, body: Body::Json(body), retry_after: None }
    }

    pub fn refusal(refusal: &Refusal) -> Self {
        let retry_after = refusal.retry_after_seconds();
        Self { retry_after, ..Self::json(refusal.code, &refusal.to_status()) }
    }
}

/// What a request is to do, in the words of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    /// Whether it does more than look.
    pub fn changes_something(self) -> bool {
        match self {
            Self::Get | Self::List | Self::Watch => false,
            Self::Create | Self::Update | Self::Patch | Self::Delete | Self::DeleteCollection => {
                true
            }
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// What a request is about.
#[derive(Clone, Debug)]
pub struct Target {
    pub kind: Arc<Kind>,
    /// Empty for all namespaces and for objects of the cluster.
    pub namespace: String,
    /// Empty for all objects.
    pub name: String,
    /// Empty for the object itself.
    pub subresource: String,
    pub verb: Verb,
}

/// The parameters behind the question mark.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1")
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }
}

impl Request {
    pub fn query(&self) -> Query {
        Query::parse(&self.query)
    }

    /// Without parameters such as a character set.
    pub fn media_type(&self) -> &str {
        self.content_type.split(';').next().unwrap_or_default().trim()
    }

    /// What the field manager is called when the request does not say: the program's name in its user agent.
    pub fn agent_name(&self) -> &str {
        self.user_agent.split('/').next().unwrap_or_default()
    }

    /// The object or the collection that the address names. `None` for everything else.
    ///
    /// # Errors
    ///
    /// The method does not fit the address.
    pub fn target(&self) -> Result<Option<Target>, Refusal> {
        let parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Ok(None),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..]
                if !rest.is_empty() && !matches!(rest, ["status" | "finalize", ..]) =>
            {
                (*namespace, rest)
            }
            rest => ("", rest),
        };
        let [plural, rest @ ..] = rest else { return Ok(None) };
        let Some(kind) = Kinds::known().by_resource(group, version, plural) else {
            return Ok(None);
        };
        if !kind.namespaced && !namespace.is_empty() {
            return Ok(None);
        }
        let (name, subresource) = match rest {
            [] => ("", ""),
            [name] => (*name, ""),
            [name, subresource] => (*name, *subresource),
            _ => return Ok(None),
        };
        let known = match subresource {
            "" => true,
            "status" => kind.status,
            "eviction" => kind.plural == "pods",
            "finalize" => kind.plural == "namespaces",
            _ => false,
        };
        // An object of a namespace cannot be named without it.
        let reachable = name.is_empty() || !kind.namespaced || !namespace.is_empty();
        if !known || !reachable {
            return Ok(None);
        }
        let verb = self.verb(kind, name, subresource)?;
        let (namespace, name, subresource) =
            (namespace.to_owned(), name.to_owned(), subresource.to_owned());
        Ok(Some(Target { kind: Arc::clone(kind), namespace, name, subresource, verb }))
    }

    fn verb(&self, kind: &Kind, name: &str, subresource: &str) -> Result<Verb, Refusal> {
        let one = !name.is_empty();
        let refused = || {
            Refusal::new(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            )
        };
        match (self.method.as_str(), one) {
            ("GET", _) if self.query().flag("watch") => Ok(Verb::Watch),
            ("GET", true) => Ok(Verb::Get),
            ("GET", false) => Ok(Verb::List),
            ("POST", false)
                if subresource.is_empty()
                    && (!kind.namespaced || self.path.contains("/namespaces/")) =>
            {
                Ok(Verb::Create)
            }
            ("POST", true) if subresource == "eviction" => Ok(Verb::Create),
            ("PUT", true) => Ok(Verb::Update),
            ("PATCH", true) => Ok(Verb::Patch),
            ("DELETE", true) if subresource.is_empty() => Ok(Verb::Delete),
            ("DELETE", false) => Ok(Verb::DeleteCollection),
            _ => Err(refused()),
        }
    }
}
