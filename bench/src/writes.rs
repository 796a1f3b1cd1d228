//! The writes for an application, with the times of their arrival at the API server and of their answers.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use e2e::audit::Request;
use jiff::Timestamp;

use crate::outcome::Writes;

/// The application whose requests are searched in the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    /// Part of the name of the user who writes. `None`: the user who created the resource.
    pub account: Option<&'a str>,
}

/// A request with its times.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    pub request: &'a Request,
    pub received: Timestamp,
    pub answered: Timestamp,
}

impl<'a> Write<'a> {
    fn of(request: &'a Request) -> anyhow::Result<Self> {
        let time = |text: &str| {
            text.parse::<Timestamp>()
                .with_context(|| format!("the audit log has the time {text:?}"))
        };
        Ok(Self {
            request,
            received: time(&request.received_at)?,
            answered: time(&request.answered_at)?,
        })
    }

    pub fn is(&self, verb: &str, resource: &str) -> bool {
        self.request.verb == verb && self.request.resource == resource
    }
}

/// When the creation of the resource was answered, and who asked for it.
pub fn creation<'a>(requests: &'a [Request], subject: &Subject<'_>) -> anyhow::Result<Write<'a>> {
    let found = requests.iter().find(|request| {
        request.verb == "create"
            && request.resource == "flinkdeployments"
            && request.namespace == subject.namespace
            && request.name == subject.name
            && is_success(request)
    });
    Write::of(found.context("the creation of the resource is not in the audit log")?)
}

/// The successful writes for the application, in the order of their arrival, without the creation of the resource.
pub fn all<'a>(requests: &'a [Request], subject: &Subject<'_>) -> anyhow::Result<Vec<Write<'a>>> {
    let created = creation(requests, subject)?;
    let account = subject.account.unwrap_or(&created.request.user);
    let mut writes = requests
        .iter()
        .filter(|request| {
            is_write(&request.verb)
                && is_success(request)
                && request.namespace == subject.namespace
                && request.user.contains(account)
                && !std::ptr::eq(*request, created.request)
        })
        .map(Write::of)
        .collect::<anyhow::Result<Vec<_>>>()?;
    writes.sort_by_key(|write| (write.received, write.answered));
    Ok(writes)
}

/// Measures the writes up to the Deployment.
///
/// # Errors
///
/// A request is missing in the log: it is not written yet, or another operator created the Deployment.
pub fn measure(requests: &[Request], subject: &Subject<'_>) -> anyhow::Result<Writes> {
    let created = creation(requests, subject)?.answered;
    let writes = all(requests, subject)?;
    let Some(deployment) = writes.iter().find(|write| write.is("create", "deployments")) else {
        bail!("{}", no_deployment(requests, subject));
    };
    let up_to: Vec<&Write<'_>> =
        writes.iter().filter(|write| write.received <= deployment.received).collect();
    let first = up_to.first().map_or(deployment.received, |write| write.received);
    let in_server: f64 = up_to.iter().map(|write| seconds(write.received, write.answered)).sum();
    let objects = writes
        .iter()
        .filter(|write| write.request.verb == "create" && write.request.resource != "events")
        .map(|write| write.answered)
        .max()
        .unwrap_or(deployment.answered);
    let deployment_s = seconds(created, deployment.answered);
    let first_write_s = seconds(created, first);
    Ok(Writes {
        deployment_s,
        first_write_s,
        in_server_s: in_server,
        between_s: deployment_s - first_write_s - in_server,
        objects_s: seconds(created, objects),
        count: up_to.len(),
    })
}

fn no_deployment(requests: &[Request], subject: &Subject<'_>) -> String {
    let by_other = requests.iter().find(|request| {
        request.verb == "create"
            && request.resource == "deployments"
            && request.namespace == subject.namespace
            && is_success(request)
    });
    match by_other {
        Some(other) => format!(
            "the Deployment was created by {}, not by {}, which is measured: another operator watches the namespace",
            other.user,
            subject.account.unwrap_or("this program")
        ),
        None => "the creation of the Deployment is not in the audit log".to_owned(),
    }
}

/// Counts an account's requests in a span of time by verb and resource, in the namespace and in none. Leases and requests
/// for other resources do not count. Watches do not count either, since they are renewed at unrelated times.
pub fn counted(
    requests: &[Request],
    namespace: &str,
    account: &str,
    from: Timestamp,
    to: Timestamp,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for request in requests {
        let is_ours = request.user.contains(account)
            && (request.namespace.is_empty() || request.namespace == namespace)
            && request.verb != "watch";
        if !is_ours {
            continue;
        }
        let received = Write::of(request)?.received;
        if received >= from && received <= to {
            // Refused requests count too, with their status.
            let refused = match request.code {
                code if code >= 300 => format!(" ({code})"),
                _ => String::new(),
            };
            let resource = match request.resource.as_str() {
                "" => "(a path without a resource)",
                resource => resource,
            };
            let key = format!("{} {resource}{refused}", request.verb);
            *counts.entry(key).or_default() += 1;
        }
    }
    Ok(counts)
}

/// The seconds from one time to another.
pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

fn is_write(verb: &str) -> bool {
    ["create", "update", "patch", "delete", "deletecollection"].contains(&verb)
}

fn is_success(request: &Request) -> bool {
    (200..300).contains(&request.code)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request of the operator that arrived and was answered at these microseconds.
    pub(crate) fn request(verb: &str, resource: &str, name: &str, from: u32, to: u32) -> Request {
        Request {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            namespace: "ns".to_owned(),
            name: name.to_owned(),
            code: if verb == "create" { 201 } else { 200 },
            user: "system:serviceaccount:flink-operator:flink-operator".to_owned(),
            received_at: format!("2026-01-01T00:00:00.{from:06}Z"),
            answered_at: format!("2026-01-01T00:00:00.{to:06}Z"),
        }
    }

    pub(crate) fn by_user(mut request: Request) -> Request {
        request.user = "rig-admin".to_owned();
        request
    }

    pub(crate) const SUBJECT: Subject<'_> =
        Subject { namespace: "ns", name: "app", account: Some(":flink-operator") };

    /// The requests of our operator for a deployment.
    pub(crate) fn deployment() -> Vec<Request> {
        vec![
            by_user(request("create", "flinkdeployments", "app", 1_000, 3_000)),
            request("patch", "flinkdeployments", "app", 5_000, 6_000),
            request("patch", "flinkdeployments/status", "app", 7_000, 9_000),
            request("create", "deployments", "app", 10_000, 13_000),
            request("create", "services", "app-rest", 14_000, 16_000),
            request("create", "configmaps", "flink-config-app", 14_500, 15_000),
            request("patch", "flinkdeployments/status", "app", 17_000, 18_000),
            request("create", "events", "app.1", 19_000, 20_000),
        ]
    }

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn times_add_up_to_the_deployment() {
        let found = measure(&deployment(), &SUBJECT).unwrap();
        near(found.deployment_s, 0.010);
        near(found.first_write_s, 0.002);
        near(found.in_server_s, 0.006);
        near(found.between_s, 0.002);
        near(found.objects_s, 0.013);
        assert_eq!(found.count, 3);
    }

    #[test]
    fn writes_of_others_and_failed_ones_are_not_counted() {
        let mut requests = deployment();
        requests.push(by_user(request("patch", "flinkdeployments", "app", 5_500, 5_600)));
        let mut failed = request("patch", "flinkdeployments/status", "app", 6_500, 6_600);
        failed.code = 409;
        requests.push(failed);
        let mut elsewhere = request("create", "configmaps", "x", 6_500, 6_600);
        elsewhere.namespace = "other".to_owned();
        requests.push(elsewhere);
        requests.push(request("get", "deployments", "app", 6_500, 6_600));
        assert_eq!(
            measure(&requests, &SUBJECT).unwrap(),
            measure(&deployment(), &SUBJECT).unwrap()
        );
    }

    #[test]
    fn bare_client_is_the_user_who_created_the_resource() {
        let requests: Vec<Request> = deployment().into_iter().map(by_user).collect();
        let subject = Subject { account: None, ..SUBJECT };
        assert_eq!(
            measure(&requests, &subject).unwrap(),
            measure(&deployment(), &SUBJECT).unwrap()
        );
    }

    #[test]
    fn deployment_of_another_operator_is_an_error() {
        let subject = Subject { account: Some("ns:operator"), ..SUBJECT };
        let error = measure(&deployment(), &subject).unwrap_err().to_string();
        assert!(error.contains("another operator watches the namespace"), "{error}");
        let error = measure(&deployment()[..2], &SUBJECT).unwrap_err().to_string();
        assert_eq!(error, "the creation of the Deployment is not in the audit log");
    }

    #[test]
    fn requests_are_counted_in_a_span_of_time() {
        let mut requests = deployment();
        requests.push(request("watch", "pods", "", 8_000, 8_100));
        let mut missing = request("get", "events", "app.1", 17_000, 17_500);
        missing.code = 404;
        requests.push(missing);
        let mut version = request("get", "", "", 8_000, 8_100);
        version.namespace = String::new();
        requests.push(version);
        let time = |micros: u32| Write::of(&request("", "", "", micros, 0)).unwrap().received;
        let counts =
            counted(&requests, "ns", ":flink-operator", time(6_000), time(17_500)).unwrap();
        let expected = [
            ("create configmaps", 1),
            ("create deployments", 1),
            ("create services", 1),
            ("get (a path without a resource)", 1),
            ("get events (404)", 1),
            ("patch flinkdeployments/status", 2),
        ];
        let expected: BTreeMap<String, usize> =
            expected.into_iter().map(|(key, count)| (key.to_owned(), count)).collect();
        assert_eq!(counts, expected);
    }
}
