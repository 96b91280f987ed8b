//! How Baileys sees connections end: by the codes that its users act upon.

use fake_whatsapp::{Ending, Options, Stage, Trouble, Watched};
use pombal_scenarios::{Baileys, PATIENCE, eventually};
use serde_json::json;

/// A server, and a Baileys that is paired with it and open.
async fn paired(phone: &str) -> (Watched, Baileys) {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    let baileys = Baileys::pair(&whatsapp, phone, "Bia").await;
    (whatsapp, baileys)
}

fn conflict(kind: &str, code: Option<u16>) -> Ending {
    Ending::Conflict {
        kind: kind.to_owned(),
        code,
    }
}

fn failure(reason: u16) -> Ending {
    Ending::Failure {
        reason,
        code: None,
        expire: None,
    }
}

/// Waits until Baileys has been open as often as this, and the server counts as many `logins`.
async fn wait_for_login(whatsapp: &Watched, baileys: &Baileys, opens: usize, logins: u64) {
    let what = format!("login number {logins}");
    eventually(&what, PATIENCE, async || {
        let updates = baileys.events("connection.update").into_iter();
        let opened = updates.filter(|update| update["connection"] == "open");
        (opened.count() == opens).then_some(())
    })
    .await;
    let devices = whatsapp.devices().await;
    assert_eq!((devices.len(), devices[0].logins), (1, logins));
    baileys.settle(whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_understands_every_end_of_a_connection() {
    let (whatsapp, baileys) = paired("5511999990321").await;
    let ends = [
        (Ending::Close, 428),
        (Ending::Eof, 428),
        (Ending::StreamEnd, 428),
        (Ending::Reset, 428),
        (conflict("replaced", None), 440),
        (Ending::StreamError { code: 500 }, 500),
        (Ending::StreamError { code: 503 }, 503),
    ];
    for ((ending, code), n) in ends.into_iter().zip(2..) {
        let before = baileys.closes().len();
        let ended = whatsapp.end(Some(&baileys.phone), &ending).await.unwrap();
        assert_eq!(ended, 1, "{ending:?}");
        assert_eq!(baileys.next_close(before).await, code, "{ending:?}");
        baileys.connect_again().await;
        wait_for_login(&whatsapp, &baileys, n, n as u64).await;
    }
    baileys.assert_understood(&whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_understands_why_it_is_not_let_in() {
    let (whatsapp, mut baileys) = paired("5511999990322").await;
    baileys.stop(&whatsapp).await;
    baileys.spawn_again();
    for (n, reason) in [402, 403, 405, 406, 500, 503].into_iter().enumerate() {
        let trouble = Trouble {
            phone: Some(baileys.phone.clone()),
            stage: Stage::Login,
            ending: failure(reason),
            times: Some(1),
        };
        whatsapp.order(trouble).await.unwrap();
        baileys.connect_again().await;
        assert_eq!(baileys.next_close(n).await, u64::from(reason));
    }
    // None of them has cost it its place.
    baileys.connect_again().await;
    wait_for_login(&whatsapp, &baileys, 1, 2).await;
    baileys.assert_understood(&whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_is_logged_out_by_the_phone() {
    let (whatsapp, baileys) = paired("5511999990323").await;
    let before = baileys.closes().len();
    assert_eq!(whatsapp.logout(&baileys.phone).await.unwrap(), 1);
    assert_eq!(baileys.next_close(before).await, 401);
    baileys.assert_understood(&whatsapp).await;
    // It is not let in again either.
    baileys.connect_again().await;
    assert_eq!(baileys.next_close(before + 1).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_logs_itself_out() {
    let (whatsapp, baileys) = paired("5511999990324").await;
    let before = baileys.closes().len();
    baileys.call("logout", json!([])).await;
    assert_eq!(baileys.next_close(before).await, 401);
    eventually("the phone lists it no more", PATIENCE, async || {
        whatsapp.devices().await.is_empty().then_some(())
    })
    .await;
    baileys.assert_understood(&whatsapp).await;
}
