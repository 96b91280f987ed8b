//! Lists of instances.

use futures::StreamExt;
use futures::stream;

use super::*;

pub(super) async fn all_instances_are_listed_in_name_order(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    // Beyond 1,000, and with names whose order by code point is not that of a dictionary.
    let mut names: Vec<_> = (0..1_010).map(|n| name(&format!("bot {n}"))).collect();
    names.extend(["Zulu", "alpha", "Ácido", "名前", "💬", "\u{ffee}"].map(name));
    stream::iter(&names)
        .for_each_concurrent(8, |called| {
            let registry = &registry;
            async move {
                registry
                    .create_instance(&instance(called.as_str(), 0))
                    .await
                    .unwrap();
            }
        })
        .await;
    eventually(|| registry.count_instances(), |count| *count == names.len()).await;
    names.sort_unstable();

    let all = registry.list_instances(None, 5_000).await.unwrap();
    assert_eq!(
        all.iter().map(|row| &row.name).collect::<Vec<_>>(),
        names.iter().collect::<Vec<_>>()
    );

    let mut paged = Vec::new();
    loop {
        let after = paged.last().cloned();
        let page = registry.list_instances(after.as_ref(), 100).await.unwrap();
        let end = page.len() < 100;
        paged.extend(page.into_iter().map(|row| row.name));
        if end {
            break;
        }
    }
    assert_eq!(paged, names);
    // The cursor need not exist any more.
    let page = registry
        .list_instances(Some(&name("bot 1000!")), 2)
        .await
        .unwrap();
    assert_eq!(
        page.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        ["bot 1001", "bot 1002"]
    );
    assert!(
        registry
            .list_instances(names.last(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(registry.list_instances(None, 0).await.unwrap().is_empty());
}

pub(super) async fn large_rows_come_in_several_pages(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    // 3 MB: DynamoDB answers at most 1 MB at a time.
    let picture = "x".repeat(100_000);
    for n in 0..30 {
        let large = Instance {
            observed: observed(1, &picture),
            ..instance(&format!("{n:02}"), 7)
        };
        registry.create_instance(&large).await.unwrap();
    }
    let all = || registry.list_instances(None, 100);
    eventually(all, |all| all.len() == 30).await;
    assert_eq!(registry.count_instances().await.unwrap(), 30);
    let content = || registry.shard_content(ShardId(7));
    eventually(content, |content| content.instances.len() == 30).await;
    let some = registry
        .list_instances(Some(&name("04")), 20)
        .await
        .unwrap();
    assert_eq!(
        (some.len(), some[0].name.as_str(), some[19].name.as_str()),
        (20, "05", "24")
    );
}
