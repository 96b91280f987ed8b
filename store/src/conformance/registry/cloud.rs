//! Instances of the Cloud API: found by Meta's ids, with a stream of events of their own.

use futures::future::join_all;
use pombal_domain::{Business, Event, EventId, GraphId, Seq};

use super::*;
use crate::registry::{Appended, MAX_EVENTS, TemplateRow};

fn graph(id: &str) -> GraphId {
    id.parse().unwrap()
}

async fn pending(registry: &Registry, id: InstanceId) -> usize {
    let pending = registry.pending_events(id, 99).await.unwrap();
    pending.events.len()
}

/// An instance with this number, of the account 777.
fn of_cloud(called: &str, number: &str) -> Instance {
    Instance {
        integration: Integration::Business,
        business: Some(Business {
            phone_number: graph(number),
            account: Some(graph("777")),
        }),
        number: None,
        ..instance(called, 0)
    }
}

fn fact(row: &Instance, key: &str) -> Event {
    Event {
        id: EventId::derive(row.id, &[key]),
        projection: None,
        data: serde_json::json!({ "of": key }),
        ..event(row, 1, 0)
    }
}

pub(super) async fn an_instance_of_the_cloud_api_is_on_no_shard(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (a, b) = (of_cloud("a", "111"), of_cloud("b", "222"));
    registry.create_instance(&a).await.unwrap();
    registry.create_instance(&b).await.unwrap();
    assert_eq!(registry.instance(&a.name).await.unwrap().as_ref(), Some(&a));
    let found = registry.instance_by_phone_number(&graph("222")).await;
    assert_eq!(found.unwrap().map(|row| row.id), Some(b.id));
    let nobody = registry.instance_by_phone_number(&graph("333")).await;
    assert!(nobody.unwrap().is_none());
    let mut names: Vec<_> = registry
        .instances_of_account(&graph("777"))
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.name)
        .collect();
    names.sort();
    assert_eq!(names, [name("a"), name("b")]);
    // An index may lag: the control is a row that is on the shard.
    let control = instance("control", 0);
    registry.create_instance(&control).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let content = registry.shard_content(ShardId(0)).await.unwrap();
        let names: Vec<_> = content.instances.iter().map(|row| &row.name).collect();
        assert!(!names.contains(&&a.name) && !names.contains(&&b.name));
        if names.contains(&&control.name) {
            break;
        }
        assert!(Instant::now() < deadline, "the control row never shows up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn a_number_of_the_cloud_api_is_unique(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let first = of_cloud("first", "111");
    registry.create_instance(&first).await.unwrap();
    registry.create_instance(&first).await.unwrap();
    let second = of_cloud("second", "111");
    let refused = registry.create_instance(&second).await;
    assert!(matches!(refused, Err(Error::NumberTaken)), "{refused:?}");
    assert!(registry.instance(&second.name).await.unwrap().is_none());
    registry.delete_instance(&first).await.unwrap();
    registry.create_instance(&second).await.unwrap();
}

pub(super) async fn events_are_numbered_once_and_in_order(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let row = of_cloud("a", "111");
    let facts = ["x", "y", "z"].map(|key| fact(&row, key));
    let appended = registry.append_events(row.id, &facts[..2]).await.unwrap();
    assert_eq!(appended, [Appended::New(Seq(1)), Appended::New(Seq(2))]);
    assert!(registry.knows_event(row.id, facts[1].id).await.unwrap());
    assert!(!registry.knows_event(row.id, facts[2].id).await.unwrap());
    // A repetition with something new in its midst.
    let again = [facts[1].clone(), facts[2].clone(), facts[0].clone()];
    let appended = registry.append_events(row.id, &again).await.unwrap();
    assert_eq!(
        appended,
        [Appended::Known, Appended::New(Seq(3)), Appended::Known]
    );
    let pending = registry.pending_events(row.id, 10).await.unwrap();
    assert!(pending.is_all);
    let seen: Vec<_> = pending
        .events
        .iter()
        .map(|event| (event.seq.0, event.id))
        .collect();
    let wanted: Vec<_> = (1..).zip(facts.iter().map(|event| event.id)).collect();
    assert_eq!(seen, wanted);
    let too_many = vec![facts[0].clone(); MAX_EVENTS + 1];
    assert!(registry.append_events(row.id, &too_many).await.is_err());
}

pub(super) async fn of_many_that_append_each_gets_its_own_numbers(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let row = of_cloud("a", "111");
    let appends = (0..6).map(|n| {
        let (registry, row) = (&registry, &row);
        async move {
            let facts = ["x", "y"].map(|key| fact(row, &format!("{n}.{key}")));
            registry.append_events(row.id, &facts).await.unwrap()
        }
    });
    let mut seqs: Vec<u64> = join_all(appends)
        .await
        .into_iter()
        .flatten()
        .map(|appended| match appended {
            Appended::New(seq) => seq.0,
            Appended::Known => panic!("nothing was known"),
        })
        .collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=12).collect::<Vec<_>>());
}

pub(super) async fn what_is_sent_is_pending_no_more(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let row = of_cloud("a", "111");
    let facts = ["x", "y", "z"].map(|key| fact(&row, key));
    registry.append_events(row.id, &facts).await.unwrap();
    let first = registry.pending_events(row.id, 1).await.unwrap();
    assert_eq!(first.events[0].data, facts[0].data);
    assert!(!first.is_all);
    registry.event_sent(row.id, Seq(1)).await.unwrap();
    registry.event_sent(row.id, Seq(1)).await.unwrap();
    assert_eq!(pending(&registry, row.id).await, 2);
    // It keeps its number all the same.
    let again = registry.append_events(row.id, &facts[..1]).await.unwrap();
    assert_eq!(again, [Appended::Known]);
    assert_eq!(pending(&registry, row.id).await, 2);
}

fn template(row: &Instance, id: &str) -> TemplateRow {
    TemplateRow {
        id: uuid::Uuid::new_v4(),
        template_id: graph(id),
        name: "promo".to_owned(),
        template: serde_json::json!({ "status": "PENDING" }),
        webhook_url: Some("https://a.test/t".to_owned()),
        created_at: UnixMs(0).iso8601(),
        updated_at: UnixMs(0).iso8601(),
        instance_id: row.id,
    }
}

pub(super) async fn templates_are_their_instances_own(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (a, b) = (of_cloud("a", "111"), of_cloud("b", "222"));
    let (of_a, of_b) = (template(&a, "9"), template(&b, "8"));
    registry.put_template(&of_a).await.unwrap();
    registry.put_template(&of_b).await.unwrap();
    let found = registry.template(a.id, &graph("9")).await.unwrap();
    assert_eq!(found, Some(of_a.clone()));
    assert_eq!(registry.template(b.id, &graph("9")).await.unwrap(), None);
    assert_eq!(registry.templates(a.id).await.unwrap(), [of_a]);
    registry.remove_template(a.id, &graph("9")).await.unwrap();
    assert_eq!(registry.templates(a.id).await.unwrap(), []);
    assert_eq!(registry.templates(b.id).await.unwrap(), [of_b]);
}

pub(super) async fn a_deleted_instance_of_the_cloud_api_leaves_nothing(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let row = of_cloud("a", "111");
    registry.create_instance(&row).await.unwrap();
    let facts = ["x", "y"].map(|key| fact(&row, key));
    registry.append_events(row.id, &facts).await.unwrap();
    registry.put_template(&template(&row, "9")).await.unwrap();
    registry
        .put_hook(row.id, "wamid.1", "https://a.test/m")
        .await
        .unwrap();
    let hook = registry.hook(row.id, "wamid.1").await.unwrap();
    assert_eq!(hook.as_deref(), Some("https://a.test/m"));
    registry.delete_instance(&row).await.unwrap();
    assert_eq!(registry.tombstone(row.id).await.unwrap(), None);
    assert_eq!(registry.templates(row.id).await.unwrap(), []);
    assert_eq!(registry.hook(row.id, "wamid.1").await.unwrap(), None);
    assert_eq!(pending(&registry, row.id).await, 0);
    assert!(!registry.knows_event(row.id, facts[0].id).await.unwrap());
    let by_number = registry.instance_by_phone_number(&graph("111")).await;
    assert!(by_number.unwrap().is_none());
    let of_account = registry.instances_of_account(&graph("777")).await;
    assert!(of_account.unwrap().is_empty());
}
