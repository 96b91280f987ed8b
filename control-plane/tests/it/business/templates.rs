//! Message templates.

use axum::http::StatusCode;
use fake_graph::webhook;
use serde_json::{Value, json};

use super::rig::Rig;
use crate::app::Answer;

fn promo() -> Value {
    json!({
        "name": "promo", "category": "MARKETING", "language": "pt_BR",
        "components": [{ "type": "BODY", "text": "Olá {{1}}" }],
        "webhookUrl": "https://crm.test/templates",
    })
}

#[track_caller]
fn refusal<'a>(answer: &'a Answer, context: &str) -> &'a Value {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    assert_eq!(answer.body["status"], 400);
    assert_eq!(answer.body["error"], "Bad Request");
    assert!(answer.body["timestamp"].is_string());
    let details = &answer.body["details"];
    assert_eq!(details["context"], context);
    assert_eq!(details["type"], "whatsapp_api_error");
    details
}

#[tokio::test]
async fn two_tenants_may_own_the_same_name() {
    let rig = Rig::start().await;
    let (a, b) = (
        rig.instance("a", "111").await,
        rig.instance("b", "222").await,
    );
    let mut ids = Vec::new();
    for (name, number) in [("a", &a), ("b", &b)] {
        let path = format!("/template/create/{name}");
        let answer = rig.post(number, &path, &promo()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let body = &answer.body;
        assert_eq!(body["name"], "promo");
        assert_eq!(body["template"]["status"], "PENDING");
        assert_eq!(body["webhookUrl"], "https://crm.test/templates");
        assert!(body["id"].is_string() && body["createdAt"].is_string());
        ids.push(body["templateId"].as_str().unwrap().to_owned());
        let at_meta = rig.graph.templates(&number.account);
        assert_eq!(at_meta.len(), 1);
        assert!(at_meta[0].get("webhookUrl").is_none());
    }
    let find = rig.app.get("/template/find/a").key(&a.token).send().await;
    let found: Vec<_> = find
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(found, [&ids[0]]);
    // The other one's is out of reach, whatever its id.
    let edit = json!({ "templateId": ids[1], "category": "UTILITY" });
    let answer = rig.post(&a, "/template/edit/a", &edit).await;
    refusal(&answer, "template_edit");
    assert_eq!(rig.graph.templates(&b.account)[0]["category"], "MARKETING");
}

#[tokio::test]
async fn a_template_is_changed_and_deleted() {
    let rig = Rig::start().await;
    let a = rig.instance("a", "111").await;
    let made = rig.post(&a, "/template/create/a", &promo()).await;
    let id = made.body["templateId"].clone();
    let edit = json!({ "templateId": id, "category": "UTILITY" });
    let answer = rig.post(&a, "/template/edit/a", &edit).await;
    answer.assert_ok(200, &json!({ "success": true }));
    assert_eq!(rig.graph.templates(&a.account)[0]["category"], "UTILITY");
    let delete = rig.app.delete("/template/delete/a").key(&a.token);
    let answer = delete.json(&json!({ "name": "promo", "hsmId": id })).await;
    answer.assert_ok(200, &json!({ "success": true }));
    assert!(rig.graph.templates(&a.account).is_empty());
    let row = rig.app.stores.row("a").await;
    let kept = rig.app.stores.registry.templates(row.id).await.unwrap();
    assert_eq!(kept, []);
}

#[tokio::test]
async fn all_pages_are_found() {
    let rig = Rig::start().await;
    let a = rig.instance("a", "111").await;
    for n in 0..103 {
        let mut template = promo();
        template["name"] = json!(format!("promo_{n}"));
        let answer = rig.post(&a, "/template/create/a", &template).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    let find = rig.app.get("/template/find/a").key(&a.token).send().await;
    let found = find.body.as_array().unwrap();
    assert_eq!(found.len(), 103);
    assert_eq!(found[102]["name"], "promo_102");
}

#[tokio::test]
async fn metas_refusal_is_told_in_the_shape_of_these_routes() {
    let rig = Rig::start().await;
    let a = rig.instance("a", "111").await;
    rig.post(&a, "/template/create/a", &promo()).await;
    let answer = rig.post(&a, "/template/create/a", &promo()).await;
    let details = refusal(&answer, "template_creation");
    assert_eq!(
        answer.body["message"],
        "There is already content in this language for this template."
    );
    assert_eq!(details["whatsapp_code"], 100);
    assert_eq!(details["error_subcode"], 2_388_024);
    assert_eq!(
        details["error_user_title"],
        "Content in this language already exists"
    );
    assert_eq!(details["error_type"], "OAuthException");
    assert!(details["fbtrace_id"].is_string());
}

#[tokio::test]
async fn without_an_account_there_are_no_templates() {
    let rig = Rig::start().await;
    let body = json!({
        "instanceName": "b", "integration": "WHATSAPP-BUSINESS",
        "token": "EAAG-token", "number": "333",
    });
    rig.app.post("/instance/create").global().json(&body).await;
    let find = rig.app.get("/template/find/b").key("EAAG-token").send();
    let answer = find.await;
    let details = refusal(&answer, "template_find");
    assert_eq!(answer.body["message"], "businessId is required");
    assert_eq!(details["whatsapp_code"], "UNKNOWN_ERROR");
    assert_eq!(details["fbtrace_id"], json!(null));
}

#[tokio::test]
async fn what_the_schema_does_not_take_never_reaches_meta() {
    let rig = Rig::start().await;
    let a = rig.instance("a", "111").await;
    let mut odd = promo();
    odd["category"] = json!("SPAM");
    let answer = rig.post(&a, "/template/create/a", &odd).await;
    let text = "category is not one of enum values: AUTHENTICATION,MARKETING,UTILITY";
    answer.assert_bad_request(&json!([[text]]));
    let answer = rig.post(&a, "/template/create/a", &json!({})).await;
    let needs = |name: &str| format!("instance requires property \"{name}\"");
    answer.assert_bad_request(&json!([[
        needs("name"),
        needs("category"),
        needs("language"),
        needs("components")
    ]]));
    assert!(rig.graph.templates(&a.account).is_empty());
    for ttl in [json!("soon"), json!(1.5), json!([60])] {
        let edit = json!({ "templateId": "1", "ttl": ttl });
        let answer = rig.post(&a, "/template/edit/a", &edit).await;
        answer.assert_bad_request(&json!([["ttl is not of a type(s) integer"]]));
    }
}

#[tokio::test]
async fn who_made_a_template_hears_of_its_status_and_nobody_else() {
    let rig = Rig::start().await;
    let (a, b) = (
        rig.instance("a", "111").await,
        rig.instance("b", "222").await,
    );
    let made = rig.post(&a, "/template/create/a", &promo()).await;
    let id = made.body["templateId"].as_str().unwrap().to_owned();
    let change = webhook::template_status(&id, "promo", "APPROVED");
    // Of another account: no template of theirs has this id.
    rig.told(&webhook::of(&b, change.clone())).await;
    assert_eq!(rig.events().await, []);
    for _ in 0..2 {
        rig.told(&webhook::of(&a, change.clone())).await;
    }
    let events = rig.events().await;
    assert_eq!(events.len(), 1, "once, though it came twice");
    let row = rig.app.stores.row("a").await;
    assert_eq!(events[0].instance, row.id);
    assert_eq!(
        events[0].only_to.as_deref(),
        Some("https://crm.test/templates")
    );
    assert_eq!(events[0].data, change["value"]);
    let kept = rig.app.stores.registry.templates(row.id).await.unwrap();
    assert_eq!(kept[0].template["status"], "APPROVED");
}
