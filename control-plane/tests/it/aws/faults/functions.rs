//! The functions as they are deployed, with an AWS that answers badly: their real binaries, which
//! have nothing but their environment and events. The test itself has AWS as it is.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bad_aws::{BadAws, Fault, Happened, Rule, Service, Told, seeds};
use fake_lambda::{Function, HttpCall};
use pombal_domain::event::pending_text;
use pombal_domain::time::UnixMs;
use pombal_domain::{Command, Epoch, Event, Op, Reply, Seq, ShardId};
use pombal_store::Queue;
use pombal_store::conformance::aws;
use pombal_store::queue::plan;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::api::{API, connected, creation, secret};
use super::super::delivery::{DELIVERY, instance, publish};
use super::super::deployment::{Deployed, Env, events_options, letters_options};
use super::super::source::EventSource;
use super::delivery::{EVENTS, arrived, events, first_times};
use super::mix;
use crate::app::LONG;
use crate::delivery::rig::eventually;
use crate::receiver::{Behave, TestReceiver};

/// Longer than a delivery that is sound needs.
const DAY: Duration = Duration::from_secs(200);
/// How many batches a function lives.
const LIFE: usize = 4;

/// A proxy between the functions of a deployment and AWS, and their environment.
async fn bad(deployed: &Deployed, seed: u64) -> (BadAws, Env) {
    let proxy = BadAws::start(&aws::endpoint(), seed).await.unwrap();
    let env = deployed.env.clone();
    let env = env.with("AWS_ENDPOINT_URL", proxy.endpoint());
    (proxy, env)
}

/// Hands over whatever the queues have, to functions of which none lives long, until `done`.
/// Every third answer is lost on its way to the event source, so its batch comes again.
async fn deliver(env: &Env, sources: &[EventSource], done: impl Fn() -> bool) {
    let mut function = env.start(DELIVERY).await;
    let (end, mut batches) = (Instant::now() + DAY, 0);
    while !done() {
        assert!(Instant::now() < end, "never: {}", function.log());
        for source in sources {
            let batch = source.queue.receive(10, Duration::from_secs(1)).await;
            let batch = batch.unwrap();
            if batch.is_empty() {
                continue;
            }
            batches += 1;
            if batches % 3 == 0 {
                let answer = function.invoke(&source.event(&batch)).await;
                answer.unwrap_or_else(|error| panic!("{error}\n{}", function.log()));
            } else {
                source.hand_over(&function, &batch).await;
            }
            if batches % LIFE == 0 {
                function = env.start(DELIVERY).await;
            }
        }
    }
}

/// Which requests an endpoint that is shaky at first does not take.
fn refused(before: usize) -> bool {
    before < 8 && before % 4 == 1
}

/// What an endpoint has that refuses the requests which [`refused`] names.
fn taken(receiver: &TestReceiver, is_shaky: bool) -> BTreeSet<u64> {
    let seqs = receiver.seqs().into_iter().enumerate();
    let taken = seqs.filter(|(before, _)| !is_shaky || !refused(*before));
    taken.map(|(_, seq)| seq).collect()
}

async fn every_event_arrives_through_functions(seed: u64) {
    let deployed = Deployed::new().await;
    let (proxy, env) = bad(&deployed, seed).await;
    let steady = TestReceiver::ok().await;
    let shaky =
        TestReceiver::start(|_, before| Behave::Answer(if refused(before) { 500 } else { 200 }))
            .await;
    let rows = [
        instance(&deployed, "one", &steady.url).await,
        instance(&deployed, "two", &shaky.url).await,
    ];
    let sources = [
        EventSource::new(&deployed, plan::EVENTS, &events_options()).await,
        EventSource::new(&deployed, plan::RETRIES, &letters_options()).await,
    ];
    let sent: Vec<Vec<Event>> = rows.iter().map(events).collect();
    publish(&sources[0], &sent[0]).await;
    publish(&sources[0], &sent[1]).await;

    // Often enough that four tries are not always enough.
    let mut faults = mix(&proxy, Service::DynamoDb, 10);
    faults.extend(mix(&proxy, Service::Sqs, 10));
    for fault in [Fault::Partial, Fault::PartialLost] {
        faults.push(proxy.add(Rule::on(Service::Sqs, fault).percent(10)));
    }
    let is_all = |taken: BTreeSet<u64>| taken.len() as u64 == EVENTS;
    deliver(&env, &sources, || {
        is_all(taken(&steady, false)) && is_all(taken(&shaky, true))
    })
    .await;
    proxy.heal();

    for (receiver, sent) in [(&steady, &sent[0]), (&shaky, &sent[1])] {
        let arrived = arrived(&receiver.hits());
        for event in sent {
            let seen = &arrived[&event.seq.0];
            assert_eq!(seen.len(), 1, "one event, several bodies or ids: {seen:?}");
            assert_eq!(seen.first().unwrap().0, event.id.to_string());
        }
    }
    let order = first_times(&steady.hits());
    assert!(order.is_sorted(), "{order:?}");
    for row in &rows {
        let now = deployed.row(row.name.as_str()).await;
        assert_eq!((now.epoch, now.seq), (Epoch(1), Seq(EVENTS)));
    }
    let dead = EventSource::new(&deployed, plan::DEAD, &plan::letters_options()).await;
    let dead = dead.queue.receive(10, Duration::ZERO).await.unwrap();
    assert!(dead.is_empty(), "given up: {dead:?}");
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 20, "{faults:?}");
    assert!(proxy.log().most_tries() <= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_through_functions_on_a_bad_day() {
    for seed in seeds(0xF0_0D) {
        let _told = Told(seed);
        every_event_arrives_through_functions(seed).await;
    }
}

/// The owner of the shard: answers texts at once, and remembers their ids.
struct Owner {
    texts: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Owner {
    async fn start(deployed: &Deployed) -> Self {
        let (name, options) = (plan::commands(ShardId(0)), plan::commands_options());
        let queue: Arc<dyn Queue> = deployed.queues.queue(&name, &options).await.unwrap();
        let registry = deployed.registry.clone();
        let texts = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&texts);
        let task = tokio::spawn(async move {
            loop {
                for message in queue.receive(10, LONG).await.unwrap() {
                    let command: Command = serde_json::from_str(&message.body).unwrap();
                    if let Op::SendText(text) = &command.op {
                        seen.lock().unwrap().push(text.message_id.to_string());
                        let message = pending_text(command.instance, text, UnixMs::now());
                        let reply = Reply::Sent {
                            message: Box::new(message),
                        };
                        let put = registry.put_reply(command.id, &reply, LONG);
                        put.await.unwrap();
                    }
                    queue.ack(&[message.receipt]).await.unwrap();
                }
            }
        });
        Self { texts, task }
    }

    fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn what_the_function_accepts_is_done(seed: u64) {
    const TEXTS: usize = 30;
    let deployed = Deployed::new().await;
    let (proxy, env) = bad(&deployed, seed).await;
    let api = env.start(API).await;
    let token = connected(&deployed, &api, "b1").await;
    let owner = Owner::start(&deployed).await;
    let mut faults = mix(&proxy, Service::DynamoDb, 9);
    faults.extend(mix(&proxy, Service::Sqs, 9));
    faults.extend(mix(&proxy, Service::Kms, 9));
    // It comes into the world on a bad day.
    drop(api);
    let api = env.start(API).await;
    let mut accepted = BTreeSet::new();
    for n in 0..TEXTS {
        let body = json!({ "number": "5511999990001", "text": format!("{n}") });
        let call = HttpCall::new("POST", "/message/sendText/b1").key(&token);
        let answer = api.call(&call.json(&body)).await;
        if answer.status == 201 {
            accepted.insert(answer.body["key"]["id"].as_str().unwrap().to_owned());
        } else {
            assert_eq!(answer.status, 500, "{}", answer.body);
        }
    }
    created(&deployed, &api).await;
    proxy.heal();
    eventually("what was accepted is with its owner", || {
        accepted.is_subset(&owner.texts().into_iter().collect())
    })
    .await;
    let texts = owner.texts();
    let distinct: BTreeSet<_> = texts.iter().collect();
    assert_eq!(distinct.len(), texts.len(), "a text came twice");
    assert!(accepted.len() > TEXTS / 2, "{} accepted", accepted.len());
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 20, "{faults:?}");
    assert!(proxy.log().most_tries() <= 4);
}

/// Creates an instance as a client does that asks until it knows.
async fn created(deployed: &Deployed, api: &Function) {
    for tried in 0..20 {
        let answer = api.call(&creation("new")).await;
        // 403: the name is taken, by itself, of which it was not told.
        if answer.status == 201 || (answer.status == 403 && tried > 0) {
            assert_eq!(deployed.row("new").await.shard, ShardId(0));
            return;
        }
        assert_eq!(answer.status, 500, "{}", answer.body);
    }
    panic!("never created");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_function_accepts_is_done_on_a_bad_day() {
    for seed in seeds(0xAC_CE) {
        let _told = Told(seed);
        what_the_function_accepts_is_done(seed).await;
    }
}

/// A function that can't start says why and ends, and Lambda starts another.
#[tokio::test]
async fn a_function_starts_as_soon_as_it_has_its_key() {
    let deployed = Deployed::new().await;
    let (proxy, env) = bad(&deployed, 1).await;
    let key = "a-key-that-is-kept-in-a-secret";
    let name = secret(&deployed, key).await;
    let env = env
        .with("AUTHENTICATION_API_KEY", "")
        .with("POMBAL_API_KEY_SECRET", &name);
    let failing = proxy.add(Rule::on(Service::Other, Fault::Failed).times(5));
    let (status, log) = env.start(API).await.ended().await;
    assert!(!status.success());
    assert!(log.contains("pombal stops"), "{log}");
    assert_eq!(failing.count(), 4, "as many tries as any request has");

    // One failure is left, which is nothing.
    let api = env.start(API).await;
    let call = HttpCall::new("GET", "/instance/fetchInstances").key(key);
    assert_eq!(api.call(&call).await.status, 200);
    assert_eq!(failing.count(), 5);
}
