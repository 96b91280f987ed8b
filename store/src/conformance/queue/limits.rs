//! What may not be sent.

use super::*;
use crate::queue::{Error, MAX_DELAY, MAX_VISIBILITY};

pub(super) async fn what_sqs_refuses_is_refused(factory: &impl Factory) {
    let place = factory.make().await;
    let standard = place.queue("standard", standard_options(LONG)).await;
    let fifo = place.queue("fifo", fifo_options(LONG)).await;
    let too_long = "x".repeat(factory.max_body() + 1);
    let ok = grouped("a", "m");
    let no_group = Outgoing {
        group: None,
        ..ok.clone()
    };
    let no_dedup = Outgoing {
        dedup: None,
        ..ok.clone()
    };
    let late = Outgoing {
        delay: Duration::from_secs(1),
        ..ok.clone()
    };
    let group = |group: &str| Outgoing {
        group: Some(group.to_owned()),
        ..ok.clone()
    };
    let dedup = |dedup: &str| Outgoing {
        dedup: Some(dedup.to_owned()),
        ..ok.clone()
    };
    let too_late = Outgoing {
        delay: MAX_DELAY + Duration::from_secs(1),
        ..plain("m")
    };

    for (queue, batch) in [
        (&fifo, vec![no_group.clone()]),
        (&fifo, vec![no_dedup.clone()]),
        (&fifo, vec![plain("m")]),
        (&fifo, vec![late]),
        (&fifo, vec![group("")]),
        (&fifo, vec![group("two words")]),
        (&fifo, vec![group("é")]),
        (&fifo, vec![group(&"x".repeat(129))]),
        (&fifo, vec![dedup("")]),
        (&fifo, vec![dedup(&"x".repeat(129))]),
        (&fifo, vec![grouped("a", &too_long)]),
        (&fifo, vec![ok.clone(); 11]),
        (&fifo, vec![ok.clone(), plain("m")]),
        (&standard, vec![ok.clone()]),
        (&standard, vec![no_group]),
        (&standard, vec![no_dedup]),
        (&standard, vec![too_late]),
        (&standard, vec![plain(&too_long)]),
        (&standard, vec![plain("")]),
        (&standard, vec![plain("m"); 11]),
        (&standard, vec![plain("m"), plain(&too_long)]),
    ] {
        let sent = queue.send(&batch).await;
        assert!(matches!(sent, Err(Error::Invalid(_))), "{sent:?}");
    }
    assert_empty(&*fifo).await;
    assert_empty(&*standard).await;

    let longest = Outgoing {
        delay: MAX_DELAY,
        ..plain("m")
    };
    standard.send(&[longest, plain("now")]).await.unwrap();
    let got = receive_one(&*standard).await;
    let extended = standard
        .extend(&got.receipt, MAX_VISIBILITY + Duration::from_secs(1))
        .await;
    assert!(matches!(extended, Err(Error::Invalid(_))), "{extended:?}");
    standard.extend(&got.receipt, MAX_VISIBILITY).await.unwrap();
}
