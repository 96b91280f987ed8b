//! The four families of the contract (§ 2.1).

use pombal_domain::{ConnectionState, Instance};
use prometheus::{Error, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::api::root::{CLIENT_NAME, CONTRACT_VERSION};

/// The metrics of one answer. Nothing of them outlives it: who was deleted is gone from the next.
pub(super) struct Families {
    all: Registry,
    total: IntGauge,
    up: IntGaugeVec,
    state: IntGaugeVec,
}

impl Families {
    /// Those of a server without instances.
    pub(super) fn new(server_url: &str) -> Result<Self, Error> {
        let all = Registry::new();
        let about = "The server and the contract that it keeps";
        let server = IntGaugeVec::new(
            Opts::new("evolution_environment_info", about),
            &["version", "clientName", "serverUrl"],
        )?;
        let labels = [CONTRACT_VERSION, CLIENT_NAME, server_url];
        server.get_metric_with_label_values(&labels)?.set(1);
        let total = IntGauge::new("evolution_instances_total", "How many instances there are")?;
        let up = IntGaugeVec::new(
            Opts::new("evolution_instance_up", "1 for an instance that is open"),
            &["instance", "integration"],
        )?;
        let state = IntGaugeVec::new(
            Opts::new("evolution_instance_state", "The state of an instance"),
            &["instance", "integration", "state"],
        )?;
        all.register(Box::new(server))?;
        all.register(Box::new(total.clone()))?;
        all.register(Box::new(up.clone()))?;
        all.register(Box::new(state.clone()))?;
        Ok(Self {
            all,
            total,
            up,
            state,
        })
    }

    /// Adds an instance.
    pub(super) fn show(&self, row: &Instance) -> Result<(), Error> {
        let (name, integration) = (row.name.as_str(), row.integration.as_str());
        let state = row.observed.state;
        let is_open = i64::from(state == ConnectionState::Open);
        self.total.inc();
        let up = self.up.get_metric_with_label_values(&[name, integration])?;
        up.set(is_open);
        let labels = [name, integration, state.as_str()];
        self.state.get_metric_with_label_values(&labels)?.set(1);
        Ok(())
    }

    /// All of them in Prometheus' text format.
    pub(super) fn text(&self) -> Result<String, Error> {
        TextEncoder::new().encode_to_string(&self.all.gather())
    }
}
