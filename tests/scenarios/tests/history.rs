//! An account with a past: old chats, and settings that were changed before.

use fake_whatsapp::{Change, FakeWhatsApp};
use pombal_scenarios::{PATIENCE, World, eventually};

const PHONE: &str = "5511999990001";

async fn count(whatsapp: &FakeWhatsApp, kind: &str, field: &str, value: &str) -> usize {
    let seen = whatsapp.seen(Some(PHONE), Some(kind), 0).await.items;
    seen.iter()
        .filter(|item| item.details[field] == value)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_pairs_with_an_account_that_has_history_and_settings() {
    let world = World::start().await;
    world.whatsapp.seed_history(PHONE, 5, 50).await.unwrap();
    for n in 0..10 {
        let change = Change::Pin {
            chat: (5_521_900_000_001_u64 + n).to_string(),
            on: true,
        };
        world
            .whatsapp
            .change_on_phone(PHONE, &change)
            .await
            .unwrap();
    }
    world.open("a", PHONE).await;
    // So many settings come as a snapshot, which is a file on the media host: the instance
    // fetched it over HTTPS.
    eventually("the snapshot is downloaded", PATIENCE, async || {
        let files = count(&world.whatsapp, "media-download", "media", "md-app-state").await;
        (files == 1).then_some(())
    })
    .await;
    eventually("history is acknowledged", PATIENCE, async || {
        let receipts = count(&world.whatsapp, "receipt", "type", "hist_sync").await;
        (receipts == 3).then_some(())
    })
    .await;
    let refused = world.whatsapp.seen(None, Some("media-refused"), 0).await;
    assert!(refused.items.is_empty(), "{refused:?}");
    let unhandled = world.whatsapp.seen(None, Some("iq-unhandled"), 0).await;
    assert!(unhandled.items.is_empty(), "{unhandled:?}");
    world.assert_no_violations().await;
}
