//! A fleet that may be empty: who sets the number of connectors, and who must not.

use pombal_template::{Templates, text};
use serde_json::{Value, json};

const MAIN: &str = "template.yaml";
const CONNECTOR: &str = "infra/connector.yaml";

fn property<'a>(templates: &'a Templates, file: &str, place: &str) -> &'a Value {
    let value = templates.get(file).pointer(place);
    value.unwrap_or_else(|| panic!("{file} has no {place}"))
}

fn none() -> Value {
    json!({ "Ref": "AWS::NoValue" })
}

#[test]
fn it_is_off_unless_asked_for_and_needs_connectors() {
    let templates = Templates::read();
    let of = |place| property(&templates, MAIN, place);
    assert_eq!(of("/Parameters/ScaleToZero/Default"), "false");
    assert_eq!(
        *of("/Conditions/Empties"),
        json!({ "Fn::And": [
            { "Condition": "Connectors" },
            { "Fn::Equals": [{ "Ref": "ScaleToZero" }, "true"] },
        ]})
    );
    // Without these the janitor leaves connectors alone.
    let variables = of("/Resources/Janitor/Properties/Environment/Variables");
    for (variable, value) in [
        (
            "POMBAL_ECS_CLUSTER",
            json!({ "Fn::GetAtt": ["Connector", "Outputs.ClusterName"] }),
        ),
        (
            "POMBAL_ECS_SERVICE",
            json!({ "Fn::GetAtt": ["Connector", "Outputs.ServiceName"] }),
        ),
        ("POMBAL_ECS_COUNT", json!({ "Ref": "ConnectorCount" })),
    ] {
        let wanted = json!({ "Fn::If": ["Empties", value, none()] });
        assert_eq!(variables[variable], wanted, "{variable}");
    }
}

#[test]
fn nobody_else_sets_the_number_of_connectors() {
    let templates = Templates::read();
    // An update of the stack would.
    let count = property(
        &templates,
        CONNECTOR,
        "/Resources/Service/Properties/DesiredCount",
    );
    let wanted = json!({ "Fn::If": ["Empties", none(), { "Ref": "Count" }] });
    assert_eq!(*count, wanted);
    // A scaling policy with a minimum would.
    let least = property(
        &templates,
        MAIN,
        "/Resources/Scaling/Properties/Parameters/Min",
    );
    let wanted = json!({ "Fn::If": ["Empties", 0, { "Ref": "ConnectorCount" }] });
    assert_eq!(*least, wanted);
}

#[test]
fn an_empty_fleet_is_no_alarm() {
    let templates = Templates::read();
    let alarm = property(&templates, CONNECTOR, "/Resources/RunningAlarm/Condition");
    assert_eq!(alarm, "AlwaysRuns");
    let always = property(&templates, CONNECTOR, "/Conditions/AlwaysRuns/Fn::And");
    let not_empty = json!({ "Fn::Not": [{ "Condition": "Empties" }] });
    assert!(always.as_array().unwrap().contains(&not_empty), "{always}");
}

/// Two actions, on one service, for one role, and only then.
#[test]
fn the_janitor_may_scale_that_service_only() {
    let templates = Templates::read();
    let of = |rest: &str| {
        let place = format!("/Resources/Scaler/{rest}");
        property(&templates, CONNECTOR, &place).clone()
    };
    assert_eq!(of("Condition"), "Empties");
    assert_eq!(of("Properties/Roles"), json!([{ "Ref": "JanitorRole" }]));
    let role = property(
        &templates,
        MAIN,
        "/Resources/Connector/Properties/Parameters/JanitorRole",
    );
    assert_eq!(text(role), "${Roles.Outputs.JanitorName}");
    let name = property(&templates, "infra/roles.yaml", "/Outputs/JanitorName/Value");
    assert_eq!(*name, json!({ "Ref": "Janitor" }));
    let statements = of("Properties/PolicyDocument/Statement");
    assert_eq!(
        statements,
        json!([{
            "Sid": "StartAndStop",
            "Effect": "Allow",
            "Action": ["ecs:DescribeServices", "ecs:UpdateService"],
            "Resource": { "Ref": "Service" },
        }])
    );
}
