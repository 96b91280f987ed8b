//! The registry on `DynamoDB`.

use async_trait::async_trait;
use pombal_store::conformance::aws;
use pombal_store::conformance::registry::{Factory, Made, run_all};

struct DynamoDb;

#[async_trait]
impl Factory for DynamoDb {
    async fn make(&self) -> Made {
        Made {
            registry: aws::registry(&aws::connect().await).await,
            keep: Box::new(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_conforms() {
    run_all(&DynamoDb).await;
}
