//! The connector's container and its image agree, and its logs have what metrics are made of.

use std::fs;

use pombal_template::{Templates, text};
use serde_json::{Value, json};

use crate::sources;

#[test]
fn the_task_asks_after_the_connector_as_its_image_does() {
    let templates = Templates::read();
    let task = &templates.get("infra/connector.yaml")["Resources"]["Task"]["Properties"];
    let container = &task["ContainerDefinitions"][0];
    let image = fs::read_to_string(sources::root().join("infra/Dockerfile")).unwrap();
    let lines: Vec<_> = image.lines().map(str::trim).collect();

    let asked = lines.iter().find_map(|line| line.strip_prefix("CMD "));
    let mut command: Value = serde_json::from_str(asked.unwrap()).unwrap();
    command.as_array_mut().unwrap().insert(0, json!("CMD"));
    assert_eq!(container["HealthCheck"]["Command"], command);

    let user = lines.iter().find_map(|line| line.strip_prefix("USER "));
    assert_eq!(container["User"], json!(user.unwrap()));
}

#[test]
fn metrics_of_logs_look_for_what_the_code_logs() {
    let templates = Templates::read();
    let code: String = ["connector/src", "sessions/src"]
        .into_iter()
        .flat_map(sources::files)
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut filters = 0;
    for filter in templates.of_type("AWS::Logs::MetricFilter") {
        let pattern = text(filter.property("FilterPattern"));
        // `{ $.field = "value" }`, or a comparison with a number.
        let inner = pattern.trim_matches(['{', '}', ' ']);
        let (field, rest) = inner.strip_prefix("$.").unwrap().split_once(' ').unwrap();
        let (_, value) = rest.split_once(' ').unwrap();
        let logged = if value.starts_with('"') {
            format!("{field} = {value}")
        } else {
            format!("{field} = ")
        };
        assert!(code.contains(&logged), "nobody logs {logged}");
        filters += 1;
    }
    assert_eq!(filters, 5);
}
