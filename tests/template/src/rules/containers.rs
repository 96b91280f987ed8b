//! Containers can do little, and have time to end.

use serde_json::{Value, json};

use crate::Templates;
use crate::resource::list;

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let mut wrong = Vec::new();
    for task in templates.of_type("AWS::ECS::TaskDefinition") {
        for container in list(task.property("ContainerDefinitions")) {
            let problems = problems(container);
            wrong.extend(problems.into_iter().map(|problem| task.wrong(problem)));
        }
    }
    wrong
}

fn problems(container: &Value) -> Vec<&'static str> {
    let user = container["User"].as_str().unwrap_or("0");
    let dropped = &container["LinuxParameters"]["Capabilities"]["Drop"];
    [
        (
            container["ReadonlyRootFilesystem"] == json!(true),
            "can write into its root",
        ),
        (
            !user.starts_with('0') && !user.starts_with("root"),
            "is root",
        ),
        (container["Privileged"] != json!(true), "is privileged"),
        (*dropped == json!(["ALL"]), "keeps capabilities"),
        (
            container["StopTimeout"] == json!(120),
            "has less time to end than Fargate grants",
        ),
        (
            !container["HealthCheck"]["Command"].is_null(),
            "nobody asks how it is",
        ),
        (
            container["LogConfiguration"]["LogDriver"] == "awslogs",
            "its logs go nowhere",
        ),
    ]
    .into_iter()
    .filter_map(|(good, problem)| (!good).then_some(problem))
    .collect()
}
