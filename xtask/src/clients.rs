//! Clients of Evolution API that people run, as they are published: tests/clients.

use std::path::PathBuf;

use crate::python::Tools;

/// The Python client.
const PYTHON: Tools = Tools {
    name: "clients",
    requirements: include_str!("clients/requirements.txt"),
    needed: "the contract is tested with Evolution API's client for Python",
};

/// The Python that has the client, which is installed first if need be.
pub(crate) fn python() -> Result<PathBuf, String> {
    Ok(PYTHON.ready()?.join("python"))
}
