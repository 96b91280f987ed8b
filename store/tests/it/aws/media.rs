//! Media on S3.

use async_trait::async_trait;
use bytes::Bytes;
use pombal_store::Media;
use pombal_store::conformance::aws;
use pombal_store::conformance::media::{Factory, Place, run_all};
use pombal_store::media::s3::S3Media;
use url::Url;

struct S3;

#[async_trait]
impl Factory for S3 {
    type Place = Bucket;

    async fn make(&self) -> Bucket {
        let bucket = aws::bucket(&aws::connect().await).await;
        Bucket {
            media: S3Media::new(bucket, "media"),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }
}

struct Bucket {
    media: S3Media,
    client: reqwest::Client,
}

#[async_trait]
impl Place for Bucket {
    fn media(&self) -> &dyn Media {
        &self.media
    }

    async fn follow(&self, link: Url) -> Option<(String, Bytes)> {
        let answer = self.client.get(link).send().await.unwrap();
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            assert!([400, 403, 404].contains(&status), "{answer:?}");
            return None;
        }
        let kind = answer.headers()["content-type"].to_str().unwrap();
        Some((kind.to_owned(), answer.bytes().await.unwrap()))
    }

    fn refuses_strangers(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_media_conform() {
    run_all(&S3).await;
}
