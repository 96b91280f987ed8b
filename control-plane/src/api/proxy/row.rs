//! A proxy as the contract shows it.

use pombal_domain::{Instance, InstanceId, ProxyConfig};
use pombal_store::proxy;
use serde::Serialize;
use uuid::Uuid;

use crate::api::error::ApiError;
use crate::api::state::ApiState;

/// What clients set of it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Proxy)]
pub(super) struct Shown {
    enabled: bool,
    host: String,
    port: String,
    protocol: String,
    username: Option<String>,
    password: Option<String>,
}

/// The stored row, with the password in the clear.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ProxyRow {
    id: Uuid,
    #[serde(flatten)]
    shown: Shown,
    created_at: String,
    updated_at: String,
    instance_id: InstanceId,
}

impl Shown {
    pub(super) fn new(config: &ProxyConfig, password: Option<&str>) -> Self {
        let server = config.server.as_ref();
        Self {
            enabled: config.enabled,
            host: server.map(|it| it.host.clone()).unwrap_or_default(),
            port: server.map(|it| it.port.to_string()).unwrap_or_default(),
            protocol: server.map(|it| it.protocol.to_string()).unwrap_or_default(),
            username: server.and_then(|it| it.username.clone()),
            password: password.map(str::to_owned),
        }
    }
}

impl ProxyRow {
    /// The row of `instance`, once set. A password that can't be opened is not shown.
    pub(in crate::api) async fn of(state: &ApiState, instance: &Instance) -> Option<Self> {
        let config = instance.proxy.as_ref()?;
        let password = match &config.server {
            Some(server) => proxy::password(instance, server, state.keys()).await,
            None => Ok(None),
        };
        let password = password.unwrap_or_else(|error| {
            ApiError::internal(error).log("password of a proxy not shown");
            None
        });
        Some(Self {
            id: config.id,
            shown: Shown::new(config, password.as_deref().map(String::as_str)),
            created_at: config.created_at.iso8601(),
            updated_at: config.updated_at.iso8601(),
            instance_id: instance.id,
        })
    }
}
