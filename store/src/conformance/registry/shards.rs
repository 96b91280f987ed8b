//! Shards: what is there.

use super::*;

pub(super) async fn a_shard_has_its_own_instances_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    for (called, shard) in [("a", 1), ("b", 1), ("c", 11), ("d", 0)] {
        registry
            .create_instance(&instance(called, shard))
            .await
            .unwrap();
    }
    for (shard, expected) in [
        (0, vec!["d"]),
        (1, vec!["a", "b"]),
        (11, vec!["c"]),
        (2, vec![]),
    ] {
        let content = eventually(
            || registry.shard_content(ShardId(shard)),
            |content| content.instances.len() == expected.len(),
        )
        .await;
        let mut names: Vec<_> = content
            .instances
            .iter()
            .map(|row| row.name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        assert!(content.tombstones.is_empty());
    }
}
