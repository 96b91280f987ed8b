//! A role is one function's, or one container's.

use std::collections::BTreeMap;

use crate::resource::list;
use crate::{Templates, text};

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in templates.resources() {
        for property in ["Role", "TaskRoleArn", "ExecutionRoleArn"] {
            let role = resource.property(property);
            if !role.is_null() {
                let user = format!("{} {} {property}", resource.file, resource.name);
                users.entry(text(role)).or_default().push(user);
            }
        }
    }
    let shared = users.into_iter().filter(|(_, users)| users.len() > 1);
    let mut wrong: Vec<_> = shared
        .map(|(role, users)| format!("{role} is the role of {}", users.join(" and ")))
        .collect();
    for role in templates.of_type("AWS::IAM::Role") {
        let trust = &role.property("AssumeRolePolicyDocument")["Statement"];
        if list(trust)
            .iter()
            .any(|who| who["Principal"]["Service"].is_null())
        {
            wrong.push(role.wrong("somebody other than a service may be it"));
        }
    }
    wrong
}
