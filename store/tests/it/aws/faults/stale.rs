//! Reads that lag behind: what has to be current is read consistently.

use std::time::Duration;

use bad_aws::{Fault, Rule, Service};
use pombal_domain::{CommandId, ConnectorId, Desired, OldOwner, Reply, ShardId, ShardRow};
use pombal_store::Registry;
use pombal_store::conformance::aws;
use pombal_store::conformance::registry::{beat, instance};
use pombal_store::registry::ShardOwner;

use super::bad;

#[tokio::test]
async fn what_must_be_current_is_current_while_indexes_lag() {
    let good = aws::registry(&aws::connect().await).await;
    let (proxy, clients) = bad(1).await;
    let registry = Registry::new(clients.dynamodb(), good.table());
    let (made, shard) = (instance("one", 5), ShardId(5));
    registry.create_instance(&made).await.unwrap();
    let looks = async || {
        let name = made.name.clone();
        (
            registry.instance(&name).await.unwrap(),
            registry.instance_by_token(&made.token_hash).await.unwrap(),
            registry.instance_by_id(made.id).await.unwrap(),
            registry.shard_content(shard).await.unwrap(),
            registry.list_instances(None, 10).await.unwrap(),
        )
    };
    let fleet = async || registry.fleet().await.unwrap();
    assert_eq!(fleet().await, pombal_domain::Fleet::default());
    // What everybody reads first, and goes on reading where reads may lag.
    looks().await;
    let stale = proxy.add(Rule::on(Service::DynamoDb, Fault::Stale));

    let wish = registry.set_desired(&made.name, made.id, Desired::Disconnected, None);
    let now = wish.await.unwrap();
    let (by_name, by_token, by_id, content, listed) = looks().await;
    assert_eq!(by_name.as_ref(), Some(&now));
    assert_eq!(by_token.as_ref(), Some(&now));
    assert_eq!(by_id.as_ref(), Some(&now));
    // The lists are documented to lag. A generation tells how far.
    assert_eq!(content.instances[0].generation, made.generation);
    assert_eq!(listed[0].generation, made.generation);
    assert_eq!(stale.count(), 3);

    registry.delete_instance(&now).await.unwrap();
    let (by_name, by_token, by_id, content, _) = looks().await;
    assert_eq!((by_name, by_token, by_id), (None, None, None));
    assert_eq!(content.instances.len(), 1, "deleted, and still listed");

    // Another one with its name is not taken for it.
    let successor = instance("one", 5);
    registry.create_instance(&successor).await.unwrap();
    let (by_name, by_token, by_id, ..) = looks().await;
    assert_eq!(by_name.map(|row| row.id), Some(successor.id));
    assert_eq!((by_token, by_id), (None, None));

    let (me, command) = (ConnectorId::random(), CommandId::random());
    assert_eq!(registry.shard_owner(shard).await.unwrap(), None);
    let fresh = ShardRow::fresh(shard);
    let taken = registry.take_shard(&fresh, me, OldOwner::None).await;
    let owner = registry.shard_owner(shard).await.unwrap();
    let epoch = taken.unwrap();
    assert_eq!(owner, Some(ShardOwner { owner: me, epoch }));
    assert_eq!(fleet().await.shard(shard).owner, Some(me));
    for _ in 0..2 {
        let lease = beat(me);
        registry.renew_connector(&lease).await.unwrap();
        let now = fleet().await;
        assert_eq!(now.connector(me).map(|row| row.rvn), Some(lease.rvn));
    }
    assert_eq!(registry.reply(command).await.unwrap(), None);
    let put = registry.put_reply(command, &Reply::Done, Duration::from_secs(60));
    put.await.unwrap();
    assert_eq!(registry.reply(command).await.unwrap(), Some(Reply::Done));

    let log = proxy.log();
    let gets: Vec<_> = log.0.iter().filter(|e| e.operation == "GetItem").collect();
    assert!(gets.len() > 10 && gets.iter().all(|get| get.is_consistent));
}
