//! As much of `CloudFormation`'s API as scenarios need.

use std::collections::BTreeMap;

use reqwest::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Leads a request to the service. An emulator looks at no signature, so there is none to be
/// right: on AWS itself, deploy with `sam deploy`.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
     Credential=test/20260101/us-east-1/cloudformation/aws4_request, \
     SignedHeaders=host, Signature=none";

/// `CloudFormation` at what `AWS_ENDPOINT_URL` names.
pub(super) struct CloudFormation {
    client: Client,
    endpoint: String,
}

/// A stack, as far as we want to know.
pub(super) struct Described {
    /// `CREATE_COMPLETE`, …
    pub(super) status: String,
    /// Why it is so.
    pub(super) reason: Option<String>,
    pub(super) outputs: BTreeMap<String, String>,
}

impl CloudFormation {
    pub(super) fn from_env() -> Self {
        let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap_or_else(|_| {
            panic!("AWS_ENDPOINT_URL is not set: run the scenarios by `cargo xtask test`")
        });
        Self {
            client: Client::builder().no_proxy().build().unwrap(),
            endpoint,
        }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) async fn create(
        &self,
        name: &str,
        template: &str,
        parameters: &BTreeMap<&str, &str>,
    ) {
        let mut form = vec![
            ("StackName".to_owned(), name.to_owned()),
            ("TemplateBody".to_owned(), template.to_owned()),
        ];
        for (at, capability) in (1..).zip(["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]) {
            form.push((format!("Capabilities.member.{at}"), capability.to_owned()));
        }
        for (at, (name, value)) in (1..).zip(parameters) {
            let member = format!("Parameters.member.{at}");
            form.push((format!("{member}.ParameterKey"), (*name).to_owned()));
            form.push((format!("{member}.ParameterValue"), (*value).to_owned()));
        }
        let answer = self.call("CreateStack", form).await;
        answer.unwrap_or_else(|error| panic!("stack {name} is refused: {error}"));
    }

    /// None when there is no such stack.
    pub(super) async fn describe(&self, name: &str) -> Option<Described> {
        let form = vec![("StackName".to_owned(), name.to_owned())];
        let answer = self.call("DescribeStacks", form).await.ok()?;
        let answer: DescribeStacks = parse(&answer);
        let stack = answer.result.stacks.member.into_iter().next()?;
        let outputs = stack.outputs.unwrap_or_default().member;
        Some(Described {
            status: stack.status,
            reason: stack.reason,
            outputs: outputs.into_iter().map(|o| (o.key, o.value)).collect(),
        })
    }

    pub(super) async fn delete(&self, name: &str) {
        let form = vec![("StackName".to_owned(), name.to_owned())];
        self.call("DeleteStack", form).await.unwrap();
    }

    /// The body of a success, or that of the error.
    async fn call(&self, action: &str, mut form: Vec<(String, String)>) -> Result<String, String> {
        form.push(("Action".to_owned(), action.to_owned()));
        form.push(("Version".to_owned(), "2010-05-15".to_owned()));
        let request = self.client.post(&self.endpoint).form(&form);
        let request = request.header("authorization", AUTHORIZATION);
        let response = request.send().await.map_err(|error| error.to_string())?;
        let good = response.status().is_success();
        let body = response.text().await.map_err(|error| error.to_string())?;
        if good { Ok(body) } else { Err(body) }
    }
}

fn parse<T: DeserializeOwned>(xml: &str) -> T {
    quick_xml::de::from_str(xml).unwrap_or_else(|error| panic!("{error}: {xml}"))
}

#[derive(Deserialize)]
struct DescribeStacks {
    #[serde(rename = "DescribeStacksResult")]
    result: DescribeStacksResult,
}

#[derive(Deserialize)]
struct DescribeStacksResult {
    #[serde(rename = "Stacks")]
    stacks: Members<StackMember>,
}

#[derive(Deserialize)]
struct Members<T> {
    #[serde(default = "Vec::new")]
    member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

#[derive(Deserialize)]
struct StackMember {
    #[serde(rename = "StackStatus")]
    status: String,
    #[serde(rename = "StackStatusReason")]
    reason: Option<String>,
    #[serde(rename = "Outputs")]
    outputs: Option<Members<Output>>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(rename = "OutputKey")]
    key: String,
    #[serde(rename = "OutputValue")]
    value: String,
}
