//! Queues are as `pombal_store::queue::plan` has them.

use std::collections::BTreeMap;

use pombal_domain::ShardId;
use pombal_store::queue::{QueueOptions, plan, sqs};
use pombal_template::{Resource, Templates, text};
use serde_json::{Value, json};

/// What the template says of a queue and of its dead letters, by name.
fn queues<'a>(templates: &'a Templates, file: &str) -> BTreeMap<String, Resource<'a>> {
    templates
        .of_type("AWS::SQS::Queue")
        .filter(|queue| queue.file == file)
        .map(|queue| {
            let name = text(queue.property("QueueName"));
            (name.strip_prefix("${Prefix}").unwrap().to_owned(), queue)
        })
        .collect()
}

/// The properties that the code would give a queue.
fn expected(name: &str, options: &QueueOptions) -> BTreeMap<String, Value> {
    let mut expected: BTreeMap<_, _> = sqs::settings(options)
        .into_iter()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
        .collect();
    expected.insert("QueueName".to_owned(), json!(format!("${{Prefix}}{name}")));
    if options.fifo {
        expected.insert("FifoQueue".to_owned(), json!("true"));
    }
    expected
}

/// The properties in the template, numbers and flags as the API writes them.
fn found(queue: Resource<'_>) -> BTreeMap<String, Value> {
    let properties = queue.value["Properties"].as_object().unwrap();
    properties
        .iter()
        .filter(|(name, _)| *name != "RedrivePolicy")
        .map(|(name, value)| (name.clone(), json!(text(value))))
        .collect()
}

/// Compares one queue, and its dead-letter queue if it has one.
fn compare(queues: &BTreeMap<String, Resource<'_>>, base: &str, options: &QueueOptions) {
    let full = |name: String| if options.fifo { name + ".fifo" } else { name };
    let name = full(base.to_owned());
    let queue = queues
        .get(&name)
        .unwrap_or_else(|| panic!("no queue {name}"));
    assert_eq!(found(*queue), expected(&name, options), "{name}");
    let redrive = queue.property("RedrivePolicy");
    let Some(limit) = options.max_receives else {
        assert_eq!(*redrive, Value::Null, "{name}");
        return;
    };
    assert_eq!(redrive["maxReceiveCount"], json!(limit), "{name}");
    let dead_name = full(format!("{base}-dlq"));
    let dead = &queues[&dead_name];
    assert_eq!(found(*dead), expected(&dead_name, options), "{dead_name}");
    assert_eq!(
        redrive["deadLetterTargetArn"],
        json!({ "Fn::GetAtt": [dead.name, "Arn"] }),
        "{name}"
    );
}

#[test]
fn queues_of_the_delivery_are_as_planned() {
    let templates = Templates::read();
    let queues = queues(&templates, "infra/queues.yaml");
    let events = plan::for_function(plan::events_options());
    let letters = plan::for_function(plan::letters_options());
    compare(&queues, plan::EVENTS, &events);
    compare(&queues, plan::RETRIES, &letters);
    // People take from there, so nothing dies.
    let given_up = QueueOptions {
        max_receives: None,
        ..letters
    };
    compare(&queues, plan::DEAD, &given_up);
    assert_eq!(queues.len(), 5);
}

#[test]
fn every_shard_has_its_queue_as_planned() {
    let templates = Templates::read();
    let queues = queues(&templates, "infra/shard.yaml");
    let any = plan::commands(ShardId(7)).replace('7', "${Shard}");
    compare(&queues, &any, &plan::commands_options());
    assert_eq!(queues.len(), 2);

    let most = templates.get("template.yaml")["Parameters"]["Shards"]["AllowedValues"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_u64)
        .max()
        .unwrap();
    let shards: Vec<_> = templates
        .of_type("AWS::CloudFormation::Stack")
        .filter(|stack| stack.file == "infra/shards.yaml")
        .map(|stack| stack.property("Parameters")["Shard"].as_u64().unwrap())
        .collect();
    assert_eq!(shards.len(), usize::try_from(most).unwrap());
    for shard in 0..most {
        assert!(shards.contains(&shard), "shard {shard} has no queue");
    }
    for policy in ["Send", "Receive"] {
        let statement = &templates.get("infra/shards.yaml")["Resources"][policy]["Properties"]["PolicyDocument"]
            ["Statement"][0];
        let named: Vec<_> = statement["Resource"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect();
        let of = |shard: u64| {
            let name = plan::commands(ShardId(u16::try_from(shard).unwrap()));
            format!(
                "arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:${{Prefix}}{name}.fifo"
            )
        };
        assert_eq!(named, (0..most).map(of).collect::<Vec<_>>(), "{policy}");
    }
}

#[test]
fn the_function_has_the_time_that_its_queues_count_with() {
    let templates = Templates::read();
    let delivery = &templates.get("template.yaml")["Resources"]["Delivery"]["Properties"];
    assert_eq!(delivery["Timeout"], json!(plan::DELIVERY_TIMEOUT.as_secs()));
    for (_, source) in delivery["Events"].as_object().unwrap() {
        let source = &source["Properties"];
        assert_eq!(source["BatchSize"], json!(10));
        assert_eq!(
            source["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"])
        );
    }
}
