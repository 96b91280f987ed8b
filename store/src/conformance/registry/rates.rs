//! Uses are counted once each, by key and window, whoever counts.

use std::time::Duration;

use futures::future::join_all;
use pombal_domain::time::UnixMs;

use super::Factory;

const WINDOW: Duration = Duration::from_secs(60);

pub(super) async fn each_use_is_counted_once(factory: &impl Factory) {
    let made = factory.make().await;
    let registry = &made.registry;
    let start = UnixMs(1_800_000_000_000);
    let at_once = (0..20).map(|_| registry.count_use("a", WINDOW, start));
    let mut counts: Vec<u64> = join_all(at_once)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
    let count = async |key, at| registry.count_use(key, WINDOW, at).await.unwrap();
    assert_eq!(count("b", start).await, 1, "another key");
    let last = start.plus(WINDOW - Duration::from_millis(1));
    assert_eq!(count("a", last).await, 21, "the window's last moment");
    assert_eq!(count("a", start.plus(WINDOW)).await, 1, "the next window");
}
