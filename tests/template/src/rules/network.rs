//! Nobody dials in, but to a load balancer by TLS.

use crate::resource::list;
use crate::{Templates, text};

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let mut wrong = Vec::new();
    for resource in templates.resources() {
        let rules = match resource.kind() {
            "AWS::EC2::SecurityGroup" => list(resource.property("SecurityGroupIngress")),
            "AWS::EC2::SecurityGroupIngress" => vec![&resource.value["Properties"]],
            _ => continue,
        };
        for rule in rules {
            let from = ["CidrIp", "CidrIpv6"].map(|cidr| text(&rule[cidr]));
            let anybody = from
                .iter()
                .any(|cidr| cidr == "0.0.0.0/0" || cidr == "::/0");
            let tls = (&rule["FromPort"], &rule["ToPort"]) == (&443.into(), &443.into());
            if anybody && !(tls && resource.file == "infra/load-balancer.yaml") {
                wrong.push(resource.wrong("takes calls from anywhere"));
            }
        }
    }
    wrong
}
