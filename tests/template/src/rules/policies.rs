//! Policies name what they allow.

use serde_json::Value;

use crate::resource::list;
use crate::{Resource, Templates, text};

/// Actions for which AWS knows no resource, and why we need them.
const WITHOUT_RESOURCE: [(&str, &str); 1] = [(
    "ecr:GetAuthorizationToken",
    "a token is for the whole registry; what may be pulled is named",
)];

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let mut wrong = Vec::new();
    for resource in templates.resources() {
        for statement in statements(resource) {
            if statement["Effect"] == "Allow" {
                wrong.extend(allowed(resource, statement));
            }
        }
        let calls = resource.kind() == "AWS::Lambda::Permission";
        if calls && text(resource.property("SourceArn")).len() < "arn:".len() + 1 {
            wrong.push(resource.wrong("anybody's API may call the function"));
        }
        // Policies that others write change without us.
        for policy in list(resource.property("ManagedPolicyArns")) {
            if text(policy).contains(":aws:policy/") {
                wrong.push(resource.wrong("has a policy that is not ours"));
            }
        }
        if !resource.property("Policies").is_null() && is_sam(resource) {
            wrong.push(resource.wrong("has policies instead of a role"));
        }
    }
    wrong
}

fn is_sam(resource: Resource<'_>) -> bool {
    resource.kind().starts_with("AWS::Serverless::")
}

/// Every statement of every policy of a resource.
fn statements(resource: Resource<'_>) -> Vec<&Value> {
    let mut found = Vec::new();
    for document in [
        "AssumeRolePolicyDocument",
        "KeyPolicy",
        "PolicyDocument",
        "ResourcePolicy",
    ] {
        found.extend(in_document(resource.property(document)));
    }
    for policy in list(resource.property("Policies")) {
        found.extend(in_document(&policy["PolicyDocument"]));
    }
    found
}

/// The statements of a policy, also those that are there under a condition only.
fn in_document(document: &Value) -> impl Iterator<Item = &Value> {
    let statements = list(&document["Statement"]).into_iter();
    statements.flat_map(|statement| match statement["Fn::If"].as_array() {
        Some(choice) => choice.iter().skip(1).collect(),
        None => vec![statement],
    })
}

fn allowed(resource: Resource<'_>, statement: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let actions: Vec<_> = list(&statement["Action"]).into_iter().map(text).collect();
    if actions.is_empty() || actions.iter().any(|action| action.contains('*')) {
        wrong.push(resource.wrong(format!("allows actions by wildcard: {actions:?}")));
    }
    for inverted in ["NotAction", "NotPrincipal", "NotResource"] {
        if !statement[inverted].is_null() {
            wrong.push(resource.wrong(format!("allows by {inverted}")));
        }
    }
    let principal = &statement["Principal"];
    if *principal == "*" || list(&principal["AWS"]).iter().any(|who| **who == "*") {
        wrong.push(resource.wrong("allows anybody"));
    }
    let without = |action: &String| WITHOUT_RESOURCE.iter().any(|(name, _)| name == action);
    let excused = actions.iter().all(without);
    for named in list(&statement["Resource"]).into_iter().map(text) {
        // In a key's own policy it means the key.
        let itself = resource.kind() == "AWS::KMS::Key" && named == "*";
        if !(is_named(&named) || itself || excused && named == "*") {
            wrong.push(resource.wrong(format!("allows resources by wildcard: {named}")));
        }
    }
    wrong
}

/// Whether a resource is named, as far as its name can be known: objects of a bucket are below a
/// prefix, and streams of a log group are named by their writers.
fn is_named(resource: &str) -> bool {
    let (before, stars) = match resource.split_once('*') {
        None => return true,
        Some(parts) => parts,
    };
    let prefix = before.rsplit('/').nth(1).unwrap_or_default();
    let below = before.ends_with('/') && !prefix.is_empty() && !prefix.contains(['}', ':']);
    let objects = before.contains("Bucket") && below;
    stars.is_empty() && (objects || before.ends_with(":log-stream:"))
}
