//! What is checked and filled in before an object's own rules: whether its namespace takes it, what quotas say, and
//! what every pod gets.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Kubernetes;
use super::kind::{Kind, Kinds};
use super::object;
use super::refusal::Refusal;
use super::types::quantity::Quantity;

impl Kubernetes {
    /// Whether a new object may be made in this namespace.
    ///
    /// # Errors
    ///
    /// 404 for a namespace that does not exist, 403 for one that is being deleted.
    pub(super) fn admit_namespace(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
    ) -> Result<(), Refusal> {
        if !kind.namespaced {
            return Ok(());
        }
        let namespaces = Kinds::known().plural("namespaces");
        let Some(found) = self.stored(namespaces, "", namespace) else {
            return Err(Refusal::not_found(namespaces, namespace));
        };
        if object::is_deleting(&found.object) {
            let why = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            let causes = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
            return Err(Refusal::forbidden(kind, name, &why).with_detail("causes", causes));
        }
        Ok(())
    }

    /// Whether the quotas of the namespace leave room for a new object.
    ///
    /// # Errors
    ///
    /// 403 with what is used up.
    pub(super) fn admit_quota(
        &self,
        kind: &Kind,
        namespace: &str,
        new: &Value,
    ) -> Result<(), Refusal> {
        let asked = usage(kind, new);
        if asked.is_empty() {
            return Ok(());
        }
        for quota in self.stored_list(Kinds::known().plural("resourcequotas"), namespace) {
            let hard = quota.object.pointer("/spec/hard").and_then(Value::as_object);
            let mut over = [Vec::new(), Vec::new(), Vec::new()];
            for (resource, limit) in hard.into_iter().flatten() {
                let amount =
                    asked.iter().find(|(name, _)| name == resource).map(|(_, amount)| *amount);
                let most = limit.as_str().and_then(Quantity::parse).map(Quantity::nanos);
                let (Some(amount), Some(most)) = (amount, most) else { continue };
                let used = self.used(namespace, resource);
                if used + amount > most {
                    let limit = limit.as_str().unwrap_or_default().to_owned();
                    let texts = [amount_text(resource, amount), amount_text(resource, used), limit];
                    for (list, text) in over.iter_mut().zip(texts) {
                        list.push(format!("{resource}={text}"));
                    }
                }
            }
            let [requested, used, limited] = over.map(|list| list.join(","));
            if !requested.is_empty() {
                let name = object::name(&quota.object);
                let why = format!(
                    "exceeded quota: {name}, requested: {requested}, used: {used}, limited: {limited}"
                );
                return Err(Refusal::forbidden(kind, object::name(new), &why));
            }
        }
        Ok(())
    }

    /// What the objects of a namespace use of a resource, in billionths.
    fn used(&self, namespace: &str, resource: &str) -> i128 {
        let kinds = Kinds::known().all().iter().filter(|kind| kind.namespaced);
        let objects = kinds.flat_map(|kind| {
            self.stored_list(kind, namespace).into_iter().map(|stored| (Arc::clone(kind), stored))
        });
        objects
            .filter(|(_, stored)| {
                let phase = stored.object.pointer("/status/phase").and_then(Value::as_str);
                !matches!(phase, Some("Succeeded" | "Failed"))
            })
            .flat_map(|(kind, stored)| usage(&kind, &stored.object))
            .filter(|(name, _)| name == resource)
            .map(|(_, amount)| amount)
            .sum()
    }

    /// What every pod gets on its way in.
    ///
    /// # Errors
    ///
    /// 403 if its service account does not exist. Every namespace has `default`.
    pub(super) fn admit_pod(&self, kind: &Kind, new: &mut Value) -> Result<(), Refusal> {
        self.check_service_account(kind, new)?;
        let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut) else { return Ok(()) };
        set_default(spec, "serviceAccountName", json!("default"));
        if let Some(account) = spec.get("serviceAccountName").cloned() {
            spec.insert("serviceAccount".to_owned(), account);
        }
        set_default(spec, "priority", json!(0));
        set_default(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
        let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
        if let Some(tolerations) = tolerations.as_array_mut() {
            for trouble in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
                if tolerations
                    .iter()
                    .all(|toleration| toleration.get("key") != Some(&json!(trouble)))
                {
                    tolerations.push(json!({
                        "key": trouble, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
                    }));
                }
            }
        }
        Ok(())
    }

    fn check_service_account(&self, kind: &Kind, pod: &Value) -> Result<(), Refusal> {
        let account = pod.pointer("/spec/serviceAccountName").and_then(Value::as_str);
        let account = account.filter(|name| !matches!(*name, "" | "default"));
        let Some(account) = account else { return Ok(()) };
        let namespace = object::namespace(pod);
        let accounts = Kinds::known().plural("serviceaccounts");
        if self.stored(accounts, namespace, account).is_some() {
            return Ok(());
        }
        // A generated name is not known yet where Kubernetes looks at this.
        let prefix = object::text(pod, "generateName");
        let name = if prefix.is_empty() { object::name(pod) } else { prefix };
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        );
        Err(Refusal::forbidden(kind, name, &why))
    }

    /// A Service gets its address.
    pub(super) fn admit_service(&mut self, new: &mut Value) {
        let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut) else { return };
        if spec.get("type") == Some(&json!("ExternalName")) {
            return;
        }
        if !spec.contains_key("clusterIP") {
            self.addresses += 1;
            let address = format!("10.96.{}.{}", self.addresses / 250, self.addresses % 250 + 1);
            spec.insert("clusterIP".to_owned(), Value::from(address));
        }
        let address = spec.get("clusterIP").cloned().unwrap_or_default();
        set_default(spec, "clusterIPs", json!([address]));
        set_default(spec, "ipFamilies", json!(["IPv4"]));
        set_default(spec, "ipFamilyPolicy", json!("SingleStack"));
    }
}

fn set_default(object: &mut Map<String, Value>, field: &str, value: Value) {
    if !object.contains_key(field) {
        object.insert(field.to_owned(), value);
    }
}

/// What an object counts for in quotas, in billionths.
fn usage(kind: &Kind, object: &Value) -> Vec<(String, i128)> {
    const ONE: i128 = 1_000_000_000;
    let mut usage = vec![(format!("count/{}", kind.resource()), ONE)];
    if kind.group.is_empty() {
        usage.push((kind.plural.clone(), ONE));
    }
    if kind.plural == "pods" {
        for list in ["requests", "limits"] {
            for resource in ["cpu", "memory"] {
                let containers = object
                    .pointer("/spec/containers")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                let amounts = containers.filter_map(|container| {
                    Some(
                        Quantity::parse(
                            container
                                .pointer(&format!("/resources/{list}/{resource}"))?
                                .as_str()?,
                        )?
                        .nanos(),
                    )
                });
                let sum: i128 = amounts.sum();
                usage.push((format!("{list}.{resource}"), sum));
                if list == "requests" {
                    usage.push((resource.to_owned(), sum));
                }
            }
        }
    }
    usage
}

fn amount_text(resource: &str, nanos: i128) -> String {
    if resource.ends_with("cpu") {
        return format!("{}m", nanos / 1_000_000);
    }
    (nanos / 1_000_000_000).to_string()
}
