//! `GET /media/{instance}/{name}`.

use std::time::Duration;

use axum::http::StatusCode;
use pombal_domain::InstanceId;
use pombal_store::Media;
use pombal_store::media::MediaKey;
use pombal_store::media::local::LocalMedia;
use serde_json::json;

use crate::app::TestApp;

struct Rig {
    app: TestApp,
    media: LocalMedia,
    key: MediaKey,
    _dir: tempfile::TempDir,
}

impl Rig {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let media = LocalMedia::open(dir.path(), "http://gateway.test", &[7; 32]).unwrap();
        let app = TestApp::start_with(|options| options.media = Some(media.clone())).await;
        let key = MediaKey::new(InstanceId::random(), "page.html").unwrap();
        let body = json!({ "not": "a page" }).to_string();
        media.put(&key, "text/html", body.into()).await.unwrap();
        Self {
            app,
            media,
            key,
            _dir: dir,
        }
    }

    /// A link's path and query.
    async fn link(&self, key: &MediaKey, valid: Duration) -> String {
        let link = self.media.link(key, valid).await.unwrap();
        assert_eq!(link.host_str(), Some("gateway.test"));
        format!("{}?{}", link.path(), link.query().unwrap())
    }
}

#[tokio::test]
async fn a_link_shows_the_medium_without_a_key() {
    let rig = Rig::start().await;
    let link = rig.link(&rig.key, Duration::from_secs(600)).await;
    let answer = rig.app.get(&link).send().await;
    answer.assert_ok(200, &json!({ "not": "a page" }));
    assert_eq!(answer.headers["content-type"], "text/html");
    assert_eq!(answer.headers["content-length"], "16");
    // It comes from tenants' contacts: it must not act as a page of the API.
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("sandbox;"));
}

#[tokio::test]
async fn without_a_link_nobody_learns_what_is_there() {
    let rig = Rig::start().await;
    let link = rig.link(&rig.key, Duration::from_secs(600)).await;
    let (path, query) = link.split_once('?').unwrap();
    let other = MediaKey::new(rig.key.instance(), "other").unwrap();
    let old = rig.link(&rig.key, Duration::from_secs(1)).await;
    let forged = old.replace("expires=", "expires=9");
    for bad in [
        path,
        &format!("/media/{other}"),
        &format!("/media/{other}?{query}"),
        &forged,
    ] {
        rig.app.get(bad).send().await.assert_unauthorized();
        rig.app.get(bad).global().send().await.assert_unauthorized();
    }
    let gone = rig.link(&other, Duration::from_secs(600)).await;
    assert_eq!(
        rig.app.get(&gone).send().await.status,
        StatusCode::NOT_FOUND
    );
    let end = std::time::Instant::now() + crate::app::LONG;
    while rig.app.get(&old).send().await.status == StatusCode::OK {
        assert!(std::time::Instant::now() < end, "the link does not expire");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rig.app.get(&old).send().await.assert_unauthorized();
    rig.app
        .get(&link)
        .send()
        .await
        .assert_ok(200, &json!({ "not": "a page" }));
}

#[tokio::test]
async fn paths_that_are_no_keys_are_not_found() {
    let rig = Rig::start().await;
    let instance = rig.key.instance();
    for path in [
        "/media/x/y".to_owned(),
        format!("/media/{instance}/..%2F..%2Fmaster.key"),
        format!("/media/{instance}/.hidden"),
    ] {
        let answer = rig.app.get(&path).send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let without = TestApp::start().await;
    let link = rig.link(&rig.key, Duration::from_secs(600)).await;
    let answer = without.get(&link).send().await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
