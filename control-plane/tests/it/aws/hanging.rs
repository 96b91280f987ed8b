//! The function `delivery` and an endpoint that does not answer.

use std::time::{Duration, Instant};

use fake_lambda::Function;
use pombal_control_plane::delivery::RetryLetter;
use pombal_domain::Event;

use super::delivery::{DELIVERY, events, instance, publish, retries};
use super::deployment::Deployed;
use super::source::EventSource;
use crate::delivery::rig::event;
use crate::receiver::{Behave, TestReceiver};

/// An endpoint has so long while others wait, and after that nobody else is tried.
const BOUND: Duration = Duration::from_secs(5);
/// For what is not waiting, on a machine with other things to do.
const WORK: Duration = Duration::from_secs(4);

/// Hands in a batch of so many, all of which are done; how long that took.
async fn took(source: &EventSource, function: &Function, messages: usize) -> Duration {
    let batch = source.batch(messages).await;
    // Longer than the queue hides what was received.
    for message in &batch {
        let minute = Duration::from_secs(60);
        source.queue.extend(&message.receipt, minute).await.unwrap();
    }
    let start = Instant::now();
    assert_eq!(source.hand_over(function, &batch).await, [0_usize; 0]);
    start.elapsed()
}

/// Who shares a batch with a hanging endpoint gets on soon, and the endpoint loses nothing: once
/// it answers, it has each event from the retry queue, once.
#[tokio::test]
async fn a_hanging_endpoint_holds_up_its_batch_for_a_bounded_time() {
    let deployed = Deployed::new().await;
    // It has seen one event, and comes to itself before the first retry.
    let hanging = TestReceiver::start(|_, before| match before {
        0 => Behave::Hang,
        _ => Behave::Answer(200),
    })
    .await;
    let healthy = TestReceiver::ok().await;
    let stuck = instance(&deployed, "stuck", &hanging.url).await;
    let free = instance(&deployed, "free", &healthy.url).await;
    let (first, again) = (events(&deployed).await, retries(&deployed).await);
    let mixed: Vec<Event> = (1..=3)
        .flat_map(|n| [event(&stuck, n), event(&free, n)])
        .collect();
    publish(&first, &mixed).await;
    let function = deployed.env.start(DELIVERY).await;
    let first_batch = took(&first, &function, 6).await;
    assert!(first_batch >= BOUND, "the endpoint had {first_batch:?}");
    assert!(first_batch < BOUND + WORK, "{first_batch:?}");
    assert_eq!(healthy.seqs(), [1, 2, 3]);
    assert_eq!(hanging.seqs(), [1]);

    // Known by now, it is not waited for.
    publish(&first, &[event(&stuck, 4), event(&free, 4)]).await;
    let second_batch = took(&first, &function, 2).await;
    assert!(second_batch < WORK, "{second_batch:?}");
    assert_eq!(healthy.seqs(), [1, 2, 3, 4]);
    assert_eq!(hanging.seqs(), [1]);

    let mut letters = Vec::new();
    while letters.len() < 4 {
        let batch = again.batch(1).await;
        letters.extend(batch.iter().map(|message| {
            let letter: RetryLetter = serde_json::from_str(&message.body).unwrap();
            (letter.event.seq.0, letter.attempts)
        }));
        assert_eq!(again.hand_over(&function, &batch).await, [0_usize; 0]);
    }
    letters.sort_unstable();
    assert_eq!(letters, [(1, 1), (2, 0), (3, 0), (4, 0)]);
    let mut seqs = hanging.seqs();
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 1, 2, 3, 4]);
    let ids = |seq| {
        let hits = hanging.hits().into_iter().filter(move |h| h.seq() == seq);
        hits.map(|hit| hit.header("webhook-id").unwrap().to_owned())
    };
    assert_eq!(ids(1).next(), ids(1).nth(1));
}
