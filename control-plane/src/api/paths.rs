//! Express' idea of paths: literals in any case, one slash at the end allowed.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Rewrites a request's path to the spelling of the template that it means.
#[derive(Clone, Default)]
pub(super) struct Spelling {
    templates: Vec<&'static str>,
}

impl Spelling {
    /// Remembers a template such as `/instance/connect/{name}`.
    pub(super) fn learn(&mut self, template: &'static str) {
        self.templates.push(template);
    }

    /// The request with its path in the known spelling. Unknown paths stay as they are.
    pub(super) fn correct(&self, mut req: Request) -> Request {
        if let Some(uri) = self.corrected(req.uri()) {
            *req.uri_mut() = uri;
        }
        req
    }

    fn corrected(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path();
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let spelled = self
            .templates
            .iter()
            .find_map(|template| spell(template, trimmed))?;
        if spelled == path {
            return None;
        }
        let full = match uri.query() {
            Some(query) => format!("{spelled}?{query}"),
            None => spelled,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(full).ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// `path` in the spelling of `template`, if it matches but for the case of literals.
fn spell(template: &str, path: &str) -> Option<String> {
    let mut spelled = String::with_capacity(path.len());
    let mut actual = path.split('/').skip(1);
    for wanted in template.split('/').skip(1) {
        let part = actual.next()?;
        spelled.push('/');
        if wanted.starts_with('{') {
            if part.is_empty() {
                return None;
            }
            spelled.push_str(part);
        } else if part.eq_ignore_ascii_case(wanted) {
            spelled.push_str(wanted);
        } else {
            return None;
        }
    }
    actual.next().is_none().then_some(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_ignore_case_and_names_keep_it() {
        let mut spelling = Spelling::default();
        spelling.learn("/instance/connectionState/{name}");
        spelling.learn("/instance/create");
        let fixed = |uri: &str| {
            let uri: Uri = uri.parse().unwrap();
            spelling.corrected(&uri).unwrap_or(uri).to_string()
        };
        for (uri, wanted) in [
            (
                "/INSTANCE/ConnectionState/Bob",
                "/instance/connectionState/Bob",
            ),
            (
                "/instance/connectionstate/a%2Fb/?x=/Y",
                "/instance/connectionState/a%2Fb?x=/Y",
            ),
            ("/Instance/Create/", "/instance/create"),
            ("/instance/create//", "/instance/create//"),
            ("//instance/create", "//instance/create"),
            ("/Instance/connectionState//", "/Instance/connectionState//"),
            ("/Instance/connectionState/", "/Instance/connectionState/"),
            ("/Nope/X", "/Nope/X"),
        ] {
            assert_eq!(fixed(uri), wanted);
        }
    }
}
