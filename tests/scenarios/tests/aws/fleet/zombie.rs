//! A connector sleeps for longer than its lease, and goes on.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bad_aws::{Entry, Log, Service};
use pombal_scenarios::{Fleet, FleetOptions, Member};

use super::town::Town;

/// What a connector asks of AWS to write a session, to publish, to acknowledge.
const WRITES: [(Service, &str); 6] = [
    (Service::S3, "PUT"),
    (Service::S3, "POST"),
    (Service::S3, "DELETE"),
    (Service::Sqs, "SendMessageBatch"),
    (Service::Sqs, "DeleteMessageBatch"),
    (Service::Sqs, "ChangeMessageVisibility"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_does_nothing_and_joins_again() {
    let fleet = Fleet::start(FleetOptions::new(3).watched()).await;
    let world = &fleet.world;
    let town = Town::open(&fleet).await;
    town.is_open(world).await;
    let zombie = &fleet.members[fleet.busiest().await];
    let report = zombie.report().await.unwrap();
    assert!(report.open > 0, "it has no socket: {report:?}");
    let talking_at = Instant::now();
    town.talks(world).await;
    assert!(zombie.relay().frames_after(talking_at) > 0);
    assert!(!writes(&all_requests(zombie, talking_at)).is_empty());

    // Its sockets stay open while it sleeps: WhatsApp sees those of the new owners beside them.
    world.whatsapp.expects_violations(["two-live-sockets"]);
    zombie.stop();
    fleet
        .settle_among("the others", |member| member.name() != zombie.name())
        .await;
    town.is_open(world).await;
    town.talks(world).await;
    let asleep = world.whatsapp.violations().await;
    assert_eq!(asleep.len(), report.open, "{asleep:#?}");

    let (woken_at, woken_ms) = (Instant::now(), now_ms());
    let events_before = events(&fleet);
    zombie.go_on();
    fleet.settle().await;
    town.talks(world).await;

    assert!(zombie.relay().opened_before(woken_at) >= report.open);
    assert_eq!(
        zombie.relay().frames_after(woken_at),
        0,
        "it has sent frames"
    );
    let asked = before_its_first_take(all_requests(zombie, woken_at));
    let late = writes(&asked);
    assert!(late.is_empty(), "it has written: {late:#?}");
    assert_eq!(zombie.report().await.unwrap().losses, report.shards as u64);
    town.ends(world).await;
    no_epoch_comes_back(&fleet, &events_before);
    let violations = world.whatsapp.violations().await;
    let awake = violations.iter().filter(|it| it.at_ms >= woken_ms);
    assert_eq!(awake.count(), 0, "{violations:#?}");
}

/// What it asked AWS for since then.
fn all_requests(zombie: &Member, since: Instant) -> Vec<Entry> {
    let Log(entries) = zombie.aws().log();
    entries
        .into_iter()
        .filter(|entry| entry.at >= since)
        .collect()
}

/// What comes before it takes a shard anew. Before that it can only be about what it has lost.
fn before_its_first_take(requests: Vec<Entry>) -> Vec<Entry> {
    let takes = |entry: &Entry| {
        entry.service == Service::DynamoDb && entry.operation == "TransactWriteItems"
    };
    let before = requests.into_iter().take_while(|entry| !takes(entry));
    before.collect()
}

/// Those of the requests that write a session, publish or acknowledge.
fn writes(requests: &[Entry]) -> Vec<&Entry> {
    let writes = |entry: &&Entry| WRITES.contains(&(entry.service, entry.operation.as_str()));
    requests.iter().filter(writes).collect()
}

/// Per instance: how many webhooks there were, and the newest epoch of an event.
fn events(fleet: &Fleet) -> Vec<(String, usize, u64)> {
    let names = (0..).map(|n| format!("i{n}"));
    let seen = names.map(|name| {
        let hooks = fleet.world.hooks.hooks(&name);
        let epochs = hooks.iter().filter_map(|hook| hook.body["epoch"].as_u64());
        (name, hooks.len(), epochs.max())
    });
    seen.map_while(|(name, count, epoch)| Some((name, count, epoch?)))
        .collect()
}

/// No event that came since then is of an epoch from before.
fn no_epoch_comes_back(fleet: &Fleet, before: &[(String, usize, u64)]) {
    for (name, count, newest) in before {
        let hooks = fleet.world.hooks.hooks(name);
        let old = hooks[*count..].iter().filter(|hook| {
            hook.body["epoch"]
                .as_u64()
                .is_none_or(|epoch| epoch < *newest)
        });
        assert_eq!(old.count(), 0, "{name} has events of an older epoch");
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
