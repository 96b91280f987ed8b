//! The query of `fetchInstances`: filters, and pages beyond the first.

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pombal_domain::InstanceName;

use crate::api::error::ApiError;

/// Most instances in an answer, and how many there are unless fewer are asked for.
const MAX_LIMIT: usize = 1000;

/// What is asked for. Filters that are empty don't count.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FetchQuery {
    /// `instanceName`, which may come several times.
    pub(super) names: Vec<String>,
    /// `instanceId`.
    pub(super) id: Option<String>,
    /// `number`.
    pub(super) number: Option<String>,
    /// `limit`: how many instances at most.
    pub(super) limit: usize,
    /// `cursor`: the last name of the page before.
    pub(super) after: Option<InstanceName>,
}

impl FetchQuery {
    /// Reads the query.
    ///
    /// # Errors
    /// 400 for a limit or a cursor that can't be used.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parsed = Self {
            names: Vec::new(),
            id: None,
            number: None,
            limit: MAX_LIMIT,
            after: None,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            match &*name {
                "instanceName" | "instanceName[]" => parsed.names.push(value.into_owned()),
                "instanceId" => parsed.id = Some(value.into_owned()),
                "number" => parsed.number = Some(value.into_owned()),
                "limit" => parsed.limit = limit(&value)?,
                "cursor" => parsed.after = Some(name_in(&value)?),
                _ => {}
            }
        }
        Ok(parsed)
    }
}

fn limit(text: &str) -> Result<usize, ApiError> {
    let problem = match text.parse() {
        Ok(0) => "limit must be greater than or equal to 1".to_owned(),
        Ok(limit) if limit <= MAX_LIMIT => return Ok(limit),
        Ok(_) => format!("limit must be less than or equal to {MAX_LIMIT}"),
        Err(_) => "limit is not of a type(s) integer".to_owned(),
    };
    Err(ApiError::schema(vec![problem]))
}

/// The cursor of the page after `last`: the name in base64, since a header takes no other text.
pub(super) fn cursor(last: &InstanceName) -> Option<HeaderValue> {
    HeaderValue::try_from(URL_SAFE_NO_PAD.encode(last.as_str())).ok()
}

fn name_in(cursor: &str) -> Result<InstanceName, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|name| InstanceName::parse(&name).ok())
        .ok_or_else(|| ApiError::bad_request("Invalid cursor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_name() {
        for name in ["b1", "Suporte São Paulo", "名"] {
            let name = InstanceName::parse(name).unwrap();
            let query = format!(
                "cursor={}&limit=7",
                cursor(&name).unwrap().to_str().unwrap()
            );
            let parsed = FetchQuery::parse(&query).unwrap();
            assert_eq!((parsed.after, parsed.limit), (Some(name), 7));
        }
    }
}
