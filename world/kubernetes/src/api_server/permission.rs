//! Who may do what: the rules of roles.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use super::request::Target;

/// What a user may do. Whoever has no rules at all may do everything.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    users: BTreeMap<String, Vec<Rule>>,
}

/// One rule of a role: these verbs on these resources. `*` stands for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub groups: Vec<String>,
    /// Plurals; with a subresource as in `deployments/status`.
    pub resources: Vec<String>,
    pub verbs: Vec<String>,
    /// Namespaces in which the rule holds; none: everywhere.
    pub namespaces: Vec<String>,
}

impl Rule {
    pub fn new(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            groups: owned(groups),
            resources: owned(resources),
            verbs: owned(verbs),
            namespaces: Vec::new(),
        }
    }

    /// The same rule, in some namespaces only.
    #[must_use]
    pub fn within(mut self, namespaces: &[&str]) -> Self {
        self.namespaces = namespaces.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    fn allows(&self, target: &Target, verb: &str) -> bool {
        let resource = resource(target);
        let has =
            |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
        has(&self.groups, &target.kind.group)
            && has(&self.resources, &resource)
            && has(&self.verbs, verb)
            && (self.namespaces.is_empty() || self.namespaces.contains(&target.namespace))
    }
}

pub fn resource(target: &Target) -> String {
    if target.subresource.is_empty() {
        target.kind.plural.clone()
    } else {
        format!("{}/{}", target.kind.plural, target.subresource)
    }
}

impl Permissions {
    /// From now on the user may do what the rules say and nothing else.
    pub fn restrict(&mut self, user: &str, rules: Vec<Rule>) {
        self.users.insert(user.to_owned(), rules);
    }

    /// The user may do everything again.
    pub fn lift(&mut self, user: &str) {
        self.users.remove(user);
    }

    /// Whether the user may do this.
    ///
    /// # Errors
    ///
    /// 403, as the API server says it.
    pub fn check(&self, user: &str, target: &Target, verb: &str) -> Result<(), Refusal> {
        let Some(rules) = self.users.get(user) else { return Ok(()) };
        if rules.iter().any(|rule| rule.allows(target, verb)) {
            return Ok(());
        }
        let group = &target.kind.group;
        let place = match target.namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        let why = format!(
            "User {user:?} cannot {verb} resource {:?} in API group {group:?} {place}",
            resource(target)
        );
        Err(Refusal::forbidden(&target.kind, &target.name, &why))
    }
}
