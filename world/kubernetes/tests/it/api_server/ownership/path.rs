//! Tests of `api_server::ownership::path`.

use simulated_kubernetes::api_server::ownership::path::{Step, display};

#[test]
fn steps_are_read_back_as_written() {
    for text in
        ["f:data", "f:a:b", r#"k:{"containerPort":8081,"protocol":"TCP"}"#, r#"v:"x""#, "i:3"]
    {
        assert_eq!(Step::decoded(text).map(|step| step.encoded()).as_deref(), Some(text));
    }
    assert_eq!(Step::decoded("x:1"), None);
    assert_eq!(Step::decoded("k:{}").map(|step| step.encoded()).as_deref(), Some("k:{}"));
}

#[test]
fn messages_show_paths_as_the_api_server_does() {
    let path = ["f:spec", r#"k:{"name":"a"}"#, "f:image"].map(|text| Step::decoded(text).unwrap());
    assert_eq!(display(&path), r#".spec[name="a"].image"#);
}
