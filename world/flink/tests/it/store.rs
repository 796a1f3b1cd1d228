//! Tests of `store`.

use simulated_flink::store::{Kind, ObjectStore, Snapshot, normal};

#[test]
fn a_snapshot_is_found_however_its_path_is_spelled() {
    let mut store = ObjectStore::default();
    store.put(Snapshot {
        path: normal("file:///flink/sp/savepoint-1/"),
        resource: "n/a".to_owned(),
        job_id: "0".to_owned(),
        id: 1,
        offset: 5,
        kind: Kind::Savepoint,
        at_ms: 0,
        attempt: 0,
    });
    assert_eq!(normal("s3://b/x/"), "s3://b/x");
    for path in ["file:///flink/sp/savepoint-1", "file:/flink/sp/savepoint-1/"] {
        assert_eq!(store.get(path).map(|found| found.offset), Some(5), "{path}");
    }
    assert!(store.get("file:/flink/sp").is_none());
    assert!(store.remove("file:///flink/sp/savepoint-1"));
    assert!(!store.remove("file:///flink/sp/savepoint-1"));
}
