//! Changes to an instance's row. Each writer has its own attributes.

use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use pombal_domain::instance::Observed;
use pombal_domain::time::UnixMs;
use pombal_domain::{
    Desired, Event, Instance, InstanceId, InstanceName, Pairing, ProxyConfig, Settings, SinkConfig,
    SinkKind, WebhookConfig,
};
use serde::Serialize;

use super::row::{instance_key, json, names, number, plain, read_instance, text};
use super::{Error, Registry};

impl Registry {
    /// Writes a wish: `desired`, `pairing` if given, and a generation one higher. Returns the
    /// row after it. A write that is sent twice counts two generations, which does no harm.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Moved`], which only a deletion ends; [`Error::Damaged`],
    /// [`Error::Storage`].
    pub async fn set_desired(
        &self,
        name: &InstanceName,
        id: InstanceId,
        desired: Desired,
        pairing: Option<&Pairing>,
    ) -> Result<Instance, Error> {
        let mut set = "SET #desired = :desired, #generation = #generation + :one, \
                       #updated_at = :now"
            .to_owned();
        let mut attributes = vec!["id", "desired", "generation", "updated_at"];
        let mut update = self
            .update(name, id)
            .condition_expression("#id = :id AND #desired <> :moved")
            .expression_attribute_values(":moved", plain(&Desired::Moved)?)
            .expression_attribute_values(":desired", plain(&desired)?)
            .expression_attribute_values(":one", number(1_u64))
            .expression_attribute_values(":now", number(UnixMs::now().0))
            .return_values(ReturnValue::AllNew);
        if let Some(pairing) = pairing {
            set.push_str(", #pairing = :pairing");
            attributes.push("pairing");
            update = update.expression_attribute_values(":pairing", json(pairing)?);
        }
        let update = update
            .update_expression(set)
            .set_expression_attribute_names(Some(names(&attributes)));
        match conditional(update).await? {
            Some(after) => read_instance(&after.attributes.unwrap_or_default()),
            None => Err(self.why_refused(name, id).await?),
        }
    }

    /// Why a wish was not written.
    pub(super) async fn why_refused(
        &self,
        name: &InstanceName,
        id: InstanceId,
    ) -> Result<Error, Error> {
        let row = self.instance(name).await?.filter(|row| row.id == id);
        Ok(match row {
            Some(row) if row.desired == Desired::Moved => Error::Moved,
            Some(_) => Error::Conflict,
            None => Error::NotFound,
        })
    }

    /// Sets the instance's webhook.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Storage`].
    pub async fn set_webhook(
        &self,
        name: &InstanceName,
        id: InstanceId,
        webhook: &WebhookConfig,
    ) -> Result<(), Error> {
        self.set_attribute(name, id, "webhook", webhook).await
    }

    /// Sets one of the instance's sinks.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Storage`].
    pub async fn set_sink(
        &self,
        name: &InstanceName,
        id: InstanceId,
        kind: SinkKind,
        sink: &SinkConfig,
    ) -> Result<(), Error> {
        self.set_attribute(name, id, kind.as_str(), sink).await
    }

    /// Sets the instance's proxy.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Storage`].
    pub async fn set_proxy(
        &self,
        name: &InstanceName,
        id: InstanceId,
        proxy: &ProxyConfig,
    ) -> Result<(), Error> {
        self.set_attribute(name, id, "proxy", proxy).await
    }

    /// Sets the instance's settings.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Storage`].
    pub async fn set_settings(
        &self,
        name: &InstanceName,
        id: InstanceId,
        settings: &Settings,
    ) -> Result<(), Error> {
        self.set_attribute(name, id, "settings", settings).await
    }

    /// Writes one attribute that users change, as JSON.
    async fn set_attribute(
        &self,
        name: &InstanceName,
        id: InstanceId,
        attribute: &'static str,
        value: &impl Serialize,
    ) -> Result<(), Error> {
        let update = self
            .update(name, id)
            .condition_expression("#id = :id")
            .update_expression(format!("SET #{attribute} = :value, #updated_at = :now"))
            .set_expression_attribute_names(Some(names(&["id", attribute, "updated_at"])))
            .expression_attribute_values(":value", json(value)?)
            .expression_attribute_values(":now", number(UnixMs::now().0));
        conditional(update)
            .await?
            .map(|_| ())
            .ok_or(Error::NotFound)
    }

    /// Writes what the owner of the shard sees, outside the stream of events: for an instance
    /// whose journal can't be used. Its `(epoch, seq)` stays, so the next event goes on top.
    ///
    /// False says that the instance is gone.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn show(
        &self,
        name: &InstanceName,
        id: InstanceId,
        observed: &Observed,
    ) -> Result<bool, Error> {
        let update = self
            .update(name, id)
            .condition_expression("#id = :id")
            .update_expression("SET #observed = :observed")
            .set_expression_attribute_names(Some(names(&["id", "observed"])))
            .expression_attribute_values(":observed", json(observed)?);
        Ok(conditional(update).await?.is_some())
    }

    /// Writes the event's projection if its `(epoch, seq)` is past the row's: a greater epoch,
    /// or the same epoch and a greater seq. Epochs of an instance grow also when it changes
    /// shards: see [`Transit::epoch_base`](pombal_domain::Transit::epoch_base).
    ///
    /// False says that nothing was written: the row is as new already (as it is when an event
    /// comes twice), it is gone or belongs to another instance by now, or the event projects
    /// nothing, in which case nothing is read either.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn project(&self, event: &Event) -> Result<bool, Error> {
        let Some(projection) = &event.projection else {
            return Ok(false);
        };
        let update = self
            .update(&event.name, event.instance)
            .condition_expression(
                "#id = :id AND (#epoch < :epoch OR (#epoch = :epoch AND #seq < :seq))",
            )
            .update_expression("SET #observed = :observed, #epoch = :epoch, #seq = :seq")
            .set_expression_attribute_names(Some(names(&["id", "observed", "epoch", "seq"])))
            .expression_attribute_values(":observed", json(&projection.0)?)
            .expression_attribute_values(":epoch", number(event.epoch.0))
            .expression_attribute_values(":seq", number(event.seq.0));
        Ok(conditional(update).await?.is_some())
    }

    pub(super) fn update(&self, name: &InstanceName, id: InstanceId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(instance_key(name)))
            .expression_attribute_values(":id", text(id.to_string()))
    }
}

/// Sends an update; `None` when its condition does not hold.
pub(super) async fn conditional(
    update: UpdateItemFluentBuilder,
) -> Result<Option<UpdateItemOutput>, Error> {
    match update.send().await {
        Ok(answer) => Ok(Some(answer)),
        Err(e)
            if e.as_service_error()
                .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
        {
            Ok(None)
        }
        Err(e) => Err(Error::storage(e)),
    }
}
