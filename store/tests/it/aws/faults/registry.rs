//! What must happen once happens once, and whoever did it is told so.

use std::time::Duration;

use bad_aws::{BadAws, Fault, Rule, Service, Told, seeds};
use futures::future::join_all;
use pombal_domain::{CommandId, Desired, Epoch, Reply, Seq};
use pombal_store::Registry;
use pombal_store::conformance::aws;
use pombal_store::conformance::registry::{event, instance};
use pombal_store::registry::Error;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::{PASSING, all_happened, bad, mix};

/// A registry on a good connection, and the same one through a proxy.
pub(super) async fn both(seed: u64) -> (BadAws, Registry, Registry) {
    let good = aws::registry(&aws::connect().await).await;
    let (proxy, clients) = bad(seed).await;
    let through = Registry::new(clients.dynamodb(), good.table());
    (proxy, good, through)
}

pub(super) fn once(fault: Fault) -> Rule {
    Rule::on(Service::DynamoDb, fault).times(1)
}

/// Every change, one after the other, each with one fault.
async fn every_change_with(fault: Fault) {
    let (proxy, good, registry) = both(1).await;
    let fails_once = || proxy.add(once(fault));
    let mut happened = Vec::new();

    let made = instance("one", 3);
    happened.push(fails_once());
    registry.create_instance(&made).await.unwrap();

    happened.push(fails_once());
    let wish = registry.set_desired(&made.name, made.id, Desired::Disconnected, None);
    let row = wish.await.unwrap();
    assert_eq!(row.desired, Desired::Disconnected);
    // A write that was sent twice counts twice.
    assert!((2..=3).contains(&row.generation), "{}", row.generation);

    happened.push(fails_once());
    registry.project(&event(&made, 2, 7)).await.unwrap();
    let row = good.instance(&made.name).await.unwrap().unwrap();
    assert_eq!((row.epoch, row.seq), (Epoch(2), Seq(7)));

    happened.push(fails_once());
    let (command, minute) = (CommandId::random(), Duration::from_secs(60));
    registry
        .put_reply(command, &Reply::Done, minute)
        .await
        .unwrap();
    assert_eq!(good.reply(command).await.unwrap(), Some(Reply::Done));

    happened.push(fails_once());
    registry.delete_instance(&made).await.unwrap();
    assert!(good.instance(&made.name).await.unwrap().is_none());
    assert!(good.tombstone(made.id).await.unwrap().is_some());
    all_happened(&happened);
}

#[tokio::test]
async fn every_change_survives_every_fault() {
    for fault in PASSING.into_iter().chain([Fault::Conflict]) {
        every_change_with(fault).await;
    }
}

#[tokio::test]
async fn every_change_survives_an_answer_that_does_not_come() {
    let (proxy, good, registry) = both(1).await;
    let never = |operation| {
        let rule = Rule::on(Service::DynamoDb, Fault::Withheld).operation(operation);
        proxy.add(rule.times(1))
    };
    let silent = [never("TransactWriteItems"), never("PutItem")];
    let (made, command) = (instance("one", 0), CommandId::random());
    let (created, replied) = tokio::join!(
        registry.create_instance(&made),
        registry.put_reply(command, &Reply::Done, Duration::from_secs(60)),
    );
    created.unwrap();
    replied.unwrap();
    all_happened(&silent);
    assert!(good.instance(&made.name).await.unwrap().is_some());
    assert!(good.reply(command).await.unwrap().is_some());
}

/// The one who created an instance is not told that the name is taken, however its answer got
/// lost.
#[tokio::test]
async fn who_created_an_instance_is_told_so() {
    let (proxy, good, registry) = both(1).await;

    // Done at the first try; the SDK's next one meets another transaction, and is cancelled.
    let happened = [
        proxy.add(once(Fault::Lost)),
        proxy.add(once(Fault::Conflict)),
    ];
    let made = instance("conflict", 0);
    registry.create_instance(&made).await.unwrap();
    all_happened(&happened);
    assert_eq!(good.instance(&made.name).await.unwrap(), Some(made));

    // Done at the first try, and no try is ever answered.
    let rule = Rule::on(Service::DynamoDb, Fault::Lost).operation("TransactWriteItems");
    let lost = proxy.add(rule);
    let made = instance("never", 0);
    registry.create_instance(&made).await.unwrap();
    assert_eq!(lost.count(), 4);
    assert_eq!(good.instance(&made.name).await.unwrap(), Some(made));

    // Another one is told.
    proxy.heal();
    let other = registry.create_instance(&instance("never", 0)).await;
    assert!(matches!(other, Err(Error::NameTaken)), "{other:?}");
}

/// Many want the same names on a bad day.
async fn names_are_given_once(seed: u64) {
    const NAMES: usize = 8;
    const CONTENDERS: usize = 6;
    let (proxy, good, registry) = both(seed).await;
    let mut faults = mix(&proxy, Service::DynamoDb, 6);
    faults.push(proxy.add(Rule::on(Service::DynamoDb, Fault::Conflict).percent(10)));
    let (mut given, mut refused) = (0, 0);
    for n in 0..NAMES {
        let wanted: Vec<_> = (0..CONTENDERS)
            .map(|_| instance(&format!("n{n}"), 0))
            .collect();
        let told = join_all(wanted.iter().map(|row| registry.create_instance(row))).await;
        let there = good.instance(&wanted[0].name).await.unwrap();
        let there = there.map(|row| row.id);
        for (row, told) in wanted.iter().zip(told) {
            let is_mine = there == Some(row.id);
            let by_token = good.instance_by_token(&row.token_hash).await.unwrap();
            assert_eq!(by_token.map(|row| row.id), is_mine.then_some(row.id));
            match told {
                Ok(()) => assert!(is_mine, "told yes, but {there:?} has it"),
                Err(Error::NameTaken) => assert!(!is_mine, "has it, but was told no"),
                // May have been done or not; the name is nobody else's then.
                Err(Error::Storage(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
            if is_mine {
                given += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(
        given > NAMES / 2 && refused > 0,
        "{given} given, {refused} not"
    );
    all_happened(&faults[..1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_given_once_on_a_bad_day() {
    for seed in seeds(0xA11CE) {
        let _told = Told(seed);
        names_are_given_once(seed).await;
    }
}

/// Wishes and projections never go back, whatever happens to their writers.
async fn rows_go_forward(seed: u64) {
    let (proxy, good, registry) = both(seed).await;
    let made = instance("one", 0);
    good.create_instance(&made).await.unwrap();
    let faults = mix(&proxy, Service::DynamoDb, 8);
    let wishes = async {
        let mut heard = 0;
        for n in 0..40 {
            let wish = [Desired::Connected, Desired::Disconnected][n % 2];
            if let Ok(row) = registry.set_desired(&made.name, made.id, wish, None).await {
                assert_eq!(row.desired, wish);
                assert!(row.generation > heard, "{} after {heard}", row.generation);
                heard = row.generation;
            }
        }
        heard
    };
    // Several deliveries at once, in any order, and each event twice.
    let mut events: Vec<_> = (1..=20).flat_map(|n| [n, n]).collect();
    events.shuffle(&mut StdRng::seed_from_u64(seed));
    let (through, row) = (&registry, &made);
    let projections = join_all(events.chunks(8).map(|part| async move {
        let mut newest = 0;
        for n in part {
            let told = through.project(&event(row, n / 10 + 1, *n)).await;
            // Done, or the row was as new before.
            if told.is_ok() {
                newest = newest.max(*n);
            }
        }
        newest
    }));
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let watch = async {
        let (mut last, mut looks) = ((Epoch(0), Seq(0), 0), 0_u32);
        while stopped.try_recv().is_err() {
            let row = good.instance(&made.name).await.unwrap().unwrap();
            let now = (row.epoch, row.seq, row.generation);
            assert!(
                now.0 >= last.0 && (now.0, now.1) >= (last.0, last.1),
                "{now:?}"
            );
            assert!(now.2 >= last.2, "{now:?} after {last:?}");
            (last, looks) = (now, looks + 1);
        }
        looks
    };
    let work = async {
        let done = tokio::join!(wishes, projections);
        stop.send(()).unwrap();
        done
    };
    let ((heard, newest), looks) = tokio::join!(work, watch);
    let row = good.instance(&made.name).await.unwrap().unwrap();
    let newest = newest.into_iter().max().unwrap();
    assert!(row.seq >= Seq(newest), "{:?} is lost", Seq(newest));
    assert!(
        row.generation >= heard && heard > 10,
        "{heard} of {}",
        row.generation
    );
    assert!(looks > 20, "only {looks} looks");
    all_happened(&faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_go_forward_on_a_bad_day() {
    for seed in seeds(0x0B5E55) {
        let _told = Told(seed);
        rows_go_forward(seed).await;
    }
}
