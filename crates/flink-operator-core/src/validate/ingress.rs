//! Rules on the template of an ingress, which gives the host and path of Flink's web interface.

use std::sync::LazyLock;

use regex::{NoExpand, Regex};

use crate::fault::Fault;

/// Host and path under which an ingress serves the web interface of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidIngress {
    /// `None` stands for any host.
    pub host: Option<String>,
    /// Some ingress controllers take it as a regular expression. `None` stands for any path.
    pub path: Option<String>,
}

const FIELD: &str = "spec.ingress.template";
const REMEDY: &str = "write a host, a path or both, for example \
                      {{name}}.{{namespace}}.example.com or /{{namespace}}/{{name}}(/|$)(.*)";

/// Maximum length of a DNS name.
const HOST_LEN_MAX: usize = 253;

/// Replaces the placeholders of a template and splits the result into host and path.
///
/// # Errors
///
/// The template is missing, or it gives no valid host and no path.
pub fn ingress(template: Option<&str>, name: &str, namespace: &str) -> Result<ValidIngress, Fault> {
    let Some(template) = template else {
        return Err(Fault::new(FIELD, "it is not set", REMEDY));
    };
    let fault = |problem: String| Fault::new(FIELD, problem, REMEDY).with_value(template);
    let filled = fill_in(template, name, namespace);
    let address = without_scheme(&filled);
    let address = address.split('#').next().unwrap_or_default();
    let authority_end = address.find(['/', '?']).unwrap_or(address.len());
    let (authority, rest) = address.split_at_checked(authority_end).unwrap_or((address, ""));
    let path = rest.split('?').next().unwrap_or_default();
    let host = host(authority).map_err(fault)?;
    if host.is_none() && path.is_empty() {
        return Err(fault("it has neither a host nor a path".to_owned()));
    }
    let path = Some(path.to_owned()).filter(|path| !path.trim().is_empty());
    Ok(ValidIngress { host, path })
}

/// Replaces the placeholders `{{name}}` and `{{namespace}}`, in upper or lower case.
fn fill_in(template: &str, name: &str, namespace: &str) -> String {
    static NAME: LazyLock<Regex> = LazyLock::new(|| placeholder("name"));
    static NAMESPACE: LazyLock<Regex> = LazyLock::new(|| placeholder("namespace"));
    let named = NAME.replace_all(template, NoExpand(name));
    NAMESPACE.replace_all(&named, NoExpand(namespace)).into_owned()
}

fn placeholder(name: &str) -> Regex {
    Regex::new(&format!(r"(?i)\{{\{{{name}\}}\}}")).expect("the pattern has no user input")
}

fn without_scheme(address: &str) -> &str {
    for scheme in ["http://", "https://"] {
        if let Some((start, rest)) = address.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return rest;
        }
    }
    address
}

/// The host of a URI's authority. User and port are dropped: an ingress has neither.
fn host(authority: &str) -> Result<Option<String>, String> {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some((_, port)) => return Err(format!("{port:?} is not a port number")),
        None => host,
    };
    if host.is_empty() {
        return Ok(None);
    }
    let domain = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let valid = domain.len() <= HOST_LEN_MAX && domain.split('.').all(label);
    if valid {
        Ok(Some(host.to_owned()))
    } else {
        Err(format!("{host:?} is not a host name that an ingress can have"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, host: Option<&str>, path: Option<&str>) {
        let valid = ingress(Some(template), "app", "ns").unwrap();
        assert_eq!((valid.host.as_deref(), valid.path.as_deref()), (host, path), "{template}");
    }

    #[test]
    fn host_and_path_are_taken_from_the_template() {
        check("{{name}}.{{namespace}}.example.com", Some("app.ns.example.com"), None);
        check("{{NAME}}.Example.com".to_lowercase().as_str(), Some("app.example.com"), None);
        check("HTTPS://{{Name}}.x/{{nameSpace}}", Some("app.x"), Some("/ns"));
        check("/{{namespace}}/{{name}}(/|$)(.*)", None, Some("/ns/app(/|$)(.*)"));
        check("*.example.com:8443/a?b#c", Some("*.example.com"), Some("/a"));
        check("user@host/", Some("host"), Some("/"));
    }

    #[test]
    fn a_template_without_a_valid_host_or_path_is_refused() {
        assert_eq!(ingress(None, "app", "ns").unwrap_err().value, None);
        for template in ["", "http://", "?", "Upper.case", "a..b", "-a", "a_b", "h:x/", "{{nam}}"] {
            let fault = ingress(Some(template), "app", "ns").unwrap_err();
            assert_eq!(fault.value.as_deref(), Some(template));
        }
    }
}
