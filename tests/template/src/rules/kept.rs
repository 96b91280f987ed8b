//! What is kept is encrypted, and does not go away by mistake.

use serde_json::json;

use crate::{Resource, Templates};

/// Types whose content can't be made again.
const STATEFUL: [&str; 4] = [
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
];

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let mut wrong = Vec::new();
    for resource in templates.resources() {
        if STATEFUL.contains(&resource.kind()) {
            wrong.extend(retained(resource));
        }
        wrong.extend(encrypted(resource));
    }
    wrong
}

fn retained(resource: Resource<'_>) -> Vec<String> {
    let policies = [
        ("DeletionPolicy", "RetainExceptOnCreate"),
        ("UpdateReplacePolicy", "Retain"),
    ];
    policies
        .iter()
        .filter(|(policy, value)| resource.value[policy] != *value)
        .map(|(policy, value)| resource.wrong(format!("{policy} is not {value}")))
        .collect()
}

fn encrypted(resource: Resource<'_>) -> Option<String> {
    let is = |property: &str, path: &str| resource.property(property)[path] == json!(true);
    let (good, problem) = match resource.kind() {
        "AWS::DynamoDB::Table" => (
            is("SSESpecification", "SSEEnabled")
                && is(
                    "PointInTimeRecoverySpecification",
                    "PointInTimeRecoveryEnabled",
                )
                && !resource.property("DeletionProtectionEnabled").is_null(),
            "no encryption, point-in-time recovery or deletion protection",
        ),
        "AWS::KMS::Key" => (
            *resource.property("EnableKeyRotation") == json!(true),
            "not rotated",
        ),
        "AWS::SecretsManager::Secret" => (
            !resource.property("KmsKeyId").is_null(),
            "not under our key",
        ),
        "AWS::SNS::Topic" => (
            !resource.property("KmsMasterKeyId").is_null(),
            "not encrypted",
        ),
        _ => return None,
    };
    (!good).then(|| resource.wrong(problem))
}
