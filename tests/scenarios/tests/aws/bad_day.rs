//! The deployment, with a connector whose AWS answers badly.

use bad_aws::{BadAws, Fault, Happened, Rule, Service, Told, seeds};
use pombal_scenarios::World;
use serde_json::json;

use crate::kill::check;

const TEXTS: usize = 30;
const SEED: u64 = 0xbad_da7;

/// What AWS does to the connector from now on: of a hundred requests, so many per fault.
fn faults(aws: &BadAws) -> Vec<Happened> {
    let anywhere = [
        Fault::Throttled,
        Fault::Failed,
        Fault::Cut,
        Fault::Lost,
        Fault::BrokenOff,
    ];
    let services = [Service::DynamoDb, Service::Sqs, Service::S3];
    let general = services.into_iter().flat_map(|service| {
        anywhere
            .into_iter()
            .map(move |fault| Rule::on(service, fault).percent(3))
    });
    let of_sqs = [
        Fault::Late,
        Fault::Expired,
        Fault::Partial,
        Fault::PartialLost,
    ];
    let of_sqs = of_sqs.map(|fault| Rule::on(Service::Sqs, fault).percent(8));
    let conflicts = Rule::on(Service::S3, Fault::Conflict).percent(3);
    let rules = general.chain(of_sqs).chain([conflicts]);
    rules.map(|rule| aws.add(rule)).collect()
}

/// Sends texts, each of which is accepted: the functions' AWS is well.
async fn send_all(world: &World, from: &str, to: &str) -> Vec<String> {
    let mut ids = Vec::with_capacity(TEXTS);
    for n in 0..TEXTS {
        let body = json!({ "number": to, "text": format!("{from} {n}") });
        let path = format!("/message/sendText/{from}");
        let sent = world.api().post(&path, body).await.ok();
        ids.push(sent["key"]["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// The connector loses nothing and pairs nobody anew, whatever its AWS does to it.
#[tokio::test(flavor = "multi_thread")]
async fn texts_arrive_on_a_bad_day() {
    let seed = seeds(SEED).next().unwrap();
    let _told = Told(seed);
    let upstream = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let aws = BadAws::start(&upstream, seed).await.unwrap();
    let world = World::deployed(|options| options.env("AWS_ENDPOINT_URL", aws.endpoint())).await;
    let a = world.open("a", "5511999990091").await;
    let b = world.open("b", "5511999990092").await;
    let faults = faults(&aws);
    let (from_a, from_b) = tokio::join!(
        send_all(&world, "a", &b.phone),
        send_all(&world, "b", &a.phone)
    );
    check::all_arrive(&world, "b", &from_a).await;
    check::all_arrive(&world, "a", &from_b).await;
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 20, "only {happened} faults: no bad day");
    aws.heal();

    for (name, phone) in [("a", &a.phone), ("b", &b.phone)] {
        world.wait_for_state(name, "open").await;
        check::stream_is_whole(&world, name).await;
        check::paired_once(&world, name, phone).await;
    }
    world.assert_no_violations().await;
}
