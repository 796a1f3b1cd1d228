//! Tests of `api_server::representation`.

use simulated_kubernetes::api_server::representation::Representation;

#[test]
fn first_accepted_form_decides() {
    let check =
        |accept: &str, expected| assert_eq!(Representation::of(accept), expected, "{accept}");
    check(
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        Representation::MetadataOnly,
    );
    check(
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        Representation::MetadataOnly,
    );
    check("application/json", Representation::Whole);
    check("*/*", Representation::Whole);
}
