//! Rules on the objects of a cluster: what the API server would refuse is a fault here.

use flink_operator_api::FlinkDeploymentSpec;
use serde_json::{Value, json};

use super::rules::Rules;
use crate::{
    admission::{self, Checked, PodOf, Refusal},
    build::native::ClusterObjects,
    effective::EffectiveCluster,
    fault::Fault,
    names::ClusterName,
    pod_template::MAIN_CONTAINER,
};

/// Where settings of a pod come from that are in no template.
const OPTIONS: &str = "spec.flinkConfiguration";

/// Checks the objects that would be created, and the pods of TaskManagers.
pub(super) fn check(
    rules: &mut Rules,
    spec: &FlinkDeploymentSpec,
    effective: &EffectiveCluster,
    objects: &ClusterObjects,
    task_manager: Option<&Value>,
) {
    let name = objects.deployment.pointer("/metadata/name").and_then(Value::as_str);
    if name.is_none_or(|name| name.parse::<ClusterName>().is_err()) {
        // That has a fault of its own, and each object would repeat it.
        return;
    }
    let own = spec.job_manager.as_ref().is_some_and(|spec| spec.pod_template.is_some());
    let job_manager = Origin {
        process: "JobManager",
        template: effective.job_manager_template.as_ref(),
        fields: fields(spec, own, "spec.jobManager.podTemplate"),
    };
    if let Some(pod) = objects.deployment.pointer("/spec/template") {
        job_manager.report(rules, &admission::check_pod(pod, PodOf::Deployment), PodOf::Deployment);
    }
    let own = spec.task_manager.as_ref().is_some_and(|spec| spec.pod_template.is_some());
    let task_managers = Origin {
        process: "TaskManager",
        template: effective.task_manager_template.as_ref(),
        fields: fields(spec, own, "spec.taskManager.podTemplate"),
    };
    if let Some(pod) = task_manager {
        task_managers.report(
            rules,
            &admission::check_pod(pod, PodOf::JobManager),
            PodOf::JobManager,
        );
    }
    for object in std::iter::once(&objects.deployment).chain(&objects.accompanying) {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {}", text("/kind"), text("/metadata/name"));
        for refusal in admission::check_object(object).refusals {
            rules.add(of_options(&name, &refusal));
        }
    }
}

/// The templates that a pod is made from.
fn fields(spec: &FlinkDeploymentSpec, own: bool, own_field: &'static str) -> Vec<&'static str> {
    let common = spec.pod_template.is_some().then_some("spec.podTemplate");
    common.into_iter().chain(own.then_some(own_field)).collect()
}

/// Where the parts of a pod come from.
struct Origin<'a> {
    process: &'static str,
    /// The merged template.
    template: Option<&'a Value>,
    /// The fields that it was merged from.
    fields: Vec<&'static str>,
}

impl Origin<'_> {
    fn report(&self, rules: &mut Rules, checked: &Checked, of: PodOf) {
        let of_template =
            self.template.map(|template| admission::check_pod(&with_image(template), of));
        let is_of_template = |refusal: &Refusal| {
            of_template.as_ref().is_some_and(|found| {
                found.refusals.contains(refusal) || found.warnings.contains(refusal)
            }) || is_overlap(refusal)
        };
        for refusal in &checked.refusals {
            rules.add(self.fault(refusal, is_of_template(refusal)));
        }
        for warning in &checked.warnings {
            rules.note(self.fault(warning, is_of_template(warning)).to_string());
        }
    }

    fn fault(&self, refusal: &Refusal, is_of_template: bool) -> Fault {
        if is_of_template && !self.fields.is_empty() {
            let field = format!("{}.{}", self.fields.join(" or "), refusal.path);
            let fault = Fault::new(field, &refusal.problem, &refusal.remedy);
            return match &refusal.value {
                Some(value) => fault.with_value(value),
                None => fault,
            };
        }
        of_options(&format!("the pod of the {}", self.process), refusal)
    }
}

/// Whether something of the template has the name or the path of something that is added to it.
fn is_overlap(refusal: &Refusal) -> bool {
    [".ports[", ".volumeMounts[", "spec.volumes["].iter().any(|part| refusal.path.contains(part))
}

/// The template with the image that its main container gets.
fn with_image(template: &Value) -> Value {
    let mut template = template.clone();
    let containers = template.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if container.get("name").and_then(Value::as_str) == Some(MAIN_CONTAINER)
            && let Some(fields) = container.as_object_mut()
        {
            fields.insert("image".to_owned(), json!("image"));
        }
    }
    template
}

/// A fault of something that an option adds to an object.
fn of_options(object: &str, refusal: &Refusal) -> Fault {
    let problem = format!("in {object}, {}: {}", refusal.path, refusal.problem);
    let fault = Fault::new(OPTIONS, problem, &refusal.remedy);
    match &refusal.value {
        Some(value) => fault.with_value(value),
        None => fault,
    }
}
