//! Whether anything needs a connector.

use std::time::Duration;

use pombal_control_plane::standby::Needs;
use pombal_domain::{ConnectionState, Desired, Instance, InstanceName, ShardId};
use pombal_store::Registry;

use crate::app::TestApp;
use crate::connector::{in_state, open, project};

async fn connected(registry: &Registry, row: &Instance) -> Instance {
    let wish = registry.set_desired(&row.name, row.id, Desired::Connected, None);
    wish.await.unwrap()
}

#[tokio::test]
async fn a_wish_needs_a_connector_until_it_is_settled() {
    let app = TestApp::start_alone().await;
    let registry = &app.stores.registry;
    let needs = Needs::new(registry.clone(), 1);
    let any = async || needs.any().await.unwrap();
    assert!(!any().await, "no instance");
    app.create("b1").await;
    app.create("b2").await;
    assert!(!any().await, "none was ever connected");

    let row = connected(registry, &app.stores.row("b2").await).await;
    assert!(any().await, "wished for");
    project(registry, &row, open(&row)).await;
    // Twice: the second time it looks at the one that it knows first.
    assert!(any().await && any().await, "open");
    // Another one needs one as well, and the first no longer does.
    let other = connected(registry, &app.stores.row("b1").await).await;
    let row = app.stores.row("b2").await;
    project(registry, &row, in_state(&row, ConnectionState::Close)).await;
    assert!(any().await, "the other one");
    project(registry, &other, in_state(&other, ConnectionState::Close)).await;
    assert!(!any().await, "both are closed for good");

    let wish = registry.set_desired(&row.name, row.id, Desired::LoggedOut, None);
    let row = wish.await.unwrap();
    assert!(any().await, "to be logged out");
    let row = Instance {
        seq: app.stores.row("b2").await.seq,
        ..row
    };
    project(registry, &row, in_state(&row, ConnectionState::Close)).await;
    assert!(!any().await, "logged out");
}

#[tokio::test]
async fn what_a_deleted_instance_has_left_needs_a_connector_until_it_is_wiped() {
    let app = TestApp::start_alone().await;
    let registry = &app.stores.registry;
    let needs = Needs::new(registry.clone(), 1);
    app.create("b1").await;
    let row = app.stores.row("b1").await;
    registry.delete_instance(&row).await.unwrap();
    assert!(needs.any().await.unwrap());
    let graves = registry.graves(ShardId(0)).await.unwrap();
    let removed = registry.remove_tombstone(&graves[0].tombstone).await;
    removed.unwrap();
    assert!(!needs.any().await.unwrap());
}

/// The one that needs a connector is found behind pages of others.
#[tokio::test]
async fn the_last_of_many_is_found() {
    let app = TestApp::start_alone().await;
    let registry = &app.stores.registry;
    let needs = Needs::new(registry.clone(), 1);
    app.create("b").await;
    let made = app.stores.row("b").await;
    for n in 0..205 {
        let row = Instance {
            id: pombal_domain::InstanceId::random(),
            name: InstanceName::parse(&format!("a{n:03}")).unwrap(),
            token_hash: format!("{n:064}"),
            ..made.clone()
        };
        registry.create_instance(&row).await.unwrap();
    }
    let search = tokio::time::timeout(Duration::from_secs(20), needs.any());
    assert!(!search.await.expect("it ends").unwrap());
    connected(registry, &made).await;
    assert!(needs.any().await.unwrap());
}
