//! Buckets are private, encrypted, and spoken to by TLS only.

use serde_json::json;

use crate::resource::list;
use crate::{Resource, Templates, text};

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let buckets = templates.of_type("AWS::S3::Bucket");
    buckets
        .flat_map(|bucket| {
            let mut wrong = private(bucket);
            if !tls_only(templates, bucket) {
                wrong.push(bucket.wrong("no policy denies what does not come by TLS"));
            }
            wrong
        })
        .collect()
}

fn private(bucket: Resource<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for block in [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ] {
        if bucket.property("PublicAccessBlockConfiguration")[block] != json!(true) {
            wrong.push(bucket.wrong(format!("{block} is not true")));
        }
    }
    let owned = json!([{ "ObjectOwnership": "BucketOwnerEnforced" }]);
    if bucket.property("OwnershipControls")["Rules"] != owned {
        wrong.push(bucket.wrong("objects may have other owners"));
    }
    let encryption = bucket.property("BucketEncryption");
    let how = &encryption["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"];
    if how["SSEAlgorithm"].is_null() {
        wrong.push(bucket.wrong("not encrypted"));
    }
    for public in ["AccessControl", "WebsiteConfiguration"] {
        if !bucket.property(public).is_null() {
            wrong.push(bucket.wrong(format!("has {public}")));
        }
    }
    wrong
}

fn tls_only(templates: &Templates, bucket: Resource<'_>) -> bool {
    let reference = json!({ "Ref": bucket.name });
    let arn = format!("${{{}.Arn}}", bucket.name);
    templates
        .of_type("AWS::S3::BucketPolicy")
        .filter(|policy| policy.file == bucket.file && *policy.property("Bucket") == reference)
        .flat_map(|policy| list(&policy.property("PolicyDocument")["Statement"]))
        .any(|statement| {
            let resources: Vec<_> = list(&statement["Resource"]).into_iter().map(text).collect();
            statement["Effect"] == "Deny"
                && statement["Principal"] == "*"
                && statement["Action"] == "s3:*"
                && statement["Condition"] == json!({ "Bool": { "aws:SecureTransport": "false" } })
                && resources.contains(&arn)
                && resources.contains(&format!("{arn}/*"))
        })
}
