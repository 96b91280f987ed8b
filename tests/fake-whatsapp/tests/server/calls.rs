//! Calls that simulated phones offer.

use crate::common::{TestClient, eventually, paired, server};
use crate::people::{ANA, BIA, CAIO, contact, leave, queued, settled};
use fake_whatsapp::{Call, CallState, EndReason, FakeWhatsApp};
use serde_json::json;
use wacore::types::call::{CallAction, IncomingCall, MissedReason};
use wacore::types::events::Event;
use whatsapp_rust::Jid;

async fn offered(client: &TestClient, id: &str) -> IncomingCall {
    client
        .wait_for("an offer", |event| match event {
            Event::IncomingCall(call)
                if matches!(call.action, CallAction::Offer { .. })
                    && call.action.call_id() == id =>
            {
                Some(call.clone())
            }
            _ => None,
        })
        .await
}

async fn terminated(client: &TestClient, id: &str) -> Option<String> {
    client
        .wait_for("a terminate", |event| match event {
            Event::IncomingCall(call) if call.action.call_id() == id => match &call.action {
                CallAction::Terminate { reason, .. } => Some(reason.clone()),
                _ => None,
            },
            _ => None,
        })
        .await
}

async fn becomes(server: &FakeWhatsApp, id: &str, what: impl Fn(&Call) -> bool) -> Call {
    eventually("the call", || async {
        what(&server.call_state(id).await.expect("call"))
    })
    .await;
    server.call_state(id).await.expect("call")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_rings_and_a_rejection_ends_it_everywhere() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (other, _) = paired(&server, ANA, "Ana").await;
    let id = server.call(CAIO, ANA, true).await.expect("call");
    let call = offered(&ana, &id).await;
    offered(&other, &id).await;
    assert_eq!(call.from, Jid::pn(CAIO));
    assert_eq!(call.notify.as_deref(), Some("Caio"));
    let CallAction::Offer {
        is_video, audio, ..
    } = &call.action
    else {
        panic!("not an offer");
    };
    assert!(*is_video && audio.len() == 2);
    becomes(&server, &id, |call| {
        call.devices.values().all(|device| device.received)
    })
    .await;
    ana.client
        .voip()
        .reject_call(&id, &call.from, call.action.call_creator())
        .await
        .expect("reject");
    let call = becomes(&server, &id, |call| call.state == CallState::Rejected).await;
    assert!(call.devices[&1].rejected && !call.devices[&2].rejected);
    assert_eq!(
        terminated(&other, &id).await.as_deref(),
        Some("rejected_elsewhere")
    );
    settled(&server).await;
    ana.stop().await;
    other.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_call_ends_and_an_absent_client_learns_of_it_later() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let id = server.call(CAIO, ANA, false).await.expect("call");
    offered(&ana, &id).await;
    server
        .end_call(&id, Some(EndReason::Timeout))
        .await
        .expect("end");
    assert_eq!(terminated(&ana, &id).await.as_deref(), Some("timeout"));
    eventually("an empty queue", || async {
        queued(&server, ANA).await == 0
    })
    .await;
    let saved = leave(ana, &server, ANA).await;
    let missed = server.call(CAIO, ANA, true).await.expect("call");
    server
        .end_call(&missed, Some(EndReason::Timeout))
        .await
        .expect("end");
    let ana = TestClient::start(&server, saved).await;
    let reason = ana
        .wait_for("a missed call", |event| match event {
            Event::MissedCall(call) if call.call_id == missed => Some(call.reason.clone()),
            _ => None,
        })
        .await;
    assert!(matches!(reason, MissedReason::Offline));
    let previews = ana.collect(|event| match event {
        Event::OfflineSyncPreview(preview) => Some((preview.calls, preview.messages)),
        _ => None,
    });
    assert_eq!(previews, [(1, 0)], "the notice replaced offer and end");
    let rang = ana.collect(|event| match event {
        Event::IncomingCall(call) if call.action.call_id() == missed => Some(()),
        _ => None,
    });
    assert!(rang.is_empty(), "a call that is over does not ring");
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_never_were_cannot_be_rejected() {
    let server = server().await;
    server.expects_violations(["call-unknown", "call-creator-wrong"]);
    contact(&server, CAIO, "Caio").await;
    contact(&server, BIA, "Bia").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let caio = Jid::pn(CAIO);
    let voip = ana.client.voip();
    voip.reject_call("NEVER", &caio, &caio)
        .await
        .expect("reject");
    let id = server.call(CAIO, ANA, false).await.expect("call");
    offered(&ana, &id).await;
    voip.reject_call(&id, &caio, &Jid::pn(BIA))
        .await
        .expect("reject");
    eventually("both are noticed", || async {
        server.violations().await.len() >= 2
    })
    .await;
    assert_eq!(
        server.call_state(&id).await.expect("call").state,
        CallState::Ringing
    );
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_callers_ring_nobody_and_the_api_tells_all() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server.block(ANA, CAIO, true).await.expect("block");
    let http = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", server.control_url());
    let answer: serde_json::Value = http
        .post(url(&format!("/api/contacts/{CAIO}/call")))
        .json(&json!({"to": ANA}))
        .send()
        .await
        .expect("post")
        .json()
        .await
        .expect("json");
    let id = answer["id"].as_str().expect("id");
    let look = async || -> serde_json::Value {
        let answer = http.get(url(&format!("/api/calls/{id}"))).send().await;
        answer.expect("get").json().await.expect("json")
    };
    let call = look().await;
    assert_eq!(call["state"], "ringing");
    assert_eq!(call["devices"], json!({}));
    let ended = http
        .post(url(&format!("/api/calls/{id}/end")))
        .json(&json!({"reason": "timeout"}))
        .send()
        .await
        .expect("post");
    assert!(ended.status().is_success());
    assert_eq!(look().await["reason"], "timeout");
    let missing = http.get(url("/api/calls/none")).send().await.expect("get");
    assert_eq!(missing.status().as_u16(), 404);
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}
