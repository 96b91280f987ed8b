//! The deployment itself, as far as that needs no connector.

use pombal_scenarios::Stack;

/// Two deployments in one account don't meet: names, addresses and keys are their own.
#[tokio::test]
async fn stacks_stand_side_by_side() {
    let one = Stack::create("side", &[]).await;
    let two = Stack::create("side", &[("Shards", "16")]).await;
    for output in [
        "ApiId",
        "ApiUrl",
        "TableName",
        "QueuesUrl",
        "SessionsBucketName",
        "MediaBucketName",
        "KmsKeyArn",
        "ApiKeySecretArn",
    ] {
        assert_ne!(one.output(output), two.output(output), "{output}");
    }
    assert_eq!((one.output("Shards"), two.output("Shards")), ("4", "16"));
    assert!(
        one.output("QueuesUrl")
            .ends_with(&format!("/{}-", one.name()))
    );
    one.delete().await;
    two.delete().await;
}
