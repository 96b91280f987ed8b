//! Functions have a role, a time-out, and logs that end.

use crate::{Templates, text};

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let groups: Vec<_> = templates.of_type("AWS::Logs::LogGroup").collect();
    let mut wrong: Vec<String> = groups
        .iter()
        .filter(|group| group.property("RetentionInDays").is_null())
        .map(|group| group.wrong("keeps logs for ever"))
        .collect();
    for function in templates.of_type("AWS::Serverless::Function") {
        for property in ["Role", "Timeout", "FunctionName"] {
            if function.property(property).is_null() {
                wrong.push(function.wrong(format!("has no {property}")));
            }
        }
        let expected = format!("/aws/lambda/{}", text(function.property("FunctionName")));
        let mut named = groups
            .iter()
            .map(|group| text(group.property("LogGroupName")));
        if !named.any(|name| name == expected) {
            wrong.push(function.wrong("its log group is not in the template"));
        }
        if function.file != "template.yaml" {
            wrong.push(function.wrong("SAM's transform sees template.yaml only"));
        }
    }
    wrong
}
