//! Table and buckets are as the code makes and uses them.

use pombal_store::aws::{BODIES_ROOT, MEDIA_ROOT, SESSIONS_ROOT};
use pombal_store::queue::large::KEPT_DAYS;
use pombal_store::registry::shape;
use pombal_template::{Templates, text};
use serde_json::{Value, json};

#[test]
fn the_table_has_the_shape_that_the_code_makes() {
    let templates = Templates::read();
    let table = &templates.get("infra/data.yaml")["Resources"]["Table"]["Properties"];
    let attributes = shape::ATTRIBUTES
        .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }));
    assert_eq!(table["AttributeDefinitions"], json!(attributes));
    assert_eq!(table["KeySchema"], key(shape::KEY));
    let indexes = shape::INDEXES.map(|(name, keys)| {
        json!({
            "IndexName": name,
            "KeySchema": key(keys),
            "Projection": { "ProjectionType": "ALL" },
        })
    });
    assert_eq!(table["GlobalSecondaryIndexes"], json!(indexes));
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({ "AttributeName": shape::TTL, "Enabled": true })
    );
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
}

fn key((partition, sort): (&str, Option<&str>)) -> Value {
    let part = |name, kind| json!({ "AttributeName": name, "KeyType": kind });
    let mut key = vec![part(partition, "HASH")];
    key.extend(sort.map(|sort| part(sort, "RANGE")));
    key.into()
}

#[test]
fn roles_may_query_every_index() {
    let templates = Templates::read();
    let policy = &templates.get("infra/roles.yaml")["Resources"]["Registry"]["Properties"];
    let named = policy["PolicyDocument"]["Statement"][1]["Resource"].as_array();
    let named: Vec<_> = named.unwrap().iter().map(text).collect();
    let expected = shape::INDEXES.map(|(name, _)| format!("${{TableArn}}/index/{name}"));
    assert_eq!(named, expected);
}

#[test]
fn large_bodies_are_kept_while_a_queue_may_point_to_them() {
    let templates = Templates::read();
    let bucket = &templates.get("infra/data.yaml")["Resources"]["Media"]["Properties"];
    let rules = bucket["LifecycleConfiguration"]["Rules"]
        .as_array()
        .unwrap();
    let expiring: Vec<_> = rules
        .iter()
        .filter(|rule| !rule["ExpirationInDays"].is_null())
        .collect();
    assert_eq!(expiring.len(), 1, "media itself must stay");
    assert_eq!(expiring[0]["Prefix"], json!(format!("{BODIES_ROOT}/")));
    assert_eq!(expiring[0]["ExpirationInDays"], json!(KEPT_DAYS));
}

/// Rights are given by prefix: they have to be those that the code writes below.
#[test]
fn roles_know_the_prefixes_of_the_code() {
    let templates = Templates::read();
    for file in ["infra/roles.yaml", "infra/connector.yaml"] {
        let mut prefixes = Vec::new();
        find(templates.get(file), &mut prefixes);
        assert!(!prefixes.is_empty());
        for prefix in prefixes {
            assert!(
                [BODIES_ROOT, MEDIA_ROOT, SESSIONS_ROOT].contains(&prefix.as_str()),
                "{file}: {prefix}"
            );
        }
    }
}

/// The last folder of every pattern of objects.
fn find(value: &Value, prefixes: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let folder = text
                .strip_suffix("/*")
                .and_then(|before| before.rsplit('/').next());
            prefixes.extend(folder.map(str::to_owned));
        }
        Value::Array(list) => list.iter().for_each(|value| find(value, prefixes)),
        Value::Object(map) => map.values().for_each(|value| find(value, prefixes)),
        _ => {}
    }
}

/// A damaged object is put back from its versions: see docs/OPERATIONS.md.
#[test]
fn sessions_have_versions_for_a_while() {
    let templates = Templates::read();
    let bucket = &templates.get("infra/data.yaml")["Resources"]["Sessions"]["Properties"];
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    let rules = bucket["LifecycleConfiguration"]["Rules"]
        .as_array()
        .unwrap();
    let kept = rules
        .iter()
        .find_map(|rule| rule["NoncurrentVersionExpiration"]["NoncurrentDays"].as_u64());
    assert_eq!(kept, Some(14));
    let expiring = rules
        .iter()
        .find(|rule| !rule["ExpirationInDays"].is_null());
    assert_eq!(expiring, None, "a session does not get old");
}
