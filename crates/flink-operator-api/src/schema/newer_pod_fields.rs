//! Fields of pods that Kubernetes added after the version whose types this program is built with.
//!
//! The API server drops fields that a schema does not list, so a pod template could not use them
//! otherwise. A test fails when a newer version of the types has one of these fields.

/// Types of core/v1 and the fields to add, with their types: `string`, `integer`, `boolean`,
/// `quantity`, the name of another type of core/v1, `[]` before the type of an item, `map[…]`
/// around the type of a value. An unknown type is added by listing it.
pub(super) const NEWER_POD_FIELDS: &[(&str, &[(&str, &str)])] = &[
    // Kubernetes 1.34
    ("PodSpec", &[("hostnameOverride", "string")]),
    ("Container", &[("restartPolicyRules", "[]ContainerRestartRule")]),
    ("EphemeralContainer", &[("restartPolicyRules", "[]ContainerRestartRule")]),
    (
        "ContainerRestartRule",
        &[("action", "string"), ("exitCodes", "ContainerRestartRuleOnExitCodes")],
    ),
    ("ContainerRestartRuleOnExitCodes", &[("operator", "string"), ("values", "[]integer")]),
    ("EnvVarSource", &[("fileKeyRef", "FileKeySelector")]),
    (
        "FileKeySelector",
        &[("key", "string"), ("optional", "boolean"), ("path", "string"), ("volumeName", "string")],
    ),
    ("VolumeProjection", &[("podCertificate", "PodCertificateProjection")]),
    (
        "PodCertificateProjection",
        &[
            ("certificateChainPath", "string"),
            ("credentialBundlePath", "string"),
            ("keyPath", "string"),
            ("keyType", "string"),
            ("maxExpirationSeconds", "integer"),
            ("signerName", "string"),
        ],
    ),
    ("PodStatus", &[("extendedResourceClaimStatus", "PodExtendedResourceClaimStatus")]),
    (
        "PodExtendedResourceClaimStatus",
        &[
            ("requestMappings", "[]ContainerExtendedResourceRequest"),
            ("resourceClaimName", "string"),
        ],
    ),
    (
        "ContainerExtendedResourceRequest",
        &[("containerName", "string"), ("requestName", "string"), ("resourceName", "string")],
    ),
    // Kubernetes 1.35
    ("PodSpec", &[("workloadRef", "WorkloadReference")]),
    (
        "WorkloadReference",
        &[("name", "string"), ("podGroup", "string"), ("podGroupReplicaKey", "string")],
    ),
    ("PodCertificateProjection", &[("userAnnotations", "map[string]")]),
    (
        "PodStatus",
        &[("allocatedResources", "map[quantity]"), ("resources", "ResourceRequirements")],
    ),
    // Kubernetes 1.36
    ("PodSpec", &[("schedulingGroup", "PodSchedulingGroup")]),
    ("PodSchedulingGroup", &[("podGroupName", "string")]),
    (
        "PodStatus",
        &[("nodeAllocatableResourceClaimStatuses", "[]NodeAllocatableResourceClaimStatus")],
    ),
    (
        "NodeAllocatableResourceClaimStatus",
        &[
            ("containers", "[]string"),
            ("resourceClaimName", "string"),
            ("resources", "map[quantity]"),
        ],
    ),
    ("ResourceHealth", &[("message", "string")]),
    ("VolumeMountStatus", &[("volumeStatus", "VolumeStatus")]),
    ("VolumeStatus", &[("image", "ImageVolumeStatus")]),
    ("ImageVolumeStatus", &[("imageRef", "string")]),
    // Kubernetes 1.37
    ("PodSpec", &[("evictionResponders", "[]EvictionResponder")]),
    ("EvictionResponder", &[("name", "string"), ("priority", "integer")]),
    ("HTTPGetAction", &[("protocol", "string")]),
    ("GRPCAction", &[("mode", "string")]),
    ("VolumeMount", &[("bindMountOptions", "[]string")]),
    ("ConfigMapVolumeSource", &[("defaultUser", "integer")]),
    ("DownwardAPIVolumeSource", &[("defaultUser", "integer")]),
    ("ProjectedVolumeSource", &[("defaultUser", "integer")]),
    ("SecretVolumeSource", &[("defaultUser", "integer")]),
    ("KeyToPath", &[("user", "integer")]),
    ("DownwardAPIVolumeFile", &[("user", "integer")]),
    ("ClusterTrustBundleProjection", &[("user", "integer")]),
    ("ServiceAccountTokenProjection", &[("user", "integer")]),
    ("PodCertificateProjection", &[("user", "integer")]),
    ("EmptyDirVolumeSource", &[("mode", "integer")]),
    (
        "NodeAllocatableResourceClaimStatus",
        &[
            ("mapping", "[]NodeAllocatableMappedResources"),
            ("overhead", "[]NodeAllocatableOverheadResources"),
        ],
    ),
    ("NodeAllocatableMappedResources", &[("name", "string"), ("quantity", "quantity")]),
    (
        "NodeAllocatableOverheadResources",
        &[("name", "string"), ("perContainer", "quantity"), ("perPod", "quantity")],
    ),
    ("PodStatus", &[("volumeHealth", "[]PodVolumeHealth")]),
    (
        "PodVolumeHealth",
        &[
            ("healthConditions", "[]VolumeHealthCondition"),
            ("lastTransitionTime", "string"),
            ("name", "string"),
        ],
    ),
    ("VolumeHealthCondition", &[("message", "string"), ("reason", "string"), ("status", "string")]),
];
