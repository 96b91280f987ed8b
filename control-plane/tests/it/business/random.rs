//! Whatever is thrown at the routes of the Cloud API: an answer that means something, and no harm
//! done by what is refused. By a seed, so that a failure comes again.

use axum::http::Method;
use fake_graph::Number;
use pombal_domain::Instance;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::rig::Rig;
use crate::app::Answer;
use crate::openapi::walk::{document, operations};
use crate::random_bodies::{self, DEPTH, Taken, assert_both};

/// How many requests each of the tests makes.
const REQUESTS: usize = 600;
/// The instance that the description names in its examples.
const SHOP: &str = "shop";
const NUMBER: &str = "106540352242922";
/// Whom the examples write to.
const ANA: &str = "5511999990002";

/// A route of the Cloud API, and the bodies that the description has for it.
struct Route {
    method: Method,
    path: String,
    examples: Vec<Value>,
}

fn routes() -> Vec<Route> {
    let document = document();
    let mut routes = Vec::new();
    for operation in operations(&document) {
        let path = operation.path().replace("/sendText/b1", "/sendText/shop");
        if path.ends_with("/shop") {
            let examples = operation.examples();
            routes.push(Route {
                method: operation.method,
                path,
                examples: examples.into_iter().map(|(_, body)| body).collect(),
            });
        }
    }
    assert!(routes.len() > 12, "only {} routes", routes.len());
    routes
}

/// What requests may change.
#[derive(Debug, PartialEq)]
pub(super) struct World {
    rows: Vec<Instance>,
    sent: usize,
    at_meta: Vec<Value>,
    kept: Vec<String>,
}

impl World {
    pub(super) async fn of(rig: &Rig, number: &Number) -> Self {
        let registry = &rig.app.stores.registry;
        let rows = registry.list_instances(None, 1000).await.unwrap();
        let kept = registry.templates(rows[0].id).await.unwrap();
        Self {
            sent: rig.graph.sent(&number.id).len(),
            at_meta: rig.graph.templates(&number.account),
            kept: kept.iter().map(|kept| format!("{kept:?}")).collect(),
            rows,
        }
    }
}

/// What is refused says so in the shape of its route and has changed nothing; nothing fails.
async fn check(
    rig: &Rig,
    number: &Number,
    before: &mut World,
    answer: &Answer,
    what: &str,
) -> Taken {
    let after = World::of(rig, number).await;
    let events = rig.events().await;
    let told = events.iter().map(|event| event.event.dotted());
    let told: Vec<_> = told.collect();
    if answer.status.is_success() {
        // Each message is told once.
        let sent = vec!["send.message"; after.sent - before.sent];
        assert_eq!(told, sent, "{what}");
        *before = after;
        return Taken::Accepted;
    }
    assert!(answer.status.is_client_error(), "{what}: {answer:?}");
    let body = &answer.body;
    assert_eq!(body["status"], answer.status.as_u16(), "{what}: {body}");
    assert!(body["error"].is_string(), "{what}: {body}");
    let usual = &body["response"]["message"];
    let of_templates = what.contains("/template/") && body["details"].is_object();
    assert!(!usual.is_null() || of_templates, "{what}: {body}");
    assert_eq!(told, [] as [&str; 0], "{what}: refused, and yet it is told");
    assert!(*before == after, "{what}: refused, and yet {after:#?}");
    Taken::Refused
}

pub(super) async fn rig() -> (Rig, Number) {
    let rig = Rig::start().await;
    let number = rig.instance(SHOP, NUMBER).await;
    let template = json!({ "id": "1", "name": "greeting", "language": "pt_BR" });
    rig.graph.set_templates(&number.account, vec![template]);
    rig.events().await;
    (rig, number)
}

#[tokio::test]
async fn distorted_bodies() {
    let (rig, number) = rig().await;
    let routes = routes();
    let mut before = World::of(&rig, &number).await;
    let mut rng = StdRng::seed_from_u64(11);
    let mut taken = Vec::new();
    for i in 0..REQUESTS {
        let route = &routes[i % routes.len()];
        let mut body = match route.examples.choose(&mut rng) {
            Some(example) => example.clone(),
            None => random_bodies::value(&mut rng, DEPTH),
        };
        for _ in 0..rng.random_range(0..3) {
            distort(&mut rng, &mut body);
        }
        let what = format!("{} {} {body}", route.method, route.path);
        let call = rig.app.call(route.method.clone(), &route.path).global();
        let answer = call.json(&body).await;
        taken.push(check(&rig, &number, &mut before, &answer, &what).await);
    }
    assert_both(&taken);
}

#[tokio::test]
async fn random_forms() {
    let (rig, number) = rig().await;
    let routes = routes();
    let mut before = World::of(&rig, &number).await;
    let mut rng = StdRng::seed_from_u64(12);
    let mut taken = Vec::new();
    for i in 0..REQUESTS {
        let route = &routes[i % routes.len()];
        let kinds = [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ];
        let kind = *kinds.choose(&mut rng).unwrap();
        let mut form = random_bodies::form(&mut rng);
        // Some get as far as the fields.
        if rng.random_range(0..2) == 0 && kind.starts_with("application") {
            let fields = format!("&number={ANA}&text=x&reaction=&mediatype=image&media=aGk=");
            form.extend_from_slice(fields.as_bytes());
        }
        let text = String::from_utf8_lossy(&form).into_owned();
        let what = format!("{} {} {kind} {text:?}", route.method, route.path);
        let call = rig.app.call(route.method.clone(), &route.path).global();
        let answer = call.header("content-type", kind).body(form).send().await;
        taken.push(check(&rig, &number, &mut before, &answer, &what).await);
    }
    assert_both(&taken);
}

/// Replaces, takes away or adds something somewhere.
pub(super) fn distort(rng: &mut StdRng, value: &mut Value) {
    let deeper = rng.random_range(0..4) > 0;
    match value {
        Value::Object(fields) if deeper && !fields.is_empty() => {
            let names: Vec<_> = fields.keys().cloned().collect();
            let name = names.choose(rng).unwrap();
            match rng.random_range(0..6) {
                0 => drop(fields.remove(name)),
                1 => {
                    let other = names.choose(rng).unwrap();
                    let copy = fields[other].clone();
                    fields.insert(name.clone(), copy);
                }
                _ => distort(rng, &mut fields[name]),
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let at = rng.random_range(0..items.len());
            match rng.random_range(0..4) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => distort(rng, &mut items[at]),
            }
        }
        other => *other = random_bodies::value(rng, 2),
    }
}
