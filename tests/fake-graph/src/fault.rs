//! Faults on demand.

use std::sync::Mutex;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::GraphError;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /<number>/messages`.
    Messages,
    /// `POST /<number>/media`.
    Upload,
    /// `GET /<medium>`.
    Medium,
    /// The bytes of a medium.
    Download,
    /// Everything about templates.
    Templates,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// An error of the Graph API instead of what was asked for.
    Refuse(GraphError),
    /// An answer that is not of the Graph API: a balancer's page.
    Page(u16),
    /// It is done, and then the connection hangs.
    DoneAndHang,
    /// It is done so late.
    Late(Duration),
}

/// The faults that wait for their requests.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<(Route, Fault)>>);

impl Faults {
    pub(crate) fn add(&self, route: Route, fault: Fault) {
        self.0.lock().unwrap().push((route, fault));
    }

    pub(crate) fn next(&self, route: Route) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap();
        let at = faults.iter().position(|(of, _)| *of == route)?;
        Some(faults.remove(at).1)
    }

    /// Does `work` as the next fault of `route` wants it.
    pub(crate) async fn around(
        &self,
        route: Route,
        work: impl FnOnce() -> Result<Response, GraphError>,
    ) -> Response {
        let done = |result: Result<Response, GraphError>| {
            result.unwrap_or_else(IntoResponse::into_response)
        };
        match self.next(route) {
            None => done(work()),
            Some(Fault::Refuse(error)) => error.into_response(),
            Some(Fault::Page(status)) => {
                let page = "<html><body>Sorry, something went wrong.</body></html>";
                (StatusCode::from_u16(status).unwrap(), page).into_response()
            }
            Some(Fault::DoneAndHang) => {
                drop(work());
                std::future::pending().await
            }
            Some(Fault::Late(time)) => {
                tokio::time::sleep(time).await;
                done(work())
            }
        }
    }
}
