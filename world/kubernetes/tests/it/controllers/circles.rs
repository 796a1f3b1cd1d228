//! Objects that own each other, and owners that are kept by something else.

use super::*;

/// Changes an object as a client does.
fn changed(world: &World, name: &str, change: impl FnOnce(&mut Value)) {
    let mut object = world.get(kind("configmaps"), "default", name).unwrap();
    change(&mut object);
    let caller = world.caller("test");
    assert!(world.kubernetes(|k| write(k, kind("configmaps"), "", &object, &caller)));
}

#[test]
fn objects_that_own_each_other_do_not_wait_for_each_other() {
    run(1, |world| async move {
        let one = world.create(config_map("one", json!([])));
        let two = world.create(config_map("two", json!([owner(&one, true)])));
        changed(&world, "one", |one| {
            one["metadata"]["ownerReferences"] = json!([owner(&two, true)]);
        });
        delete(&world, "configmaps", "one", Propagation::Foreground);
        pass(5).await;
        assert!(world.get(kind("configmaps"), "default", "one").is_none());
        assert!(world.get(kind("configmaps"), "default", "two").is_none());
    });
}

/// Nothing blocks the owner, so it waits only for a moment; its dependents are looked at in this moment.
#[test]
fn dependents_that_do_not_block_go_although_their_owner_stays() {
    run(1, |world| async move {
        let mut object = config_map("owner", json!([]));
        object["metadata"]["finalizers"] = json!(["example.com/hold"]);
        let held = world.create(object);
        world.create(config_map("dependent", json!([owner(&held, false)])));
        delete(&world, "configmaps", "owner", Propagation::Foreground);
        pass(5).await;
        let held = world.get(kind("configmaps"), "default", "owner").unwrap();
        assert_eq!(object::finalizers(&held), ["example.com/hold"]);
        assert!(world.get(kind("configmaps"), "default", "dependent").is_none());
    });
}
