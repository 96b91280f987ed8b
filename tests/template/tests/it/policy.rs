//! The templates keep the rules; and what would break one is noticed.

use pombal_template::{Templates, broken};
use serde_json::{Value, json};

#[test]
fn the_templates_keep_the_rules() {
    let wrong = broken(&Templates::read());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each changes one thing of one template: the file, the place, the new value (`Null` takes it
/// away), and a part of the complaint.
fn mistakes() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let data = "infra/data.yaml";
    let roles = "infra/roles.yaml";
    let shard = "infra/shard.yaml";
    let connector = "infra/connector.yaml";
    let main = "template.yaml";
    let container = "/Resources/Task/Properties/ContainerDefinitions/0";
    let api_policy = "/Resources/Api/Properties/Policies/0/PolicyDocument/Statement";
    let of = |place: &'static str, rest: &str| -> &'static str { format!("{place}{rest}").leak() };
    vec![
        // Public buckets.
        (
            data,
            "/Resources/Media/Properties/PublicAccessBlockConfiguration",
            Value::Null,
            "BlockPublicAcls is not true",
        ),
        (
            data,
            "/Resources/Media/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy",
            json!(false),
            "BlockPublicPolicy is not true",
        ),
        (
            data,
            "/Resources/Sessions/Properties/AccessControl",
            json!("PublicRead"),
            "has AccessControl",
        ),
        (
            data,
            "/Resources/Sessions/Properties/OwnershipControls",
            Value::Null,
            "other owners",
        ),
        (
            data,
            "/Resources/MediaPolicy/Properties/PolicyDocument/Statement/0/Effect",
            json!("Allow"),
            "allows anybody",
        ),
        (
            data,
            "/Resources/SessionsPolicy/Properties/PolicyDocument/Statement/0/Condition",
            Value::Null,
            "by TLS",
        ),
        // Encryption, and what is kept.
        (
            data,
            "/Resources/Media/Properties/BucketEncryption",
            Value::Null,
            "not encrypted",
        ),
        (
            data,
            "/Resources/Table/Properties/SSESpecification",
            Value::Null,
            "no encryption",
        ),
        (
            data,
            "/Resources/Table/Properties/PointInTimeRecoverySpecification",
            Value::Null,
            "point-in-time",
        ),
        (
            data,
            "/Resources/Table/DeletionPolicy",
            json!("Delete"),
            "DeletionPolicy",
        ),
        (
            data,
            "/Resources/Key/Properties/EnableKeyRotation",
            json!(false),
            "not rotated",
        ),
        (
            data,
            "/Resources/ApiKeySecret/Properties/SecretString",
            json!("a-key-for-everybody"),
            "stands in the template",
        ),
        (
            data,
            "/Parameters/ProxyPassword/NoEcho",
            Value::Null,
            "infra/data.yaml shows ProxyPassword",
        ),
        (
            data,
            "/Resources/MetaSecret/Properties/SecretString",
            json!("{}"),
            "stands in the template",
        ),
        (
            main,
            "/Resources/Api/Properties/Environment/Variables/META_APP_SECRET",
            json!({ "Ref": "MetaAppSecret" }),
            "shows MetaAppSecret",
        ),
        (
            main,
            "/Resources/AlarmTopic/Properties/KmsMasterKeyId",
            Value::Null,
            "not encrypted",
        ),
        (
            shard,
            "/Resources/Commands/Properties/SqsManagedSseEnabled",
            json!(false),
            "not encrypted",
        ),
        // Wildcards.
        (
            roles,
            of(api_policy, "/1/Action"),
            json!("kms:*"),
            "actions by wildcard",
        ),
        (
            roles,
            of(api_policy, "/1/Action/0"),
            json!("*"),
            "actions by wildcard",
        ),
        (
            roles,
            of(api_policy, "/3/Fn::If/1/Resource"),
            json!("*"),
            "resources by wildcard",
        ),
        (
            roles,
            of(api_policy, "/1/Resource"),
            json!("*"),
            "resources by wildcard",
        ),
        (
            roles,
            of(api_policy, "/4/Resource"),
            json!({ "Fn::Sub": "${MediaBucketArn}/*" }),
            "resources by wildcard",
        ),
        (
            roles,
            of(api_policy, "/4/NotAction"),
            json!("s3:PutObject"),
            "NotAction",
        ),
        (
            roles,
            "/Resources/Registry/Properties/PolicyDocument/Statement/1/Resource/0",
            json!({ "Fn::Sub": "${TableArn}/index/*" }),
            "resources by wildcard",
        ),
        (
            connector,
            "/Resources/Scaler/Properties/PolicyDocument/Statement/0/Action/1",
            json!("ecs:*"),
            "actions by wildcard",
        ),
        (
            connector,
            "/Resources/Scaler/Properties/PolicyDocument/Statement/0/Resource",
            json!({ "Fn::Sub": "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/*" }),
            "resources by wildcard",
        ),
        (
            "infra/shards.yaml",
            "/Resources/Send/Properties/PolicyDocument/Statement/0/Resource/0",
            json!({ "Fn::Sub": "arn:aws:sqs:::${Prefix}commands-*.fifo" }),
            "resources by wildcard",
        ),
        (
            roles,
            "/Resources/Api/Properties/ManagedPolicyArns/0",
            json!("arn:aws:iam::aws:policy/AdministratorAccess"),
            "not ours",
        ),
        (
            roles,
            "/Resources/Api/Properties/AssumeRolePolicyDocument/Statement/0/Principal",
            json!({ "AWS": "*" }),
            "allows anybody",
        ),
        (
            data,
            "/Resources/Key/Properties/KeyPolicy/Statement/0/Action",
            json!("kms:*"),
            "actions by wildcard",
        ),
        (
            main,
            "/Resources/ApiPermission/Properties/SourceArn",
            Value::Null,
            "anybody's API",
        ),
        // Roles.
        (
            main,
            "/Resources/Janitor/Properties/Role",
            json!({ "Fn::GetAtt": ["Roles", "Outputs.ApiArn"] }),
            "is the role of",
        ),
        (
            connector,
            "/Resources/Task/Properties/ExecutionRoleArn",
            json!({ "Fn::GetAtt": ["TaskRole", "Arn"] }),
            "is the role of",
        ),
        (
            main,
            "/Resources/Api/Properties/Role",
            Value::Null,
            "has no Role",
        ),
        // Queues.
        (
            shard,
            "/Resources/Commands/Properties/RedrivePolicy",
            Value::Null,
            "no dead-letter queue",
        ),
        (
            shard,
            "/Resources/Dead/Properties/MaximumMessageSize",
            Value::Null,
            "1 MiB",
        ),
        // Logs.
        (
            main,
            "/Resources/DeliveryLogs/Properties/RetentionInDays",
            Value::Null,
            "for ever",
        ),
        (
            main,
            "/Resources/ApiLogs/Properties/LogGroupName",
            json!("/other"),
            "log group is not in",
        ),
        // Containers and network.
        (
            connector,
            of(container, "/ReadonlyRootFilesystem"),
            json!(false),
            "write into its root",
        ),
        (connector, of(container, "/User"), json!("0:0"), "is root"),
        (
            connector,
            of(container, "/Privileged"),
            json!(true),
            "is privileged",
        ),
        (
            connector,
            of(container, "/LinuxParameters"),
            Value::Null,
            "keeps capabilities",
        ),
        (
            connector,
            of(container, "/StopTimeout"),
            json!(30),
            "less time",
        ),
        (
            connector,
            of(container, "/HealthCheck"),
            Value::Null,
            "nobody asks",
        ),
        (
            "infra/network.yaml",
            "/Resources/Connector/Properties/SecurityGroupIngress",
            json!([{ "CidrIp": "0.0.0.0/0", "FromPort": 443, "ToPort": 443 }]),
            "from anywhere",
        ),
    ]
}

#[test]
fn every_mistake_is_noticed() {
    let good = Templates::read();
    for (file, place, value, complaint) in mistakes() {
        let mut templates = good.clone();
        put(templates.get_mut(file), place, value);
        let wrong = broken(&templates);
        assert!(
            wrong.iter().any(|line| line.contains(complaint)),
            "{file} {place}: {complaint:?} is not among {wrong:?}"
        );
    }
}

/// Sets the value at a JSON pointer. What leads there must exist.
fn put(template: &mut Value, place: &str, value: Value) {
    let (parent, last) = place.rsplit_once('/').unwrap();
    let parent = template.pointer_mut(parent);
    match parent.unwrap_or_else(|| panic!("{place} is not there")) {
        Value::Array(list) => list[last.parse::<usize>().unwrap()] = value,
        Value::Object(map) => drop(map.insert(last.to_owned(), value)),
        other => panic!("{place} is in {other}"),
    }
}
