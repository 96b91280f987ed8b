//! The read of the fleet, against a service that answers as it is told.

use aws_sdk_dynamodb::Client;
use pombal_domain::Rvn;
use serde_json::{Value, json};

use super::*;
use crate::aws::scripted::Scripted;

fn connector_item(id: ConnectorId, rvn: Rvn) -> Value {
    json!({
        "pk": {"S": "FLEET"},
        "sk": {"S": format!("CONNECTOR#{id}")},
        "rvn": {"S": rvn.to_string()},
        "accepting": {"BOOL": true},
        "drain_requested": {"BOOL": true},
        "instances": {"N": "12"},
        "open": {"N": "7"},
        "started_at": {"N": "1795182896007"},
        "expires_at": {"N": "1795269296"},
        "renewed_at": {"N": "1795182896007"},
        "of_a_later_version": {"S": "?"},
    })
}

fn shard_item(number: &str, epoch: &Value) -> Value {
    json!({
        "pk": {"S": "FLEET"},
        "sk": {"S": format!("SHARD#{number}")},
        "epoch": epoch,
        "since": {"N": "1795182896007"},
    })
}

async fn read(pages: Vec<Value>) -> (Result<Fleet, Error>, Vec<Value>) {
    let service = Scripted::new(pages.into_iter().map(|page| (200, page)));
    let registry = Registry::new(Client::new(&service.config()), "table");
    (registry.fleet().await, service.asked())
}

#[tokio::test]
async fn every_page_is_read_consistently() {
    let (id, rvn) = (ConnectorId::random(), Rvn::random());
    let last = json!({"pk": {"S": "FLEET"}, "sk": {"S": format!("CONNECTOR#{id}")}});
    let pages = vec![
        json!({"Items": [connector_item(id, rvn)], "LastEvaluatedKey": last}),
        json!({"Items": [shard_item("00003", &json!({"N": "2"}))], "LastEvaluatedKey": last}),
        json!({"Items": [shard_item("65535", &json!({"N": "9"}))]}),
    ];
    let (fleet, asked) = read(pages).await;
    let at = UnixMs(1_795_182_896_007);
    let shard = |number, epoch| ShardRow {
        epoch: Epoch(epoch),
        since: at,
        ..ShardRow::fresh(ShardId(number))
    };
    let expected = Fleet {
        connectors: vec![ConnectorRow {
            id,
            rvn,
            accepting: true,
            drain_requested: true,
            instances: 12,
            open: 7,
            started_at: at,
            renewed_at: at,
        }],
        shards: vec![shard(3, 2), shard(65_535, 9)],
    };
    assert_eq!(fleet.unwrap(), expected);
    assert!(asked.iter().all(|query| query["ConsistentRead"] == true));
    let from: Vec<_> = asked
        .iter()
        .map(|query| &query["ExclusiveStartKey"])
        .collect();
    assert_eq!(from, [&Value::Null, &last, &last]);
}

#[tokio::test]
async fn a_damaged_connector_is_left_out() {
    let (id, rvn) = (ConnectorId::random(), Rvn::random());
    let mut damaged = connector_item(ConnectorId::random(), rvn);
    damaged["rvn"] = json!({"S": "?"});
    let of_later = json!({"pk": {"S": "FLEET"}, "sk": {"S": "LATER#1"}});
    let page = json!({"Items": [damaged, connector_item(id, rvn), of_later]});
    let fleet = read(vec![page]).await.0.unwrap();
    let ids: Vec<_> = fleet.connectors.iter().map(|row| row.id).collect();
    assert_eq!(ids, [id]);
}

#[tokio::test]
async fn a_damaged_shard_is_an_error() {
    let good = json!({"N": "1"});
    for damaged in [
        shard_item("00001", &json!({"S": "1"})),
        shard_item("one", &good),
        shard_item("65536", &good),
        {
            let mut item = shard_item("00001", &good);
            item["owner"] = json!({"S": "nobody"});
            item
        },
    ] {
        let page = json!({"Items": [shard_item("00000", &good), damaged]});
        let fleet = read(vec![page]).await.0;
        assert!(matches!(fleet, Err(Error::Damaged(_))), "{fleet:?}");
    }
}
